"""What a saved page shows at a click only: the answers of accordions and all tabs but the first.

They are part of the article. What opens them, a button, becomes the heading of what it opens.
"""

from collections.abc import Iterator

from bs4 import BeautifulSoup, Tag

from knowledge_base.importing.furniture import is_mostly_linked

_HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
_TEXT = ["p", "li", "table", "pre", "dd"]
_BUTTONS = "button[aria-expanded], button[aria-controls], button[class*=accordion]"
_LEVEL_MAX = 6


def unfold(soup: BeautifulSoup) -> None:
    """Have every folded part stand below a heading of its own; what is hidden for other reasons goes."""
    pairs = [*_find_tabs(soup), *_find_accordions(soup)]
    panels = {id(panel) for _, panel in pairs}
    # All levels first: the headings made here must not count as those above the next ones.
    levels = [_level_above(opener, panels) + 1 for opener, _ in pairs]
    for (opener, panel), level in zip(pairs, levels, strict=True):
        heading = soup.new_tag(f"h{min(level, _LEVEL_MAX)}", string=" ".join(opener.get_text(" ").split()))
        if opener.get("role") == "tab":
            panel.insert_before(heading)
            opener.decompose()
            continue
        if opener.find_parent(["dt", "li", "td"]):  # a heading would break a list or a table apart
            heading.name = "span" if opener.find_parent("dt") else "strong"
        opener.replace_with(heading)
    for element in soup.select("[hidden], [aria-hidden=true]"):
        if not element.decomposed and id(element) not in panels and not _is_text(element):
            element.decompose()


def _find_tabs(soup: BeautifulSoup) -> Iterator[tuple[Tag, Tag]]:
    for tabs in soup.select("[role=tablist]"):
        openers = tabs.select("[role=tab]")
        shown = next((list(all_) for part in tabs.parents if (all_ := part.select("[role=tabpanel]"))), [])
        for number, opener in enumerate(openers):
            panel = _find_controlled(soup, opener) or (shown[number] if len(shown) == len(openers) else None)
            if panel is not None and opener.get_text(strip=True):
                yield opener, panel


def _find_accordions(soup: BeautifulSoup) -> Iterator[tuple[Tag, Tag]]:
    for opener in soup.select(_BUTTONS):
        if opener.get("role") == "tab" or not opener.get_text(strip=True):
            continue
        if opener.find_parent([*_HEADINGS, "summary"]):  # it has its heading
            continue
        panel = _find_controlled(soup, opener) or _find_next(opener)
        if panel is not None and _is_text(panel):
            yield opener, panel


def _find_controlled(soup: BeautifulSoup, opener: Tag) -> Tag | None:
    name = str(opener.get("aria-controls") or opener.get("data-bs-target") or opener.get("href") or "").lstrip("#")
    found = soup.find(id=name) if name else None
    return found if isinstance(found, Tag) else None


def _find_next(opener: Tag) -> Tag | None:
    """Return the element after a button, or after what holds nothing but the button."""
    element, words = opener, opener.get_text(strip=True)
    while element.parent is not None and element.find_next_sibling() is None:
        if element.parent.get_text(strip=True) != words:
            return None
        element = element.parent
    return element.find_next_sibling()


def _is_text(element: Tag) -> bool:
    is_named = element.get("role") in ("region", "tabpanel")
    return (is_named or element.name in _TEXT[1:] or element.find(_TEXT) is not None) and not is_mostly_linked(element)


def _level_above(element: Tag, panels: set[int]) -> int:
    """Return the level of the heading that a folded part stands below, headings inside others left out."""
    for heading in element.find_all_previous(_HEADINGS):
        if not any(id(part) in panels for part in heading.parents):
            return int(heading.name[1])
    return 1
