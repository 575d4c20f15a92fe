"""A folder of Markdown files as articles: plain ones, and those of a Jekyll site.

Reads everything before it returns anything, so that an import is whole or does not happen. A file that cannot
be an article is reported with the reason; nothing that a file holds raises.
"""

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from knowledge_base.article import (
    TAG_MAX_CHARS,
    TAGS_MAX_COUNT,
    ArticleContent,
    ArticleDraft,
    build_content,
    build_draft,
    build_slug,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.front_matter import parse_markdown_file
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.kramdown import strip_kramdown
from knowledge_base.importing.liquid import resolve_liquid

FILES_MAX = 20_000
FILE_MAX_BYTES = 1_000_000
_SUFFIXES = (".md", ".markdown")
# File names that only say where they are, so that the folder's name has to say what they are about.
_PLACE_NAMES = {"index", "overview", "readme", "home", "faq", "about"}
_LANGUAGE_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko "
    "ky lo lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz "
    "vi xh yo zh zu"
)
_LANGUAGES = frozenset(_LANGUAGE_CODES.split())
_LANGUAGE_SUFFIX = re.compile(r"^(.+?)\._?([a-z]{2})(?:[-_][A-Za-z]{2,4})?$")
_FIRST_HEADING = re.compile(r"\A\s*# +(.+?)\s*#*\s*(?:\n|\Z)")
_LINK = re.compile(r"(\]\()([^)\s]+)")


