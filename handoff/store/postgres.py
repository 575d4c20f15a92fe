"""The desk's database as a PostgreSQL server, for more than one process or machine.

Each write is a transaction of its own: the server itself lets commits that arrive together share one flush. A
greenlet that waits for the server lets the others run. While the server is away, calls wait for it for up to
`PATIENCE_S`; one whose commit got lost on the way says so.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import gevent
import gevent.select
import psycopg
import psycopg_pool
from gevent.lock import BoundedSemaphore
from psycopg.abc import PQGen
from psycopg.rows import DictRow, dict_row
from psycopg.waiting import Ready, Wait

from handoff.errors import AlreadyThere, StoreFailed
from handoff.store.database import Row, Transaction
from handoff.store.schema import POSTGRES_WORDS, STEPS

T = TypeVar("T")

CONNECTIONS_MAX = 10
"""Of one process. A transaction lasts some milliseconds, so that ten serve a few thousand a second."""

PATIENCE_S = 10.0
"""A server that restarts is back within this time; a visitor's pending message waits as long."""

TRIES = 3
"""A transaction that was lost before its commit is run again on a fresh connection, this often in all."""

CLAIM_PATIENCE_S = 5.0
"""A process that was just killed still counts until the server notices."""

# "baton" in ASCII, and the next number.
_SCHEMA_LOCK = 0x6261746F6E
_PROCESS_LOCK = _SCHEMA_LOCK + 1


class PostgresDatabase:
    """A pool of connections to one database. See `database.Database` for the guarantees."""

    def __init__(self, url: str) -> None:
        """Connect to `url` (postgresql://user:password@host:port/name), creating or migrating the schema.

        Raises:
            StoreFailed: the server cannot be reached, or refuses.
        """
        self._url = url
        self._pool: psycopg_pool.ConnectionPool[_GreenConnection] = psycopg_pool.ConnectionPool(
            url,
            connection_class=_GreenConnection,
            kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 5},
            configure=_make_durable,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            timeout=PATIENCE_S,
            reconnect_timeout=PATIENCE_S,
            open=False,
        )
        # Whoever gets through here finds a connection in the pool: the pool's own waiting would hold up the event loop
        # where the standard library's locks are not gevent's.
        self._slots = BoundedSemaphore(CONNECTIONS_MAX)
        self._claim: _GreenConnection | None = None
        self._is_closed = False
        self._pool.open()
        try:
            self.write(_bring_schema_up_to_date)
        except StoreFailed:
            self.close()
            raise

    def write(self, write: Callable[[Transaction], T]) -> T:
        if self._is_closed:
            raise StoreFailed("The server is shutting down. Send it again in a moment.")
        return self._try(
            lambda: self._write_once(write), "The log could not be written", "Nothing was recorded; try again."
        )

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        def read() -> list[Row]:
            try:
                with self._connection() as connection:
                    return _rows(connection, sql, parameters)
            except psycopg.OperationalError as exc:
                raise _Lost(str(exc)) from exc
            except psycopg.Error as exc:
                raise StoreFailed(f"The log could not be read: {exc}. Ask `baton doctor`.") from exc

        return self._try(read, "The log could not be read", "Ask `baton doctor`.")

    def claim_for_this_process(self) -> bool:
        """Keep every other process that asks the same away from this database; False if one was faster.

        The claim ends with this process, or with the server: it guards a start, not a moment later.
        """
        claim = _GreenConnection.connect(self._url, autocommit=True, connect_timeout=5, row_factory=dict_row)
        deadline = time.monotonic() + CLAIM_PATIENCE_S
        while not _rows(claim, f"select pg_try_advisory_lock({_PROCESS_LOCK}) as is_ours", ())[0]["is_ours"]:
            if time.monotonic() > deadline:
                claim.close()
                return False
            gevent.sleep(0.2)
        self._claim = claim
        return True

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            if self._claim is not None:
                self._claim.close()
            self._pool.close()

    def _try(self, act: Callable[[], T], what_failed: str, what_to_do: str) -> T:
        """Act, and again on a fresh connection after one that was lost."""
        for tries_left in range(TRIES - 1, -1, -1):
            try:
                return act()
            except _Lost as exc:
                if not tries_left:
                    raise StoreFailed(f"{what_failed}: {exc}. {what_to_do}") from exc
                # One lost connection seldom comes alone: a server that restarted has ended them all.
                self._pool.check()
        raise AssertionError("the last try returns or raises")

    def _write_once(self, write: Callable[[Transaction], T]) -> T:
        is_committing = False
        try:
            with self._connection() as connection:
                connection.execute("begin")  # what raises in here, the connection's own block rolls back
                value = write(_PostgresTransaction(connection))
                is_committing = True
                connection.execute("commit")
        except psycopg.errors.UniqueViolation as exc:
            raise AlreadyThere(str(exc)) from exc
        except psycopg.OperationalError as exc:
            if is_committing:
                raise StoreFailed(
                    "The connection to the log was lost while it was written. Send it again: what was recorded is not "
                    "recorded twice."
                ) from exc
            raise _Lost(str(exc)) from exc
        except psycopg.Error as exc:
            raise StoreFailed(f"The log could not be written: {exc}. Nothing was recorded.") from exc
        return value

    @contextmanager
    def _connection(self) -> Iterator["_GreenConnection"]:
        if self._is_closed:
            raise StoreFailed("The server is shutting down. Send it again in a moment.")
        with self._slots:
            try:
                with self._pool.connection() as connection:
                    yield connection
            except psycopg_pool.PoolTimeout as exc:
                raise StoreFailed(f"PostgreSQL does not answer: {exc}. See that it runs; try again.") from exc
            except psycopg_pool.PoolClosed as exc:
                raise StoreFailed("The server is shutting down. Send it again in a moment.") from exc


