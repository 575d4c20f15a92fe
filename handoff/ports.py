"""What the services need from the outside world, rung 2 of the ladder: protocols with their guarantees written on
them.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from handoff.events import ConversationId, Draft, Event, OperatorId, Page, VisitorId
from handoff.payloads import Payload
from handoff.projection import Phase, State


class Appended(NamedTuple):
    """What an append did: the events as recorded, the state after them, and whether it was a resend of an earlier
    one.
    """

    events: list[Event]
    state: State
    is_repeat: bool


class ConversationRow(NamedTuple):
    """A conversation in a list: its identity beside its state."""

    conversation_id: ConversationId
    number: int
    visitor_id: VisitorId
    state: State


class EventStore(Protocol):
    """The append-only log of every conversation: the only truth.

    Guarantees: `seq` is gapless from 1 in each conversation. An append is all or nothing, is checked against
    `projection.check` inside its transaction, and is durable when it returns. A second append with the same
    (conversation, `client_id`) records nothing and gives back the first one's event. Appends to one conversation are
    serialised. Safe to call from many greenlets, and from as many processes as the database itself is.
    """

    def log_epoch(self) -> str:
        """Name this history. The name changes when some of it was lost (a restored backup): clients that know another
        one start afresh.
        """

    def renew_log_epoch(self) -> str:
        """Give the history another name, and give that: what every restore has to do."""

    def open_conversation(self, visitor_id: VisitorId, started: Draft, *, reopen_window_s: float) -> ConversationId:
        """Give the visitor's current conversation, or record `started` as the first event of a new one.

        Current is one that is not resolved, or was resolved less than `reopen_window_s` ago. Two calls at once give
        the same conversation.
        """

    def append(
        self, conversation_id: ConversationId, drafts: Sequence[Draft], *, expected_epoch: int | None = None
    ) -> Appended:
        """Record `drafts` in order.

        Raises:
            NotFound: there is no such conversation.
            StaleEpoch: `expected_epoch` is given and is not the one in force.
            FloorRefused, ConversationClosed: `projection.check` refused a draft.
            StoreFailed: the log could not be written; nothing was recorded.
        """

    def read(self, conversation_id: ConversationId, *, after_seq: int, limit: int) -> list[Event]:
        """Give up to `limit` events with `seq` above `after_seq`, in order; empty when there are none."""

    def row(self, conversation_id: ConversationId) -> ConversationRow | None:
        """Give the conversation with the state that a replay of its log would give."""

    def current_conversation(self, visitor_id: VisitorId, *, reopen_window_s: float) -> ConversationRow | None:
        """Give what `open_conversation` would find, without opening one."""

    def rows_in_phase(self, phase: Phase, *, since: float, limit: int) -> list[ConversationRow]:
        """List conversations of a phase changed at or after `since` (UTC seconds): the queue oldest wait first,
        others newest first.
        """

    def rows_held_by(self, operator_id: OperatorId) -> list[ConversationRow]:
        """List the conversations that an operator holds."""

    def ids_owed_reply(self, *, limit: int) -> list[ConversationId]:
        """List up to `limit` conversations whose visitor the bot owes a reply, longest ago first: what a restart must
        take up again.
        """

    def count_of_visitor(self, visitor_id: VisitorId) -> int:
        """Count a visitor's conversations."""

    def ids(self, *, after: ConversationId | None, limit: int) -> list[ConversationId]:
        """List up to `limit` conversations, in the order of their ids, from the one that follows `after`."""

    def columns(self, conversation_id: ConversationId) -> dict[str, object]:
        """Give what is stored beside the log of a conversation to find it by, and its state: what `baton log verify`
        holds against a replay. Empty if there is no such conversation.
        """

    def ids_without_row(self, *, limit: int) -> list[ConversationId]:
        """List conversations that have events and nothing beside them: in a sound log there are none."""


class Visitor(msgspec.Struct, frozen=True):
    """Somebody on a website, known by a signed token; `seen_at` is in UTC seconds."""

    id: VisitorId
    language: str = "en"
    timezone: str = "UTC"
    user_agent: str = ""
    page: Page = Page()
    created_at: float = 0.0
    seen_at: float = 0.0


