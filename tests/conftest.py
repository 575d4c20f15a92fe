"""The cast that all suites share, and the rule that no test leaves the machine."""

import os
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import gevent
import hypothesis
import pytest
from playwright.sync_api import Browser

from handoff.events import Author, AuthorKind, OperatorId, Page, VisitorId
from handoff.ports import Visitor
from tests.support.browser import chromium
from tests.support.servers import PrivatePostgres, PrivateRedis

hypothesis.settings.register_profile("baton", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("baton")

_LOOPBACK = ("127.", "::1", "localhost")

PATIENCE_S = 30.0
"""What a test started has this long to end by itself before it counts as left behind."""


def _refuse_network(event: str, args: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise AssertionError(f"a test tried to leave the machine, to {address}")


sys.addaudithook(_refuse_network)


class Clock:
    """A frozen clock in UTC seconds: pass it as `now`, move it with `tick`."""

    def __init__(self, at: float = 1_760_000_000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def tick(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ada() -> Visitor:
    page = Page("https://www.example.com/billing", "Billing", "https://search.example/?q=refund")
    return Visitor(VisitorId("visitor-ada"), "en", "Europe/London", "Browser/1.0", page)


@pytest.fixture
def grace() -> Author:
    return Author(AuthorKind.OPERATOR, OperatorId("op-grace"), "Grace")


@pytest.fixture
def alan() -> Author:
    return Author(AuthorKind.OPERATOR, OperatorId("op-alan"), "Alan")


def _running_threads() -> set[threading.Thread]:
    # Daemons are left out: a pool's native threads are kept for good, and a scripted server's thread lives as long as
    # the connection that a client of the whole module keeps open.
    return {thread for thread in threading.enumerate() if not thread.daemon}


def _open_databases(folder: Path) -> set[str]:
    """Name the files in `folder` that this process has open (where /proc tells)."""
    names: set[str] = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            names.add(os.readlink(descriptor))
    return {name for name in names if name.startswith(f"{folder}/")}


@pytest.fixture
def nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    """Fail the test that leaves a greenlet, a thread or an open file of its own folder."""
    spawned: weakref.WeakSet[gevent.Greenlet] = weakref.WeakSet()
    gevent.Greenlet.add_spawn_callback(spawned.add)
    threads_before = _running_threads()
    yield
    gevent.Greenlet.remove_spawn_callback(spawned.add)
    gevent.joinall([greenlet for greenlet in spawned if not greenlet.dead], timeout=PATIENCE_S)
    assert [greenlet for greenlet in spawned if not greenlet.dead] == []
    for thread in _running_threads() - threads_before:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), f"{thread} is still running"
    assert _open_databases(tmp_path) == set()


HANGING_AFTER_S = 180.0
"""No test of this kind takes a third of it, not even on a machine that is busy with ten other things."""


@pytest.fixture
def no_hanging() -> Iterator[None]:
    """End a test that waits for a greenlet which never comes."""
    with gevent.Timeout(HANGING_AFTER_S, AssertionError("the test waits for something that never comes")):
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """Start a PostgreSQL of the tests' own, once."""
    with PrivatePostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRedis]:
    """Start a Redis of the tests' own, once."""
    with PrivateRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium once; tests open contexts of their own in it."""
    with chromium() as browser:
        yield browser
