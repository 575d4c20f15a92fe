"""The database file: connections, migrations, transactions.

One SQLite file in WAL mode. Writes go through one connection under a lock, in immediate transactions, and
are on the disk when `write` returns; every thread reads over its own connection and never waits for a
writer. Knows tables, not meanings: those are in `article_store`, `passage_store`, `gaps` and `labels`.
"""

import fcntl
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils import Database as SqliteUtilsDatabase
from sqlite_utils import Migrations

from knowledge_base.errors import InvalidInputError

# A writer of another process (a backup, the command line) may hold the file this long.
BUSY_TIMEOUT_S = 10.0
# Inserts between two deletions of the oldest rows of a table that is kept short.
_PRUNE_EVERY = 500

migrations = Migrations("knowledge_base")


class Database:
    """A database file that is open. Safe to use from many threads; close it once."""

    def __init__(self, path: Path) -> None:
        """Open or create the file and bring its tables up to date.

        Raises:
            InvalidInputError: if the file cannot be opened or is not a database.
        """
        # Connections are opened as threads come, and somebody may change the working directory meanwhile.
        self._path = path.absolute()
        self._write_lock = threading.RLock()
        self._readers: weakref.WeakSet[_Reader] = weakref.WeakSet()
        self._readers_lock = threading.Lock()
        self._local = threading.local()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _lock_folder(self._path.parent):
                self._writer = self._connect()
                migrations.apply(SqliteUtilsDatabase(self._writer))
        except (OSError, sqlite3.Error) as exc:
            raise InvalidInputError(
                "database_unusable",
                f"The database {path} cannot be used ({exc}): check the path and its rights.",
            ) from exc

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Hold the only write transaction: committed and durable at the end, undone on any exception."""
        with self._write_lock:
            self._writer.execute("begin immediate")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("rollback")
                raise
            self._writer.execute("commit")

    def read(self) -> sqlite3.Connection:
        """Return this thread's reading connection; it sees what was committed before each statement.

        It is closed when the thread ends.
        """
        reader: _Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = _Reader(self._connect())
            reader.connection.execute("pragma query_only = on")
            self._local.reader = reader
            with self._readers_lock:
                self._readers.add(reader)
        return reader.connection

    def close(self) -> None:
        """Close all connections; nobody may be using them."""
        with self._readers_lock, self._write_lock:
            for reader in list(self._readers):
                reader.connection.close()
            self._writer.close()
            self._readers.clear()
            self._local = threading.local()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        # SQLite's own lower() knows ASCII only.
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        return connection


@contextmanager
def _lock_folder(folder: Path) -> Iterator[None]:
    """Have others that open a database in this folder wait, in this process and in any other.

    Who opens a new file switches it to WAL, for which SQLite does not wait, and looks which migrations are missing
    before it takes a lock. (A lock on the file itself would take SQLite's own locks along when it is closed.)
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class _Reader:
    """A thread's connection. Only the thread's local storage holds it, so that both go together."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def __del__(self) -> None:
        self.connection.close()


def delete_oldest(connection: sqlite3.Connection, table: str, last_id: int, *, max_rows: int) -> None:
    """Keep about the newest `max_rows` of a table, given the id of the row that was just inserted."""
    # Deleting on every insert would double the writes.
    if last_id % min(_PRUNE_EVERY, max_rows) == 0:
        connection.execute(f"delete from {table} where id <= ?", (last_id - max_rows,))


@migrations()
def create_articles(db: SqliteUtilsDatabase) -> None:
    db.execute(
        """
        create table articles (
            id integer primary key,
            language text not null,
            slug text not null,
            status text not null check (status in ('draft', 'published', 'archived')),
            newest_revision integer not null,
            published_revision integer,
            source text not null,
            permalink text not null,
            updated_at real not null,
            unique (language, slug)
        )
        """
    )
    db.execute(
        """
        create table revisions (
            article_id integer not null references articles (id),
            revision integer not null,
            title text not null,
            body text not null,
            tags text not null,
            phrasings text not null,
            author text not null,
            created_at real not null,
            content_hash text not null,
            primary key (article_id, revision)
        )
        """
    )


@migrations()
def create_passages(db: SqliteUtilsDatabase) -> None:
    """Passages of every revision that was ever published stay: an answer given names its passage for good."""
    db.execute(
        """
        create table passages (
            id integer primary key autoincrement,
            article_id integer not null references articles (id),
            revision integer not null,
            cut_by text not null,
            position integer not null,
            headings text not null,
            markdown text not null,
            text text not null,
            unique (article_id, revision, cut_by, position)
        )
        """
    )
    # Rows are in the order of writing: an article's texts lie next to each other on the disk. (By their hashes, which
    # is no order at all, a question's first reading of 75 texts out of 150,000 took 0.9 s on a busy disk.)
    db.execute(
        """
        create table embeddings (
            content_hash text not null,
            model text not null,
            vector blob not null,
            primary key (content_hash, model)
        )
        """
    )


@migrations()
def create_token_vectors(db: SqliteUtilsDatabase) -> None:
    db.execute(
        """
        create table token_vectors (
            content_hash text not null,
            model text not null,
            ids blob not null,
            vectors blob not null,
            primary key (content_hash, model)
        )
        """
    )


@migrations()
def create_questions(db: SqliteUtilsDatabase) -> None:
    db.execute(
        """
        create table questions (
            id integer primary key,
            question text not null,
            wording text not null,
            language text not null,
            verdict text not null,
            asked_at real not null,
            best_slug text,
            best_language text,
            best_title text,
            best_probability real
        )
        """
    )
    db.execute("create index questions_wording on questions (wording, language)")
    db.execute("create index questions_asked_at on questions (asked_at)")
    db.execute("create table dismissed_questions (wording text primary key, dismissed_at real not null)")


@migrations()
def add_audience(db: SqliteUtilsDatabase) -> None:
    db.execute("alter table revisions add column audience text not null default 'everyone'")


@migrations()
def create_labels(db: SqliteUtilsDatabase) -> None:
    """At most one recalibration is in force."""
    db.execute(
        """
        create table labels (
            id integer primary key,
            question text not null,
            wording text not null,
            language text not null,
            slug text not null,
            revision integer not null,
            is_right integer not null,
            source text not null check (source in ('visitor', 'operator', 'editor')),
            author text not null,
            labelled_at real not null,
            unique (wording, language, slug, source, author)
        )
        """
    )
    db.execute(
        """
        create table recalibration (
            id integer primary key check (id = 1),
            model text not null,
            calibration text not null,
            slope real not null,
            shift real not null,
            fitted_at real not null
        )
        """
    )


@migrations()
def add_continuations(db: SqliteUtilsDatabase) -> None:
    db.execute("alter table passages add column continues integer not null default 0")
