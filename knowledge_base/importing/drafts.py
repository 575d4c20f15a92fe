"""All pages of an import as articles: which slug each gets, and what is the same article twice. Pure."""

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from knowledge_base.article import ArticleDraft, build_draft, build_slug
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.links import LinkTable
from knowledge_base.importing.pages import Page
from knowledge_base.importing.places import settle_places, warn_of_languages
from knowledge_base.importing.reading import FileNote

# File names that only say where they are, so that the folder's name has to say what they are about.
_PLACE_NAMES = {"index", "overview", "readme", "home", "faq", "about"}


def build_drafts(
    pages: Sequence[Page], *, language: str, site_url: str
) -> tuple[list[ArticleDraft], list[FileNote], list[FileNote]]:
    """Return the articles, the pages that are none, and what to look at; `language` is the default one."""
    pages = settle_places(pages, language)
    slugs = _choose_slugs(pages, language)
    links = LinkTable(pages, slugs, site_url.rstrip("/"))
    drafts: list[ArticleDraft] = []
    firsts: dict[tuple[str, str, bool], Page] = {}
    skipped: list[FileNote] = []
    warnings = warn_of_languages(pages, language)
    for page in sorted(pages, key=lambda page: page.status == "draft"):
        try:
            draft, doubts = _build_draft(page, slugs[page.place], links)
        except InvalidInputError as exc:
            skipped.append(FileNote(page.source, exc.message))
            continue
        # A published article may come with a newer draft of itself.
        key = (draft.language, draft.slug, draft.status == "draft")
        if key in firsts:
            skipped.append(FileNote(page.source, _describe_clash(page, draft.slug, firsts[key])))
        else:
            firsts[key] = page
            drafts.append(draft)
            warnings += [FileNote(page.source, warning) for warning in (*page.warnings, *doubts)]
    return drafts, skipped, warnings


def _describe_clash(page: Page, slug: str, first: Page) -> str:
    if page.place == first.place:
        return f"{first.source} is the same article in the same language."
    return f'{first.source} has the slug "{slug}" in the same language; give one of them another.'


def _build_draft(page: Page, slug: str, links: LinkTable) -> tuple[ArticleDraft, tuple[str, ...]]:
    """Return the article, and what to look at in its links."""
    content, permalink = page.content, page.permalink
    doubts: tuple[str, ...] = ()
    if not page.is_verbatim:
        body, doubts = links.rewrite(page)
        content, permalink = replace(content, body=body), links.complete(permalink)
    draft = build_draft(page.language, slug, content, source=page.source, permalink=permalink, status=page.status)
    return draft, doubts


def _choose_slugs(pages: Sequence[Page], language: str) -> dict[str, str]:
    """Return a slug for each place: one that a page asks for (in the default language, if it does), or its path's."""
    asking: dict[str, Page] = {}
    for page in sorted(pages, key=lambda page: page.language != language):
        if page.slug:
            asking.setdefault(page.place, page)
    wanted = {place: page.slug for place, page in asking.items()}
    wanted |= _tell_apart([asking[place] for place in _find_rivals(pages, wanted)])
    slugs = _name_places({page.place for page in pages} - wanted.keys(), frozenset(wanted.values()))
    return slugs | wanted


def _find_rivals(pages: Sequence[Page], wanted: Mapping[str, str]) -> list[str]:
    """Return the places that want the slug of another one in the same language; what Baton wrote keeps its slug."""
    takers: dict[tuple[str, str, bool], set[str]] = {}
    for page in pages:
        if page.place in wanted:
            key = (wanted[page.place], page.language, page.status == "draft")
            takers.setdefault(key, set()).add(page.place)
    shared = {slug for (slug, _, _), places in takers.items() if len(places) > 1}
    own = {page.place for page in pages if page.is_verbatim}
    return [place for place, slug in wanted.items() if slug in shared and place not in own]


def _tell_apart(pages: Sequence[Page]) -> dict[str, str]:
    """Return a slug for each page's place that has the folder in front, or all folders where one is not enough."""
    paths = {page.place: page.slug_path or posixpath.join(posixpath.dirname(page.place), page.slug) for page in pages}
    slugs = {place: build_slug("-".join(path.strip("/").split("/")[-2:])) for place, path in paths.items()}
    doubles = Counter(slugs.values())
    return {
        place: slug if doubles[slug] == 1 else build_slug(paths[place].replace("/", "-"))
        for place, slug in slugs.items()
    }


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
