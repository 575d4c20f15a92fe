"""How well each article fits a question: candidates from both indexes, and what speaks for them.

Owns the signals, and nothing about what they are worth: `calibration` weighs them. Pure.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from knowledge_base.article import ArticleId
from knowledge_base.embedding import Encoded, Matrix, QuestionEncoder
from knowledge_base.language_index import SCORE_DECIMALS, LanguageIndex
from knowledge_base.late_interaction import match_texts, match_tokens, weigh_matches
from knowledge_base.lexical_index import QueryTerm, Scores
from knowledge_base.segment import IndexedArticle, Places, Texts
from knowledge_base.spelling import correct_spelling
from knowledge_base.vector_index import TargetKind
from knowledge_base.words import split_terms

# Nearest articles that each index proposes. With 20 and 10, of 750 labelled questions none had its right article among
# the first three that would be missing here.
_BY_MEANING = 12
_BY_WORDS = 6
# Of each article, the title and so many of its nearest phrasings and passages are compared token by token: what the one
# does not say the other may. (recall@1 on 39 help centres with the plain model: .713 with the three nearest texts of
# any kind, .7255 so, .7254 with all of them.)
_COMPARED_TEXTS = 2
# What a passage's tokens count beside its vector where the one to show is chosen, and what the first one is given.
# (Both were chosen on the questions of `tests/knowledge_base/shown_passages.jsonl`.)
_TOKENS_TELL = np.float32(0.2)
_FIRST_GAINS = np.float32(0.02)
# The nearest texts of all articles that vote for their owners.
_VOTERS = 10
_NEAREST_PHRASINGS = 3
_PASSAGE_KINDS = (TargetKind.PASSAGE, TargetKind.WINDOW, TargetKind.HEADING)
_ROW_OF_KIND = np.array([_PASSAGE_KINDS.index(kind) if kind in _PASSAGE_KINDS else -1 for kind in TargetKind])

# What speaks for an article, each from about 0 to 1: likeness by vector, by word, by token; votes; what it consists of.
SIGNAL_NAMES = (
    "passage", "window", "title", "heading", "phrasing", "phrasings", "best",
    "words", "title_words", "covered_words", "phrasing_words",
    "late_text", "late_all", "late_worst", "late_title", "votes", "has_body", "has_phrasings",
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
    is_named: npt.NDArray[np.bool_]
    """Which ones have a title or a phrasing that is the question, but for stop words and endings."""
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
    total_idf = index.words.sum_idf(terms, looked_up)
    return Question(text, encoded, terms, looked_up, total_idf, index.tokens.find_idf(encoded.tokens.ids))


def find_candidates(question: Question, index: LanguageIndex, barred: Set[ArticleId]) -> Candidates:
    """Return the articles that either index proposes, without the barred ones of it, in the order of their ids."""
    word_scores = index.score_words(question.looked_up)
    owners = index.find_by_meaning(question.encoded.vector, articles=_BY_MEANING, barred=barred)
    wanted = _BY_WORDS + len(barred)
    by_words = list(dict.fromkeys(index.find_by_words(word_scores, passages=4 * wanted)))[:wanted]
    kept = {*list(dict.fromkeys(owners))[:_BY_MEANING], *by_words} - barred
    weighed = [
        _weigh(question, index, number, own, word_scores[number], owners[:_VOTERS])
        for number, own in index.group_by_part(kept).items()
    ]
    return _join(weighed)


def _weigh(
    question: Question,
    index: LanguageIndex,
    number: int,
    articles: Sequence[ArticleId],
    word_scores: Scores,
    voters: Sequence[ArticleId],
) -> Candidates:
    """Weigh articles that lie in one segment, all at once: their texts lie side by side."""
    part = index.parts[number]
    texts = part.gather(articles)
    entries = [part.entries[article] for article in articles]
    cosines = index.compare(question.encoded.vector, number, texts.targets)
    by_passage = _best_by_passage(texts, cosines)
    # BM25 cannot exceed (k1 + 1) times the sum of the idf: this keeps it between 0 and 1.
    words = word_scores[texts.passages] / (2.2 * question.total_idf or 1.0)
    known = index.words.sum_known(question.looked_up, number, texts.passages) / (question.total_idf or 1.0)
    compared, met = _compare_tokens(question, index, entries, cosines, texts)
    passages = _choose_passages(by_passage, met, known, cosines[texts.first_targets], texts)
    columns: list[npt.ArrayLike] = [
        *_weigh_likeness(by_passage, cosines, texts),
        np.maximum.reduceat(words, texts.first_passages),
        [_share(question, entry.title_terms) for entry in entries],
        np.maximum.reduceat(known, texts.first_passages),
        [_share(question, entry.phrasing_terms) for entry in entries],
        *compared,
        [voters.count(article) / (len(voters) or 1) for article in articles],
        [entry.has_body for entry in entries],
        np.minimum(1.0, texts.count_targets(texts.kinds == TargetKind.PHRASING) / 10),
    ]  # fmt: skip
    signals = np.empty((len(articles), len(SIGNAL_NAMES)), dtype=np.float32)
    for place, column in enumerate(columns):
        signals[:, place] = column
    asked = " ".join(question.terms)
    is_named = [asked in (entry.title_terms, *entry.phrasing_terms.split("\n")) for entry in entries]
    return Candidates(tuple(articles), tuple(passages.tolist()), np.array(is_named) & bool(asked), signals)


def _choose_passages(
    by_passage: Matrix, met: Matrix, known: npt.NDArray[np.float64], title: Matrix, texts: Texts
) -> Places:
    """Return each article's best passage, counted from its first one: by its vector and its tokens.

    All of them have the title in front, so that to who asks for what the article is about the shortest one would be the
    nearest. So the first one wins unless another is clearly nearer; and also where the question is at least as like the
    title as anything below it, and the first one holds as many of its words as any.
    """
    firsts = texts.first_passages
    is_asked_by_name = title >= np.maximum.reduceat(by_passage.max(axis=0), firsts)
    is_asked_by_name &= known[firsts] >= np.maximum.reduceat(known, firsts)
    likeness = by_passage[0] + _TOKENS_TELL * met
    likeness[firsts] += _FIRST_GAINS
    # What is equal but for rounding is equal.
    likeness = np.round(likeness, SCORE_DECIMALS)
    places = np.flatnonzero(likeness == np.maximum.reduceat(likeness, firsts)[texts.passage_owners])
    nearest = places[np.searchsorted(texts.passage_owners[places], np.arange(len(firsts)))] - firsts
    return np.where(is_asked_by_name, 0, nearest)


def _join(parts: Sequence[Candidates]) -> Candidates:
    """Join candidates, in the order of their ids."""
    if not parts:
        return Candidates((), (), np.zeros(0, dtype=bool), np.zeros((0, len(SIGNAL_NAMES)), dtype=np.float32))
    articles = [article for part in parts for article in part.articles]
    passages = [passage for part in parts for passage in part.passages]
    order = sorted(range(len(articles)), key=lambda n: articles[n])
    is_named = np.concatenate([part.is_named for part in parts])[order]
    signals = np.concatenate([part.signals for part in parts])[order]
    return Candidates(tuple(articles[n] for n in order), tuple(passages[n] for n in order), is_named, signals)


def _weigh_likeness(by_passage: Matrix, cosines: Matrix, texts: Texts) -> list[Matrix]:
    """Return the signals that come from the targets' vectors alone, one value for each article."""
    whole, windows, heading = np.maximum.reduceat(by_passage, texts.first_passages, axis=1)
    title = cosines[texts.first_targets]
    asked = np.flatnonzero(texts.is_question)
    asked = asked[_find_highest(cosines[asked], texts.target_owners[asked], _NEAREST_PHRASINGS)]
    owners, count = texts.target_owners[asked], texts.count_targets(asked)
    nearest, mean = (np.maximum(title, whole).astype(np.float64) for _ in range(2))
    nearest[owners[::-1]] = cosines[asked[::-1]]
    np.divide(np.bincount(owners, cosines[asked], len(title)), count, out=mean, where=count > 0)
    passage = np.maximum(whole, windows)
    return [
        whole,
        passage,
        title,
        np.maximum(title, heading),
        nearest,
        mean,
        np.maximum.reduce([passage, title, heading, nearest]),
    ]


