"""Mend misspelt words in a question with the words of the articles, before anything else looks at it.

"pasword" means nothing to an embedding model; "password" does. A word is left alone if an article uses it or, in
English, if the model knows it as one of its own, so that real words are not "corrected" into the articles' vocabulary.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from knowledge_base.words import fold_accents, is_stop_word, stem

_WORD = re.compile(r"[^\W\d_]+")
# "don't" is one word; "l'adresse" is two.
_ENGLISH_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Which real words there are is known of English only: it is what the packaged model was made for.
_LANGUAGE_OF_THE_MODEL = "en"
_REMEMBERED_WORDS = 1024
# "wel" could be anything.
_WORD_MIN_CHARS = 4


class Vocabulary:
    """How often some articles use each word, by stem and by what the words look like. Nothing changes in it."""

    def __init__(self, language: str, counts: Mapping[str, int]) -> None:
        """Take counts as `count_surfaces` makes them."""
        self.counts = counts
        self.stem_counts: Counter[str] = Counter()
        self.by_folded: defaultdict[str, list[str]] = defaultdict(list)
        for word, count in counts.items():
            self.stem_counts[stem(word, language)] += count
            self.by_folded[fold_accents(word)].append(word)
        self.by_length: defaultdict[int, list[str]] = defaultdict(list)
        for folded in self.by_folded:
            self.by_length[len(folded)].append(folded)


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
        return sum(part.stem_counts[found] for part in self._parts) > self._dead.stem_counts[found]

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
                folded, part.by_length.get(size, ()), scorer=OSA.distance, score_cutoff=edits_max, limit=None
            )
        }
        # People rarely miss the first letter.
        ranked = [
            (distance, found[0] != folded[0], -count, found, commonest)
            for found, distance in near.items()
            for count, commonest in [self._find_commonest(found)]
            if count > 0
        ]
        return min(ranked)[-1] if ranked else None

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


def correct_spelling(text: str, language: str, *, speller: Speller, is_word: Callable[[str], bool]) -> str:
    """Return the question with its misspelt words replaced; the same text if there are none."""

    def correct(found: re.Match[str]) -> str:
        word = _read(found.group())
        if word in speller or is_stop_word(word, language) or (language == _LANGUAGE_OF_THE_MODEL and is_word(word)):
            return found.group()
        return speller.suggest(word) or found.group()

    return _find_pattern(language).sub(correct, text)


def _find_pattern(language: str) -> re.Pattern[str]:
    return _ENGLISH_WORD if language == "en" else _WORD


def _read(word: str) -> str:
    return word.casefold().replace("'", "").replace("’", "")


def _count_edits(word: str) -> int:
    """Return how many edits a word may be away: more would make another word of it."""
    if len(word) < _WORD_MIN_CHARS or not word.isalpha():
        return 0
    return 1 if len(word) < 6 else 2 if len(word) < 12 else 3
