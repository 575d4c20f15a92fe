"""What Baton is compared with on the same questions: BM25 alone, and plain cosine, each with one global threshold.

The threshold is the best one there is for these very questions, which flatters the baselines: they are the ceiling
of what tuning a cut-off by hand can give.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge_base.embedding import Embedder, Matrix
from knowledge_base.evaluation.labelled import LabelledQuestion
from knowledge_base.evaluation.measures import Outcome, measure_curve
from knowledge_base.language_index import LanguageIndex
from knowledge_base.library import KnowledgeBase
from knowledge_base.vector_index import TargetKind
from knowledge_base.words import split_terms

_COMPARED = (TargetKind.TITLE, TargetKind.PASSAGE, TargetKind.PHRASING)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Scores of the articles in `slugs`, one row for each question."""

    name: str
    slugs: tuple[str, ...]
    scores: Matrix


def score_by_cosine(base: KnowledgeBase, questions: Sequence[str], embedder: Embedder) -> Baseline:
    """Score each article by its passage, title or phrasing that is nearest to the question."""
    vectors = embedder.encode(questions)
    slugs: list[str] = []
    columns: list[Matrix] = []
    for index in base.index.languages.values():
        for number, own in index.group_by_part(index.articles).items():
            part = index.parts[number]
            texts = part.gather(own)
            compared = np.isin(texts.kinds, _COMPARED)
            firsts = np.searchsorted(texts.target_owners[compared], np.arange(len(own)))
            rows = part.vectors.read(texts.targets[compared])
            slugs += [index.articles[article].slug for article in own]
            columns.append(np.maximum.reduceat(vectors @ rows.T, firsts, axis=1))
    return Baseline("nearest cosine", tuple(slugs), np.concatenate(columns, axis=1))


def score_by_words(base: KnowledgeBase, questions: Sequence[str]) -> Baseline:
    """Score each article by BM25 of its best passage or phrasing; words that no article has find nothing."""
    slugs: list[str] = []
    columns: list[Matrix] = []
    for language, index in base.index.languages.items():
        for number, own in index.group_by_part(index.articles).items():
            texts = index.parts[number].gather(own)
            scores = [_score_words(index, language, question, number) for question in questions]
            slugs += [index.articles[article].slug for article in own]
            columns.append(np.maximum.reduceat(np.stack(scores)[:, texts.passages], texts.first_passages, axis=1))
    return Baseline("BM25", tuple(slugs), np.concatenate(columns, axis=1))


def judge_baseline(baseline: Baseline, questions: Sequence[LabelledQuestion], labels: Sequence[str]) -> list[Outcome]:
    """Return what came of each question; `labels` names the article of each of the baseline's slugs.

    The score is scaled to end at 1; it orders, and is no probability.
    """
    top = float(baseline.scores.max()) or 1.0
    outcomes = []
    for question, scores in zip(questions, baseline.scores, strict=True):
        ranked = list(dict.fromkeys(labels[n] for n in np.argsort(-scores, kind="stable")))
        places = [place for place, label in enumerate(ranked, start=1) if label in question.slugs]
        likeness = max(0.0, float(scores.max()) / top)
        outcomes.append(Outcome(bool(question.slugs), places[0] if places else 0, likeness, "unsure", question.kind))
    return _answer_from_best(outcomes)


def _answer_from_best(outcomes: list[Outcome]) -> list[Outcome]:
    """Answer from the threshold on that gives the most right decisions: answered rightly, or silent where wrong."""
    curve = [(0.0, 0.0), *measure_curve(outcomes)]
    wrong_in_all = curve[-1][1]
    gains = [share * (1 - wrong) + wrong_in_all - share * wrong for share, wrong in curve]
    answered = round(curve[int(np.argmax(gains))][0] * len(outcomes))
    if not answered:
        return outcomes
    threshold = sorted((o.probability for o in outcomes), reverse=True)[answered - 1]
    return [replace(o, verdict="answer") if o.probability >= threshold else o for o in outcomes]


def _score_words(index: LanguageIndex, language: str, question: str, part: int) -> Matrix:
    return index.words.score(index.words.look_up(split_terms(question, language)), part)
