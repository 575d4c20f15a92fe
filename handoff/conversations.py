"""Everything that is written into a conversation, rung 4 of the ladder.

The only caller of `EventStore.append`: check, record, ring. What visitors do to their conversation is here; what
operators do is in `desk`, what the bot does in `turns`, and both record through `record`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from handoff.errors import BadFrame, ConversationClosed, FloorRefused, NotFound
from handoff.escalation import EscalationRules, Signals, decide
from handoff.events import (
    SYSTEM,
    ArticleChosen,
    ArticleShown,
    Author,
    AuthorKind,
    ChatRated,
    ClarificationOffered,
    ContactLeft,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    Event,
    FeedbackGiven,
    Reason,
    Reopened,
    VisitorMessage,
)
from handoff.ports import Appended, Bus, ConversationRow, EventStore, Visitor
from handoff.projection import Phase, State
from handoff.protocol import PROTOCOL_PAGE_EVENTS, check_text, clean_line

REOPEN_WINDOW_S = 24 * 3600.0
"""A visitor who writes within a day of the end goes on in the same conversation; later a new one begins."""

B = TypeVar("B")

DESK_TOPIC = "desk"


def topic_of(conversation_id: ConversationId) -> str:
    """Name the bus topic of one conversation."""
    return f"conversation:{conversation_id}"


def topic_of_visitor(visitor_id: str) -> str:
    """Name the bus topic on which a visitor's other tabs learn of a new conversation."""
    return f"visitor:{visitor_id}"


