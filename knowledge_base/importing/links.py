"""Where links between pages lead after the import. Pure."""

import posixpath
import re
from collections.abc import Mapping, Sequence

from knowledge_base.importing.pages import Page

_LINK = re.compile(r"(\]\()([^)\s]+)")
_NUMBERED = re.compile(r"(?:/hc)?(?:/[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)?/articles/(\d+)(?:-[^/]*)?$")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//|#", re.I)


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
        # The file beside is meant; other tools' references, which start at the root, may come without a slash.
        target = self._targets.get(_normalise(beside)) or self._targets.get(_normalise(path))
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
