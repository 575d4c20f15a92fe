"""A poll: a connection that lives for one request, for clients whose network blocks WebSockets.

It keeps nothing between two requests. The client says hello with its cursor each time, so that any process can answer
any poll, and names by `seen` what it was told of how things stand, so that only what has changed is said again.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import gevent
import msgspec
from gevent.event import Event

from handoff.errors import BatonError
from handoff.gateway.connection import OUTBOX_MAX_FRAMES
from handoff.protocol import HEARTBEAT_S, PROTOCOL_PAGE_EVENTS, CloseCode

logger = logging.getLogger(__name__)

POLL_WAIT_MAX_S = HEARTBEAT_S
"""Proxies that cut an idle socket after 30 s cut a silent request as well."""

POLL_FRAMES_MAX = 20

POLL_GAP_S = 10.0
"""From the end of one poll to the start of the next, at most, for a client that is still here: a slow network, or the
pause that a 429 asks for. Longer, and a closed page would count as present for longer than a person finds right.
"""

STANDING = frozenset({"welcome", "status", "people", "conversation", "brief"})
"""Frames that say how things stand, and so need not be said to somebody who knows."""

NO_NEWS = frozenset({"type", "server_at", "head"})
"""What of such a frame is no news by itself: a clock, and a head whose events are told one by one."""


class Departures:
    """Peers whose poll has ended and whose next one may follow: they count as gone when the gap is over."""

    def __init__(self, *, gap_s: float = POLL_GAP_S) -> None:
        self._gap_s = gap_s
        self._waiting: dict[gevent.Greenlet, Callable[[], None]] = {}
        self._is_over = False

    def add(self, act: Callable[[], None]) -> None:
        """Call `act` when the gap is over, or when the process ends."""
        if self._is_over:
            self._do(act)
            return
        timer = gevent.Greenlet(self._end_gap)
        self._waiting[timer] = act
        timer.start_later(self._gap_s)

    def end(self) -> None:
        """Let everybody be gone now: the process ends."""
        self._is_over = True
        while self._waiting:
            timer, act = self._waiting.popitem()
            timer.kill(block=False)
            self._do(act)

    def _end_gap(self) -> None:
        self._do(self._waiting.pop(gevent.getcurrent()))

    @staticmethod
    def _do(act: Callable[[], None]) -> None:
        try:
            act()
        except BatonError:
            logger.exception("a departure could not be told; leases and counts heal it")


class PollConnection:
    """The `Peer` of one request: yields its frames, then gathers until there is something to tell or time is up."""

    def __init__(self, frames: Sequence[bytes], *, seen: str, wait_s: float, departures: Departures) -> None:
        self._requested = frames
        self._seen = seen
        self._deadline = time.monotonic() + wait_s
        self._departures = departures
        self._told: list[dict[str, Any]] = []
        self._standing = _Standing()
        self._pull: Callable[[], Iterable[str]] = lambda: ()
        self._wake = Event()
        self._goodbye: tuple[int, str] | None = None

    def frames(self) -> Iterator[str]:
        """Yield the request's frames; end when the answer is whole."""
        for raw in self._requested:
            if self._goodbye is None:
                yield raw.decode("utf-8", "replace")
        if self._goodbye is None:
            self._gather()

    def offer(self, frame: dict[str, Any]) -> None:
        """Put a frame into the answer; never waits."""
        if len(self._told) >= PROTOCOL_PAGE_EVENTS + OUTBOX_MAX_FRAMES:
            self.close(CloseCode.TOO_SLOW, "come back with your cursor")
            return
        self._tell(msgspec.json.encode(frame))
        self._wake.set()

    def wake(self) -> None:
        """Make the gathering pull again; never waits."""
        self._wake.set()

    def start_writer(self, pull: Callable[[], Iterable[str]]) -> None:
        """Have `pull` asked once the request's frames are done, and each time there may be something new."""
        self._pull = pull

    def when_gone(self, act: Callable[[], None]) -> None:
        """Call `act` when the gap is over: the next poll counts itself in before this one is counted out."""
        self._departures.add(act)

    def close(self, code: int, reason: str = "") -> None:
        """End the answer with a goodbye; never waits."""
        self._goodbye = self._goodbye or (int(code), reason)
        self._wake.set()

    def finish(self) -> None:
        """Nothing is left to wait for: the answer leaves when the door returns it."""

    def answer(self) -> dict[str, Any]:
        """Give what the client is told; ask for it when the session has ended."""
        code, reason = self._goodbye or (0, "")
        return {
            "frames": self._told,
            "seen": self._standing.digest(),
            "close": {"code": code, "reason": reason} if code else None,
        }

    def _gather(self) -> None:
        self._read()
        if self._standing.digest() == self._seen:
            self._told = [frame for frame in self._told if frame["type"] not in STANDING]
        while not self._told and self._goodbye is None:
            if not self._wake.wait(max(0.0, self._deadline - time.monotonic())):
                return
            self._read()

    def _read(self) -> None:
        self._wake.clear()
        events = 0
        for raw in self._pull():
            events += self._tell(raw) == "event"
            if events == PROTOCOL_PAGE_EVENTS:
                return  # the client takes this page in and asks for the next one

    def _tell(self, raw: str | bytes) -> str:
        """Add a frame to the answer; give its type."""
        frame = msgspec.json.decode(raw)
        self._told.append(frame)
        self._standing.take(frame)
        return str(frame["type"])


class _Standing:
    """How things stand as the client knows it, once it has taken in the answer."""

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}

    def take(self, frame: dict[str, Any]) -> None:
        facts = {name: value for name, value in frame.items() if name not in NO_NEWS}
        match frame["type"]:
            case "welcome":
                self._facts["people"] = facts.pop("people", None)
                for summary in facts.pop("conversations", ()):
                    self._facts[f"conversation:{summary['conversation_id']}"] = summary
                self._facts["welcome"] = facts
            case "status" if "welcome" in self._facts:
                self._facts["welcome"].update(facts)
            case "people":
                self._facts["people"] = frame["people"]
            case "conversation":
                self._facts[f"conversation:{frame['summary']['conversation_id']}"] = frame["summary"]
            case "brief":
                self._facts[f"brief:{frame['conversation_id']}"] = frame["brief"]

    def digest(self) -> str:
        """Give a short text that differs when anything that is known differs; empty when nothing is."""
        if not self._facts:
            return ""
        return hashlib.blake2b(msgspec.json.encode(self._facts, order="sorted"), digest_size=12).hexdigest()
