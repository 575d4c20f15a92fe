"""One HTML file as a page: a help article among menus, banners and footers, as saved from a browser or a site."""

import re

from bs4 import BeautifulSoup, Tag
from bs4.dammit import UnicodeDammit

from knowledge_base.article import build_content
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.folded_parts import unfold
from knowledge_base.importing.furniture import remove_furniture
from knowledge_base.importing.html_markdown import convert_html, parse_html
from knowledge_base.importing.pages import Page, locate, path_of

_CONTENTS = (
    "[itemprop=articleBody]", ".article-body", ".article__body", "main article", "article", "main", "[role=main]",
    "#content", "#main", "#main-content", ".content", "body",
)  # fmt: skip
# What holds an article together with its heading, the widest one first.
_MAINS = ("main", "[role=main]", "article", "#main", "#main-content", "#content")
_NOT_READ = "[role=banner], a.headerlink, a.anchor, button:not(h1 *, h2 *, h3 *, h4 *, h5 *, h6 *, summary *)"
_SITE_NAME = re.compile(r"\s+[|–—·»]\s+[^|–—·»]+$|\s+-\s+[^-]+$")
_LINKED_SHARE_MAX = 0.7
_LINKED_MIN_CHARS = 200


def read_html_page(source: str, data: bytes, language: str) -> Page:
    """Read a file; `language` is the one of pages that do not tell.

    Raises:
        InvalidInputError: if it cannot be an article.
    """
    decoded = UnicodeDammit(data, is_html=True)
    if decoded.unicode_markup is None:
        raise InvalidInputError("file_encoding", "No known encoding fits it; save it as UTF-8.")
    soup = parse_html(decoded.unicode_markup)
    remove_furniture(soup)
    title = _find_title(soup)
    if not title:
        raise InvalidInputError("title_missing", "It has neither a heading nor a <title>.")
    unfold(soup)
    content = _find_content(soup)
    _check_not_index(content)
    html = soup.find("html")
    told = str(html.get("lang") or "") if isinstance(html, Tag) else ""
    address = _find_address(soup)
    place, language = locate(source, told, language)
    return Page(
        source=source,
        place=place,
        language=language,
        content=build_content(title, convert_html(content)),
        permalink=path_of(address),
        addresses=(address, path_of(address)) if address else (),
        warnings=("Some bytes are in no known encoding and became �.",)
        if decoded.contains_replacement_characters
        else (),
    )


def _find_title(soup: BeautifulSoup) -> str:
    """Return the first heading's words, which go out of the text, or the page's title without the site's name.

    The heading of the main part goes first: above it there may be one with the site's name.
    """
    mains = [found[0] for selector in _MAINS if len(found := soup.select(selector, limit=2)) == 1]
    for heading in (heading for part in (*mains, soup) for heading in part.find_all("h1")):
        if words := " ".join(heading.get_text(" ").replace("¶", "").split()):
            heading.decompose()
            return words
    if soup.title is None:
        return ""
    words = " ".join(soup.title.get_text(" ").split())
    return _SITE_NAME.sub("", words) or words


def _find_content(soup: BeautifulSoup) -> Tag:
    """Return the element that holds the article: the first of the usual ones with words in it."""
    for element in soup.select(_NOT_READ):
        element.decompose()
    for selector in _CONTENTS:
        found = soup.select(selector, limit=2)
        # Several articles on one page are a list of teasers; what holds them all is the content.
        if len(found) == 1 and (found[0].get_text(strip=True) or found[0].find(["img", "iframe", "video"])):
            return found[0]
    return soup


def _check_not_index(content: Tag) -> None:
    """Refuse a page that is little more than links: it would match every question and answer none."""
    all_chars = len(content.get_text(strip=True))
    linked_chars = sum(len(link.get_text(strip=True)) for link in content.find_all("a"))
    if all_chars >= _LINKED_MIN_CHARS and linked_chars > _LINKED_SHARE_MAX * all_chars:
        raise InvalidInputError("only_links", "It is a list of links to other pages.")


def _find_address(soup: BeautifulSoup) -> str:
    link = soup.select_one("link[rel=canonical][href]")
    address = str(link["href"]).strip() if link is not None else ""
    return address if address.startswith(("http://", "https://")) else ""
