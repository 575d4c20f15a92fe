"""What of a Markdown text is code, for those who change the text around it."""

import itertools
import re
from collections.abc import Iterator, Sequence

_LIST_MARKS = r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
# With a backtick behind the opening ones it is a code span within one line.
_OPENING = re.compile(rf"^[ \t]*{_LIST_MARKS}(?:(`{{3,}})[^`]*|(~{{3,}}).*)$")
_CLOSING = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*$")
# Longer ones are backticks that belong to nothing, and looking for their like would take for ever.
_SPAN_MAX_CHARS = 500
_SPAN = re.compile(rf"(?<!`)(`+)(?!`)[^\n]{{1,{_SPAN_MAX_CHARS}}}?(?<!`)\1(?!`)")


def find_code_lines(lines: Sequence[str]) -> list[bool]:
    """Tell of each line whether it is code between fences or one of the fences around it."""
    is_code: list[bool] = []
    fence = ""
    for line in lines:
        if not fence:
            opening = _OPENING.match(line)
            fence = (opening[1] or opening[2]) if opening else ""
            is_code.append(bool(fence))
            continue
        is_code.append(True)
        closing = _CLOSING.match(line)
        if closing and closing[1].startswith(fence):
            fence = ""
    return is_code


def find_code(markdown: str) -> Iterator[tuple[int, int]]:
    """Yield where code between fences and code within a line starts and ends, in order."""
    lines = markdown.split("\n")
    position = 0
    for is_code, run in itertools.groupby(zip(find_code_lines(lines), lines, strict=True), key=lambda pair: pair[0]):
        end = position + sum(len(line) + 1 for _, line in run)
        if is_code:
            yield position, min(end, len(markdown))
        else:
            yield from (span.span() for span in _SPAN.finditer(markdown, position, min(end, len(markdown))))
        position = end


def mask_code(markdown: str) -> str:
    """Return the text with spaces in place of its code: what is found in it stands in the text at the same place."""
    parts: list[str] = []
    position = 0
    for start, end in find_code(markdown):
        parts += [markdown[position:start], " " * (end - start)]
        position = end
    return "".join([*parts, markdown[position:]])
