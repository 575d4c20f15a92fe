"""One Markdown file as a page: plain, of a Jekyll, Hugo or Docusaurus site, or written by Baton's own export."""

import re
from collections.abc import Mapping
from typing import Any

from knowledge_base.article import (
    AUDIENCES,
    BODY_MAX_CHARS,
    TAG_MAX_CHARS,
    TAGS_MAX_COUNT,
    build_content,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.front_matter import is_own_file, parse_markdown_file
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.kramdown import strip_kramdown
from knowledge_base.importing.liquid import resolve_liquid
from knowledge_base.importing.mdx import is_mdx_text, strip_mdx
from knowledge_base.importing.pages import Page, clean_slug, locate
from knowledge_base.importing.reading import decode_utf8
from knowledge_base.importing.shortcodes import resolve_shortcodes
from knowledge_base.importing.standing import read_status
from knowledge_base.markup import parse_blocks, render_text

# Twice what an article may have, and some ten times the markup of the worst real page that we met: resolving it takes
# time that grows with both.
_SOURCE_MAX_CHARS = 2 * BODY_MAX_CHARS
_TAGS_MAX = 3_000
# Liquid names a file by its path from the root.
_LIQUID_LINK = re.compile(r"(\{%-?\s*link\s+)(?=[^\s/%])")
_OLD_VERSION = re.compile(r"(?:^|/)versioned_docs/|/docusaurus-plugin-content-docs[\w-]*/version-")


def read_markdown_page(source: str, data: bytes, language: str) -> Page:
    """Read a file; `language` is the one of files that do not tell.

    Raises:
        InvalidInputError: if it cannot be an article.
    """
    if _OLD_VERSION.search(source):
        raise InvalidInputError("old_version", "It documents an older version; only the current one is imported.")
    file = parse_markdown_file(decode_utf8(data))
    if is_own_file(file):
        return _read_own(source, file.fields, file.body, language)
    fields = file.fields
    is_mdx = source.lower().endswith(".mdx") or is_mdx_text(file.body)
    body, warnings = _resolve_markup(file.body, fields, is_mdx=is_mdx)
    title, body = _take_title(fields, body)
    place, language = locate(source, _read_language(fields), language)
    wanted = str(fields["slug"]) if isinstance(fields.get("slug"), str | int) else ""
    permalink = next((fields[name] for name in ("permalink", "url") if isinstance(fields.get(name), str)), "")
    addresses = [permalink, wanted if "/" in wanted else ""]
    addresses += [text for name in ("redirect_from", "aliases") for text in read_list(fields.get(name))]
    status, doubts = read_status(fields)
    return Page(
        source=source,
        place=place,
        language=language,
        content=build_content(
            str(title),
            body,
            read_tags(fields),
            read_list(fields.get("phrasings")),
            read_audience(fields),
        ),
        slug=clean_slug(wanted) or _clean_id(fields.get("id")),
        slug_path=wanted if "/" in wanted.strip("/") and clean_slug(wanted) else "",
        permalink=permalink,
        addresses=tuple(address for address in addresses if address),
        status=status,
        warnings=(*doubts, *(["Left out: " + ", ".join(warnings)] if warnings else ())),
    )


def read_audience(fields: Mapping[str, Any]) -> str:
    """Return what a file says of its readers; whatever is not known is for staff, who can widen it."""
    audience = str(fields.get("audience") or "everyone").strip().lower()
    return audience if audience in AUDIENCES else "staff"


def read_tags(fields: Mapping[str, Any]) -> list[str]:
    """Return the tags and categories of a file, as many as an article may have."""
    tags = [tag for name in ("tags", "category", "categories", "keywords") for tag in read_list(fields.get(name))]
    return [tag[:TAG_MAX_CHARS] for tag in dict.fromkeys(tags)][:TAGS_MAX_COUNT]


def read_list(value: object) -> list[str]:
    """Return a front matter value as texts: a list, or one text with commas (tags are written both ways)."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list):
        return []
    items = (item.get("label") if isinstance(item, Mapping) else item for item in value)
    return [str(item).strip() for item in items if isinstance(item, str | int | float) and str(item).strip()]


def _take_title(fields: Mapping[str, Any], body: str) -> tuple[str, str]:
    """Return the title and the body without it: the front matter's, else the first heading of the first level."""
    if fields.get("title") is not None:
        return str(fields["title"]), body
    tokens = parse_blocks(body)
    headings = [number for number, token in enumerate(tokens) if token.type == "heading_open" and not token.level]
    label = fields.get("sidebar_label")
    first = next((number for number in headings if tokens[number].tag == "h1"), None)
    if first is None and label is None:
        first = next(iter(headings), None)
    lines = tokens[first].map if first is not None else None
    if first is None or lines is None:
        if label is None:
            raise InvalidInputError("title_missing", "It has neither a title in front matter nor a heading.")
        return str(label), body
    words = render_text("# " + " ".join(tokens[first + 1].content.split()))
    kept = body.split("\n")
    del kept[lines[0] : lines[1]]
    return words, "\n".join(kept)


def _read_own(source: str, fields: Mapping[str, Any], body: str, language: str) -> Page:
    """Read a file of Baton's own export: word for word, so that export and import are each other's inverse."""
    place, language = locate(source, _read_language(fields), language)
    content = build_content(
        fields.get("title"),
        body,
        fields.get("tags") or (),
        fields.get("phrasings") or (),
        fields.get("audience") or "everyone",
    )
    return Page(
        source=str(fields.get("source", source)),
        place=f"{place} {fields.get('slug')}",
        language=language,
        content=content,
        slug=str(fields.get("slug") or ""),
        permalink=str(fields.get("permalink") or ""),
        status=read_status(fields)[0],
        is_verbatim=True,
    )


def _resolve_markup(body: str, fields: Mapping[str, Any], *, is_mdx: bool) -> tuple[str, tuple[str, ...]]:
    """Return the body as plain Markdown, and what had to be left out."""
    if len(body) > _SOURCE_MAX_CHARS or body.count("{%") + body.count("{{") > _TAGS_MAX or body.count("<") > _TAGS_MAX:
        raise InvalidInputError(
            "markup_too_much",
            f"It has more than {_SOURCE_MAX_CHARS} characters, or more than {_TAGS_MAX} template or HTML tags.",
        )
    text, left_out = strip_mdx(body) if is_mdx else (body, ())
    text, without_codes = resolve_shortcodes(text)
    text, without_liquid = resolve_liquid(_LIQUID_LINK.sub(r"\1/", text), fields)
    return convert_html_blocks(strip_kramdown(text)), (*left_out, *without_codes, *without_liquid)


def _read_language(fields: Mapping[str, Any]) -> str:
    return next((str(fields[name]) for name in ("lang", "language", "locale") if fields.get(name)), "")


def _clean_id(value: object) -> str:
    """A Docusaurus page may be named by its id; a bare number is somebody's primary key and tells nothing."""
    return clean_slug(value) if isinstance(value, str) and not value.strip().isdecimal() else ""
