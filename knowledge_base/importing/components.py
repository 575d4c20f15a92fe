"""Tabs, steps, cards and note boxes of whatever template language, written as Markdown."""

import textwrap

CALLOUTS = {
    "note": "NOTE", "info": "NOTE", "notice": "NOTE", "callout": "NOTE", "alert": "NOTE", "hint": "NOTE",
    "admonition": "NOTE", "aside": "NOTE", "tip": "TIP", "check": "TIP", "success": "TIP", "important": "IMPORTANT",
    "warning": "WARNING", "caution": "CAUTION", "danger": "CAUTION", "error": "CAUTION",
}  # fmt: skip


def write_callout(kind: str, title: str, inner: str, *, indent: str = "") -> str:
    """Return a note box as blocks of their own; `kind` is a word for it that authors use."""
    lines = [f"[!{CALLOUTS.get(kind.lower(), 'NOTE')}] {title}".rstrip(), *dedent(inner).split("\n")]
    return write_blocks("\n".join(f"> {line}".rstrip() for line in lines), indent=indent)


def write_titled(title: str, inner: str, *, address: str = "", indent: str = "") -> str:
    """Return a part below its name, as blocks of their own; the name parts its list from the one before, too."""
    words = " ".join(title.split())
    if words and address:
        words = f"[{words}]({address})"
    return write_blocks(f"**{words}**\n\n{dedent(inner)}" if words else dedent(inner), indent=indent)


def write_blocks(markdown: str, *, indent: str = "") -> str:
    """Return blocks with empty lines around them, as deep as `indent`."""
    return "\n\n" + textwrap.indent(markdown.strip("\n"), indent) + "\n\n"


def dedent(inner: str) -> str:
    """Return what stands between two tags without the tags' indentation, which would make code of it."""
    first, newline, rest = inner.partition("\n")
    return (first.strip() + newline + textwrap.dedent(rest)).strip("\n").rstrip()


def indent_at(text: str, position: int) -> str:
    """Return the white space before a tag that begins its line, and nothing for one within a line."""
    before = text[text.rfind("\n", 0, position) + 1 : position]
    return before if not before.strip() else ""
