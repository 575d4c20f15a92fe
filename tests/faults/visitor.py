"""A visitor of the suite: gets a token, asks for a person or stays with the bot, talks, comes back with its cursor;
over a WebSocket or by polls.
"""

import http.client
import json
import time

from handoff.protocol import CloseCode
from tests.faults.peer import Peer, World
from tests.faults.poll_wire import PollWire
from tests.faults.wire import Frame, Gone, Wire

WANTS_PERSON_AGAIN = 0.7


class Visitor(Peer):
    """Somebody with so many messages to send; `is_for_bot` ones never ask for a person, `is_polling` ones have no
    WebSocket.
    """

    sees_private = False
    final_codes = frozenset({CloseCode.BAD_HELLO, CloseCode.TOKEN_INVALID, CloseCode.BLOCKED, CloseCode.SIGNED_OUT})
    expected_refusals = frozenset()  # a visitor may always speak

    def __init__(
        self, world: World, name: str, *, messages: int, is_for_bot: bool, is_polling: bool, pace_s: float
    ) -> None:
        super().__init__(world, name, pace_s=pace_s)
        self.is_polling = is_polling
        self._messages_left = messages
        self._is_for_bot = is_for_bot
        self._token: str | None = None
        self._head: int | None = None
        self._conversation_id = ""
        self._needs_person = not is_for_bot

    def connect(self) -> Wire | PollWire:
        if self._token is None:
            self._token = self._fetch_token()
        self._head = None
        if self.is_polling:
            return PollWire(self.world.port, "/api/visitor/poll", self._hello)
        wire = Wire(self.world.port, "/ws/visitor", {})
        wire.send(self._hello())
        return wire

    def _hello(self) -> Frame:
        cursor = self.cursors.get("", 0)
        return {"type": "hello", "token": self._token, "cursor": cursor, "log_epoch": self._log_epoch}

    def act(self) -> None:
        if self._needs_person and not self.world.is_ending:
            self._needs_person = False
            self.say({"type": "ask_person"})
        elif self._messages_left > 0 and not self.world.is_ending and len(self.outbox) < 2 * self._burst():
            for _ in range(self._burst()):
                self._messages_left -= 1
                self.say({"type": "post", "text": self.new_text()})

    def _burst(self) -> int:
        return self.rng.choice((1, 1, 1, 2, 3))

    def is_done(self) -> bool:
        return not self.outbox and (self.world.is_ending or self._messages_left <= 0)

    def on_frame(self, frame: Frame) -> None:
        """Beats, typing and status are not kept."""

    def on_settled(self, frame: Frame) -> None:
        """Nothing waits for it."""

    def catch_up(self, within_s: float) -> None:
        """See all that there is to see, at a desk where nothing happens any more; then name the conversation."""
        deadline = time.monotonic() + within_s
        self._head = None  # what the last connection was told is old
        while not (self._has_caught_up() or self.is_sent_away) and time.monotonic() < deadline:
            self.live_until_lost(lambda: self._has_caught_up() or time.monotonic() > deadline)
        if not self._has_caught_up():
            self.complain(f"has not caught up within {within_s:g} s: {self.cursors} of {self._head}")
        self._name_conversation()

    def _has_caught_up(self) -> bool:
        return self._token is None or (self._head is not None and self.cursors.get("", 0) >= self._head)

    def on_welcome(self, frame: Frame) -> None:
        self._head = frame["head"]
        conversation_id = frame["conversation_id"] or ""
        if self._conversation_id not in ("", conversation_id):
            self.complain(f"was moved from {self._conversation_id} to {conversation_id}")
        self._conversation_id = conversation_id

    def on_event(self, frame: Frame) -> None:
        self.show("", frame)
        if frame["kind"] in ("returned_to_bot", "reopened") and not self._is_for_bot:
            self._needs_person = self.rng.random() < WANTS_PERSON_AGAIN

    def _name_conversation(self) -> None:
        report, name = self.report, self._conversation_id
        report.said = {client_id: (name, text) for client_id, (_, text) in report.said.items()}
        report.acknowledged = {client_id: (name, seq) for client_id, (_, seq) in report.acknowledged.items()}
        if report.shown:
            report.shown = {name: report.shown.pop("")}

    def _fetch_token(self) -> str:
        # Each visitor comes from a network of its own: new visitors of one are throttled.
        address = f"10.{self.rng.randrange(256)}.{self.rng.randrange(256)}.{self.rng.randrange(256)}"
        headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
        connection = http.client.HTTPConnection("127.0.0.1", self.world.port, timeout=8)
        try:
            connection.request("POST", "/api/visitor/session", json.dumps({"token": None, "site": ""}), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise Gone(0, f"no session: {exc}") from exc
        finally:
            connection.close()
        if response.status != 200:
            raise Gone(0, f"no session: {answer}")
        return str(answer["token"])
