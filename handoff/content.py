"""What the command line does with articles and people: import into and export from the running knowledge
base, the fit of its probability to labels, one-time links."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from handoff.auth import Accounts, Role
from handoff.backends import open_database
from handoff.errors import BatonError, KnowledgeBaseAway
from handoff.kb_client import KnowledgeBase
from handoff.settings import ROOT, Settings
from handoff.store.staff import SqlStaffStore

DEMO_ARTICLES = ROOT / "knowledge_base" / "articles"

IMPORT_TIMEOUT_S = 1_800.0
"""A large help centre is encoded while the request waits: some 20 passages a second on two cores, on the safe side."""


def import_articles(
    settings: Settings, path: Path, *, dry_run: bool, publish: bool, kind: str | None = None, site_url: str = ""
) -> dict[str, Any]:
    """Read a folder, an archive or a file, and hand it to the running knowledge base; gives its report.

    Raises:
        KnowledgeBaseFailed: it is not running, or fails.
        BatonError: it refused the import, or there is nothing to import; nothing was changed.
    """
    from knowledge_base.errors import InvalidInputError
    from knowledge_base.importing.articles import KINDS, read_articles
    from knowledge_base.responses import describe_draft

    try:
        found = read_articles(path, kind=next((known for known in KINDS if known == kind), None), site_url=site_url)
    except InvalidInputError as exc:
        raise BatonError(exc.message) from exc
    report: dict[str, Any] = {"created": 0, "updated": 0, "unchanged": 0, "skipped": []}
    if found.drafts:
        body = {
            "articles": [describe_draft(draft) for draft in found.drafts],
            "author": "import",
            "publish": publish,
            "dry_run": dry_run,
        }
        report = _ask(settings, "POST", "/import", "The import was refused", body)
    skipped = [{"source": skip.source, "reason": skip.reason} for skip in found.skipped]
    report["skipped"] = skipped + report["skipped"]
    report["warnings"] = [{"source": note.source, "reason": note.reason} for note in found.warnings]
    return report


def export_articles(settings: Settings, folder: Path, *, dry_run: bool) -> list[str]:
    """Write every article of the running knowledge base into a new folder; gives the files' names.

    Raises:
        KnowledgeBaseFailed: it is not running, or fails.
        BatonError: the folder is not empty or cannot be written.
    """
    import msgspec

    from knowledge_base.errors import InvalidInputError
    from knowledge_base.exporting import write_articles
    from knowledge_base.requests import ImportedArticle, build_imported

    answer = _ask(settings, "GET", "/export", "The export was refused")
    try:
        drafts = [build_imported(msgspec.convert(article, ImportedArticle)) for article in answer["articles"]]
        return write_articles(drafts, folder, is_dry_run=dry_run)
    except InvalidInputError as exc:
        raise BatonError(exc.message) from exc


def refit(settings: Settings) -> dict[str, Any]:
    """Have the running knowledge base fit its probability to the labels; gives what came of it.

    Raises:
        KnowledgeBaseFailed: it is not running, or fails.
    """
    return _ask(settings, "POST", "/refit", "The fit was refused")


def forget_labels(settings: Settings) -> int:
    """Have the running knowledge base delete all labels and the fit; gives how many. Raises as `refit` does."""
    return int(_ask(settings, "DELETE", "/labels", "The labels could not be deleted")["labels"])


def print_refit(done: dict[str, Any], console: Console) -> None:
    """Print what came of a fit."""
    console.print(f"Labelled questions that count: {done['right']:g} answered rightly, {done['wrong']:g} wrongly.")
    missing = [f"{count} more {kind}" for kind in ("right", "wrong") if (count := done[f"missing_{kind}"])]
    if missing:
        console.print(f"Too few for a fit: {' and '.join(missing)} are needed. The shipped probability is used.")
        return
    held_out = f"log loss on held-out labels {done['loss_before']:.3f} without, {done['loss_after']:.3f} with the fit"
    taken = done["recalibration"]
    if taken:
        change = f"{taken['slope']:.2f} * log odds {taken['shift']:+.2f}"
        console.print(f"The fit is used from now on: {change} ({held_out}).", soft_wrap=True)
    else:
        console.print(
            f"The fit is not clearly better, so the shipped probability is used ({held_out}).", soft_wrap=True
        )


def _ask(settings: Settings, method: str, path: str, refusal: str, body: object | None = None) -> dict[str, Any]:
    try:
        with _open_knowledge_base(settings) as client:
            answer = client.ask(method, path, body=body, timeout_s=IMPORT_TIMEOUT_S)
    except KnowledgeBaseAway as exc:
        raise KnowledgeBaseAway(
            "The knowledge base is not running. Start Baton with `make run`, then repeat this in another terminal."
        ) from exc
    if answer.status != 200:
        raise BatonError(f"{refusal}: {answer.body['error']['message']}")
    given: dict[str, Any] = answer.body
    return given


def print_report(report: dict[str, Any], console: Console, *, dry_run: bool) -> None:
    """Print what an import did, or would do."""
    head = "Would import" if dry_run else "Imported"
    console.print(
        f"{head}: {report['created']} new, {report['updated']} changed, {report['unchanged']} unchanged, "
        f"{len(report['skipped'])} skipped."
    )
    for word, lines in (("skipped", report["skipped"]), ("note", report["warnings"])):
        for line in lines:
            console.print(f"  {word} {line['source']}: {line['reason']}", soft_wrap=True, markup=False)


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
