"""The bot's own words, for the turns that the desk answers itself: one YAML file per language, shared with the bot;
rung 3 of the ladder.
"""

from pathlib import Path

import yaml

FALLBACK_LANGUAGE = "en"


class BotTexts:
    """Looks texts up by key; a file that has changed is read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[int, dict[str, str]]] = {}

    def text(self, key: str, language: str) -> str:
        """Give the text in `language` (a primary subtag), else in English, else nothing: a gap in a file of texts may
        not cost a visitor the answer.
        """
        return self._texts(language).get(key) or self._texts(FALLBACK_LANGUAGE).get(key) or ""

    def _texts(self, language: str) -> dict[str, str]:
        path = self._folder / f"{language}.yml"
        try:
            changed_at_ns = path.stat().st_mtime_ns
            known = self._read.get(language)
            if known is None or known[0] != changed_at_ns:
                content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
                known = (changed_at_ns, {str(key): " ".join(str(text).split()) for key, text in content.items()})
                self._read[language] = known
        except (OSError, ValueError, AttributeError, yaml.YAMLError):
            return {}
        return known[1]
