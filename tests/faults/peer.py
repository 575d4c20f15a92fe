"""What visitors and operators have in common: an outbox that outlives every connection, and the two lists that the
referee holds against the log: what was shown as sent, and what was shown.
"""

import random
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import gevent

from handoff.protocol import CloseCode
from tests.faults.counts import Counts
from tests.faults.poll_wire import PollWire
from tests.faults.wire import Frame, Gone, Wire

AnyWire = Wire | PollWire

RETRY_FIRST_S = 0.1
RETRY_MAX_S = 1.5
"""Clients of the suite come back sooner than a widget would: a run is to see many returns."""

ACK_WITHIN_S = 6.0
SILENCE_MAX_S = 8.0
BEAT_EVERY_S = 3.0
HOLD_AFTER_REFUSAL_S = 0.3
"""A log that cannot be written is tried again after this."""

LONG_WORDS = "grüße 👋 und mehr\n"
IN_FLIGHT_MAX = 6
FLOOD_WAIT_S = 10.0


class Line(NamedTuple):
    """An event as a client shows it."""

    seq: int
    kind: str
    text: str | None
    client_id: str | None


@dataclass(slots=True)
class Pending:
    """A frame that the desk has not acknowledged."""

    frame: Frame
    is_resend: bool = False
    sent_at: float = 0.0
    is_in_flight: bool = False


