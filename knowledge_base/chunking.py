"""Cut an article into passages: what is shown as an answer, and what is searched.

A passage keeps to one heading, carries the path of headings as context and stays at about `max_tokens` of
the embedding model. Numbered steps and tables are kept whole, since half a procedure is worse than none;
`split_windows` gives search its finer grain instead. Pure: the model's token counter is passed in.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from knowledge_base.markup import parse_blocks, render_text

# Raise it whenever the same article would be cut differently: stored passages are then cut anew.
CHUNKER_VERSION = 2
# The packaged model reads 256 tokens; the title and headings in front of a passage take some of them.
PASSAGE_MAX_TOKENS = 200
# A chat window shows some 40 characters a line: eight lines are an answer, more than thirty are an article.
READABLE_MIN_CHARS = 320
READABLE_MAX_CHARS = 1_400
# Steps, tables, code and note boxes may grow to this before they are cut between two items or lines.
WHOLE_MAX_TOKENS = 600
WINDOW_SENTENCES = 2

TokenCounter = Callable[[str], int]

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’»)]*\s+(?=[^\s])|(?<=[。！？])")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_LINK_ITEM = re.compile(r"\s*(?:[*+-]|\d+[.)])\s+\[[^\]]*\]\([^)]*\)(?:\s*\{[^}]*\})?\s*")


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of an article. `headings` is the path to it, outermost first; empty above the first heading."""

    position: int
    headings: tuple[str, ...]
    markdown: str
    text: str

    @property
    def heading(self) -> str:
        return self.headings[-1] if self.headings else ""

    def describe(self, title: str) -> str:
        """Return the text that is embedded: title and headings in front, so that the passage stands alone."""
        context = ". ".join([title, *self.headings])
        return f"{context}\n{self.text}"


@dataclass(slots=True)
class _Block:
    kind: str
    lines: list[str]
    items: list[tuple[int, int]] = field(default_factory=list)

    @property
    def markdown(self) -> str:
        return "\n".join(self.lines).strip("\n")


@dataclass(slots=True)
class _Section:
    headings: tuple[str, ...]
    blocks: list[_Block] = field(default_factory=list)


def build_passages(
    body: str, *, count_tokens: TokenCounter, max_tokens: int = PASSAGE_MAX_TOKENS
) -> tuple[Passage, ...]:
    """Cut an article's Markdown into passages, in reading order. Every article has one at least."""
    definitions = _find_definitions(body)
    sections = [section for section in _split_sections(body) if not _is_link_list(section)]
    passages: list[Passage] = []
    for section in sections or list(_split_sections(body)):
        for markdown in _pack(section.blocks, count_tokens, max_tokens):
            whole = markdown + _definitions_used(markdown, definitions)
            text = render_text(whole)
            if text:
                passages.append(Passage(len(passages), section.headings, whole, text))
    return tuple(passages) or (Passage(0, (), body, render_text(body)),)


def widen_passage(passages: Sequence[Passage], position: int) -> Passage:
    """Join a short passage with those that follow it, so that a reader gets enough to act on.

    What is found and what is read need different sizes: a line of introduction matches well and helps nobody
    without the steps below it. The result keeps the position and headings of the passage at `position`.
    """
    first = passages[position]
    markdown, text, headings = first.markdown, first.text, first.headings
    for following in passages[position + 1 :]:
        if len(text) >= READABLE_MIN_CHARS or len(text) + len(following.text) > READABLE_MAX_CHARS:
            break
        name = following.heading if following.headings != headings else ""
        markdown = "\n\n".join([markdown, *([f"**{name}**"] if name else []), following.markdown])
        text = "\n".join([text, *([name] if name else []), following.text])
        headings = following.headings
    return Passage(first.position, first.headings, markdown, text)


def split_windows(text: str) -> tuple[str, ...]:
    """Return overlapping windows of two sentences of a passage's plain text; none if it is that short itself."""
    sentences = [s for line in text.split("\n") for s in _SENTENCE_END.split(line) if s and s.strip(" •|")]
    if len(sentences) <= WINDOW_SENTENCES:
        return ()
    last = len(sentences) - WINDOW_SENTENCES
    return tuple(" ".join(sentences[n : n + WINDOW_SENTENCES]) for n in range(last + 1))


