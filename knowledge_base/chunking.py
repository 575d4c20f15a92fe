"""Cut an article into passages: what is shown as an answer, and what is searched.

A passage keeps to one heading, carries the path of headings as context and stays at about `max_tokens` of
the embedding model. Numbered steps and tables are kept whole with the paragraph that introduces them, since half a
procedure is worse than none; `split_windows` gives search its finer grain instead. What is too long to be kept whole
is found by its parts and shown from its beginning. Pure: the model's token counter is passed in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import NamedTuple

from knowledge_base.blocks import Block, Item, announces, is_link_list, split_sections
from knowledge_base.markup import render_text

# Raise it whenever the same article would be cut differently: stored passages are then cut anew.
CHUNKER_VERSION = 3
# The packaged model reads 256 tokens; the title and headings in front of a passage take some of them.
PASSAGE_MAX_TOKENS = 200
# A chat window shows some 40 characters a line: eight lines are an answer, more than thirty are an article.
READABLE_MIN_CHARS = 320
READABLE_MAX_CHARS = 1_400
# Steps, tables, code and note boxes may grow to this before they are cut between two items or lines.
WHOLE_MAX_TOKENS = 600
# A paragraph in front of steps or a table goes with them up to this; what is longer is a text of its own.
INTRODUCTION_MAX_TOKENS = 80
WINDOW_SENTENCES = 2

TokenCounter = Callable[[str], int]

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’»)]*\s+(?=[^\s])|(?<=[。！？])")
_FENCE = re.compile(r"\s*(?:```|~~~|:::)")
_NUMBER = re.compile(r"(\s*)(\d+)(?=[.)])")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article. `headings` is the path to it, outermost first; empty above the first heading.

    One that `continues` begins in the middle of a list, whose earlier items are the passage before it.
    """

    position: int
    headings: tuple[str, ...]
    markdown: str
    text: str
    continues: bool = False

    @property
    def heading(self) -> str:
        return self.headings[-1] if self.headings else ""

    def describe(self, title: str) -> str:
        """Return the text that is embedded: title and headings in front, so that the passage stands alone."""
        context = ". ".join([title, *self.headings])
        return f"{context}\n{self.text}"


class _Piece(NamedTuple):
    markdown: str
    continues: bool


def build_passages(
    body: str, *, count_tokens: TokenCounter, max_tokens: int = PASSAGE_MAX_TOKENS
) -> tuple[Passage, ...]:
    """Cut an article's Markdown into passages, in reading order. Every article has one at least."""
    definitions = _find_definitions(body)
    sections = [section for section in split_sections(body) if not is_link_list(section)]
    passages: list[Passage] = []
    for section in sections or list(split_sections(body)):
        for markdown, continues in _pack(section.blocks, count_tokens, max_tokens):
            whole = markdown + _definitions_used(markdown, definitions)
            text = render_text(whole)
            if text:
                is_whole = not passages or passages[-1].headings != section.headings
                passages.append(Passage(len(passages), section.headings, whole, text, continues and not is_whole))
    return tuple(passages) or (Passage(0, (), body, render_text(body)),)


def widen_passage(passages: Sequence[Passage], position: int) -> Passage:
    """Return what is shown where the passage at `position` was found: enough to act on, from its beginning.

    What is found and what is read need different sizes. A list that was cut begins with its first part, and what is
    left out of it is marked by "…". A line of introduction or a note matches well and helps nobody without what is
    below or above it: a short passage comes with the rest of its section, and with the next one's.
    The result keeps the position and headings of the passage at `position`.
    """
    shown = _choose_shown(passages, position)
    parts = [(shown[0].markdown, shown[0].text)]
    for before, passage in pairwise(shown):
        if passage.position > before.position + 1:
            parts.append(("…", "…"))
        if passage.headings != before.headings and passage.heading:
            parts.append((f"**{passage.heading}**", passage.heading))
        parts.append((passage.markdown, passage.text))
    end = shown[-1].position + 1
    if end < len(passages) and passages[end].continues:
        parts.append(("…", "…"))
    markdown = "\n\n".join(markdown for markdown, _ in parts)
    return Passage(position, passages[position].headings, markdown, "\n".join(text for _, text in parts))


