"""How well each article fits a question: candidates from both indexes, and what speaks for them.

Owns the signals, and nothing about what they are worth: `calibration` weighs them. Pure.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np

from knowledge_base.embedding import Matrix, QuestionEncoder
from knowledge_base.indexing import IndexedArticle, LanguageIndex
from knowledge_base.lexical_index import QueryTerm
from knowledge_base.spelling import correct_spelling
from knowledge_base.vector_index import Target, TargetKind
from knowledge_base.words import split_terms

# Nearest articles that each index proposes. The right one is among 20 by meaning in 97 % of the labelled questions.
_BY_MEANING = 20
_BY_WORDS = 10
_PASSAGE_KINDS = (TargetKind.PASSAGE, TargetKind.WINDOW, TargetKind.HEADING)


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready for one language's index."""

    text: str
    vector: Matrix
    terms: tuple[str, ...]
    looked_up: tuple[tuple[QueryTerm, ...], ...]
    total_idf: float


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for an article, each from about 0 to 1."""

    passage_cosine: float
    window_cosine: float
    title_cosine: float
    heading_cosine: float
    phrasing_cosine: float
    best_cosine: float
    words: float
    title_words: float
    covered_words: float
    phrasing_words: float

    def values(self) -> tuple[float, ...]:
        """Return the signals in the order of `SIGNAL_NAMES`."""
        return _read_signals(self)


SIGNAL_NAMES = tuple(field.name for field in fields(Signals))
_read_signals = attrgetter(*SIGNAL_NAMES)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that may answer, by its ordinal, with the ordinal of its best passage."""

    article: int
    passage: int
    signals: Signals


def build_question(text: str, language: str, index: LanguageIndex, encoder: QuestionEncoder) -> Question:
    """Mend a question's spelling, encode it, split it into terms and look each of them up once.

    Raises:
        ModelError: if the index was built with another model than the encoder's.
    """
    text = correct_spelling(text, language, speller=index.speller, is_word=encoder.is_word)
    vector = encoder.encode(text)
    index.vectors.check_question(vector, encoder.model)
    terms = tuple(dict.fromkeys(split_terms(text, language)))
    looked_up = tuple(tuple(found) for found in index.words.look_up(terms))
    total_idf = sum(index.words.find_idf(term) for term in terms)
    return Question(text, vector, terms, looked_up, total_idf)


def find_candidates(question: Question, index: LanguageIndex, excluded: Set[str]) -> list[Candidate]:
    """Return the articles that either index proposes, without the excluded slugs, in no particular order."""
    word_scores = index.words.score(question.looked_up)
    wanted = len(excluded)
    found = dict.fromkeys(index.vectors.find_articles(question.vector, limit=_BY_MEANING + wanted))
    found |= dict.fromkeys(_find_by_words(index, word_scores, limit=_BY_WORDS + wanted))
    return [
        _weigh(question, index, ordinal, word_scores)
        for ordinal in found
        if index.articles[ordinal].article.slug not in excluded
    ]


def _find_by_words(index: LanguageIndex, scores: Matrix, *, limit: int) -> list[int]:
    best = np.argsort(-scores, kind="stable")[: 4 * limit]
    owners = np.searchsorted(index.first_passages, best[scores[best] > 0], side="right") - 1
    return list(dict.fromkeys(int(owner) for owner in owners))[:limit]


def _weigh(question: Question, index: LanguageIndex, ordinal: int, word_scores: Matrix) -> Candidate:
    entry = index.articles[ordinal]
    cosines = index.vectors.compare(question.vector, ordinal)
    first = index.first_passages[ordinal]
    # BM25 cannot exceed (k1 + 1) times the sum of the idf: this keeps it between 0 and 1.
    words = word_scores[first : first + len(entry.passages)] / (2.2 * question.total_idf or 1.0)
    by_passage = _best_by_passage(entry, cosines)
    passage = int(np.argmax(by_passage.max(axis=0) + words))
    whole, windows, heading = (float(row.max()) for row in by_passage)
    title = float(cosines[0])
    phrasings = [
        float(likeness) for likeness, target in zip(cosines, entry.targets, strict=True) if _is_phrasing(target)
    ]
    phrasing = max(phrasings, default=max(title, whole))
    return Candidate(
        article=ordinal,
        passage=passage,
        signals=Signals(
            passage_cosine=whole,
            window_cosine=max(whole, windows),
            title_cosine=title,
            heading_cosine=max(title, heading),
            phrasing_cosine=phrasing,
            best_cosine=max(whole, windows, title, heading, phrasing),
            words=float(words.max()),
            title_words=_share(question, [entry.title_terms]),
            covered_words=_share(question, [terms.keys() for terms in entry.passage_terms]),
            phrasing_words=_share(question, entry.phrasing_terms),
        ),
    )


def _is_phrasing(target: Target) -> bool:
    """Whether a target is a question: one that editors collected, or a heading or title put as a question."""
    is_question = target.text.endswith(("?", "？"))
    return target.kind is TargetKind.PHRASING or (is_question and target.kind in (TargetKind.HEADING, TargetKind.TITLE))


def _best_by_passage(entry: IndexedArticle, cosines: Matrix) -> Matrix:
    """Return one column for each passage: its own likeness, its best window's and its heading's."""
    best = np.full((len(_PASSAGE_KINDS), len(entry.passages)), -1.0, dtype=np.float32)
    for cosine, target in zip(cosines, entry.targets, strict=True):
        if target.passage >= 0:
            row = _PASSAGE_KINDS.index(target.kind)
            best[row, target.passage] = max(best[row, target.passage], cosine)
    return best


def _share(question: Question, term_sets: Sequence[Set[str]]) -> float:
    """Return the greatest share of the question's words, weighted by idf, that one of the sets holds."""
    if not question.total_idf:
        return 0.0
    return max((_sum_known(question, terms) for terms in term_sets), default=0.0) / question.total_idf


def _sum_known(question: Question, terms: Set[str]) -> float:
    return sum(
        max((found.weight * found.idf for found in alternatives if found.term in terms), default=0.0)
        for alternatives in question.looked_up
    )
