"""What the signals are worth: the order of the articles, the best one's probability, the verdict.

Owns the arithmetic; the numbers are in `calibration.json`, which `fitting` writes. Two small linear models:
one ranks articles, one turns the winner's signals and its lead into a probability. Pure.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from knowledge_base.ranking import SIGNAL_NAMES, Candidate, Question, Signals

Verdict = Literal["answer", "clarify", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
# The lead over more articles than these says nothing more.
_RIVALS_MAX = 10


@dataclass(frozen=True, slots=True)
class Calibration:
    """The fitted numbers. `answer_from` and `clarify_from` are probabilities, answer the higher one."""

    rank_weights: Mapping[str, float]
    probability_weights: Mapping[str, float]
    answer_from: float
    clarify_from: float

    def score(self, signals: Signals) -> float:
        """Return what the signals add up to; only comparable between articles for the same question."""
        return sum(
            self.rank_weights.get(name, 0.0) * value for name, value in zip(SIGNAL_NAMES, signals.values(), strict=True)
        )

    def estimate(self, evidence: Mapping[str, float]) -> float:
        """Return the probability that the best article answers, from `build_evidence`."""
        total = sum(weight * evidence[name] for name, weight in self.probability_weights.items())
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))

    def decide_verdict(self, probability: float) -> Verdict:
        """Return what to do with the best article, given the probability that it answers."""
        if probability >= self.answer_from:
            return "answer"
        return "clarify" if probability >= self.clarify_from else "unsure"


@lru_cache
def load_calibration(path: Path = CALIBRATION_FILE) -> Calibration:
    """Read the fitted numbers."""
    numbers = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(
        rank_weights=numbers["rank_weights"],
        probability_weights=numbers["probability_weights"],
        answer_from=numbers["answer_from"],
        clarify_from=numbers["clarify_from"],
    )


def build_evidence(question: Question, ranked: Sequence[Candidate], scores: Sequence[float]) -> dict[str, float]:
    """Return what the probability of the first of `ranked` (best first, one at least) is estimated from."""
    best, rivals = scores[0], scores[1 : _RIVALS_MAX + 1]
    mine = ranked[0].signals.values()
    theirs = [candidate.signals.values() for candidate in ranked[1 : _RIVALS_MAX + 1]]
    leads = [value - max(other[n] for other in theirs) if theirs else value for n, value in enumerate(mine)]
    known = sum(1 for found in question.looked_up if found)
    evidence = {"constant": 1.0}
    evidence |= zip(SIGNAL_NAMES, mine, strict=True)
    evidence |= zip((f"lead_{name}" for name in SIGNAL_NAMES), leads, strict=True)
    return evidence | {
        "score": best,
        "lead": best - rivals[0] if rivals else best,
        "lead_third": best - rivals[1] if len(rivals) > 1 else best,
        "lead_mean": best - sum(rivals) / len(rivals) if rivals else best,
        "share": 1 / (1 + sum(math.exp(max(-30.0, rival - best)) for rival in rivals)),
        "agreement": sum(lead >= 0 for lead in leads) / len(leads),
        "known_words": known / (len(question.terms) or 1),
        "length": math.log1p(len(question.terms)),
        "is_wordless": float(not question.terms),
    }
