"""Blocks of HTML inside Markdown, turned into Markdown.

Help centres wrap accordions and columns in HTML. Editors should not have to, and headings inside it must be
headings to chunking. Markdown inside a block stays word for word, code above all. Inline tags in a paragraph stay;
rendering's allow-list deals with them.
"""

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from knowledge_base.importing.block_writer import BLOCK_TAGS, MARKDOWN_LINE, BlockWriter
from knowledge_base.importing.fences import find_code_lines

# A block of more lines is one that is never closed.
_BLOCK_MAX_LINES = 300
_TAGS = "|".join(sorted(BLOCK_TAGS, key=len, reverse=True))
_OPENING = re.compile(rf"^[ \t]*</?({_TAGS})\b", re.I)
_BLOCK_TAG = re.compile(rf"</?({_TAGS})\b", re.I)
_LONE_TAG = re.compile(r"^[ \t]*<(?:!--|[a-z][a-z0-9-]*(?=[\s/>]|$))[^<>]*>?[ \t]*$", re.I)


def convert_html_blocks(markdown: str) -> str:
    """Replace each block of HTML by the Markdown that says the same; Markdown inside it is kept."""
    kept: list[str] = []
    lines = markdown.split("\n")
    is_code = find_code_lines(lines)
    position = 0
    while position < len(lines):
        line = lines[position]
        if is_code[position] or not _OPENING.match(line):
            kept.append(line)
            position += 1
            continue
        end = _find_end(lines, is_code, position)
        indent = line[: len(line) - len(line.lstrip())]
        inner = [text.removeprefix(indent) for text in lines[position:end]]
        kept += ["", *(f"{indent}{text}".rstrip() for text in _convert(inner, is_code[position:end])), ""]
        position = end
    return _drop_double_blanks(kept)


def _find_end(lines: Sequence[str], is_code: Sequence[bool], start: int) -> int:
    """Return where the block's tags are balanced; if they never are, the next empty line."""
    counter = _DepthCounter()
    for position in range(start, min(start + _BLOCK_MAX_LINES, len(lines))):
        if not is_code[position]:
            counter.feed(lines[position] + "\n")
        if counter.depth <= 0:
            return position + 1
    return next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))


def _convert(lines: Sequence[str], is_code: Sequence[bool]) -> list[str]:
    """Feed HTML to the writer and hand it Markdown as it is, which begins at an empty line as in CommonMark."""
    writer = BlockWriter()
    markdown: list[str] = []
    is_html = True
    for line, in_code in zip(lines, is_code, strict=True):
        if writer.is_inside_tag:
            is_html = True
        elif in_code or not line.strip():
            is_html = False
        elif is_html:
            is_html = bool(_BLOCK_TAG.search(line)) or not (writer.is_bare and MARKDOWN_LINE.match(line))
        else:
            is_html = bool(_BLOCK_TAG.search(line) or _LONE_TAG.match(line))
        if not is_html:
            markdown.append(line)
            continue
        writer.add_markdown(markdown)
        markdown = []
        writer.feed(line + "\n")
    writer.add_markdown(markdown)
    return writer.finish()


def _drop_double_blanks(lines: Sequence[str]) -> str:
    """Join lines, with one empty line where there are several outside of code."""
    kept: list[str] = []
    for line, is_code in zip(lines, find_code_lines(lines), strict=True):
        if line.strip() or is_code:
            kept.append(line)
        elif kept and kept[-1]:
            kept.append("")
    return "\n".join(kept).strip("\n")


class _DepthCounter(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag in BLOCK_TAGS

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in BLOCK_TAGS