@dataclass(frozen=True, slots=True)
class FileNote:
    """Something to know about one file, by its path within the folder."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class FolderImport:
    """What a folder holds: articles, files that are none, and what was left out of articles."""

    drafts: tuple[ArticleDraft, ...]
    skipped: tuple[FileNote, ...]
    notes: tuple[FileNote, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    """A file that was read: where it lies, in which language, and what it says."""

    source: str
    place: str
    language: str
    content: ArticleContent
    permalink: str
    addresses: tuple[str, ...]
    left_out: tuple[str, ...]


def read_markdown_folder(folder: Path, *, language: str = "en", site_url: str = "") -> FolderImport:
    """Read all Markdown files below a folder, in the order of their paths.

    `language` is that of files that do not tell; with `site_url` the pages keep their own address.

    Raises:
        InvalidInputError: if the folder is missing, or holds no or far too many Markdown files.
    """
    pages: list[_Page] = []
    skipped: list[FileNote] = []
    for source in _list_files(folder):
        try:
            pages.append(_read_page(folder / source, source, language))
        except InvalidInputError as exc:
            skipped.append(FileNote(source, exc.message))
        except OSError as exc:
            skipped.append(FileNote(source, f"The file cannot be read ({exc.strerror})."))
    drafts, clashing = _build_drafts(pages, site_url.rstrip("/"))
    notes = [FileNote(p.source, "Left out: " + ", ".join(p.left_out)) for p in pages if p.left_out]
    return FolderImport(tuple(drafts), tuple(skipped + clashing), tuple(notes))


def _list_files(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InvalidInputError("folder_missing", f"There is no folder {folder}.")
    found: list[str] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            (Path(root) / name).relative_to(folder).as_posix()
            for name in names
            if name.lower().endswith(_SUFFIXES) and not name.startswith(".")
        ]
    if not found or len(found) > FILES_MAX:
        raise InvalidInputError(
            "folder_unsuitable", f"{folder} holds {len(found)} Markdown files; from 1 to {FILES_MAX} can be imported."
        )
    return sorted(found)


def _read_page(path: Path, source: str, default_language: str) -> _Page:
    file = parse_markdown_file(_read_text(path))
    fields = file.fields
    if fields.get("published") is False or fields.get("draft") is True:
        raise InvalidInputError("not_published", "The front matter says that it is not published.")
    body, left_out = resolve_liquid(file.body, fields)
    body = convert_html_blocks(strip_kramdown(body))
    title = fields.get("title")
    if title is None and (heading := _FIRST_HEADING.match(body)):
        title, body = heading.group(1), body[heading.end() :]
    if title is None:
        raise InvalidInputError("title_missing", "It has neither a title in front matter nor a first heading.")
    place, language = _locate(source, fields, default_language)
    permalink = fields.get("permalink")
    return _Page(
        source=source,
        place=place,
        language=language,
        content=build_content(str(title), body, _read_tags(fields), _read_list(fields.get("phrasings"))),
        permalink=permalink if isinstance(permalink, str) else "",
        addresses=tuple(_read_list(permalink) + _read_list(fields.get("redirect_from"))),
        left_out=left_out,
    )


def _read_text(path: Path) -> str:
    if path.is_symlink():
        raise InvalidInputError("file_linked", "It is a symbolic link; only real files are imported.")
    size = path.stat().st_size
    if size > FILE_MAX_BYTES:
        raise InvalidInputError("file_too_big", f"It has {size} bytes; {FILE_MAX_BYTES} is the most.")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInputError(
            "file_encoding", f"It is not UTF-8 (byte {exc.start}); save it in that encoding."
        ) from exc


def _locate(source: str, fields: Mapping[str, Any], default: str) -> tuple[str, str]:
    """Return the path without what tells the language, and the language."""
    parts = source.rpartition(".")[0].split("/")
    language = next((str(fields[name]) for name in ("lang", "language", "locale") if fields.get(name)), "")
    suffixed = _LANGUAGE_SUFFIX.match(parts[-1])
    if suffixed and suffixed.group(2) in _LANGUAGES:
        parts[-1] = suffixed.group(1)
        language = language or suffixed.group(2)
    folder = next((part for part in parts[:-1] if part.lower() in _LANGUAGES), None)
    if folder is not None:
        parts.remove(folder)
        language = language or folder
    return "/".join(parts), (language or default).strip().lower()


def _build_drafts(pages: Sequence[_Page], site_url: str) -> tuple[list[ArticleDraft], list[FileNote]]:
    slugs = _choose_slugs({page.place for page in pages})
    links = _LinkTable(pages, slugs, site_url)
    drafts: dict[tuple[str, str], ArticleDraft] = {}
    skipped: list[FileNote] = []
    for page in pages:
        content = replace(page.content, body=links.rewrite(page))
        permalink = page.permalink
        if site_url and permalink.startswith("/"):
            permalink = site_url + permalink
        try:
            draft = build_draft(page.language, slugs[page.place], content, source=page.source, permalink=permalink)
        except InvalidInputError as exc:
            skipped.append(FileNote(page.source, exc.message))
            continue
        first = drafts.setdefault((draft.language, draft.slug), draft)
        if first is not draft:
            skipped.append(FileNote(page.source, f"{first.source} is the same article in the same language."))
    return list(drafts.values()), skipped


def _choose_slugs(places: Iterable[str]) -> dict[str, str]:
    """Return a slug for each place: the file's name, with its folder's in front where that says too little."""
    names = Counter(build_slug(place.rpartition("/")[2]) for place in set(places))
    slugs = {}
    for place in places:
        parts = place.split("/")
        name = build_slug(parts[-1])
        is_telling = names[name] == 1 and name not in _PLACE_NAMES
        slugs[place] = name if is_telling else build_slug("-".join(parts[-2:]))
    doubles = Counter(slugs.values())
    return {place: slug if doubles[slug] == 1 else build_slug(place.replace("/", "-")) for place, slug in slugs.items()}


class _LinkTable:
    """Where the pages' links lead after the import."""

    def __init__(self, pages: Sequence[_Page], slugs: Mapping[str, str], site_url: str) -> None:
        self._site_url = site_url
        self._languages: dict[str, set[str]] = {}
        self._targets: dict[str, tuple[str, str]] = {}
        for page in pages:
            target = (page.language, slugs[page.place])
            self._languages.setdefault(target[1], set()).add(page.language)
            for address in page.addresses:
                self._targets.setdefault(_normalise(address), target)
            self._targets[_normalise(page.source)] = target

    def rewrite(self, page: _Page) -> str:
        """Return the page's body with its links to other pages leading to Baton's help pages."""
        return _LINK.sub(lambda found: found.group(1) + self._resolve(found.group(2), page), page.content.body)

    def _resolve(self, address: str, page: _Page) -> str:
        if re.match(r"[a-z][a-z0-9+.-]*:|//|#", address, re.I):
            return address
        path, mark, anchor = address.partition("#")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        target = self._targets.get(_normalise(path)) or self._targets.get(_normalise(beside))
        if target is None:
            return self._site_url + address if address.startswith("/") else address
        language, slug = target
        if page.language in self._languages[slug]:
            language = page.language
        return f"/help/{language}/{slug}{mark}{anchor}"


def _normalise(address: str) -> str:
    return "/" + address.strip().strip("/").removesuffix("index.html").removesuffix(".html").strip("/").lower()


def _read_tags(fields: Mapping[str, Any]) -> list[str]:
    tags = [tag for name in ("tags", "category", "categories", "keywords") for tag in _read_list(fields.get(name))]
    return [tag[:TAG_MAX_CHARS] for tag in dict.fromkeys(tags)][:TAGS_MAX_COUNT]


def _read_list(value: object) -> list[str]:
    """Return a front matter value as texts: a list, or one text with commas (tags are written both ways)."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        return [str(item).strip() for item in value if isinstance(item, str | int | float) and str(item).strip()]
    return []
