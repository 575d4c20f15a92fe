"""MDX, Markdown with components, as plain Markdown.

Imports and exports go. Components whose meaning is known become Markdown that says the same; of the others only
the tags go, and what stands between them stays. Code is left alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge_base.importing.components import (
    CALLOUTS,
    dedent,
    indent_at,
    write_blocks,
    write_callout,
    write_titled,
)
from knowledge_base.importing.fences import find_code_lines, mask_code
from knowledge_base.importing.html_markdown import clean_address

_IMPORT = re.compile(r"^import\s(?:.+\sfrom\s+)?['\"][^'\"]+['\"];?\s*$")
_OPEN_IMPORT = re.compile(r"^import\s[^'\"]*\{[^}'\"]*$")
_IMPORT_END = re.compile(r"\bfrom\s+['\"][^'\"]+['\"];?\s*$")
_EXPORT = re.compile(r"^export\s+(?:const|let|default|function|async)\b")
# A statement of more lines is one that is never closed.
_STATEMENT_MAX_LINES = 200
_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_VALUE = rf"(?:\"[^\"]*\"|'[^']*'|{_BRACES}|[^\s\"'{{}}<>=/]+)"
_TAG = re.compile(rf"<(/?)([A-Z][\w.]*)((?:\s+(?:[\w:-]+(?:={_VALUE})?|{_BRACES}))*)\s*(/?)>")
_ATTRIBUTE = re.compile(rf"([\w:-]+)=({_VALUE})")
_STRAY_TAG = re.compile(r"</?([A-Z][\w.]*)(?:\s[^<>]*)?/?>")
_LITERAL = re.compile(r"\{\s*([\"'`])(.*)\1\s*\}", re.S)
_COMMENT = re.compile(r"\{/\*(?:(?!\{/\*).)*?\*/\}", re.S)
_TITLED = {
    "Accordion", "AccordionItem", "Card", "Collapsible", "Details", "Expandable", "LinkCard", "Step", "Tab", "TabItem",
    "Tabs.Tab",
}  # fmt: skip
# They say nothing themselves, so that nothing is lost when they go.
_CONTAINERS = {"AccordionGroup", "CardGroup", "CardGrid", "Cards", "Columns", "Frame", "Steps", "Tabs"}
_CLOSING_OF_KNOWN = re.compile(rf"</(?:{'|'.join(sorted(map(re.escape, _TITLED | _CONTAINERS | {'Admonition'})))})>")
# Components stand within each other three or four deep; more is a trick.
_DEPTH_MAX = 20
_LINE_SEEN_CHARS = 200


def is_mdx_text(markdown: str) -> bool:
    """Tell whether Markdown uses components, as Docusaurus' `.md` does: it imports something, or closes a known one."""
    text = mask_code(markdown)
    return bool(_CLOSING_OF_KNOWN.search(text)) or any(_IMPORT.match(line) for line in text.split("\n"))


def strip_mdx(markdown: str) -> tuple[str, tuple[str, ...]]:
    """Return plain Markdown, and the components that are gone."""
    left_out: dict[str, None] = {}
    text = _replace_outside_code(_COMMENT, _drop_statements(markdown.split("\n")))
    text = _write_components(text, left_out)
    for found in _STRAY_TAG.finditer(mask_code(text)):
        left_out[f"component {found[1]}"] = None
    return _replace_outside_code(_STRAY_TAG, text), tuple(left_out)


@dataclass(slots=True)
class _Open:
    """A component that is not closed yet."""

    name: str
    attributes: dict[str, str]
    indent: str
    is_inline: bool = False
    parts: list[str] = field(default_factory=list)


def _drop_statements(lines: Sequence[str]) -> str:
    kept: list[str] = []
    is_code = find_code_lines(lines)
    position = 0
    while position < len(lines):
        end = position if is_code[position] else _find_statement_end(lines, position)
        if end == position:
            kept.append(lines[position])
            end += 1
        position = end
    return "\n".join(kept)


