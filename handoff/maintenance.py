"""What `baton log`, `backup` and `restore` do and say, rung 6 of the ladder."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from handoff.archive import counted
from handoff.backends import open_database
from handoff.backup import default_target, make_backup
from handoff.errors import StoreFailed
from handoff.log_check import LogCheck
from handoff.restore import private_copy, restore, staged_backup
from handoff.settings import Settings
from handoff.store.database import Database
from handoff.store.log import SqlEventStore
from handoff.store.postgres import PostgresDatabase
from handoff.verification import Violation

POSTGRES_SCHEMES = ("postgresql://", "postgres://")


def verify_log(settings: Settings, database: str | None, console: Console, *, is_json: bool) -> int:
    """Check the whole log and print what is wrong, then the counts; gives the exit code."""
    started = time.monotonic()
    with _log_to_verify(settings, database) as store:
        check = LogCheck(store)
        for violation in check.run():
            print_line(console, json.dumps(asdict(violation)) if is_json else _sentence(violation))
    counts = {"conversations": check.conversations, "events": check.events, "violations": check.violations}
    seconds = round(time.monotonic() - started, 1)
    if is_json:
        print_line(console, json.dumps(counts | {"seconds": seconds}))
    else:
        print_line(console, f"{counted(counts)}; {seconds:g} s.")
    return 1 if check.violations else 0


def renew_epoch(settings: Settings, console: Console) -> None:
    """Give the log another epoch."""
    _check_log_exists(settings)
    with _closing(open_database(settings)) as database:
        epoch = SqlEventStore(database).renew_log_epoch()
    print_line(console, f"The log epoch is now {epoch}. Clients forget what they show and read everything again.")


def back_up(settings: Settings, target: Path | None, console: Console) -> None:
    """Make a backup, and say what is in it and what is not."""
    backup = make_backup(settings, target or Path(default_target()))
    size = backup.path.stat().st_size
    print_line(console, f"{backup.path}: {counted(backup.manifest.counts)}; {size / 1e6:.1f} MB.")
    if backup.outside:
        print_line(console, f"Not in it, since given from outside: {', '.join(backup.outside)}.")
    if settings.database_url:
        dump = backup.path.name.removesuffix(".tar.gz") + ".pgdump"
        print_line(console, "Conversations and people are in PostgreSQL, and not in it. Back them up with:")
        print_line(console, f'  pg_dump --format=custom --file={dump} "$BATON_DATABASE_URL"')


def put_back(settings: Settings, path: Path, console: Console, *, confirm: Callable[[str], bool]) -> int:
    """Check a backup, say what restoring it means, ask, do it; gives the exit code."""
    with staged_backup(settings, path) as staged:
        manifest = staged.manifest
        print_line(console, f"Backup of {manifest.made_at}, sound: {counted(manifest.counts)}.")
        for warning in staged.warnings:
            print_line(console, warning)
        if not confirm("Replace what is here now by this backup?"):
            print_line(console, "Nothing was changed.")
            return 1
        for note in restore(settings, staged):
            print_line(console, note)
    print_line(console, "Restored. Open chat windows and consoles start afresh by themselves.")
    if settings.database_url:
        print_line(console, "Conversations and people are in PostgreSQL. Restore them, too:")
        print_line(
            console,
            '  pg_restore --clean --if-exists --single-transaction --dbname="$BATON_DATABASE_URL" FILE.pgdump'
            " && baton log renew-epoch",
        )
    return 0


def print_line(console: Console, text: str) -> None:
    """Print a line as it is, however wide the terminal."""
    console.print(text, soft_wrap=True, markup=False)


@contextmanager
def _log_to_verify(settings: Settings, database: str | None) -> Iterator[SqlEventStore]:
    if database is not None and not database.startswith(POSTGRES_SCHEMES):
        with private_copy(Path(database)) as store:
            yield store
        return
    if database is None:
        _check_log_exists(settings)
    with _closing(PostgresDatabase(database) if database else open_database(settings)) as opened:
        yield SqlEventStore(opened)


def _check_log_exists(settings: Settings) -> None:
    if not settings.database_url and not settings.database.exists():
        raise StoreFailed(f"There is no log at {settings.database} yet. Start Baton once: make run")


@contextmanager
def _closing(database: Database) -> Iterator[Database]:
    try:
        yield database
    finally:
        database.close()


def _sentence(violation: Violation) -> str:
    where = f"conversation {violation.number or '?'} ({violation.conversation_id})"
    at = f", seq {violation.seq}" if violation.seq else ""
    return f"{violation.rule}: {where}{at}: {violation.sentence}"
