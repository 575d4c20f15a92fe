"""The backends that the contract suites run on. Another one is one more entry of each table."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.bus.redis import RedisBus, RedisPresenceBook
from handoff.events import ConversationId
from handoff.ports import Bus, EventStore, Listener, PresenceBook, Ring, Whisper
from handoff.store.database import Database, Transaction
from handoff.store.log import SqlEventStore
from handoff.store.postgres import PostgresDatabase
from handoff.store.sqlite import SqliteDatabase

Now = Callable[[], float]


class StoreBackend(ABC):
    """An event store at an address; it can be closed and opened again as after a restart."""

    def __init__(self, address: str, now: Now) -> None:
        self.address = address
        self._now = now
        self.database: Database | None = None

    def open(self) -> EventStore:
        self.database = self.open_database()
        return SqlEventStore(self.database, now=self._now)

    def close(self) -> None:
        if self.database is not None:
            self.database.close()

    @abstractmethod
    def open_database(self) -> Database:
        """Open the database at the address."""


class SqliteBackend(StoreBackend):
    """The address is a folder."""

    def open_database(self) -> Database:
        return SqliteDatabase(Path(self.address) / "handoff.db")

    def fill_up(self) -> None:
        """Leave the store no room to grow, as on a full disk."""
        self._limit("(select page_count from pragma_page_count)")

    def make_room(self) -> None:
        self._limit("1073741823")

    def _limit(self, pages: str) -> None:
        assert self.database is not None

        def write(transaction: Transaction) -> None:
            (row,) = transaction.rows(f"select {pages} as count")
            transaction.rows(f"pragma max_page_count = {row['count']}")

        self.database.write(write)


class PostgresBackend(StoreBackend):
    """The address is the URL of a database."""

    def open_database(self) -> Database:
        return PostgresDatabase(self.address)


EVENT_STORES: dict[str, Callable[[str, Now], StoreBackend]] = {"sqlite": SqliteBackend, "postgres": PostgresBackend}


class InProcessBusBackend:
    """A bus that delivers before `ring` returns."""

    def __init__(self, url: str, prefix: str) -> None:
        del url, prefix

    def open(self) -> Bus:
        return InProcessBus()

    def settle(self) -> None:
        """Wait until everything that was rung and whispered has been delivered."""

    def close(self) -> None:
        """Nothing to close."""


class RedisBusBackend:
    """One process's bus on Redis."""

    def __init__(self, url: str, prefix: str) -> None:
        self.listening = RedisBus(url, prefix=prefix)
        self.ringing = self.listening

    def open(self) -> Bus:
        self.settle()
        return self.listening

    def settle(self) -> None:
        """Ring over the same way until it is heard: what was rung before has been heard by then."""
        token = uuid.uuid4().hex
        heard = gevent.event.Event()
        end = self.listening.subscribe(token, lambda message: heard.set() if isinstance(message, Ring) else None)
        while not heard.is_set():
            self.ringing.ring(token, ConversationId("none"), 0)
            heard.wait(0.2)
        end()

    def close(self) -> None:
        self.listening.close()
        self.ringing.close()


class TwoRedisBusesBackend(RedisBusBackend):
    """Two processes' buses: what is rung on one is heard on the other."""

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__(url, prefix)
        self.ringing = RedisBus(url, prefix=prefix)

    def open(self) -> Bus:
        self.settle()
        return _Joined(self.listening, self.ringing)

    def settle(self) -> None:
        super().settle()
        super().settle()  # also what listeners have rung by then


class _Joined:
    def __init__(self, listening: Bus, ringing: Bus) -> None:
        self._listening = listening
        self._ringing = ringing

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        return self._listening.subscribe(topic, listener)

    def ring(self, topic: str, conversation_id: ConversationId, head: int) -> None:
        self._ringing.ring(topic, conversation_id, head)

    def whisper(self, topic: str, payload: dict[str, Any]) -> None:
        self._ringing.whisper(topic, payload)

    def close(self) -> None:
        """Its backend closes the two."""


BusBackend = InProcessBusBackend | RedisBusBackend
BUSES: dict[str, Callable[[str, str], BusBackend]] = {
    "in process": InProcessBusBackend,
    "redis": RedisBusBackend,
    "redis, from another process": TwoRedisBusesBackend,
}
Heard = list[Ring | Whisper]


class _TwoBooks(RedisPresenceBook):
    """Two processes' books on one Redis: each verb goes to the other one in turn."""

    def __init__(self, url: str, prefix: str, now: Now) -> None:
        super().__init__(url, prefix=prefix, now=now)
        self.other = RedisPresenceBook(url, prefix=prefix, now=now)

    def leases(self) -> list[Any]:
        return self.other.leases()

    def close(self) -> None:
        super().close()
        self.other.close()


PRESENCE_BOOKS: dict[str, Callable[[str, str, Now], PresenceBook]] = {
    "in process": lambda _url, _prefix, now: InProcessPresenceBook(now=now),
    "redis": lambda url, prefix, now: RedisPresenceBook(url, prefix=prefix, now=now),
    "redis, in another process": _TwoBooks,
}
