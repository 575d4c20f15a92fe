"""How well each article fits a question: candidates from both indexes, and what speaks for them.

Owns the signals, and nothing about what they are worth: `calibration` weighs them. Pure.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_base.article import ArticleId
from knowledge_base.embedding import Encoded, Matrix, QuestionEncoder
from knowledge_base.language_index import LanguageIndex, Place
from knowledge_base.late_interaction import match_tokens, weigh_matches
from knowledge_base.lexical_index import QueryTerm, Scores
from knowledge_base.segment import Segment
from knowledge_base.spelling import correct_spelling
from knowledge_base.vector_index import TargetKind
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
_ROW_OF_KIND = np.array([_PASSAGE_KINDS.index(kind) if kind in _PASSAGE_KINDS else -1 for kind in TargetKind])

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
    looked_up: tuple[QueryTerm, ...]
    total_idf: float
    token_weights: Matrix

    @property
    def known_words(self) -> float:
        """The share of its words that some article uses."""
        return len(self.looked_up) / (len(self.terms) or 1)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Articles that may answer, by their ids: each one's best passage, and a row of `SIGNAL_NAMES`."""

    articles: tuple[ArticleId, ...]
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
    index.check_question(encoded.vector, encoder.model)
    terms = tuple(dict.fromkeys(split_terms(text, language)))
    looked_up = index.words.look_up(terms)
    total_idf = sum(index.words.find_idf(term) for term in terms)
    return Question(text, encoded, terms, looked_up, total_idf, index.tokens.find_idf(encoded.tokens.ids))


def find_candidates(question: Question, index: LanguageIndex, excluded: Set[str]) -> Candidates:
    """Return the articles that either index proposes, without the excluded slugs, in no particular order."""
    word_scores = index.score_words(question.looked_up)
    barred = frozenset(index.slugs[slug] for slug in excluded if slug in index.slugs) if excluded else frozenset()
    owners = index.find_by_meaning(question.encoded.vector, articles=_BY_MEANING, barred=barred)
    wanted = _BY_WORDS + len(barred)
    by_words = list(dict.fromkeys(index.find_by_words(word_scores, passages=4 * wanted)))[:wanted]
    kept = {*list(dict.fromkeys(owners))[:_BY_MEANING], *by_words} - barred
    # Where all else is equal, the older article goes first.
    return _weigh(question, index, sorted(kept), word_scores, owners[:_VOTERS])


def _weigh(
    question: Question,
    index: LanguageIndex,
    articles: Sequence[ArticleId],
    word_scores: Sequence[Scores],
    voters: Sequence[ArticleId],
) -> Candidates:
    rows, passages = [], []
    places = [index.locate(article) for article in articles]
    cosines = [index.compare(question.encoded.vector, place) for place in places]
    late = _compare_tokens(question, index, articles, cosines)
    covered = _share_by_passages(question, index, places)
    for n, (article, place) in enumerate(zip(articles, places, strict=True)):
        entry, part = index.articles[article], index.parts[place.part]
        # BM25 cannot exceed (k1 + 1) times the sum of the idf: this keeps it between 0 and 1.
        words = word_scores[place.part][place.passages] / (2.2 * question.total_idf or 1.0)
        by_passage = _best_by_passage(part, place, cosines[n])
        passages.append(int(np.argmax(by_passage.max(axis=0) + words)))
        title_terms, phrasing_terms = entry.read_term_sets()
        rows.append([
            *_weigh_likeness(by_passage, cosines[n], part.target_is_question[place.targets]),
            float(words.max()),
            _share(question, [title_terms]),
            covered[n],
            _share(question, phrasing_terms),
            *late[n],
            voters.count(article) / (len(voters) or 1),
            entry.has_body,
            min(1.0, int((part.target_kinds[place.targets] == TargetKind.PHRASING).sum()) / 10),
        ])  # fmt: skip
    signals = np.array(rows, dtype=np.float32).reshape(len(rows), len(SIGNAL_NAMES))
    return Candidates(tuple(articles), tuple(passages), signals)


