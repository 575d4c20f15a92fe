"""Markdown to safe HTML and to plain text.

Owns the allow-list: whatever an editor or an import writes, only these tags, attributes and URL schemes reach
a page. Pure and thread-safe. Chunking uses the same parser, so that passages break where blocks do.
"""

import re
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge_base.callouts import CLASSES, TITLE_CLASS, callout_plugin, label_of

_TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h2", "h3", "h4", "h5", "h6",
    "hr", "i", "img", "kbd", "li", "ol", "p", "pre", "s", "strong", "sub", "summary", "sup", "table", "tbody",
    "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_CLASSES = {"blockquote": CLASSES, "p": {TITLE_CLASS}}
_SCHEMES = {"http", "https", "mailto", "tel"}
_DROPPED_WITH_CONTENT = {"script", "style", "template", "noscript", "iframe", "object", "svg", "math"}
_ALIGN_STYLE = re.compile(r"text-align:(left|right|center)")
# Words on both sides of such a tag are not one word, whatever white space the author left out.
_BREAKING_TAG = re.compile(
    r"</?(?:address|article|aside|blockquote|br|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form|"
    r"h[1-6]|header|hr|li|main|nav|ol|p|pre|section|summary|table|tbody|tfoot|thead|tr|ul)(?=[\s/>])",
    re.I,
)
_CELL_TAG = re.compile(r"<t[dh](?=[\s/>])", re.I)
_ABSOLUTE = re.compile(r"/|[a-z][a-z0-9+.-]*:", re.I)
_SPACES = re.compile(r"[ \t\u00a0]+")


def _build_parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).use(callout_plugin)


_PARSER = _build_parser()


def render_html(markdown: str, language: str = "en") -> str:
    """Render Markdown as HTML that is safe to put on a page (raw HTML is filtered by the allow-list).

    `language` is the one of words that the author did not write: what a note box without a title is called.
    """
    tokens = parse_blocks(markdown)
    for token in tokens:
        _adapt(token, language)
    html = str(_PARSER.renderer.render(tokens, _PARSER.options, {}))
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    ).strip()


def parse_blocks(markdown: str) -> list[Token]:
    """Parse Markdown into tokens; block tokens carry the lines they came from in `map`."""
    return _PARSER.parse(markdown)


def render_text(markdown: str) -> str:
    """Render Markdown as plain text: lists keep their numbers, tables become lines, links keep their words."""
    return _TextWriter().write(parse_blocks(markdown))


def strip_html(html: str) -> str:
    """Return the words of a piece of HTML, a line for each block."""
    parted = _CELL_TAG.sub(r" \g<0>", _BREAKING_TAG.sub(r"\n\g<0>", html))
    cleaned = nh3.clean(parted, tags=set(), clean_content_tags=_DROPPED_WITH_CONTENT)
    return _unescape(cleaned)


def _adapt(token: Token, language: str) -> None:
    """The title of an article is its only h1; column alignment must not need a style attribute; boxes get a name;
    of a picture that cannot be shown the words are left.
    """
    label = label_of(token, language)
    if label is not None and token.children:
        token.children.insert(1, Token("text", "", 0, content=label))
    if token.children:
        token.children = [part for child in token.children for part in _word_picture(child)]
    if token.type in ("heading_open", "heading_close") and token.tag == "h1":
        token.tag = "h2"
    style = token.attrGet("style")
    aligned = _ALIGN_STYLE.fullmatch(style) if isinstance(style, str) else None
    if aligned:
        token.attrs = {"align": aligned.group(1)}


def _word_picture(token: Token) -> list[Token]:
    """Return the words of a picture that lies beside its file, and so nowhere; any other token as it is."""
    is_nowhere = token.type == "image" and not _ABSOLUTE.match(str(token.attrGet("src")))
    return (token.children or []) if is_nowhere else [token]


def _unescape(text: str) -> str:
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&nbsp;", " "), ("&amp;", "&")):
        text = text.replace(escaped, plain)
    return text


class _TextWriter:
    """Walks block tokens once and collects lines."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._lists: list[int | None] = []  # the next number of each open list; None for bullets
        self._marker = ""
        self._cells: list[str] | None = None
        self._is_tight = False

    def write(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            self._take(token)
        return "".join(self._blocks).strip()

    def _take(self, token: Token) -> None:
        match token.type:
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_close" | "bullet_list_close":
                self._lists.pop()
            case "list_item_open":
                self._start_item()
            case "tr_open":
                self._cells = []
            case "tr_close":
                self._add(" | ".join(self._cells or []), tight=True)
                self._cells = None
            case "inline":
                self._take_inline(token)
            case "fence" | "code_block":
                self._add(token.content.rstrip("\n"))
            case "html_block":
                self._add(_collapse(strip_html(token.content)))

    def _start_item(self) -> None:
        number = self._lists[-1]
        self._marker = "• " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _take_inline(self, token: Token) -> None:
        text = _inline_text(token.children or [])
        if self._cells is not None:
            self._cells.append(text)
        else:
            self._add(text, tight=bool(self._lists))

    def _add(self, text: str, *, tight: bool = False) -> None:
        if not text:
            return
        indent = "   " * max(0, len(self._lists) - 1)
        glue = "\n" if tight and self._is_tight else "\n\n"
        self._blocks.append(f"{glue}{indent}{self._marker}{text}")
        self._is_tight = tight
        self._marker = ""


def _inline_text(children: Sequence[Token]) -> str:
    parts: list[str] = []
    for child in children:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(child.content)
            case "html_inline" if child.content.lower().startswith("<br"):
                parts.append("\n")
    return _collapse("".join(parts))


def _collapse(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