def split_windows(text: str) -> tuple[str, ...]:
    """Return overlapping windows of two sentences of a passage's plain text; none if it is that short itself."""
    sentences = [s for line in text.split("\n") for s in _SENTENCE_END.split(line) if s and s.strip(" •|")]
    if len(sentences) <= WINDOW_SENTENCES:
        return ()
    last = len(sentences) - WINDOW_SENTENCES
    return tuple(" ".join(sentences[n : n + WINDOW_SENTENCES]) for n in range(last + 1))


def _choose_shown(passages: Sequence[Passage], position: int) -> list[Passage]:
    """Return the beginning of what was found, and as much of what is around the place as there is room for."""
    start = _find_beginning(passages, position)
    size = sum(len(passages[n].text) for n in {start, position})
    first = position
    while first - 1 > start and size + len(passages[first - 1].text) <= READABLE_MAX_CHARS:
        first -= 1
        size += len(passages[first].text)
    # A note below the steps says nothing without them.
    while size < READABLE_MIN_CHARS and start and passages[start - 1].headings == passages[start].headings:
        before = _find_beginning(passages, start - 1)
        above = sum(len(passage.text) for passage in passages[before:start])
        if size + above > READABLE_MAX_CHARS:
            break
        start, first, size = before, before + 1, size + above
    end = position + 1
    while end < len(passages) and (passages[end].continues or size < READABLE_MIN_CHARS):
        size += len(passages[end].text)
        if size > READABLE_MAX_CHARS:
            break
        end += 1
    return [passages[start], *passages[max(first, start + 1) : end]]


def _find_beginning(passages: Sequence[Passage], position: int) -> int:
    while passages[position].continues:
        position -= 1
    return position


def _pack(blocks: list[Block], count_tokens: TokenCounter, max_tokens: int) -> Iterator[_Piece]:
    """Fill passages greedily; what introduces a block goes with it."""
    pending: list[_Piece] = []
    size = 0
    for group in _group(blocks, count_tokens, max_tokens):
        group_size = count_tokens(group.markdown)
        if pending and size + group_size > max_tokens:
            yield _join(pending)
            pending, size = [], 0
        pending.append(group)
        size += group_size
    if pending:
        yield _join(pending)


def _join(pieces: list[_Piece]) -> _Piece:
    return _Piece("\n\n".join(piece.markdown for piece in pieces), pieces[0].continues)


def _group(blocks: list[Block], count_tokens: TokenCounter, max_tokens: int) -> Iterator[_Piece]:
    """Put introductions in front: a sentence with a colon, a short paragraph before steps or a table."""
    nothing = introduction = _Piece("", False)
    for block, following in zip_longest(blocks, blocks[1:]):
        is_list = block.kind in ("steps", "bullets")
        is_before = block.kind == "paragraph" and following is not None and following.kind in ("steps", "table")
        pieces = list(_cut(block, count_tokens, max_tokens))
        for number, markdown in enumerate(pieces, start=1):
            piece = _Piece(markdown, is_list and number > 1)
            is_last = number == len(pieces)
            joined = _join([introduction, piece]) if introduction.markdown else piece
            # Each part of a table can be read alone, with its header and introduction.
            introduction = introduction if block.kind == "table" and not is_last else nothing
            if (announces(markdown) and count_tokens(joined.markdown) < max_tokens) or (
                is_before and is_last and count_tokens(joined.markdown) <= INTRODUCTION_MAX_TOKENS
            ):
                introduction = joined
            else:
                yield joined
    if introduction.markdown:
        yield introduction


