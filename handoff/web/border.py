"""What every HTTP door shares: the one error shape, JSON bodies, who is asking, and the same-origin rule."""

import logging
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from handoff.auth import Accounts, Role, check_role
from handoff.errors import BadFrame, BatonError, Forbidden, TooManyTries
from handoff.store.staff import StaffRecord

logger = logging.getLogger(__name__)

SESSION_COOKIE = "baton_session"
BODY_MAX_BYTES = 1_000_000
"""The longest article with its phrasings fits several times."""

PAGE_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "
    "connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; form-action 'self'"
)

T = TypeVar("T")


def json_body(shape: type[T]) -> T:
    """Decode the request's JSON body.

    Raises:
        BadFrame: it is no JSON, or not of the shape; the message names the field.
    """
    if not request.is_json:
        raise BadFrame("Send JSON with the header Content-Type: application/json.")
    try:
        return msgspec.json.decode(request.get_data(), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadFrame(f"The request was refused: {exc}.") from exc


def signed_in(accounts: Accounts, *roles: Role) -> StaffRecord:
    """Give the member of staff who is asking.

    Raises:
        SignedOut: nobody is signed in.
        Forbidden: none of `roles`.
    """
    record = accounts.whoever_has(request.cookies.get(SESSION_COOKIE))
    if roles:
        check_role(record, *roles)
    return record


def is_own_origin(public_url: str) -> bool:
    """Tell whether the request comes from a page of Baton's own, judged by the Origin header that browsers send."""
    origin = request.headers.get("Origin")
    if origin is None:
        return True  # no browser page: forms and scripts of other sites always send it with POST and WebSocket
    try:
        return origin == public_url or urlsplit(origin).netloc == request.host
    except ValueError:  # no address at all, such as "http://["
        return False


def install_border(app: Flask, *, public_url: str) -> None:
    """Map errors, refuse foreign origins, set the headers that every answer carries."""
    app.config["MAX_CONTENT_LENGTH"] = BODY_MAX_BYTES
    app.register_error_handler(BatonError, _on_baton_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_failure)

    @app.before_request
    def refuse_foreign_origin() -> None:
        is_public = request.path.startswith("/api/visitor/")
        if request.method not in ("GET", "HEAD", "OPTIONS") and not is_public and not is_own_origin(public_url):
            raise Forbidden("Requests from other sites are refused.")

    @app.after_request
    def set_headers(response: Response) -> Response:
        ancestors = g.get("frame_ancestors", "'none'")
        response.headers.setdefault("Content-Security-Policy", f"{PAGE_POLICY}; frame-ancestors {ancestors}")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def _error(code: str, message: str, status: int, field: str | None = None) -> Response:
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    response = jsonify(error=error)
    response.status_code = status
    return response


def _on_baton_error(error: BatonError) -> Response:
    response = _error(error.code, error.message, error.http_status, error.field)
    if isinstance(error, TooManyTries):
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
    return response


def _on_http_error(error: HTTPException) -> Response:
    name = (error.name or "error").lower().replace(" ", "_")
    return _error(name, error.description or error.name, error.code or 500)


def _on_failure(error: Exception) -> Response:  # a border (Flask handler): logged, never shown
    logger.exception("request failed", exc_info=error, extra={"path": request.path})
    return _error("internal", "Something failed inside. It has been logged; try again.", 500)
