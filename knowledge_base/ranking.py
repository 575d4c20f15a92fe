"""How well each article fits a question: candidates from both indexes, and what speaks for them.

Owns the signals, and nothing about what they are worth: `calibration` weighs them. Pure.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from knowledge_base.embedding import Encoded, Matrix, QuestionEncoder
from knowledge_base.indexing import IndexedArticle, LanguageIndex
from knowledge_base.late_interaction import match_tokens, weigh_matches
from knowledge_base.lexical_index import QueryTerm
from knowledge_base.spelling import correct_spelling
from knowledge_base.vector_index import Target, TargetKind
from knowledge_base.words import split_terms

# Nearest articles that each index proposes. The right one is among 20 by meaning in 97 % of the labelled questions.
_BY_MEANING = 20
_BY_WORDS = 10
# Of each article, this many of its nearest texts are compared token by token.
_COMPARED_TEXTS = 3
# The nearest texts of all articles that vote for their owners.
_VOTERS = 10
_NEAREST_PHRASINGS = 3
_PASSAGE_KINDS = (TargetKind.PASSAGE, TargetKind.WINDOW, TargetKind.HEADING)

# What speaks for an article, each from about 0 to 1: likeness by vector, by word, by token; votes; what it consists of.
SIGNAL_NAMES = (
    "passage", "window", "title", "heading", "phrasing", "phrasings", "best",
    "words", "title_words", "covered_words", "phrasing_words",
    "late_text", "late_all", "late_worst", "votes", "has_body", "has_phrasings",
)  # fmt: skip
# Those that differ between articles because of the question.
COMPARED_SIGNALS = len(SIGNAL_NAMES) - 2


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready for one language's index."""

    text: str
    encoded: Encoded
    terms: tuple[str, ...]
    looked_up: tuple[tuple[QueryTerm, ...], ...]
    total_idf: float
    token_weights: Matrix

    @property
    def known_words(self) -> float:
        """The share of its words that some article uses, well or nearly well spelt."""
        return sum(1 for found in self.looked_up if found) / (len(self.terms) or 1)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Articles that may answer, by their ordinals: each one's best passage, and a row of `SIGNAL_NAMES`."""

    articles: tuple[int, ...]
    passages: tuple[int, ...]
    signals: Matrix

    def __len__(self) -> int:
        return len(self.articles)


def build_question(text: str, language: str, index: LanguageIndex, encoder: QuestionEncoder) -> Question:
    """Mend a question's spelling, encode it, split it into terms and look each of them up once.

    Raises:
        ModelError: if the index was built with another model than the encoder's.
    """
    text = correct_spelling(text, language, speller=index.speller, is_word=encoder.is_word)
    encoded = encoder.encode(text)
    index.vectors.check_question(encoded.vector, encoder.model)
    terms = tuple(dict.fromkeys(split_terms(text, language)))
    looked_up = tuple(tuple(found) for found in index.words.look_up(terms))
    total_idf = sum(index.words.find_idf(term) for term in terms)
    return Question(text, encoded, terms, looked_up, total_idf, index.tokens.find_idf(encoded.tokens.ids))


def find_candidates(question: Question, index: LanguageIndex, excluded: Set[str]) -> Candidates:
    """Return the articles that either index proposes, without the excluded slugs, in no particular order."""
    word_scores = index.words.score(question.looked_up)
    wanted = len(excluded)
    owners = index.vectors.find_owners(question.encoded.vector, articles=_BY_MEANING + wanted)
    ordinals = list(dict.fromkeys(owners.tolist()))[: _BY_MEANING + wanted]
    ordinals += [n for n in _find_by_words(index, word_scores, limit=_BY_WORDS + wanted) if n not in ordinals]
    kept = [n for n in ordinals if index.articles[n].article.slug not in excluded]
    voters = owners[:_VOTERS]
    cosines = [index.vectors.compare(question.encoded.vector, n) for n in kept]
    late = _compare_tokens(question, index, kept, cosines)
    rows, passages = [], []
    for place, ordinal in enumerate(kept):
        passage, own = _weigh(question, index, ordinal, cosines[place], word_scores)
        entry = index.articles[ordinal]
        votes = float((voters == ordinal).mean())
        has_body = entry.article.content.body.strip() != entry.article.title
        rows.append([*own, *late[place], votes, has_body, min(1.0, len(entry.phrasing_terms) / 10)])
        passages.append(passage)
    signals = np.array(rows, dtype=np.float32).reshape(len(kept), len(SIGNAL_NAMES))
    return Candidates(tuple(kept), tuple(passages), signals)


def _find_by_words(index: LanguageIndex, scores: Matrix, *, limit: int) -> list[int]:
    best = np.argsort(-scores, kind="stable")[: 4 * limit]
    owners = np.searchsorted(index.first_passages, best[scores[best] > 0], side="right") - 1
    return list(dict.fromkeys(int(owner) for owner in owners))[:limit]


def _weigh(
    question: Question, index: LanguageIndex, ordinal: int, cosines: Matrix, word_scores: Matrix
) -> tuple[int, list[float]]:
    """Return an article's best passage, and its signals up to the words of its phrasings."""
    entry = index.articles[ordinal]
    first = index.first_passages[ordinal]
    # BM25 cannot exceed (k1 + 1) times the sum of the idf: this keeps it between 0 and 1.
    words = word_scores[first : first + len(entry.passages)] / (2.2 * question.total_idf or 1.0)
    by_passage = _best_by_passage(entry, cosines)
    passage = int(np.argmax(by_passage.max(axis=0) + words))
    whole, windows, heading = (float(row.max()) for row in by_passage)
    title = float(cosines[0])
    phrasings = sorted(
        (float(likeness) for likeness, target in zip(cosines, entry.targets, strict=True) if _is_phrasing(target)),
        reverse=True,
    ) or [max(title, whole)]
    nearest = phrasings[:_NEAREST_PHRASINGS]
    return passage, [
        whole,
        max(whole, windows),
        title,
        max(title, heading),
        phrasings[0],
        sum(nearest) / len(nearest),
        max(whole, windows, title, heading, phrasings[0]),
        float(words.max()),
        _share(question, [entry.title_terms]),
        _share(question, [terms.keys() for terms in entry.passage_terms]),
        _share(question, entry.phrasing_terms),
    ]


def _compare_tokens(
    question: Question, index: LanguageIndex, ordinals: Sequence[int], cosines: Sequence[Matrix]
) -> list[tuple[float, float, float]]:
    """Return for each article how its best text, its best texts together, and the worst met token are matched."""
    texts, ends = [], []
    for ordinal, likeness in zip(ordinals, cosines, strict=True):
        tokens = index.articles[ordinal].tokens
        places = sorted(tokens, key=lambda place: -likeness[place])[:_COMPARED_TEXTS]
        texts += [tokens[place] for place in places]
        ends.append(len(texts))
    matches = match_tokens(question.encoded.tokens, texts, index.tokens)
    weights = question.token_weights
    if not len(weights) or not len(texts):
        return [(0.0, 0.0, 0.0)] * len(ordinals)
    by_text = weigh_matches(matches, weights)
    starts = [0, *ends[:-1]]
    together = np.maximum.reduceat(matches, starts, axis=1)
    by_article = weigh_matches(together, weights)
    worst = together[weights >= np.median(weights)].min(axis=0)
    best = np.maximum.reduceat(by_text, starts)
    return list(zip(best.tolist(), by_article.tolist(), worst.tolist(), strict=True))


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
