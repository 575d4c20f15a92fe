"""Text to the terms that lexical search compares.

Owns normalising, stemming by language, the stop words, and character bigrams for scripts written without
spaces. Pure as seen from outside; the stemmers keep state inside, so a lock guards them.
"""

import json
import re
import threading
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

# Snowball's names of the languages that it can stem.
_STEMMERS = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "hu": "hungarian", "id": "indonesian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish",
    "tr": "turkish",
}  # fmt: skip

# Words that carry grammar, not a topic. Inverse document frequency cannot see that: a help article hardly ever
# says "my", so that a visitor's "my" would look like a rare and telling word.
_STOP_WORDS_FILE = Path(__file__).with_name("stop_words.json")

# Vowel signs and the like, which many scripts write as characters of their own: they belong to the word. (Accents are
# composed with their letters, where there is such a letter.)
MARKS = "".join(mark for mark in map(chr, range(0x300, 0x11000)) if unicodedata.category(mark).startswith("M"))
_WORD = re.compile(rf"[^\W_]+(?:[{MARKS}]+[^\W_]*|-[^\W_]+)*")
_APOSTROPHES = re.compile(r"[’'`´]")
# Thai, Lao, Burmese and Khmer, Chinese characters, and Japanese kana.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+"
)

_stemmer_lock = threading.Lock()


def split_terms(text: str, language: str) -> list[str]:
    """Return the terms of a text in order: stems without stop words, bigrams where words have no spaces."""
    folded = _APOSTROPHES.sub("" if language == "en" else " ", unicodedata.normalize("NFKC", text).casefold())
    return [term for run in _WORD.findall(folded) for term in _split_run(run, language)]


@lru_cache(maxsize=50_000)
def _split_run(run: str, language: str) -> tuple[str, ...]:
    """Return the terms of what stands between two spaces; the same words come again and again."""
    terms: list[str] = []
    for piece in _UNSPACED.findall(run):
        terms += [piece[n : n + 2] for n in range(len(piece) - 1)] or [piece]
    words = [word for word in _UNSPACED.sub(" ", run).replace("-", " ").split() if word]
    if len(words) > 1 and sum(map(len, words)) <= 24:
        words.append("".join(words))  # "e-mail" must meet "email", and "AL-10" must meet "al10"
    return (*terms, *(stem(word, language) for word in words if not is_stop_word(word, language)))


@lru_cache(maxsize=50_000)
def stem(word: str, language: str) -> str:
    """Return a word's stem without accents; visitors leave both endings and accents out."""
    with _stemmer_lock:
        stemmer = _find_stemmer(language)
        stemmed = str(stemmer.stemWord(word)) if stemmer else word
    return fold_accents(stemmed)


def is_spaced(word: str) -> bool:
    """Return whether a word is of a script that puts spaces between words, so that it is one."""
    return not _UNSPACED.search(word)


def is_stop_word(word: str, language: str) -> bool:
    """Return whether a word, in lower case and without apostrophes, carries grammar only."""
    return word in _stop_words(language)


@lru_cache
def _stop_words(language: str) -> frozenset[str]:
    words = json.loads(_STOP_WORDS_FILE.read_text(encoding="utf-8")).get(language, "").split()
    return frozenset(words) | frozenset(map(fold_accents, words))


@lru_cache
def _find_stemmer(language: str) -> Any:
    import snowballstemmer

    name = _STEMMERS.get(language)
    return snowballstemmer.stemmer(name) if name else None


def fold_accents(word: str) -> str:
    """Return a word without accents and other marks."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
