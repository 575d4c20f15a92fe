"""An article's Markdown as blocks under headings.

Owns what belongs together: a list with what interrupts it, a table with the steps that it is the last of. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple

from markdown_it.token import Token

from knowledge_base.markup import parse_blocks, render_text

# Steps go on after a note of this length at most: more is a text of its own, with another list after it.
_NOTE_MAX_CHARS = 1_400
_LINK_ITEM = re.compile(r"\s*(?:[*+-]|\d+[.)])\s+\[[^\]]*\]\([^)]*\)(?:\s*\{[^}]*\})?\s*")


class Item(NamedTuple):
    """Lines of a block that stay together: a list's item, a table's row, what stands between two steps."""

    first: int
    end: int
    number: int | None = None


@dataclass(slots=True)
class Block:
    """Lines `first` up to `end` of an article."""

    kind: str
    first: int
    lines: list[str]
    items: list[Item] = field(default_factory=list)

    @property
    def end(self) -> int:
        return self.first + len(self.lines)

    @property
    def markdown(self) -> str:
        return "\n".join(self.lines).strip("\n")


@dataclass(slots=True)
class Section:
    """What stands between two headings; `headings` is the path to it."""

    headings: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)


def split_sections(body: str) -> Iterator[Section]:
    """Give an article's sections that hold anything, in reading order."""
    lines = body.split("\n")
    path: list[tuple[int, str]] = []
    section = Section(())
    tokens = parse_blocks(body)
    for position, token in enumerate(tokens):
        if token.level or token.nesting < 0 or token.map is None:
            continue
        if token.type == "heading_open":
            if section.blocks:
                yield section
            level = int(token.tag[1])
            path = [entry for entry in path if entry[0] < level]
            path.append((level, render_text(tokens[position + 1].content)))
            section = Section(tuple(name for _, name in path if name))
        else:
            _add_block(section.blocks, _build_block(tokens, position, lines), lines)
    if section.blocks:
        yield section


def is_link_list(section: Section) -> bool:
    """Return whether a section only points elsewhere ("Related articles").

    It would match everything, and answer nothing.
    """
    lines = [line for block in section.blocks for line in block.lines if line.strip()]
    is_all_lists = all(block.kind in ("bullets", "steps") for block in section.blocks)
    return bool(section.headings) and is_all_lists and all(_LINK_ITEM.fullmatch(line) for line in lines)


def announces(markdown: str) -> bool:
    """Return whether a text ends with a colon: what comes next belongs to it."""
    return markdown.rstrip("*_ ").endswith((":", "："))


def _build_block(tokens: list[Token], position: int, lines: list[str]) -> Block:
    token = tokens[position]
    first, end = token.map or [0, 0]
    if token.markup.startswith(":::"):
        end += 1  # a note box's map leaves its last line out
    kinds = {"ordered_list_open": "steps", "bullet_list_open": "bullets", "table_open": "table"}
    kind = kinds.get(token.type, "paragraph" if token.type == "paragraph_open" else "other")
    block = Block(kind, first, lines[first:end])
    if kind in ("steps", "bullets"):
        number = int(token.attrGet("start") or 1)
        inside = takewhile(lambda n: tokens[n].level > 0, range(position + 1, len(tokens)))
        for inner in (tokens[n] for n in inside):
            if inner.type == "list_item_open" and inner.level == 1 and inner.map:
                own = number + len(block.items) if kind == "steps" else None
                block.items.append(Item(inner.map[0] - first, inner.map[1] - first, own))
    elif kind == "table":
        block.items = [Item(n, n + 1) for n in range(2, len(block.lines))]
    return block


def _add_block(blocks: list[Block], block: Block, lines: list[str]) -> None:
    """Append a block, or put it into the steps that it belongs to, with whatever stands in between."""
    found = _find_steps(blocks, block)
    if found is None:
        blocks.append(block)
        return
    steps = blocks[found]
    for part in [*blocks[found + 1 :], block]:
        shift = part.first - steps.first
        items = part.items if part.kind == "steps" else [Item(0, len(part.lines))]
        steps.items += [Item(item.first + shift, item.end + shift, item.number) for item in items]
    steps.lines += lines[steps.end : block.end]
    del blocks[found + 1 :]


def _find_steps(blocks: list[Block], block: Block) -> int | None:
    """Return which of the blocks are the steps that this one goes on with, announced, indented or counting on."""
    if blocks and blocks[-1].kind == "steps":
        last = next(line for line in reversed(blocks[-1].lines) if line.strip())
        if block.kind == "table" or block.lines[0].startswith(" ") or announces(last):
            return len(blocks) - 1
    if block.kind != "steps" or block.items[0].number in (0, 1):
        return None
    between = 0
    for number in reversed(range(len(blocks))):
        if blocks[number].kind == "steps":
            return number
        between += len(blocks[number].markdown)
        if between > _NOTE_MAX_CHARS:
            break
    return None
