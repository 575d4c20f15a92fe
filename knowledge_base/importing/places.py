"""What the places of pages mean, once all are known: which roots and languages stand in them. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from knowledge_base.importing.pages import Page, is_language, split_root
from knowledge_base.importing.reading import FileNote

# Codes that are as well an English word, or what a company calls a department.
_AMBIGUOUS = {"hr", "id", "is", "it", "my", "no", "pa", "so"}


def settle_places(pages: Sequence[Page], language: str) -> list[Page]:
    """Return the pages with places that their translations share; `language` is the default one."""
    return _strip_roots(_find_languages(pages, language))


def warn_of_languages(pages: Sequence[Page], language: str) -> list[FileNote]:
    """Name the folders whose articles were taken for another language, and whose names may mean something else."""
    counts: Counter[tuple[str, str]] = Counter()
    for page in pages:
        folders = page.source.split("/")[:-1]
        if page.language in _AMBIGUOUS and page.language != language and page.language in folders:
            counts["/".join(folders[: folders.index(page.language) + 1]), page.language] += 1
    return [
        FileNote(
            f"{folder}/",
            f'Its articles ({count}) were read as language "{code}"; write the folder in capitals if it is none.',
        )
        for (folder, code), count in sorted(counts.items())
    ]


def _find_languages(pages: Sequence[Page], language: str) -> list[Page]:
    """Take two-letter folders further down for languages if the same path lies in another language, too, somewhere."""
    found: dict[str, set[str]] = {}
    for page in pages:
        path, code = _split_language(page)
        found.setdefault(path, set()).add(code or page.language)
    proven = {code for codes in found.values() if len(codes) > 1 for code in codes}
    settled = []
    for page in pages:
        path, code = _split_language(page)
        if code in proven and page.language in (code, language):
            page = replace(page, place=path, language=code)
        settled.append(page)
    return settled


def _split_language(page: Page) -> tuple[str, str]:
    """Return a page's place without the first folder that could be a language, and that language; empty if none."""
    parts = page.place.split("/")
    codes = (number for number, part in enumerate(parts[:-1]) if len(part) == 2 and is_language(part))
    number = next(codes, None)
    if number is None or page.is_verbatim:
        return page.place, ""
    return "/".join(parts[:number] + parts[number + 1 :]), parts[number]


def _strip_roots(pages: Sequence[Page]) -> list[Page]:
    """Take the site's roots off the places: not where pages of one language would come to lie on each other."""
    roots: dict[tuple[str, str], set[str]] = {}
    for page in pages:
        root, path = split_root(page.place)
        roots.setdefault((path, page.language), set()).add(root)
    torn = {path for (path, _), found in roots.items() if len(found) > 1}
    stripped = []
    for page in pages:
        root, path = split_root(page.place)
        stripped.append(replace(page, place=f"{root}/{path}" if root and path in torn else path))
    return stripped
