"""Mend misspelt words in a question with the words of the articles, before anything else looks at it.

"pasword" means nothing to an embedding model; "password" does. A word is left alone if an article uses it or, in
English, if the model knows it as one of its own, so that real words are not "corrected" into the articles' vocabulary.
Nor is a word mended into one that differs by a prefix, which may be its opposite, or where words have no spaces.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge_base.arrays import Array, Arrays, pack_texts, unpack_texts
from knowledge_base.words import MARKS, fold_accents, is_spaced, is_stop_word, stem

_WORD = re.compile(rf"[^\W\d_]+(?:[{MARKS}]+[^\W\d_]*)*")
# "don't" is one word; "l'adresse" is two.
_ENGLISH_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Which real words there are is known of English only: it is what the packaged model was made for.
_LANGUAGE_OF_THE_MODEL = "en"
_REMEMBERED_WORDS = 1024
# "wel" could be anything.
_WORD_MIN_CHARS = 4
# What makes another word of a word, without accents: "decrypt" is not a misspelt "encrypt".
_PREFIXES = {
    "de": ("ab", "an", "auf", "aus", "be", "de", "ein", "ent", "er", "re", "um", "un", "ver", "vor", "zer", "zu"),
    "en": ("de", "dis", "en", "mis", "over", "re", "un", "under"),
    "es": ("de", "des", "en", "ex", "im", "in", "re"),
    "fr": ("de", "des", "em", "en", "ex", "im", "in", "re"),
    "it": ("de", "dis", "es", "im", "in", "re", "ri"),
    "nl": ("aan", "af", "be", "de", "in", "mis", "ont", "op", "re", "uit", "ver"),
    "pt": ("de", "des", "em", "ex", "im", "in", "re"),
}
# Any letters in front of a word make another word of it: "unsend". One more or less may be a slip.
_PREFIX_MIN_CHARS = 2
_STEM_MIN_CHARS = 3


class Vocabulary:
    """How often some articles use each word, by stem and by what the words look like. Nothing changes in it."""

    def __init__(self, counts: Mapping[str, int], stem_counts: Mapping[str, int]) -> None:
        """Take counts as `count_surfaces` and `count_stems` make them."""
        self.counts = counts
        self.stem_counts = stem_counts
        self.by_folded: defaultdict[str, list[str]] = defaultdict(list)
        for word in counts:
            self.by_folded[fold_accents(word)].append(word)
        by_length: defaultdict[int, list[str]] = defaultdict(list)
        for folded in self.by_folded:
            by_length[len(folded)].append(folded)
        self._by_length = {length: (words, _mark_letters(words)) for length, words in by_length.items()}

    def find_like(self, folded: str, *, length: int, edits_max: int) -> list[str]:
        """Return words of a length, without accents, that have about the letters of another; those near it are among
        them. An edit takes one letter out of a word at most, and puts one in.
        """
        if length not in self._by_length:
            return []
        words, letters = self._by_length[length]
        differing = np.bitwise_count(letters ^ _mark_letters([folded])[0])
        return [words[n] for n in np.flatnonzero(differing <= 2 * edits_max).tolist()]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Vocabulary":
        """Return the vocabulary that `to_arrays` took apart."""
        words, stems = (
            dict(zip(unpack_texts(arrays[name]), arrays[f"{name}_counts"].tolist(), strict=True))
            for name in ("words", "stems")
        )
        return cls(words, stems)

    def to_arrays(self) -> Arrays:
        """Take the vocabulary apart, for `from_arrays`."""
        return {
            "words": pack_texts(list(self.counts)),
            "words_counts": np.array(list(self.counts.values()), dtype=np.int64),
            "stems": pack_texts(list(self.stem_counts)),
            "stems_counts": np.array(list(self.stem_counts.values()), dtype=np.int64),
        }


class Speller:
    """The words of one language's articles, by what they look like.

    Joins the words of some parts, less those of dead articles. Nothing changes in it: many threads may use it.
    """

    def __init__(self, language: str, parts: Sequence[Vocabulary], dead: Vocabulary) -> None:
        """Join vocabularies; every article counted in `dead` must be counted in a part."""
        self._language = language
        self._parts = tuple(parts)
        self._dead = dead
        # A word is compared with thousands of a large help centre's; one question asks for it two or three times.
        self._find_remembered = lru_cache(_REMEMBERED_WORDS)(self._find_nearest)

    def __contains__(self, word: str) -> bool:
        """Return whether the articles use a word, in whatever form."""
        found = stem(word, self._language)
        return sum(part.stem_counts.get(found, 0) for part in self._parts) > self._dead.stem_counts.get(found, 0)

    def suggest(self, word: str) -> str | None:
        """Return the word of the articles that a misspelt one stands for: the nearest, of these the commonest.

        Nearness is the optimal string alignment distance (edits, and swaps of neighbours), with accents left out.
        """
        return self._find_remembered(fold_accents(word.casefold()))

    def _find_nearest(self, folded: str) -> str | None:
        edits_max = _count_edits(folded)
        if not edits_max:
            return None
        sizes = range(len(folded) - edits_max, len(folded) + edits_max + 1)
        near = {
            found: distance
            for part in self._parts
            for size in sizes
            for found, distance, _ in process.extract(
                folded,
                part.find_like(folded, length=size, edits_max=edits_max),
                scorer=OSA.distance,
                score_cutoff=edits_max,
                limit=None,
            )
        }
        # People rarely miss the first letter.
        ranked = [
            (distance, found[0] != folded[0], -count, found, commonest)
            for found, distance in near.items()
            for count, commonest in [self._find_commonest(found)]
            if count > 0 and not self._is_other_word(folded, found)
        ]
        return min(ranked)[-1] if ranked else None

    def _is_other_word(self, asked: str, found: str) -> bool:
        """Return whether two words, without accents, differ by what stands in front of the same stem."""
        shorter, longer = sorted((asked, found), key=len)
        if longer.endswith(shorter) and len(longer) - len(shorter) >= _PREFIX_MIN_CHARS:
            return True
        prefixes = _PREFIXES.get(self._language, ())
        stems = ({word[len(prefix) :] for prefix in prefixes if word.startswith(prefix)} for word in (asked, found))
        return any(len(common) >= _STEM_MIN_CHARS for common in set.intersection(*stems))

    def _find_commonest(self, folded: str) -> tuple[int, str]:
        """Return the commonest word that looks like this, and how often it is used."""
        words = {word for part in self._parts for word in part.by_folded.get(folded, ())}
        return max((self._count(word), word) for word in words)

    def _count(self, word: str) -> int:
        return sum(part.counts.get(word, 0) for part in self._parts) - self._dead.counts.get(word, 0)


def count_surfaces(text: str, language: str) -> Counter[str]:
    """Return how often a text uses each word, in lower case and without apostrophes."""
    counts: Counter[str] = Counter()
    for found, count in Counter(_find_pattern(language).findall(text)).items():
        counts[_read(found)] += count
    return counts


def count_stems(surfaces: Mapping[str, int], language: str) -> Counter[str]:
    """Return how often words of each stem are used, given how often each word is."""
    counts: Counter[str] = Counter()
    for word, count in surfaces.items():
        counts[stem(word, language)] += count
    return counts


def correct_spelling(text: str, language: str, *, speller: Speller, is_word: Callable[[str], bool]) -> str:
    """Return the question with its misspelt words replaced; the same text if there are none."""

    def correct(found: re.Match[str]) -> str:
        word = _read(found.group())
        if not is_spaced(word):
            return found.group()
        if word in speller or is_stop_word(word, language) or (language == _LANGUAGE_OF_THE_MODEL and is_word(word)):
            return found.group()
        return speller.suggest(word) or found.group()

    return _find_pattern(language).sub(correct, text)


def _find_pattern(language: str) -> re.Pattern[str]:
    return _ENGLISH_WORD if language == "en" else _WORD


def _read(word: str) -> str:
    return word.casefold().replace("'", "").replace("’", "")


def _mark_letters(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return for each of some words of one length which letters it has, as 64 bits that some letters share."""
    letters = np.array(words).view(np.uint32).reshape(len(words), -1)
    marks: npt.NDArray[np.uint64] = np.bitwise_or.reduce(np.uint64(1) << (letters % 64).astype(np.uint64), axis=1)
    return marks


def _count_edits(word: str) -> int:
    """Return how many edits a word may be away: more would make another word of it."""
    if len(word) < _WORD_MIN_CHARS or not word.isalpha():
        return 0
    return 1 if len(word) < 6 else 2 if len(word) < 12 else 3
