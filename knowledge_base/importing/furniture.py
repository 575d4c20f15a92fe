"""What stands around an article on a saved page: menus, banners, share buttons, comments. All of it goes.

Looks at an element's tag, role and names. A name alone is weak evidence, since many programs write a heading's words
on the section below it ("share-a-folder", "clear-cookies"): where it is in doubt, the text stays.
"""

import re
from collections.abc import Iterable

from bs4 import BeautifulSoup, Tag

_BY_TAG = "nav, footer, dialog, [role=navigation], [role=contentinfo], [role=search], [role=dialog], [role=alertdialog]"
_BY_NAME = ["div", "aside", "section", "ul", "ol", "p", "header", "table"]
_ENDING = (
    "(?:[-_]+(?:area|articles?|banner|bar|block|box|buttons?|consent|container|content|counts?|form|icons?|inner|items?|"
    "links?|list|nav|navigation|notice|pages?|popup|posts?|section|toggle|widget|wrapper))"
)
_CERTAIN_NAME = re.compile(
    r"(?:[a-z]+[-_]+){0,2}(?:"
    rf"(?:breadcrumbs?|sidebar|toc|table-of-contents|pagination|pager|navbar|skip-link){_ENDING}?|"
    rf"(?:share|sharing|social|cookies?|skip|feedback|votes?|voting|related|comments?|newsletter|menu){_ENDING})",
    re.I,
)
_LIKELY_NAME = re.compile(
    r"(?:(?:article|page|post|site|main|top|left|right)[-_]+)?"
    r"(?:share|sharing|social|cookies?|skip|feedback|votes?|related|comments?|newsletter|menu)",
    re.I,
)
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_LINKED_SHARE_MAX = 0.5


def remove_furniture(soup: BeautifulSoup) -> None:
    """Take out of a page what is no article by its tag, its role or its name."""
    for element in soup.select(_BY_TAG):
        element.decompose()
    kept: set[int] = set()
    for element in soup.find_all(_BY_NAME):
        if element.decomposed:  # it stood in another one
            continue
        names = _names(element)
        is_certain = any(_CERTAIN_NAME.fullmatch(name) for name in names)
        if not is_certain and not any(_LIKELY_NAME.fullmatch(name) for name in names):
            continue
        # Comments and cookie banners have headings, too, but never the page's own.
        has_own = element.find("h1" if is_certain else HEADINGS[:3]) is not None or _is_named_by_heading(element)
        is_inside = any(id(part) in kept for part in element.parents)
        if has_own and (is_inside or not is_mostly_linked(element)):
            kept.add(id(element))
        else:
            element.decompose()


def is_mostly_linked(element: Tag) -> bool:
    """Tell whether an element's words, but for its headings, are links for the greater part, as a menu's are."""
    links = [link for link in element.find_all("a") if link.find_parent(HEADINGS) is None]
    all_chars = _count_chars([element]) - _count_chars(element.find_all(HEADINGS))
    return _count_chars(links) > _LINKED_SHARE_MAX * all_chars


def _count_chars(elements: Iterable[Tag]) -> int:
    return sum(len(element.get_text(strip=True)) for element in elements)


def _names(element: Tag) -> list[str]:
    names = [str(name) for name in element.get("class") or ()]
    # Sphinx, docutils and pandoc name a section by its heading.
    is_section = element.name == "section" or "section" in names
    return names if is_section or not element.get("id") else [*names, str(element["id"])]


def _is_named_by_heading(element: Tag) -> bool:
    heading = element.find(HEADINGS)
    return heading is not None and _slug(heading.get_text(" ")) == _slug(str(element.get("id") or ""))


def _slug(text: str) -> str:
    return "-".join(re.findall(r"[^\W_]+", text.lower()))