class _Lost(Exception):
    """Nothing was recorded, for certain: the connection was lost, or the server chose this transaction to end."""


class _GreenConnection(psycopg.Connection[DictRow]):
    """A connection that waits for its server as a greenlet, whether the standard library is patched or not."""

    def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:
        fileno = self.pgconn.socket
        try:
            wanted = next(gen)
            while True:
                readable, writable, _ = gevent.select.select(
                    [fileno] if wanted & Wait.R else [], [fileno] if wanted & Wait.W else [], [], timeout
                )
                wanted = gen.send(Ready((Ready.R if readable else 0) | (Ready.W if writable else 0)))
        except StopIteration as exc:
            value: T = exc.value
            return value
        except OSError as exc:
            raise psycopg.OperationalError(f"connection lost: {exc}") from exc


class _PostgresTransaction:
    """A connection in a transaction as `database.Transaction`."""

    def __init__(self, connection: _GreenConnection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> int:
        return self._connection.execute(_in_its_own_words(sql), parameters).rowcount

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        return _rows(self._connection, sql, parameters)

    def lock(self, name: str) -> None:
        self._connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))


def _rows(connection: _GreenConnection, sql: str, parameters: Sequence[object]) -> list[Row]:
    rows: list[Any] = connection.execute(_in_its_own_words(sql), parameters).fetchall()
    return rows


def _in_its_own_words(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _make_durable(connection: _GreenConnection) -> None:
    # Whatever the server's default is: an acknowledged message has been flushed.
    connection.execute("set synchronous_commit = on")


def _bring_schema_up_to_date(transaction: Transaction) -> None:
    transaction.execute(f"select pg_advisory_xact_lock({_SCHEMA_LOCK})")
    transaction.execute(
        "create table if not exists schema_steps (name text primary key, applied_at timestamptz not null)"
    )
    applied = {row["name"] for row in transaction.rows("select name from schema_steps")}
    for name, statements in STEPS.items():
        if name not in applied:
            for statement in statements:
                transaction.execute(statement.format(**POSTGRES_WORDS))
            transaction.execute("insert into schema_steps (name, applied_at) values (?, now())", (name,))
