"""What a saved page shows at a click only: the answers of accordions and all tabs but the first.

They are part of the article. What opens them, a button, becomes the heading of what it opens.
"""

from collections.abc import Iterator, Mapping

from bs4 import BeautifulSoup, Tag

from knowledge_base.importing.furniture import HEADINGS, is_mostly_linked

_TEXT = ["p", "li", "table", "pre", "dd"]
_BUTTONS = "button[aria-expanded], button[aria-controls], button[class*=accordion]"
_LEVEL_MAX = 6
# The longest list of questions that we met has 120; looking around each of thousands would take minutes.
_OPENERS_MAX = 500


def unfold(soup: BeautifulSoup) -> None:
    """Have every folded part stand below a heading of its own; what is hidden for other reasons goes."""
    by_id = {str(element["id"]): element for element in soup.select("[id]")}
    openers: dict[int, tuple[Tag, Tag]] = {}  # by panel, which has one name
    for opener, panel in (*_find_tabs(soup, by_id), *_find_accordions(soup, by_id)):
        if id(panel) not in openers and _has_text(panel) and not is_mostly_linked(panel):
            openers[id(panel)] = (opener, panel)
    # All levels first: the headings made here must not count as those above the next ones.
    levels = _find_levels(soup, openers)
    for opener, panel in openers.values():
        heading = soup.new_tag(f"h{levels[id(opener)]}", string=" ".join(opener.get_text(" ").split()))
        if opener.get("role") == "tab":
            panel.insert_before(heading)
            opener.decompose()
            continue
        if opener.find_parent(["dt", "li", "td"]):  # a heading would break a list or a table apart
            heading.name = "span" if opener.find_parent("dt") else "strong"
        opener.replace_with(heading)
    _remove_hidden(soup, set(openers))


def _find_tabs(soup: BeautifulSoup, by_id: Mapping[str, Tag]) -> Iterator[tuple[Tag, Tag]]:
    rows: list[tuple[Tag, list[Tag]]] = []
    for element in soup.select("[role=tablist], [role=tabpanel]"):
        if element["role"] == "tablist":
            rows.append((element, []))
        elif rows:
            rows[-1][1].append(element)
    for row, following in rows:
        openers = row.select("[role=tab]")
        in_order = following if len(following) == len(openers) else [None] * len(openers)
        for opener, next_panel in zip(openers, in_order, strict=True):
            panel = _find_controlled(opener, by_id) or next_panel
            if panel is not None and opener.get_text(strip=True):
                yield opener, panel


def _find_accordions(soup: BeautifulSoup, by_id: Mapping[str, Tag]) -> Iterator[tuple[Tag, Tag]]:
    for opener in soup.select(_BUTTONS, limit=_OPENERS_MAX):
        if opener.get("role") == "tab" or not opener.get_text(strip=True):
            continue
        if opener.find_parent([*HEADINGS, "summary"]):  # it has its heading
            continue
        panel = _find_controlled(opener, by_id) or _find_next(opener)
        if panel is not None:
            yield opener, panel


def _find_controlled(opener: Tag, by_id: Mapping[str, Tag]) -> Tag | None:
    name = str(opener.get("aria-controls") or opener.get("data-bs-target") or opener.get("href") or "")
    found = by_id.get(name.lstrip("#"))
    return found if found is not opener else None


def _find_next(opener: Tag) -> Tag | None:
    """Return the element after a button, or after what holds nothing but the button."""
    element, words = opener, opener.get_text(strip=True)
    while element.parent is not None and element.find_next_sibling() is None:
        if element.parent.get_text(strip=True) != words:
            return None
        element = element.parent
    return element.find_next_sibling()


def _remove_hidden(soup: BeautifulSoup, kept: set[int]) -> None:
    for element in soup.select("[hidden], [aria-hidden=true]"):
        if element.decomposed or id(element) in kept:
            continue
        # What is inside of a part that stays is none of the site's menus.
        is_inside = any(id(part) in kept for part in element.parents)
        if _has_text(element) and (is_inside or not is_mostly_linked(element)):
            kept.add(id(element))
        else:
            element.decompose()


def _has_text(element: Tag) -> bool:
    is_named = element.get("role") in ("region", "tabpanel")
    return is_named or element.name in _TEXT[1:] or element.find(_TEXT) is not None


def _find_levels(soup: BeautifulSoup, openers: Mapping[int, tuple[Tag, Tag]]) -> dict[int, int]:
    """Return for each opener the level below the heading above it, those inside other folded parts left out."""
    wanted = {id(opener) for opener, _ in openers.values()}
    levels: dict[int, int] = {}
    above = 1
    for element in soup.find_all(True):
        if element.name in HEADINGS and not any(id(part) in openers for part in element.parents):
            above = int(element.name[1])
        elif id(element) in wanted:
            levels[id(element)] = min(above + 1, _LEVEL_MAX)
    return levels
