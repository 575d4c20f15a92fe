"""What the state of a conversation is: a pure fold over its events, rung 1 of the ladder.

`apply` takes the state and one event and gives the next state; `check` says whether an event may happen now. The
store runs both inside the transaction that appends, so that the stored state is always the replay of the log and a
refused event leaves no trace.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

import msgspec

from handoff.errors import ConversationClosed, FloorRefused
from handoff.events import (
    FLOOR_BODIES,
    NOT_READ,
    PRIVATE_BODIES,
    AnyBody,
    ArticleChosen,
    ArticleShown,
    Author,
    AuthorKind,
    BotMessage,
    ChatRated,
    ClarificationOffered,
    ContactLeft,
    ConversationStarted,
    DetailAsked,
    Escalated,
    Event,
    FeedbackGiven,
    NoteAdded,
    OperatorClaimed,
    OperatorMessage,
    OperatorReleased,
    Page,
    QuestionUnanswered,
    Reason,
    Reopened,
    Resolved,
    ReturnedToBot,
    Transferred,
    Understood,
    VisitorMessage,
    kind_of,
)

FRUSTRATION = "frustration"
"""The intent that counts as anger."""

EXCERPT_MAX_CHARS = 140
"""A line of a list shows no more of a message than this."""


class Phase(StrEnum):
    """Who has the floor."""

    BOT = "bot"
    QUEUE = "queue"
    OPERATOR = "operator"
    RESOLVED = "resolved"


class LastWords(msgspec.Struct, frozen=True):
    """The newest words of a conversation, cut to a line of a list."""

    kind: str
    author_kind: AuthorKind
    text: str


class State(msgspec.Struct, frozen=True):
    """Everything that lists, doors and rules need to know of a conversation without reading its log.

    `visible_head` is the newest event that the visitor may see: what their cursor is measured against. `queued_at`
    orders the queue and is kept through a release, so that a visitor who was let go of stands at the head again.
    `unanswered` holds the `seq` of what the bot still owes a reply to: messages, chosen articles, a "no" to "did
    this help?". `frustrated_count` counts the angry messages since the bot got the floor. `slots` is what the bot's
    form found out. Rasa itself has read what the visitor said up to `rasa_seq`, and was told what was said without it.
    """

    head: int = 0
    visible_head: int = 0
    epoch: int = 0
    phase: Phase = Phase.BOT
    operator_id: str | None = None
    operator_name: str | None = None
    started_at: float = 0.0
    updated_at: float = 0.0
    queued_at: float | None = None
    resolved_at: float | None = None
    reason: Reason | None = None
    language: str = "en"
    timezone: str = "UTC"
    page: Page | None = None
    visitor_name: str | None = None
    visitor_email: str | None = None
    last: LastWords | None = None
    rating: int | None = None
    unanswered: tuple[int, ...] = ()
    unsure_in_a_row: int = 0
    unhelpful_in_a_row: int = 0
    last_article_seq: int | None = None
    frustrated_count: int = 0
    slots: dict[str, str] = {}
    rasa_seq: int = 0


def replay(events: Iterable[Event]) -> State:
    """Fold a whole log, oldest event first."""
    state = State()
    for event in events:
        state = apply(state, event)
    return state


def apply(state: State, event: Event) -> State:
    """Give the state after `event`; pure, total over all kinds."""
    changes = _changes(state, event)
    last = _last_words(event)
    if last is not None:
        changes["last"] = last
    if not isinstance(event.body, PRIVATE_BODIES):
        changes["visible_head"] = event.seq
    return msgspec.structs.replace(state, head=event.seq, epoch=event.epoch, updated_at=event.at, **changes)


def next_epoch(state: State, body: AnyBody) -> int:
    """Give the epoch in force after `body`: one more if it passes the floor."""
    return state.epoch + 1 if isinstance(body, FLOOR_BODIES) else state.epoch


def check(state: State, author: Author, body: AnyBody) -> None:
    """Raise unless `author` may cause `body` in this state.

    Raises:
        ConversationClosed: the conversation is resolved and the event is none of reopening, rating, note.
        FloorRefused: the author does not hold the floor, the floor cannot pass this way from here, or the bot
            answers what has an answer already.
    """
    if state.phase is Phase.RESOLVED and not isinstance(body, Reopened | ChatRated | NoteAdded):
        raise ConversationClosed("This chat is closed. Reopen it by writing a new message.")
    if author.kind is AuthorKind.BOT and state.phase is not Phase.BOT:
        raise FloorRefused(f"The bot may not speak: the floor is with {state.phase.value}.")
    if isinstance(body, Understood) and body.message_seq not in state.unanswered:
        raise FloorRefused(f"What was said at seq {body.message_seq} is owed no answer, or no longer.")
    needs_holder = isinstance(body, OperatorMessage | OperatorReleased | Transferred)
    ends_hold = isinstance(body, Resolved | ReturnedToBot) and state.phase is Phase.OPERATOR
    if needs_holder or ends_hold:
        _check_held_by(state, author)
    if isinstance(body, FLOOR_BODIES):
        _check_floor_passes(state, author, body)


def _check_held_by(state: State, author: Author) -> None:
    if state.phase is not Phase.OPERATOR:
        raise FloorRefused("Claim this chat first: no operator holds it.")
    if author.kind is not AuthorKind.SYSTEM and author.id != state.operator_id:
        raise FloorRefused(f"{state.operator_name or 'Another operator'} holds this chat.")


# For each event that passes the floor: the phases that it is possible in, and who may cause it.
_FLOOR_PASSES: dict[type, tuple[tuple[Phase, ...], tuple[AuthorKind, ...]]] = {
    Escalated: ((Phase.BOT,), (AuthorKind.BOT, AuthorKind.SYSTEM)),
    OperatorClaimed: ((Phase.BOT, Phase.QUEUE), (AuthorKind.OPERATOR,)),
    OperatorReleased: ((Phase.OPERATOR,), (AuthorKind.OPERATOR, AuthorKind.SYSTEM)),
    Transferred: ((Phase.OPERATOR,), (AuthorKind.OPERATOR,)),
    ReturnedToBot: ((Phase.QUEUE, Phase.OPERATOR), (AuthorKind.OPERATOR,)),
    Resolved: ((Phase.BOT, Phase.QUEUE, Phase.OPERATOR), (AuthorKind.OPERATOR,)),
    Reopened: ((Phase.RESOLVED,), (AuthorKind.VISITOR,)),
}


def _check_floor_passes(state: State, author: Author, body: AnyBody) -> None:
    phases, authors = _FLOOR_PASSES[type(body)]
    if state.phase not in phases:
        raise FloorRefused(f"{kind_of(body)} is not possible while the floor is with {state.phase.value}.")
    if author.kind not in authors:
        raise FloorRefused(f"{kind_of(body)} is not for a {author.kind.value} to cause.")


def _changes(state: State, event: Event) -> dict[str, object]:
    body = event.body
    match body:
        case ConversationStarted():
            return {
                "started_at": event.at,
                "language": body.language,
                "timezone": body.timezone,
                "page": body.page,
            }
        case VisitorMessage() | ArticleChosen():
            return _owed(state, event.seq)
        case FeedbackGiven(helpful=True):
            return {"unhelpful_in_a_row": 0}
        case FeedbackGiven():
            # A "no" in words comes through the bot, which answers it in the same turn; a "no" by button is owed a
            # reply.
            is_pressed = event.author.kind is AuthorKind.VISITOR
            owed = _owed(state, event.seq) if is_pressed else {}
            return owed | {"unhelpful_in_a_row": state.unhelpful_in_a_row + 1}
        case Understood():
            return _read(state, body)
        case ArticleShown():
            return {"unsure_in_a_row": 0, "last_article_seq": event.seq}
        case QuestionUnanswered():
            return {"unsure_in_a_row": state.unsure_in_a_row + 1}
        case ContactLeft():
            return {
                "visitor_name": body.name or state.visitor_name,
                "visitor_email": body.email or state.visitor_email,
            }
        case ChatRated():
            return {"rating": body.score}
        case BotMessage() | DetailAsked() | ClarificationOffered() | OperatorMessage() | NoteAdded():
            return {}
        case _:
            return _floor_changes(state, event)


def _owed(state: State, seq: int) -> dict[str, object]:
    return {"unanswered": (*state.unanswered, seq)} if state.phase is Phase.BOT else {}


def _read(state: State, body: Understood) -> dict[str, object]:
    return {
        "unanswered": tuple(seq for seq in state.unanswered if seq > body.message_seq),
        "frustrated_count": state.frustrated_count + (body.intent == FRUSTRATION),
        "slots": body.slots or state.slots,
        "visitor_email": body.slots.get("email") or state.visitor_email,
        "rasa_seq": state.rasa_seq if body.intent == NOT_READ else body.message_seq,
    }


_FRESH_FOR_BOT: dict[str, object] = {
    "phase": Phase.BOT,
    "operator_id": None,
    "operator_name": None,
    "queued_at": None,
    "reason": None,
    "resolved_at": None,
    "unsure_in_a_row": 0,
    "unhelpful_in_a_row": 0,
    "frustrated_count": 0,
}


def _floor_changes(state: State, event: Event) -> dict[str, object]:
    body = event.body
    nobody: dict[str, object] = {"operator_id": None, "operator_name": None}
    match body:
        case Escalated():
            return {"phase": Phase.QUEUE, "reason": body.reason, "queued_at": event.at, "unanswered": ()}
        case OperatorClaimed():
            return {
                "phase": Phase.OPERATOR,
                "operator_id": event.author.id,
                "operator_name": event.author.name,
                "unanswered": (),
            }
        case OperatorReleased():
            return nobody | {"phase": Phase.QUEUE, "queued_at": state.queued_at or state.started_at}
        case Transferred():
            return {"operator_id": body.operator_id, "operator_name": body.operator_name}
        case ReturnedToBot() | Reopened():
            return dict(_FRESH_FOR_BOT)
        case Resolved():
            return nobody | {"phase": Phase.RESOLVED, "resolved_at": event.at, "unanswered": ()}
        case _:
            # The two match statements together cover every kind: a replay test feeds each one through here.
            assert_never(body)  # type: ignore[arg-type]


def _last_words(event: Event) -> LastWords | None:
    body = event.body
    match body:
        case VisitorMessage() | BotMessage() | DetailAsked() | OperatorMessage():
            text = body.text
        case ArticleShown():
            text = body.article.title
        case ClarificationOffered():
            text = body.text
        case ContactLeft():
            text = body.message
        case _:
            return None
    return LastWords(kind_of(body), event.author.kind, text[:EXCERPT_MAX_CHARS])
