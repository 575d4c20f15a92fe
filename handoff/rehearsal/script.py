"""Reads conversation tests: YAML files of scripts, in which visitor, bot, operator and desk take turns.

Everything is text: YAML's own idea that `no` is a boolean would spoil half of the conversations.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from handoff.errors import BatonError

SPEAKERS = ("visitor", "visitor presses", "bot", "operator", "desk")
CHECKS = {"visitor": ("intent",), "bot": ("text", "question", "slots", "offer")}
ARTICLES = ("script", "demo")
HELP_CENTRE = "help_centre.yml"


class ScriptError(BatonError):
    """A file of scripts cannot be read."""

    code = "script_unreadable"


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says or does, and what else must hold: `checks` as in README of the bot."""

    speaker: str
    words: str
    checks: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Script:
    """One conversation. `desk` is how it stands at first, `articles` whose: the script's help centre, or the demo's."""

    name: str
    file: str
    lines: tuple[Line, ...]
    desk: str = "staffed"
    language: str = "en"
    articles: str = "script"


def read_scripts(folder: Path) -> list[Script]:
    """Read all scripts of a folder, in the order of files.

    Raises:
        ScriptError: there are none, two have one name, or one has another shape; the message says where.
    """
    files = [file for file in sorted(folder.glob("*.yml")) if file.name != HELP_CENTRE]
    scripts = [script for file in files for script in _read_file(file)]
    if not scripts:
        raise ScriptError(f"There are no conversation tests in {folder}: it holds no .yml file with any.")
    names = [script.name for script in scripts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ScriptError(f"Two conversations are called {twice[0]!r}: give one of them another name.")
    return scripts


def read_yaml(file: Path) -> Any:
    """Read a YAML file in which every scalar is text.

    Raises:
        ScriptError: it is no YAML.
    """
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    except (OSError, yaml.YAMLError) as exc:
        raise ScriptError(f"{file} cannot be read: {exc}") from exc


def _read_file(file: Path) -> list[Script]:
    entries = read_yaml(file)
    if not isinstance(entries, list):
        raise ScriptError(f"{file} must be a list of conversations.")
    return [_read_script(file, entry) for entry in entries]


def _read_script(file: Path, entry: Any) -> Script:
    where = f"{file.name}, {entry.get('conversation', 'one without a name') if isinstance(entry, dict) else entry!r}"
    if not isinstance(entry, dict) or not entry.get("conversation") or not isinstance(entry.get("script"), list):
        raise ScriptError(f"{where}: each conversation needs a `conversation` (its name) and a `script` (a list).")
    unknown = set(entry) - {"conversation", "script", "desk", "language", "articles"}
    if unknown:
        raise ScriptError(f"{where}: nobody knows {sorted(unknown)[0]!r}.")
    if entry.get("articles", "script") not in ARTICLES:
        raise ScriptError(f"{where}: `articles` must be one of {', '.join(ARTICLES)}.")
    options = {key: entry[key] for key in ("desk", "language", "articles") if key in entry}
    lines = tuple(_read_line(where, line) for line in entry["script"])
    return Script(entry["conversation"], file.stem, lines, **options)


def _read_line(where: str, line: Any) -> Line:
    speakers = [key for key in line if key in SPEAKERS] if isinstance(line, dict) else []
    if len(speakers) != 1 or not isinstance(line[speakers[0]], str):
        raise ScriptError(f"{where}: {line!r} must name one of {', '.join(SPEAKERS)}, and what they say.")
    speaker = speakers[0]
    checks = {key: value for key, value in line.items() if key != speaker}
    unknown = set(checks) - set(CHECKS.get(speaker, ()))
    if unknown:
        raise ScriptError(f"{where}: a line of the {speaker} cannot have {sorted(unknown)[0]!r}.")
    return Line(speaker, line[speaker].strip("\n"), checks)
