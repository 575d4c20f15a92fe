"""Pages as articles: which language, which slug, and where links between pages lead after the import.

A reader turns one file into a `Page`; what depends on all pages together is decided here. Pure.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from knowledge_base.article import (
    SLUG_MAX_CHARS,
    ArticleContent,
    ArticleDraft,
    ArticleStatus,
    build_draft,
    build_slug,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.reading import FileNote

# File names that only say where they are, so that the folder's name has to say what they are about.
_PLACE_NAMES = {"index", "overview", "readme", "home", "faq", "about"}
_LANGUAGE_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko "
    "ky lo lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz "
    "vi xh yo zh zu"
)
_LANGUAGES = frozenset(_LANGUAGE_CODES.split())
_LANGUAGE_SUFFIX = re.compile(r"^(.+?)\._?([a-z]{2})(?:[-_][A-Za-z]{2,4})?$")
_LANGUAGE_FOLDER = re.compile(r"^([a-z]{2})(?:[-_](?:[A-Za-z]{2}|Hans|Hant|Latn|Cyrl))?$", re.I)
# Where Docusaurus and Hugo keep pages: the same page has the same path below these, in every language.
_ROOTS = re.compile(r"^(?:i18n/)?(?:docusaurus-plugin-content-docs[\w-]*/current|docs|content)/")
_REGION = re.compile(r"(?<=^[a-z]{2})[-_][a-z0-9_-]{1,20}$")
_LINK = re.compile(r"(\]\()([^)\s]+)")
_NUMBERED = re.compile(r"(?:/hc)?(?:/[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)?/articles/(\d+)(?:-[^/]*)?$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.I)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read: where it lies, in which language, and what it says.

    `place` is what its translations share; `slug`, if given, what it wants to be called; `addresses` are
    where other pages find it. A page that Baton wrote itself is `is_verbatim`: its links are right already.
    """

    source: str
    place: str
    language: str
    content: ArticleContent
    slug: str = ""
    permalink: str = ""
    addresses: tuple[str, ...] = ()
    status: ArticleStatus | None = None
    warnings: tuple[str, ...] = ()
    is_verbatim: bool = False


def locate(source: str, told: str, default: str) -> tuple[str, str]:
    """Return the path without suffix and without what tells the language, and the language (`told` goes first)."""
    name = source.removesuffix(".txt")
    parts = (name.rpartition(".")[0] or name).split("/")
    language = told
    suffixed = _LANGUAGE_SUFFIX.match(parts[-1])
    if suffixed and suffixed.group(2) in _LANGUAGES:
        parts[-1] = suffixed.group(1)
        language = language or suffixed.group(2)
    for number, part in enumerate(parts[:-1]):
        found = _LANGUAGE_FOLDER.match(part)
        if found and found.group(1).lower() in _LANGUAGES:
            del parts[number]
            language = language or found.group(1)
            break
    return _ROOTS.sub("", "/".join(parts)), _REGION.sub("", (language or default).strip().lower())


def build_drafts(
    pages: Sequence[Page], *, language: str, site_url: str
) -> tuple[list[ArticleDraft], list[FileNote], list[FileNote]]:
    """Return the articles, the pages that are none, and what to look at; `language` is the default one."""
    slugs = _choose_slugs(pages, language)
    links = _LinkTable(pages, slugs, site_url.rstrip("/"))
    drafts: dict[tuple[str, str, bool], ArticleDraft] = {}
    skipped: list[FileNote] = []
    warnings: list[FileNote] = []
    for page in sorted(pages, key=lambda page: page.status == "draft"):
        try:
            draft = _build_draft(page, slugs[page.place], links)
        except InvalidInputError as exc:
            skipped.append(FileNote(page.source, exc.message))
            continue
        # A published article may come with a newer draft of itself.
        first = drafts.setdefault((draft.language, draft.slug, draft.status == "draft"), draft)
        if first is not draft:
            skipped.append(FileNote(page.source, f"{first.source} is the same article in the same language."))
        else:
            warnings += [FileNote(page.source, warning) for warning in page.warnings]
    return list(drafts.values()), skipped, warnings


