"""An operator's session, over a socket or a poll: the desk's lists, what they watch, the commands on the floor."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, assert_never

import msgspec

from handoff.auth import access_conversation
from handoff.brief import BriefBuilder
from handoff.conversations import DESK_TOPIC, Conversations, build_summary, topic_of
from handoff.desk import Desk, author_of, find_lease
from handoff.errors import AlreadyHeld, BatonError, StaleEpoch
from handoff.events import ConversationId, Event, OperatorId, OperatorMessage, VisitorMessage, kind_of
from handoff.gateway.peer import Peer
from handoff.ports import Bus, ConversationRow, Gap, Ring, Whisper
from handoff.presence import PRESENCE_TOPIC, Presence
from handoff.projection import Phase
from handoff.protocol import (
    HEARTBEAT_S,
    AddNote,
    Claim,
    CloseCode,
    OperatorBeat,
    OperatorFrame,
    OperatorHello,
    OperatorPost,
    OperatorTyping,
    Release,
    Resolve,
    ReturnToBot,
    SetAvailable,
    Transfer,
    Unwatch,
    Watch,
    client_id_of,
    decode_operator_frame,
)

logger = logging.getLogger(__name__)

WATCH_MAX = 40
"""More open conversations than anybody can follow; each costs a subscription."""


class OperatorSession:
    """One connection of one signed-in operator."""

    def __init__(
        self,
        connection: Peer,
        *,
        operator_id: OperatorId,
        name: str,
        role: str,
        is_still_signed_in: Callable[[], bool],
        conversations: Conversations,
        desk: Desk,
        presence: Presence,
        bus: Bus,
    ) -> None:
        self._connection = connection
        self._id = operator_id
        self._name = name
        self._role = role
        self._is_still_signed_in = is_still_signed_in
        self._conversations = conversations
        self._desk = desk
        self._presence = presence
        self._bus = bus
        self._watched: dict[ConversationId, _Watched] = {}
        self._dirty: dict[ConversationId, None] = {}
        self._heads: dict[ConversationId, int] = {}
        self._is_list_due = False
        self._are_people_due = False
        self._ends: list[Callable[[], None]] = []

    def run(self) -> None:
        """Serve the connection until it ends."""
        is_available = self._presence.arrive(self._id, self._name)
        try:
            self._begin(is_available=is_available)
            for raw in self._connection.frames():
                self._take(raw)
        finally:
            for end in [*self._ends, *(watched.end for watched in self._watched.values())]:
                end()
            self._connection.when_gone(lambda: self._presence.leave(self._id))
            self._connection.finish()

    def _begin(self, *, is_available: bool) -> None:
        self._ends.append(self._bus.subscribe(DESK_TOPIC, self._on_desk))
        self._ends.append(self._bus.subscribe(PRESENCE_TOPIC, self._on_presence))
        self._connection.offer(self._welcome(is_available))
        self._connection.start_writer(self._pull)

    def _welcome(self, is_available: bool) -> dict[str, Any]:
        return {
            "type": "welcome",
            "operator": {"id": self._id, "name": self._name, "role": self._role},
            "is_available": is_available,
            "heartbeat_s": HEARTBEAT_S,
            "log_epoch": self._conversations.log_epoch(),
            "conversations": self._summaries(),
            "people": self._people(),
            # Waiting times must be right on a console whose own clock is not.
            "server_at": time.time(),
        }

    def _summaries(self) -> list[dict[str, object]]:
        rows = self._conversations.rows_for_desk()
        self._heads = {row.conversation_id: row.state.head for row in rows}
        online = self._presence.visitors_online(row.visitor_id for row in rows)
        return [build_summary(row, is_visitor_online=row.visitor_id in online) for row in rows]

    def _people(self) -> list[dict[str, Any]]:
        return [
            {"id": lease.operator_id, "name": lease.name, "is_available": lease.is_available}
            for lease in self._presence.people()
        ]

    # --- what the operator does ------------------------------------------------------------------------------------

    def _take(self, raw: str) -> None:
        if not self._is_still_signed_in():
            self._connection.close(CloseCode.SIGNED_OUT, "sign in again")
            return
        try:
            self._handle(decode_operator_frame(raw))
        except BatonError as exc:
            self._refuse(exc, client_id_of(raw))

    def _refuse(self, error: BatonError, client_id: str | None) -> None:
        frame: dict[str, Any] = {
            "type": "error",
            "code": error.code,
            "message": error.message,
            "client_id": client_id,
        }
        if isinstance(error, AlreadyHeld):
            frame["holder"] = {"id": error.holder_id, "name": error.holder_name}
        if isinstance(error, StaleEpoch):
            frame["epoch"] = error.epoch
        self._connection.offer(frame)

    def _handle(self, frame: OperatorFrame) -> None:
        match frame:
            case OperatorHello():
                pass
            case OperatorBeat():
                self._presence.beat(self._id, self._name)
                self._connection.offer({"type": "beat", "heads": self._heads_of_watched()})
                self._is_list_due = True
                self._connection.wake()
            case SetAvailable():
                self._presence.renew(self._id, self._name, is_available=frame.is_available)
            case Watch():
                self._watch(self._access(frame.conversation_id), frame.cursor)
            case Unwatch():
                self._stop_watching(ConversationId(frame.conversation_id))
            case OperatorTyping():
                self._whisper_typing(self._access(frame.conversation_id), frame.is_typing)
            case _:
                event = self._act(self._access(frame.conversation_id), frame)
                self._connection.offer({"type": "ack", "client_id": frame.client_id, "seq": event.seq})

    def _act(
        self,
        conversation_id: ConversationId,
        frame: Claim | Release | Resolve | ReturnToBot | Transfer | OperatorPost | AddNote,
    ) -> Event:
        me, desk = author_of(self._id, self._name), self._desk
        match frame:
            case AddNote(client_id, _, text):
                return desk.add_note(me, conversation_id, text, client_id=client_id)
            case OperatorPost(client_id, _, epoch, text):
                return desk.post(me, conversation_id, text, epoch=epoch, client_id=client_id)
            case Transfer(client_id, _, epoch, to):
                colleague = find_lease(self._presence.people(), to)
                return desk.transfer(me, conversation_id, colleague, epoch=epoch, client_id=client_id)
            case Claim(client_id, _, epoch):
                return desk.claim(me, conversation_id, epoch=epoch, client_id=client_id)
            case Release(client_id, _, epoch):
                return desk.release(me, conversation_id, epoch=epoch, client_id=client_id)
            case Resolve(client_id, _, epoch):
                return desk.resolve(me, conversation_id, epoch=epoch, client_id=client_id)
            case ReturnToBot(client_id, _, epoch):
                return desk.return_to_bot(me, conversation_id, epoch=epoch, client_id=client_id)
            case _:
                assert_never(frame)

    def _access(self, conversation_id: str) -> ConversationId:
        return access_conversation(self._conversations, conversation_id, visitor_id=None).conversation_id

    def _watch(self, conversation_id: ConversationId, cursor: int) -> None:
        self._stop_watching(conversation_id)
        while len(self._watched) >= WATCH_MAX:
            self._stop_watching(next(iter(self._watched)))
        end = self._bus.subscribe(topic_of(conversation_id), self._on_watched)
        self._watched[conversation_id] = _Watched(cursor, end)
        self._dirty[conversation_id] = None
        self._connection.wake()

    def _stop_watching(self, conversation_id: ConversationId) -> None:
        watched = self._watched.pop(conversation_id, None)
        if watched:
            watched.end()

    def _whisper_typing(self, conversation_id: ConversationId, is_typing: bool) -> None:
        if self._conversations.row(conversation_id).state.operator_id == self._id:
            payload = {"author": {"kind": "operator", "name": self._name}, "is_typing": is_typing}
            self._bus.whisper(topic_of(conversation_id), payload)

    # --- what the operator is told ---------------------------------------------------------------------------------

    def _on_desk(self, message: Ring | Whisper | Gap) -> None:
        if isinstance(message, Ring):
            self._dirty[message.conversation_id] = None
        else:
            self._is_list_due = True
        self._connection.wake()

    def _on_watched(self, message: Ring | Whisper | Gap) -> None:
        if isinstance(message, Whisper) and message.payload["author"]["name"] != self._name:
            conversation_id = message.topic.partition(":")[2]
            self._connection.offer({"type": "typing", "conversation_id": conversation_id, **message.payload})

    def _on_presence(self, _message: Ring | Whisper | Gap) -> None:
        self._are_people_due = True
        self._connection.wake()

    def _pull(self) -> Iterator[str]:
        if self._are_people_due:
            self._are_people_due = False
            yield msgspec.json.encode({"type": "people", "people": self._people()}).decode()
        if self._is_list_due:
            self._is_list_due = False
            self._look_again()
        while self._dirty:
            conversation_id = next(iter(self._dirty))
            del self._dirty[conversation_id]
            yield from self._news_of(conversation_id)

    def _look_again(self) -> None:
        """Find what changed without a ring that came through: the heartbeat and a told gap heal what was lost."""
        heads = {row.conversation_id: row.state.head for row in self._conversations.rows_for_desk()}
        self._dirty |= {each: None for each, head in heads.items() if head != self._heads.get(each)}
        heads_of_watched = self._heads_of_watched()
        self._dirty |= {each: None for each, head in heads_of_watched.items() if head > self._watched[each].brief.seq}
        self._heads = heads

    def _heads_of_watched(self) -> dict[ConversationId, int]:
        return {each: self._conversations.row(each).state.head for each in self._watched}

    def _news_of(self, conversation_id: ConversationId) -> Iterator[str]:
        """Yield the new events of a watched conversation, its brief if they change it, and its line for the lists."""
        watched = self._watched.get(conversation_id)
        is_talk = True
        if watched:
            for event in self._conversations.events(conversation_id, after_seq=watched.brief.seq):
                if self._watched.get(conversation_id) is not watched:
                    return  # unwatched while this was being sent
                watched.brief.add(event)
                is_talk = is_talk and isinstance(event.body, VisitorMessage | OperatorMessage)
                if event.seq > watched.cursor:
                    yield encode_for_operator(event)
        row = self._conversations.row(conversation_id)
        # What visitor and operator say to each other is no news for a brief: consoles add it to what was asked.
        if watched and not (is_talk and watched.has_brief and row.state.phase is Phase.OPERATOR):
            watched.has_brief = True
            yield self._encode_brief(row, watched)
        self._heads[conversation_id] = row.state.head
        is_online = bool(self._presence.visitors_online([row.visitor_id]))
        summary = build_summary(row, is_visitor_online=is_online)
        yield msgspec.json.encode({"type": "conversation", "summary": summary}).decode()

    def _encode_brief(self, row: ConversationRow, watched: "_Watched") -> str:
        if watched.earlier_chats is None:
            watched.earlier_chats = self._conversations.count_earlier(row)
        brief = watched.brief.build(row.state, visitor_id=row.visitor_id, earlier_chats=watched.earlier_chats)
        frame = {"type": "brief", "conversation_id": row.conversation_id, "brief": brief}
        return msgspec.json.encode(frame).decode()


class _Watched:
    """A conversation on an operator's screen: what is shown already, and the brief as far as the log was read."""

    def __init__(self, cursor: int, end: Callable[[], None]) -> None:
        self.cursor = cursor
        self.end = end
        self.brief = BriefBuilder()
        self.has_brief = False
        self.earlier_chats: int | None = None


def encode_for_operator(event: Event) -> str:
    """Encode an event with everything that staff may see."""
    body = msgspec.to_builtins(event.body)
    body.pop("kind")
    frame = {
        "type": "event",
        "conversation_id": event.conversation_id,
        "seq": event.seq,
        "kind": kind_of(event.body),
        "at": event.at,
        "epoch": event.epoch,
        "author": event.author,
        "client_id": event.client_id,
        "body": body,
    }
    return msgspec.json.encode(frame).decode()
