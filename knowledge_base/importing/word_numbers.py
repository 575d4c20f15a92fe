"""The numbers that Word shows before paragraphs.

A Word document has no lists, only paragraphs that count on one of its counters, so that a step keeps its number
after a picture or a remark. mammoth makes lists of them and forgets the counters; a bookmark in each paragraph takes
its number through.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from bs4 import BeautifulSoup

_MARK = "baton-number-"
_LEVELS = 9


def mark_numbers(data: bytes) -> bytes:
    """Return a document, which must have been found harmless, with each paragraph's number in a bookmark."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    found = {kind: _find_part(parts, kind) for kind in ("document", "numbering", "styles")}
    if not found["document"] or not found["numbering"]:
        return data
    try:
        document, numbering = (ElementTree.fromstring(parts[found[kind]]) for kind in ("document", "numbering"))
        styles = ElementTree.fromstring(parts[found["styles"]]) if found["styles"] else Element("none")
    except ElementTree.ParseError:
        return data  # mammoth will say so
    counters = _read_counters(numbering, styles)
    for paragraph in document.iterfind(".//{*}p"):
        number = counters.count(paragraph)
        if number is not None and paragraph.find(".//{*}t") is not None:
            space = paragraph.tag.removesuffix("p")
            paragraph.insert(1, Element(f"{space}bookmarkStart", {f"{space}name": f"{_MARK}{number}"}))
    parts[found["document"]] = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def read_numbers(soup: BeautifulSoup) -> None:
    """Write on each list item the number that its bookmark tells; the bookmarks go."""
    for mark in soup.find_all("a", id=re.compile(f"^{_MARK}")):
        if (item := mark.find_parent("li")) is not None:
            item["value"] = str(mark["id"]).removeprefix(_MARK)
        mark.decompose()


@dataclass(slots=True)
class _Counters:
    """What is counted: lists (`numId`) on the counters of what they are made after (`abstractNumId`), by level."""

    counter_of: dict[str, str] = field(default_factory=dict)
    starts: dict[tuple[str, int], int] = field(default_factory=dict)
    restarts: dict[str, dict[int, int]] = field(default_factory=dict)
    list_of_style: dict[str, str] = field(default_factory=dict)
    last: dict[tuple[str, int], int] = field(default_factory=dict)

    def count(self, paragraph: Element) -> int | None:
        """Return the number of the next paragraph; None if it has none."""
        style = _value(paragraph, "{*}pPr/{*}pStyle")
        number_id = _value(paragraph, "{*}pPr/{*}numPr/{*}numId") or self.list_of_style.get(style, "")
        counter = self.counter_of.get(number_id)
        if counter is None:
            return None
        for restarted, start in self.restarts.pop(number_id, {}).items():  # once, where the list begins
            self.last[counter, restarted] = start - 1
        level = _number(_value(paragraph, "{*}pPr/{*}numPr/{*}ilvl"), 0)
        number = self.last.get((counter, level), self.starts.get((counter, level), 1) - 1) + 1
        self.last[counter, level] = number
        for deeper in range(level + 1, _LEVELS):
            self.last.pop((counter, deeper), None)
        return number


def _read_counters(numbering: Element, styles: Element) -> _Counters:
    counters = _Counters()
    for counter in numbering.iterfind("{*}abstractNum"):
        for level in counter.iterfind("{*}lvl"):
            place = (_attribute(counter, "abstractNumId"), _number(_attribute(level, "ilvl"), 0))
            counters.starts[place] = _number(_value(level, "{*}start"), 1)
    for one in numbering.iterfind("{*}num"):
        number_id = _attribute(one, "numId")
        counters.counter_of[number_id] = _value(one, "{*}abstractNumId")
        counters.restarts[number_id] = {
            _number(_attribute(level, "ilvl"), 0): _number(_value(level, "{*}startOverride"), 1)
            for level in one.iterfind("{*}lvlOverride")
            if level.find("{*}startOverride") is not None
        }
    for style in styles.iterfind("{*}style"):
        if number_id := _value(style, "{*}pPr/{*}numPr/{*}numId"):
            counters.list_of_style[_attribute(style, "styleId")] = number_id
    return counters


def _find_part(parts: dict[str, bytes], kind: str) -> str:
    return next((name for name in parts if re.fullmatch(rf"word/{kind}\d*\.xml", name)), "")


def _value(element: Element, path: str) -> str:
    found = element.find(path)
    return "" if found is None else _attribute(found, "val")


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")


def _number(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"\d{1,4}", text) else default
