"""HTML as Markdown: the one way in for web pages, help centres' exports, Word documents and reStructuredText.

Parsing is lxml's, the conversion markdownify's; here stands what help articles need beside: callouts, folded
parts, definition lists, videos as links, and text that looks like markup kept as text.
"""

import re
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import NavigableString, Tag
from markdownify import ATX, MarkdownConverter

from knowledge_base.errors import InvalidInputError

_DROPPED = ["script", "style", "noscript", "template", "svg", "math", "input", "select", "textarea", "object", "canvas"]
_CALLOUTS = {
    "note": "NOTE", "info": "NOTE", "seealso": "NOTE", "admonition": "NOTE", "callout": "NOTE", "notice": "NOTE",
    "tip": "TIP", "hint": "TIP", "success": "TIP", "important": "IMPORTANT", "attention": "WARNING",
    "warning": "WARNING", "caution": "CAUTION", "danger": "CAUTION", "error": "CAUTION",
}  # fmt: skip
_CALLOUT_TITLES = re.compile(r"(?:^|-)(?:admonition|callout|alert)-?(?:title|heading)$")
_CODE_LANGUAGE = re.compile(r"^(?:language|lang|highlight-source|highlight)-([\w+#-]+)$")
# Only what Markdown would take for markup: editors should not have to read past backslashes.
_SPECIAL = re.compile(r"([\\*`]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|\[(?=[^\]]*\][(\[:])|&(?=#?\w+;)|~~)")
_BLOCK_START = re.compile(r"^(\s*)(#{1,6}(?=\s)|[-+>](?=\s)|={3,}|-{3,}|:{3,})")
_NUMBERED_START = re.compile(r"^(\s*\d{1,9})([.)])(?=\s)")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.I)
_OTHER_SIGN = {".": ")", ")": "."}
_COLUMNS_MAX = 50
# Real pages nest some 40 deep and have some 5,000 elements; more breaks parsers, or is made to.
DEPTH_MAX = 150
ELEMENTS_MAX = 50_000


def parse_html(html: str) -> BeautifulSoup:
    """Parse a page or a piece of one. What is no text for readers is gone.

    Raises:
        InvalidInputError: if it nests too deep or has too many elements to be a page.
    """
    # lxml stops at NUL, and takes a declared encoding for truth even in text.
    text = re.sub(r"\A\s*<\?xml[^>]*>", "", html.replace("\0", ""))
    # An element has two tags; a million of them would take the parser minutes.
    if text.count("<") > 3 * ELEMENTS_MAX:
        raise InvalidInputError("html_shape", f"Its HTML has more than {ELEMENTS_MAX} elements.")
    soup = BeautifulSoup(text if "<" in text else f"<p>{text}</p>", "lxml")
    _check_shape(soup)
    for element in soup.find_all(_DROPPED):
        element.decompose()
    return soup


