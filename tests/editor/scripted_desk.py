"""A small stand-in for Baton's server: articles, questions and people in memory, spoken to over HTTP.

It speaks the parts of the staff HTTP that the editor and the small staff pages use, and nothing else. Tests script it
(`desk.will_fail(...)`, `desk.add_article(...)`) and read what it was told (`desk.calls`).
"""

from __future__ import annotations

import copy
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.serving import WSGIRequestHandler, make_server

from knowledge_base.markup import render_html
from tests.support.files import serve_file

WEB = Path(__file__).resolve().parents[2] / "handoff" / "web"
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; connect-src 'self' ws: wss:"
)
Json = dict[str, Any]


class Refusal(Exception):
    """An answer in the error shape of every Baton API."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        error = {"code": code, "message": message, **({"field": field} if field else {})}
        self.status, self.body = status, {"error": error}


@dataclass
class ScriptedDesk:
    """What the server knows; every handler reads and changes this."""

    now: float = field(default_factory=time.time)
    operator: Json | None = field(
        default_factory=lambda: {"id": "o1", "name": "Grace", "email": "grace@example.com", "role": "admin"}
    )
    articles: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    published: dict[tuple[str, str], int] = field(default_factory=dict)
    archived: set[tuple[str, str]] = field(default_factory=set)
    questions: list[Json] = field(default_factory=list)
    people: list[Json] = field(default_factory=list)
    joins: dict[str, Json] = field(default_factory=dict)
    verdict: str = "answer"
    raw_html: str | None = None
    calls: list[tuple[str, str, Json]] = field(default_factory=list)
    refusals: list[tuple[str, str, Refusal]] = field(default_factory=list)

    def add_article(
        self, title: str, body: str = "", *, language: str = "en", status: str = "published", **more: Any
    ) -> Json:
        """Put an article there as if it had been written, `age_s` seconds ago."""
        slug = more.pop("slug", None) or slugify(title)
        key = (language, slug)
        at = self.now - more.pop("age_s", 3600)
        revision = {
            "slug": slug,
            "language": language,
            "title": title,
            "body": body,
            "tags": [],
            "phrasings": [],
            "audience": "everyone",
            "author": "Grace",
            "source": None,
            "updated_at": at,
            **more,
        }
        self.articles.setdefault(key, []).append({**revision, "revision": len(self.articles.get(key, [])) + 1})
        if status == "published":
            self.published[key] = len(self.articles[key])
        if status == "archived":
            self.published[key] = len(self.articles[key])
            self.archived.add(key)
        return self.read(key)

    def change_behind(self, language: str, slug: str, *, author: str = "Alan", **changes: Any) -> None:
        """Let somebody else save a revision."""
        revisions = self.articles[language, slug]
        revisions.append(
            {
                **copy.deepcopy(revisions[-1]),
                **changes,
                "author": author,
                "updated_at": time.time(),
                "revision": len(revisions) + 1,
            }
        )

    def will_refuse(self, method: str, path: str, refusal: Refusal) -> None:
        """Refuse the next call of that method whose path contains `path`."""
        self.refusals.append((method, path, refusal))

    def sent(self, method: str, path: str) -> list[Json]:
        """The bodies of the calls so far to that path."""
        return [body for m, p, body in self.calls if m == method and path in p]

    def status(self, key: tuple[str, str]) -> str:
        if key in self.archived:
            return "archived"
        return "published" if key in self.published else "draft"

    def read(self, key: tuple[str, str], revision: int | None = None) -> Json:
        if key not in self.articles or (revision or 1) > len(self.articles[key]):
            raise Refusal(404, "not_found", "There is no such article. It may have been removed.")
        found = self.articles[key][(revision or 0) - 1]
        siblings = [k for k in self.articles if k[1] == key[1] and k != key]
        return {
            **copy.deepcopy(found),
            "status": self.status(key),
            "published_revision": self.published.get(key),
            "html": self.render(found["body"]),
            "translations": [
                {"language": k[0], "title": self.articles[k][-1]["title"], "status": self.status(k)} for k in siblings
            ],
        }

    def render(self, body: str) -> str:
        if self.raw_html is not None:
            return self.raw_html
        return render_html(body)

    def save(self, key: tuple[str, str], content: Json) -> Json:
        revisions = self.articles.setdefault(key, [])
        names = ("title", "body", "tags", "phrasings", "audience")
        fresh = {name: content.get(name, "") for name in names}
        if revisions and all(revisions[-1][name] == fresh[name] for name in names):
            return self.read(key)
        author = self.operator["name"] if self.operator else "nobody"
        source = revisions[-1]["source"] if revisions else None
        revisions.append(
            {
                "slug": key[1],
                "language": key[0],
                "source": source,
                **fresh,
                "author": author,
                "updated_at": time.time(),
                "revision": len(revisions) + 1,
            }
        )
        return self.read(key)

    def search(self, question: str, language: str | None, limit: int) -> Json:
        """Rank what is published by the number of words in common with the question."""
        words = set(re.findall(r"\w+", question.lower()))
        hits = []
        for key, revision in self.published.items():
            if key in self.archived or (language and key[0] != language):
                continue
            found = self.articles[key][revision - 1]
            text = " ".join([found["title"], *found["phrasings"], found["body"]]).lower()
            share = len(words & set(re.findall(r"\w+", text))) / max(1, len(words))
            hits.append(
                {
                    "slug": key[1],
                    "language": key[0],
                    "title": found["title"],
                    "revision": revision,
                    "url": f"/help/{key[0]}/{key[1]}",
                    "passage": {
                        "id": 1,
                        "heading": "",
                        "text": re.sub(r"[*_#>`|]", "", found["body"])[:300],
                        "html": self.render(found["body"]),
                    },
                    "score": share,
                    "probability": round(0.05 + 0.9 * share, 2),
                }
            )
        hits.sort(key=lambda hit: -hit["probability"])
        verdict = self.verdict if hits else "unsure"
        return {"question": question, "language": language, "verdict": verdict, "results": hits[:limit]}


def slugify(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80] or "article"


def build_app(desk: ScriptedDesk) -> Flask:
    """The Flask application over a desk."""
    app = Flask(__name__, static_folder=None, template_folder=str(WEB / "templates"))

    @app.before_request
    def note() -> None:
        body = request.get_json(silent=True) if request.method != "GET" else dict(request.args)
        desk.calls.append((request.method, request.path, body or {}))
        for refusal in list(desk.refusals):
            if refusal[0] == request.method and refusal[1] in request.path:
                desk.refusals.remove(refusal)
                raise refusal[2]
        is_open = not request.path.startswith("/api/") or "/sign-in" in request.path or "/join/" in request.path
        if desk.operator is None and not is_open:
            raise Refusal(401, "signed_out", "Sign in first.")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = CSP
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> tuple[Response, int]:
        return jsonify(refusal.body), refusal.status

    add_pages(app)
    add_articles(app, desk)
    add_questions(app, desk)
    add_people(app, desk)
    add_help(app, desk)
    return app


def add_pages(app: Flask) -> None:
    pages = {
        "/editor": "editor.html",
        "/people": "people.html",
        "/sign-in": "sign_in.html",
        "/join/<token>": "join.html",
    }
    for rule, name in pages.items():
        app.add_url_rule(rule, f"page_{name}", lambda name=name, **_: serve_file(WEB / "pages", name))
    app.add_url_rule("/static/<path:file>", "static", lambda file: serve_file(WEB / "static", file))
    app.add_url_rule("/console", "console", lambda: "<!doctype html><title>Console</title><h1>Console</h1>")
    app.add_url_rule("/favicon.ico", "favicon", lambda: ("", 204))


def add_articles(app: Flask, desk: ScriptedDesk) -> None:
    @app.get("/api/articles")
    def list_articles() -> Response:
        wanted, query = request.args, request.args.get("q", "").lower()
        found = [desk.read(key) for key in desk.articles]
        found = [
            a
            for a in found
            if a["status"] == wanted.get("status", a["status"])
            and a["language"] == wanted.get("language", a["language"])
        ]
        texts = [" ".join([a["title"], a["body"], *a["tags"], *a["phrasings"]]).lower() for a in found]
        found = [a for a, text in zip(found, texts, strict=True) if all(word in text for word in query.split())]
        found.sort(key=lambda a: -a["updated_at"])
        start, limit = int(wanted.get("offset", 0)), int(wanted.get("limit", 50))
        rows = [
            {
                **a,
                "has_draft": a["status"] == "published" and a["published_revision"] != a["revision"],
                "excerpt": a["body"][:120],
            }
            for a in found
        ]
        return jsonify(
            articles=rows[start : start + limit],
            total=len(rows),
            languages=sorted({key[0] for key in desk.articles}),
            tags=sorted({tag for revisions in desk.articles.values() for tag in revisions[-1]["tags"]}),
        )

    @app.post("/api/articles")
    def create_article() -> tuple[Response, int]:
        content = request.get_json()
        key = (content["language"], content.get("slug") or slugify(content["title"]))
        if key in desk.articles:
            raise Refusal(409, "slug_taken", "Another article has this address. Choose another one.")
        return jsonify(desk.save(key, content)), 201

    @app.get("/api/articles/<language>/<slug>")
    def read_article(language: str, slug: str) -> Response:
        return jsonify(desk.read((language, slug)))

    @app.put("/api/articles/<language>/<slug>")
    def change_article(language: str, slug: str) -> Response:
        content, key = request.get_json(), (language, slug)
        if content["base_revision"] != len(desk.articles[key]):
            raise Refusal(409, "revision_conflict", "Somebody else saved this article. Load it again.")
        return jsonify(desk.save(key, content))

    @app.post("/api/articles/<language>/<slug>/publish")
    def publish(language: str, slug: str) -> Response:
        key = (language, slug)
        desk.published[key] = request.get_json().get("revision") or len(desk.articles[key])
        desk.archived.discard(key)
        return jsonify(desk.read(key))

    @app.post("/api/articles/<language>/<slug>/archive")
    def archive(language: str, slug: str) -> Response:
        desk.archived.add((language, slug))
        return jsonify(desk.read((language, slug)))

    @app.get("/api/articles/<language>/<slug>/revisions")
    def revisions(language: str, slug: str) -> Response:
        key = (language, slug)
        rows = [
            {
                "revision": r["revision"],
                "title": r["title"],
                "author": r["author"],
                "created_at": r["updated_at"],
                "is_published": desk.published.get(key) == r["revision"],
            }
            for r in desk.articles[key]
        ]
        return jsonify(revisions=rows[::-1])

    @app.get("/api/articles/<language>/<slug>/revisions/<int:number>")
    def read_revision(language: str, slug: str, number: int) -> Response:
        return jsonify(desk.read((language, slug), number))

    @app.post("/api/render")
    def render() -> Response:
        return jsonify(html=desk.render(request.get_json()["body"]))


def add_questions(app: Flask, desk: ScriptedDesk) -> None:
    @app.post("/api/search")
    def search() -> Response:
        wanted = request.get_json()
        return jsonify(desk.search(wanted["question"], wanted.get("language"), wanted.get("limit", 5)))

    @app.get("/api/questions")
    def questions() -> Response:
        return jsonify(questions=desk.questions)

    @app.post("/api/labels")
    def label() -> Response:
        return jsonify({})

    @app.post("/api/questions/dismiss")
    def dismiss() -> Response:
        wanted = request.get_json()["question"]
        desk.questions = [q for q in desk.questions if q["question"] != wanted]
        return jsonify({})


def add_people(app: Flask, desk: ScriptedDesk) -> None:
    @app.get("/api/staff/me")
    def me() -> Response:
        return jsonify(operator=desk.operator)

    @app.post("/api/staff/sign-in")
    def sign_in() -> Response:
        wanted = request.get_json()
        if wanted["password"] != "correct horse battery":
            raise Refusal(401, "sign_in_failed", "E-mail or password is wrong.")
        desk.operator = {"id": "o1", "name": "Grace", "email": wanted["email"], "role": "admin"}
        return jsonify(operator=desk.operator)

    @app.post("/api/staff/sign-out")
    def sign_out() -> Response:
        desk.operator = None
        return jsonify({})

    @app.get("/api/staff/join/<token>")
    def read_join(token: str) -> Response:
        if token not in desk.joins:
            raise Refusal(404, "link_invalid", "This link was used already, or is too old. Ask for a new one.")
        return jsonify(desk.joins[token])

    @app.post("/api/staff/join/<token>")
    def join(token: str) -> Response:
        wanted = request.get_json()
        if len(wanted["password"]) < 12:
            raise Refusal(422, "password_too_short", "Use 12 characters or more.", "password")
        fixed = desk.joins.pop(token)
        desk.operator = {
            "id": "o9",
            "name": wanted["name"],
            "email": fixed["email"] or wanted["email"],
            "role": fixed["role"],
        }
        return jsonify(operator=desk.operator)

    @app.get("/api/staff/people")
    def people() -> Response:
        return jsonify(people=desk.people)

    @app.post("/api/staff/people")
    def invite() -> Response:
        wanted = request.get_json()
        if any(person["email"] == wanted["email"] for person in desk.people):
            raise Refusal(409, "email_taken", "Somebody with this e-mail is here already.", "email")
        person = {"id": secrets.token_hex(4), **wanted, "is_active": True, "last_seen_at": None, "is_invited": True}
        desk.people.append(person)
        return jsonify(person=person, join_url=f"{request.host_url}join/{secrets.token_urlsafe(24)}")

    @app.post("/api/staff/people/<person_id>/link")
    def link(person_id: str) -> Response:
        return jsonify(join_url=f"{request.host_url}join/{secrets.token_urlsafe(24)}")

    @app.patch("/api/staff/people/<person_id>")
    def change_person(person_id: str) -> Response:
        person = next(p for p in desk.people if p["id"] == person_id)
        person.update(request.get_json())
        return jsonify(person=person)


def add_help(app: Flask, desk: ScriptedDesk) -> None:
    @app.get("/help/")
    @app.get("/help/<language>/")
    def index(language: str = "en") -> str:
        found = [desk.read(key, revision) for key, revision in desk.published.items() if key not in desk.archived]
        rows = [
            {**a, "excerpt": a["body"][:200], "url": f"/help/{language}/{a['slug']}"}
            for a in found
            if a["language"] == language
        ]
        languages = sorted({a["language"] for a in found})
        return render_template(
            "help_index.html", company="Fernhill", language=language, languages=languages, articles=rows
        )

    @app.get("/help/<language>/<slug>")
    def article(language: str, slug: str) -> str:
        found = desk.read((language, slug), desk.published[language, slug])
        translations = [t for t in found["translations"] if t["status"] == "published"]
        return render_template(
            "help_article.html", company="Fernhill", language=language, article=found, translations=translations
        )


class QuietHandler(WSGIRequestHandler):
    """Keeps the requests of a page, dozens each, out of the tests' output."""

    def log_request(self, *_: object) -> None:
        return


class DeskServer:
    """Serves a desk on a free loopback port, in a thread of its own."""

    def __init__(self, desk: ScriptedDesk, port: int = 0) -> None:
        self._server = make_server("127.0.0.1", port, build_app(desk), threaded=True, request_handler=QuietHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