def _weigh_likeness(by_passage: Matrix, cosines: Matrix, is_question: npt.NDArray[np.bool_]) -> list[float]:
    """Return the signals of an article that come from its targets' vectors alone."""
    whole, windows, heading = by_passage.max(axis=1).tolist()
    title = float(cosines[0])
    nearest = sorted(cosines[is_question].tolist(), reverse=True)[:_NEAREST_PHRASINGS] or [max(title, whole)]
    return [
        whole,
        max(whole, windows),
        title,
        max(title, heading),
        nearest[0],
        sum(nearest) / len(nearest),
        max(whole, windows, title, heading, nearest[0]),
    ]


def _compare_tokens(
    question: Question, index: LanguageIndex, articles: Sequence[ArticleId], cosines: Sequence[Matrix]
) -> list[tuple[float, float, float]]:
    """Return for each article how its best text, its best texts together, and the worst met token are matched."""
    hashes: list[bytes] = []
    ends = []
    for article, likeness in zip(articles, cosines, strict=True):
        entry = index.articles[article]
        nearest = np.argsort(-likeness[entry.tokenised], kind="stable")[:_COMPARED_TEXTS]
        hashes += entry.list_hashes(nearest.tolist())
        ends.append(len(hashes))
    weights = question.token_weights
    if not len(weights) or not hashes:
        return [(0.0, 0.0, 0.0)] * len(articles)
    matches = match_tokens(question.encoded.tokens, index.token_reader.read(hashes), index.tokens)
    by_text = weigh_matches(matches, weights)
    starts = [0, *ends[:-1]]
    together = np.maximum.reduceat(matches, starts, axis=1)
    by_article = weigh_matches(together, weights)
    worst = together[weights >= np.median(weights)].min(axis=0)
    best = np.maximum.reduceat(by_text, starts)
    return list(zip(best.tolist(), by_article.tolist(), worst.tolist(), strict=True))


def _best_by_passage(part: Segment, place: Place, cosines: Matrix) -> Matrix:
    """Return one column for each passage: its own likeness, its best window's and its heading's."""
    best = np.full((len(_PASSAGE_KINDS), place.passages.stop - place.passages.start), -1.0, dtype=np.float32)
    passages = part.target_passages[place.targets]
    of_passage = passages >= 0
    rows = _ROW_OF_KIND[part.target_kinds[place.targets][of_passage]]
    np.maximum.at(best, (rows, passages[of_passage]), cosines[of_passage])
    return best


def _share_by_passages(question: Question, index: LanguageIndex, places: Sequence[Place]) -> list[float]:
    """Return for each article the greatest share of the question's words that one of its passages holds."""
    if not question.total_idf:
        return [0.0] * len(places)
    shares = [0.0] * len(places)
    for part in range(len(index.parts)):
        own = [n for n, place in enumerate(places) if place.part == part]
        if own:
            rows = [np.arange(places[n].passages.start, places[n].passages.stop, dtype=np.int32) for n in own]
            known = index.words.sum_known(question.looked_up, part, np.concatenate(rows))
            starts = np.cumsum([0, *(len(passages) for passages in rows[:-1])])
            for n, most in zip(own, np.maximum.reduceat(known, starts).tolist(), strict=True):
                shares[n] = most / question.total_idf
    return shares


def _share(question: Question, term_sets: Sequence[Set[str]]) -> float:
    """Return the greatest share of the question's words, weighted by idf, that one of the sets holds."""
    if not question.total_idf:
        return 0.0
    return max((_sum_known(question, terms) for terms in term_sets), default=0.0) / question.total_idf


def _sum_known(question: Question, terms: Set[str]) -> float:
    return sum(known.idf for known in question.looked_up if known.term in terms)
