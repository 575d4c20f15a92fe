"""What can happen in a conversation: the typed, closed set of events, rung 0 of the ladder.

An event is an immutable fact with a gapless `seq` in its conversation. Each kind is a struct that refuses unknown
fields; its tag is the event's kind on the wire and in the log. Nothing here decides anything: what an event means
is `projection`'s business.
"""

from enum import StrEnum
from typing import NewType

import msgspec

ConversationId = NewType("ConversationId", str)
VisitorId = NewType("VisitorId", str)
OperatorId = NewType("OperatorId", str)


class AuthorKind(StrEnum):
    """Who caused an event; `system` is the desk itself (a lapsed lease, a failed bot)."""

    VISITOR = "visitor"
    BOT = "bot"
    OPERATOR = "operator"
    SYSTEM = "system"


class Reason(StrEnum):
    """Why the bot gave the floor away: the closed list that brief, console and reports share."""

    ASKED_FOR_PERSON = "asked_for_person"
    UNSURE_TWICE = "unsure_twice"
    UNHELPFUL_TWICE = "unhelpful_twice"
    GUARDED_TOPIC = "guarded_topic"
    BOT_FAILED = "bot_failed"
    FRUSTRATED = "frustrated"
    ACCOUNT_SPECIFIC = "account_specific"


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the values inside events."""


class Author(_Record, frozen=True):
    """Who caused the event; `id` is a staff or visitor id, `name` what others may read."""

    kind: AuthorKind
    id: str | None = None
    name: str | None = None


BOT = Author(AuthorKind.BOT)
SYSTEM = Author(AuthorKind.SYSTEM)


class Page(_Record, frozen=True):
    """A page of the host's website."""

    url: str = ""
    title: str = ""
    referrer: str = ""


class ArticleRef(_Record, frozen=True):
    """An article pinned to the revision that was shown."""

    slug: str
    language: str
    title: str
    revision: int
    url: str


class PassageRef(_Record, frozen=True):
    """The part of an article that was shown: plain `text` and safe `html`."""

    id: int
    heading: str
    text: str
    html: str


class Candidate(_Record, frozen=True):
    """An article that might answer, with the probability (0 to 1) that it does."""

    slug: str
    language: str
    title: str
    revision: int
    url: str
    probability: float


class IntentGuess(_Record, frozen=True):
    """One line of the classifier's ranking; `confidence` from 0 to 1."""

    intent: str
    confidence: float


class Body(_Record, frozen=True, tag_field="kind", tag=True):
    """Base of all event bodies."""


class ConversationStarted(Body, frozen=True, tag="conversation_started"):
    page: Page
    language: str
    timezone: str
    user_agent: str


class VisitorMessage(Body, frozen=True, tag="visitor_message"):
    text: str


NOT_READ = "not_read"
"""The intent of a message that was answered while Rasa was down: nobody classified it, and Rasa does not know it."""


class Understood(Body, frozen=True, tag="understood"):
    """How the bot read the visitor's message(s) up to `message_seq`, and what it knows of the visitor by now."""

    message_seq: int
    intent: str
    confidence: float
    ranking: list[IntentGuess]
    slots: dict[str, str] = {}


class BotMessage(Body, frozen=True, tag="bot_message"):
    """Words of the bot; `offer` is "person" when a yes brings a person."""

    text: str
    key: str
    offer: str | None = None


class ArticleShown(Body, frozen=True, tag="article_shown"):
    question: str
    text: str
    article: ArticleRef
    passage: PassageRef
    probability: float


class DetailAsked(Body, frozen=True, tag="detail_asked"):
    """A question of the form before a hand-over; to send `skip_text` leaves it out."""

    field: str
    text: str
    skip_text: str


class ClarificationOffered(Body, frozen=True, tag="clarification_offered"):
    question: str
    text: str
    options: list[Candidate]


class ArticleChosen(Body, frozen=True, tag="article_chosen"):
    slug: str
    language: str
    title: str


class QuestionUnanswered(Body, frozen=True, tag="question_unanswered"):
    """The bot found nothing good enough; the near misses help whoever takes over."""

    question: str
    candidates: list[Candidate]


class FeedbackGiven(Body, frozen=True, tag="feedback_given"):
    article_seq: int
    helpful: bool


class Escalated(Body, frozen=True, tag="escalated"):
    reason: Reason
    text: str
    detail: str
    is_staffed: bool


class OperatorClaimed(Body, frozen=True, tag="operator_claimed"):
    pass


class OperatorReleased(Body, frozen=True, tag="operator_released"):
    """Back to the head of the queue; `is_lapse` when the operator vanished rather than chose to."""

    is_lapse: bool


class Transferred(Body, frozen=True, tag="transferred"):
    operator_id: str
    operator_name: str


class ReturnedToBot(Body, frozen=True, tag="returned_to_bot"):
    pass


class Resolved(Body, frozen=True, tag="resolved"):
    pass


class Reopened(Body, frozen=True, tag="reopened"):
    pass


class OperatorMessage(Body, frozen=True, tag="operator_message"):
    text: str


class NoteAdded(Body, frozen=True, tag="note_added"):
    """Words that only staff ever see."""

    text: str


class ContactLeft(Body, frozen=True, tag="contact_left"):
    """What a visitor leaves when nobody is there to talk to."""

    name: str
    email: str
    message: str


class ChatRated(Body, frozen=True, tag="chat_rated"):
    score: int
    comment: str


AnyBody = (
    ConversationStarted
    | VisitorMessage
    | Understood
    | BotMessage
    | DetailAsked
    | ArticleShown
    | ClarificationOffered
    | ArticleChosen
    | QuestionUnanswered
    | FeedbackGiven
    | Escalated
    | OperatorClaimed
    | OperatorReleased
    | Transferred
    | ReturnedToBot
    | Resolved
    | Reopened
    | OperatorMessage
    | NoteAdded
    | ContactLeft
    | ChatRated
)

FLOOR_BODIES = (
    Escalated,
    OperatorClaimed,
    OperatorReleased,
    Transferred,
    ReturnedToBot,
    Resolved,
    Reopened,
)
"""The events that pass the floor: each raises the conversation's epoch by one."""

PRIVATE_BODIES = (ConversationStarted, Understood, QuestionUnanswered, NoteAdded)
"""The events that never leave for the visitor."""


class Draft(msgspec.Struct, frozen=True):
    """An event that has not happened yet: the log gives it `seq`, `epoch` and `at`."""

    author: Author
    body: AnyBody
    client_id: str | None = None


class Event(msgspec.Struct, frozen=True):
    """A fact of the log. `at` is in UTC seconds; `epoch` is the one in force after the event."""

    conversation_id: ConversationId
    seq: int
    epoch: int
    at: float
    author: Author
    body: AnyBody
    client_id: str | None = None


def kind_of(body: AnyBody) -> str:
    """Name the kind of a body as it stands on the wire and in the log."""
    tag = body.__struct_config__.tag
    return str(tag)
