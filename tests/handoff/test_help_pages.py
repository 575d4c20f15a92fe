"""The public help pages over a real knowledge base: what visitors get to read, and what they never do."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from handoff.kb_client import KnowledgeBase as Client
from handoff.web import pages
from handoff.web.border import install_border
from handoff.web.pages import build_pages_blueprint
from knowledge_base.article import Audience, build_content, build_draft
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import create_app
from tests.knowledge_base.conftest import TOKEN, KeywordEmbedder


class HelpCentre:
    """A knowledge base behind its HTTP service, and the desk's pages before it."""

    def __init__(self, base: KnowledgeBase, visitor: FlaskClient) -> None:
        self.base = base
        self.visitor = visitor

    def has(
        self, slug: str, body: str, *, language: str = "en", audience: Audience = "everyone", is_published: bool = True
    ) -> None:
        """Put an article there, titled by its slug."""
        content = build_content(slug.capitalize(), body, audience=audience)
        self.base.create(build_draft(language, slug, content), "Grace")
        if is_published:
            self.base.publish(language, slug)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[HelpCentre]:
    base = KnowledgeBase(tmp_path / "kb.db", KeywordEmbedder())
    server = make_server("127.0.0.1", 0, create_app(base, TOKEN), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_port}", token=TOKEN)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(build_pages_blueprint(client, company="Fernhill", widget_origins=()))
    install_border(app, public_url="https://help.fernhill.example")
    yield HelpCentre(base, app.test_client())
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()
    base.close()


@pytest.mark.parametrize(
    "path",
    [
        "refunds/revisions/1",
        "refunds/revisions",
        "refunds%2Frevisions%2F1",
        "refunds/revisions/1%3Fx",
        "secret/revisions/1",
        "secret",
        "draft",
        "draft/revisions/1",
        "refunds%3Fpublished=0",
        "draft%3Fpublished=0",
        "x/%2e%2e/draft/revisions/1",
    ],
)
def test_only_what_is_published_for_everyone_is_shown(centre: HelpCentre, path: str) -> None:
    centre.has("refunds", "Money back in 30 days.")
    centre.has("secret", "The master key lies in the safe.", audience="staff")
    centre.has("draft", "Not yet.", is_published=False)
    assert centre.visitor.get("/help/en/refunds").status_code == 200
    assert centre.visitor.get(f"/help/en/{path}").status_code == 404


@pytest.mark.parametrize("path", ["refunds", "refunds/", "a..b/", "%2e%2e/export", "%2e%2e/", "en%2Frefunds/revisions"])
def test_address_that_names_no_language_is_not_found(centre: HelpCentre, path: str) -> None:
    centre.has("refunds", "Money back in 30 days.")
    response = centre.visitor.get(f"/help/{path}", follow_redirects=True)
    assert response.status_code == 404


def test_a_language_counts_once_visitors_can_read_in_it(centre: HelpCentre) -> None:
    centre.has("refunds", "Money back in 30 days.")
    centre.has("refunds", "Noch nicht fertig.", language="de", is_published=False)
    centre.has("refunds", "Pour nous seuls.", language="fr", audience="staff")
    page = centre.visitor.get("/help/", headers={"Accept-Language": "de,fr;q=0.9,en;q=0.5"}).text
    assert "Money back in 30 days." in page
    assert "/help/de/" not in page
    assert "/help/fr/" not in page


def test_help_centre_without_the_usual_language_opens_in_its_own(centre: HelpCentre) -> None:
    centre.has("refunds", "Geld zurück in 30 Tagen.", language="de")
    assert "Geld zurück" in centre.visitor.get("/help/", headers={"Accept-Language": "it"}).text
    assert 'href="/help/de/"' in centre.visitor.get("/help/en/").text


def test_index_lists_more_articles_than_come_in_one_answer(centre: HelpCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "HELP_PAGE_SIZE", 2)
    slugs = ["backups", "domains", "mail", "prices", "refunds"]
    for slug in slugs:
        centre.has(slug, "Text.")
    page = centre.visitor.get("/help/en/").text
    assert [slug for slug in slugs if page.count(f'href="/help/en/{slug}"') == 1] == slugs


def test_link_to_an_archived_article_leads_to_a_page_with_a_way_on(centre: HelpCentre) -> None:
    centre.has("refunds", "Geld zurück in 30 Tagen.", language="de")
    assert centre.visitor.get("/help/de/refunds").status_code == 200
    centre.base.archive("de", "refunds")
    response = centre.visitor.get("/help/de/refunds")
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert '<html lang="de"' in response.text
    assert "Diese Seite gibt es nicht." in response.text
    assert 'href="/help/"' in response.text
