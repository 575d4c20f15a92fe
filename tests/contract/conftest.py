"""One fixture per port, parametrised over its backends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.ports import Bus, EventStore, PresenceBook
from tests.conftest import Clock
from tests.contract.backends import BUSES, EVENT_STORES, PRESENCE_BOOKS, InProcessBusBackend, SqliteBackend


@pytest.fixture(autouse=True)
def _tidy(nothing_left_behind: None, no_hanging: None) -> None:
    """Every contract test ends what it starts."""


@pytest.fixture(params=EVENT_STORES)
def backend(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[SqliteBackend]:
    backend = EVENT_STORES[request.param](tmp_path, clock)
    yield backend
    backend.close()


@pytest.fixture
def store(backend: SqliteBackend) -> EventStore:
    return backend.open()


@pytest.fixture(params=BUSES)
def bus_backend(request: pytest.FixtureRequest) -> Iterator[InProcessBusBackend]:
    backend = BUSES[request.param]()
    yield backend
    backend.close()


@pytest.fixture
def bus(bus_backend: InProcessBusBackend) -> Bus:
    return bus_backend.open()


@pytest.fixture(params=PRESENCE_BOOKS)
def book(request: pytest.FixtureRequest) -> PresenceBook:
    return PRESENCE_BOOKS[request.param]()
