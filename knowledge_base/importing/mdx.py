"""MDX, Markdown with components, as plain Markdown: imports and component tags go, what stands between them stays."""

import re

from knowledge_base.importing.fences import find_code_lines

_MODULE_LINE = re.compile(r"^(?:import\s.+\sfrom\s+['\"].*|import\s+['\"].*|export\s+(?:const|default|function)\b.*)$")
_COMPONENT = re.compile(r"</?([A-Z][\w.]*)(?:\s[^<>]*)?/?>")
_COMMENT = re.compile(r"\{/\*.*?\*/\}", re.S)


def strip_mdx(markdown: str) -> tuple[str, tuple[str, ...]]:
    """Return plain Markdown, and the components that are gone. Code blocks are left alone."""
    left_out: dict[str, None] = {}
    kept: list[str] = []

    def drop(found: re.Match[str]) -> str:
        left_out[f"component {found.group(1)}"] = None
        return ""

    lines = _COMMENT.sub("", markdown).split("\n")
    for line, is_code in zip(lines, find_code_lines(lines), strict=True):
        if is_code:
            kept.append(line)
        elif not _MODULE_LINE.match(line):
            kept.append(_COMPONENT.sub(drop, line))
    return "\n".join(kept), tuple(left_out)
