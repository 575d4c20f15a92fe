"""The command line, rung 6 of the ladder: `baton run`, `retrain`, `doctor`, `import`, `export`, `refit`, `invite`,
`log`, `backup`, `restore`. `baton evaluate` comes from `evaluate`.
"""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from handoff.errors import BatonError
from handoff.evaluate import evaluate
from handoff.settings import read_settings

console = Console(highlight=False)


class _Border(click.Group):
    """The command line's border: expected errors become one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BatonError as exc:
            # It may hold anything that a file holds: brackets, and halves of characters.
            message = escape(exc.message.encode(errors="replace").decode())
            console.print(f"[bold red]baton:[/] {message}", soft_wrap=True)
            sys.exit(1)


@click.group(cls=_Border)
def main() -> None:
    """Baton: a support desk that puts a chatbot first and a person right behind it."""


@main.command()
@click.option("--only-desk", is_flag=True, help="One more machine: the desk alone, on a shared PostgreSQL and Redis.")
def run(only_desk: bool) -> None:
    """Start everything and keep it running until Ctrl-C."""
    from handoff.run import run_desk_only, run_everything

    sys.exit((run_desk_only if only_desk else run_everything)(read_settings(), console))


@main.command()
def retrain() -> None:
    """Train the bot anew and swap it in while it runs; a model that fails changes nothing."""
    from handoff.retrain import retrain as train_and_swap

    train_and_swap(read_settings(), console)


@main.command()
def doctor() -> None:
    """Tell whether every part is well, and how to mend what is not."""
    from handoff.doctor import examine, print_findings

    sys.exit(print_findings(examine(), console))


@main.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@click.option("--draft", is_flag=True, help="Import as drafts instead of publishing.")
@click.option(
    "--kind",
    type=click.Choice(["markdown", "html", "rst", "word", "table", "json"]),
    help="Read files of this kind only; a single file as this kind, whatever its name.",
)
@click.option("--site-url", default="", help="The articles stay at this site: link to them there.")
def import_path(path: Path, dry_run: bool, draft: bool, kind: str | None, site_url: str) -> None:
    """Import a folder, a zip archive or a file into the running knowledge base: all or nothing.

    Markdown (Jekyll, Hugo, Docusaurus, or Baton's export), saved web pages, reStructuredText, Word documents, CSV and
    JSON Lines of questions and answers, articles of Zendesk Guide and Intercom in JSON.
    """
    from handoff.content import import_articles, print_report

    settings = read_settings()
    report = import_articles(settings, path, dry_run=dry_run, publish=not draft, kind=kind, site_url=site_url)
    print_report(report, console, dry_run=dry_run)


@main.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only report what would be written.")
def export_folder(folder: Path, dry_run: bool) -> None:
    """Write every article into a new FOLDER as Markdown; importing it gives the same articles again."""
    from handoff.content import export_articles

    names = export_articles(read_settings(), folder, dry_run=dry_run)
    drafts = sum(name.endswith(".draft.md") for name in names)
    console.print(
        f"{'Would write' if dry_run else 'Wrote'} {len(names)} files to {folder}"
        f"{f', {drafts} of them newer drafts of published articles' if drafts else ''}.",
        soft_wrap=True,
        markup=False,
    )


@main.command()
@click.option("--reset", is_flag=True, help="Forget all labels, and with them the fit.")
def refit(reset: bool) -> None:
    """Fit the probability that an answer is right to what visitors and staff said; never to too few labels.

    Baton does it by itself every 50 labels; this does it now and says what came of it.
    """
    from handoff import content

    settings = read_settings()
    if reset:
        console.print(f"Forgot {content.forget_labels(settings)} labels. The shipped probability is used again.")
    else:
        content.print_refit(content.refit(settings), console)


@main.command()
@click.option("--role", type=click.Choice(["operator", "editor", "admin"]), required=True)
@click.option("--email", default=None, help="Fix the e-mail address; else whoever joins gives one.")
@click.option("--name", default=None)
def invite(role: str, email: str | None, name: str | None) -> None:
    """Make an account and print the one-time link that completes it."""
    from handoff.content import invite_person

    console.print(invite_person(read_settings(), role=role, email=email, name=name), soft_wrap=True)


@main.group()
def log() -> None:
    """Look after the conversation log."""


@log.command()
@click.option("--database", default=None, help="Another log: a SQLite file, or postgresql://...")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line; the last one has the counts.")
def verify(database: str | None, is_json: bool) -> None:
    """Check the rules that every log keeps; exit code 1 if one is broken. Baton may run meanwhile."""
    from handoff.maintenance import verify_log

    sys.exit(verify_log(read_settings(), database, console, is_json=is_json))


@log.command("renew-epoch")
def renew_epoch() -> None:
    """Have every client start afresh: after a restore by other means than `baton restore`."""
    from handoff import maintenance

    maintenance.renew_epoch(read_settings(), console)


@main.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def backup(file: Path | None) -> None:
    """Back up everything into one new FILE, while Baton runs."""
    from handoff.maintenance import back_up

    back_up(read_settings(), file, console)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
def restore(file: Path, is_sure: bool) -> None:
    """Put a backup in place of what is here now, while Baton runs or not."""
    from handoff.maintenance import put_back

    sys.exit(put_back(read_settings(), file, console, confirm=lambda question: is_sure or click.confirm(question)))


main.add_command(evaluate)

if __name__ == "__main__":
    main()
