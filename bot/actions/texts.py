"""The bot's own words: one YAML file per language in `texts/`, looked up by key, English as the fall-back.

The files are read again when they change on disk, so that new wording needs no restart.
"""

from functools import lru_cache
from pathlib import Path
from typing import Dict, Optional

import yaml

TEXTS_FOLDER = Path(__file__).resolve().parent.parent / "texts"
FALLBACK_LANGUAGE = "en"


class TextMissing(KeyError):
    """No language has a text for this key."""


def choose_text(key: str, language: Optional[str], *, folder: Path = TEXTS_FOLDER, **values: str) -> str:
    """Return the text for `key` in `language` (BCP-47, only the primary subtag counts), else in English.

    Each of `values` replaces its name in braces: "We are back {opens_at}."

    Raises:
        TextMissing: not even English has the key.
    """
    for candidate in (primary_subtag(language), FALLBACK_LANGUAGE):
        text = _read_texts(folder, candidate).get(key)
        if text:
            for name, value in values.items():
                text = text.replace(f"{{{name}}}", value)
            return text
    raise TextMissing(f"no text for '{key}': add it to {folder / FALLBACK_LANGUAGE}.yml")


def primary_subtag(language: Optional[str]) -> str:
    """Return "es" for "es-MX" and for "ES_mx"; English for nothing and for what is no language tag."""
    subtag = (language or "").replace("_", "-").split("-")[0].lower()
    return subtag if subtag.isascii() and subtag.isalpha() else FALLBACK_LANGUAGE


def _read_texts(folder: Path, language: str) -> Dict[str, str]:
    path = folder / f"{language}.yml"
    try:
        changed_at_ns = path.stat().st_mtime_ns
    except OSError:
        return {}
    return _parse_texts(path, changed_at_ns)


@lru_cache(maxsize=32)
def _parse_texts(path: Path, changed_at_ns: int) -> Dict[str, str]:
    content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {str(key): " ".join(str(text).split()) for key, text in content.items()}