def _build_draft(page: Page, slug: str, links: "_LinkTable") -> ArticleDraft:
    if page.is_verbatim:
        return build_draft(
            page.language,
            slug,
            page.content,
            source=page.source,
            permalink=page.permalink,
            status=page.status,
        )
    return build_draft(
        page.language,
        slug,
        replace(page.content, body=links.rewrite(page)),
        source=page.source,
        permalink=links.complete(page.permalink),
        status=page.status,
    )


def _choose_slugs(pages: Sequence[Page], language: str) -> dict[str, str]:
    """Return a slug for each place: one that a page asks for (in the default language, if it does), or its path's."""
    wanted: dict[str, str] = {}
    for page in sorted(pages, key=lambda page: page.language != language):
        if page.slug:
            wanted.setdefault(page.place, page.slug)
    slugs = _name_places({page.place for page in pages} - wanted.keys(), frozenset(wanted.values()))
    return slugs | wanted


def _name_places(places: Iterable[str], taken: frozenset[str]) -> dict[str, str]:
    """Return a slug for each place: the file's name, with its folder's in front where that says too little."""
    names = Counter(build_slug(place.rpartition("/")[2]) for place in places)
    slugs = {}
    for place in places:
        parts = place.split("/")
        name = build_slug(parts[-1])
        is_telling = names[name] == 1 and name not in _PLACE_NAMES and name not in taken
        slugs[place] = name if is_telling else build_slug("-".join(parts[-2:]))
    doubles = Counter(slugs.values())
    return {place: slug if doubles[slug] == 1 else build_slug(place.replace("/", "-")) for place, slug in slugs.items()}


def clean_slug(value: object) -> str:
    """Return a slug from what a file asks for: the last part of a path; empty if there is nothing in it."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    last = text.strip().strip("/").rpartition("/")[2]
    return build_slug(last)[:SLUG_MAX_CHARS].strip("-") if re.search(r"\w", last) else ""


class _LinkTable:
    """Where the pages' links lead after the import."""

    def __init__(self, pages: Sequence[Page], slugs: Mapping[str, str], site_url: str) -> None:
        self._site_url = site_url
        self._languages: dict[str, set[str]] = {}
        self._targets: dict[str, tuple[str, str]] = {}
        for page in pages:
            target = (page.language, slugs[page.place])
            self._languages.setdefault(target[1], set()).add(page.language)
            for address in page.addresses:
                self._targets.setdefault(_normalise(address), target)
            self._targets[_normalise(page.source)] = target

    def rewrite(self, page: Page) -> str:
        """Return the page's body with its links to other pages leading to Baton's help pages."""
        return _LINK.sub(lambda found: found.group(1) + self._resolve(found.group(2), page), page.content.body)

    def complete(self, permalink: str) -> str:
        """Return a page's own address as it is stored: with the site in front, if one was named."""
        return self._site_url + permalink if self._site_url and permalink.startswith("/") else permalink

    def _resolve(self, address: str, page: Page) -> str:
        path, mark, anchor = address.partition("#")
        if _SCHEME.match(address):
            target = self._targets.get(_normalise(path)) if path.startswith("http") else None
            return self._describe(target, page, mark + anchor) if target else address
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        target = self._targets.get(_normalise(path)) or self._targets.get(_normalise(beside))
        if target is None:
            return self._site_url + address if address.startswith("/") else address
        return self._describe(target, page, mark + anchor)

    def _describe(self, target: tuple[str, str], page: Page, anchor: str) -> str:
        language, slug = target
        if page.language in self._languages[slug]:
            language = page.language
        return f"/help/{language}/{slug}{anchor}"


def _normalise(address: str) -> str:
    # Help centres find an article by its number; the words behind it change with the title, the language before it too.
    text = _NUMBERED.sub(r"/articles/\1", address.strip().partition("?")[0])
    if text.startswith(("http://", "https://")):
        return text.partition(":")[2].rstrip("/").lower()
    return "/" + text.strip("/").removesuffix("index.html").removesuffix(".html").strip("/").lower()


def path_of(url: str) -> str:
    """Return the path of an absolute address, as it is kept for an imported article; empty if it has none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return path if path.startswith("/") and len(path) > 1 else ""
