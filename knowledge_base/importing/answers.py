"""An answer of a table or of JSON as Markdown, whatever it was written in."""

import re

from knowledge_base.article import BODY_MAX_CHARS
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.html_markdown import convert_html, parse_html

_BLOCK_TAG = re.compile(r"<(?:p|div|[uo]l|li|table|h[1-6]|blockquote|pre|dl|section|article|details)\b[^<>]*>", re.I)
# No article can be as long, tags or none; it is refused for its length.
_SOURCE_MAX_CHARS = 10 * BODY_MAX_CHARS
# Telling HTML from the Markdown around it takes time that grows with both; a whole page of it is HTML.
_MIXED_TAGS_MAX = 1_000
_MARKDOWN_LINE = re.compile(r"^ {0,3}(?:[-*+] |\d+[.)] |#{1,6} |```|~~~)", re.M)


def read_answer(value: object) -> str:
    """Return an answer's text: a list's texts are its paragraphs.

    Raises:
        InvalidInputError: if it is no text.
    """
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str | int | float) for part in parts if part is not None):
        raise InvalidInputError("answer_not_text", "Its answer is an object with names; write it as text.")
    return "\n\n".join(str(part).strip() for part in parts if part is not None).strip()


def convert_answer(answer: str) -> str:
    """Return an answer as Markdown, which it is already unless it is written in blocks of HTML.

    Raises:
        InvalidInputError: if its HTML is out of all proportion.
    """
    if len(answer) > _SOURCE_MAX_CHARS or not _BLOCK_TAG.search(answer):
        return answer
    if _MARKDOWN_LINE.search(answer) and answer.count("<") <= _MIXED_TAGS_MAX:
        return convert_html_blocks(answer)
    return convert_html(parse_html(answer))
