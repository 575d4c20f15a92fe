"""Articles as files: Markdown below front matter, read and written.

Owns the file shape. It never guesses: what cannot be read is an `InvalidInputError` that names the line.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from knowledge_base.article import ArticleDraft
from knowledge_base.errors import InvalidInputError

# Front matter is a few lists; the most that an article can have fits: 500 phrasings of 300 emoji, ten characters each.
FRONT_MATTER_MAX_CHARS = 2_000_000
# The parser of TOML takes a time that grows with the square of the dots in a name; a real page has some hundreds.
_TOML_MAX_CHARS = 10_000
# What nests deeper is made to break parsers.
_DEPTH_MAX = 50
# A number takes a time that grows with the square of its length, most of all one of base 60 ("59:59:59").
_NUMBER_MAX_CHARS = 1_000
_NUMBER = re.compile(r"[-+]?[0-9][0-9a-fA-FxobeE:_.+-]*")
# These are words whatever YAML takes them for: a title "1.10" is no number, "no" is Norwegian, 12:30 is no 750.
_WORDS = {"title", "sidebar_label", "slug", "lang", "language", "locale"}
# Marks what Baton wrote itself: read word for word, without looking for other tools' markup.
_GENERATOR = "Baton"


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """A file's two halves: what stands between the `---` or `+++` lines, and the Markdown below."""

    fields: Mapping[str, Any]
    body: str


def parse_markdown_file(text: str) -> MarkdownFile:
    """Split a file into front matter (YAML or TOML) and body; a file without front matter has no fields.

    Raises:
        InvalidInputError: if the front matter is never closed, cannot be read, or is not a mapping.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    fence = lines[0].rstrip()
    if fence not in ("---", "+++"):
        return MarkdownFile(fields={}, body="\n".join(lines))
    closing = ("+++",) if fence == "+++" else ("---", "...")
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in closing), None)
    if end is None:
        raise InvalidInputError(
            "front_matter_open", f"The front matter is never closed: put a line of {fence} below it."
        )
    front = "\n".join(lines[1:end])
    most = _TOML_MAX_CHARS if fence == "+++" else FRONT_MATTER_MAX_CHARS
    if len(front) > most:
        raise InvalidInputError("front_matter_too_long", f"The front matter is longer than {most} characters.")
    fields = _parse_toml(front) if fence == "+++" else _parse_yaml(front)
    return MarkdownFile(fields=fields, body="\n".join(lines[end + 1 :]))


def is_own_file(file: MarkdownFile) -> bool:
    """Whether Baton's export wrote the file."""
    return file.fields.get("generator") == _GENERATOR


def write_markdown_file(draft: ArticleDraft) -> str:
    """Write an article as a file that an import reads back unchanged."""
    content = draft.content
    fields: dict[str, Any] = {
        "title": content.title,
        "slug": draft.slug,
        "language": draft.language,
        "status": draft.status,
        "tags": list(content.tags),
        "audience": content.audience,
        "phrasings": list(content.phrasings),
        "permalink": draft.permalink,
        "source": draft.source,
        "generator": _GENERATOR,
    }
    kept = {name: value for name, value in fields.items() if value or name == "source"}
    front = yaml.dump(kept, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000)
    return f"---\n{front}---\n\n{content.body}\n"


def _parse_toml(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as exc:
        raise InvalidInputError("front_matter_broken", f"The front matter is not TOML: {_shorten(exc)}.") from exc


def _parse_yaml(text: str) -> Mapping[str, Any]:
    try:
        _check_events(text)
        fields = yaml.load(text, Loader=_Loader)
        words = _read_words(text)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidInputError("front_matter_broken", f"The front matter is not YAML: {_describe(exc)}.") from exc
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise InvalidInputError("front_matter_broken", "The front matter must be a list of `name: value` lines.")
    return {str(name): value for name, value in fields.items()} | words


def _read_words(text: str) -> dict[str, str]:
    """Return the values that are words as they were written."""
    root = yaml.compose(text, Loader=_Loader)
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {
        key.value: value.value
        for key, value in root.value
        if key.value in _WORDS and isinstance(value, yaml.ScalarNode) and value.tag != "tag:yaml.org,2002:null"
    }


def _check_events(text: str) -> None:
    """Refuse aliases and numbers that could make a few lines explode, and what nests too deep to be meant."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            _check_plain(event.value)
        if isinstance(event, yaml.AliasEvent):
            raise InvalidInputError("front_matter_alias", "The front matter uses YAML aliases; write it out in full.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEPTH_MAX:
            raise InvalidInputError(
                "front_matter_deep", f"The front matter nests deeper than {_DEPTH_MAX} levels; write it flat."
            )


def _check_plain(value: str) -> None:
    """Refuse a value without quotes that takes long to read."""
    if value == "<<":
        raise InvalidInputError("front_matter_alias", "The front matter uses YAML's merge keys; write it out in full.")
    if len(value) > _NUMBER_MAX_CHARS and _NUMBER.fullmatch(value):
        raise InvalidInputError(
            "front_matter_number", f"The front matter has a number of {len(value)} characters; put it in quotes."
        )


def _describe(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = str(getattr(exc, "problem", None) or "a value cannot be read")
    # + 2: counted from one, and the opening hyphens are a line of the file too.
    return f"line {mark.line + 2}: {problem}" if mark is not None else problem


def _shorten(exc: Exception) -> str:
    return " ".join(str(exc).split())[:200].rstrip(".") or "it nests too deep"


# libyaml reads ten times as fast; PyYAML's wheels carry it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
