"""Where links between pages lead after the import, and what lies beside a page and is lost. Pure."""

import posixpath
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, unquote, urljoin

from knowledge_base.importing.pages import Page, split_root

# In brackets, in a reference's definition (a footnote is none), and in a tag; an address may stand in <> or quotes.
_LINK = re.compile(
    r"(?P<before>\]\(|^ {0,3}\[(?!\^)[^\]\n]+\]:[ \t]*|<(?:a\b[^<>]*?\shref|img\b[^<>]*?\ssrc)=)"
    r"(?P<address><[^<>\n]*>|\"[^\"<>\n]*\"|'[^'<>\n]*'|[^)\s>]+)",
    re.I | re.M,
)
_NUMBERED = re.compile(r"(?:/hc)?(?:/[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)?/articles/(\d+)(?:-[^/]*)?$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.I)
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif|bmp|ico)$", re.I)
_FILE = re.compile(r"\.(?:pdf|zip|docx?|xlsx?|pptx?|odt|ods|csv|txt|mp3|mp4|mov|webm|exe|dmg|pkg|msi|apk)$", re.I)
# Pages that are found under their folder's name.
_FOLDER_PAGES = {"index", "_index", "readme"}
_NAMED_MAX = 3


class LinkTable:
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
        # Who is named in full goes before who is meant by less, and a folder's index before its readme.
        for page in sorted(pages, key=lambda page: "readme." in page.source.lower()):
            for name in _list_short_names(page):
                self._targets.setdefault(_normalise(name), (page.language, slugs[page.place]))

    def rewrite(self, page: Page) -> tuple[str, tuple[str, ...]]:
        """Return the page's body with its links to other pages leading to Baton's help pages, and what to look at."""
        lost: dict[str, None] = {}

        def replace(found: re.Match[str]) -> str:
            written = found["address"]
            is_wrapped = written[0] in "<\"'" and len(written) > 1
            address = written[1:-1] if is_wrapped else written
            resolved = self._resolve(address, page)
            if resolved is None:
                if not _SCHEME.match(address) and not address.startswith("/"):
                    lost[unquote(address.partition("#")[0].partition("?")[0])] = None
                return found[0]
            quotes = written[0] if is_wrapped and written[0] != "<" else ""
            return f"{found['before']}{quotes}{resolved}{quotes}"

        body = _LINK.sub(replace, page.content.body)
        return body, _describe_lost(list(lost))

    def complete(self, permalink: str) -> str:
        """Return a page's own address as it is stored: with the site in front, if one was named."""
        return self._site_url + permalink if self._site_url and permalink.startswith("/") else permalink

    def _resolve(self, address: str, page: Page) -> str | None:
        """Return where a link leads now; None if it stays as it is."""
        path, mark, anchor = address.partition("#")
        if _SCHEME.match(address) or not path.partition("?")[0]:
            target = self._targets.get(_normalise(path)) if path.startswith("http") else None
            return self._describe(target, page, mark + anchor) if target else None
        for name in _list_meanings(path, page):
            if target := self._targets.get(_normalise(name)):
                return self._describe(target, page, mark + anchor)
        own = self.complete(page.permalink)
        if not self._site_url or not (address.startswith("/") or own.startswith("http")):
            return None
        return self._site_url + address if address.startswith("/") else _complete(own, address)

    def _describe(self, target: tuple[str, str], page: Page, anchor: str) -> str:
        language, slug = target
        if page.language in self._languages[slug]:
            language = page.language
        return f"/help/{language}/{slug}{anchor}"


def _list_meanings(path: str, page: Page) -> Iterator[str]:
    """List what a path in a page may mean: the file beside is meant, or what is beside its address.

    Other tools' references, which start at the root, may come without a slash.
    """
    if not path.startswith("/"):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        if page.permalink.startswith("/"):
            yield posixpath.normpath(posixpath.join(posixpath.dirname(page.permalink), path))
    yield path


def _list_short_names(page: Page) -> Iterator[str]:
    """List by what else a page is found: without its suffix, as its folder, as the site's address of it."""
    stem = posixpath.splitext(page.source.removesuffix(".txt"))[0]
    folder, name = posixpath.split(stem)
    is_folder = name.lower() in _FOLDER_PAGES and (folder or name.lower() != "readme")
    names = [stem, folder] if is_folder else [stem]
    yield from names
    yield from filter(None, (split_root(f"{name}/")[1] for name in names))
    yield page.place


def _complete(own: str, address: str) -> str:
    try:
        return quote(urljoin(own, address), safe="%/:?#[]@!$&'*+,;=~")
    except ValueError:
        return address


def _describe_lost(names: Sequence[str]) -> tuple[str, ...]:
    pictures = [name for name in names if _PICTURE.search(name)]
    files = [name for name in names if _FILE.search(name)]
    counts = [_count(pictures, "picture"), _count(files, "file")]
    if not pictures and not files:
        return ()
    named = ", ".join([*pictures, *files][:_NAMED_MAX]) + (", …" if len(pictures + files) > _NAMED_MAX else "")
    return (
        f"{' and '.join(count for count in counts if count)} beside it: not imported ({named}). "
        "Put what is needed on a web site, and link to it there.",
    )


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}" if names else ""


def _normalise(address: str) -> str:
    # Help centres find an article by its number; the words behind it change with the title, the language before it too.
    text = unicodedata.normalize("NFC", unquote(address.strip().partition("?")[0]))
    text = _NUMBERED.sub(r"/articles/\1", text)
    if text.startswith(("http://", "https://")):
        return text.partition(":")[2].rstrip("/").lower()
    return "/" + text.strip("/").removesuffix("index.html").removesuffix(".html").strip("/").lower()
