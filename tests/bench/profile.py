"""What a relayed message costs the desk beside its sockets: real sessions, services and log in this process, frames
handed over in memory; the processor time of both threads, and the profile of the event loop's.
"""

import cProfile
import json
import pstats
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import msgspec
from gevent.event import Event

from handoff.app import Parts
from handoff.events import OperatorId
from handoff.gateway.operator import OperatorSession
from handoff.gateway.visitor import VisitorSession
from handoff.projection import Phase
from handoff.settings import read_settings

PAIRS = 40
MESSAGES_EACH = 100
TEXT = "My card was charged twice this month. "

KINDS = {
    "reads of the log (SQLite)": ("'execute' of 'sqlite3", "'fetchall' of 'sqlite3", "store/sqlite.py", "store/log.py"),
    "JSON in and out": ("msgspec", "json/"),
    "handing over to the writer's thread": ("gevent/threadpool.py", "gevent/_threading.py", "_thread.lock"),
    "sessions": ("handoff/gateway/", "handoff/brief.py", "handoff/protocol.py"),
    "services and bus": ("handoff/",),
}
"""By what the profile's lines hold; the first that fits counts."""

IDLE = ("gevent/pool.py", "gevent/event.py")
"""Where the event loop waits for the writer."""


class Costs(NamedTuple):
    """Processor time of one message in seconds, of each thread, and the shares of the event loop's."""

    loop_s: float
    writer_s: float
    shares: dict[str, float]


class _Peer:
    """The other end of a session, in memory: gives the frames of a script, takes what it is told and forgets it."""

    def __init__(self, script: Iterable[dict[str, Any]]) -> None:
        self._script = script
        self._pull: Callable[[], Iterable[str]] = tuple
        self.news = Event()

    def frames(self) -> Iterator[str]:
        for frame in self._script:
            yield json.dumps(frame)
            self.read()

    def read(self) -> None:
        self.news.clear()
        for _ in self._pull():
            pass

    def offer(self, frame: dict[str, Any]) -> None:
        msgspec.json.encode(frame)

    def wake(self) -> None:
        self.news.set()

    def start_writer(self, pull: Callable[[], Iterable[str]]) -> None:
        self._pull = pull
        self.news.set()

    def when_gone(self, act: Callable[[], None]) -> None:
        act()

    def close(self, code: int, reason: str = "") -> None:
        raise AssertionError(f"closed: {code} {reason}")

    def finish(self) -> None:
        """Nothing is open."""


def measure(folder: Path) -> Costs:
    """Relay PAIRS * MESSAGES_EACH messages, once for the times and once for the profile."""
    loop_s, writer_s = _relay(folder / "times")
    profile = cProfile.Profile()
    _relay(folder / "profile", profile)
    return Costs(loop_s, writer_s, _shares(pstats.Stats(profile)))


def _relay(folder: Path, profile: cProfile.Profile | None = None) -> tuple[float, float]:
    """Give the processor time of a message, of the event loop's thread and of the others."""
    parts = Parts(read_settings({"BATON_DATA_DIR": str(folder)}))
    services = {"conversations": parts.conversations, "presence": parts.presence, "bus": parts.bus}
    begin, is_over = Event(), Event()

    def visit(number: int) -> None:
        peer = _Peer(_visitor_says(parts.visitors.issue_token(), number, begin))
        VisitorSession(peer, turns=parts.turns, visitors=parts.visitors, user_agent="", **services).run()

    def attend() -> None:
        peer = _Peer(())
        peer._script = _operator_says(parts, peer, is_over)
        signed_in = {"operator_id": OperatorId("op-grace"), "name": "Grace", "role": "operator"}
        OperatorSession(peer, desk=parts.desk, is_still_signed_in=lambda: True, **signed_in, **services).run()

    if profile is not None:
        profile.enable()  # greenlets take it over when they begin
    visitors = [gevent.spawn(visit, number) for number in range(PAIRS)]
    while len(parts.store.rows_in_phase(Phase.QUEUE, since=0.0, limit=PAIRS)) < PAIRS:
        gevent.sleep(0.01)
    operator = gevent.spawn(attend)
    while len(parts.store.rows_held_by(OperatorId("op-grace"))) < PAIRS:
        gevent.sleep(0.01)
    all_s, loop_s = time.process_time(), time.thread_time()
    begin.set()
    gevent.joinall(visitors, raise_error=True)
    if profile is not None:
        profile.disable()
    all_s, loop_s = time.process_time() - all_s, time.thread_time() - loop_s
    is_over.set()
    operator.join()
    parts.shut_down(spread_ms=0)
    messages = PAIRS * MESSAGES_EACH
    return loop_s / messages, (all_s - loop_s) / messages


def _visitor_says(token: str, number: int, begin: Event) -> Iterator[dict[str, Any]]:
    yield {"type": "hello", "token": token}
    yield {"type": "ask_person", "client_id": f"wish-{number:04}"}
    begin.wait()
    for message in range(MESSAGES_EACH):
        yield {"type": "post", "client_id": f"post-{number:04}-{message:04}", "text": TEXT}


def _operator_says(parts: Parts, peer: _Peer, is_over: Event) -> Iterator[dict[str, Any]]:
    for row in parts.store.rows_in_phase(Phase.QUEUE, since=0.0, limit=PAIRS):
        chat = {"conversation_id": row.conversation_id}
        yield {"type": "watch", "cursor": 0, **chat}
        yield {"type": "claim", "client_id": f"claim-{row.number:04}", "epoch": row.state.epoch, **chat}
    while not is_over.is_set():
        peer.news.wait(0.1)
        peer.read()


def _shares(stats: pstats.Stats) -> dict[str, float]:
    """Give the shares of the event loop's own time, by kind."""
    own_s: Counter[str] = Counter()
    for (file, _, function), (_, _, seconds, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = f"{file} {function}"
        if not any(part in place for part in IDLE):
            own_s[next((kind for kind, parts in KINDS.items() if any(p in place for p in parts)), "else")] += seconds
    return {kind: seconds / own_s.total() for kind, seconds in own_s.most_common()}