def _compare_tokens(
    question: Question, index: LanguageIndex, entries: Sequence[IndexedArticle], cosines: Matrix, texts: Texts
) -> tuple[Matrix, Matrix]:
    """Return for each article (column) how its best text, its best texts together, and the worst met token are matched,
    and how its title's own tokens are met in the question; and how each passage is matched, less than any if it is not
    one of its article's nearest.
    """
    weights = question.token_weights
    if not len(weights):
        return np.zeros((4, len(entries)), dtype=np.float32), np.zeros(len(texts.passages), dtype=np.float32)
    tokenised = np.flatnonzero(texts.is_tokenised)
    owners = texts.target_owners[tokenised]
    firsts = np.searchsorted(owners, np.arange(len(entries)))
    groups = owners * len(TargetKind) + texts.kinds[tokenised]
    nearest = _find_highest(cosines[tokenised], groups, _COMPARED_TEXTS)
    places = (nearest - firsts[owners[nearest]]).tolist()
    hashes = [entries[n].find_hash(place) for n, place in zip(owners[nearest].tolist(), places, strict=True)]
    read = index.token_reader.read(hashes)
    matches = match_tokens(question.encoded.tokens, read, index.tokens)
    starts = np.searchsorted(owners[nearest], np.arange(len(entries)))
    together = np.maximum.reduceat(matches, starts, axis=1)
    each = weigh_matches(matches, weights)
    kinds = texts.kinds[tokenised[nearest]]
    compared = np.stack([
        np.maximum.reduceat(each, starts),
        weigh_matches(together, weights),
        together[weights >= _find_median(weights)].min(axis=0),
        match_texts(list(compress(read, kinds == TargetKind.TITLE)), question.encoded.tokens, index.tokens),
    ])  # fmt: skip
    is_passage = kinds == TargetKind.PASSAGE
    met = np.full(len(texts.passages), -np.inf, dtype=np.float32)
    met[texts.find_passages(tokenised[nearest[is_passage]])] = each[is_passage]
    return compared, met