class VisitorStore(Protocol):
    """Who the visitors are. Writes are durable when they return."""

    def save_visitor(self, visitor: Visitor) -> None:
        """Insert the visitor or replace what is known of them."""

    def visitor(self, visitor_id: VisitorId) -> Visitor | None:
        """Give the visitor, or None if there is none."""


class Ring(NamedTuple):
    """The doorbell: a conversation has something up to `head`. Carries no data; the log has it."""

    topic: str
    conversation_id: ConversationId
    head: int


class Whisper(NamedTuple):
    """Typing and presence: payload that is never stored and may be lost."""

    topic: str
    payload: dict[str, Any]


class Gap(NamedTuple):
    """Rings of the topic may have been lost: look at the log again."""

    topic: str


Listener = Callable[[Ring | Whisper | Gap], None]


class Bus(Protocol):
    """The doorbell between connections, of one process or of many. At most once: a lost ring is healed by the next
    one, by a gap that is told, or by the heartbeat.

    `ring` and `whisper` never wait and never fail. Listeners are called in a greenlet of the bus or of whoever rings,
    and must neither block nor raise. Rings of one topic that one process rings arrive in the order in which they were
    rung.
    """

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` for each ring and whisper of `topic`; gives the function that ends it."""

    def ring(self, topic: str, conversation_id: ConversationId, head: int) -> None:
        """Tell the topic's listeners that the conversation has something up to `head`."""

    def whisper(self, topic: str, payload: dict[str, Any]) -> None:
        """Pass `payload` to the topic's listeners."""

    def close(self) -> None:
        """Stop listening and telling. Idempotent."""


class Lease(NamedTuple):
    """An operator who is here until `expires_at`, in seconds on the book's clock, unless the lease is renewed."""

    operator_id: OperatorId
    name: str
    is_available: bool
    expires_at: float


class PresenceBook(Protocol):
    """Who is here: leases with a time to live, never a stored flag. One book for all processes of a desk.

    The book goes by a clock of its own, the same for all who share it, so that neither a jump of a machine's wall
    clock nor a difference between two of them ends a lease. It never fails: while a shared book is out of reach it
    answers what it last knew, and is as young as if it had just been opened.
    """

    def age_s(self) -> float:
        """Tell for how long the book has been kept without a loss. Whoever has no lease in a young book may only not
        have come back yet.
        """

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool, ttl_s: float) -> None:
        """Make the operator's lease, or replace it: it lasts for `ttl_s`, and with 0 it has ended at once."""

    def leases(self) -> list[Lease]:
        """List the leases that have not ended, by name."""

    def note_visitor(self, visitor_id: VisitorId, *, ttl_s: float) -> None:
        """Remember that a visitor has a page open at this process, for `ttl_s`; with 0, that none is open any more."""

    def visitors_here(self, visitor_ids: Iterable[VisitorId]) -> set[VisitorId]:
        """Give those of `visitor_ids` who have a page open at any process."""


class TurnFacts(msgspec.Struct, frozen=True):
    """What the bot is told beside the visitor's words.

    `seq` is the newest message of the turn; `is_staffed` says that an operator is signed in and takes chats, `is_open`
    that this is within business hours, `opens_at` in the visitor's language and time zone when that will be.
    """

    seq: int
    language: str = "en"
    is_staffed: bool = False
    is_open: bool = True
    opens_at: str | None = None
    has_email: bool = False


class Bot(Protocol):
    """Whoever decides what to say while the bot has the floor."""

    def reply(self, conversation_id: ConversationId, message: str, *, facts: TurnFacts) -> list[Payload]:
        """Give the bot's payloads for one turn within the adapter's deadline, the reading of the message first.

        Raises:
            BotFailed: unreachable, too slow, an empty answer or one outside the contract; or it failed so often that
                it is left alone for a while.
        """

    def tell(self, conversation_id: ConversationId, said: Sequence[Event]) -> None:
        """Tell the bot what was said while it did not listen, oldest first. What it was told before, it is not told
        again.

        Raises:
            BotFailed: it cannot be told now.
        """
