"""What the command line does with articles and people: the import into the running knowledge base, one-time links."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from handoff.auth import Accounts, Role
from handoff.backends import open_database
from handoff.errors import BatonError, KnowledgeBaseFailed
from handoff.kb_client import KnowledgeBase
from handoff.settings import ROOT, Settings
from handoff.store.staff import SqlStaffStore

if TYPE_CHECKING:
    from knowledge_base.article import ArticleDraft

DEMO_ARTICLES = ROOT / "knowledge_base" / "articles"

IMPORT_TIMEOUT_S = 1_800.0
"""A large help centre is encoded while the request waits: some 20 passages a second on two cores, on the safe side."""


def import_articles(settings: Settings, folder: Path, *, dry_run: bool, publish: bool) -> dict[str, Any]:
    """Read a folder of Markdown and hand it to the running knowledge base; gives its report.

    Raises:
        KnowledgeBaseFailed: it is not running.
        BatonError: it refused the import; nothing was changed.
    """
    from knowledge_base.importing.markdown_folder import read_markdown_folder

    found = read_markdown_folder(folder)
    body = {
        "articles": [_as_import(draft) for draft in found.drafts],
        "author": "import",
        "publish": publish,
        "dry_run": dry_run,
    }
    try:
        with _open_knowledge_base(settings) as client:
            answer = client.ask("POST", "/import", body=body, timeout_s=IMPORT_TIMEOUT_S)
    except KnowledgeBaseFailed as exc:
        raise KnowledgeBaseFailed(
            "The knowledge base is not running. Start Baton with `make run`, then import in another terminal."
        ) from exc
    if answer.status != 200:
        raise BatonError(f"The import was refused: {answer.body['error']['message']}")
    report: dict[str, Any] = answer.body
    skipped = [{"source": skip.source, "reason": skip.reason} for skip in found.skipped]
    report["skipped"] = skipped + report["skipped"]
    report["notes"] = [{"source": note.source, "reason": note.reason} for note in found.notes]
    return report


def _as_import(draft: "ArticleDraft") -> dict[str, Any]:
    return {
        "source": draft.source,
        "slug": draft.slug,
        "language": draft.language,
        "permalink": draft.permalink,
        "title": draft.content.title,
        "body": draft.content.body,
        "tags": list(draft.content.tags),
        "phrasings": list(draft.content.phrasings),
    }


def print_report(report: dict[str, Any], console: Console, *, dry_run: bool) -> None:
    """Print what an import did, or would do."""
    head = "Would import" if dry_run else "Imported"
    console.print(
        f"{head}: {report['created']} new, {report['updated']} changed, {report['unchanged']} unchanged, "
        f"{len(report['skipped'])} skipped."
    )
    for word, lines in (("skipped", report["skipped"]), ("note", report["notes"])):
        for line in lines:
            console.print(f"  {word} {line['source']}: {line['reason']}", soft_wrap=True)


def import_demo_if_empty(settings: Settings, console: Console) -> dict[str, Any] | None:
    """Give an empty knowledge base the demo company's articles; None if it has some already."""
    with _open_knowledge_base(settings) as client:
        if client.ask("GET", "/health").body["articles"]:
            return None
    console.print("Importing the demo help centre (half a minute; only the first time) ...")
    return import_articles(settings, DEMO_ARTICLES, dry_run=False, publish=True)


def invite_person(settings: Settings, *, role: str, email: str | None, name: str | None) -> str:
    """Make an account; give the one-time link that completes it."""
    with _open_accounts(settings) as accounts:
        _, token = accounts.invite(role=Role(role), email=email, name=name)
    return f"{settings.public_url}/join/{token}"


def link_for_first_admin(settings: Settings) -> str | None:
    """Give a fresh one-time link for the first administrator; None once there is one."""
    with _open_accounts(settings) as accounts:
        if accounts.has_admin():
            return None
        pending = [p for p in accounts.people() if p.role == Role.ADMIN and not p.password_hash]
        token = accounts.new_link(pending[0].id) if pending else accounts.invite(role=Role.ADMIN)[1]
    return f"{settings.public_url}/join/{token}"


@contextmanager
def _open_accounts(settings: Settings) -> Iterator[Accounts]:
    database = open_database(settings)
    try:
        yield Accounts(SqlStaffStore(database))
    finally:
        database.close()


@contextmanager
def _open_knowledge_base(settings: Settings) -> Iterator[KnowledgeBase]:
    client = KnowledgeBase(settings.kb_url, token=settings.kb_token)
    try:
        yield client
    finally:
        client.close()
