"""The knowledge base over HTTP, for Baton's other processes on the same machine.

A thin layer: decode, call the library, describe. Owns the bearer token, the size cap, the one error shape and
the way from settings to a running application. Listens on loopback; it must never face visitors.
"""

import hmac
import logging
import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import cast

import yaml
from flask import Flask, request
from werkzeug.exceptions import HTTPException

from knowledge_base.article import check_author, check_language
from knowledge_base.article_routes import build_article_routes, read_number
from knowledge_base.calibration import VERDICTS
from knowledge_base.embedders import open_embedder
from knowledge_base.errors import (
    ConflictError,
    InvalidInputError,
    KnowledgeBaseError,
    ModelError,
    NotFoundError,
)
from knowledge_base.library import KnowledgeBase
from knowledge_base.requests import (
    DismissRequest,
    EmbedRequest,
    LabelRequest,
    SearchRequest,
    check_embed,
    check_search,
    read_body,
)
from knowledge_base.responses import Json, describe_answer, describe_question, describe_refit, describe_vectors
from knowledge_base.search import check_question

logger = logging.getLogger(__name__)

# Five thousand articles of 6 kB; a bigger help centre is imported in parts.
REQUEST_MAX_BYTES = 32 * 1024 * 1024
# Enough for any other request: one article of the longest kind in escaped JSON.
SMALL_REQUEST_MAX_BYTES = 2 * 1024 * 1024
TOKEN_MIN_CHARS = 16
OPENAPI_FILE = Path(__file__).with_name("openapi.yaml")
QUESTIONS_MAX = 500

_STATUSES: Mapping[type[KnowledgeBaseError], HTTPStatus] = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    ModelError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

ErrorReply = tuple[Json, HTTPStatus]


