"""The pages: staff's, the public help centre, the widget's loader and frame, the demo site."""

import re
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, send_from_directory
from werkzeug.wrappers import Response as BaseResponse

from handoff.errors import BatonError, NotFound
from handoff.kb_client import KnowledgeBase

PAGES_DIR = Path(__file__).parent / "pages"
WIDGET_DIR = Path(__file__).resolve().parents[2] / "widget"
WIDGET_SUFFIXES = (".js", ".css", ".svg", ".png")

HELP_PAGE_SIZE = 500
"""The knowledge base lists this many articles in one answer."""

DEFAULT_LANGUAGE = "en"

# What languages and slugs are made of. The knowledge base has more under an article's address than visitors may read.
_NAME = re.compile(r"[a-z0-9-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def build_pages_blueprint(knowledge_base: KnowledgeBase, *, company: str, widget_origins: tuple[str, ...]) -> Blueprint:
    """Build the blueprint of everything that a browser shows."""
    blueprint = Blueprint("pages", __name__, static_folder=None, template_folder="templates")
    _add_staff_pages(blueprint)
    _add_widget(blueprint, widget_origins)
    help_centre = Blueprint("help", __name__)
    _add_help_centre(help_centre, knowledge_base, company)
    _add_help_errors(help_centre, company)
    blueprint.register_blueprint(help_centre)
    return blueprint


def _add_staff_pages(blueprint: Blueprint) -> None:
    pages = {
        "/sign-in": "sign_in.html",
        "/join/<token>": "join.html",
        "/console": "console.html",
        "/editor": "editor.html",
        "/people": "people.html",
    }
    for path, file in pages.items():

        def show(file: str = file, token: str = "") -> Response:
            return send_from_directory(PAGES_DIR, file, max_age=0)

        blueprint.add_url_rule(path, endpoint=file.removesuffix(".html"), view_func=show)

    @blueprint.get("/favicon.ico")
    def icon() -> BaseResponse:
        return redirect("/static/shared/mark.svg")

    @blueprint.get("/")
    def home() -> BaseResponse:
        return redirect("/console")


def _add_widget(blueprint: Blueprint, widget_origins: tuple[str, ...]) -> None:
    @blueprint.get("/widget.js")
    def loader() -> Response:
        response = send_from_directory(WIDGET_DIR, "loader.js", max_age=300)
        # Any site may load the loader, also one that isolates itself by cross-origin policies.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @blueprint.get("/widget/frame")
    def frame() -> Response:
        g.frame_ancestors = " ".join(widget_origins)
        return send_from_directory(WIDGET_DIR, "frame.html", max_age=0)

    @blueprint.get("/widget/<file>")
    def widget_file(file: str) -> Response:
        if not file.endswith(WIDGET_SUFFIXES):
            raise NotFound("There is no such file.")
        return send_from_directory(WIDGET_DIR, file, max_age=300)

    @blueprint.get("/demo/")
    @blueprint.get("/demo/<file>")
    def demo(file: str = "index.html") -> Response:
        return send_from_directory(WIDGET_DIR / "demo", file, max_age=0)


def _add_help_centre(blueprint: Blueprint, knowledge_base: KnowledgeBase, company: str) -> None:
    def read_page(language: str, offset: int) -> dict[str, Any]:
        query = {"published": "1", "language": language, "limit": str(HELP_PAGE_SIZE), "offset": str(offset)}
        answer = knowledge_base.ask("GET", "/articles", query=query)
        if answer.status != 200:
            raise NotFound("There is no such language.")
        page: dict[str, Any] = answer.body
        return page

    def list_language(language: str) -> Response:
        _check_names(language)
        listed = read_page(language, 0)
        if language not in (*listed["languages"], DEFAULT_LANGUAGE):
            raise NotFound("There are no articles in this language.")
        lines = listed["articles"]
        for offset in range(HELP_PAGE_SIZE, listed["total"], HELP_PAGE_SIZE):
            lines += read_page(language, offset)["articles"]
        # An article that changes meanwhile moves to the first page, and the last one of each to the next.
        by_slug = {line["slug"]: line for line in lines}
        articles = [line | {"url": f"/help/{language}/{slug}"} for slug, line in by_slug.items()]
        page = render_template(
            "help_index.html",
            company=company,
            language=language,
            languages=listed["languages"],
            articles=articles,
        )
        return Response(page)

    @blueprint.get("/help/")
    def help_index() -> Response:
        languages = knowledge_base.ask("GET", "/articles", query={"published": "1", "limit": "1"}).body["languages"]
        usual = languages[0] if languages and DEFAULT_LANGUAGE not in languages else DEFAULT_LANGUAGE
        return list_language(request.accept_languages.best_match(languages) or usual)

    @blueprint.get("/help/<language>/")
    def help_language(language: str) -> Response:
        return list_language(language)

    @blueprint.get("/help/<language>/<path:slug>")
    def help_article(language: str, slug: str) -> Response:
        _check_names(language, slug)
        answer = knowledge_base.ask("GET", f"/articles/{language}/{slug}", query={"published": "1"})
        if answer.status != 200:
            raise NotFound("There is no such article. It may have been taken back.")
        translations = [t for t in answer.body["translations"] if t["status"] == "published"]
        page = render_template(
            "help_article.html",
            company=company,
            language=language,
            article=answer.body,
            translations=translations,
        )
        return Response(page)


def _add_help_errors(blueprint: Blueprint, company: str) -> None:
    @blueprint.errorhandler(BatonError)
    def show_error(error: BatonError) -> Response:
        wanted = (request.view_args or {}).get("language", "")
        language = wanted if _LANGUAGE.fullmatch(wanted) else DEFAULT_LANGUAGE
        is_missing = isinstance(error, NotFound)
        page = render_template("help_error.html", company=company, language=language, is_missing=is_missing)
        return Response(page, error.http_status)


def _check_names(*names: str) -> None:
    if not all(_NAME.fullmatch(name) for name in names):
        raise NotFound("There is no such article.")
