"""Questions to answers: the articles that fit, the best passage of each, and the verdict.

Reads one immutable index and writes nothing. The visitor's language goes first; where it has no sure answer
English is asked too, and an English hit that has a translation is given in the visitor's language.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from knowledge_base.article import Article
from knowledge_base.calibration import Calibration, Verdict, rank
from knowledge_base.chunking import Passage, widen_passage
from knowledge_base.embedding import QuestionEncoder
from knowledge_base.errors import InvalidInputError
from knowledge_base.indexing import IndexedArticle, SearchIndex
from knowledge_base.language import FALLBACK_LANGUAGE, detect_language
from knowledge_base.passage_store import StoredPassage
from knowledge_base.ranking import build_question, find_candidates

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
) -> Answer:
    """Find the articles that answer a question; `language` None means that it is detected.

    Raises:
        ModelError: if the encoder's model is not the index's.
    """
    chosen = language or detect_language(question, index.languages)
    asked = [chosen] + [FALLBACK_LANGUAGE] * (chosen != FALLBACK_LANGUAGE)
    if not any(name in index.languages for name in asked):
        asked = list(index.languages)
    results: list[SearchResult] = []
    for name in asked:
        if name in index.languages:
            found = _search_language(
                index,
                name,
                question,
                encoder,
                calibration=calibration,
                excluded=frozenset(excluded),
            )
            results = _merge(results, found, index, chosen)
        if results and calibration.decide_verdict(results[0].probability) == "answer":
            break
    verdict: Verdict = calibration.decide_verdict(results[0].probability) if results else "unsure"
    return Answer(question, chosen, verdict, tuple(results[:limit]))


def check_question(question: object) -> str:
    """Return the question without outer spaces; raise `InvalidInputError` if it is empty, too long or not text."""
    text = question.strip() if isinstance(question, str) else ""
    if not text or len(text) > QUESTION_MAX_CHARS:
        raise InvalidInputError(
            "question_invalid",
            f"A question is text of 1 to {QUESTION_MAX_CHARS} characters.",
            field="question",
        )
    return text.encode(errors="replace").decode()


def _search_language(
    index: SearchIndex,
    language: str,
    text: str,
    encoder: QuestionEncoder,
    *,
    calibration: Calibration,
    excluded: frozenset[str],
) -> list[SearchResult]:
    articles = index.languages[language]
    question = build_question(text, language, articles, encoder)
    candidates = find_candidates(question, articles, excluded)
    order, fits, probabilities = rank(question, candidates, calibration)
    return [
        _build_result(articles.articles[candidates.articles[n]], candidates.passages[n], fit, probability)
        for n, fit, probability in zip(order.tolist(), fits.tolist(), probabilities.tolist(), strict=True)
    ]


def _build_result(entry: IndexedArticle, passage: int, score: float, probability: float) -> SearchResult:
    passages = [stored.passage for stored in entry.passages]
    return SearchResult(entry.article, entry.passages[passage], widen_passage(passages, passage), score, probability)


def _merge(
    results: Sequence[SearchResult], found: Sequence[SearchResult], index: SearchIndex, language: str
) -> list[SearchResult]:
    """Join two languages' results: an article counts once, in the visitor's language where that exists."""
    known = {result.article.slug for result in results}
    merged = list(results)
    for result in found:
        if result.article.slug not in known:
            merged.append(_translate(result, index, language))
    return sorted(merged, key=lambda result: -result.probability)


def _translate(result: SearchResult, index: SearchIndex, language: str) -> SearchResult:
    if result.article.language == language:
        return result
    probability = result.probability * _FOREIGN_DISCOUNT
    own = index.languages.get(language)
    ordinal = own.ordinals.get(result.article.slug) if own else None
    if own is None or ordinal is None:
        return replace(result, probability=probability)
    entry = own.articles[ordinal]
    # Translations are cut at the same headings, as a rule.
    place = min(result.passage.passage.position, len(entry.passages) - 1)
    return _build_result(entry, place, result.score, probability)
