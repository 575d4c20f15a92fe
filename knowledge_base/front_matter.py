"""Articles as files: Markdown below YAML front matter, read and written.

Owns the file shape. It never guesses: what cannot be read is an `InvalidInputError` that names the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from knowledge_base.article import ArticleContent
from knowledge_base.errors import InvalidInputError

# Front matter holds a few lists; a bigger one is a wrong file, and YAML aliases could make it explode.
FRONT_MATTER_MAX_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class MarkdownFile:
    """A file's two halves: what stands between the `---` lines, and the Markdown below."""

    fields: Mapping[str, Any]
    body: str


def parse_markdown_file(text: str) -> MarkdownFile:
    """Split a file into front matter and body; a file without front matter has no fields.

    Raises:
        InvalidInputError: if the front matter is never closed, is not YAML, or is not a mapping.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return MarkdownFile(fields={}, body="\n".join(lines))
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        raise InvalidInputError(
            "front_matter_open", "The front matter is never closed: put a line of three hyphens below it."
        )
    return MarkdownFile(fields=_parse_yaml("\n".join(lines[1:end])), body="\n".join(lines[end + 1 :]))


def write_markdown_file(content: ArticleContent) -> str:
    """Write an article as a file that `parse_markdown_file` reads back unchanged."""
    fields: dict[str, Any] = {"title": content.title}
    if content.tags:
        fields["tags"] = list(content.tags)
    if content.phrasings:
        fields["phrasings"] = list(content.phrasings)
    front = yaml.safe_dump(fields, allow_unicode=True, sort_keys=False, width=1_000)
    return f"---\n{front}---\n\n{content.body}\n"


def _parse_yaml(text: str) -> Mapping[str, Any]:
    if len(text) > FRONT_MATTER_MAX_CHARS:
        raise InvalidInputError(
            "front_matter_too_long", f"The front matter is longer than {FRONT_MATTER_MAX_CHARS} characters."
        )
    if "&" in text and "*" in text and _has_alias(text):
        raise InvalidInputError("front_matter_alias", "The front matter uses YAML aliases; write it out in full.")
    try:
        fields = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise InvalidInputError("front_matter_broken", f"The front matter is not YAML: {_describe(exc)}.") from exc
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise InvalidInputError("front_matter_broken", "The front matter must be a list of `name: value` lines.")
    return {str(name): value for name, value in fields.items()}


def _has_alias(text: str) -> bool:
    try:
        return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        return False


def _describe(exc: Exception) -> str:
    mark = getattr(exc, "problem_mark", None)
    problem = str(getattr(exc, "problem", None) or "a value cannot be read")
    # + 2: counted from one, and the opening hyphens are a line of the file too.
    return f"line {mark.line + 2}: {problem}" if mark is not None else problem
