"""Labelled questions through the search as it is now: what the shipped numbers said, against what people say.

Owns what a label is worth. Reads one immutable index and writes nothing.
"""

from collections.abc import Iterator, Sequence, Set

from knowledge_base.article import ArticleId
from knowledge_base.calibration import Calibration, rank
from knowledge_base.embedding import QuestionEncoder
from knowledge_base.gaps import normalise_wording
from knowledge_base.indexing import SearchIndex
from knowledge_base.labels import Label
from knowledge_base.ranking import build_question, find_candidates
from knowledge_base.recalibration import JudgedAnswer
from knowledge_base.segment import IndexedArticle

# Newest first; about a minute on one core.
QUESTIONS_MAX = 2_000
# A visitor clicks "no" at a right answer that is not welcome, and "yes" out of politeness: two who agree count as
# one of the staff. More count no more, or one popular question would be the whole fit.
_VISITOR_WEIGHT = 0.5


def replay(
    labels: Sequence[Label],
    index: SearchIndex,
    encoder: QuestionEncoder,
    calibration: Calibration,
    *,
    barred: Set[ArticleId],
) -> Iterator[JudgedAnswer]:
    """Ask each labelled question once more, and judge its best article; one that no label speaks of is left out.

    `calibration` must be without recalibration; `barred` are the articles that visitors do not find.
    """
    for asked in _group_by_question(labels)[:QUESTIONS_MAX]:
        articles = index.languages.get(asked[0].language)
        if articles is None:
            continue
        # What was said of another revision may not hold any more.
        current = [
            label
            for label in asked
            if (article := articles.slugs.get(label.slug)) is not None
            and articles.articles[article].revision == label.revision
        ]
        if not current:
            continue
        question = build_question(current[0].question, current[0].language, articles, encoder)
        candidates = find_candidates(question, articles, articles.articles.keys() & barred)
        order, _, probabilities = rank(question, candidates, calibration)
        if len(order):
            best = articles.articles[candidates.articles[int(order[0])]]
            judged = judge(current, best, float(probabilities[0]))
            if judged:
                yield judged


def judge(labels: Sequence[Label], best: IndexedArticle, probability: float) -> JudgedAnswer | None:
    """Return what labels of one question say of the article that comes first; None if they say nothing.

    Where none speaks of it, it is wrong if another article is right. Staff overrule visitors. A question that is
    one of the article's phrasings says nothing: the search would only find again what it was told.
    """
    staff = [label for label in labels if label.source != "visitor"]
    for heard, weight in ((staff, 1.0), ([label for label in labels if label.source == "visitor"], _VISITOR_WEIGHT)):
        own = [label.is_right for label in heard if label.slug == best.slug]
        others = [label.is_right for label in heard if label.slug != best.slug and label.is_right]
        if not own and not others:
            continue
        phrasings = best.unpack()[0].content.phrasings
        if labels[0].wording in map(normalise_wording, phrasings):
            return None
        share_right = sum(own) / len(own) if own else 0.0
        return JudgedAnswer(probability, share_right, min(1.0, weight * len(own or others)))
    return None


def _group_by_question(labels: Sequence[Label]) -> list[list[Label]]:
    """Return the labels of each wording in each language, in the order of the first."""
    groups: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        groups.setdefault((label.wording, label.language), []).append(label)
    return list(groups.values())
