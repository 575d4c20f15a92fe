"""A visitor's session, over a socket or a poll: hello with a cursor, catch up, live; every frame checked before
anything is done with it.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any, assert_never

import msgspec

from handoff.auth import access_conversation
from handoff.conversations import Conversations, topic_of, topic_of_visitor
from handoff.errors import BatonError, StoreFailed, TokenInvalid
from handoff.events import PRIVATE_BODIES, ConversationId, Event, VisitorId, kind_of
from handoff.gateway.peer import Peer
from handoff.ports import Bus, ConversationRow, Gap, Ring, Visitor, Whisper
from handoff.presence import PRESENCE_TOPIC, Presence
from handoff.projection import Phase
from handoff.protocol import (
    HEARTBEAT_S,
    AskPerson,
    ChooseArticle,
    CloseCode,
    GiveFeedback,
    LeaveContact,
    PageMoved,
    Rate,
    VisitorBeat,
    VisitorFrame,
    VisitorHello,
    VisitorPost,
    VisitorTyping,
    clean_line,
    client_id_of,
    decode_visitor_frame,
)
from handoff.turns import Turns
from handoff.visitors import Visitors

logger = logging.getLogger(__name__)


class VisitorSession:
    """One connection of one visitor."""

    def __init__(
        self,
        connection: Peer,
        *,
        conversations: Conversations,
        turns: Turns,
        visitors: Visitors,
        presence: Presence,
        bus: Bus,
        user_agent: str,
    ) -> None:
        self._connection = connection
        self._conversations = conversations
        self._turns = turns
        self._visitors = visitors
        self._presence = presence
        self._bus = bus
        self._user_agent = user_agent
        self._visitor: Visitor | None = None
        self._conversation_id: ConversationId | None = None
        self._cursor = 0
        self._is_status_due = False
        self._ends: list[Callable[[], None]] = []

    def run(self) -> None:
        """Serve the connection until it ends."""
        try:
            for raw in self._connection.frames():
                self._take(raw)
        finally:
            self._leave()
            self._connection.finish()

    def _take(self, raw: str) -> None:
        try:
            frame = decode_visitor_frame(raw)
            if self._visitor is None:
                self._hello(frame)
            else:
                self._handle(self._visitor, frame)
        except BatonError as exc:
            self._refuse(exc, client_id_of(raw))

    def _refuse(self, error: BatonError, client_id: str | None) -> None:
        self._connection.offer({"type": "error", "code": error.code, "message": error.message, "client_id": client_id})
        if self._visitor is None:
            self._connection.start_writer(lambda: ())
            self._connection.close(_code_of_refused_hello(error), error.code)

    # --- hello -----------------------------------------------------------------------------------------------------

    def _hello(self, frame: VisitorFrame) -> None:
        if not isinstance(frame, VisitorHello):
            raise TokenInvalid("Say hello with your token first.")
        visitor = self._visitors.greet(
            self._visitors.check_token(frame.token),
            language=frame.language,
            timezone=frame.timezone,
            user_agent=self._user_agent,
            page=frame.page.as_page(),
        )
        row = self._conversations.current_of(visitor)
        is_same_log = frame.log_epoch in (None, self._conversations.log_epoch())
        self._cursor = frame.cursor if row and is_same_log and frame.cursor <= row.state.head else 0
        self._visitor = visitor
        self._ends.append(self._bus.subscribe(topic_of_visitor(visitor.id), self._on_bus))
        self._ends.append(self._bus.subscribe(PRESENCE_TOPIC, self._on_bus))
        self._connection.offer(self._welcome(row.conversation_id if row else None))
        if row:
            self._follow(row.conversation_id)
        self._connection.start_writer(self._pull)
        self._connection.wake()
        if self._presence.visitor_came(visitor.id):
            self._tell_desk()

    def _welcome(self, conversation_id: ConversationId | None) -> dict[str, Any]:
        return {
            "type": "welcome",
            "conversation_id": conversation_id,
            "log_epoch": self._conversations.log_epoch(),
            "heartbeat_s": HEARTBEAT_S,
            **self._standing(conversation_id),
        }

    def _standing(self, conversation_id: ConversationId | None) -> dict[str, Any]:
        """Say who has the floor and whether somebody is there."""
        state = self._conversations.row(conversation_id).state if conversation_id else None
        staffing = self._presence.staffing()
        return {
            "head": state.visible_head if state else 0,
            "phase": state.phase if state else None,
            "operator": {"name": state.operator_name} if state and state.operator_id else None,
            "is_staffed": staffing.is_reachable,
            "opens_at": staffing.opens_at,
        }

    def _follow(self, conversation_id: ConversationId) -> None:
        if self._conversation_id is None:
            self._conversation_id = conversation_id
            self._ends.append(self._bus.subscribe(topic_of(conversation_id), self._on_bus))

    # --- what the visitor does -------------------------------------------------------------------------------------

    def _handle(self, visitor: Visitor, frame: VisitorFrame) -> None:
        match frame:
            case VisitorHello():
                raise TokenInvalid("This socket has said hello already.")
            case VisitorBeat():
                self._beat(visitor)
            case VisitorTyping():
                self._whisper_typing(frame.is_typing)
            case PageMoved():
                self._visitor = self._visitors.moved(visitor, url=clean_line(frame.url), title=clean_line(frame.title))
            case _:
                row = self._conversation(visitor)
                event = self._act(visitor, row.conversation_id, frame)
                self._connection.offer({"type": "ack", "client_id": frame.client_id, "seq": event.seq if event else 0})
                if row.state.phase in (Phase.BOT, Phase.RESOLVED):  # resolved: what was said has reopened it
                    self._turns.take(row.conversation_id)

    def _act(
        self,
        visitor: Visitor,
        conversation_id: ConversationId,
        frame: VisitorPost | GiveFeedback | ChooseArticle | AskPerson | LeaveContact | Rate,
    ) -> Event | None:
        verbs = self._conversations
        match frame:
            case VisitorPost(client_id, text):
                return verbs.post(visitor, conversation_id, text, client_id=client_id)
            case AskPerson(client_id):
                return verbs.ask_person(visitor, conversation_id, client_id=client_id)
            case GiveFeedback(client_id, seq, helpful):
                return verbs.give_feedback(visitor, conversation_id, seq=seq, helpful=helpful, client_id=client_id)
            case ChooseArticle(client_id, seq, slug):
                return verbs.choose_article(visitor, conversation_id, seq=seq, slug=slug, client_id=client_id)
            case LeaveContact():
                return verbs.leave_contact(
                    visitor,
                    conversation_id,
                    name=frame.name,
                    email=frame.email,
                    message=frame.message,
                    client_id=frame.client_id,
                )
            case Rate(client_id, score, comment):
                return verbs.rate(visitor, conversation_id, score=score, comment=comment, client_id=client_id)
            case _:
                assert_never(frame)

    def _conversation(self, visitor: Visitor) -> ConversationRow:
        if self._conversation_id is None:
            self._follow(self._conversations.open_for(visitor))
        return access_conversation(self._conversations, str(self._conversation_id), visitor_id=visitor.id)

    def _beat(self, visitor: Visitor) -> None:
        self._presence.visitor_beat(visitor.id)
        self._connection.offer({"type": "beat", "head": self._standing(self._conversation_id)["head"]})
        self._connection.wake()

    def _whisper_typing(self, is_typing: bool) -> None:
        if self._conversation_id:
            payload = {"author": {"kind": "visitor", "name": None}, "is_typing": is_typing}
            self._bus.whisper(topic_of(self._conversation_id), payload)

    # --- what the visitor is told ----------------------------------------------------------------------------------

    def _on_bus(self, message: Ring | Whisper | Gap) -> None:
        if isinstance(message, Whisper) and message.topic != PRESENCE_TOPIC:
            if message.payload["author"]["kind"] != "visitor":
                self._connection.offer({"type": "typing", **message.payload})
            return
        if isinstance(message, Ring):
            self._follow(message.conversation_id)
        else:
            self._is_status_due = True
        self._connection.wake()

    def _pull(self) -> Iterator[str]:
        if self._is_status_due:
            self._is_status_due = False
            self._look_for_conversation()
            status = {"type": "status", **self._standing(self._conversation_id)}
            yield msgspec.json.encode(status).decode()
        if self._conversation_id is None:
            return
        for event in self._conversations.events(self._conversation_id, after_seq=self._cursor):
            self._cursor = event.seq
            if not isinstance(event.body, PRIVATE_BODIES):
                yield encode_for_visitor(event)

    def _look_for_conversation(self) -> None:
        """Find the conversation that another tab may have opened while no ring came through."""
        row = self._conversations.current_of(self._visitor) if self._visitor and not self._conversation_id else None
        if row:
            self._follow(row.conversation_id)

    def _tell_desk(self) -> None:
        if self._conversation_id:
            self._conversations.ring(self._conversation_id, 0)

    def _leave(self) -> None:
        for end in self._ends:
            end()
        if self._visitor is not None:
            visitor_id = self._visitor.id
            self._connection.when_gone(lambda: self._count_out(visitor_id))

    def _count_out(self, visitor_id: VisitorId) -> None:
        if self._presence.visitor_went(visitor_id):
            self._tell_desk()


def _code_of_refused_hello(error: BatonError) -> CloseCode:
    match error:
        case TokenInvalid():
            return CloseCode.TOKEN_INVALID
        case StoreFailed():
            return CloseCode.INTERNAL  # a good hello at a bad time: the visitor comes back
        case _:
            return CloseCode.BAD_HELLO


def encode_for_visitor(event: Event) -> str:
    """Encode an event as its visitor may see it: no ids of staff, no probabilities, no fault details."""
    body = msgspec.to_builtins(event.body)
    body.pop("kind")
    body.pop("probability", None)
    body.pop("detail", None)
    body.pop("operator_id", None)
    for option in body.get("options", ()):
        option.pop("probability")
    frame = {
        "type": "event",
        "seq": event.seq,
        "kind": kind_of(event.body),
        "at": event.at,
        "author": {"kind": event.author.kind.value, "name": event.author.name},
        "client_id": event.client_id,
        "body": body,
    }
    return msgspec.json.encode(frame).decode()
