"""The throttle: so many takes per window and caller, and no more memory than its limit."""

import pytest

from handoff.limits import KEYS_MAX, Throttle
from tests.conftest import Clock


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle(limit=3, window_s=60.0, now=clock)


def test_takes_up_to_the_limit_are_allowed_and_the_next_one_is_told_when(throttle: Throttle, clock: Clock) -> None:
    assert [throttle.take("ada") for _ in range(3)] == [0.0, 0.0, 0.0]
    clock.tick(20)
    assert throttle.take("ada") == 40.0


def test_refused_takes_do_not_prolong_the_wait(throttle: Throttle, clock: Clock) -> None:
    for _ in range(3):
        throttle.take("ada")
    for _ in range(5):
        assert throttle.take("ada") > 0
    clock.tick(60)
    assert throttle.take("ada") == 0.0


def test_window_slides(throttle: Throttle, clock: Clock) -> None:
    for _ in range(3):
        assert throttle.take("ada") == 0.0
        clock.tick(20)
    assert [throttle.take("ada"), throttle.take("ada")] == [0.0, 20.0]


def test_callers_do_not_share_a_limit(throttle: Throttle) -> None:
    for _ in range(4):
        last = throttle.take("ada")
    assert last > 0
    assert throttle.take("bob") == 0.0


def test_caller_longest_silent_is_forgotten_beyond_the_limit_and_the_busy_one_is_kept(throttle: Throttle) -> None:
    for key in ("silent", "busy"):
        for _ in range(3):
            throttle.take(key)
    for number in range(KEYS_MAX - 2):
        throttle.take(f"caller-{number}")
    assert throttle.take("busy") > 0
    assert throttle.take("one too many") == 0.0
    assert throttle.take("busy") > 0
    assert throttle.take("silent") == 0.0


def test_several_takes_count_together_or_not_at_all(throttle: Throttle, clock: Clock) -> None:
    assert throttle.take("ada", count=2) == 0.0
    clock.tick(20)
    assert throttle.take("ada", count=2) == 40.0
    assert throttle.take("ada") == 0.0, "the refused two were not counted"
    assert throttle.take("ada", count=3) == 60.0
    clock.tick(60)
    assert throttle.take("ada", count=3) == 0.0
