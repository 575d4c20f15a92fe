"""Search by words: BM25 over passages, with a way back from misspelt words.

Immutable once built, and so thread-safe. One index holds one language. A word that no article uses is
replaced by the words closest in spelling, found by character trigrams.
"""

import math
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

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """A term of the question as the index knows it. `weight` is 1, less for a correction."""

    term: str
    weight: float
    idf: float


class LexicalIndex:
    """BM25 over the term counts of passages, addressed by their ordinal."""

    def __init__(self, documents: Sequence[Mapping[str, int]]) -> None:
        self._count = len(documents)
        lengths = np.array([sum(d.values()) for d in documents], dtype=np.float32)
        average = float(lengths.mean()) if self._count else 1.0
        self._length_factor = _K1 * (1 - _B + _B * lengths / max(average, 1.0))
        self._postings = self._build_postings(documents)
        self._trigrams: dict[str, list[str]] = defaultdict(list)
        for term in self._postings:
            for trigram in _split_trigrams(term):
                self._trigrams[trigram].append(term)

    def __contains__(self, term: str) -> bool:
        return term in self._postings

    def find_idf(self, term: str) -> float:
        """Return how telling a term is; one that no passage holds is as telling as can be."""
        holders = len(self._postings[term][0]) if term in self._postings else 0
        return math.log(1 + (self._count - holders + 0.5) / (holders + 0.5))

    def look_up(self, terms: Sequence[str]) -> list[list[QueryTerm]]:
        """Return for each distinct term of a question what the index has for it: itself, corrections, or nothing."""
        return [self._look_up(term) for term in dict.fromkeys(terms)]

    def score(self, looked_up: Sequence[Sequence[QueryTerm]]) -> Scores:
        """Return each passage's BM25 score; alternatives for one word do not add up, the best one counts."""
        scores = np.zeros(self._count, dtype=np.float32)
        for alternatives in looked_up:
            best = np.zeros(self._count, dtype=np.float32)
            for alternative in alternatives:
                passages, counts = self._postings[alternative.term]
                gain = counts * (_K1 + 1) / (counts + self._length_factor[passages])
                best[passages] = np.maximum(best[passages], alternative.weight * alternative.idf * gain)
            scores += best
        return scores

    def _look_up(self, term: str) -> list[QueryTerm]:
        if term in self._postings:
            return [QueryTerm(term, 1.0, self.find_idf(term))]
        return [QueryTerm(found, similarity, self.find_idf(found)) for found, similarity in self._correct(term)]

    def _correct(self, term: str) -> list[tuple[str, float]]:
        if len(term) < _CORRECTED_WORD_MIN_CHARS or not term.isalpha():
            return []
        wanted = _split_trigrams(term)
        shared = Counter(found for trigram in wanted for found in self._trigrams.get(trigram, ()))
        similar = []
        for found, count in shared.items():
            similarity = count / (len(wanted) + len(_split_trigrams(found)) - count)
            if similarity >= _TRIGRAM_SIMILARITY_MIN or _is_one_swap(term, found):
                similar.append((found, max(similarity, 0.6)))
        return sorted(similar, key=lambda pair: (-pair[1], pair[0]))[:_CORRECTIONS_MAX]

    @staticmethod
    def _build_postings(
        documents: Sequence[Mapping[str, int]],
    ) -> dict[str, tuple[npt.NDArray[np.int32], Scores]]:
        collected: dict[str, tuple[list[int], list[int]]] = {}
        for ordinal, document in enumerate(documents):
            for term, count in document.items():
                passages, counts = collected.setdefault(term, ([], []))
                passages.append(ordinal)
                counts.append(count)
        return {
            term: (np.array(passages, dtype=np.int32), np.array(counts, dtype=np.float32))
            for term, (passages, counts) in collected.items()
        }


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
