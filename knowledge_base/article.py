"""Articles as values, and the rules they obey: slugs, languages, limits.

Owns what an article is and when one is refused. Pure: no store, no clock, no model. Everything else in
the package builds on the types here.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NewType, get_args

from knowledge_base.errors import InvalidInputError

ArticleId = NewType("ArticleId", int)
ArticleStatus = Literal["draft", "published", "archived"]
ARTICLE_STATUSES: tuple[ArticleStatus, ...] = get_args(ArticleStatus)
# Who may read an article: visitors and staff, or staff alone.
Audience = Literal["everyone", "staff"]
AUDIENCES: tuple[Audience, ...] = get_args(Audience)

TITLE_MAX_CHARS = 200
# The longest real help article that we met is 36,000 characters; one tenth of a megabyte is a book chapter.
BODY_MAX_CHARS = 100_000
SLUG_MAX_CHARS = 120
TAGS_MAX_COUNT = 30
TAG_MAX_CHARS = 60
# A trained bot's sentences are sometimes imported as phrasings, some hundreds for one article.
PHRASINGS_MAX_COUNT = 500
PHRASING_MAX_CHARS = 300
AUTHOR_MAX_CHARS = 200
URL_MAX_CHARS = 2_000

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{1,8})*")
# Tab and newline are the only control characters that have a place in an article.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ArticleContent:
    """What an editor writes: the part of an article that gets revisions."""

    title: str
    body: str
    tags: tuple[str, ...] = ()
    phrasings: tuple[str, ...] = ()
    audience: Audience = "everyone"

    @property
    def content_hash(self) -> str:
        """SHA-256 of everything in here: equal contents, equal hash."""
        parts = [self.title, self.body, list(self.tags), list(self.phrasings), self.audience]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ArticleDraft:
    """An article that is not stored yet: where it will live, and its content; `status` None leaves it to the import."""

    language: str
    slug: str
    content: ArticleContent
    source: str = ""
    permalink: str = ""
    status: ArticleStatus | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """A stored article at one of its revisions (`revision`), with `newest_revision` beside it."""

    id: ArticleId
    language: str
    slug: str
    content: ArticleContent
    status: ArticleStatus
    revision: int
    newest_revision: int
    published_revision: int | None
    updated_at: float
    author: str
    source: str
    permalink: str

    @property
    def title(self) -> str:
        return self.content.title

    @property
    def has_draft(self) -> bool:
        """Whether something newer than what visitors see has been written."""
        return self.published_revision != self.newest_revision

    @property
    def url(self) -> str:
        """Where a visitor reads it: its own address if it was imported with one, else Baton's help pages."""
        if self.permalink.startswith(("https://", "http://")):
            return self.permalink
        return f"/help/{self.language}/{self.slug}"


@dataclass(frozen=True, slots=True)
class Revision:
    """One line of an article's history."""

    revision: int
    title: str
    author: str
    created_at: float
    is_published: bool


def build_content(
    title: object, body: object, tags: object = (), phrasings: object = (), audience: object = "everyone"
) -> ArticleContent:
    """Build checked content from what a file or a request holds.

    Raises:
        InvalidInputError: if a part has the wrong type, is empty or too long.
    """
    trimmed = body.strip("\r\n").rstrip() if isinstance(body, str) else body
    clean_body = _check_text(trimmed, "body", max_chars=BODY_MAX_CHARS).strip("\n").rstrip()
    if not clean_body.strip():
        raise InvalidInputError("body_empty", "The body is empty: write at least one sentence.", field="body")
    return ArticleContent(
        title=check_title(title),
        body=clean_body,
        tags=_check_texts(tags, "tags", max_count=TAGS_MAX_COUNT, max_chars=TAG_MAX_CHARS),
        phrasings=_check_texts(phrasings, "phrasings", max_count=PHRASINGS_MAX_COUNT, max_chars=PHRASING_MAX_CHARS),
        audience=check_audience(audience),
    )


def build_draft(
    language: object,
    slug: object,
    content: ArticleContent,
    *,
    source: object = "",
    permalink: object = "",
    status: object = None,
) -> ArticleDraft:
    """Build a checked draft; an empty slug is made from the title.

    Raises:
        InvalidInputError: if the language, slug, source, permalink or status cannot be used.
    """
    return ArticleDraft(
        language=check_language(language),
        slug=check_slug(slug) if slug else build_slug(content.title),
        content=content,
        source=_check_text(source or "", "source", max_chars=URL_MAX_CHARS).strip(),
        permalink=_check_text(permalink or "", "permalink", max_chars=URL_MAX_CHARS).strip(),
        status=None if status is None else check_status(status),
    )


