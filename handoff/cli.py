"""The command line, rung 6 of the ladder: `baton run`, `doctor`, `import`, `invite`."""

import sys
from pathlib import Path

import click
from rich.console import Console

from handoff.errors import BatonError
from handoff.settings import read_settings

console = Console(highlight=False)


class _Border(click.Group):
    """The command line's border: expected errors become one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BatonError as exc:
            console.print(f"[bold red]baton:[/] {exc.message}", soft_wrap=True)
            sys.exit(1)


@click.group(cls=_Border)
def main() -> None:
    """Baton: a support desk that puts a chatbot first and a person right behind it."""


@main.command()
def run() -> None:
    """Start everything and keep it running until Ctrl-C."""
    from handoff.run import run_everything

    sys.exit(run_everything(read_settings(), console))


@main.command()
def doctor() -> None:
    """Tell whether every part is well, and how to mend what is not."""
    from handoff.doctor import examine, print_findings

    sys.exit(print_findings(examine(), console))


@main.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@click.option("--draft", is_flag=True, help="Import as drafts instead of publishing.")
def import_folder(folder: Path, dry_run: bool, draft: bool) -> None:
    """Import a folder of Markdown articles into the running knowledge base."""
    from handoff.content import import_articles, print_report

    report = import_articles(read_settings(), folder, dry_run=dry_run, publish=not draft)
    print_report(report, console, dry_run=dry_run)


@main.command()
@click.option("--role", type=click.Choice(["operator", "editor", "admin"]), required=True)
@click.option("--email", default=None, help="Fix the e-mail address; else whoever joins gives one.")
@click.option("--name", default=None)
def invite(role: str, email: str | None, name: str | None) -> None:
    """Make an account and print the one-time link that completes it."""
    from handoff.content import invite_person

    console.print(invite_person(read_settings(), role=role, email=email, name=name), soft_wrap=True)


if __name__ == "__main__":
    main()
