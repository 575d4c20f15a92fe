"""What the signals are worth: the order of the articles, the best one's probability, the verdict.

Owns the arithmetic; the numbers are in `calibration.json`, which `fitting` writes. A weighted sum says how well each
article fits, compared with the others. The probability of the best one is the mean of two opinions: another weighted
sum, which is well calibrated, and small trees, which see better where the lead is not worth what it seems; then comes
what local labels taught, if they taught anything. Pure.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from knowledge_base.embedding import Matrix
from knowledge_base.errors import InvalidInputError
from knowledge_base.ranking import COMPARED_SIGNALS, SIGNAL_NAMES, Candidates, Question
from knowledge_base.recalibration import Recalibration

Verdict = Literal["answer", "clarify", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
DEFAULT_TARGET_ERROR = 0.2

_COMPARED_NAMES = SIGNAL_NAMES[:COMPARED_SIGNALS]
# These are worth more or less by what the article consists of and how long the question is.
_CONDITIONED_NAMES = (
    "passage", "window", "title", "heading", "phrasing", "phrasings", "best", "words", "covered_words",
    "late_text", "late_all", "late_title", "votes",
)  # fmt: skip
_CONDITIONED = [SIGNAL_NAMES.index(name) for name in _CONDITIONED_NAMES]
_HAS_BODY, _HAS_PHRASINGS = SIGNAL_NAMES.index("has_body"), SIGNAL_NAMES.index("has_phrasings")
# What an article's fit is judged by: its signals, their lead over the best other article's, how far they stand out
# among all candidates (in standard deviations), the question, and curves and products of the telling signals.
FIT_NAMES = (
    *SIGNAL_NAMES,
    *(f"lead_{name}" for name in _COMPARED_NAMES),
    *(f"stands_out_{name}" for name in _COMPARED_NAMES),
    "question_terms", "known_words", "question_tokens",
    *(f"{name}{suffix}" for suffix in ("_with_body", "_with_phrasings", "_of_long_question", "_steep", "_outstanding")
      for name in _CONDITIONED_NAMES),
)  # fmt: skip
# What the best article's probability is judged by, besides all of these.
EVIDENCE_NAMES = ("fit", "lead", "lead_third", "share", *FIT_NAMES)
# The lead over a rival that is not there.
_NO_RIVAL = -6.0
# About the log of the tokens of a usual question.
_USUAL_LENGTH = 2.5
_STEEPNESS = 4.0
_OUTSTANDING_MAX = 3.0
# Of an article whose name is the question over all that have another: nearly sure.
_NAMED_LEAD = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A weighted sum of named features."""

    start: float
    weights: Matrix

    def predict(self, rows: Matrix) -> Matrix:
        """Return one sum for each row."""
        total: Matrix = rows @ self.weights + np.float32(self.start)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """A sum of small decision trees, in one table of nodes; a leaf is its own child."""

    start: float
    roots: npt.NDArray[np.int32]
    features: npt.NDArray[np.int32]
    splits: Matrix
    children: npt.NDArray[np.int32]
    values: Matrix
    depth: int

    def predict(self, rows: Matrix) -> Matrix:
        """Return one sum for each row."""
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        place = np.arange(len(rows))[:, np.newaxis]
        for _ in range(self.depth):
            is_above = rows[place, self.features[node]] > self.splits[node]
            node = self.children[node, is_above.astype(np.int8)]
        total: Matrix = self.values[node].sum(axis=1) + np.float32(self.start)
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The fitted numbers. `answer_from` is a probability for each target error, rising as the target falls.

    An article is answered from `answer_from[target_error]` on, several are offered from `clarify_from` on.
    """

    fit: Linear
    steady: Linear
    branching: Forest
    answer_from: Mapping[float, float]
    clarify_from: float
    target_error: float = DEFAULT_TARGET_ERROR
    recalibration: Recalibration | None = None

    def estimate(self, evidence: Matrix) -> float:
        """Return the probability that the best article answers, from a row of `EVIDENCE_NAMES`."""
        row = evidence[np.newaxis]
        shipped = (_squash(float(self.steady.predict(row)[0])) + _squash(float(self.branching.predict(row)[0]))) / 2
        return self.recalibration.apply(shipped) if self.recalibration else shipped

    def decide_verdict(self, probability: float) -> Verdict:
        """Return what to do with the best article, given the probability that it answers."""
        if probability >= self._start:
            return "answer"
        return "clarify" if probability >= self.clarify_from else "unsure"

    def aim(self, target_error: float) -> "Calibration":
        """Return the same numbers for another greatest share of wrong answers.

        Raises:
            InvalidInputError: if the share is not from 0.01 to 0.5.
        """
        if not 0.01 <= target_error <= 0.5:
            raise InvalidInputError(
                "target_error_invalid",
                f"The share of wrong answers is {target_error:g}; it must be from 0.01 to 0.5.",
                field="target_error",
            )
        return replace(self, target_error=target_error)

    @property
    def _start(self) -> float:
        """The threshold of the nearest target that was fitted and is no laxer; where there is none, never."""
        fitted = [error for error in self.answer_from if error <= self.target_error + 1e-9]
        return self.answer_from[max(fitted)] if fitted else math.inf


@lru_cache
def load_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read the fitted numbers."""
    return read_calibration(json.loads(path.read_text(encoding="utf-8")))


@lru_cache
def digest_calibration() -> str:
    """Return the SHA-256 of the shipped numbers: what was fitted on top of them goes with them."""
    return hashlib.sha256(CALIBRATION_FILE.read_bytes()).hexdigest()


