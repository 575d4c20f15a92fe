"""Search by words: BM25 over passages, with a way back from misspelt words.

An index joins parts and takes out what is dead, and counts as if it had been built from what is left. Nothing changes
once it is built, so that many threads may search. One index holds one language. A word that no article uses is
replaced by the words closest in spelling, found by character trigrams.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# The usual BM25 constants; passages are of similar length, so little hangs on B.
_K1 = 1.2
_B = 0.6
# Below this the "correction" is another word. ("acount"/"account" share 0.67, "print"/"prime" 0.3.)
_TRIGRAM_SIMILARITY_MIN = 0.45
_CORRECTIONS_MAX = 2
# Shorter words have too few trigrams to be told apart.
_CORRECTED_WORD_MIN_CHARS = 4
_COUNT_MAX = (1 << 16) - 1

Scores = npt.NDArray[np.float32]
Ordinals = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A term of the question as the index knows it. `weight` is 1, less for a correction."""

    term: str
    weight: float
    idf: float


class Postings:
    """Which passages hold which terms, and how often. Filled by `add`, closed by `finish`, then only read."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._rows, self._row_counts, self._sizes = array("i"), array("H"), array("i")
        self._lengths = array("i")
        self.lengths: Scores = np.zeros(0, dtype=np.float32)
        self.total_length = 0
        self._trigrams: defaultdict[str, list[str]] = defaultdict(list)

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
        for term in self._places:
            for trigram in _split_trigrams(term):
                self._trigrams[trigram].append(term)
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

    def find_by_trigram(self, trigram: str) -> Sequence[str]:
        """Return the terms that hold three letters in a row; "^" and "$" are a term's ends."""
        return self._trigrams.get(trigram, ())


class LexicalIndex:
    """BM25 over the passages of some parts, addressed by part and ordinal, without those that are dead."""

    def __init__(self, parts: Sequence[Postings], dead: Postings) -> None:
        """Join parts; every passage in `dead` must be one of a part's."""
        self._parts = tuple(parts)
        self._dead = dead
        self._count = sum(map(len, parts)) - len(dead)
        average = (sum(part.total_length for part in parts) - dead.total_length) / max(self._count, 1)
        self._length_factors = [_K1 * (1 - _B + _B * part.lengths / max(average, 1.0)) for part in parts]

    def __contains__(self, term: str) -> bool:
        return self._count_holders(term) > 0

    def find_idf(self, term: str) -> float:
        """Return how telling a term is; one that no passage holds is as telling as can be."""
        holders = self._count_holders(term)
        return math.log(1 + (self._count - holders + 0.5) / (holders + 0.5))

    def look_up(self, terms: Sequence[str]) -> list[list[QueryTerm]]:
        """Return for each distinct term of a question what the index has for it: itself, corrections, or nothing."""
        return [self._look_up(term) for term in dict.fromkeys(terms)]

    def score(self, looked_up: Sequence[Sequence[QueryTerm]], part: int) -> Scores:
        """Return the BM25 score of each passage of a part, dead ones as well.

        Alternatives for one word do not add up, the best one counts.
        """
        factors = self._length_factors[part]
        scores = np.zeros(len(factors), dtype=np.float32)
        for alternatives in looked_up:
            gains = []
            for alternative in alternatives:
                passages, counts = self._parts[part].find(alternative.term)
                gain = counts * np.float32(_K1 + 1) / (counts + factors[passages])
                gains.append((passages, np.float32(alternative.weight * alternative.idf) * gain))
            if len(gains) == 1:
                scores[gains[0][0]] += gains[0][1]
            elif gains:
                best = np.zeros_like(scores)
                for passages, gain in gains:
                    best[passages] = np.maximum(best[passages], gain)
                scores += best
        return scores

    def sum_known(
        self, looked_up: Sequence[Sequence[QueryTerm]], part: int, passages: Ordinals
    ) -> npt.NDArray[np.float64]:
        """Return for each of some passages of a part the idf of the question's words that it holds, summed up."""
        total = np.zeros(len(passages))
        for alternatives in looked_up:
            best = np.zeros(len(passages))
            for alternative in alternatives:
                holders, _ = self._parts[part].find(alternative.term)
                if len(holders):
                    places = np.minimum(np.searchsorted(holders, passages), len(holders) - 1)
                    best = np.maximum(best, (holders[places] == passages) * (alternative.weight * alternative.idf))
            total += best
        return total

    def _count_holders(self, term: str) -> int:
        return sum(part.count_holders(term) for part in self._parts) - self._dead.count_holders(term)

    def _look_up(self, term: str) -> list[QueryTerm]:
        if term in self:
            return [QueryTerm(term, 1.0, self.find_idf(term))]
        return [QueryTerm(found, similarity, self.find_idf(found)) for found, similarity in self._correct(term)]

    def _correct(self, term: str) -> list[tuple[str, float]]:
        if len(term) < _CORRECTED_WORD_MIN_CHARS or not term.isalpha():
            return []
        wanted = _split_trigrams(term)
        similar: dict[str, float] = {}
        for part in self._parts:
            shared = Counter(found for trigram in wanted for found in part.find_by_trigram(trigram))
            for found, count in shared.items():
                similarity = count / (len(wanted) + len(_split_trigrams(found)) - count)
                if similarity >= _TRIGRAM_SIMILARITY_MIN or _is_one_swap(term, found):
                    similar[found] = max(similarity, 0.6)
        known = [(found, similarity) for found, similarity in similar.items() if found in self]
        return sorted(known, key=lambda pair: (-pair[1], pair[0]))[:_CORRECTIONS_MAX]


def _split_trigrams(term: str) -> set[str]:
    padded = f"^{term}$"
    return {padded[n : n + 3] for n in range(len(padded) - 2)}


def _is_one_swap(term: str, other: str) -> bool:
    """Whether one edit apart: a letter added, left out, changed, or two neighbours swapped."""
    if abs(len(term) - len(other)) > 1 or min(len(term), len(other)) < _CORRECTED_WORD_MIN_CHARS:
        return False
    start = 0
    while start < min(len(term), len(other)) and term[start] == other[start]:
        start += 1
    rest, other_rest = term[start:], other[start:]
    return (
        rest[1:] == other_rest[1:]
        or rest[1:] == other_rest
        or rest == other_rest[1:]
        or (rest[:2] == other_rest[:2][::-1] and rest[2:] == other_rest[2:])
    )
