"""Fit `calibration.json` to labelled help centres: `python -m knowledge_base.fitting FOLDER`.

FOLDER holds one folder for each help centre with articles.jsonl and questions.jsonl. Every centre is seen
three times: as it is, without phrasings, and with next to no bodies, since real ones come in all three kinds.
What is printed, and what the thresholds are chosen from, is held out by company: a centre is always judged by
numbers fitted to the others. Developers run this; the product only reads the file.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge_base.article import ArticleDraft
from knowledge_base.calibration import CALIBRATION_FILE, Calibration, build_evidence
from knowledge_base.embedding import Embedder, QuestionEncoder, SentenceEmbedder
from knowledge_base.evaluation.labelled import LabelledQuestion, read_articles, read_questions
from knowledge_base.evaluation.measures import Outcome, measure
from knowledge_base.library import KnowledgeBase
from knowledge_base.ranking import SIGNAL_NAMES, Candidate, Question, build_question, find_candidates
from knowledge_base.search import rank

Array = npt.NDArray[np.float64]

# "Answers with at most this share wrong" is what the thresholds are chosen for.
TARGET_ERROR = 0.2
# How right "probably among the first three" has to be.
CLARIFY_RIGHT_MIN = 0.5
_NEIGHBOURS = 501
_RANK_PENALTY = 1e-3
_PROBABILITY_PENALTY = 1.0
_EVIDENCE = (
    "constant", *SIGNAL_NAMES, *(f"lead_{name}" for name in SIGNAL_NAMES), "score", "lead", "lead_third",
    "lead_mean", "share", "agreement", "known_words", "length", "is_wordless",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Observation:
    """A labelled question with everything that one help centre has to say to it."""

    company: str
    variant: str
    question: Question
    candidates: tuple[Candidate, ...]
    is_right: tuple[bool, ...]
    is_answerable: bool


def observe_all(folder: Path, embedder: Embedder, work: Path) -> list[Observation]:
    """Look up every question of every help centre below a folder, in all its variants."""
    observations: list[Observation] = []
    # All variants of a centre are asked the same questions.
    encoder = QuestionEncoder(embedder, cache_size=10_000)
    for centre in sorted(path for path in folder.iterdir() if (path / "articles.jsonl").exists()):
        questions = read_questions(centre / "questions.jsonl")
        drafts = read_articles(centre / "articles.jsonl", language="en").drafts
        for variant, articles in _build_variants(drafts).items():
            base = KnowledgeBase(work / f"{centre.name}-{variant}.db", embedder)
            base.import_articles(articles, "fitting")
            index = base.index.languages["en"]
            for labelled in questions:
                question = build_question(labelled.text, "en", index, encoder)
                candidates = tuple(find_candidates(question, index, frozenset()))
                observations.append(_observe(centre.name, variant, labelled, question, candidates, base))
            base.close()
    return observations


def fit(observations: Sequence[Observation]) -> Calibration:
    """Fit both models; the thresholds are still open."""
    unweighted = Calibration(_fit_rank(observations), {}, answer_from=1.0, clarify_from=1.0)
    rows, right = [], []
    for observation in observations:
        ranked, scores = rank(observation.candidates, unweighted)
        evidence = build_evidence(observation.question, ranked, scores)
        rows.append([evidence[name] for name in _EVIDENCE])
        right.append(observation.is_right[observation.candidates.index(ranked[0])])
    weights = _fit_probability(np.array(rows), np.array(right, dtype=float))
    return replace(unweighted, probability_weights=dict(zip(_EVIDENCE, weights.tolist(), strict=True)))


def judge(observations: Sequence[Observation], calibration: Calibration) -> list[Outcome]:
    """Return what would have come of each question."""
    outcomes = []
    for observation in observations:
        ranked, scores = rank(observation.candidates, calibration)
        right = dict(zip((c.article for c in observation.candidates), observation.is_right, strict=True))
        found = [right[candidate.article] for candidate in ranked]
        probability = calibration.estimate(build_evidence(observation.question, ranked, scores))
        outcomes.append(
            Outcome(
                observation.is_answerable,
                found.index(True) + 1 if any(found) else 0,
                probability,
                calibration.decide_verdict(probability),
            )
        )
    return outcomes


def judge_held_out(observations: Sequence[Observation]) -> list[tuple[Observation, Outcome]]:
    """Judge each company's questions by what the other companies teach."""
    judged: list[tuple[Observation, Outcome]] = []
    for company in dict.fromkeys(observation.company for observation in observations):
        own = [o for o in observations if o.company == company]
        calibration = fit([o for o in observations if o.company != company])
        judged += zip(own, judge(own, calibration), strict=True)
    return judged


