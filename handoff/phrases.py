"""Finds listed words and phrases in what people write, in any language and spelling: pure, rung 1 of the ladder.

Case, accents, punctuation and the width of letters do not count. A phrase matches whole words only: "sue" is not in
"issue". A word of a phrase that ends in `*` stands for every word that begins so. In scripts that write no blanks
between words (Chinese, Japanese, Thai and others) a phrase matches anywhere.
"""

import re
import unicodedata
from collections.abc import Iterable

# Letters of the scripts without blanks: Thai, Lao, Myanmar, Khmer, kana, Han.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(r"\w+\*?")


class Phrases:
    """A list of phrases, ready to be looked for."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_normal = {normal: phrase for phrase in phrases if (normal := _normalise(phrase))}
        patterns = [_pattern(normal) for normal in self._by_normal]
        self._any = re.compile("|".join(f"({pattern})" for pattern in patterns)) if patterns else None

    def find(self, text: str) -> str | None:
        """Give the first listed phrase that `text` holds, as it is listed; None if it holds none."""
        found = self._any.search(_normalise(text.replace("*", " "))) if self._any else None
        return list(self._by_normal.values())[(found.lastindex or 1) - 1] if found else None


def _normalise(text: str) -> str:
    """Give the words of a text with single blanks between, in small letters without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    # Put together again: Japanese and Korean letters were taken apart, too.
    return " ".join(_WORD.findall(unicodedata.normalize("NFC", bare.casefold())))


def _pattern(normal: str) -> str:
    words = " ".join(re.escape(word).replace(r"\*", r"\w*") for word in normal.split())
    return words if _IS_UNSPACED.search(normal) else rf"(?<!\w){words}(?!\w)"
