"""Writes Markdown while it is fed the HTML, and the Markdown, of a block in a Markdown file."""

import re
import textwrap
from collections.abc import Sequence
from html.parser import HTMLParser

from knowledge_base.importing.html_markdown import clean_address

BLOCK_TAGS = {
    "article", "aside", "blockquote", "button", "center", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "iframe", "li", "main", "nav", "noscript",
    "ol", "p", "pre", "script", "section", "style", "summary", "svg", "table", "tbody", "td", "template", "tfoot", "th",
    "thead", "tr", "ul", "video",
}  # fmt: skip
_DROPPED = {"script", "style", "noscript", "svg", "template", "iframe", "form", "video", "object"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_PARTS_OF_NAMES = {"button", "center", "div", "p"}
_MARKS = {"b": "**", "strong": "**", "i": "*", "em": "*", "code": "`"}
# The parser has resolved entities: what was "&lt;b>" must not become a tag now.
_MARKUP = re.compile(r"(<(?=[A-Za-z/!?])|&(?=#?\w+;))")
MARKDOWN_LINE = re.compile(r"\s*(?:[-*+>] |\d+[.)] |#{1,6} |\|)")


class BlockWriter(HTMLParser):
    """Collects blocks of Markdown; `_inline` is the block being written."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[str] = []
        self._inline = ""
        self._prefix = ""
        self._lists: list[int] = []  # the next number of each open list; 0 for bullets
        self._links: list[str] = []
        self._dropped = 0
        self._video = ""
        self._row: list[str] | None = None
        self._is_preformatted = False
        self._is_code = False
        self._is_name = False  # of a folded part or a term: bold, whatever is bold in it

    @property
    def is_inside_tag(self) -> bool:
        """Whether the next line belongs to a tag, a comment or an element whose text is no Markdown."""
        return bool(self.rawdata or self._dropped or self._is_preformatted)

    @property
    def is_bare(self) -> bool:
        """Whether no list item, heading or cell is open."""
        return not self._prefix and not self._lists and self._row is None

    def add_markdown(self, lines: Sequence[str]) -> None:
        """Add lines of Markdown as they are, below what is open."""
        text = textwrap.dedent("\n".join(lines)).strip("\n")
        if not text:
            return
        if self._row is not None:
            self._inline += " " + " ".join(text.split())
            return
        self._end_block()
        indent = " " * len(self._prefix) if self._lists and self._prefix else "   " * len(self._lists)
        first, *rest = text.split("\n")
        lead = self._prefix if self._lists and self._prefix else indent
        self._prefix = ""
        self._blocks += ["", lead + first, *(f"{indent}{line}" if line else "" for line in rest), ""]

    def finish(self) -> list[str]:
        """Return the lines of what was written."""
        self.close()
        self._end_block()
        return "\n".join(self._blocks).strip("\n").split("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "source" or (tag in ("iframe", "video") and not self._dropped):
            self._add_video(tag, values)
        if tag in _DROPPED:
            self._dropped += 1
        elif self._dropped:
            return
        elif tag in _MARKS:
            self._is_code = tag == "code"
            self._inline += _MARKS[tag] if self._is_marking(tag) else ""
        elif tag == "a":
            self._links.append(values.get("href", ""))
            self._inline += "["
        elif tag == "br":
            self._inline += "  \n" if not self._lists and self._row is None else " "
        elif tag == "img":
            self._add_picture(values)
        else:
            self._start_block(tag, values)

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._dropped = max(0, self._dropped - 1)
        elif self._dropped:
            return
        elif tag in _MARKS:
            self._is_code = False
            if self._is_marking(tag):
                self._close_mark(_MARKS[tag])
        elif tag == "a":
            target = self._links.pop() if self._links else ""
            self._inline = self._inline.rstrip() + (f"]({target})" if target else "]")
        elif tag in ("td", "th") and self._row is not None:
            self._end_cell(self._row)
        elif tag in BLOCK_TAGS:
            self._finish_block(tag)

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        if self._is_preformatted:
            self._inline += data
        elif self._is_code:
            self._inline += re.sub(r"\s+", " ", data)
        elif self.is_bare and any(MARKDOWN_LINE.match(line) for line in data.split("\n")):
            self.add_markdown(data.split("\n"))
        else:
            self._inline += _MARKUP.sub(r"\\\1", re.sub(r"\s+", " ", data))

    def _is_marking(self, tag: str) -> bool:
        return not (self._is_preformatted or (self._is_name and _MARKS[tag] == "**"))

    def _add_picture(self, values: dict[str, str]) -> None:
        source = clean_address(values.get("src", ""))
        is_within = source.startswith("data:")  # it has no address that a reader could be sent to
        self._inline += f"![{values.get('alt', '')}]({source})" if source and not is_within else values.get("alt", "")

    def _add_video(self, tag: str, values: dict[str, str]) -> None:
        """Write a link to a film: players are not on the allow-list."""
        source = clean_address(values.get("src", ""))
        source = f"https:{source}" if source.startswith("//") else source
        if tag == "video":
            self._video = values.get("title") or "Video"
        title = (values.get("title") or "Video") if tag == "iframe" else self._video
        if not source or not title or (tag == "iframe" and not source.startswith("http")):
            return
        self._inline += f"[{title}]({source})"
        self._video = ""

    def _start_block(self, tag: str, values: dict[str, str]) -> None:
        if tag not in BLOCK_TAGS or (tag == "button" and self._prefix.startswith("#")):
            return
        if self._row is not None and tag != "tr":
            if tag in ("td", "th") and self._inline.strip():  # the one before was never closed
                self._end_cell(self._row)
            self._inline += " - " if tag == "li" else " "
            return
        if self._is_name and tag in _PARTS_OF_NAMES:
            return
        if self._is_name and self._inline == "**" and tag in _HEADINGS:
            self._inline, self._is_name = "", False  # the heading in it is its name
        is_first_of_item = tag == "p" and self._prefix and not self._inline.strip()
        if not is_first_of_item:
            self._end_block()
        if tag in ("ul", "ol"):
            start = values.get("start", "1")
            self._lists.append(int(start) if tag == "ol" and start.isdecimal() else int(tag == "ol"))
        elif tag == "li":
            self._start_item()
        elif tag in _HEADINGS:
            self._blocks.append("")
            self._prefix = "#" * max(2, int(tag[1:])) + " "
        elif tag == "tr":
            self._row = []
        elif tag == "pre":
            self._is_preformatted = True
        elif tag in ("summary", "dt"):
            self._inline, self._is_name = "**", True

    def _start_item(self) -> None:
        number = self._lists[-1] if self._lists else 0
        indent = "   " * max(0, len(self._lists) - 1)
        self._prefix = f"{indent}{number}. " if number else f"{indent}- "
        if number:
            self._lists[-1] += 1

    def _finish_block(self, tag: str) -> None:
        if self._row is not None and tag != "tr":
            return
        if tag in ("summary", "dt") and self._is_name:
            self._close_mark("**")
            self._is_name = False
        if (tag == "button" and self._prefix.startswith("#")) or (self._is_name and tag in _PARTS_OF_NAMES):
            return
        if tag == "pre":
            self._end_code()
        elif tag == "tr" and self._row is not None:
            self._end_row(self._row)
            self._row = None
        else:
            self._end_block()
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in ("ul", "ol", "table") and not self._lists:
            self._blocks.append("")

    def _end_code(self) -> None:
        code, self._inline, self._is_preformatted = self._inline.strip("\n`"), "", False
        ticks = "`" * (max((len(run) for run in re.findall(r"`{3,}", code)), default=2) + 1)
        self.add_markdown([ticks, *code.split("\n"), ticks])

    def _end_cell(self, cells: list[str]) -> None:
        cells.append(" ".join(self._take_inline().split()).replace("|", "\\|"))

    def _end_row(self, cells: list[str]) -> None:
        if self._inline.strip():
            self._end_cell(cells)
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