def _find_statement_end(lines: Sequence[str], start: int) -> int:
    """Return the line after an import or export that begins here; `start` if none does."""
    line = lines[start]
    if _IMPORT.match(line):
        return start + 1
    following = range(start, min(start + _STATEMENT_MAX_LINES, len(lines)))
    if _OPEN_IMPORT.match(line):
        return next((n + 1 for n in following if _IMPORT_END.search(lines[n])), start)
    if not _EXPORT.match(line):
        return start
    depth = 0
    for position in following:
        depth += sum((letter in "([{") - (letter in ")]}") for letter in lines[position])
        if depth <= 0:
            return position + 1
    return start + 1


def _write_components(text: str, left_out: dict[str, None]) -> str:
    stack = [_Open("", {}, "")]
    position = 0
    for tag in _TAG.finditer(mask_code(text)):
        stack[-1].parts.append(text[position : tag.start()])
        position = tag.end()
        is_closing, name, is_empty = bool(tag[1]), tag[2], bool(tag[4])
        if not is_closing and len(stack) <= _DEPTH_MAX:
            attributes = _read_attributes(text[tag.start(3) : tag.end(3)])
            stack.append(_Open(name, attributes, indent_at(text, tag.start()), _is_inline(text, tag.start())))
        if is_empty or (is_closing and any(part.name == name for part in stack[1:])):
            _close(stack, name, left_out)
    stack[-1].parts.append(text[position:])
    _close(stack, "", left_out)
    return "".join(stack[0].parts)


def _close(stack: list[_Open], name: str, left_out: dict[str, None]) -> None:
    """Write the component of that name; of those inside it that were never closed only the tags go."""
    while len(stack) > 1:
        part = stack.pop()
        if part.name == name:
            stack[-1].parts.append(_write(part, "".join(part.parts), left_out))
            return
        left_out[f"component {part.name}"] = None
        stack[-1].parts += part.parts


def _is_inline(text: str, position: int) -> bool:
    """Tell whether words, or the marks of a quotation or a table, stand before a tag on its line."""
    start = max(text.rfind("\n", 0, position) + 1, position - _LINE_SEEN_CHARS)
    return bool(_STRAY_TAG.sub("", text[start:position]).strip())


def _write(part: _Open, inner: str, left_out: dict[str, None]) -> str:
    values, kind = part.attributes, part.name.lower()
    title = next((values[name] for name in ("label", "title", "summary", "header") if values.get(name)), "")
    address = clean_address(values.get("href") or values.get("to") or values.get("src") or "")
    if part.is_inline and "\n" not in inner and (kind in CALLOUTS or part.name in _TITLED):
        return f"**{title}** {inner}".rstrip() if title else inner
    if kind in CALLOUTS:
        return write_callout(values.get("type", kind), title, inner, indent=part.indent)
    if part.name in _TITLED:
        return write_titled(title or values.get("value", ""), inner, address=address, indent=part.indent)
    if part.name == "Link" and address:
        return f"[{inner.strip()}]({address})"
    if part.name in ("Image", "Img") and address:
        return f"![{values.get('alt', '')}]({address})"
    if part.name not in _CONTAINERS:
        left_out[f"component {part.name}"] = None
    return write_blocks(dedent(inner), indent=part.indent) if "\n" in inner else inner


def _read_attributes(text: str) -> dict[str, str]:
    """Return the attributes that are texts; what has to be computed only the site knows."""
    values: dict[str, str] = {}
    for name, value in _ATTRIBUTE.findall(text):
        if literal := _LITERAL.fullmatch(value):
            values[name] = literal[2]
        elif not value.startswith("{"):
            values[name] = value.strip("\"'")
    return values


def _replace_outside_code(pattern: re.Pattern[str], text: str) -> str:
    kept: list[str] = []
    position = 0
    for found in pattern.finditer(mask_code(text)):
        kept.append(text[position : found.start()])
        position = found.end()
    return "".join([*kept, text[position:]])