def check_title(title: object) -> str:
    """Return the title on one line; raise `InvalidInputError` if it is empty, too long or not text."""
    one_line = " ".join(_check_text(title, "title", max_chars=10 * TITLE_MAX_CHARS).split())
    if not one_line:
        raise InvalidInputError("title_empty", "The title is empty: give the article a title.", field="title")
    if len(one_line) > TITLE_MAX_CHARS:
        raise InvalidInputError(
            "title_too_long",
            f"The title has {len(one_line)} characters; shorten it to {TITLE_MAX_CHARS}.",
            field="title",
        )
    return one_line


def check_slug(slug: object) -> str:
    """Return the slug; raise `InvalidInputError` unless it is lower-case words joined by hyphens."""
    if not isinstance(slug, str) or len(slug) > SLUG_MAX_CHARS or not _SLUG.fullmatch(slug):
        raise InvalidInputError(
            "slug_invalid",
            f"A slug is lower-case letters, digits and single hyphens, {SLUG_MAX_CHARS} characters at most, "
            "such as reset-your-password.",
            field="slug",
        )
    return slug


def check_language(language: object) -> str:
    """Return the primary subtag in lower case ("pt-BR" gives "pt"); raise `InvalidInputError` otherwise."""
    found = _LANGUAGE.fullmatch(language.strip().lower()) if isinstance(language, str) else None
    if found is None:
        raise InvalidInputError(
            "language_invalid", 'A language is a code such as "en", "de" or "zh".', field="language"
        )
    return found.group(1)


def check_status(status: object) -> ArticleStatus:
    """Return the status; raise `InvalidInputError` if there is no such one."""
    found = next((known for known in ARTICLE_STATUSES if known == status), None)
    if found is None:
        raise InvalidInputError(
            "status_invalid", f"The status is one of {', '.join(ARTICLE_STATUSES)}.", field="status"
        )
    return found


def check_audience(audience: object) -> Audience:
    """Return the audience; raise `InvalidInputError` if there is no such one."""
    found = next((known for known in AUDIENCES if known == audience), None)
    if found is None:
        raise InvalidInputError("audience_invalid", f"The audience is one of {', '.join(AUDIENCES)}.", field="audience")
    return found


def check_author(author: object) -> str:
    """Return the author's name; raise `InvalidInputError` if there is none."""
    name = " ".join(_check_text(author, "author", max_chars=AUTHOR_MAX_CHARS).split())
    if not name:
        raise InvalidInputError("author_empty", "Say who wrote this: the author is empty.", field="author")
    return name


def build_slug(text: str) -> str:
    """Make a slug from a title: accents folded, other scripts kept out, "article-<hash>" when nothing is left."""
    folded = unicodedata.normalize("NFKD", text.replace("ß", "ss").lower())
    plain = folded.replace("'", "").replace("’", "").encode("ascii", "ignore").decode()
    slug = "-".join(re.findall(r"[a-z0-9]+", plain))[:80].strip("-")
    return slug or "article-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def _check_text(value: object, field: str, *, max_chars: int) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{field}_not_text", f"The {field} must be text.", field=field)
    if len(value) > max_chars:
        raise InvalidInputError(
            f"{field}_too_long",
            f"The {field} has {len(value)} characters; {max_chars} is the most that Baton takes.",
            field=field,
        )
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise InvalidInputError(
            f"{field}_not_text", f"The {field} holds half a character (a lone surrogate).", field=field
        ) from exc
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))


def _check_texts(values: object, field: str, *, max_count: int, max_chars: int) -> tuple[str, ...]:
    if values is None:
        return ()
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise InvalidInputError(f"{field}_not_list", f"The {field} must be a list of texts.", field=field)
    if len(values) > max_count:
        raise InvalidInputError(
            f"{field}_too_many", f"{len(values)} {field} are too many; {max_count} is the most.", field=field
        )
    return tuple(_unique(" ".join(_check_text(v, field, max_chars=max_chars).split()) for v in values))


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