def _best_by_passage(texts: Texts, cosines: Matrix) -> Matrix:
    """Return one column for each passage: its own likeness, its best window's and its heading's."""
    best = np.full((len(_PASSAGE_KINDS), len(texts.passages)), -1.0, dtype=np.float32)
    rows = _ROW_OF_KIND[texts.kinds]
    of_passage = rows >= 0
    columns = texts.find_passages(of_passage)
    np.maximum.at(best.reshape(-1), rows[of_passage] * len(texts.passages) + columns, cosines[of_passage])
    return best


def _find_median(values: Matrix) -> float:
    """Return what `np.median` gives, in a tenth of the time for so few."""
    ordered = np.sort(values)
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _find_highest(values: Matrix, owners: Places, count: int) -> Places:
    """Return the places of the highest values of each owner, `count` at most, by owner and highest first.

    Of equal values the first one counts.
    """
    order = np.lexsort((-values, owners))
    ordered = owners[order]
    ranks = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[ranks < count]


def _share(question: Question, lines: str) -> float:
    """Return the greatest share of the question's words, weighted by idf, that one of the lines of terms holds."""
    # Most articles' lines hold none of them: what is not in all together is in none.
    known = [(known.term, known.idf) for known in question.looked_up if known.term in lines]
    if not known:
        return 0.0
    terms = (frozenset(line.split()) for line in lines.split("\n"))
    return max(sum(idf for term, idf in known if term in own) for own in terms) / question.total_idf
