"""What came of labelled questions, as figures. Pure.

Shares are from 0 to 1; one that has nothing to count is not a number (nan).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]

RELIABILITY_BINS = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question. `rank` is the first right article's place, counted from 1; 0 if not found."""

    is_answerable: bool
    rank: int
    probability: float
    verdict: str
    kind: str = ""

    @property
    def is_first_right(self) -> bool:
        return self.rank == 1

    @property
    def is_one_of_three(self) -> bool:
        return 1 <= self.rank <= 3


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Questions whose best article was given about the same probability."""

    start: float
    end: float
    questions: int
    probability: float
    right: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Recall and MRR are over answerable questions, everything else over all of them."""

    questions: int
    answerable: int
    recall_at_1: float
    recall_at_3: float
    mrr: float
    auroc: float
    target_error: float
    coverage_at_target: float
    answered: float
    answered_wrong: float
    clarified: float
    clarified_right: float
    calibration_error: float
    reliability: tuple[ReliabilityBin, ...]


def measure(outcomes: Sequence[Outcome], *, target_error: float) -> Measured:
    """Measure what came of some questions."""
    answerable = [outcome for outcome in outcomes if outcome.is_answerable]
    answered = [outcome for outcome in outcomes if outcome.verdict == "answer"]
    clarified = [outcome for outcome in outcomes if outcome.verdict == "clarify"]
    reliability = measure_reliability(outcomes)
    return Measured(
        questions=len(outcomes),
        answerable=len(answerable),
        recall_at_1=_share(outcome.is_first_right for outcome in answerable),
        recall_at_3=_share(outcome.is_one_of_three for outcome in answerable),
        mrr=float(np.mean([1 / o.rank if o.rank else 0.0 for o in answerable])) if answerable else float("nan"),
        auroc=measure_auroc(outcomes),
        target_error=target_error,
        coverage_at_target=measure_coverage(outcomes, error=target_error),
        answered=len(answered) / (len(outcomes) or 1),
        answered_wrong=_share(not outcome.is_first_right for outcome in answered),
        clarified=len(clarified) / (len(outcomes) or 1),
        clarified_right=_share(outcome.is_one_of_three for outcome in clarified),
        calibration_error=sum(b.questions * abs(b.probability - b.right) for b in reliability) / (len(outcomes) or 1),
        reliability=reliability,
    )


def measure_auroc(outcomes: Sequence[Outcome]) -> float:
    """Return how often a right first article was given more probability than a wrong one; 0.5 is chance."""
    probability, right = _sort(outcomes)
    if right.all() or not right.any():
        return float("nan")
    return compute_auroc(probability[right], probability[~right])


def compute_auroc(above: Scores, below: Scores) -> float:
    """Return how often one of `above` is higher than one of `below`, ties counting half (Mann and Whitney's U).

    Both are one-dimensional and hold at least one score.
    """
    ordered = np.sort(below)
    wins = np.searchsorted(ordered, above, side="left") + np.searchsorted(ordered, above, side="right")
    return float(wins.mean() / (2 * len(below)))


def measure_curve(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """Return (share answered, share of these wrong) for every threshold, the most daring last.

    Equal probabilities are answered together, since no threshold can tell them apart.
    """
    probability, right = _sort(outcomes)
    if not len(right):
        return []
    counts = np.arange(1, len(right) + 1)
    wrong = np.cumsum(~right) / counts
    ends = np.flatnonzero(np.append(probability[1:] != probability[:-1], True))
    return [(float(counts[n] / len(right)), float(wrong[n])) for n in ends]


def measure_coverage(outcomes: Sequence[Outcome], *, error: float) -> float:
    """Return the greatest share that could be answered, surest first, with at most `error` of it wrong."""
    return max((share for share, wrong in measure_curve(outcomes) if wrong <= error), default=0.0)


def measure_reliability(outcomes: Sequence[Outcome], *, bins: int = RELIABILITY_BINS) -> tuple[ReliabilityBin, ...]:
    """Return stated against true probability, in bins of equal width; empty bins are left out."""
    probability, right = _sort(outcomes)
    place = np.minimum((probability * bins).astype(int), bins - 1)
    return tuple(
        ReliabilityBin(
            start=n / bins,
            end=(n + 1) / bins,
            questions=int((place == n).sum()),
            probability=float(probability[place == n].mean()),
            right=float(right[place == n].mean()),
        )
        for n in range(bins)
        if (place == n).any()
    )


def _sort(outcomes: Sequence[Outcome]) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities, highest first, and whether the first article was right."""
    probability = np.array([o.probability for o in outcomes], dtype=float)
    order = np.argsort(-probability, kind="stable")
    return probability[order], np.array([o.is_first_right for o in outcomes], dtype=bool)[order]


def _share(flags: Iterable[bool]) -> float:
    collected = list(flags)
    return sum(collected) / len(collected) if collected else float("nan")