def create_app(base: KnowledgeBase, token: str) -> Flask:
    """Build the application over a knowledge base that is open; every request but /health needs the token."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config["MAX_CONTENT_LENGTH"] = REQUEST_MAX_BYTES
    app.before_request(_build_guard(token))
    app.register_blueprint(build_article_routes(base))
    _add_search_routes(app, base)
    _add_label_routes(app, base)
    _add_reload_route(app, base)
    _add_description_route(app)
    _add_error_handlers(app)
    return app


def create_app_from_environment(environment: Mapping[str, str] = os.environ) -> Flask:
    """Build the application from BATON_KB_* and BATON_EMBEDDING_MODEL, with model and index loaded.

    Raises:
        KnowledgeBaseError: if a setting is missing or cannot be used; the message names it.
    """
    path = environment.get("BATON_KB_DATABASE", "")
    if not path:
        raise InvalidInputError("setting_missing", "BATON_KB_DATABASE is not set: give the path of the database file.")
    token = read_token(environment)
    embedder = open_embedder(environment.get("BATON_EMBEDDING_MODEL", "").strip())
    base = KnowledgeBase(Path(path), embedder, target_error=read_target_error(environment))
    base.ask("Is everything loaded?", is_logged=False)
    return create_app(base, token)


def read_token(environment: Mapping[str, str]) -> str:
    """Return the token from BATON_KB_TOKEN or from the file that BATON_KB_TOKEN_FILE names.

    Raises:
        InvalidInputError: if neither is set, the file cannot be read, or the token is too short or not ASCII.
    """
    token = environment.get("BATON_KB_TOKEN", "").strip()
    file = environment.get("BATON_KB_TOKEN_FILE", "")
    if not token and file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidInputError(
                "token_unreadable",
                f"BATON_KB_TOKEN_FILE ({file}) cannot be read: check the path and its rights.",
            ) from exc
    if len(token) < TOKEN_MIN_CHARS:
        raise InvalidInputError(
            "token_missing",
            f"Set BATON_KB_TOKEN or BATON_KB_TOKEN_FILE to a secret of {TOKEN_MIN_CHARS}+ characters.",
        )
    if not token.isascii():
        raise InvalidInputError(
            "token_not_ascii",
            "The token in BATON_KB_TOKEN or BATON_KB_TOKEN_FILE has letters that no HTTP header holds: use ASCII.",
        )
    return token


def read_target_error(environment: Mapping[str, str]) -> float | None:
    """Return the share of BATON_TARGET_ERROR, None if it is empty; raise `InvalidInputError` if it is no number."""
    text = environment.get("BATON_TARGET_ERROR", "").strip()
    try:
        return float(text) if text else None
    except ValueError as exc:
        raise InvalidInputError(
            "target_error_invalid", f"BATON_TARGET_ERROR is {text!r}; it must be a share such as 0.05."
        ) from exc


def _build_guard(token: str) -> Callable[[], ErrorReply | None]:
    expected = f"Bearer {token}".encode()

    def check_request() -> ErrorReply | None:
        if request.path == "/health":
            return None
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            return _describe_error(
                "token_invalid",
                "Send the knowledge base's token as Authorization: Bearer.",
                HTTPStatus.UNAUTHORIZED,
            )
        if request.path != "/import":
            request.max_content_length = SMALL_REQUEST_MAX_BYTES
        return None

    return check_request


def _add_search_routes(app: Flask, base: KnowledgeBase) -> None:
    @app.get("/health")
    def health() -> Json:
        articles, published = base.articles.count()
        index = base.index
        return {
            "status": "ok",
            "articles": articles,
            "published": published,
            "passages": index.passage_count,
            "model": index.model,
            "dimension": index.dimension,
        }

    @app.post("/search")
    def search() -> Json:
        wanted = read_body(SearchRequest)
        check_search(wanted)
        answer = base.ask(
            wanted.question,
            language=check_language(wanted.language) if wanted.language else None,
            limit=wanted.limit,
            excluded=wanted.exclude,
            audience=wanted.audience,
            is_logged=wanted.log,
        )
        return describe_answer(answer)

    @app.post("/embed")
    def embed() -> Json:
        wanted = read_body(EmbedRequest)
        check_embed(wanted)
        return describe_vectors(base.space, base.encode(wanted.texts))

    @app.get("/questions")
    def list_questions() -> Json:
        verdict = request.args.get("verdict", "")
        if verdict and verdict not in VERDICTS:
            raise InvalidInputError("verdict_invalid", f"The verdict is one of {', '.join(VERDICTS)}.", field="verdict")
        limit = read_number("limit", default=50, least=1, most=QUESTIONS_MAX)
        asked = base.questions.list_questions(verdict=verdict, limit=limit)
        return {"questions": [describe_question(one) for one in asked]}

    @app.post("/questions/dismiss")
    def dismiss_question() -> Json:
        base.questions.dismiss(check_question(read_body(DismissRequest).question))
        return {}


def _add_label_routes(app: Flask, base: KnowledgeBase) -> None:
    @app.post("/labels")
    def label() -> Json:
        wanted = read_body(LabelRequest)
        base.label(
            wanted.question,
            language=check_language(wanted.language),
            slug=wanted.slug,
            is_right=wanted.right,
            source=wanted.source,
            author=check_author(wanted.author),
            revision=wanted.revision,
        )
        return {}

    @app.delete("/labels")
    def forget_labels() -> Json:
        return {"labels": base.forget_labels()}

    @app.post("/refit")
    def refit() -> Json:
        return describe_refit(base.refit())


def _add_reload_route(app: Flask, base: KnowledgeBase) -> None:
    @app.post("/reload")
    def reload() -> Json:
        base.reload()
        articles, published = base.articles.count()
        return {"articles": articles, "published": published, "passages": base.index.passage_count}


def _add_description_route(app: Flask) -> None:
    document = yaml.safe_load(OPENAPI_FILE.read_text(encoding="utf-8"))

    @app.get("/openapi.json")
    def describe_service() -> Json:
        return cast(Json, document)


def _add_error_handlers(app: Flask) -> None:
    @app.errorhandler(KnowledgeBaseError)
    def refuse(error: KnowledgeBaseError) -> ErrorReply:
        status = next(status for kind, status in _STATUSES.items() if isinstance(error, kind))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("request_failed", extra={"code": error.code})
        return _describe_error(error.code, error.message, status, field=error.field)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> ErrorReply:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        code = status.phrase.lower().replace(" ", "_").replace("-", "_")
        return _describe_error(code, _EXPLANATIONS.get(status, status.description or status.phrase), status)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> ErrorReply:
        logger.exception("request_failed", extra={"code": "internal_error"}, exc_info=error)
        return _describe_error(
            "internal_error",
            "The knowledge base failed on this request; its log has the cause.",
            HTTPStatus.INTERNAL_SERVER_ERROR,
        )


_EXPLANATIONS = {
    HTTPStatus.NOT_FOUND: "There is no such address; the knowledge base's README lists them.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take this method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        f"The request is too big: {SMALL_REQUEST_MAX_BYTES} bytes at most, {REQUEST_MAX_BYTES} for an import."
    ),
}


def _describe_error(code: str, message: str, status: HTTPStatus, *, field: str | None = None) -> ErrorReply:
    error: Json = {"code": code, "message": message}
    if field:
        error["field"] = field
    return {"error": error}, status
