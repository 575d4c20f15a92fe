"""The desk's database as one SQLite file, with one native writer thread and group commit.

Writes that arrive while a commit is being flushed share the next one, so that durability costs one disk flush, not
one per write. The flush runs outside the event loop; callers wait as greenlets. Reads run on the caller's greenlet:
each is a few index look-ups in a file that is in the page cache, well under a millisecond.
"""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import gevent
from gevent.event import AsyncResult, Event
from gevent.threadpool import ThreadPool
from sqlite_utils import Database as UtilsDatabase

from handoff.errors import AlreadyThere, StoreFailed
from handoff.store.database import Row, Transaction
from handoff.store.schema import migrations

T = TypeVar("T")
Write = Callable[[Transaction], Any]

BATCH_MAX_WRITES = 200
"""One commit carries at most this many writes: a burst then waits for a few short flushes instead of one long
transaction.
"""

BUSY_TIMEOUT_S = 10.0
"""Another process (the command line) may hold the write lock for a moment."""


class SqliteDatabase:
    """Owns the file: its schema, its one writer and its reader. See `database.Database` for the guarantees."""

    def __init__(self, path: Path) -> None:
        """Open `path`, creating and migrating it where needed.

        Raises:
            StoreFailed: the file cannot be opened, or is not a database of Baton's.
        """
        self._writer = _connect(path)
        try:
            migrations.apply(UtilsDatabase(self._writer))
        except sqlite3.Error as exc:
            raise StoreFailed(f"{path} is not a usable database: {exc}. Restore a backup or move it away.") from exc
        self._writer.isolation_level = None
        self._reader = _connect(path)
        self._pool = ThreadPool(1)
        self._waiting: list[tuple[Write, AsyncResult]] = []
        self._has_work = Event()
        self._is_closed = False
        self._committer = gevent.spawn(self._commit_forever)

    def write(self, write: Callable[[Transaction], T]) -> T:
        # Runs in the writer thread, in a savepoint of its own: if it raises, only its own changes are undone.
        if self._is_closed:
            raise StoreFailed("The server is shutting down. Send it again in a moment.")
        result = AsyncResult()
        self._waiting.append((write, result))
        self._has_work.set()
        outcome: T = result.get()
        return outcome

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        # Never waits for the writer (WAL).
        try:
            return cast(list[Row], self._reader.execute(sql, parameters).fetchall())
        except sqlite3.Error as exc:
            raise StoreFailed(f"The log could not be read: {exc}. Ask `baton doctor`.") from exc

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        self._has_work.set()
        self._committer.join()
        self._pool.kill()
        self._reader.close()
        self._writer.close()

    def _commit_forever(self) -> None:
        while self._waiting or not self._is_closed:
            self._has_work.wait()
            batch, self._waiting = self._waiting[:BATCH_MAX_WRITES], self._waiting[BATCH_MAX_WRITES:]
            if not self._waiting and not self._is_closed:
                self._has_work.clear()
            if batch:
                self._commit(batch)

    def _commit(self, batch: list[tuple[Write, AsyncResult]]) -> None:
        outcomes = self._pool.apply(_run_batch, (self._writer, [write for write, _ in batch]))
        for (_, result), (value, error) in zip(batch, outcomes, strict=True):
            if error is None:
                result.set(value)
            else:
                result.set_exception(error)


class _SqliteTransaction:
    """The writer's connection as `database.Transaction`; its transactions exclude each other."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return cast(list[Row], self._connection.execute(sql, parameters).fetchall())

    def lock(self, name: str) -> None:
        """Nothing to do: `begin immediate` has locked the whole file."""


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # The writer is made here but used by the pool's one thread; sqlite3 itself is built for that (serialized mode).
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
    except sqlite3.Error as exc:
        raise StoreFailed(f"{path} cannot be opened: {exc}. Check the folder's rights and free space.") from exc
    return connection


def _run_batch(connection: sqlite3.Connection, writes: list[Write]) -> list[tuple[Any, Exception | None]]:
    """Run all writes in one transaction; runs in the native thread, so it must not touch any greenlet."""
    try:
        connection.execute("begin immediate")
        outcomes = [_run_write(connection, write) for write in writes]
        connection.execute("commit")
    except sqlite3.Error as exc:
        if connection.in_transaction:
            connection.execute("rollback")
        words = f"The log could not be written: {exc}. Nothing was recorded; free disk space and try again."
        return [(None, StoreFailed(words)) for _ in writes]
    return outcomes


def _run_write(connection: sqlite3.Connection, write: Write) -> tuple[Any, Exception | None]:
    connection.execute("savepoint one_write")
    try:
        value = write(_SqliteTransaction(connection))
    except sqlite3.OperationalError:
        raise  # disk full, file gone: SQLite may already have undone the whole transaction, so the whole batch fails
    except Exception as exc:  # noqa: BLE001 - a border: the error belongs to the one who asked, and is raised there
        connection.execute("rollback to one_write")
        connection.execute("release one_write")
        return None, AlreadyThere(str(exc)) if isinstance(exc, sqlite3.IntegrityError) else exc
    connection.execute("release one_write")
    return value, None
