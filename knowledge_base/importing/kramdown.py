"""Kramdown's additions to Markdown that no other parser knows: attribute lists, heading ids, tables of contents.

They carry looks, never words, so they go. Code blocks are left alone.
"""

import re

from knowledge_base.importing.fences import find_code_lines

_ATTRIBUTES = re.compile(r"\{:[^}\n]*\}|\{::[^}\n]*/?\}")
_HEADING_ID = re.compile(r"^(#{1,6} .*?)\s*\{#[\w-]+\}\s*$")
_TOC = re.compile(r"^\{:\s*toc\b")


def strip_kramdown(markdown: str) -> str:
    """Return plain Markdown."""
    kept: list[str] = []
    lines = markdown.split("\n")
    for line, is_code in zip(lines, find_code_lines(lines), strict=True):
        if is_code:
            kept.append(line)
            continue
        if _TOC.match(line.strip()) and kept:
            kept.pop()  # "1. TOC" above it is a place holder
        stripped = _HEADING_ID.sub(r"\1", _ATTRIBUTES.sub("", line))
        if stripped.strip() or not line.strip():
            kept.append(stripped.rstrip() if stripped != line else line)
    return "\n".join(kept)
