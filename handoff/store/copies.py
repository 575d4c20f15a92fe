"""Copies of SQLite databases that are in use, through SQLite's online backup: whole and of one moment, whatever is
written meanwhile; rung 3 of the ladder.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

from handoff.errors import StoreFailed
from handoff.store.database import Row
from handoff.store.sqlite import BUSY_TIMEOUT_S

LOCK_PATIENCE_S = 30.0
"""For so long an overwrite waits for those who write to the database. The desk does for milliseconds."""

CHECKPOINT_PATIENCE_MS = 1_000
"""Taking the log of an overwrite into the file is a tidying: if readers are in the way, a later one does it."""


def copy_database(source: Path, target: Path) -> None:
    """Write everything that is committed in `source` to the new file `target`, one file with nothing beside it.

    Raises:
        StoreFailed: `source` cannot be read, or `target` not written.
    """
    with _failing_as(source), closing(_connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("pragma journal_mode = delete")


def overwrite_database(live: Path, source: Path) -> None:
    """Make `live` hold what `source` holds, in one transaction: whoever has it open goes on with all of it or none.

    `source` may be rewritten, to the page size of `live`.

    Raises:
        StoreFailed: it is kept locked, is no database, or the disk is full; `live` is as it was.
    """
    with _failing_as(live), closing(_connect(source)) as new, closing(_connect(live, mode="rwc")) as old:
        old.execute("pragma synchronous = full")
        _take_page_size(new, old)
        deadline = time.monotonic() + LOCK_PATIENCE_S

        def give_up(status: int, _remaining: int, _total: int) -> None:
            if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
                raise StoreFailed(f"{live} is kept locked. Stop what writes to it, then try again.")

        new.backup(old, progress=give_up, sleep=0.05)
        old.execute(f"pragma busy_timeout = {CHECKPOINT_PATIENCE_MS}")
        old.execute("pragma wal_checkpoint(truncate)")


def check_integrity(path: Path) -> None:
    """Raise unless SQLite finds the file sound.

    Raises:
        StoreFailed: it is damaged, or no database.
    """
    verdict = query(path, "pragma integrity_check(1)")[0]["integrity_check"]
    if verdict != "ok":
        raise StoreFailed(f"{path.name} is damaged: {verdict}.")


def check_schema_is_known(path: Path, migrations: Migrations) -> None:
    """Raise if a newer Baton has changed the schema: this one would not know what it does to it.

    Raises:
        StoreFailed: it has, or the file is no database of this kind.
    """
    with closing(UtilsDatabase(memory=True)) as empty:
        known = {step.name for step in migrations.pending(empty)}
    rows = query(path, "select name from _sqlite_migrations where migration_set = ?", (migrations.name,))
    if unknown := {row["name"] for row in rows} - known:
        raise StoreFailed(f"{path.name} was made by a newer Baton: it has {', '.join(sorted(unknown))}.")


def query(
    path: Path, sql: str, parameters: Sequence[object] = (), *, attached: Mapping[str, Path] | None = None
) -> list[Row]:
    """Run one statement on a database file that exists, with others attached by name; give its rows.

    Raises:
        StoreFailed: the file is no database, is damaged, or the statement failed.
    """
    with _failing_as(path), closing(_connect(path)) as connection:
        for name, other in (attached or {}).items():
            connection.execute(f"attach ? as {name}", (_uri(other, "rw"),))
        return connection.execute(sql, parameters).fetchall()


def _connect(path: Path, *, mode: str = "rw") -> sqlite3.Connection:
    # Not read-only: a reader, too, has to write to the index of a write-ahead log.
    connection = sqlite3.connect(_uri(path, mode), uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _uri(path: Path, mode: str) -> str:
    return f"{path.absolute().as_uri()}?mode={mode}"


def _take_page_size(new: sqlite3.Connection, old: sqlite3.Connection) -> None:
    """Rewrite `new` where its page size differs: a database with a write-ahead log cannot change its own."""
    (wanted,) = old.execute("pragma page_size").fetchone()
    (has,) = new.execute("pragma page_size").fetchone()
    (pages,) = old.execute("pragma page_count").fetchone()
    if pages and has != wanted:
        new.execute("pragma journal_mode = delete")
        new.execute(f"pragma page_size = {wanted}")
        new.execute("vacuum")


@contextmanager
def _failing_as(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        raise StoreFailed(f"{path}: {exc}.") from exc
