"""Late interaction: how well each word of a question is met somewhere in a text.

A pooled vector says what a text is about as a whole; its tokens' vectors say what it says. Each token of the
question looks for its best match among the text's tokens (ColBERT's MaxSim, Khattab and Zaharia 2020), weighted by
how telling it is in this help centre. Token vectors are kept in few dimensions and one byte each. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from knowledge_base.arrays import Array, Arrays

Matrix = npt.NDArray[np.float32]

TOKEN_DIMENSION = 96
_STEP = np.float32(127)
# Of a token that no article holds. (recall@1 by tokens alone on two help centres: .690 at 1, .714 at a quarter.)
_UNKNOWN_WEIGHT = np.float32(0.25)


@dataclass(frozen=True, slots=True, eq=False)
class TokenVectors:
    """A text's tokens but for the model's special ones: ids in its vocabulary, `TOKEN_DIMENSION` bytes each."""

    ids: npt.NDArray[np.int32]
    vectors: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class TokenStatistics:
    """How telling tokens are among some articles, and what a token vector is there on average. Whole numbers, so
    that what was added can be taken away again exactly.
    """

    articles: int
    holders: npt.NDArray[np.int64]
    """How many articles hold each token, by its id."""
    total: npt.NDArray[np.int64]
    """The sum of all token vectors."""
    tokens: int

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "TokenStatistics":
        """Return the statistics that `to_arrays` took apart."""
        return cls(int(arrays["articles"]), arrays["holders"], arrays["total"], int(arrays["tokens"]))

    def to_arrays(self) -> Arrays:
        """Take the statistics apart, for `from_arrays`."""
        return {
            "articles": np.array(self.articles),
            "holders": self.holders,
            "total": self.total,
            "tokens": np.array(self.tokens),
        }

    def __add__(self, other: "TokenStatistics") -> "TokenStatistics":
        return self._join(other, 1)

    def __sub__(self, other: "TokenStatistics") -> "TokenStatistics":
        return self._join(other, -1)

    @cached_property
    def usual(self) -> Matrix:
        """The average token vector."""
        mean: Matrix = (self.total / max(self.tokens, 1) / _STEP).astype(np.float32)
        return mean

    def find_idf(self, ids: npt.NDArray[np.int32]) -> Matrix:
        """Return the inverse document frequency of each token.

        One that no article holds can only be met by another word, and counts little.
        """
        holders = np.zeros(len(ids), dtype=np.float32)
        known = ids < len(self.holders)
        holders[known] = self.holders[ids[known]]
        idf: Matrix = np.log(1 + (self.articles - holders + 0.5) / (holders + 0.5)).astype(np.float32)
        return np.where(holders > 0, idf, _UNKNOWN_WEIGHT * idf)

    def _join(self, other: "TokenStatistics", sign: int) -> "TokenStatistics":
        size = max(len(self.holders), len(other.holders))
        own, others = (np.pad(s.holders, (0, size - len(s.holders))) for s in (self, other))
        return TokenStatistics(
            self.articles + sign * other.articles,
            own + sign * others,
            self.total + sign * other.total,
            self.tokens + sign * other.tokens,
        )


def reduce_tokens(ids: Sequence[int], vectors: Matrix, projection: Matrix) -> TokenVectors:
    """Keep token vectors in `TOKEN_DIMENSION` dimensions and one byte each."""
    reduced = vectors.astype(np.float32) @ projection
    reduced /= np.maximum(np.linalg.norm(reduced, axis=1, keepdims=True), 1e-9)
    return TokenVectors(np.array(ids, dtype=np.int32), np.round(reduced * _STEP).astype(np.int8))


@lru_cache
def make_projection(dimension: int) -> Matrix:
    """Return a random (dimension, `TOKEN_DIMENSION`) projection, the same each time: for models without learnt axes."""
    axes, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(dimension, min(TOKEN_DIMENSION, dimension))))
    random: Matrix = np.pad(axes, ((0, 0), (0, TOKEN_DIMENSION - axes.shape[1]))).astype(np.float32)
    return random


def count_tokens(articles: Iterable[Sequence[TokenVectors]]) -> TokenStatistics:
    """Return the statistics of the articles' texts."""
    count = tokens = 0
    holders = np.zeros(0, dtype=np.int64)
    total = np.zeros(TOKEN_DIMENSION, dtype=np.int64)
    for texts in articles:
        count += 1
        ids = np.unique(np.concatenate([text.ids for text in texts])) if texts else np.zeros(0, dtype=np.int32)
        if len(ids) and ids[-1] >= len(holders):
            holders = np.pad(holders, (0, int(ids[-1]) + 1 - len(holders)))
        holders[ids] += 1
        for text in texts:
            total += text.vectors.sum(axis=0, dtype=np.int64)
            tokens += len(text)
    return TokenStatistics(count, holders, total, tokens)


def match_tokens(question: TokenVectors, texts: Sequence[TokenVectors], statistics: TokenStatistics) -> Matrix:
    """Return the best match of each token of the question (row) in each text (column), above what is usual.

    An empty text matches nothing: 0.
    """
    best = np.zeros((len(question), len(texts)), dtype=np.float32)
    starts, filled = _find_starts(texts)
    if not len(question) or not len(filled):
        return best
    asked = question.vectors.astype(np.float32).T / _STEP
    stacked = np.concatenate([text.vectors for text in texts], dtype=np.float32)
    likeness = np.maximum.reduceat(stacked @ (asked / _STEP), starts, axis=0)
    best[:, filled] = (likeness - statistics.usual @ asked).T
    return best


def match_texts(texts: Sequence[TokenVectors], question: TokenVectors, statistics: TokenStatistics) -> Matrix:
    """Return how well each text's own tokens are met in the question, above what is usual: a mean weighted by idf.

    An empty text is not met at all, nor is any in an empty question: 0.
    """
    met = np.zeros(len(texts), dtype=np.float32)
    starts, filled = _find_starts(texts)
    if not len(filled):
        return met
    joined = TokenVectors(
        np.concatenate([text.ids for text in texts]), np.concatenate([text.vectors for text in texts])
    )
    likeness = match_tokens(joined, [question], statistics)[:, 0]
    weights = statistics.find_idf(joined.ids)
    met[filled] = np.add.reduceat(likeness * weights, starts) / np.maximum(np.add.reduceat(weights, starts), 1e-6)
    return met


def _find_starts(texts: Sequence[TokenVectors]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return where each text's tokens begin among those of all, and its place; of those that have some."""
    sizes = np.array([len(text) for text in texts], dtype=np.int64)
    filled = np.flatnonzero(sizes)
    return (np.cumsum(sizes) - sizes)[filled], filled


def weigh_matches(matches: Matrix, weights: Matrix) -> Matrix:
    """Return the weighted mean of each column of matches; 0 for a question without telling tokens."""
    total = float(weights.sum())
    if not total:
        return np.zeros(matches.shape[1], dtype=np.float32)
    mean: Matrix = (weights @ matches / total).astype(np.float32)
    return mean
