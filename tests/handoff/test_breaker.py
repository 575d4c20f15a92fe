"""When a neighbour that fails is asked again: tables, with the time as an argument."""

import pytest

from handoff.breaker import FAILURE_LIMIT, REST_S, RETRY_MAX, Breaker, RetryBudget, Stance

CLOSED, OPEN, HALF_OPEN = Stance.CLOSED, Stance.OPEN, Stance.HALF_OPEN

# Each step: the time, what happens then ("+" an answer, "-" a failure, ">" a call leaves), the stance right after it.
STORIES: list[tuple[str, list[tuple[float, str, Stance]]]] = [
    ("all is well", [(0, ">", CLOSED), (0, "+", CLOSED)]),
    ("a failure now and then", [(0, "-", CLOSED), (1, "+", CLOSED), (2, "-", CLOSED), (3, "-", CLOSED)]),
    ("three in a row", [(0, "-", CLOSED), (1, "-", CLOSED), (2, "-", OPEN)]),
    ("rests", [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (4.9, "", OPEN), (5, "", HALF_OPEN)]),
    ("one probe at a time", [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (5, ">", OPEN), (6, "", OPEN)]),
    ("the probe is answered", [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (5, ">", OPEN), (6, "+", CLOSED)]),
    (
        "the probe fails, and another rest begins",
        [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (5, ">", OPEN), (7, "-", OPEN), (12, "", HALF_OPEN)],
    ),
    (
        "a probe that never comes back does not keep it open",
        [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (5, ">", OPEN), (10, "", HALF_OPEN)],
    ),
    (
        "an answer to a call that left before closes it",
        [(0, ">", CLOSED), (0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (1, "+", CLOSED)],
    ),
    (
        "failures are counted anew after an answer",
        [(0, "-", CLOSED), (0, "-", CLOSED), (0, "+", CLOSED), (0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN)],
    ),
    ("late failures keep it open", [(0, "-", CLOSED), (0, "-", CLOSED), (0, "-", OPEN), (3, "-", OPEN), (7, "", OPEN)]),
]


@pytest.mark.parametrize("story", [story for _, story in STORIES], ids=[name for name, _ in STORIES])
def test_breaker_takes_the_stance_of_the_story(story: list[tuple[float, str, Stance]]) -> None:
    assert (FAILURE_LIMIT, REST_S) == (3, 5.0)
    breaker = Breaker()
    for now, what, stance in story:
        match what:
            case ">":
                breaker = breaker.let_through(now)
            case "+":
                breaker = breaker.succeeded()
            case "-":
                breaker = breaker.failed(now)
        assert breaker.stance(now) is stance, (now, what)


def test_second_tries_are_a_small_share_of_all_calls() -> None:
    budget, tries = RetryBudget(), 0
    for _ in range(1_000):
        budget = budget.earn()
        spent = budget.spend()
        if spent is not None:
            budget, tries = spent, tries + 1
    assert 100 <= tries <= 100 + RETRY_MAX


def test_budget_of_a_quiet_time_is_limited() -> None:
    budget = RetryBudget()
    for _ in range(1_000):
        budget = budget.earn()
    assert budget.left == RETRY_MAX
