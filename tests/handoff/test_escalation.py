"""When a conversation goes to a person: one table."""

import msgspec
import pytest

from handoff.escalation import EscalationRules, Signals, decide
from handoff.events import Reason
from handoff.projection import State

QUIET = Signals()
UNSURE = Signals(is_unsure=True)
UNHELPFUL = Signals(is_unhelpful=True)
ANGRY = Signals(is_frustrated=True)
GUARDED = Signals(guarded_topic="legal: lawyer*")
PATIENT = EscalationRules(unsure_limit=3, unhelpful_limit=3, frustrated_limit=3)
STRICT = EscalationRules(unsure_limit=1, unhelpful_limit=1, frustrated_limit=1)
USUAL = EscalationRules()
EVERYTHING = Signals(is_unsure=True, is_unhelpful=True, is_frustrated=True)

# What happened; rows of unsure, unhelpful and angry turns before; what this turn brought; the rules; the reason.
TABLE: list[tuple[str, tuple[int, int, int], Signals, EscalationRules, Reason | None]] = [
    ("nothing happened", (0, 0, 0), QUIET, USUAL, None),
    ("rows alone do not escalate", (5, 5, 5), QUIET, USUAL, None),
    ("unsure once", (0, 0, 0), UNSURE, USUAL, None),
    ("unsure twice", (1, 0, 0), UNSURE, USUAL, Reason.UNSURE_TWICE),
    ("unsure again and again", (4, 0, 0), UNSURE, USUAL, Reason.UNSURE_TWICE),
    ("unsure after one that did not help", (0, 1, 0), UNSURE, USUAL, None),
    ("unsure after anger", (0, 0, 1), UNSURE, USUAL, None),
    ("no help once", (0, 0, 0), UNHELPFUL, USUAL, None),
    ("no help twice", (0, 1, 0), UNHELPFUL, USUAL, Reason.UNHELPFUL_TWICE),
    ("no help after one unsure", (1, 0, 0), UNHELPFUL, USUAL, None),
    ("angry once", (0, 0, 0), ANGRY, USUAL, None),
    ("angry once after everything else", (1, 1, 0), ANGRY, USUAL, None),
    ("angry twice", (0, 0, 1), ANGRY, USUAL, Reason.FRUSTRATED),
    ("anger is named before unsure, unsure before no help", (1, 1, 1), EVERYTHING, USUAL, Reason.FRUSTRATED),
    ("unsure is named before no help", (1, 1, 0), EVERYTHING, USUAL, Reason.UNSURE_TWICE),
    ("no help is named where nothing else counts", (0, 1, 0), EVERYTHING, USUAL, Reason.UNHELPFUL_TWICE),
    ("guarded at once", (0, 0, 0), GUARDED, USUAL, Reason.GUARDED_TOPIC),
    ("guarded, however patient the desk", (0, 0, 0), GUARDED, PATIENT, Reason.GUARDED_TOPIC),
    ("patient desk, unsure twice", (1, 0, 0), UNSURE, PATIENT, None),
    ("patient desk, unsure thrice", (2, 0, 0), UNSURE, PATIENT, Reason.UNSURE_TWICE),
    ("patient desk, no help twice", (0, 1, 0), UNHELPFUL, PATIENT, None),
    ("patient desk, no help thrice", (0, 2, 0), UNHELPFUL, PATIENT, Reason.UNHELPFUL_TWICE),
    ("patient desk, angry twice", (0, 0, 1), ANGRY, PATIENT, None),
    ("patient desk, angry thrice", (0, 0, 2), ANGRY, PATIENT, Reason.FRUSTRATED),
    ("strict desk, unsure once", (0, 0, 0), UNSURE, STRICT, Reason.UNSURE_TWICE),
    ("strict desk, no help once", (0, 0, 0), UNHELPFUL, STRICT, Reason.UNHELPFUL_TWICE),
    ("strict desk, angry once", (0, 0, 0), ANGRY, STRICT, Reason.FRUSTRATED),
]


@pytest.mark.parametrize(("rows", "signals", "rules", "reason"), [pytest.param(*row[1:], id=row[0]) for row in TABLE])
def test_decision_is_the_tables(
    rows: tuple[int, int, int], signals: Signals, rules: EscalationRules, reason: Reason | None
) -> None:
    unsure, unhelpful, angry = rows
    state = State(unsure_in_a_row=unsure, unhelpful_in_a_row=unhelpful, frustrated_count=angry)
    assert decide(state, signals, rules) == reason


@pytest.mark.parametrize("reason", Reason)
def test_wish_of_the_bot_outranks_whatever_was_counted(reason: Reason) -> None:
    signals = msgspec.structs.replace(EVERYTHING, bot_reason=reason)
    state = State(unsure_in_a_row=1, unhelpful_in_a_row=1, frustrated_count=1)
    assert decide(state, EVERYTHING, USUAL) is Reason.FRUSTRATED
    assert decide(state, signals, PATIENT) is reason


@pytest.mark.parametrize("reason", Reason)
def test_guarded_topic_is_what_an_operator_must_know_first(reason: Reason) -> None:
    signals = msgspec.structs.replace(EVERYTHING, bot_reason=reason, guarded_topic="legal: lawyer*")
    assert decide(State(), signals, USUAL) is Reason.GUARDED_TOPIC


def test_list_of_reasons_is_closed() -> None:
    assert [reason.value for reason in Reason] == [
        "asked_for_person",
        "unsure_twice",
        "unhelpful_twice",
        "guarded_topic",
        "bot_failed",
        "frustrated",
        "account_specific",
    ]
