"""Search by words: BM25 over passages.

An index joins parts and takes out what is dead, and counts as if it had been built from what is left. Nothing changes
once it is built, so that many threads may search. One index holds one language.
"""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_base.arrays import Array, Arrays, pack_texts, unpack_texts

# The usual BM25 constants; passages are of similar length, so little hangs on B.
_K1 = 1.2
_B = 0.6
_COUNT_MAX = (1 << 16) - 1

Scores = npt.NDArray[np.float32]
Ordinals = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A term of the question that the index knows, and how telling it is there."""

    term: str
    idf: float


class Postings:
    """Which passages hold which terms, and how often. Filled by `add`, closed by `finish`, then only read."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._rows, self._row_counts, self._sizes = array("i"), array("H"), array("i")
        self._lengths = array("i")
        self.lengths: Scores = np.zeros(0, dtype=np.float32)
        self.total_length = 0

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Postings":
        """Return the finished postings that `to_arrays` took apart."""
        postings = cls()
        postings._places = {term: place for place, term in enumerate(unpack_texts(arrays["terms"]))}
        postings._passages, postings._counts, postings._ends = (arrays[n] for n in ("passages", "counts", "ends"))
        postings.lengths = arrays["lengths"]
        postings.total_length = int(arrays["total_length"])
        return postings

    def to_arrays(self) -> Arrays:
        """Take finished postings apart, for `from_arrays`."""
        return {
            "terms": pack_texts(list(self._places)),
            "passages": self._passages,
            "counts": self._counts,
            "ends": self._ends,
            "lengths": self.lengths,
            "total_length": np.array(self.total_length),
        }

    def __len__(self) -> int:
        """Return the number of passages."""
        return len(self.lengths)

    def add(self, document: Mapping[str, int]) -> None:
        """Append a passage, given how often it holds each term."""
        places = self._places
        self._rows.extend([places.setdefault(term, len(places)) for term in document])
        self._row_counts.extend([min(count, _COUNT_MAX) for count in document.values()])
        self._sizes.append(len(document))
        self._lengths.append(sum(document.values()))

    def finish(self) -> "Postings":
        """Put the postings in order, term by term."""
        rows = np.frombuffer(self._rows, dtype=np.int32)
        sizes = np.frombuffer(self._sizes, dtype=np.int32)
        order = np.argsort(rows, kind="stable")
        self._passages = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]
        self._counts = np.frombuffer(self._row_counts, dtype=np.uint16)[order]
        self._ends = np.cumsum(np.bincount(rows, minlength=len(self._places)))
        self.lengths = np.array(self._lengths, dtype=np.float32)
        self.total_length = sum(self._lengths)
        self._rows, self._row_counts, self._sizes, self._lengths = array("i"), array("H"), array("i"), array("i")
        return self

    def find(self, term: str) -> tuple[Ordinals, npt.NDArray[np.uint16]]:
        """Return the passages that hold a term, in order, and how often each does."""
        place = self._places.get(term)
        if place is None:
            return self._passages[:0], self._counts[:0]
        start, end = int(self._ends[place - 1]) if place else 0, int(self._ends[place])
        return self._passages[start:end], self._counts[start:end]

    def count_holders(self, term: str) -> int:
        """Return how many passages hold a term."""
        return len(self.find(term)[0])


class LexicalIndex:
    """BM25 over the passages of some parts, addressed by part and ordinal, without those that are dead."""

    def __init__(self, parts: Sequence[Postings], dead: Postings) -> None:
        """Join parts; every passage in `dead` must be one of a part's."""
        self._parts = tuple(parts)
        self._dead = dead
        self._count = sum(map(len, parts)) - len(dead)
        average = (sum(part.total_length for part in parts) - dead.total_length) / max(self._count, 1)
        self._length_factors = [_K1 * (1 - _B + _B * part.lengths / max(average, 1.0)) for part in parts]

    def look_up(self, terms: Sequence[str]) -> tuple[QueryTerm, ...]:
        """Return those of a question's distinct terms that some passage holds."""
        holders = {term: self._count_holders(term) for term in terms}
        return tuple(QueryTerm(term, self._weigh(count)) for term, count in holders.items() if count)

    def sum_idf(self, terms: Sequence[str], looked_up: Sequence[QueryTerm]) -> float:
        """Return how telling distinct terms are together, given what `look_up` returned for them."""
        return sum(known.idf for known in looked_up) + (len(terms) - len(looked_up)) * self._weigh(0)

    def score(self, looked_up: Sequence[QueryTerm], part: int) -> Scores:
        """Return the BM25 score of each passage of a part, dead ones as well."""
        factors = self._length_factors[part]
        scores = np.zeros(len(factors), dtype=np.float32)
        for known in looked_up:
            passages, counts = self._parts[part].find(known.term)
            scores[passages] += np.float32(known.idf) * counts * np.float32(_K1 + 1) / (counts + factors[passages])
        return scores

    def sum_known(self, looked_up: Sequence[QueryTerm], part: int, passages: Places) -> npt.NDArray[np.float64]:
        """Return for each of some passages of a part the idf of the question's words that it holds, summed up."""
        total = np.zeros(len(passages))
        # Of the type of what is searched, or that would be converted as a whole.
        wanted = passages.astype(np.int32)
        for known in looked_up:
            holders, _ = self._parts[part].find(known.term)
            if len(holders):
                places = np.minimum(np.searchsorted(holders, wanted), len(holders) - 1)
                total += (holders[places] == wanted) * known.idf
        return total

    def _weigh(self, holders: int) -> float:
        """Return how telling a term is, by inverse document frequency; one that no passage holds is so most."""
        return math.log(1 + (self._count - holders + 0.5) / (holders + 0.5))

    def _count_holders(self, term: str) -> int:
        return sum(part.count_holders(term) for part in self._parts) - self._dead.count_holders(term)
