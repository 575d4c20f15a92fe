"""Mend misspelt words in a question with the words of the articles, before anything else looks at it.

"pasword" means nothing to an embedding model; "password" does. A word is left alone if an article uses it or
the model knows it as one of its own, so that real words are not "corrected" into the articles' vocabulary.
"""

import re
from collections.abc import Callable, Mapping

from knowledge_base.lexical_index import LexicalIndex
from knowledge_base.words import is_stop_word, stem

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# The packaged model knows English words only, and would have every other language's "corrected".
SPELT_LANGUAGES = frozenset({"en"})
# "wel" could be anything.
_WORD_MIN_CHARS = 4


def list_surfaces(text: str, language: str) -> dict[str, str]:
    """Return the words of a text by their stem, for `correct_spelling`."""
    return {stem(word, language): word for word in reversed(_WORD.findall(text.casefold()))}


def correct_spelling(
    text: str,
    language: str,
    *,
    words: LexicalIndex,
    surfaces: Mapping[str, str],
    is_word: Callable[[str], bool],
) -> str:
    """Return the question with its misspelt words replaced; the same text if there are none."""
    if language not in SPELT_LANGUAGES:
        return text

    def correct(found: re.Match[str]) -> str:
        word = re.sub("['’]", "", found.group().casefold())
        term = stem(word, language)
        is_short = len(word) < _WORD_MIN_CHARS or not word.isalpha()
        if is_short or term in words or is_stop_word(word, language) or is_word(word):
            return found.group()
        (alternatives,) = words.look_up([term])
        return surfaces.get(alternatives[0].term, found.group()) if alternatives else found.group()

    return _WORD.sub(correct, text)
