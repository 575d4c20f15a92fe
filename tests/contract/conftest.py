"""One fixture per port, parametrised over its backends."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handoff.ports import Bus, EventStore, PresenceBook
from tests.conftest import Clock
from tests.contract.backends import (
    BUSES,
    EVENT_STORES,
    PRESENCE_BOOKS,
    BusBackend,
    SqliteBackend,
    StoreBackend,
)
from tests.support.servers import PrivatePostgres, PrivateRedis, make_postgres_database


@pytest.fixture(autouse=True)
def _tidy(nothing_left_behind: None, no_hanging: None) -> None:
    """Every contract test ends what it starts."""


@pytest.fixture
def address_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Give an empty place of a backend: a folder, or a database of the session's server."""

    def address_of(name: str) -> str:
        if name == "sqlite":
            return str(tmp_path)
        server: PrivatePostgres = request.getfixturevalue("postgres")
        return make_postgres_database(server.url)

    return address_of


@pytest.fixture(params=EVENT_STORES)
def backend(request: pytest.FixtureRequest, address_of: Callable[[str], str], clock: Clock) -> Iterator[StoreBackend]:
    backend = EVENT_STORES[request.param](address_of(request.param), clock)
    yield backend
    backend.close()


@pytest.fixture
def store(backend: StoreBackend) -> EventStore:
    return backend.open()


@pytest.fixture
def sqlite(tmp_path: Path, clock: Clock) -> Iterator[SqliteBackend]:
    backend = SqliteBackend(str(tmp_path), clock)
    yield backend
    backend.close()


def _redis_of(request: pytest.FixtureRequest) -> str:
    if not request.param.startswith("redis"):
        return ""
    server: PrivateRedis = request.getfixturevalue("redis_server")
    return server.url


@pytest.fixture(params=BUSES)
def bus_backend(request: pytest.FixtureRequest) -> Iterator[BusBackend]:
    backend = BUSES[request.param](_redis_of(request), uuid.uuid4().hex)
    yield backend
    backend.close()


@pytest.fixture
def bus(bus_backend: BusBackend) -> Bus:
    return bus_backend.open()


@pytest.fixture(params=PRESENCE_BOOKS)
def book(request: pytest.FixtureRequest, clock: Clock) -> Iterator[PresenceBook]:
    book = PRESENCE_BOOKS[request.param](_redis_of(request), uuid.uuid4().hex, clock)
    yield book
    getattr(book, "close", lambda: None)()
