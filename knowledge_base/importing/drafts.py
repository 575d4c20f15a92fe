"""All pages of an import as articles: which slug each gets, and what is the same article twice. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from knowledge_base.article import ArticleDraft, build_draft, build_slug
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.links import LinkTable
from knowledge_base.importing.pages import Page
from knowledge_base.importing.reading import FileNote

# File names that only say where they are, so that the folder's name has to say what they are about.
_PLACE_NAMES = {"index", "overview", "readme", "home", "faq", "about"}


def build_drafts(
    pages: Sequence[Page], *, language: str, site_url: str
) -> tuple[list[ArticleDraft], list[FileNote], list[FileNote]]:
    """Return the articles, the pages that are none, and what to look at; `language` is the default one."""
    slugs = _choose_slugs(pages, language)
    links = LinkTable(pages, slugs, site_url.rstrip("/"))
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


def _build_draft(page: Page, slug: str, links: LinkTable) -> ArticleDraft:
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
