"""One reStructuredText file as a page, read by docutils with everything off that could reach outside the file.

Sphinx's own roles and directives are no mistakes here: a role shows its text, an unknown directive its content.
"""

import re
from functools import partial
from typing import Any

from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en

from knowledge_base.article import BODY_MAX_CHARS, build_content
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.html_markdown import convert_html, parse_html
from knowledge_base.importing.pages import Page, locate
from knowledge_base.importing.reading import decode_text

_SETTINGS: dict[str, Any] = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 5,
    "warning_stream": False,
    "doctitle_xform": True,
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "smart_quotes": False,
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "stylesheet": None,
    "initial_header_level": 2,
    "toc_backlinks": False,
    "output_encoding": "unicode",
    "line_length_limit": 10_000,
}
_SOURCE_MAX_CHARS = 2 * BODY_MAX_CHARS
_DIRECTIVE = re.compile(r"^\s*\.\.[ \t]+(?:\|[^|]+\|[ \t]+)?([\w:+.-]+?)::", re.M)
_ROLE = re.compile(r":([\w:+.-]+):`|`:([\w:+.-]+):")
_HEAD_FIELDS = re.compile(r"\A\s*(?::[\w -]+:.*\n)+")
_TARGETED = re.compile(r"^(.*?)\s*<([^<>]*)>$", re.S)
# Sphinx's directives that are for the site, not for the reader.
_SILENT = {
    "toctree", "index", "highlight", "module", "currentmodule", "tabularcolumns", "contents", "sectnum", "meta",
    "default-domain", "codeauthor", "sectionauthor", "moduleauthor",
}  # fmt: skip
# These need what the file alone does not hold, or could run or read something.
_LEFT_OUT = {"raw", "include", "literalinclude", "automodule", "autoclass", "autofunction", "graphviz"}
_PREFIXED = {"versionadded": "New in version", "versionchanged": "Changed in version", "deprecated": "Deprecated since"}
_CONDITIONS = {"only", "ifconfig"}
_LITERAL_ROLES = {
    "file", "samp", "kbd", "command", "program", "option", "envvar", "func", "meth", "class", "mod", "attr", "exc",
    "data", "const", "obj", "keyword", "makevar", "token",
}  # fmt: skip


def read_rst_page(source: str, data: bytes, language: str) -> Page:
    """Read a file; `language` is the one of files whose path does not tell.

    Raises:
        InvalidInputError: if it cannot be an article.
    """
    text, guessed = decode_text(data)
    text = _HEAD_FIELDS.sub("", text)  # they are for the site, and would hide the title
    if len(text) > _SOURCE_MAX_CHARS:
        raise InvalidInputError("file_too_long", f"It has {len(text)} characters; {_SOURCE_MAX_CHARS} is the most.")
    left_out = _prepare(text)
    document = publish_doctree(text, settings_overrides=_SETTINGS)
    title = _take_title(document)
    if not title:
        raise InvalidInputError("title_missing", "It has no section title.")
    html = publish_from_doctree(document, writer="html5", settings_overrides=_SETTINGS)
    soup = parse_html(str(html))
    place, language = locate(source, "", language)
    warnings = [f"It is not UTF-8 and was read as {guessed}."] if guessed else []
    warnings += ["Left out: " + ", ".join(f"directive {name}" for name in left_out)] if left_out else []
    return Page(
        source=source,
        place=place,
        language=language,
        content=build_content(title, convert_html(soup.main or soup)),
        warnings=tuple(warnings),
    )


def _prepare(text: str) -> list[str]:
    """Teach docutils the names that the file uses and it does not know; return those that lose their content."""
    names = {name.lower() for name in _DIRECTIVE.findall(text)}
    for name in names:
        if name in _SILENT | _LEFT_OUT:
            directives.register_directive(name, _Silent)
        elif name in _PREFIXED:
            directives.register_directive(name, _Prefixed)
        elif name not in en.directives:
            directives.register_directive(name, _Content)
    for before, after in _ROLE.findall(text):
        name = (before or after).lower()
        if name not in en.roles:
            roles.register_local_role(name, partial(_show_role, name.rpartition(":")[2]))
    return sorted(names & _LEFT_OUT)


def _take_title(document: nodes.document) -> str:
    """Return the document's title, or its first section's where several stand beside each other."""
    first = next(iter(document.findall(nodes.title)), None)
    if first is None:
        return ""
    if first.parent is document:
        document.remove(first)
    return str(first.astext())


def _show_role(name: str, role: str, rawtext: str, text: str, lineno: int, inliner: Any, **_: Any) -> Any:
    shown = _TARGETED.sub(r"\1", text.replace("\0", "")).lstrip("!~") or text
    kind = nodes.literal if name in _LITERAL_ROLES else nodes.inline
    return [kind(rawtext, shown)], []


class _AnyOption(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return directives.unchanged


class _Content(Directive):
    """Shows what stands beside and below it."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = _AnyOption(name=directives.unchanged)

    def run(self) -> list[Any]:
        holder = nodes.container()
        if self.arguments and self.name not in _CONDITIONS:
            words, _ = self.state.inline_text(self.arguments[0], self.lineno)
            holder += nodes.paragraph("", "", *words)
        self.state.nested_parse(self.content, self.content_offset, holder)
        return list(holder.children)


class _Prefixed(_Content):
    """Says since when something is so."""

    def run(self) -> list[Any]:
        since, _, words = str(self.arguments[0]).partition("\n") if self.arguments else ("", "", "")
        self.arguments: list[str] = [f"{_PREFIXED[self.name]} {since}. {words}".strip()]
        return super().run()


class _Silent(_Content):
    """Shows nothing."""

    def run(self) -> list[Any]:
        return []
