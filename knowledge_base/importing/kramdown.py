"""Kramdown's additions to Markdown that no other parser knows: attribute lists, heading ids, tables of contents.

They carry looks, never words, so they go. Code blocks are left alone.
"""

import re

_FENCE = re.compile(r"^\s*(```|~~~)")
_ATTRIBUTES = re.compile(r"\{:[^}\n]*\}|\{::[^}\n]*/?\}")
_HEADING_ID = re.compile(r"^(#{1,6} .*?)\s*\{#[\w-]+\}\s*$")
_TOC = re.compile(r"^\{:\s*toc\b")


def strip_kramdown(markdown: str) -> str:
    """Return plain Markdown."""
    kept: list[str] = []
    is_fenced = False
    for line in markdown.split("\n"):
        is_fenced ^= bool(_FENCE.match(line))
        if is_fenced:
            kept.append(line)
            continue
        if _TOC.match(line.strip()) and kept:
            kept.pop()  # "1. TOC" above it is a place holder
        stripped = _HEADING_ID.sub(r"\1", _ATTRIBUTES.sub("", line))
        if stripped.strip() or not line.strip():
            kept.append(stripped.rstrip() if stripped != line else line)
    return "\n".join(kept)
