"""What the service accepts: one typed shape for each request body, decoded strictly.

Owns the way from the request in hand to values. A wrong type is an `InvalidInputError` that names the field; limits of
single values are the library's business.
"""

import re
from typing import TypeVar

import flask
import msgspec
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from knowledge_base.article import ArticleDraft, Audience, build_content, build_draft
from knowledge_base.errors import InvalidInputError
from knowledge_base.labels import LabelSource
from knowledge_base.search import RESULTS_MAX

# More than one request should carry; a bigger help centre is imported in parts.
IMPORT_MAX_ARTICLES = 5_000
EXCLUDED_MAX = 200
# About half a second on two cores; a visitor's question waits for a part of it only, see embedding.BATCH_SIZE.
EMBED_MAX_TEXTS = 128

Request = TypeVar("Request", bound=msgspec.Struct)


class SearchRequest(msgspec.Struct):
    question: str
    language: str | None = None
    limit: int = 5
    exclude: list[str] = []
    audience: Audience = "everyone"
    log: bool = True


class EmbedRequest(msgspec.Struct):
    texts: list[str]


class CreateRequest(msgspec.Struct):
    language: str
    title: str
    body: str
    author: str
    tags: list[str] = []
    phrasings: list[str] = []
    audience: Audience = "everyone"
    slug: str | None = None


class ReviseRequest(msgspec.Struct):
    title: str
    body: str
    author: str
    base_revision: int
    tags: list[str] = []
    phrasings: list[str] = []
    audience: Audience = "everyone"


class RestoreRequest(msgspec.Struct):
    author: str
    base_revision: int


class PublishRequest(msgspec.Struct):
    author: str
    revision: int | None = None


class ArchiveRequest(msgspec.Struct):
    author: str


class RenderRequest(msgspec.Struct):
    body: str
    language: str = "en"


class DismissRequest(msgspec.Struct):
    question: str


class LabelRequest(msgspec.Struct):
    question: str
    language: str
    slug: str
    right: bool
    source: LabelSource
    author: str
    revision: int | None = None


class ImportedArticle(msgspec.Struct):
    """Loose on purpose: one bad article is skipped and reported, and does not spoil the others."""

    source: object = ""
    slug: object = ""
    language: object = ""
    title: object = ""
    body: object = ""
    tags: object = ()
    phrasings: object = ()
    audience: object = "everyone"
    permalink: object = ""
    status: object = None


class ImportRequest(msgspec.Struct):
    articles: list[ImportedArticle]
    author: str
    publish: bool = True
    dry_run: bool = False


def read_body(shape: type[Request]) -> Request:
    """Read and decode the body of the HTTP request in hand.

    Raises:
        InvalidInputError: if it does not come as it should, is no JSON or has another shape.
        RequestEntityTooLarge: if it is longer than the request's `max_content_length`.
    """
    request = flask.request
    try:
        body = request.get_data()
        # What comes in chunks, without a length, was read up to the limit only.
        is_cut = request.content_length is None and len(body) == request.max_content_length
        if is_cut and request.environ["wsgi.input"].read(1):
            raise RequestEntityTooLarge
    except (ParseException, ClientDisconnected, OSError) as exc:
        raise InvalidInputError(
            "body_unreadable", "The request body breaks off, or its chunks are not as they announce: send it again."
        ) from exc
    return decode(body, shape)


def decode(body: bytes, shape: type[Request]) -> Request:
    """Decode a JSON body; raise `InvalidInputError` if it is no JSON or has another shape."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as exc:
        text = str(exc)
        found = re.search(r"`\$\.?([^`]*)`$|missing required field `([^`]*)`", text)
        field = next((part for part in found.groups() if part), None) if found else None
        raise InvalidInputError("request_invalid", f"The request has the wrong shape: {text}.", field=field) from exc
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise InvalidInputError("json_invalid", "The request body is not JSON in UTF-8.") from exc


def check_search(request: SearchRequest) -> None:
    """Raise `InvalidInputError` unless the numbers of a search are within bounds."""
    check_range(request.limit, "limit", least=1, most=RESULTS_MAX)
    check_range(len(request.exclude), "exclude", least=0, most=EXCLUDED_MAX)


def check_embed(request: EmbedRequest) -> None:
    """Raise `InvalidInputError` unless the number of texts is within bounds."""
    check_range(len(request.texts), "texts", least=1, most=EMBED_MAX_TEXTS)


def check_range(number: int, field: str, *, least: int, most: int) -> int:
    """Return the number; raise `InvalidInputError` if it is out of bounds."""
    if not least <= number <= most:
        raise InvalidInputError(
            f"{field}_out_of_range",
            f"The {field} is {number}; it must be from {least} to {most}.",
            field=field,
        )
    return number


def build_imported(imported: ImportedArticle) -> ArticleDraft:
    """Build a checked draft from one article of an import; raise `InvalidInputError` if it cannot be used."""
    content = build_content(imported.title, imported.body, imported.tags, imported.phrasings, imported.audience)
    return build_draft(
        imported.language,
        imported.slug,
        content,
        source=imported.source,
        permalink=imported.permalink,
        status=imported.status,
    )
