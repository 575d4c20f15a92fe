"""Blocks of HTML inside Markdown, turned into Markdown.

Help centres wrap accordions and columns in HTML. Editors should not have to, and headings inside it must be
headings to chunking. Inline tags in a paragraph stay; rendering's allow-list deals with them.
"""

import re
from html.parser import HTMLParser

from knowledge_base.importing.fences import find_code_lines

_BLOCK_TAGS = {
    "article", "aside", "blockquote", "button", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "iframe", "li", "main", "nav", "noscript",
    "ol", "p", "pre", "script", "section", "style", "summary", "svg", "table", "tbody", "td", "template", "tfoot", "th",
    "thead", "tr", "ul", "video",
}  # fmt: skip
_DROPPED = {"script", "style", "noscript", "svg", "template", "iframe", "form", "video", "object"}
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
# A block of more lines is one that is never closed.
_BLOCK_MAX_LINES = 300
_OPENING = re.compile(rf"^[ \t]*</?({'|'.join(sorted(_BLOCK_TAGS, key=len, reverse=True))})\b", re.I)
_MARKDOWN_LINE = re.compile(r"\s*(?:[-*+>] |\d+[.)] |#{1,6} |\|)")


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
        end = _find_end(lines, position)
        indent = line[: len(line) - len(line.lstrip())]
        converted = _convert("\n".join(lines[position:end])).split("\n")
        kept += ["", *(f"{indent}{text}".rstrip() for text in converted), ""]
        position = end
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def _find_end(lines: list[str], start: int) -> int:
    """Return where the block's tags are balanced; if they never are, the next empty line."""
    counter = _DepthCounter()
    for position in range(start, min(start + _BLOCK_MAX_LINES, len(lines))):
        counter.feed(lines[position] + "\n")
        if counter.depth <= 0:
            return position + 1
    return next((n for n in range(start, len(lines)) if not lines[n].strip()), len(lines))


def _convert(html: str) -> str:
    converter = _Converter()
    converter.feed(html)
    converter.close()
    return converter.finish()


class _DepthCounter(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag in _BLOCK_TAGS

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in _BLOCK_TAGS


class _Converter(HTMLParser):
    """Collects blocks of Markdown; `_inline` is the block being written."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._inline = ""
        self._prefix = ""
        self._lists: list[int] = []  # the next number of each open list; 0 for bullets
        self._links: list[str] = []
        self._dropped = 0
        self._row: list[str] | None = None
        self._is_preformatted = False

    def finish(self) -> str:
        self._end_block()
        return "\n".join(self._blocks).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in _DROPPED:
            self._dropped += 1
        elif tag in _MARKS:
            self._inline += _MARKS[tag]
        elif tag == "a":
            self._links.append(values.get("href", ""))
            self._inline += "["
        elif tag == "br":
            self._inline += "  \n" if not self._lists and self._row is None else " "
        elif tag == "img" and values.get("alt"):
            self._inline += f"![{values['alt']}]({values.get('src', '')})"
        else:
            self._start_block(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropped = max(0, self._dropped - 1)
        elif tag in _MARKS:
            self._close_mark(_MARKS[tag])
        elif tag == "a":
            target = self._links.pop() if self._links else ""
            self._inline = self._inline.rstrip() + (f"]({target})" if target else "]")
        elif tag in ("td", "th") and self._row is not None:
            self._row.append(self._take_inline().replace("|", "\\|"))
        elif tag in _BLOCK_TAGS:
            self._finish_block(tag)

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        is_bare = not self._prefix and not self._lists and self._row is None
        if self._is_preformatted:
            self._inline += data
        elif is_bare and any(_MARKDOWN_LINE.match(line) for line in data.split("\n")):
            self._end_block()
            self._blocks += ["", *(line.strip() for line in data.strip().split("\n")), ""]
        else:
            self._inline += re.sub(r"\s+", " ", data)

    def _start_block(self, tag: str, values: dict[str, str]) -> None:
        if tag not in _BLOCK_TAGS or (tag == "button" and self._prefix.startswith("#")):
            return
        is_first_of_item = tag == "p" and self._prefix and not self._inline.strip()
        if not is_first_of_item and tag not in ("td", "th"):
            self._end_block()
        if tag in ("ul", "ol"):
            start = values.get("start", "1")
            self._lists.append(int(start) if tag == "ol" and start.isdecimal() else int(tag == "ol"))
        elif tag == "li":
            self._start_item()
        elif tag[0] == "h" and tag[1:].isdecimal():
            self._blocks.append("")
            self._prefix = "#" * max(2, int(tag[1:])) + " "
        elif tag == "tr":
            self._row = []
        elif tag == "pre":
            self._is_preformatted = True
        elif tag in ("summary", "dt"):
            self._inline = "**"

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        indent = "   " * max(0, len(self._lists) - 1)
        self._prefix = f"{indent}{number}. " if number else f"{indent}- "
        if number:
            self._lists[-1] += 1

    def _finish_block(self, tag: str) -> None:
        if tag in ("summary", "dt"):
            self._close_mark("**")
        if tag == "button" and self._prefix.startswith("#"):
            return
        if tag == "pre":
            code, self._inline, self._is_preformatted = self._inline.strip("\n`"), "", False
            self._blocks += ["", "```", code, "```", ""]
        elif tag == "tr" and self._row is not None:
            self._end_row(self._row)
            self._row = None
        else:
            self._end_block()
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in ("ul", "ol", "table") and not self._lists:
            self._blocks.append("")

    def _end_row(self, cells: list[str]) -> None:
        is_first = not self._blocks or not self._blocks[-1].startswith("|")
        if is_first:
            self._blocks.append("")
        self._blocks.append("| " + " | ".join(cells) + " |")
        if is_first:
            self._blocks.append("|" + " --- |" * len(cells))

    def _end_block(self) -> None:
        text = self._take_inline()
        if text:
            if not self._lists and self._row is None:
                self._blocks.append("")
            indent = "" if self._prefix or not self._lists else "   " * len(self._lists)
            self._blocks.append(f"{self._prefix}{indent}{text}")
            if not self._lists:
                self._blocks.append("")
            self._prefix = ""
        elif self._prefix.startswith("#"):
            self._prefix = ""

    def _take_inline(self) -> str:
        lines = [line.strip(" ") for line in self._inline.split("\n")]
        self._inline = ""
        return "  \n".join(line for line in lines if line)

    def _close_mark(self, mark: str) -> None:
        """Close emphasis without a space before the mark, which Markdown would not take for one."""
        text = self._inline.rstrip()
        if text.endswith(mark):
            self._inline = text[: -len(mark)]
        else:
            self._inline = text + mark + " " * (len(self._inline) - len(text))