def convert_html(content: Tag) -> str:
    """Return the Markdown that says the same as an element, which is changed on the way."""
    for element in content.find_all(True):
        if element.decomposed:  # the title of a callout that came before
            continue
        _limit_numbers(element)
        _mark_callout(element)
        if element.name in ("ol", "ul"):
            _adopt_lists(element)
        if element.name == "ol":
            _mark_items(element)
        if element.name == "span" and "literal" in _classes(element):
            element.name = "code"  # docutils'
    markdown = _Converter(heading_style=ATX, bullets="-", autolinks=True, table_infer_header=True).convert_soup(content)
    lines = (line if line.endswith("  ") and line.strip() else line.rstrip() for line in str(markdown).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _check_shape(soup: BeautifulSoup) -> None:
    depths = {id(soup): 0}
    for element in soup.descendants:
        if isinstance(element, Tag):
            depth = depths[id(element)] = depths[id(element.parent)] + 1
            if depth > DEPTH_MAX or len(depths) > ELEMENTS_MAX:
                raise InvalidInputError(
                    "html_shape", f"Its HTML nests deeper than {DEPTH_MAX} or has more than {ELEMENTS_MAX} elements."
                )


def _adopt_lists(element: Tag) -> None:
    """Put a list that stands right in a list, as editors of text write one that is indented, into the item before."""
    for inner in element.find_all(["ol", "ul"], recursive=False):
        item = inner.find_previous_sibling()
        if item is not None and item.name == "li":
            item.append(inner)
        else:
            inner.unwrap()


def _mark_items(element: Tag) -> None:
    """Write each step's number on it: counting the ones before it, again for each, takes for ever in a long list.

    Markdown counts on by itself, and takes two lists in a row for one, unless there is another sign behind the number.
    """
    number, sign = int(str(element.get("start") or 1)), "."
    before = _element_before(element)
    wanted, last_sign = str(before.get("data-next") or "").partition(" ")[::2] if before is not None else ("", "")
    for item in element.find_all("li", recursive=False):
        number = int(str(item.get("value") or number))
        if wanted:
            sign = last_sign if str(number) == wanted else _OTHER_SIGN[last_sign]
        item["data-mark"] = f"{number}{sign}"
        number += 1
        wanted, last_sign = str(number), sign
    element["data-next"] = f"{number} {sign}"


def _element_before(element: Tag) -> Tag | None:
    """Return the element that stands right before, with nothing but white space between."""
    for sibling in element.previous_siblings:
        if isinstance(sibling, Tag):
            return sibling
        if str(sibling).strip():
            return None
    return None


def _limit_numbers(element: Tag) -> None:
    """A number with a thousand digits is no number, and a table of a thousand columns no table."""
    for name in ("start", "value", "colspan", "rowspan"):
        value = element.get(name)
        if value is not None and not re.fullmatch(r"\d{1,4}", str(value)):
            del element[name]
    if int(str(element.get("colspan") or 1)) > _COLUMNS_MAX:
        element["colspan"] = str(_COLUMNS_MAX)


def _mark_callout(element: Tag) -> None:
    """Turn a note box of whatever make into the element that the converter knows."""
    classes = _classes(element)
    if element.name not in ("div", "aside", "section", "blockquote", "p") or element.find_parent("blockquote"):
        return
    words = [word for name in classes for word in re.split(r"[-_]", name)]
    kind = next((_CALLOUTS[word] for word in words if word in _CALLOUTS and word not in ("admonition", "callout")), "")
    if not kind and not {"admonition", "callout"} & set(words):
        return
    title = element.find(lambda tag: any(_CALLOUT_TITLES.search(name) for name in _classes(tag)))
    words_of_title = ""
    if isinstance(title, Tag):
        words_of_title = " ".join(title.get_text(" ").split())
        title.decompose()
    is_named_by_kind = words_of_title.lower().rstrip(":!") in _CALLOUTS
    element.name = "blockquote"
    element["data-callout"] = f"[!{kind or 'NOTE'}] {'' if is_named_by_kind else words_of_title}".strip()


def _classes(element: Tag) -> list[str]:
    value: Any = element.get("class") or ()
    return [str(name).lower() for name in ([value] if isinstance(value, str) else value)]


# markdownify's types leave out the methods that a subclass is meant to override.
_MarkdownConverter: Any = MarkdownConverter


class _Converter(_MarkdownConverter):  # type: ignore[misc]
    """markdownify with a help centre's habits. The method names are markdownify's."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        return _SPECIAL.sub(r"\\\1", text)

    def process_text(self, el: NavigableString, parent_tags: set[str] | None = None) -> str:
        text = str(super().process_text(el, parent_tags=parent_tags))
        if el.previous_sibling is not None or "_noformat" in (parent_tags or ()):
            return text
        return _NUMBERED_START.sub(r"\1\\\2", _BLOCK_START.sub(r"\1\\\2", text))

    def convert_h1(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        # The title of an article is its only first heading.
        return str(self.convert_hN(2, el, text, parent_tags))

    def convert_blockquote(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        mark = el.get("data-callout")
        return str(super().convert_blockquote(el, f"{mark}\n{text.strip()}" if mark else text, parent_tags))

    def convert_img(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        # A picture inside the file itself has no address that a reader could be sent to.
        if str(el.get("src") or "data:").startswith(("data:", "blob:", "cid:")):
            return str(el.get("alt") or "")
        el["src"] = clean_address(el["src"])
        return str(super().convert_img(el, text, parent_tags))

    def convert_a(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        address = clean_address(el.get("href") or "")
        scheme = _SCHEME.match(address)
        if scheme and scheme[1].lower() not in ("http", "https", "mailto", "tel"):
            return text
        el["href"] = address
        return str(super().convert_a(el, text, parent_tags))

    def convert_iframe(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        source = clean_address(el.get("src") or "")
        if source.startswith("//"):
            source = f"https:{source}"
        return f"\n\n[{el.get('title') or 'Video'}]({source})\n\n" if source.startswith("http") else ""

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        lines = text.strip().split("\n")
        if not lines[0]:
            return "\n"
        mark = f"{el.get('data-mark') or '-'} "
        rest = (f"{' ' * len(mark)}{line}" if line else "" for line in lines[1:])
        return "\n".join([mark + lines[0], *rest]) + "\n"

    def convert_summary(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n**{text.strip()}**\n\n" if text.strip() else ""

    def convert_dt(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return self.convert_summary(el, text, parent_tags)

    def convert_dd(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return f"\n\n{text.strip()}\n\n"

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return str(super().convert_td(el, text.replace("|", "\\|"), parent_tags))

    def convert_th(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return str(super().convert_th(el, text.replace("|", "\\|"), parent_tags))

    def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        if not text.strip():
            return ""
        inner = el.find("code")
        names = _classes(el) + (_classes(inner) if isinstance(inner, Tag) else [])
        language = next((found[1] for name in names if (found := _CODE_LANGUAGE.match(name))), "")
        if "literal-block" in names:  # docutils': "code python literal-block"
            language = next((name for name in names if name not in ("code", "literal-block")), "")
        ticks = max((len(run) for run in re.findall(r"`{3,}", text)), default=2) + 1
        code = text.strip("\n")
        return f"\n\n{'`' * ticks}{language}\n{code}\n{'`' * ticks}\n\n"


def clean_address(value: object) -> str:
    """Return an address that Markdown takes as one: no spaces and no brackets in it."""
    address = re.sub(r"[\s\x00-\x1f]+", "%20", str(value).strip())
    return address.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")
