"""The service over HTTP: the contract's shapes, the token, bad requests, and a real gunicorn."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from werkzeug.test import TestResponse

from knowledge_base import library
from knowledge_base.article_store import ImportOutcome
from knowledge_base.errors import InvalidInputError
from knowledge_base.library import CHANGES_MAX, KnowledgeBase
from knowledge_base.server import THREADS
from knowledge_base.service import SMALL_REQUEST_MAX_BYTES, create_app, read_token
from tests.conftest import PATIENCE_S
from tests.knowledge_base.conftest import CENTRE, REPOSITORY, TOKEN, Desk, HeldEmbedder

ARTICLE = {
    "language": "en",
    "title": "Mute a channel",
    "body": "Open the channel.\n\n1. Choose **Mute**.",
    "tags": ["channels"],
    "phrasings": ["too many notifications"],
    "author": "Ada",
}


def test_health_needs_no_token_and_counts(centre: KnowledgeBase) -> None:
    body = create_app(centre, TOKEN).test_client().get("/health").get_json()
    assert (body["status"], body["articles"], body["published"], body["model"]) == ("ok", 8, 8, "keywords")
    assert body["passages"] >= 8


@pytest.mark.parametrize("header", [None, "", "Bearer", f"Bearer {TOKEN}x", f"bearer {TOKEN}", TOKEN, "Bearer ünïcode"])
@pytest.mark.parametrize("path", ["/articles", "/questions", "/nowhere"])
def test_everything_else_needs_the_token(base: KnowledgeBase, path: str, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = create_app(base, TOKEN).test_client().get(path, headers=headers)
    assert response.status_code == 401
    assert response.get_json()["error"]["code"] == "token_invalid"


def test_a_search_has_the_shape_of_the_contract(desk: Desk, centre: KnowledgeBase) -> None:
    body = desk.post("/search", {"question": "reset my password", "language": None, "limit": 2, "exclude": []})
    assert set(body) == {"question", "language", "verdict", "results"}
    best = body["results"][0]
    shape = {"slug", "language", "title", "revision", "url", "tags", "audience", "passage", "score", "probability"}
    assert set(best) == shape
    assert set(best["passage"]) == {"id", "heading", "text", "html"}
    assert best["slug"] == "reset-password"
    assert best["url"] == "/help/en/reset-password"
    assert "<li>" in best["passage"]["html"]
    assert "<" not in best["passage"]["text"]


def test_a_result_says_whom_its_article_is_for(desk: Desk) -> None:
    for slug, audience in (("mute", "everyone"), ("mute-all", "staff")):
        desk.post("/articles", {**ARTICLE, "slug": slug, "audience": audience}, 201)
        desk.post(f"/articles/en/{slug}/publish", {"author": "Ada"})
    question = {"question": "too many notifications", "limit": 20}
    for audience, told in (("everyone", {"mute": "everyone"}), ("staff", {"mute": "everyone", "mute-all": "staff"})):
        found = desk.post("/search", question | {"audience": audience})["results"]
        assert {result["slug"]: result["audience"] for result in found} == told


def test_reload_answers_from_a_database_that_was_replaced_under_the_service(
    desk: Desk, centre: KnowledgeBase, tmp_path: Path
) -> None:
    question = {"question": "too many notifications"}
    with closing(sqlite3.connect(tmp_path / "kb.db")) as live, closing(sqlite3.connect(":memory:")) as kept:
        live.backup(kept)
        created = desk.post("/articles", ARTICLE, 201)
        desk.post(f"/articles/en/{created['slug']}/publish", {"author": "Ada"})
        # What was compared once is remembered; until the reload the index goes on without the database's tokens.
        assert desk.post("/search", question)["results"][0]["slug"] == "mute-a-channel"
        kept.backup(live)
    assert desk.post("/search", question)["results"][0]["slug"] == "mute-a-channel"
    assert desk.post("/reload", {})["published"] == 8
    assert "mute-a-channel" not in [result["slug"] for result in desk.post("/search", question)["results"]]


def test_an_article_goes_from_draft_to_answer_to_archive(desk: Desk, centre: KnowledgeBase) -> None:
    created = desk.post("/articles", ARTICLE, 201)
    assert (created["slug"], created["status"], created["revision"]) == ("mute-a-channel", "draft", 1)
    assert "<strong>Mute</strong>" in created["html"]
    desk.get("/articles/en/mute-a-channel?published=1", 404)
    published = desk.post("/articles/en/mute-a-channel/publish", {"author": "Ada"})
    assert (published["status"], published["published_revision"]) == ("published", 1)
    found = desk.post("/search", {"question": "too many notifications"})
    assert (found["results"][0]["slug"], found["verdict"]) == ("mute-a-channel", "answer")
    desk.post("/articles/en/mute-a-channel/archive", {"author": "Ada"})
    found = desk.post("/search", {"question": "too many notifications", "limit": 20})
    assert "mute-a-channel" not in {result["slug"] for result in found["results"]}


def test_revisions_are_listed_read_and_guarded(desk: Desk) -> None:
    desk.post("/articles", ARTICLE, 201)
    edit = {**ARTICLE, "body": "New.", "author": "Grace", "base_revision": 1}
    assert desk.put("/articles/en/mute-a-channel", edit)["revision"] == 2
    assert desk.put("/articles/en/mute-a-channel", {**edit, "base_revision": 2})["revision"] == 2
    refused = desk.put("/articles/en/mute-a-channel", {**edit, "body": "Mine.", "author": "Alan"}, 409)
    assert refused["error"]["code"] == "revision_conflict"
    desk.post("/articles/en/mute-a-channel/publish", {"author": "Grace", "revision": 1})
    revisions = desk.get("/articles/en/mute-a-channel/revisions")["revisions"]
    assert [(r["revision"], r["author"], r["is_published"]) for r in revisions] == [
        (2, "Grace", False),
        (1, "Ada", True),
    ]
    assert desk.get("/articles/en/mute-a-channel/revisions/1")["body"] == ARTICLE["body"]
    assert desk.get("/articles/en/mute-a-channel")["body"] == "New."
    assert desk.get("/articles/en/mute-a-channel?published=1")["body"] == ARTICLE["body"]
    desk.get("/articles/en/mute-a-channel/revisions/9", 404)


def test_a_taken_slug_is_a_conflict(desk: Desk) -> None:
    desk.post("/articles", ARTICLE, 201)
    assert desk.post("/articles", ARTICLE, 409)["error"]["code"] == "slug_taken"


def test_the_list_filters_and_counts(desk: Desk, centre: KnowledgeBase) -> None:
    desk.post("/articles", ARTICLE, 201)
    body = desk.get("/articles?status=published&language=de&limit=1")
    assert (len(body["articles"]), body["total"], body["languages"]) == (1, 2, ["de", "en"])
    assert set(ARTICLE["tags"]) <= set(body["tags"])
    assert desk.get("/articles?published=1&limit=1")["tags"] == sorted({*body["tags"]} - {*ARTICLE["tags"]})
    line = desk.get("/articles?q=notifications")["articles"][0]
    assert set(line) == {"slug", "language", "title", "status", "tags", "audience", "revision", "published_revision",
                         "updated_at", "author", "has_draft", "excerpt"}  # fmt: skip
    assert line["excerpt"] == "Open the channel. 1. Choose Mute."


def test_translations_are_named(desk: Desk, centre: KnowledgeBase) -> None:
    body = desk.get("/articles/en/reset-password")
    assert body["translations"] == [{"language": "de", "title": "Kennwort zurücksetzen", "status": "published"}]


def test_render_is_safe(desk: Desk) -> None:
    assert desk.post("/render", {"body": "**a** <script>x</script>"})["html"] == "<p><strong>a</strong> </p>"


def test_an_import_is_counted_and_bad_articles_are_named(desk: Desk, centre: KnowledgeBase) -> None:
    good = {
        "source": "a.md",
        "slug": "a",
        "language": "en",
        "title": "A",
        "body": "Text",
        "permalink": "https://x.example/a",
    }
    wanted = {"articles": [good, {"source": "b.md", "title": "B"}, {**good, "source": "c.md"}], "author": "Ada"}
    dry = desk.post("/import", {**wanted, "dry_run": True})
    assert (dry["created"], [s["source"] for s in dry["skipped"]]) == (1, ["b.md", "c.md"])
    desk.get("/articles/en/a", 404)
    assert desk.post("/import", wanted)["created"] == 1
    assert desk.post("/import", wanted)["unchanged"] == 1
    assert desk.post("/search", {"question": "A"})["results"][0]["url"] == "https://x.example/a"


def test_an_import_of_drafts_answers_nothing(desk: Desk) -> None:
    article = {"source": "a.md", "slug": "a", "language": "en", "title": "A", "body": "Text"}
    desk.post("/import", {"articles": [article], "author": "Ada", "publish": False})
    assert desk.get("/articles/en/a")["status"] == "draft"
    assert desk.post("/search", {"question": "A"})["results"] == []


def test_unanswered_questions_are_listed_until_dismissed(desk: Desk, centre: KnowledgeBase) -> None:
    desk.post("/search", {"question": "zebra pizza weather"})
    verdict = desk.post("/search", {"question": "Zebra pizza weather!"})["verdict"]
    desk.post("/search", {"question": "editor's own", "log": False})
    (asked,) = desk.get(f"/questions?verdict={verdict}")["questions"]
    assert (asked["question"], asked["times"]) == ("Zebra pizza weather!", 2)
    assert set(asked["best"]) == {"slug", "language", "title", "probability"}
    desk.post("/questions/dismiss", {"question": "zebra pizza weather"})
    assert desk.get("/questions")["questions"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/search", {}),
        ("/search", {"question": 3}),
        ("/search", {"question": ""}),
        ("/search", {"question": "x" * 2001}),
        ("/search", {"question": "x", "limit": 0}),
        ("/search", {"question": "x", "limit": 21}),
        ("/search", {"question": "x", "limit": "5"}),
        ("/search", {"question": "x", "limit": True}),
        ("/search", {"question": "x", "language": "nonsense"}),
        ("/search", {"question": "x", "exclude": "slug"}),
        ("/search", {"question": "x", "exclude": ["a"] * 201}),
        ("/search", []),
        ("/search", None),
        ("/articles", {}),
        ("/articles", {**ARTICLE, "title": ""}),
        ("/articles", {**ARTICLE, "author": " "}),
        ("/articles", {**ARTICLE, "slug": "Not A Slug"}),
        ("/articles", {**ARTICLE, "language": "../etc"}),
        ("/articles", {**ARTICLE, "tags": "one"}),
        ("/articles", {**ARTICLE, "phrasings": [1]}),
        ("/import", {"articles": [], "author": "Ada"}),
        ("/import", {"articles": "x", "author": "Ada"}),
        ("/import", {"articles": [{}]}),
        ("/render", {"body": None}),
        ("/questions/dismiss", {"question": ""}),
    ],
)
def test_a_bad_request_is_told_apart_and_changes_nothing(
    desk: Desk, centre: KnowledgeBase, path: str, body: object
) -> None:
    before = centre.articles.count()
    error = desk.post(path, body, 400)["error"]
    assert error["code"]
    assert len(error["message"]) > 10
    assert centre.articles.count() == before
    assert centre.questions.list_questions(limit=5) == []


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"question": "\\ud800"}', b""])
def test_what_is_not_json_is_refused(desk: Desk, body: bytes) -> None:
    desk.post_bytes("/search", body, 400)


def test_visitors_are_answered_whatever_waits_for_an_import(tmp_path: Path) -> None:
    embedder = HeldEmbedder()
    base = KnowledgeBase(tmp_path / "kb.db", embedder)
    base.import_articles(CENTRE, "Ada")
    app = create_app(base, TOKEN)
    held = {"articles": [{"language": "en", "slug": "held", "title": "This is held", "body": "Up."}], "author": "Ada"}
    # As many threads as gunicorn has, each with a request in hand.
    with ThreadPoolExecutor(THREADS) as threads:
        importing = threads.submit(Desk(app.test_client()).post, "/import", held)
        assert embedder.holding.acquire(timeout=PATIENCE_S)
        try:
            desk = Desk(app.test_client())
            published = threads.submit(desk.post, "/articles/en/export-photos/publish", {"author": "Ada"})
            assert published.result(PATIENCE_S)["status"] == "published"
            more = [
                threads.submit(app.test_client().post, "/import", json=held, headers=desk.headers) for _ in "12345678"
            ]
            assert threads.submit(desk.get, "/health").result(PATIENCE_S)["published"] == len(CENTRE)
            refused = list(islice(as_completed(more, PATIENCE_S), len(more) - CHANGES_MAX + 1))
            assert {one.result().status_code for one in refused} == {409}
            found = threads.submit(desk.post, "/search", {"question": "delete my account"}).result(PATIENCE_S)
            assert found["results"][0]["slug"] == "delete-account"
            assert not importing.done()
        finally:
            embedder.let_go.set()
        assert {one.result(PATIENCE_S).status_code for one in more if one not in refused} == {200}
    base.close()


def test_who_cannot_have_the_index_for_long_is_told_to_try_again(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_base()
    base.import_articles(CENTRE, "Ada")
    monkeypatch.setattr(library, "_PATIENCE_S", 0.01)
    applied, let_go = threading.Event(), threading.Event()
    apply_import = base.articles.apply_import

    def apply_slowly(*args: Any, **options: Any) -> ImportOutcome:
        applied.set()
        assert let_go.wait(PATIENCE_S)
        return apply_import(*args, **options)

    monkeypatch.setattr(base.articles, "apply_import", apply_slowly)
    with ThreadPoolExecutor(1) as threads:
        importing = threads.submit(base.import_articles, CENTRE, "Ada")
        assert applied.wait(PATIENCE_S)
        try:
            desk = Desk(create_app(base, TOKEN).test_client())
            for verb in ("publish", "archive"):
                error = desk.post(f"/articles/en/export-photos/{verb}", {"author": "Ada"}, 409)["error"]
                assert error["code"] == "changes_under_way"
        finally:
            let_go.set()
        assert len(importing.result(PATIENCE_S).unchanged) == len(CENTRE)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=501", "offset=-1", "status=nonsense", "language=x"])
def test_bad_list_queries_are_refused(desk: Desk, query: str) -> None:
    assert "error" in desk.get(f"/articles?{query}", 400)


def test_unknown_addresses_and_methods_have_the_same_error_shape(desk: Desk) -> None:
    assert desk.get("/nowhere", 404)["error"]["code"] == "not_found"
    assert desk.get("/search", 405)["error"]["code"] == "method_not_allowed"
    assert desk.get("/articles/en/none", 404)["error"]["code"] == "article_not_found"
    assert desk.put("/articles/en/none", {**ARTICLE, "base_revision": 1}, 404)["error"]["code"] == "article_not_found"
    desk.post("/articles/en/none/publish", {"author": "Ada"}, 404)


def test_a_request_that_is_too_big_is_refused(desk: Desk) -> None:
    body = json.dumps({"body": "x" * SMALL_REQUEST_MAX_BYTES}).encode()
    assert desk.post_bytes("/render", body, 413)["error"]["code"] == "request_entity_too_large"


def post_in_chunks(base: KnowledgeBase, path: str, body: object) -> TestResponse:
    """Post as gunicorn has it that gets a body without a length."""
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "wsgi.input": body}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return create_app(base, TOKEN).test_client().post(path, headers=headers, environ_overrides=chunked)


def test_a_request_in_chunks_that_is_too_big_is_refused(base: KnowledgeBase) -> None:
    for size, status in ((SMALL_REQUEST_MAX_BYTES, 200), (SMALL_REQUEST_MAX_BYTES + 1, 413)):
        answer = post_in_chunks(base, "/render", BytesIO(b'{"body": "x"}'.ljust(size)))
        assert answer.status_code == status
    assert answer.get_json()["error"]["code"] == "request_entity_too_large"


@pytest.mark.parametrize("problem", [InvalidChunkSize(b"zz"), NoMoreData(b""), ChunkMissingTerminator(b"x")])
def test_a_body_that_does_not_come_as_announced_is_refused(base: KnowledgeBase, problem: Exception) -> None:
    class Broken:
        def read(self, size: int) -> bytes:
            raise problem

    answer = post_in_chunks(base, "/search", Broken())
    assert answer.status_code == 400
    assert answer.get_json()["error"]["code"] == "body_unreadable"


def test_the_token_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token({"BATON_KB_TOKEN": TOKEN}) == TOKEN
    assert read_token({"BATON_KB_TOKEN_FILE": str(tmp_path / "token")}) == TOKEN
    wrong = ({}, {"BATON_KB_TOKEN": "short"}, {"BATON_KB_TOKEN": "geheimes-wörterbuch-77"})
    for environment in (*wrong, {"BATON_KB_TOKEN_FILE": str(tmp_path / "none")}):
        with pytest.raises(InvalidInputError, match="BATON_KB_TOKEN"):
            read_token(environment)


def test_a_wrong_setting_stops_the_server_with_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "BATON_KB_DATABASE": str(tmp_path / "kb.db"), "BATON_KB_TOKEN": ""}
    environment.pop("BATON_KB_TOKEN_FILE", None)
    ended = subprocess.run(
        [sys.executable, "-m", "knowledge_base"],
        env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "BATON_KB_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_under_gunicorn_it_serves_stops_quickly_and_remembers(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "BATON_KB_DATABASE": str(tmp_path / "kb.db"), "BATON_KB_TOKEN": TOKEN}
    environment["BATON_EMBEDDING_MODEL"] = ""
    command = [sys.executable, "-m", "knowledge_base", "--port", str(port)]
    base, headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {TOKEN}"}
    for start in range(2):
        server = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
        try:
            _wait_until_ready(base, server)
            if start == 0:
                httpx.post(f"{base}/articles", json=ARTICLE, headers=headers, timeout=10).raise_for_status()
                published = f"{base}/articles/en/mute-a-channel/publish"
                httpx.post(published, json={"author": "Ada"}, headers=headers, timeout=10).raise_for_status()
            found = httpx.post(f"{base}/search", json={"question": "mute a channel"}, headers=headers, timeout=10)
            assert found.json()["results"][0]["slug"] == "mute-a-channel"
        finally:
            started = time.monotonic()
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=15)
        assert time.monotonic() - started < 6


def _wait_until_ready(base: str, server: subprocess.Popen) -> None:
    for _ in range(240):
        assert server.poll() is None, "the server ended early"
        try:
            if httpx.get(f"{base}/health", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.25)
    raise AssertionError("not ready after a minute")
