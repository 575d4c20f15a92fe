"""The HTTP doors through the whole application: errors, origins, roles, cookies, pages."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from handoff.app import create_app
from handoff.auth import Role
from handoff.settings import read_settings
from handoff.web.border import BODY_MAX_BYTES, SESSION_COOKIE, install_border
from tests.support.processes import free_ports
from tests.support.scripted import ScriptedKnowledgeBase

PASSWORD = "correct horse battery"
PUBLIC_URL = "https://help.fernhill.example"
SITE = "https://www.fernhill.example"


class BufferedClient(FlaskClient):
    """Reads each answer to its end, so that no file stays open."""

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        return super().open(*arguments, buffered=True, **options)


class Web:
    """The application with one member of staff of each role, and clients that are signed in as them."""

    def __init__(self, folder: Path, **environment: str) -> None:
        kb_port, bot_port = free_ports(2)
        settings = read_settings(
            {
                "BATON_DATA_DIR": str(folder),
                "BATON_PUBLIC_URL": PUBLIC_URL,
                "BATON_WIDGET_ORIGINS": SITE,
                "BATON_KB_PORT": str(kb_port),
                "BATON_BOT_PORT": str(bot_port),
                **environment,
            }
        )
        self.app = create_app(settings)
        self.app.test_client_class = BufferedClient
        self.parts = self.app.extensions["baton"]
        self._sessions: dict[str, str] = {}

    def staff(self, role: str) -> FlaskClient:
        """Give a client of somebody with this role, or of nobody."""
        client = self.app.test_client()
        if role != "nobody":
            client.set_cookie(SESSION_COOKIE, self._session(role))
        return client

    def joins(self, role: str, name: str) -> tuple[FlaskClient, TestResponse]:
        """Invite somebody who joins through the door; give their client and what it answered."""
        _, link = self.parts.accounts.invite(role=Role(role))
        client = self.app.test_client()
        person = {"name": name, "email": f"{name.lower()}@fernhill.example", "password": PASSWORD}
        return client, client.post(f"/api/staff/join/{link}", json=person)

    def _session(self, role: str) -> str:
        if role not in self._sessions:
            client, response = self.joins(role, role.capitalize())
            assert response.status_code == 200
            cookie = client.get_cookie(SESSION_COOKIE)
            assert cookie is not None
            self._sessions[role] = cookie.value
        return self._sessions[role]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(tmp_path_factory.mktemp("web"))
    yield web
    web.parts.shut_down(spread_ms=0)


@pytest.fixture
def nobody(web: Web) -> FlaskClient:
    return web.staff("nobody")


def error_of(response: TestResponse) -> dict[str, Any]:
    """Give the error of a response; fail if it has not the one shape."""
    assert response.is_json
    body = response.get_json()
    assert list(body) == ["error"]
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "field"}
    assert re.fullmatch(r"[a-z_]+", body["error"]["code"])
    assert body["error"]["message"]
    return body["error"]


# --- the shape of errors ------------------------------------------------------------------------------------------

ERRORS: list[tuple[str, str, str, dict[str, Any], int, str]] = [
    ("unknown path", "GET", "/api/nothing", {}, 404, "not_found"),
    ("unknown page", "GET", "/nothing", {}, 404, "not_found"),
    ("wrong method", "DELETE", "/api/staff/me", {}, 405, "method_not_allowed"),
    ("signed out", "GET", "/api/staff/me", {}, 401, "signed_out"),
    ("unknown link", "GET", "/api/staff/join/made-up", {}, 404, "link_invalid"),
    ("no JSON", "POST", "/api/staff/sign-in", {"data": "email=x"}, 400, "bad_frame"),
    ("broken JSON", "POST", "/api/staff/sign-in", {"data": "{", "content_type": "application/json"}, 400, "bad_frame"),
    ("bytes", "POST", "/api/staff/sign-in", {"data": b"\xff\xfe", "content_type": "application/json"}, 400,
     "bad_frame"),
    ("a list", "POST", "/api/staff/sign-in", {"json": []}, 400, "bad_frame"),
    ("missing field", "POST", "/api/staff/sign-in", {"json": {"email": "x"}}, 400, "bad_frame"),
    ("wrong type", "POST", "/api/staff/sign-in", {"json": {"email": 5, "password": "x"}}, 400, "bad_frame"),
    ("unknown field", "POST", "/api/staff/sign-in",
     {"json": {"email": "x", "password": "x", "admin": True}}, 400, "bad_frame"),
    ("deep nesting", "POST", "/api/visitor/session",
     {"data": '{"x":' + "[" * 100_000, "content_type": "application/json"}, 400, "bad_frame"),
    ("forged token", "POST", "/api/visitor/session", {"json": {"token": "forged", "site": SITE}}, 401,
     "token_invalid"),
    ("foreign site", "POST", "/api/visitor/session", {"json": {"site": "https://evil.example"}}, 403, "forbidden"),
    ("wrong password", "POST", "/api/staff/sign-in", {"json": {"email": "x@y.example", "password": "no"}}, 401,
     "sign_in_failed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "request_body", "status", "code"), [pytest.param(*row[1:], id=row[0]) for row in ERRORS]
)
def test_every_refusal_has_the_one_shape(
    nobody: FlaskClient, method: str, path: str, request_body: dict[str, Any], status: int, code: str
) -> None:
    response = nobody.open(path, method=method, **request_body)
    assert response.status_code == status
    assert error_of(response)["code"] == code


def test_refused_field_is_named(web: Web) -> None:
    _, link = web.parts.accounts.invite(role=Role.OPERATOR)
    response = web.staff("nobody").post(
        f"/api/staff/join/{link}", json={"name": "Alan", "email": "alan@fernhill.example", "password": "short"}
    )
    assert response.status_code == 400
    assert error_of(response)["field"] == "password"


def test_oversize_body_is_refused(nobody: FlaskClient) -> None:
    fits = json.dumps({"site": SITE, "padding": "x" * (BODY_MAX_BYTES - 100)})
    assert len(fits) <= BODY_MAX_BYTES
    assert nobody.post("/api/visitor/session", data=fits, content_type="application/json").status_code == 200
    over = json.dumps({"site": SITE, "padding": "x" * BODY_MAX_BYTES})
    response = nobody.post("/api/visitor/session", data=over, content_type="application/json")
    assert response.status_code == 413
    assert error_of(response)["message"]


def test_failure_inside_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    app = Flask("broken")
    install_border(app, public_url=PUBLIC_URL)

    @app.get("/break")
    def break_down() -> str:
        raise RuntimeError("the password is hunter2")

    response = app.test_client().get("/break")
    assert response.status_code == 500
    assert error_of(response)["code"] == "internal"
    assert b"hunter2" not in response.data
    assert "hunter2" in caplog.text


# --- origins ------------------------------------------------------------------------------------------------------

FOREIGN = ["https://evil.example", "null", "", "http://[", "https://help.fernhill.example.evil.example", "file://"]
OWN = [None, PUBLIC_URL, "http://localhost", "https://localhost"]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_change_from_a_foreign_origin_is_refused(web: Web, method: str, origin: str) -> None:
    path = "/api/staff/people/nobody"
    admin = web.staff("admin")
    allowed = admin.open(path, method=method, json={}, headers={"Origin": PUBLIC_URL})
    assert allowed.status_code in (404, 405)
    response = admin.open(path, method=method, json={}, headers={"Origin": origin})
    assert response.status_code == 403
    assert error_of(response)["code"] == "forbidden"


@pytest.mark.parametrize("origin", OWN)
def test_change_from_the_desks_own_pages_is_allowed(web: Web, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    response = web.staff("nobody").post("/api/staff/sign-out", headers=headers)
    assert response.status_code == 200


def test_reading_is_free_of_the_origin_rule(web: Web) -> None:
    response = web.staff("operator").get("/api/staff/me", headers={"Origin": "https://evil.example"})
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


def test_sign_in_from_a_foreign_origin_is_refused_before_the_password_is_looked_at(nobody: FlaskClient) -> None:
    body = {"email": "x@y.example", "password": PASSWORD}
    assert nobody.post("/api/staff/sign-in", json=body).status_code == 401
    response = nobody.post("/api/staff/sign-in", json=body, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403


# --- visitors -----------------------------------------------------------------------------------------------------


def test_visitor_gets_a_token_and_keeps_it(nobody: FlaskClient) -> None:
    headers = {"Origin": SITE}
    first = nobody.post("/api/visitor/session", json={"token": None, "site": SITE}, headers=headers)
    assert first.status_code == 200
    token = first.get_json()["token"]
    assert first.get_json()["is_new"] is True
    again = nobody.post("/api/visitor/session", json={"token": token, "site": SITE}, headers=headers)
    assert again.get_json() == {"token": token, "is_new": False}
    assert "Set-Cookie" not in first.headers


# --- staff --------------------------------------------------------------------------------------------------------


def test_session_cookie_is_out_of_reach_for_scripts_and_other_sites(web: Web) -> None:
    _, response = web.joins("operator", "Cookie")
    assert response.status_code == 200
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Secure"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_cookie_is_not_secure_only_where_there_is_no_tls(tmp_path: Path) -> None:
    web = Web(tmp_path, BATON_PUBLIC_URL="http://127.0.0.1:8000")
    try:
        _, response = web.joins("operator", "Grace")
        assert "HttpOnly" in response.headers["Set-Cookie"]
        assert "Secure" not in response.headers["Set-Cookie"]
    finally:
        web.parts.shut_down(spread_ms=0)


def test_me_tells_who_is_signed_in_and_no_secrets(web: Web) -> None:
    operator = web.staff("operator").get("/api/staff/me").get_json()["operator"]
    assert (operator["name"], operator["role"], operator["is_active"]) == ("Operator", "operator", True)
    assert not {"password", "password_hash"} & set(operator)


def test_sign_out_ends_the_session_and_is_harmless_when_repeated(web: Web) -> None:
    client, _ = web.joins("operator", "Leaver")
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    assert client.get("/api/staff/me").status_code == 200
    assert client.post("/api/staff/sign-out").get_json() == {}
    assert client.get_cookie(SESSION_COOKIE) is None
    client.set_cookie(SESSION_COOKIE, cookie.value)
    assert client.get("/api/staff/me").status_code == 401
    ended = client.post("/api/staff/sign-out")
    assert (ended.status_code, ended.get_json()) == (200, {})
    assert client.get_cookie(SESSION_COOKIE) is None


def test_admin_invites_changes_and_links_people(web: Web) -> None:
    admin = web.staff("admin")
    invited = admin.post("/api/staff/people", json={"email": "new@fernhill.example", "name": "New", "role": "operator"})
    assert invited.status_code == 201
    person = invited.get_json()["person"]
    assert (person["is_invited"], person["role"]) == (True, "operator")
    assert invited.get_json()["join_url"].startswith(f"{PUBLIC_URL}/join/")
    link = admin.post(f"/api/staff/people/{person['id']}/link").get_json()["join_url"]
    seen = web.staff("nobody").get(f"/api/staff/join/{link.rsplit('/', 1)[1]}").get_json()
    assert seen == {"email": "new@fernhill.example", "name": "New", "role": "operator"}
    changed = admin.patch(f"/api/staff/people/{person['id']}", json={"role": "editor", "is_active": False})
    assert (changed.get_json()["person"]["role"], changed.get_json()["person"]["is_active"]) == ("editor", False)
    listed = {each["email"]: each for each in admin.get("/api/staff/people").get_json()["people"]}
    assert listed["new@fernhill.example"]["is_active"] is False


def test_bad_role_and_own_account_cannot_be_changed(web: Web) -> None:
    admin = web.staff("admin")
    me = admin.get("/api/staff/me").get_json()["operator"]
    bad = admin.post("/api/staff/people", json={"email": "x@fernhill.example", "name": "X", "role": "owner"})
    assert bad.status_code == 400
    own = admin.patch(f"/api/staff/people/{me['id']}", json={"role": "operator"})
    assert (own.status_code, error_of(own)["code"]) == (403, "forbidden")
    assert admin.get("/api/staff/me").get_json()["operator"]["role"] == "admin"


# --- who may do what ----------------------------------------------------------------------------------------------

ROLES = ("nobody", "operator", "editor", "admin")
DOWN = 503  # the way is open, and the knowledge base behind it is not running

ACCESS: list[tuple[str, str, tuple[int, int, int, int]]] = [
    ("GET", "/api/articles", (401, DOWN, DOWN, DOWN)),
    ("GET", "/api/articles/en/refunds", (401, DOWN, DOWN, DOWN)),
    ("GET", "/api/articles/en/refunds/revisions", (401, DOWN, DOWN, DOWN)),
    ("GET", "/api/questions", (401, DOWN, DOWN, DOWN)),
    ("POST", "/api/search", (401, DOWN, DOWN, DOWN)),
    ("POST", "/api/articles", (401, 403, DOWN, DOWN)),
    ("PUT", "/api/articles/en/refunds", (401, 403, DOWN, DOWN)),
    ("POST", "/api/articles/en/refunds/publish", (401, 403, DOWN, DOWN)),
    ("POST", "/api/articles/en/refunds/archive", (401, 403, DOWN, DOWN)),
    ("POST", "/api/render", (401, 403, DOWN, DOWN)),
    ("POST", "/api/questions/dismiss", (401, 403, DOWN, DOWN)),
    ("POST", "/api/labels", (401, 403, DOWN, DOWN)),
    ("GET", "/api/staff/people", (401, 403, 403, 200)),
    ("POST", "/api/staff/people", (401, 403, 403, 400)),
    ("POST", "/api/staff/people/nobody/link", (401, 403, 403, 404)),
    ("PATCH", "/api/staff/people/nobody", (401, 403, 403, 404)),
]
ACCESS_CASES = [
    pytest.param(method, path, role, status, id=f"{method} {path} by {role}")
    for method, path, statuses in ACCESS
    for role, status in zip(ROLES, statuses, strict=True)
]


@pytest.mark.parametrize(("method", "path", "role", "status"), ACCESS_CASES)
def test_roles_open_the_doors_that_the_table_says(web: Web, method: str, path: str, role: str, status: int) -> None:
    body = {} if method == "GET" else {"json": {}}
    response = web.staff(role).open(path, method=method, **body)
    assert response.status_code == status
    if status == DOWN:
        assert error_of(response)["code"] == "knowledge_base_unavailable"
    elif status in (401, 403):
        assert error_of(response)["code"] == {401: "signed_out", 403: "forbidden"}[status]


@pytest.mark.parametrize("path", ["/help/", "/help/en/", "/help/en/refunds"])
def test_help_centre_says_when_the_knowledge_base_is_down(nobody: FlaskClient, path: str) -> None:
    response = nobody.get(path)
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert "Try again in a moment." in response.text


@pytest.mark.parametrize("path", ["../health", "en/../../questions", "en//refunds", "%2e%2e/health"])
def test_path_that_leads_out_of_the_articles_is_refused(web: Web, path: str) -> None:
    response = web.staff("editor").get(f"/api/articles/{path}", follow_redirects=False)
    assert response.status_code in (308, 403, 404)


def test_body_of_an_article_must_be_an_object(web: Web) -> None:
    for body in ([], "text", None):
        response = web.staff("editor").post("/api/articles", json=body)
        assert (response.status_code, error_of(response)["code"]) == (400, "bad_frame")


# --- with a knowledge base behind ---------------------------------------------------------------------------------


class ListeningKnowledgeBase(ScriptedKnowledgeBase):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, Any]] = []
        self.next_answer: tuple[int, bytes] | None = None

    def answer_to(self, path: str, body: Any) -> tuple[int, bytes]:
        self.heard.append((path, body))
        answer, self.next_answer = self.next_answer, None
        return answer or super().answer_to(path, body)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Web, ListeningKnowledgeBase]]:
    with ListeningKnowledgeBase() as knowledge_base:
        web = Web(tmp_path_factory.mktemp("library"), BATON_KB_PORT=str(knowledge_base.port))
        yield web, knowledge_base
        web.parts.shut_down(spread_ms=0)


def test_search_of_staff_is_kept_out_of_the_log_of_questions(library: tuple[Web, ListeningKnowledgeBase]) -> None:
    web, knowledge_base = library
    response = web.staff("operator").post("/api/search", json={"question": "refund", "log": True})
    assert response.get_json()["verdict"] == "answer"
    assert knowledge_base.heard[-1] == ("/search", {"question": "refund", "log": False, "audience": "staff"})


def test_author_of_an_article_is_who_is_signed_in_whatever_the_body_says(
    library: tuple[Web, ListeningKnowledgeBase],
) -> None:
    web, knowledge_base = library
    web.staff("editor").post("/api/articles", json={"title": "Refunds", "author": "Somebody Else"})
    assert knowledge_base.heard[-1] == ("/articles", {"title": "Refunds", "author": "Editor"})
    web.staff("editor").post("/api/render", json={"body": "*hi*"})
    assert knowledge_base.heard[-1] == ("/render", {"body": "*hi*"})


def test_query_is_passed_on(library: tuple[Web, ListeningKnowledgeBase]) -> None:
    web, knowledge_base = library
    web.staff("operator").get("/api/articles?status=draft&q=re%26fund")
    assert knowledge_base.heard[-1][0] == "/articles?status=draft&q=re%26fund"


@pytest.mark.parametrize(
    ("status", "raw", "seen", "code"),
    [
        (409, b'{"error": {"code": "revision_conflict", "message": "Look again."}}', 409, "revision_conflict"),
        (500, b'{"error": {"code": "internal", "message": "boom"}}', 503, "knowledge_base_unavailable"),
        (200, b"<html>", 503, "knowledge_base_unavailable"),
    ],
)
def test_refusal_of_the_knowledge_base_is_passed_on_and_its_failure_is_not(
    library: tuple[Web, ListeningKnowledgeBase], status: int, raw: bytes, seen: int, code: str
) -> None:
    web, knowledge_base = library
    knowledge_base.next_answer = (status, raw)
    response = web.staff("editor").get("/api/articles/en/refunds")
    assert response.status_code == seen
    assert error_of(response)["code"] == code
    assert b"boom" not in response.data


# --- throttles ----------------------------------------------------------------------------------------------------


def knock(web: Web, path: str, *, times: int) -> list[TestResponse]:
    client = web.staff("nobody")
    return [client.post(path, json={"site": SITE} if "visitor" in path else []) for _ in range(times)]


@pytest.mark.parametrize(("path", "limit"), [("/api/staff/sign-in", 40), ("/api/visitor/session", 600)])
def test_one_address_knocks_only_so_often(tmp_path: Path, path: str, limit: int) -> None:
    web = Web(tmp_path)
    try:
        *allowed, refused = knock(web, path, times=limit + 1)
        assert 429 not in {response.status_code for response in allowed}
        assert refused.status_code == 429
        assert error_of(refused)["code"] == "too_many_tries"
        assert 0 < int(refused.headers["Retry-After"]) <= 901
    finally:
        web.parts.shut_down(spread_ms=0)


# --- pages --------------------------------------------------------------------------------------------------------

PAGES = ["/sign-in", "/join/some-token", "/console", "/editor", "/people", "/widget/frame", "/demo/"]


class PageParts(HTMLParser):
    """What a page loads, and what it should not contain."""

    def __init__(self) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.loads: list[str] = []
        self._is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.inline += [f"<{tag} {name}>" for name in names if name == "style" or name.startswith("on")]
        self.inline += [f"{tag} {v}" for v in names.values() if (v or "").strip().lower().startswith("javascript:")]
        if tag == "style" or (tag == "script" and "src" not in names):
            self.inline.append(f"<{tag}>")
        if tag == "script":
            self.loads.append(names.get("src") or "")
        if tag == "link" and names.get("rel") in ("stylesheet", "modulepreload", "icon"):
            self.loads.append(names.get("href") or "")


def parts_of(response: TestResponse) -> PageParts:
    parts = PageParts()
    parts.feed(response.text)
    return parts


@pytest.mark.parametrize("path", PAGES)
def test_page_has_a_strict_policy_and_nothing_inline(nobody: FlaskClient, path: str) -> None:
    response = nobody.get(path)
    assert response.status_code == 200
    assert response.mimetype == "text/html"
    policy = response.headers["Content-Security-Policy"]
    for rule in ("default-src 'self'", "script-src 'self'", "style-src 'self'", "object-src 'none'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert parts_of(response).inline == []


@pytest.mark.parametrize("path", PAGES)
def test_everything_that_a_page_loads_is_the_desks_own_and_there(nobody: FlaskClient, path: str) -> None:
    loads = parts_of(nobody.get(path)).loads
    assert loads
    for address in loads:
        assert "//" not in address
        assert nobody.get(urljoin(path, address)).status_code == 200, address


def test_only_the_widgets_frame_may_be_framed_and_only_by_the_sites_that_may_show_it(nobody: FlaskClient) -> None:
    for path in PAGES:
        policy = nobody.get(path).headers["Content-Security-Policy"]
        ancestors = SITE if path == "/widget/frame" else "'none'"
        assert policy.endswith(f"frame-ancestors {ancestors}")


@pytest.mark.parametrize("path", ["/api/staff/me", "/api/nothing"])
def test_answers_of_the_api_are_not_kept_in_caches(nobody: FlaskClient, path: str) -> None:
    assert nobody.get(path).headers["Cache-Control"] == "no-store"


def test_loader_may_be_loaded_by_any_site(nobody: FlaskClient) -> None:
    response = nobody.get("/widget.js")
    assert response.status_code == 200
    assert response.mimetype == "text/javascript"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/widget/__init__.py",
        "/widget/README.md",
        "/widget/package.json",
        "/widget/..%2fpyproject.toml",
        "/widget/../handoff/app.py",
        "/demo/..%2f..%2fpyproject.toml",
        "/demo/../../pyproject.toml",
        "/static/../app.py",
        "/static/..%2fapp.py",
    ],
)
def test_files_beside_the_public_ones_are_not_served(nobody: FlaskClient, path: str) -> None:
    assert nobody.get("/widget/frame.js").status_code == 200
    assert nobody.get(path).status_code == 404


def test_front_door_leads_to_the_console_and_health_is_open(nobody: FlaskClient) -> None:
    home = nobody.get("/")
    assert (home.status_code, home.headers["Location"]) == (302, "/console")
    assert nobody.get("/health").get_json() == {
        "status": "ok",
        "connections": 0,
        "bot_breaker": "closed",
    }


def test_application_starts_again_on_its_own_data(tmp_path: Path) -> None:
    first = Web(tmp_path)
    client, _ = first.joins("operator", "Grace")
    cookie = client.get_cookie(SESSION_COOKIE)
    assert cookie is not None
    first.parts.shut_down(spread_ms=0)
    first.parts.shut_down(spread_ms=0)
    second = Web(tmp_path)
    try:
        again = second.app.test_client()
        again.set_cookie(SESSION_COOKIE, cookie.value)
        assert again.get("/api/staff/me").get_json()["operator"]["name"] == "Grace"
    finally:
        second.parts.shut_down(spread_ms=0)
