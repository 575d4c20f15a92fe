"""What local labels teach about the shipped probability: a slope and a shift of its log odds.

Owns the fit and the decision whether to take it. This is Platt's recalibration (Platt 1999, "Probabilistic outputs
for support vector machines"), drawn towards changing nothing. Pure; where labels come from is `labels`' business.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# The standard error of the shift is about sqrt(1 / right + 1 / wrong): 0.25 with these, so that in 95 of 100 cases
# the log odds are within 0.5 of what endless labels would give (a probability of .80: from .71 to .87).
LABELS_MIN_OF_EACH = 32
# How far from 1 and from 0 a site's slope and shift are expected to be: standard deviations of a normal prior.
_SLOPE_SPREAD, _SHIFT_SPREAD = 0.25, 0.5
_FOLDS = 10
# The fall of the loss, in its standard errors, from which on it is no accident, with 95 % confidence.
_CLEARLY = 1.645
_NEWTON_STEPS_MAX = 50
_STEP_DONE = 1e-9
# Log odds beyond these say no more.
_LOG_ODDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Recalibration:
    """A change of the log odds of a probability; it keeps the order."""

    slope: float
    shift: float

    def apply(self, probability: float) -> float:
        """Return the changed probability."""
        return float(_squash(self.slope * _log_odds(np.array([probability])) + self.shift)[0])


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """The shipped probability of a question's best article, and what labels say of that article.

    `share_right` is 1 or 0, or between them where labels differ; `weight` is 1 for a label that can be trusted.
    """

    probability: float
    share_right: float
    weight: float


@dataclass(frozen=True, slots=True)
class Refit:
    """What came of a fit: `recalibration` is None if the shipped probability stays as it is.

    `right` and `wrong` are sums of weights. The losses are mean log losses (nats) on answers that were held out of
    the fit, None if there are too few labels.
    """

    right: float
    wrong: float
    recalibration: Recalibration | None = None
    loss_before: float | None = None
    loss_after: float | None = None

    @property
    def missing_right(self) -> int:
        """How many more right answers have to be labelled."""
        return max(0, math.ceil(LABELS_MIN_OF_EACH - self.right))

    @property
    def missing_wrong(self) -> int:
        """How many more wrong answers have to be labelled."""
        return max(0, math.ceil(LABELS_MIN_OF_EACH - self.wrong))


def refit(judged: Sequence[JudgedAnswer]) -> Refit:
    """Fit a recalibration; it is taken only if there are `LABELS_MIN_OF_EACH` and it pays on held-out answers.

    It pays if the log loss falls clearly (`_CLEARLY`) in a cross-validation by tenths.
    """
    log_odds = _log_odds(np.array([one.probability for one in judged], dtype=float))
    shares = np.array([one.share_right for one in judged], dtype=float)
    weights = np.array([one.weight for one in judged], dtype=float)
    counted = Refit(float(weights @ shares), float(weights @ (1 - shares)))
    if counted.missing_right or counted.missing_wrong:
        return counted
    before = _lose(log_odds, shares)
    after = np.empty_like(before)
    folds = np.arange(len(judged)) % _FOLDS
    for fold in range(_FOLDS):
        is_out = folds == fold
        fitted = _fit(log_odds[~is_out], shares[~is_out], weights[~is_out])
        after[is_out] = _lose(fitted[0] * log_odds[is_out] + fitted[1], shares[is_out])
    falls = weights * (before - after)
    slope, shift = _fit(log_odds, shares, weights)
    is_better = falls.mean() > _CLEARLY * falls.std(ddof=1) / math.sqrt(len(falls))
    return Refit(
        counted.right,
        counted.wrong,
        Recalibration(slope, shift) if is_better and slope > 0 else None,
        float(np.average(before, weights=weights)),
        float(np.average(after, weights=weights)),
    )


def _fit(log_odds: Array, shares: Array, weights: Array) -> tuple[float, float]:
    """Return slope and shift of the greatest posterior density, by Newton's method with halved steps."""
    rows = np.column_stack([log_odds, np.ones_like(log_odds)])
    usual = np.array([1.0, 0.0])
    precision = np.array([_SLOPE_SPREAD**-2, _SHIFT_SPREAD**-2])

    def lose(numbers: Array) -> float:
        return float(weights @ _lose(rows @ numbers, shares) + precision @ (numbers - usual) ** 2 / 2)

    numbers, loss = usual, lose(usual)
    for _ in range(_NEWTON_STEPS_MAX):
        chances = _squash(rows @ numbers)
        gradient = rows.T @ (weights * (chances - shares)) + precision * (numbers - usual)
        curvature = (rows.T * (weights * chances * (1 - chances))) @ rows + np.diag(precision)
        step = np.linalg.solve(curvature, gradient)
        while (tried := lose(numbers - step)) > loss and np.abs(step).max() > _STEP_DONE:
            step = step / 2
        numbers, loss = numbers - step, tried
        if np.abs(step).max() <= _STEP_DONE:
            break
    return float(numbers[0]), float(numbers[1])


def _lose(log_odds: Array, shares: Array) -> Array:
    """Return the log loss of each answer, in nats."""
    losses: Array = np.logaddexp(0, log_odds) - shares * log_odds
    return losses


def _log_odds(probabilities: Array) -> Array:
    inner = np.clip(probabilities, 1e-12, 1 - 1e-12)
    found: Array = np.clip(np.log(inner / (1 - inner)), -_LOG_ODDS_MAX, _LOG_ODDS_MAX)
    return found


def _squash(log_odds: Array) -> Array:
    chances: Array = 1 / (1 + np.exp(-np.clip(log_odds, -30.0, 30.0)))
    return chances
