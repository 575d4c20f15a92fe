"""Mend misspelt words in a question with the words of the articles, before anything else looks at it.

"pasword" means nothing to an embedding model; "password" does. A word is left alone if an article uses it or, in
English, if the model knows it as one of its own, so that real words are not "corrected" into the articles' vocabulary.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge_base.words import fold_accents, is_stop_word, stem

_WORD = re.compile(r"[^\W\d_]+")
# "don't" is one word; "l'adresse" is two.
_ENGLISH_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Which real words there are is known of English only: it is what the packaged model was made for.
_LANGUAGE_OF_THE_MODEL = "en"
# "wel" could be anything.
_WORD_MIN_CHARS = 4


class Speller:
    """The words of one language's articles, by what they look like. Immutable, and so thread-safe."""

    def __init__(self, language: str, counts: Mapping[str, int]) -> None:
        """Take how often the articles use each word, as `count_surfaces` counts them."""
        self._language = language
        self._stems = frozenset(stem(word, language) for word in counts)
        commonest: dict[str, str] = {}
        for word in sorted(counts, key=lambda word: (counts[word], word)):
            commonest[fold_accents(word)] = word
        self._surfaces = commonest
        self._counts = counts
        self._by_length: defaultdict[int, list[str]] = defaultdict(list)
        for folded in commonest:
            self._by_length[len(folded)].append(folded)

    def __contains__(self, word: str) -> bool:
        """Return whether the articles use a word, in whatever form."""
        return stem(word, self._language) in self._stems

    def suggest(self, word: str) -> str | None:
        """Return the word of the articles that a misspelt one stands for: the nearest, of these the commonest.

        Nearness is the optimal string alignment distance (edits, and swaps of neighbours), with accents left out.
        """
        folded = fold_accents(word.casefold())
        edits_max = _count_edits(folded)
        if not edits_max:
            return None
        near = [
            w for size in range(len(folded) - edits_max, len(folded) + edits_max + 1) for w in self._by_length[size]
        ]
        found = process.extract(folded, near, scorer=OSA.distance, score_cutoff=edits_max, limit=8)
        if not found:
            return None
        # People rarely miss the first letter.
        best, _, _ = min(found, key=lambda f: (f[1], f[0][0] != folded[0], -self._counts[self._surfaces[f[0]]], f[0]))
        return self._surfaces[best]


def count_surfaces(text: str, language: str) -> Counter[str]:
    """Return how often a text uses each word, in lower case and without apostrophes."""
    return Counter(_read(found) for found in _find_pattern(language).finditer(text))


def correct_spelling(text: str, language: str, *, speller: Speller, is_word: Callable[[str], bool]) -> str:
    """Return the question with its misspelt words replaced; the same text if there are none."""

    def correct(found: re.Match[str]) -> str:
        word = _read(found)
        if word in speller or is_stop_word(word, language) or (language == _LANGUAGE_OF_THE_MODEL and is_word(word)):
            return found.group()
        return speller.suggest(word) or found.group()

    return _find_pattern(language).sub(correct, text)


def _find_pattern(language: str) -> re.Pattern[str]:
    return _ENGLISH_WORD if language == "en" else _WORD


def _read(found: re.Match[str]) -> str:
    return re.sub("['’]", "", found.group().casefold())


def _count_edits(word: str) -> int:
    """Return how many edits a word may be away: more would make another word of it."""
    if len(word) < _WORD_MIN_CHARS or not word.isalpha():
        return 0
    return 1 if len(word) < 6 else 2 if len(word) < 12 else 3