class Conversations:
    """Reads and records conversations."""

    def __init__(
        self,
        store: EventStore,
        bus: Bus,
        *,
        rules: EscalationRules,
        is_staffed: Callable[[], bool],
        on_recorded: Callable[[ConversationId, Sequence[Event]], None] = lambda *_: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`on_recorded` hears of all that was recorded; it must neither wait nor fail."""
        self._store = store
        self._bus = bus
        self._rules = rules
        self._is_staffed = is_staffed
        self._on_recorded = on_recorded
        self._now = now

    # --- reading ---------------------------------------------------------------------------------------------------

    def log_epoch(self) -> str:
        """Name the history that clients' cursors belong to."""
        return self._store.log_epoch()

    def row(self, conversation_id: ConversationId) -> ConversationRow:
        """Give a conversation.

        Raises:
            NotFound: there is none with this id.
        """
        row = self._store.row(conversation_id)
        if row is None:
            raise NotFound("There is no such conversation.")
        return row

    def events(self, conversation_id: ConversationId, *, after_seq: int = 0) -> Iterator[Event]:
        """Read the log page by page, from the event after `after_seq` to its present end."""
        is_last = False
        while not is_last:
            page = self._store.read(conversation_id, after_seq=after_seq, limit=PROTOCOL_PAGE_EVENTS)
            yield from page
            is_last = len(page) < PROTOCOL_PAGE_EVENTS
            after_seq = page[-1].seq if page else after_seq

    def current_of(self, visitor: Visitor) -> ConversationRow | None:
        """Give the conversation that the visitor would go on with, if there is one."""
        return self._store.current_conversation(visitor.id, reopen_window_s=REOPEN_WINDOW_S)

    def rows_for_desk(self) -> list[ConversationRow]:
        """List what a console shows at first: all that wait or are held, what the bot talks about, what ended
        lately.
        """
        now = self._now()
        # The limits keep a first frame under some 300 kB; a desk of five operators is far below them.
        return [
            *self._store.rows_in_phase(Phase.QUEUE, since=0.0, limit=300),
            *self._store.rows_in_phase(Phase.OPERATOR, since=0.0, limit=200),
            *self._store.rows_in_phase(Phase.BOT, since=now - 3600.0, limit=100),
            *self._store.rows_in_phase(Phase.RESOLVED, since=now - 7 * 86400.0, limit=50),
        ]

    def count_earlier(self, row: ConversationRow) -> int:
        """Count the visitor's other conversations."""
        return self._store.count_of_visitor(row.visitor_id) - 1

    # --- recording -------------------------------------------------------------------------------------------------

    def record(
        self, conversation_id: ConversationId, drafts: Sequence[Draft], *, expected_epoch: int | None = None
    ) -> Appended:
        """Append, then ring the conversation's and the desk's bells; raises as `EventStore.append` does."""
        appended = self._store.append(conversation_id, drafts, expected_epoch=expected_epoch)
        if not appended.is_repeat:
            self.ring(conversation_id, appended.state.head)
            self._on_recorded(conversation_id, appended.events)
        return appended

    def ring(self, conversation_id: ConversationId, head: int) -> None:
        """Tell all who watch that the conversation, or what is known beside it, has changed."""
        self._bus.ring(topic_of(conversation_id), conversation_id, head)
        self._bus.ring(DESK_TOPIC, conversation_id, head)

    def open_for(self, visitor: Visitor) -> ConversationId:
        """Give the visitor's current conversation, starting one if there is none; two tabs at once get the same."""
        started = ConversationStarted(visitor.page, visitor.language, visitor.timezone, visitor.user_agent)
        conversation_id = self._store.open_conversation(
            visitor.id, Draft(_author(visitor), started), reopen_window_s=REOPEN_WINDOW_S
        )
        self._bus.ring(topic_of_visitor(visitor.id), conversation_id, 1)
        return conversation_id

    def post(self, visitor: Visitor, conversation_id: ConversationId, text: str, *, client_id: str) -> Event:
        """Record a visitor's message, reopening the conversation if it was resolved.

        Raises:
            TextRefused: the text is empty or holds control characters.
        """
        draft = Draft(_author(visitor), VisitorMessage(check_text(text)), client_id)
        return self._record_or_reopen(visitor, conversation_id, draft)

    def ask_person(self, visitor: Visitor, conversation_id: ConversationId, *, client_id: str) -> Event | None:
        """Hand the conversation to a person at once; None when one is already wanted or here."""
        wish = self.escalation(Reason.ASKED_FOR_PERSON, client_id=client_id)
        try:
            return self._record_or_reopen(visitor, conversation_id, wish)
        except ConversationClosed:
            raise
        except FloorRefused:
            return None  # one is wanted or here already

    def give_feedback(
        self, visitor: Visitor, conversation_id: ConversationId, *, seq: int, helpful: bool, client_id: str
    ) -> Event:
        """Record "did this help?"; the second "no" in a row hands over at once.

        Raises:
            BadFrame: `seq` is not an article that was shown.
        """
        self._body_at(conversation_id, seq, ArticleShown)
        state = self.row(conversation_id).state
        drafts = [Draft(_author(visitor), FeedbackGiven(seq, helpful), client_id)]
        reason = decide(state, Signals(is_unhelpful=not helpful), self._rules)
        if reason is not None and state.phase is Phase.BOT:
            drafts.append(self.escalation(reason))
        try:
            return self.record(conversation_id, drafts).events[0]
        except FloorRefused:
            # Handed over in the meantime, so not by this "no"; it still counts.
            return self.record(conversation_id, drafts[:1]).events[0]

    def choose_article(
        self, visitor: Visitor, conversation_id: ConversationId, *, seq: int, slug: str, client_id: str
    ) -> Event:
        """Record which of the offered articles was meant.

        Raises:
            BadFrame: `seq` is not an offer, or `slug` is not in it.
        """
        offer = self._body_at(conversation_id, seq, ClarificationOffered)
        for option in offer.options:
            if option.slug == slug:
                body = ArticleChosen(slug, option.language, option.title)
                return self.record(conversation_id, [Draft(_author(visitor), body, client_id)]).events[0]
        raise BadFrame(f"The offer at seq {seq} has no article {slug!r}.", field="slug")

    def leave_contact(
        self,
        visitor: Visitor,
        conversation_id: ConversationId,
        *,
        name: str,
        email: str,
        message: str,
        client_id: str,
    ) -> Event:
        """Record how to reach the visitor, and put the conversation in the queue if it is not there yet."""
        body = ContactLeft(clean_line(name), clean_line(email), check_text(message) if message.strip() else "")
        event = self._record_or_reopen(visitor, conversation_id, Draft(_author(visitor), body, client_id))
        if self.row(conversation_id).state.phase is Phase.BOT:
            with suppress(FloorRefused):  # another tab, or the bot, was faster to put it there
                self.record(conversation_id, [self.escalation(Reason.ASKED_FOR_PERSON)])
        return event

    def rate(
        self, visitor: Visitor, conversation_id: ConversationId, *, score: int, comment: str, client_id: str
    ) -> Event:
        """Record the visitor's rating, 1 to 5; a later one replaces it."""
        body = ChatRated(score, check_text(comment) if comment.strip() else "")
        return self.record(conversation_id, [Draft(_author(visitor), body, client_id)]).events[0]

    def escalation(self, reason: Reason, *, text: str = "", detail: str = "", client_id: str | None = None) -> Draft:
        """Build the event that gives the floor to the queue, saying whether somebody is there right now."""
        return Draft(SYSTEM, Escalated(reason, text, detail, self._is_staffed()), client_id)

    def _record_or_reopen(self, visitor: Visitor, conversation_id: ConversationId, draft: Draft) -> Event:
        try:
            return self.record(conversation_id, [draft]).events[-1]
        except ConversationClosed:
            reopened = Draft(_author(visitor), Reopened())
        try:
            return self.record(conversation_id, [reopened, draft]).events[-1]
        except FloorRefused:  # another tab was faster to reopen it
            return self.record(conversation_id, [draft]).events[-1]

    def _body_at(self, conversation_id: ConversationId, seq: int, body_type: type[B]) -> B:
        events = self._store.read(conversation_id, after_seq=seq - 1, limit=1)
        if events and events[0].seq == seq and isinstance(events[0].body, body_type):
            return events[0].body
        raise BadFrame(f"There is nothing of that kind at seq {seq}.", field="seq")


def _author(visitor: Visitor) -> Author:
    return Author(AuthorKind.VISITOR, visitor.id)


def build_summary(row: ConversationRow, *, is_visitor_online: bool) -> dict[str, object]:
    """Build the line that consoles show of a conversation."""
    state: State = row.state
    holder = {"id": state.operator_id, "name": state.operator_name} if state.operator_id else None
    return {
        "conversation_id": row.conversation_id,
        "number": row.number,
        "phase": state.phase,
        "epoch": state.epoch,
        "head": state.head,
        "holder": holder,
        "visitor": {
            "id": row.visitor_id,
            "name": state.visitor_name,
            "email": state.visitor_email,
            "language": state.language,
            "timezone": state.timezone,
        },
        "page": msgspec.to_builtins(state.page),
        "reason": state.reason,
        "queued_at": state.queued_at,
        "started_at": state.started_at,
        "updated_at": state.updated_at,
        "last": msgspec.to_builtins(state.last),
        "rating": state.rating,
        "is_visitor_online": is_visitor_online,
    }
