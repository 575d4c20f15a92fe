"""Articles in JSON, as other help desks' interfaces give them: Zendesk Guide, Intercom, and plain pairs.

Takes what one request answers, several of them in a list, or one article a line; the wrappers around pages of
results are looked through. Sections and collections that come along become tags.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from knowledge_base.article import (
    TAG_MAX_CHARS,
    TAGS_MAX_COUNT,
    ArticleStatus,
    build_content,
    build_slug,
    check_language,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.html_markdown import convert_html, parse_html
from knowledge_base.importing.pages import Page, path_of
from knowledge_base.importing.question_table import build_pair_pages, is_pair
from knowledge_base.importing.reading import FileNote, decode_utf8

ITEMS_MAX = 100_000
_LISTS = ("articles", "data", "results", "items")
_NAME_LISTS = ("sections", "categories", "collections")
# How deep lists of answers of lists may nest; more is no export.
_DEPTH_MAX = 5

Json = Mapping[str, Any]
Item = tuple[str, Json]


@dataclass(slots=True)
class Export:
    """What the JSON files of one import hold together: a list of sections may lie beside that of articles."""

    zendesk: list[Item] = field(default_factory=list)
    intercom: list[Item] = field(default_factory=list)
    pairs: dict[str, list[Item]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    skipped: list[FileNote] = field(default_factory=list)


def collect_items(source: str, data: bytes, export: Export) -> None:
    """Add what a file holds to `export`.

    Raises:
        InvalidInputError: if it is no JSON, or none that holds articles; nothing of it was added then.
    """
    text = decode_utf8(data)
    found = Export()
    is_lines = source.lower().endswith((".jsonl", ".ndjson"))
    values = _read_lines(source, text, found) if is_lines else iter([("", _decode(text))])
    for place, value in values:
        _collect(source, place, value, found, depth=0)
    if not (found.zendesk or found.intercom or found.pairs or found.names):
        raise InvalidInputError(
            "json_unknown", "It holds no articles of Zendesk or Intercom, and no questions with answers."
        )
    export.zendesk += found.zendesk
    export.intercom += found.intercom
    export.pairs |= found.pairs
    export.names |= found.names
    export.skipped += found.skipped


def build_export_pages(export: Export, language: str) -> tuple[list[Page], list[FileNote]]:
    """Turn what was collected into pages; `language` is the one of articles that do not tell."""
    pages: list[Page] = []
    skipped = list(export.skipped)
    export.titles = _list_titles(export.zendesk)
    for source, item, locale in _list_versions(export):
        build = _build_zendesk if locale is None else _build_intercom
        try:
            pages.append(build(source, item, locale or "", export, language))
        except (InvalidInputError, RecursionError) as exc:
            skipped.append(FileNote(source, getattr(exc, "message", "Its HTML nests too deep.")))
    for file, rows in export.pairs.items():
        some, bad = build_pair_pages(file, [(source.rpartition("#")[2], row) for source, row in rows], language)
        pages += some
        skipped += bad
    return pages, skipped


def _list_versions(export: Export) -> Iterator[tuple[str, Json, str | None]]:
    """List every article in every language; the locale is None for Zendesk, whose articles name their own."""
    for source, item in export.zendesk:
        yield source, item, None
    for source, item in export.intercom:
        own = str(item.get("default_locale") or "")
        yield source, item, own
        translated = item.get("translated_content")
        for locale, version in translated.items() if isinstance(translated, dict) else ():
            if isinstance(version, dict) and locale not in (own, "type"):
                shared = {name: item.get(name) for name in ("id", "parent_id", "tags")}
                yield f"{source} {locale}", {**version, **shared, "default_title": item.get("title")}, str(locale)


def _collect(source: str, place: str, value: object, export: Export, *, depth: int) -> None:
    if depth > _DEPTH_MAX:
        export.skipped.append(FileNote(f"{source}#{place}", "It nests too deep for a list of articles."))
    elif isinstance(value, list):
        if len(value) > ITEMS_MAX:
            raise InvalidInputError("too_many_items", f"It holds more than {ITEMS_MAX} items; import it in parts.")
        for number, item in enumerate(value, 1):
            _collect(source, f"{place}.{number}".lstrip("."), item, export, depth=depth + 1)
    elif isinstance(value, dict):
        _collect_object(source, place, value, export, depth=depth)
    else:
        export.skipped.append(FileNote(f"{source}#{place}", "It is no object with named values."))


def _collect_object(source: str, place: str, item: dict[str, Any], export: Export, *, depth: int) -> None:
    where = f"{source}#{place}" if place else source
    inner = [item[name] for name in _LISTS if isinstance(item.get(name), list)]
    if isinstance(item.get("data"), dict):
        inner.append(item["data"])
    if isinstance(item.get("article"), dict):
        inner.append([item["article"]])
    for name in _NAME_LISTS:
        for named in item[name] if isinstance(item.get(name), list) else ():
            _collect_name(named, export)
    if item.get("type") in ("collection", "section", "help_center"):
        _collect_name(item, export)
    elif inner:
        for value in inner:
            _collect(source, place, value, export, depth=depth + 1)
        for version in item.get("translations") or () if "articles" not in item else ():
            _collect(source, place, version, export, depth=depth + 1)
    elif item.get("type") == "article" or "translated_content" in item or "workspace_id" in item:
        export.intercom.append((where, item))
    elif "body" in item and ("locale" in item or "html_url" in item):
        export.zendesk.append((where, item))
        for version in item.get("translations") or ():
            if isinstance(version, dict) and version.get("locale") != item.get("locale"):
                shared = {name: item.get(name) for name in ("label_names", "section_id", "user_segment_id")}
                export.zendesk.append(
                    (f"{where} {version.get('locale')}", {**shared, **version, "source_id": item.get("id")})
                )
    elif is_pair(item):
        export.pairs.setdefault(source, []).append((where, item))
    elif not any(name in item for name in _NAME_LISTS):
        export.skipped.append(FileNote(where, "It is neither an article nor a question with its answer."))


def _collect_name(named: object, export: Export) -> None:
    if isinstance(named, dict) and isinstance(named.get("name"), str):
        export.names[str(named.get("id"))] = " ".join(named["name"].split())


def _build_zendesk(source: str, item: Json, _: str, export: Export, language: str) -> Page:
    number = _find_number(source, item)
    url = str(item.get("html_url") or "")
    is_restricted = item.get("user_segment_id") is not None
    return Page(
        source=source,
        place=f"{number}/{build_slug(export.titles[number])}",
        language=check_language(str(item.get("locale") or language)),
        content=build_content(
            item.get("title") or item.get("name"),
            _read_body(item),
            _read_tags([*_texts(item.get("label_names")), export.names.get(str(item.get("section_id")), "")]),
            (),
            "staff" if is_restricted else "everyone",
        ),
        permalink=path_of(url),
        addresses=(url, f"/articles/{number}") if url else (f"/articles/{number}",),
        status="draft" if item.get("draft") is True else "published",
        warnings=("Not everybody may read it there: imported for staff only.",) if is_restricted else (),
    )


def _build_intercom(source: str, item: Json, locale: str, export: Export, language: str) -> Page:
    number, url = str(item.get("id") or source), str(item.get("url") or "")
    tags = item.get("tags")
    named = [tag.get("name") for tag in _dicts(tags.get("tags") if isinstance(tags, dict) else tags)]
    status: ArticleStatus = "published" if item.get("state", "published") == "published" else "draft"
    return Page(
        source=source,
        place=f"{number}/{build_slug(str(item.get('default_title') or item.get('title') or number))}",
        language=check_language(locale or language),
        content=build_content(
            item.get("title"),
            _read_body(item),
            _read_tags([*_texts(named), export.names.get(str(item.get("parent_id")), "")]),
        ),
        permalink=path_of(url),
        addresses=(url, f"/articles/{number}") if url else (f"/articles/{number}",),
        status=status,
    )


def _find_number(source: str, item: Json) -> str:
    return str(item.get("source_id") or item.get("id") or source)


def _list_titles(items: Sequence[Item]) -> dict[str, str]:
    """Return the title that an article's translations share their slug by: the one in its own language, by number."""
    titles: dict[str, str] = {}
    for is_own in (True, False):
        for source, item in items:
            if not is_own or item.get("locale") in (item.get("source_locale"), None):
                number = _find_number(source, item)
                titles.setdefault(number, str(item.get("title") or number))
    return titles


def _read_body(item: Json) -> str:
    body = item.get("body")
    if not isinstance(body, str) or not body.strip():
        raise InvalidInputError("body_empty", "It has no body.")
    return convert_html(parse_html(body))


def _read_tags(names: Sequence[str]) -> list[str]:
    return [name[:TAG_MAX_CHARS] for name in dict.fromkeys(names) if name][:TAGS_MAX_COUNT]


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _read_lines(source: str, text: str, export: Export) -> Iterator[tuple[str, object]]:
    """Give each line's value; a line that is no JSON is reported, and spoils no other."""
    for number, line in enumerate(text.split("\n"), 1):
        if number > ITEMS_MAX:
            raise InvalidInputError("too_many_items", f"It holds more than {ITEMS_MAX} lines; import it in parts.")
        if line.strip():
            try:
                yield str(number), _decode(line)
            except InvalidInputError as exc:
                export.skipped.append(FileNote(f"{source}#{number}", exc.message))


def _decode(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, ValueError) as exc:
        raise InvalidInputError("json_invalid", f"It is not JSON: {exc}.") from exc