def _cut(block: Block, count_tokens: TokenCounter, max_tokens: int) -> Iterator[str]:
    """Cut a block that is too long at its own joints: items, rows or sentences."""
    limit = WHOLE_MAX_TOKENS if block.kind in ("steps", "table", "other") else max_tokens
    if count_tokens(block.markdown) <= limit:
        yield block.markdown
    elif block.kind == "other":
        yield from _cut_lines(block, count_tokens, limit)
    elif block.items:
        header = block.lines[:2] if block.kind == "table" else []
        for items in _fill(block, count_tokens, max_tokens):
            lines = block.lines[items[0].first : items[-1].end]
            yield "\n".join(header + _number_first(lines, items[0])).strip("\n")
    else:
        yield from _cut_sentences(block.markdown, count_tokens, limit)


def _fill(block: Block, count_tokens: TokenCounter, limit: int) -> Iterator[list[Item]]:
    pending: list[Item] = []
    size = 0
    for item in block.items:
        item_size = count_tokens("\n".join(block.lines[item.first : item.end]))
        if pending and size + item_size > limit:
            yield pending
            pending, size = [], 0
        pending.append(item)
        size += item_size
    yield pending


def _number_first(lines: list[str], item: Item) -> list[str]:
    """Write the number that an item has into its first line: many authors begin every item with "1."."""
    typed = _NUMBER.match(lines[0])
    if item.number is None or typed is None or int(typed[2]) == item.number:
        return lines
    number = str(item.number).zfill(len(typed[2]))
    wider = " " * (len(number) - len(typed[2]))
    own = [wider + line if line.startswith(" ") else line for line in lines[1 : item.end - item.first]]
    return [typed[1] + number + lines[0][typed.end() :], *own, *lines[item.end - item.first :]]


def _cut_lines(block: Block, count_tokens: TokenCounter, limit: int) -> Iterator[str]:
    """Cut code, a quotation or HTML between two lines; each piece of code keeps its fences."""
    fence = _FENCE.match(block.lines[0])
    lines = block.lines[1:-1] if fence else block.lines
    pending: list[str] = []
    size = 0
    for line in lines:
        line_size = count_tokens(line)
        if pending and size + line_size > limit:
            yield "\n".join([block.lines[0], *pending, block.lines[-1]] if fence else pending)
            pending, size = [], 0
        pending.append(line)
        size += line_size
    yield "\n".join([block.lines[0], *pending, block.lines[-1]] if fence else pending)


def _split_long(sentence: str, count_tokens: TokenCounter, limit: int) -> Iterator[str]:
    """Halve what has no end of a sentence in it, at a space if there is one, until each part fits."""
    if len(sentence) < 2 or count_tokens(sentence) <= limit:
        yield sentence
        return
    middle = len(sentence) // 2
    space = sentence.rfind(" ", 1, middle)
    cut = space if space > 0 else middle
    yield from _split_long(sentence[:cut].rstrip(), count_tokens, limit)
    yield from _split_long(sentence[cut:].lstrip(), count_tokens, limit)


def _cut_sentences(text: str, count_tokens: TokenCounter, limit: int) -> Iterator[str]:
    pending: list[str] = []
    size = 0
    sentences = (part for whole in _SENTENCE_END.split(text) for part in _split_long(whole, count_tokens, limit))
    for sentence in sentences:
        sentence_size = count_tokens(sentence)
        if pending and size + sentence_size > limit:
            yield " ".join(pending)
            pending, size = [], 0
        pending.append(sentence)
        size += sentence_size
    if pending:
        yield " ".join(pending)


def _find_definitions(body: str) -> dict[str, str]:
    """Return `[label]: url` lines by label: a passage that uses one must carry it along."""
    found = re.findall(r"(?m)^ {0,3}\[([^\]]+)\]:[ \t]*(\S.*)$", body)
    return {label.casefold(): f"[{label}]: {target}" for label, target in found}


def _definitions_used(markdown: str, definitions: dict[str, str]) -> str:
    folded = markdown.casefold()
    used = [line for label, line in definitions.items() if f"[{label}]" in folded]
    return "\n\n" + "\n".join(used) if used else ""
