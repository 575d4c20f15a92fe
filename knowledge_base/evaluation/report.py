"""The two evaluations from files to figures: articles indexed in memory, or the installed knowledge base.

Every question takes the visitor's way through `KnowledgeBase.ask`; nothing is logged.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder
from knowledge_base.errors import InvalidInputError
from knowledge_base.evaluation.baselines import judge_baseline, score_by_cosine, score_by_words
from knowledge_base.evaluation.labelled import (
    LabelledQuestion,
    drop_unknown_slugs,
    normalise_slug,
    read_articles,
    read_questions,
)
from knowledge_base.evaluation.measures import Measured, Outcome, measure
from knowledge_base.evaluation.plots import draw
from knowledge_base.library import KnowledgeBase
from knowledge_base.search import RESULTS_MAX

BATON = "Baton"

# The labels by which questions may name the article with a slug.
Labels = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of one run. `outcomes` and `figures` are by the name of what was measured, Baton first."""

    articles: int
    outcomes: Mapping[str, Sequence[Outcome]]
    figures: Mapping[str, Measured]
    kinds: Mapping[str, Measured]
    questions_per_s: float
    notes: tuple[str, ...]

    def draw(self) -> str:
        """Return the plots as SVG."""
        return draw(self.figures[BATON].reliability, self.outcomes)

    def describe(self) -> dict[str, Any]:
        """Return everything as plain JSON values; what is not a number is None."""
        own = self.figures[BATON]
        return {
            "articles": self.articles,
            **_plain(own),
            "questions_per_s": round(self.questions_per_s, 1),
            "baselines": {name: _plain(m) for name, m in self.figures.items() if name != BATON},
            "kinds": {kind: _plain(measured) for kind, measured in self.kinds.items()},
            "notes": list(self.notes),
        }


def evaluate_search(
    articles: Path,
    questions: Path,
    *,
    target_error: float,
    promised_error: float | None = None,
    language: str | None = None,
    embedder: Embedder | None = None,
) -> Evaluation:
    """Index labelled articles in a place of their own and ask every question, of Baton and of the baselines.

    `target_error` is where coverage on the curve is measured, `promised_error` what the verdicts aim at.

    Raises:
        InvalidInputError: if a file cannot be read, or a line of it cannot be used.
    """
    labelled = read_articles(articles, language=language)
    asked, notes = drop_unknown_slugs(read_questions(questions), frozenset(labelled.labels.values()))
    embedder = embedder or open_embedder()
    with TemporaryDirectory() as folder:
        base = KnowledgeBase(Path(folder) / "evaluation.db", embedder, target_error=promised_error)
        try:
            base.import_articles(labelled.drafts, "evaluation")
            outcomes, questions_per_s = ask_all(base, asked, lambda slug: [labelled.labels[slug]])
            judged = {BATON: outcomes}
            texts = [question.text for question in asked]
            for baseline in (score_by_cosine(base, texts, embedder), score_by_words(base, texts)):
                judged[baseline.name] = judge_baseline(
                    baseline, asked, [labelled.labels[slug] for slug in baseline.slugs]
                )
        finally:
            base.close()
    notes = [*labelled.notes, *notes]
    return _evaluate(len(labelled.drafts), judged, target_error, questions_per_s=questions_per_s, notes=notes)


def evaluate_answers(base: KnowledgeBase, questions: Path, *, target_error: float) -> Evaluation:
    """Ask an open knowledge base every question; an article's slug, permalink or address may name it.

    Raises:
        InvalidInputError: if nothing is published, the file cannot be read, or a line of it cannot be used.
    """
    published = list(base.articles.list_published())
    if not published:
        raise InvalidInputError("nothing_published", "The knowledge base has no published article: import some first.")
    labels: dict[str, set[str]] = {}
    for article in published:
        names = {normalise_slug(name) for name in (article.slug, article.permalink, article.url) if name}
        labels.setdefault(article.slug, set()).update(names)
    asked, notes = drop_unknown_slugs(read_questions(questions), frozenset().union(*labels.values()))
    outcomes, questions_per_s = ask_all(base, asked, lambda slug: labels.get(slug, ()))
    return _evaluate(len(published), {BATON: outcomes}, target_error, questions_per_s=questions_per_s, notes=notes)


def ask_all(base: KnowledgeBase, questions: Sequence[LabelledQuestion], labels: Labels) -> tuple[list[Outcome], float]:
    """Ask one question after the other; return what came of them, and how many were answered in a second."""
    base.ask("Is everything loaded?", is_logged=False)
    started = time.perf_counter()
    outcomes = [_ask(base, question, labels) for question in questions]
    return outcomes, len(questions) / (time.perf_counter() - started)


def _ask(base: KnowledgeBase, question: LabelledQuestion, labels: Labels) -> Outcome:
    answer = base.ask(question.text, limit=RESULTS_MAX, is_logged=False)
    wanted = set(question.slugs)
    places = [n for n, result in enumerate(answer.results, 1) if wanted.intersection(labels(result.article.slug))]
    probability = answer.results[0].probability if answer.results else 0.0
    return Outcome(bool(wanted), places[0] if places else 0, probability, answer.verdict, question.kind)


def _evaluate(
    articles: int,
    judged: Mapping[str, Sequence[Outcome]],
    target_error: float,
    *,
    questions_per_s: float,
    notes: Sequence[str],
) -> Evaluation:
    own = judged[BATON]
    kinds = {
        kind: measure([o for o in own if o.kind == kind], target_error=target_error)
        for kind in dict.fromkeys(outcome.kind for outcome in own)
        if kind
    }
    figures = {name: measure(outcomes, target_error=target_error) for name, outcomes in judged.items()}
    return Evaluation(articles, judged, figures, kinds, questions_per_s, tuple(notes))


def _plain(measured: Measured) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in fields(measured):
        value = getattr(measured, field.name)
        if field.name == "reliability":
            plain["reliability"] = [{k: _round(v) for k, v in asdict(row).items()} for row in value]
        else:
            plain[field.name] = _round(value)
    return plain


def _round(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
