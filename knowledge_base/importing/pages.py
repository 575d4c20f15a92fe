"""A page: what a reader makes of one file, and what the file's path says of it. Pure.

What depends on all pages together is decided in `drafts` and `links`.
"""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from knowledge_base.article import SLUG_MAX_CHARS, ArticleContent, ArticleStatus, build_slug

_LANGUAGE_CODES = (
    "af ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko "
    "ky lo lt lv mk ml mn mr ms my nb ne nl nn no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te th tl tr uk ur uz "
    "vi xh yo zh zu"
)
_LANGUAGES = frozenset(_LANGUAGE_CODES.split())
_LANGUAGE_SUFFIX = re.compile(r"^(.+?)\._?([a-z]{2})(?:[-_][A-Za-z]{2,4})?$")
_LANGUAGE_FOLDER = re.compile(r"^([a-z]{2}|[A-Z]{2}(?=[-_]))(?:[-_](?:[A-Za-z]{2}|[Hh]an[st]|Latn|Cyrl))?$")
# Where Docusaurus and Hugo keep pages: the same page has the same path below these, in every language.
_ROOT = re.compile(r"^(?:i18n/)?(?:docusaurus-plugin-content-docs[\w-]*/current|(docs|content))/")
_ROOT_FOLDERS = {"docs", "content", "i18n"}
_REGION = re.compile(r"(?<=^[a-z]{2})[-_][a-z0-9_-]{1,20}$")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read: where it lies, in which language, and what it says.

    `place` is what its translations share; `slug`, if given, what it wants to be called, `slug_path` with folders
    in front; `addresses` are where other pages find it. A page that Baton wrote itself is `is_verbatim`: its
    links are right already.
    """

    source: str
    place: str
    language: str
    content: ArticleContent
    slug: str = ""
    slug_path: str = ""
    permalink: str = ""
    addresses: tuple[str, ...] = ()
    status: ArticleStatus | None = None
    warnings: tuple[str, ...] = ()
    is_verbatim: bool = False


def locate(source: str, told: str, default: str) -> tuple[str, str]:
    """Return the path without suffix and without what tells the language, and the language (`told` goes first).

    A folder tells it by a region ("pt-BR"), or as the first one or right below a root: further down, two letters
    are as often a topic ("guide/id").
    """
    name = source.removesuffix(".txt")
    parts = (name.rpartition(".")[0] or name).split("/")
    language = told
    suffixed = _LANGUAGE_SUFFIX.match(parts[-1])
    if suffixed and suffixed.group(2) in _LANGUAGES:
        parts[-1] = suffixed.group(1)
        language = language or suffixed.group(2)
    for number, part in enumerate(parts[:-1]):
        is_top = number == 0 or parts[number - 1] in _ROOT_FOLDERS
        if is_language(part) and (is_top or len(part) > 2):
            del parts[number]
            language = language or part[:2]
            break
    return "/".join(parts), _REGION.sub("", (language or default).strip().lower())


def find_site(names: Sequence[str]) -> str:
    """Return the folders around a site with a slash at the end, as an archive from GitHub has one; empty if none.

    Folders that hold everything are around a site if it begins below them: with a root such as `docs`, or with
    languages.
    """
    folders = [name.split("/")[:-1] for name in names]
    common = posixpath.commonprefix(folders) if folders else []
    root = next((number for number, folder in enumerate(common) if folder in _ROOT_FOLDERS), None)
    if root is not None:
        return "".join(f"{folder}/" for folder in common[:root])
    below = {path[len(common)] for path in folders if len(path) > len(common)}
    is_site = below & _ROOT_FOLDERS or sum(is_language(folder) for folder in below) > 1
    return "".join(f"{folder}/" for folder in common) if is_site else ""


def is_language(folder: str) -> bool:
    """Whether a folder's name is a language's code; capitals without a region are a department ("HR", "IT")."""
    found = _LANGUAGE_FOLDER.match(folder)
    return found is not None and found[1].lower() in _LANGUAGES


def split_root(place: str) -> tuple[str, str]:
    """Return the root that a place lies below ("docs" or "content"; empty if none), and the path below it."""
    found = _ROOT.match(place)
    return (found[1] or "docs", place[found.end() :]) if found else ("", place)


def clean_slug(value: object) -> str:
    """Return a slug from what a file asks for: the last part of a path; empty if there is nothing in it."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    last = text.strip().strip("/").rpartition("/")[2]
    return build_slug(last)[:SLUG_MAX_CHARS].strip("-") if re.search(r"\w", last) else ""


def path_of(url: str) -> str:
    """Return the path of an absolute address, as it is kept for an imported article; empty if it has none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return path if path.startswith("/") and len(path) > 1 else ""
