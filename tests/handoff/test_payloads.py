"""What the bot may say, what it becomes in the log, and what counts as a failed bot."""

from typing import Any

import msgspec
import pytest

from handoff.errors import BotFailed
from handoff.escalation import Signals
from handoff.events import (
    BOT,
    AnyBody,
    ArticleShown,
    BotMessage,
    ClarificationOffered,
    FeedbackGiven,
    QuestionUnanswered,
    Reason,
    Understood,
)
from handoff.payloads import Payload, build_turn, decode_payloads
from handoff.projection import State
from tests.handoff.cast import (
    INVOICE_GUESS,
    PASSAGE,
    REFUND,
    REFUND_GUESS,
    UNDERSTOOD,
    answers,
    clarifies,
    hands_off,
    hears_feedback,
    is_unsure,
    says,
)

READING = Understood(5, "question", 0.93, UNDERSTOOD.ranking)
SHOWN = State(head=4, last_article_seq=4)

PAYLOADS: list[tuple[str, Payload, list[AnyBody], Signals]] = [
    ("say", says("Hi.", "greeting"), [BotMessage("Hi.", "greeting")], Signals()),
    (
        "answer",
        answers(),
        [ArticleShown("Where is my refund?", "This may help.", REFUND, PASSAGE, 0.88)],
        Signals(),
    ),
    (
        "clarify",
        clarifies(),
        [ClarificationOffered("money?", "Which one?", [REFUND_GUESS, INVOICE_GUESS])],
        Signals(),
    ),
    (
        "unsure",
        is_unsure(),
        [
            QuestionUnanswered("and the moon?", [INVOICE_GUESS]),
            BotMessage("I found nothing. A person?", "unsure", offer="person"),
        ],
        Signals(is_unsure=True),
    ),
    ("feedback yes", hears_feedback(True), [FeedbackGiven(4, True)], Signals()),
    ("feedback no", hears_feedback(False), [FeedbackGiven(4, False)], Signals(is_unhelpful=True)),
    ("handoff", hands_off(Reason.GUARDED_TOPIC), [], Signals(bot_reason=Reason.GUARDED_TOPIC)),
]


@pytest.mark.parametrize(("payload", "bodies", "signals"), [pytest.param(*row[1:], id=row[0]) for row in PAYLOADS])
def test_payload_becomes_its_events_and_signals(payload: Payload, bodies: list[AnyBody], signals: Signals) -> None:
    turn = build_turn([UNDERSTOOD, payload], state=SHOWN, message_seq=5)
    assert [draft.body for draft in turn.drafts] == [READING, *bodies]
    assert {draft.author for draft in turn.drafts} == {BOT}
    assert turn.signals == signals


@pytest.mark.parametrize("payload", [row[1] for row in PAYLOADS], ids=[row[0] for row in PAYLOADS])
def test_payload_comes_over_the_wire_as_the_contract_says(payload: Payload) -> None:
    raw = msgspec.to_builtins([UNDERSTOOD, says(), payload])
    assert decode_payloads(raw) == [UNDERSTOOD, says(), payload]


def test_handoff_keeps_the_bots_words_and_detail_for_the_escalation() -> None:
    turn = build_turn([UNDERSTOOD, says("One moment."), hands_off()], state=State(), message_seq=5)
    assert (turn.handoff_text, turn.handoff_detail) == ("A person will take over.", "cancellation")
    assert [type(draft.body) for draft in turn.drafts] == [Understood, BotMessage]


def test_feedback_in_words_before_any_article_records_nothing() -> None:
    turn = build_turn([UNDERSTOOD, hears_feedback(True), says("Glad.")], state=State(), message_seq=5)
    assert [type(draft.body) for draft in turn.drafts] == [Understood, BotMessage]


def test_unknown_fields_are_left_to_bots_of_ones_own() -> None:
    raw = msgspec.to_builtins([UNDERSTOOD, says("Hi.")])
    raw[1]["mood"] = "cheerful"
    assert decode_payloads(raw)[1] == says("Hi.")


def broken(**changes: Any) -> list[dict[str, Any]]:
    """Give a turn whose article answer has some fields changed or (None) taken away."""
    answer: dict[str, Any] = msgspec.to_builtins(answers()) | changes
    reading: dict[str, Any] = msgspec.to_builtins(UNDERSTOOD)
    return [reading, {name: value for name, value in answer.items() if value is not None}]


_READ = msgspec.to_builtins(UNDERSTOOD)

VIOLATIONS: list[tuple[str, object]] = [
    ("an empty answer", []),
    ("no list", {"type": "say"}),
    ("nothing at all", None),
    ("bare text", [{"recipient_id": "c1", "text": "Hello"}]),
    ("an unknown payload", [_READ, {"type": "sing", "text": "la"}]),
    ("no reading", [{"type": "say", "key": "greeting", "text": "Hello"}]),
    ("the reading last", [{"type": "say", "key": "greeting", "text": "Hello"}, _READ]),
    ("a reading and nothing said", [_READ]),
    ("two readings and nothing said", [_READ, _READ]),
    ("a reading and feedback, but nothing said", [_READ, {"type": "feedback", "helpful": True}]),
    ("an answer without an article", broken(article=None)),
    ("an answer without a passage", broken(passage=None)),
    ("a probability in words", broken(probability="high")),
    ("an article without a revision", broken(article={"slug": "a", "language": "en", "title": "A", "url": "/a"})),
    ("a reason outside the list", [_READ, {"type": "handoff", "reason": "bored"}]),
    ("feedback that is a word", [*msgspec.to_builtins([UNDERSTOOD, says()]), {"type": "feedback", "helpful": "yes"}]),
]  # fmt: skip


@pytest.mark.parametrize("raw", [raw for _, raw in VIOLATIONS], ids=[name for name, _ in VIOLATIONS])
def test_turn_outside_the_contract_is_a_failed_bot(raw: object) -> None:
    assert decode_payloads(broken())
    with pytest.raises(BotFailed) as failure:
        decode_payloads(raw)
    assert failure.value.message