def choose_thresholds(outcomes: Sequence[Outcome]) -> tuple[float, float]:
    """Return from which probability on to answer, and from which on to offer three articles."""
    ordered = sorted(outcomes, key=lambda outcome: -outcome.probability)
    wrong = np.cumsum([not o.is_first_right for o in ordered]) / np.arange(1, len(ordered) + 1)
    answered = int(np.flatnonzero(wrong <= TARGET_ERROR)[-1]) + 1
    right = np.array([o.is_one_of_three for o in ordered], dtype=float)
    # Judged by neighbours in probability, not by all above: a hopeless question must not live on better ones.
    around = np.convolve(right, np.ones(_NEIGHBOURS) / _NEIGHBOURS, mode="same")
    clarified = max(answered, int(np.flatnonzero(around >= CLARIFY_RIGHT_MIN)[-1]))
    # Rounded up: rounding must not let more through.
    answer_from, clarify_from = (
        math.ceil(ordered[place].probability * 1000) / 1000 for place in (answered - 1, clarified)
    )
    return answer_from, clarify_from


def _build_variants(drafts: Sequence[ArticleDraft]) -> dict[str, list[ArticleDraft]]:
    bare = [replace(d, content=replace(d.content, phrasings=())) for d in drafts]
    short = [replace(d, content=replace(d.content, body=d.content.title)) for d in drafts]
    return {"full": list(drafts), "no-phrasings": bare, "no-bodies": short}


def _observe(
    company: str,
    variant: str,
    labelled: LabelledQuestion,
    question: Question,
    candidates: tuple[Candidate, ...],
    base: KnowledgeBase,
) -> Observation:
    articles = base.index.languages["en"].articles
    right = tuple(articles[c.article].article.slug in labelled.slugs for c in candidates)
    return Observation(company, variant, question, candidates, right, bool(labelled.slugs))


def _fit_rank(observations: Sequence[Observation]) -> Mapping[str, float]:
    """Fit a conditional logit: the right article's score against those of all candidates."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    usable = [o for o in observations if any(o.is_right)]
    width = max(len(o.candidates) for o in usable)
    signals = np.zeros((len(usable), width, len(SIGNAL_NAMES)))
    wanted = np.zeros((len(usable), width))
    mask = np.full((len(usable), width), -1e9)
    for row, observation in enumerate(usable):
        count = len(observation.candidates)
        signals[row, :count] = [c.signals.values() for c in observation.candidates]
        wanted[row, :count] = np.array(observation.is_right) / sum(observation.is_right)
        mask[row, :count] = 0

    def lose(weights: Array) -> tuple[float, Array]:
        scores = signals @ weights + mask
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        loss = -(wanted * np.log(shares + 1e-12)).sum() / len(usable) + _RANK_PENALTY * weights @ weights
        slope = np.einsum("qc,qcs->s", shares - wanted, signals) / len(usable)
        return float(loss), slope + 2 * _RANK_PENALTY * weights

    fitted = minimize(lose, np.zeros(len(SIGNAL_NAMES)), jac=True, method="L-BFGS-B").x
    return dict(zip(SIGNAL_NAMES, fitted.tolist(), strict=True))


def _fit_probability(evidence: Array, right: Array) -> Array:
    """Fit a logistic regression by Newton's method; the first column is the constant, and is not penalised."""
    mean, spread = evidence.mean(axis=0), evidence.std(axis=0) + 1e-6
    mean[0], spread[0] = 0.0, 1.0
    scaled = (evidence - mean) / spread
    penalty = np.full(scaled.shape[1], _PROBABILITY_PENALTY)
    penalty[0] = 0.0
    weights = np.zeros(scaled.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-scaled @ weights))
        slope = scaled.T @ (chance - right) + penalty * weights
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-8:
            break
    plain: Array = weights / spread
    plain[0] -= float((weights[1:] * mean[1:] / spread[1:]).sum())
    return plain


def _write(calibration: Calibration, path: Path, *, note: str) -> None:
    numbers = {
        "note": note,
        "rank_weights": {name: round(value, 4) for name, value in calibration.rank_weights.items()},
        "probability_weights": {name: round(value, 4) for name, value in calibration.probability_weights.items()},
        "answer_from": calibration.answer_from,
        "clarify_from": calibration.clarify_from,
    }
    path.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Fit, print what was measured on held-out companies, and write the file."""
    parser = argparse.ArgumentParser(prog="python -m knowledge_base.fitting", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of labelled help centres")
    parser.add_argument("--output", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--work", type=Path, help="keep the databases here, so that the next run encodes nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = options.work or Path(folder)
        observations = observe_all(options.folder, SentenceEmbedder(), work)
    judged = judge_held_out(observations)
    # The thresholds come from the centres as they are; the other variants teach the weights, not how to dare.
    answer_from, clarify_from = choose_thresholds([o for seen, o in judged if seen.variant == "full"])
    fitted = replace(fit(observations), answer_from=answer_from, clarify_from=clarify_from)
    for variant in dict.fromkeys(o.variant for o in observations):
        print(f"\n{variant}, held out by company")  # noqa: T201
        chosen = [
            replace(outcome, verdict=fitted.decide_verdict(outcome.probability))
            for observation, outcome in judged
            if observation.variant == variant
        ]
        print(measure(chosen, target_error=TARGET_ERROR))  # noqa: T201
    companies = len({o.company for o in observations})
    note = f"written by knowledge_base.fitting from {len(observations)} observations of {companies} help centres"
    _write(fitted, options.output, note=note)
    return 0 if math.isfinite(answer_from) else 1


if __name__ == "__main__":
    sys.exit(main())