@dataclass(slots=True)
class Report:
    """What a client believes in the end.

    `said` holds every text that ever went out, in order: client_id to conversation and text. `acknowledged` is what
    was shown as sent: client_id to conversation and seq. `refused` was answered with an error, for good. `shown` is
    what the client shows of each conversation, in the order in which it came; `sees_private` tells whose eyes they
    are. `resent` had to be sent more than once: what was said after it may have overtaken it, since a log that cannot
    be written refuses one message and may take the next.
    """

    name: str
    sees_private: bool
    said: dict[str, tuple[str, str]] = field(default_factory=dict)
    acknowledged: dict[str, tuple[str, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[Line]] = field(default_factory=dict)
    resent: set[str] = field(default_factory=set)
    unsent: int = 0
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """What all clients of a run share."""

    port: int
    origin: str
    seed: str
    counts: Counts
    is_ending: bool = False
    """From here on nobody says anything new; what is in the outboxes goes out."""
    is_over: bool = False
    ack_listeners: list[Callable[[], None]] = field(default_factory=list)

    def acknowledged(self) -> None:
        self.counts.messages += 1
        for listener in self.ack_listeners[:]:
            listener()


class Peer(ABC):
    """One client: connects, resends, talks, loses its connection, comes back as the close code tells."""

    sees_private: bool
    final_codes: frozenset[int]
    """Close codes that may never come: each would end this client for good or make it somebody else."""

    expected_refusals: frozenset[str]
    """What may be answered to a frame that came too late: the floor had passed on."""

    def __init__(self, world: World, name: str, *, pace_s: float) -> None:
        self.world = world
        self.name = name
        self.rng = random.Random(f"{world.seed}/{name}")
        self.report = Report(name, self.sees_private)
        self.outbox: dict[str, Pending] = {}
        self.cursors: dict[str, int] = {}
        self.wire: AnyWire | None = None
        self.is_welcome = False
        self.is_sent_away = False
        self._pace_s = pace_s
        self._said = 0
        self._attempt = 0
        self._hold_until = 0.0
        self._log_epoch: str | None = None

    # --- the life of a client --------------------------------------------------------------------------------------

    def run(self) -> None:
        """Live until there is nothing more to do."""
        while not self.is_done() and not self.is_sent_away:
            self.live_until_lost(self.is_done)

    def live_until_lost(self, is_done: Callable[[], bool]) -> None:
        try:
            self.wire = self.connect()
            self.world.counts.connects += 1
            self._live(self.wire, is_done)
            self._leave(self.wire)
        except Gone as gone:
            gevent.sleep(self._wait_s(gone))
        finally:
            if self.wire is not None:
                self.wire.hang_up()
            self.wire = None
            self.is_welcome = False
            for pending in self.outbox.values():
                pending.is_in_flight = False

    def _leave(self, wire: AnyWire) -> None:
        """Half say goodbye, half just vanish."""
        if self.rng.random() < 0.5:
            wire.close()

    def _live(self, wire: AnyWire, is_done: Callable[[], bool]) -> None:
        heard_at = beat_at = time.monotonic()
        act_at = heard_at + self.rng.uniform(0, self._pace_s)
        while not is_done():
            now = time.monotonic()
            frames = wire.receive(min(act_at - now, 0.5))
            now = time.monotonic()
            if frames:
                heard_at = now
            for frame in frames:
                self._take(frame)
            if now - heard_at > SILENCE_MAX_S:
                raise Gone(0, "silence")
            if now - beat_at > BEAT_EVERY_S:
                beat_at = now
                wire.send({"type": "beat"})
            if self.is_welcome:
                self._flush(wire, now)
                if now >= act_at:
                    act_at = now + self.rng.expovariate(1 / self._pace_s)
                    self.act()

    def _wait_s(self, gone: Gone) -> float:
        if gone.code in self.final_codes:
            self.complain(f"was sent away for good with {gone.code} {gone.reason}")
            self.is_sent_away = True
        if gone.code == CloseCode.COME_BACK and gone.reason.isdecimal():
            self.world.counts.sent_home += 1
            return int(gone.reason) / 1000
        if gone.code == CloseCode.TOO_MANY_FRAMES:
            return FLOOD_WAIT_S
        if gone.code in (CloseCode.TOO_SLOW, CloseCode.TOKEN_INVALID) and self._attempt == 0:
            return 0.0
        ceiling_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2**self._attempt)
        self._attempt += 1
        return self.rng.uniform(0.5, 1.0) * ceiling_s

    def complain(self, words: str) -> None:
        self.report.complaints.append(f"{self.name} {words}")

    # --- what goes out ---------------------------------------------------------------------------------------------

    def say(self, frame: Frame, *, conversation_id: str = "") -> None:
        """Put a frame in the outbox under a new client_id; texts get a new unique one."""
        client_id = uuid.UUID(int=self.rng.getrandbits(128)).hex
        self.outbox[client_id] = Pending(frame | {"client_id": client_id})
        if "text" in frame:
            self.report.said[client_id] = (conversation_id, frame["text"])

    def new_text(self) -> str:
        """Make a text that nobody says twice; a few are as long as the protocol allows."""
        self._said += 1
        words = f"{self.name} says {self._said}"
        if self.rng.random() < 0.02:
            return f"{words}: {LONG_WORDS * self.rng.randint(20, 200)}."
        return f"{words}: {'lorem ipsum ' * self.rng.randint(0, 6)}."

    def _flush(self, wire: AnyWire, now: float) -> None:
        """Send what is not on its way, oldest first; give up a connection that does not acknowledge."""
        if now < self._hold_until:
            return
        room = IN_FLIGHT_MAX
        for pending in list(self.outbox.values()):
            if pending.is_in_flight and now - pending.sent_at > ACK_WITHIN_S:
                raise Gone(0, "no acknowledgement")
            room -= 1
            if room < 0:
                return
            if not pending.is_in_flight:
                if pending.is_resend:
                    self.world.counts.resends += 1
                    self.report.resent.add(pending.frame["client_id"])
                pending.is_resend = True
                pending.sent_at = now
                pending.is_in_flight = True
                wire.send(pending.frame)

    # --- what comes in ---------------------------------------------------------------------------------------------

    def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "welcome":
                self._attempt = 0
                self.is_welcome = True
                if self._log_epoch not in (None, frame["log_epoch"]):
                    self.complain("was told of another log epoch")
                self._log_epoch = frame["log_epoch"]
                self.on_welcome(frame)
            case "ack":
                self._confirm(frame["client_id"], frame["seq"])
            case "error":
                self._refused(frame)
            case "event":
                self.on_event(frame)
                if frame["client_id"] in self.outbox:
                    self._confirm(frame["client_id"], frame["seq"])
            case _:
                self.on_frame(frame)

    def show(self, conversation_id: str, frame: Frame) -> None:
        """Add an event to the list on the screen, just as it came: the referee finds what comes twice or too late."""
        line = Line(frame["seq"], frame["kind"], frame["body"].get("text"), frame["client_id"])
        self.report.shown.setdefault(conversation_id, []).append(line)
        self.cursors[conversation_id] = max(line.seq, self.cursors.get(conversation_id, 0))

    def _confirm(self, client_id: str, seq: int) -> None:
        pending = self.outbox.pop(client_id, None)
        if pending is None:
            earlier = self.report.acknowledged.get(client_id)
            if earlier is not None and seq not in (earlier[1], 0):
                self.complain(f"got {client_id} acknowledged as seq {earlier[1]} and as {seq}")
            return
        if seq:  # 0: there was nothing to record
            conversation_id = pending.frame.get("conversation_id", "")
            self.report.acknowledged[client_id] = (conversation_id, seq)
        self.on_settled(pending.frame)
        if "text" in pending.frame:
            self.world.acknowledged()

    def _refused(self, frame: Frame) -> None:
        if frame["code"] == "store_unavailable":
            self.world.counts.refused_by_store += 1
            self._hold_until = time.monotonic() + HOLD_AFTER_REFUSAL_S
            for pending in self.outbox.values():
                pending.is_in_flight = False
            return
        pending = self.outbox.pop(frame["client_id"], None)
        if pending is not None:
            self.world.counts.refused_by_floor += 1
            self.report.refused[frame["client_id"]] = frame["code"]
            if frame["code"] not in self.expected_refusals:
                self.complain(f"was refused {pending.frame} with {frame}")
            self.on_settled(pending.frame)

    # --- what differs ----------------------------------------------------------------------------------------------

    @abstractmethod
    def connect(self) -> AnyWire:
        """Open a socket and say who one is."""

    @abstractmethod
    def act(self) -> None:
        """Do something of one's own."""

    @abstractmethod
    def is_done(self) -> bool:
        """Whether there is nothing more to do."""

    @abstractmethod
    def on_welcome(self, frame: Frame) -> None:
        """Take up where the last connection ended."""

    @abstractmethod
    def on_event(self, frame: Frame) -> None:
        """Show an event of the log."""

    @abstractmethod
    def on_frame(self, frame: Frame) -> None:
        """Take any other frame."""

    @abstractmethod
    def on_settled(self, frame: Frame) -> None:
        """Learn that a frame of one's own was acknowledged or refused."""
