"""When a conversation goes to a person: one table."""

import pytest

from handoff.escalation import EscalationRules, Signals, decide
from handoff.events import Reason
from handoff.projection import State

QUIET = Signals()
UNSURE = Signals(is_unsure=True)
UNHELPFUL = Signals(is_unhelpful=True)
PATIENT = EscalationRules(unsure_limit=3, unhelpful_limit=3)
STRICT = EscalationRules(unsure_limit=1, unhelpful_limit=1)
USUAL = EscalationRules()

TABLE: list[tuple[str, int, int, Signals, EscalationRules, Reason | None]] = [
    ("nothing happened", 0, 0, QUIET, USUAL, None),
    ("rows alone do not escalate", 5, 5, QUIET, USUAL, None),
    ("unsure once", 0, 0, UNSURE, USUAL, None),
    ("unsure twice", 1, 0, UNSURE, USUAL, Reason.UNSURE_TWICE),
    ("unsure again and again", 4, 0, UNSURE, USUAL, Reason.UNSURE_TWICE),
    ("unsure after one that did not help", 0, 1, UNSURE, USUAL, None),
    ("no help once", 0, 0, UNHELPFUL, USUAL, None),
    ("no help twice", 0, 1, UNHELPFUL, USUAL, Reason.UNHELPFUL_TWICE),
    ("no help after one unsure", 1, 0, UNHELPFUL, USUAL, None),
    ("unsure is named before no help", 1, 1, Signals(is_unsure=True, is_unhelpful=True), USUAL, Reason.UNSURE_TWICE),
    ("patient desk, unsure twice", 1, 0, UNSURE, PATIENT, None),
    ("patient desk, unsure thrice", 2, 0, UNSURE, PATIENT, Reason.UNSURE_TWICE),
    ("patient desk, no help twice", 0, 1, UNHELPFUL, PATIENT, None),
    ("patient desk, no help thrice", 0, 2, UNHELPFUL, PATIENT, Reason.UNHELPFUL_TWICE),
    ("strict desk, unsure once", 0, 0, UNSURE, STRICT, Reason.UNSURE_TWICE),
    ("strict desk, no help once", 0, 0, UNHELPFUL, STRICT, Reason.UNHELPFUL_TWICE),
]


@pytest.mark.parametrize(
    ("unsure", "unhelpful", "signals", "rules", "reason"), [pytest.param(*row[1:], id=row[0]) for row in TABLE]
)
def test_decision_is_the_tables(
    unsure: int, unhelpful: int, signals: Signals, rules: EscalationRules, reason: Reason | None
) -> None:
    state = State(unsure_in_a_row=unsure, unhelpful_in_a_row=unhelpful)
    assert decide(state, signals, rules) == reason


@pytest.mark.parametrize("reason", Reason)
def test_wish_of_the_bot_outranks_everything(reason: Reason) -> None:
    signals = Signals(bot_reason=reason, is_unsure=True, is_unhelpful=True)
    state = State(unsure_in_a_row=1, unhelpful_in_a_row=1)
    assert decide(state, Signals(is_unsure=True), USUAL) is Reason.UNSURE_TWICE
    assert decide(state, signals, PATIENT) is reason


def test_list_of_reasons_is_closed() -> None:
    assert [reason.value for reason in Reason] == [
        "asked_for_person",
        "unsure_twice",
        "unhelpful_twice",
        "guarded_topic",
        "bot_failed",
        "frustrated",
    ]