def read_calibration(numbers: Mapping[str, Any]) -> Calibration:
    """Build the calibration out of what the file holds."""
    return Calibration(
        fit=_read_linear(numbers["fit"], FIT_NAMES),
        steady=_read_linear(numbers["steady"], EVIDENCE_NAMES),
        branching=_read_forest(numbers["branching"], EVIDENCE_NAMES),
        answer_from={float(error): float(start) for error, start in numbers["answer_from"].items()},
        clarify_from=float(numbers["clarify_from"]),
    )


def rank(
    question: Question, candidates: Candidates, calibration: Calibration
) -> tuple[npt.NDArray[np.int64], Matrix, Matrix]:
    """Return the places of the candidates, best first, and in that order their fits and probabilities.

    Only the best article's probability was fitted. What is left of it is spread over the others by their fits, so
    that none exceeds the first and all of them add up to 1 at most.
    """
    if not len(candidates):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.float32)
    features = compare(candidates.signals, describe_question(question))
    fits = _put_first(calibration.fit.predict(features), candidates.is_named)
    order = np.lexsort((np.array(candidates.articles), -fits))
    first = calibration.estimate(build_evidence(features, fits, order))
    weights = np.exp(fits[order[1:]] - fits[order[0]])
    total = max(float(weights.sum()), 1e-9)
    others = np.minimum(first, (1 - first) * first * weights / total)
    return order, fits[order], np.concatenate([[first], others]).astype(np.float32)


def _put_first(fits: Matrix, is_named: npt.NDArray[np.bool_]) -> Matrix:
    """Raise what is asked for word for word above the rest."""
    if not is_named.any() or is_named.all():
        return fits
    missing = fits[~is_named].max() + np.float32(_NAMED_LEAD) - fits[is_named].max()
    return np.where(is_named, fits + max(missing, np.float32(0)), fits)


def describe_question(question: Question) -> tuple[float, float, float]:
    """Return how many terms it has, the share of its words that is known, and its tokens."""
    return len(question.terms), question.known_words, len(question.encoded.tokens)


def compare(signals: Matrix, asked: tuple[float, float, float]) -> Matrix:
    """Return a row of `FIT_NAMES` for each candidate; `asked` is the question's terms, known words and tokens."""
    compared = signals[:, :COMPARED_SIGNALS]
    centred = compared - compared.mean(axis=0)
    stands_out = centred / (np.sqrt((centred * centred).mean(axis=0)) + 1e-3)
    lead = compared
    if len(compared) > 1:
        second, top = np.partition(compared, (-2, -1), axis=0)[-2:]
        lead = compared - np.where(compared == top, second, top)
    about = np.tile(np.array(asked, dtype=np.float32), (len(compared), 1))
    telling, telling_centred = compared[:, _CONDITIONED], centred[:, _CONDITIONED]
    outstanding = np.minimum(stands_out[:, _CONDITIONED], _OUTSTANDING_MAX)
    features: Matrix = np.hstack([
        signals, lead, stands_out, about,
        telling_centred * signals[:, [_HAS_BODY]],
        telling_centred * signals[:, [_HAS_PHRASINGS]],
        telling_centred * (math.log1p(asked[2]) - _USUAL_LENGTH),
        np.exp(_STEEPNESS * telling),
        outstanding * np.abs(outstanding),
    ]).astype(np.float32)  # fmt: skip
    return features


def build_evidence(features: Matrix, fits: Matrix, order: npt.NDArray[np.int64]) -> Matrix:
    """Return the `EVIDENCE_NAMES` of the best of at least one candidate."""
    ranked = fits[order]
    best = float(ranked[0])
    lead = best - (float(ranked[1]) if len(ranked) > 1 else best + _NO_RIVAL)
    lead_third = best - (float(ranked[2]) if len(ranked) > 2 else best + _NO_RIVAL)
    share = 1 / float(np.exp(ranked - best).sum())
    return np.concatenate([[best, lead, lead_third, share], features[order[0]]]).astype(np.float32)


def _squash(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def _read_linear(numbers: Mapping[str, Any], names: Sequence[str]) -> Linear:
    weights = np.array([numbers["weights"][name] for name in names], dtype=np.float32)
    return Linear(float(numbers["start"]), weights)


def _read_forest(numbers: Mapping[str, Any], names: Sequence[str]) -> Forest:
    """Read trees of [feature, split, at most, above] nodes, where a number in place of a node is a leaf."""
    nodes: list[tuple[int, float, list[int], float]] = []

    def add(tree: Any) -> tuple[int, int]:
        place = len(nodes)
        if isinstance(tree, int | float):
            nodes.append((0, 0.0, [place, place], float(tree)))
            return place, 0
        feature, split, low, high = tree
        nodes.append((names.index(feature), float(split), [0, 0], 0.0))
        (low_place, low_depth), (high_place, high_depth) = add(low), add(high)
        nodes[place][2][:] = [low_place, high_place]
        return place, 1 + max(low_depth, high_depth)

    added = [add(tree) for tree in numbers["trees"]]
    return Forest(
        start=float(numbers["start"]),
        roots=np.array([place for place, _ in added], dtype=np.int32),
        features=np.array([node[0] for node in nodes], dtype=np.int32),
        splits=np.array([node[1] for node in nodes], dtype=np.float32),
        children=np.array([node[2] for node in nodes], dtype=np.int32).reshape(-1, 2),
        values=np.array([node[3] for node in nodes], dtype=np.float32),
        depth=max((depth for _, depth in added), default=0),
    )