def _split_sections(body: str) -> Iterator[_Section]:
    lines = body.split("\n")
    path: list[tuple[int, str]] = []
    section = _Section(())
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
            section = _Section(tuple(name for _, name in path if name))
        else:
            section.blocks.append(_build_block(tokens, position, lines))
    if section.blocks:
        yield section


def _build_block(tokens: list[Token], position: int, lines: list[str]) -> _Block:
    token = tokens[position]
    first, end = token.map or [0, 0]
    kinds = {"ordered_list_open": "steps", "bullet_list_open": "bullets", "table_open": "table"}
    kind = kinds.get(token.type, "paragraph" if token.type == "paragraph_open" else "other")
    block = _Block(kind, lines[first:end])
    if kind in ("steps", "bullets"):
        for inner in tokens[position + 1 :]:
            if inner.level == 0:
                break
            if inner.type == "list_item_open" and inner.level == 1 and inner.map:
                block.items.append((inner.map[0] - first, inner.map[1] - first))
    elif kind == "table":
        block.items = [(n, n + 1) for n in range(2, len(block.lines))]
    return block


def _pack(blocks: list[_Block], count_tokens: TokenCounter, max_tokens: int) -> Iterator[str]:
    """Fill passages greedily; a block that introduces the next one ("...:") goes with it."""
    pending: list[str] = []
    size = 0
    for group in _group(blocks, count_tokens, max_tokens):
        group_size = count_tokens(group)
        if pending and size + group_size > max_tokens:
            yield "\n\n".join(pending)
            pending, size = [], 0
        pending.append(group)
        size += group_size
    if pending:
        yield "\n\n".join(pending)


def _group(blocks: list[_Block], count_tokens: TokenCounter, max_tokens: int) -> Iterator[str]:
    introduction = ""
    for block in blocks:
        for piece in _cut(block, count_tokens, max_tokens):
            joined = f"{introduction}\n\n{piece}".lstrip("\n")
            introduction = ""
            if piece.rstrip("*_ ").endswith((":", "：")) and count_tokens(joined) < max_tokens:
                introduction = joined
            else:
                yield joined
    if introduction:
        yield introduction


def _cut(block: _Block, count_tokens: TokenCounter, max_tokens: int) -> Iterator[str]:
    """Cut a block that is too long at its own joints: items, rows or sentences."""
    limit = WHOLE_MAX_TOKENS if block.kind in ("steps", "table", "other") else max_tokens
    if count_tokens(block.markdown) <= limit:
        yield block.markdown
    elif block.kind == "other":
        yield from _cut_lines(block, count_tokens, limit)
    elif block.items:
        header = block.lines[:2] if block.kind == "table" else []
        for first, end in _fill(block, count_tokens, limit):
            yield "\n".join(header + block.lines[first:end]).strip("\n")
    else:
        yield from _cut_sentences(block.markdown, count_tokens, limit)


def _fill(block: _Block, count_tokens: TokenCounter, limit: int) -> Iterator[tuple[int, int]]:
    start, size = block.items[0][0], 0
    for first, end in block.items:
        item_size = count_tokens("\n".join(block.lines[first:end]))
        if size and size + item_size > limit:
            yield start, first
            start, size = first, 0
        size += item_size
    yield start, block.items[-1][1]


def _cut_lines(block: _Block, count_tokens: TokenCounter, limit: int) -> Iterator[str]:
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


def _is_link_list(section: _Section) -> bool:
    """Whether a section only points elsewhere ("Related articles"): it would match everything, and answer nothing."""
    lines = [line for block in section.blocks for line in block.lines if line.strip()]
    is_all_lists = all(block.kind in ("bullets", "steps") for block in section.blocks)
    return bool(section.headings) and is_all_lists and all(_LINK_ITEM.fullmatch(line) for line in lines)


def _find_definitions(body: str) -> dict[str, str]:
    """Return `[label]: url` lines by label: a passage that uses one must carry it along."""
    found = re.findall(r"(?m)^ {0,3}\[([^\]]+)\]:[ \t]*(\S.*)$", body)
    return {label.casefold(): f"[{label}]: {target}" for label, target in found}


def _definitions_used(markdown: str, definitions: dict[str, str]) -> str:
    folded = markdown.casefold()
    used = [line for label, line in definitions.items() if f"[{label}]" in folded]
    return "\n\n" + "\n".join(used) if used else ""
