"""What the bot may say: the typed, closed set of its payloads and what each becomes in the log, rung 1 of the
ladder.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec

from handoff.errors import BotFailed
from handoff.escalation import Signals
from handoff.events import (
    BOT,
    AnyBody,
    ArticleRef,
    ArticleShown,
    BotMessage,
    Candidate,
    ClarificationOffered,
    DetailAsked,
    Draft,
    FeedbackGiven,
    IntentGuess,
    PassageRef,
    QuestionUnanswered,
    Reason,
    Understood,
)
from handoff.projection import FRUSTRATION, State

SlotText = Annotated[str, msgspec.Meta(max_length=4_000)]
Slots = Annotated[dict[str, SlotText], msgspec.Meta(max_length=20)]


class _Payload(msgspec.Struct, frozen=True, tag_field="type", tag=True):
    """Base of all payloads. Unknown fields are allowed, so that a bot of one's own may add some."""


class UnderstoodPayload(_Payload, frozen=True, tag="understood"):
    """How the message was read; the first payload of every turn."""

    intent: str
    confidence: float
    ranking: list[IntentGuess] = []
    slots: Slots = {}


class SayPayload(_Payload, frozen=True, tag="say"):
    """`offer` shows a button that fetches a person."""

    key: str
    text: str
    offer: Literal["person"] | None = None


class AskPayload(_Payload, frozen=True, tag="ask"):
    """A question of the form before a hand-over, when nobody is free; sending `skip_text` leaves it out."""

    field: str
    text: str
    skip_text: str


class AnswerPayload(_Payload, frozen=True, tag="answer"):
    question: str
    text: str
    article: ArticleRef
    passage: PassageRef
    probability: float
    tags: list[str] = []


class ClarifyPayload(_Payload, frozen=True, tag="clarify"):
    question: str
    text: str
    options: list[Candidate]


class UnsurePayload(_Payload, frozen=True, tag="unsure"):
    question: str
    text: str
    candidates: list[Candidate] = []


class FeedbackPayload(_Payload, frozen=True, tag="feedback"):
    helpful: bool


class HandoffPayload(_Payload, frozen=True, tag="handoff"):
    reason: Reason
    text: str = ""
    detail: str = ""
    slots: Slots = {}


Payload = (
    UnderstoodPayload
    | SayPayload
    | AskPayload
    | AnswerPayload
    | ClarifyPayload
    | UnsurePayload
    | FeedbackPayload
    | HandoffPayload
)


class Turn(msgspec.Struct, frozen=True):
    """One turn of the bot, ready to be recorded: its events, what it signals, and its words on a hand-over."""

    drafts: list[Draft]
    signals: Signals
    handoff_text: str
    handoff_detail: str


def decode_payloads(raw: object) -> list[Payload]:
    """Check the payloads of one turn.

    Raises:
        BotFailed: there are none, one is outside the contract, or the first is not the reading of the message.
    """
    try:
        payloads = msgspec.convert(raw, list[Payload])
    except msgspec.ValidationError as exc:
        raise BotFailed(f"The bot's answer is outside its contract: {exc}.") from exc
    if not payloads or not isinstance(payloads[0], UnderstoodPayload):
        raise BotFailed("The bot gave no reading of the message (an empty answer means that it failed inside).")
    if all(isinstance(payload, UnderstoodPayload | FeedbackPayload) for payload in payloads):
        raise BotFailed("The bot read the message but said nothing.")
    return payloads


def build_turn(
    payloads: Sequence[Payload],
    *,
    state: State,
    message_seq: int,
    find_tag: Callable[[Sequence[str]], str | None] = lambda _tags: None,
) -> Turn:
    """Turn checked payloads into events; `message_seq` is the newest message that they reply to.

    `find_tag` names the guarded topic of an article's tags; such an article is not shown.
    """
    handoffs = [p for p in payloads if isinstance(p, HandoffPayload)]
    guarded = [topic for p in payloads if isinstance(p, AnswerPayload) and (topic := find_tag(p.tags))]
    shown = [p for p in payloads if not (isinstance(p, AnswerPayload) and find_tag(p.tags))]
    slots = {name: text for p in payloads for name, text in getattr(p, "slots", {}).items() if text}
    drafts = [Draft(BOT, body) for payload in shown for body in _bodies(payload, state, message_seq, slots)]
    return Turn(
        drafts=drafts,
        signals=_signals(payloads, guarded[0] if guarded else None),
        # The bot's words belong to its own reason.
        handoff_text=handoffs[0].text if handoffs and not guarded else "",
        handoff_detail=guarded[0] if guarded else handoffs[0].detail if handoffs else "",
    )


def _signals(payloads: Sequence[Payload], guarded_topic: str | None) -> Signals:
    reasons = [p.reason for p in payloads if isinstance(p, HandoffPayload)]
    return Signals(
        bot_reason=reasons[0] if reasons else None,
        guarded_topic=guarded_topic,
        is_unsure=any(isinstance(p, UnsurePayload) for p in payloads),
        is_unhelpful=any(isinstance(p, FeedbackPayload) and not p.helpful for p in payloads),
        is_frustrated=any(isinstance(p, UnderstoodPayload) and p.intent == FRUSTRATION for p in payloads),
    )


def _bodies(payload: Payload, state: State, message_seq: int, slots: dict[str, str]) -> list[AnyBody]:
    match payload:
        case UnderstoodPayload():
            return [Understood(message_seq, payload.intent, payload.confidence, payload.ranking, slots)]
        case SayPayload():
            return [BotMessage(payload.text, payload.key, payload.offer)]
        case AskPayload():
            return [DetailAsked(payload.field, payload.text, payload.skip_text)]
        case AnswerPayload():
            return [ArticleShown(payload.question, payload.text, payload.article, payload.passage, payload.probability)]
        case ClarifyPayload():
            return [ClarificationOffered(payload.question, payload.text, payload.options)]
        case UnsurePayload():
            return [
                QuestionUnanswered(payload.question, payload.candidates),
                BotMessage(payload.text, "unsure", offer="person"),
            ]
        case FeedbackPayload():
            if state.last_article_seq is None:
                return []
            return [FeedbackGiven(state.last_article_seq, payload.helpful)]
        case HandoffPayload():
            return []
