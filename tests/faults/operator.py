"""An operator of the suite: claims, talks, and now and then releases, transfers, resolves, gives back to the bot, or
goes away without a word.
"""

import time
from collections.abc import Callable

import gevent

from handoff.protocol import CloseCode
from tests.faults.peer import IN_FLIGHT_MAX, Peer, World
from tests.faults.wire import Frame, Gone, Wire

HELD_MAX = 12
WATCH_MAX = 30
"""Below the desk's own limit, which would silently end the oldest watch, and within the burst of frames."""

AWAY_S = (21.0, 26.0)
"""Longer than the grace of 20 s after which a desk gives an absent operator's chats to others."""

# What an operator does with a chat that they hold, and how often.
DEEDS = {"post": 80, "note": 6, "release": 3, "transfer": 3, "resolve": 5, "return_to_bot": 3}


class Operator(Peer):
    """Somebody at a console."""

    sees_private = True
    final_codes = frozenset({CloseCode.BAD_HELLO, CloseCode.TOKEN_INVALID, CloseCode.BLOCKED, CloseCode.SIGNED_OUT})
    expected_refusals = frozenset({"stale_epoch", "already_held", "floor_refused", "conversation_closed", "not_found"})

    def __init__(self, world: World, name: str, *, session: str, pace_s: float) -> None:
        super().__init__(world, name, pace_s=pace_s)
        self._session = session
        self._id = ""
        self._lines: dict[str, Frame] = {}
        self._colleagues: list[str] = []
        self._watched: dict[str, None] = {}
        self._unwatched_here: set[str] = set()
        self._claiming: set[str] = set()
        self.goes_away = False
        self._to_check: list[str] = []
        self._checking: list[str] = []

    def connect(self) -> Wire:
        headers = {"Cookie": f"baton_session={self._session}", "Origin": self.world.origin}
        return Wire(self.world.port, "/ws/operator", headers)

    def is_done(self) -> bool:
        return self.world.is_over  # to the very end: what they hold must not lapse while everybody catches up

    # --- what comes in ---------------------------------------------------------------------------------------------

    def on_welcome(self, frame: Frame) -> None:
        self._id = frame["operator"]["id"]
        self._lines = {line["conversation_id"]: line for line in frame["conversations"]}
        self._learn_people(frame)
        self._claiming.clear()
        self._unwatched_here.clear()
        for conversation_id in self._watched:
            self._watch(conversation_id)
        self._checking = self._to_check[:WATCH_MAX]
        for conversation_id in self._checking:
            self._watch(conversation_id)

    def on_event(self, frame: Frame) -> None:
        self.show(frame["conversation_id"], frame)

    def on_frame(self, frame: Frame) -> None:
        if frame["type"] == "conversation":
            line = frame["summary"]
            self._lines[line["conversation_id"]] = line
        elif frame["type"] == "people":
            self._learn_people(frame)
        elif frame["type"] == "brief":
            self._checked(frame["conversation_id"])

    def on_settled(self, frame: Frame) -> None:
        self._claiming.discard(frame["conversation_id"])

    def _learn_people(self, frame: Frame) -> None:
        self._colleagues = [person["id"] for person in frame["people"] if person["id"] != self._id]

    # --- what the operator does ------------------------------------------------------------------------------------

    def act(self) -> None:
        if self._to_check and not self._checking:
            raise Gone(0, "the next ones, with a new burst of frames")
        if self.world.is_ending or len(self.outbox) >= IN_FLIGHT_MAX:
            return
        if self.goes_away:
            self._go_away()
        held = self._lines_where(lambda line: (line["holder"] or {}).get("id") == self._id)
        if len(held) + len(self._claiming) < HELD_MAX and self.rng.random() < 0.4:
            self._claim_one()
        if held:
            self._tend(self.rng.choice(held))
        if self.rng.random() < 0.02:
            self._look_elsewhere()

    def _lines_where(self, is_wanted: Callable[[Frame], bool]) -> list[Frame]:
        return [line for line in self._lines.values() if is_wanted(line)]

    def _claim_one(self) -> None:
        # Now and then from the bot, as an operator who reads along does.
        phase = "bot" if self.rng.random() < 0.02 else "queue"
        waiting = self._lines_where(lambda line: line["phase"] == phase)
        waiting = [line for line in waiting if line["conversation_id"] not in self._claiming]
        if waiting:
            line = self.rng.choice(sorted(waiting, key=lambda line: line["queued_at"] or 0.0)[:4])
            self._claiming.add(line["conversation_id"])
            self._do("claim", line)

    def _tend(self, line: Frame) -> None:
        conversation_id = line["conversation_id"]
        self._start_watching(conversation_id)
        (deed,) = self.rng.choices(list(DEEDS), DEEDS.values())
        if deed == "note":
            note = {"type": "note", "conversation_id": conversation_id, "text": self.new_text()}
            self.say(note, conversation_id=conversation_id)
        elif deed == "post":
            self._do("post", line, text=self.new_text())
        elif deed == "transfer":
            if self._colleagues:
                self._do("transfer", line, to=self.rng.choice(self._colleagues))
        else:
            self._do(deed, line)

    def _do(self, command: str, line: Frame, **fields: str) -> None:
        conversation_id = line["conversation_id"]
        frame = {"type": command, "conversation_id": conversation_id, "epoch": line["epoch"], **fields}
        self.say(frame, conversation_id=conversation_id)

    def _go_away(self) -> None:
        """Vanish for so long that the lease lapses; somebody else takes over."""
        self.goes_away = False
        assert self.wire is not None
        self.wire.hang_up()
        back_at = time.monotonic() + self.rng.uniform(*AWAY_S)
        while time.monotonic() < back_at and not self.world.is_ending:
            gevent.sleep(0.5)
        raise Gone(0, "was away")

    # --- watching --------------------------------------------------------------------------------------------------

    def _start_watching(self, conversation_id: str) -> None:
        if conversation_id in self._watched or conversation_id in self._unwatched_here:
            return  # what is on its way under the last watch would come twice
        while len(self._watched) >= WATCH_MAX:
            self._stop_watching(next(iter(self._watched)))
        self._watched[conversation_id] = None
        self._watch(conversation_id)

    def _watch(self, conversation_id: str) -> None:
        assert self.wire is not None
        cursor = self.cursors.get(conversation_id, 0)
        self.wire.send({"type": "watch", "conversation_id": conversation_id, "cursor": cursor})

    def _stop_watching(self, conversation_id: str) -> None:
        assert self.wire is not None
        del self._watched[conversation_id]
        self._unwatched_here.add(conversation_id)
        self.wire.send({"type": "unwatch", "conversation_id": conversation_id})

    def _look_elsewhere(self) -> None:
        """Read along in somebody else's chat, and stop doing so in one of those before."""
        others = self._lines_where(lambda line: line["phase"] in ("bot", "operator"))
        if others:
            self._start_watching(self.rng.choice(others)["conversation_id"])
        if len(self._watched) > HELD_MAX:
            self._stop_watching(next(iter(self._watched)))

    # --- catching up in the end ------------------------------------------------------------------------------------

    def begin_catching_up(self) -> None:
        """Look once more at every conversation that was ever on the screen."""
        self._watched.clear()
        self._to_check = list(self.report.shown)
        self._checking = []

    def has_caught_up(self) -> bool:
        return not self._to_check

    def _checked(self, conversation_id: str) -> None:
        """Tick off a conversation: its brief follows its events."""
        if conversation_id in self._checking:
            self._checking.remove(conversation_id)
            self._to_check.remove(conversation_id)
