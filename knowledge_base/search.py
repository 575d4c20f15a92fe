"""Questions to answers: the articles that fit, the best passage of each, and the verdict.

Reads one immutable index and writes nothing. The visitor's language goes first; where it has no sure answer
English is asked too, and an English hit that has a translation is given in the visitor's language.
"""

from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass, replace

from knowledge_base.article import Article, ArticleId
from knowledge_base.calibration import Calibration, Verdict, rank
from knowledge_base.chunking import Passage, widen_passage
from knowledge_base.embedding import QuestionEncoder
from knowledge_base.errors import InvalidInputError
from knowledge_base.indexing import SearchIndex
from knowledge_base.language import FALLBACK_LANGUAGE, detect_language
from knowledge_base.passage_store import StoredPassage
from knowledge_base.ranking import build_question, find_candidates
from knowledge_base.segment import IndexedArticle

QUESTION_MAX_CHARS = 2_000
RESULTS_MAX = 20
# MiniLM reads English only: a match across languages is a guess, and is treated as one.
_FOREIGN_DISCOUNT = 0.8


@dataclass(frozen=True, slots=True)
class SearchResult:
    """An article that may answer, with its best passage, and that passage as it is shown.

    `score` orders one question's articles, `probability` is meant literally.
    """

    article: Article
    passage: StoredPassage
    shown: Passage
    score: float
    probability: float


@dataclass(frozen=True, slots=True)
class _Hit:
    """A result before its texts are looked up."""

    entry: IndexedArticle
    language: str
    passage: int
    score: float
    probability: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found: results best first, one for each slug."""

    question: str
    language: str
    verdict: Verdict
    results: tuple[SearchResult, ...]


def search(
    index: SearchIndex,
    question: str,
    encoder: QuestionEncoder,
    *,
    calibration: Calibration,
    language: str | None = None,
    limit: int = 5,
    excluded: Collection[str] = (),
    barred: Set[ArticleId] = frozenset(),
) -> Answer:
    """Find the articles that answer a question; `language` None means that it is detected.

    An excluded slug is left out in every language, a barred article in its own.

    Raises:
        ModelError: if the encoder's model is not the index's.
    """
    chosen = language or detect_language(question, index.languages)
    asked = [chosen] + [FALLBACK_LANGUAGE] * (chosen != FALLBACK_LANGUAGE)
    if not any(name in index.languages for name in asked):
        asked = list(index.languages)
    hits: list[_Hit] = []
    for name in asked:
        if name in index.languages:
            found = _search_language(
                index,
                name,
                question,
                encoder,
                calibration=calibration,
                excluded=excluded,
                barred=barred,
            )
            hits = _merge(hits, found, index, chosen, barred)
        if hits and calibration.decide_verdict(hits[0].probability) == "answer":
            break
    verdict: Verdict = calibration.decide_verdict(hits[0].probability) if hits else "unsure"
    return Answer(question, chosen, verdict, tuple(_build_result(hit) for hit in hits[:limit]))


def check_question(question: object, field: str = "question") -> str:
    """Return the question without outer spaces; raise `InvalidInputError` if it is empty, too long or not text.

    `field` is what the request calls it.
    """
    text = question.strip() if isinstance(question, str) else ""
    if not text or len(text) > QUESTION_MAX_CHARS:
        raise InvalidInputError(
            "question_invalid",
            f'"{field}" must be text of 1 to {QUESTION_MAX_CHARS} characters.',
            field=field,
        )
    return text.encode(errors="replace").decode()


def _search_language(
    index: SearchIndex,
    language: str,
    text: str,
    encoder: QuestionEncoder,
    *,
    calibration: Calibration,
    excluded: Collection[str],
    barred: Set[ArticleId],
) -> list[_Hit]:
    articles = index.languages[language]
    left_out = {articles.slugs[slug] for slug in excluded if slug in articles.slugs}
    left_out |= articles.articles.keys() & barred
    question = build_question(text, language, articles, encoder)
    candidates = find_candidates(question, articles, left_out)
    order, fits, probabilities = rank(question, candidates, calibration)
    return [
        _Hit(articles.articles[candidates.articles[n]], language, candidates.passages[n], fit, probability)
        for n, fit, probability in zip(order.tolist(), fits.tolist(), probabilities.tolist(), strict=True)
    ]


def _build_result(hit: _Hit) -> SearchResult:
    article, stored = hit.entry.unpack()
    # Translations are cut at the same headings, as a rule.
    passage = min(hit.passage, len(stored) - 1)
    shown = widen_passage([s.passage for s in stored], passage)
    return SearchResult(article, stored[passage], shown, hit.score, hit.probability)


def _merge(
    found: Sequence[_Hit], more: Sequence[_Hit], index: SearchIndex, language: str, barred: Set[ArticleId]
) -> list[_Hit]:
    """Join two languages' hits: an article counts once, in the visitor's language where that exists."""
    known = {hit.entry.slug for hit in found}
    merged = [*found, *(_translate(hit, index, language, barred) for hit in more if hit.entry.slug not in known)]
    return sorted(merged, key=lambda hit: -hit.probability)


def _translate(hit: _Hit, index: SearchIndex, language: str, barred: Set[ArticleId]) -> _Hit:
    if hit.language == language:
        return hit
    probability = hit.probability * _FOREIGN_DISCOUNT
    own = index.languages.get(language)
    article = own.slugs.get(hit.entry.slug) if own else None
    if own is None or article is None or article in barred:
        return replace(hit, probability=probability)
    return replace(hit, entry=own.articles[article], language=language, probability=probability)
