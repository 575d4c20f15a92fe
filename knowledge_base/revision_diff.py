"""What changed between two revisions, field by field and line by line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from knowledge_base.article import ArticleContent

LineKind = Literal["same", "removed", "added"]
DiffLine = tuple[LineKind, str]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field that differs, with all its lines in reading order: a removed one before the one that replaces it."""

    field: str
    lines: tuple[DiffLine, ...]


def compare_contents(before: ArticleContent | None, after: ArticleContent) -> tuple[FieldChange, ...]:
    """Return the fields that differ; `before` None is an article that did not exist yet."""
    old, new = _split_fields(before), _split_fields(after)
    return tuple(
        FieldChange(name, _compare(old.get(name, ()), new[name])) for name in new if old.get(name) != new[name]
    )


def _split_fields(content: ArticleContent | None) -> dict[str, tuple[str, ...]]:
    if content is None:
        return {}
    return {
        "title": (content.title,),
        "body": tuple(content.body.split("\n")),
        "tags": content.tags,
        "phrasings": content.phrasings,
        "audience": (content.audience,),
    }


def _compare(old: Sequence[str], new: Sequence[str]) -> tuple[DiffLine, ...]:
    lines: list[DiffLine] = []
    for kind, old_from, old_to, new_from, new_to in SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            lines += [("same", line) for line in old[old_from:old_to]]
        else:
            lines += [("removed", line) for line in old[old_from:old_to]]
            lines += [("added", line) for line in new[new_from:new_to]]
    return tuple(lines)
