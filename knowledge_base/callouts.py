"""Note boxes in Markdown, written as on GitHub (`> [!NOTE]`) or as in Docusaurus (`:::note[Title]`).

A plug-in of the parser: both become a block quote of a class, with its title as the first paragraph. A title that
the author left out is the kind's own name, which plain text does not need and HTML says in the article's language.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

KINDS = ("note", "tip", "important", "warning", "caution")
CLASSES = {"callout", *(f"callout-{kind}" for kind in KINDS)}
TITLE_CLASS = "callout-title"

_KINDS = {kind: kind for kind in KINDS} | {
    "info": "note", "success": "tip", "hint": "tip", "danger": "caution", "error": "caution",
}  # fmt: skip
_LABELS = {
    "en": ("Note", "Tip", "Important", "Warning", "Caution"),
    "de": ("Hinweis", "Tipp", "Wichtig", "Warnung", "Vorsicht"),
    "es": ("Nota", "Consejo", "Importante", "Advertencia", "Precaución"),
    "fr": ("Remarque", "Conseil", "Important", "Avertissement", "Attention"),
    "it": ("Nota", "Consiglio", "Importante", "Avviso", "Attenzione"),
    "nl": ("Opmerking", "Tip", "Belangrijk", "Waarschuwing", "Let op"),
    "pt": ("Nota", "Dica", "Importante", "Aviso", "Cuidado"),
    "zh": ("注意", "提示", "重要", "警告", "当心"),
}
_QUOTED = re.compile(r"\[!(\w+)\][ \t]*([^\n]*)(?:\n|$)")
_FENCED = re.compile(r"\s*(\w+)\s*(?:\[([^\]]*)\])?\s*(.*)")


def callout_plugin(parser: MarkdownIt) -> None:
    """Teach a parser both ways of writing."""
    parser.use(container_plugin, "callout", validate=lambda info, *_: _kind_of_fence(info) is not None)
    parser.core.ruler.after("inline", "callouts", _mark_callouts)


def label_of(token: Token, language: str) -> str | None:
    """Return what stands for a title that the author left out; None if the token is no such place."""
    kind = token.meta.get("callout")
    return None if kind is None else _LABELS.get(language, _LABELS["en"])[KINDS.index(kind)]


def _kind_of_fence(info: str) -> str | None:
    found = _FENCED.match(info)
    return _KINDS.get(found[1].lower()) if found else None


def _mark_callouts(state: StateCore) -> None:
    tokens: list[Token] = []
    for position, token in enumerate(state.tokens):
        tokens.append(token)
        if token.type == "container_callout_open":
            found = _FENCED.match(token.info)
            if found and (kind := _KINDS.get(found[1].lower())):
                tokens += _open(state.md, token, kind, found[2] or found[3])
        elif token.type == "container_callout_close":
            token.type, token.tag = "blockquote_close", "blockquote"
        elif token.type == "blockquote_open":
            tokens += _open_quoted(state.md, token, state.tokens[position + 1 : position + 4])
    state.tokens = [token for token in tokens if not token.meta.get("is_gone")]


def _open_quoted(parser: MarkdownIt, quote: Token, following: list[Token]) -> list[Token]:
    """Take the mark out of a quotation's first paragraph; the paragraph goes if nothing is left of it."""
    if len(following) < 3 or following[1].type != "inline":
        return []
    inline = following[1]
    found = _QUOTED.match(inline.content)
    kind = _KINDS.get(found[1].lower()) if found else None
    if found is None or kind is None:
        return []
    inline.content = inline.content[found.end() :]
    children = inline.children or []
    first_break = next(
        (n for n, child in enumerate(children) if child.type in ("softbreak", "hardbreak")), len(children)
    )
    inline.children = children[first_break + 1 :]
    if not inline.children:
        for token in following:
            token.meta["is_gone"] = True
    return _open(parser, quote, kind, found[2])


def _open(parser: MarkdownIt, token: Token, kind: str, title: str) -> list[Token]:
    token.type, token.tag = "blockquote_open", "blockquote"
    token.attrs = {"class": f"callout callout-{kind}"}
    opening = Token("paragraph_open", "p", 1, attrs={"class": TITLE_CLASS}, block=True, level=token.level + 1)
    inline = Token("inline", "", 0, content=title.strip(), block=True, level=token.level + 2)
    words: list[Token] = []
    if inline.content:
        words = parser.parseInline(inline.content)[0].children or []
    else:
        inline.meta["callout"] = kind
    # Bold without any style sheet too: the chat window keeps no classes.
    inline.children = [Token("strong_open", "strong", 1), *words, Token("strong_close", "strong", -1)]
    return [opening, inline, Token("paragraph_close", "p", -1, block=True, level=token.level + 1)]
