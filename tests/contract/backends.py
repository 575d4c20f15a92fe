"""The backends that the contract suites run on. A second one is one more entry of each table."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.ports import Bus, EventStore, PresenceBook
from handoff.store.database import Database
from handoff.store.sqlite import SqliteEventStore

Now = Callable[[], float]


class SqliteBackend:
    """An event store in a file of a folder; it can be closed and opened again as after a restart."""

    def __init__(self, folder: Path, now: Now) -> None:
        self._path = folder / "handoff.db"
        self._now = now
        self._database: Database | None = None

    def open(self) -> EventStore:
        self._database = Database(self._path)
        return SqliteEventStore(self._database, now=self._now)

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def fill_up(self) -> None:
        """Leave the store no room to grow, as on a full disk."""
        self._limit("(select page_count from pragma_page_count)")

    def make_room(self) -> None:
        self._limit("1073741823")

    def _limit(self, pages: str) -> None:
        assert self._database is not None

        def write(connection: sqlite3.Connection) -> None:
            (count,) = connection.execute(f"select {pages}").fetchone()
            connection.execute(f"pragma max_page_count = {count}")

        self._database.write(write)


EVENT_STORES: dict[str, Callable[[Path, Now], SqliteBackend]] = {"sqlite": SqliteBackend}


class InProcessBusBackend:
    """A bus that delivers before `ring` returns; a remote one waits here until what was rung has arrived."""

    def open(self) -> Bus:
        return InProcessBus()

    def settle(self) -> None:
        """Wait until everything that was rung and whispered has been delivered."""

    def close(self) -> None:
        """Nothing to close."""


BUSES: dict[str, Callable[[], InProcessBusBackend]] = {"in process": InProcessBusBackend}

PRESENCE_BOOKS: dict[str, Callable[[], PresenceBook]] = {"in process": InProcessPresenceBook}
