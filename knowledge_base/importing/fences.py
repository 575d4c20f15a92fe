"""Which lines of Markdown are code between fences, for those who change the text around it."""

import re
from collections.abc import Sequence

_LIST_MARKS = r"(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*"
# With a backtick behind the opening ones it is a code span within one line.
_OPENING = re.compile(rf"^[ \t]*{_LIST_MARKS}(?:(`{{3,}})[^`]*|(~{{3,}}).*)$")
_CLOSING = re.compile(r"^[ \t]*(`{3,}|~{3,})[ \t]*$")


def find_code_lines(lines: Sequence[str]) -> list[bool]:
    """Tell of each line whether it is code or one of the fences around it."""
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
