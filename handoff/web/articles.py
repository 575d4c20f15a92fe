"""The editor's and the console's way to the knowledge base: checks the role, names the author, forwards, answers as
it answered.
"""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from handoff.auth import Accounts, Role
from handoff.errors import BadFrame, Forbidden
from handoff.kb_client import KnowledgeBase
from handoff.store.staff import StaffRecord
from handoff.web.border import signed_in

PUBLISH_TIMEOUT_S = 60.0
"""A long article is encoded before the new index takes over."""


def build_articles_blueprint(accounts: Accounts, knowledge_base: KnowledgeBase) -> Blueprint:
    """Build the blueprint of /api/articles, /api/search, /api/render, /api/questions and /api/labels."""
    blueprint = Blueprint("articles", __name__, url_prefix="/api")

    def forward(path: str, body: object | None = None) -> Response:
        answer = knowledge_base.ask(
            request.method,
            f"/{path}",
            query=request.args.to_dict(),
            body=body,
            timeout_s=PUBLISH_TIMEOUT_S if body is not None else None,
        )
        response = jsonify(answer.body)
        response.status_code = answer.status
        return response

    @blueprint.post("/search")
    def search() -> Response:
        signed_in(accounts)
        # What staff look up is no visitor's question: it must not show up as a gap.
        return forward("search", {"audience": "staff"} | _object_body() | {"log": False})

    @blueprint.get("/<any(articles,questions):what>")
    @blueprint.get("/<any(articles,questions):what>/<path:rest>")
    def read(what: str, rest: str = "") -> Response:
        signed_in(accounts)
        return forward(_path(what, rest))

    @blueprint.route("/<any(articles,questions,render):what>", methods=["POST"])
    @blueprint.route("/<any(articles,questions,render):what>/<path:rest>", methods=["POST", "PUT"])
    def write(what: str, rest: str = "") -> Response:
        editor = signed_in(accounts, Role.EDITOR)
        return forward(_path(what, rest), _signed_body(what, editor))

    @blueprint.post("/labels")
    def label() -> Response:
        editor = signed_in(accounts, Role.EDITOR)
        return forward("labels", _object_body() | {"source": "editor", "author": editor.id})

    return blueprint


def _path(what: str, rest: str) -> str:
    if ".." in rest or "//" in rest:
        raise Forbidden("There is no such path.")
    return f"{what}/{rest}" if rest else what


def _object_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadFrame("Send a JSON object with the header Content-Type: application/json.")
    return body


def _signed_body(what: str, editor: StaffRecord) -> dict[str, Any]:
    body = _object_body()
    return body | {"author": editor.name or editor.email or editor.id} if what == "articles" else body
