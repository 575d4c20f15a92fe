"""When to ask a neighbour that fails, and when to leave it alone: pure, rung 1 of the ladder.

A breaker is closed while all is well, opens after failures in a row, and after a rest lets one call through to see
(half-open). A retry budget keeps second tries a small share of all calls, so that they never become the load that
keeps a restarting neighbour down. Both are values; the time (seconds on any one clock) is an argument.
"""

from enum import StrEnum

import msgspec

FAILURE_LIMIT = 3
"""One failure may be a bad message, three in a row are a bad neighbour."""

REST_S = 5.0
"""A start of Rasa takes some 12 s: a probe every 5 s costs little and finds it soon."""

RETRY_SHARE = 0.1
RETRY_MAX = 5.0
"""Second tries are at most a tenth of the calls, and five at once after a quiet time."""


class Stance(StrEnum):
    """What a breaker does with the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(msgspec.Struct, frozen=True):
    """`failures` in a row; open since `opened_at`, with the probe that left at `probed_at`."""

    failures: int = 0
    opened_at: float | None = None
    probed_at: float | None = None

    def stance(self, now: float) -> Stance:
        """Tell what happens to a call at `now`: in half-open it is let through as the probe."""
        if self.opened_at is None:
            return Stance.CLOSED
        # A probe that never came back (its greenlet was killed) must not keep the breaker open for ever.
        rests_since = self.opened_at if self.probed_at is None else max(self.opened_at, self.probed_at)
        return Stance.HALF_OPEN if now - rests_since >= REST_S else Stance.OPEN

    def let_through(self, now: float) -> "Breaker":
        """Note that a call leaves now; only where `stance` is not open."""
        return self if self.opened_at is None else msgspec.structs.replace(self, probed_at=now)

    def succeeded(self) -> "Breaker":
        """Note an answer: all is well, also if the call left before the breaker opened."""
        return Breaker()

    def failed(self, now: float) -> "Breaker":
        """Note a failure: of a probe, it opens the breaker anew."""
        failures = self.failures + 1
        is_open = self.opened_at is not None or failures >= FAILURE_LIMIT
        return Breaker(failures, now if is_open else None)


class RetryBudget(msgspec.Struct, frozen=True):
    """How many second tries are left."""

    left: float = RETRY_MAX

    def earn(self) -> "RetryBudget":
        """Note a call."""
        return RetryBudget(min(self.left + RETRY_SHARE, RETRY_MAX))

    def spend(self) -> "RetryBudget | None":
        """Take a second try out of the budget; None if there is none left."""
        return RetryBudget(self.left - 1.0) if self.left >= 1.0 else None
