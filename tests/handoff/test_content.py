"""`baton import`, `baton export` and `baton refit` against a knowledge base that really serves."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from werkzeug.serving import make_server

from handoff import cli
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import create_app
from tests.knowledge_base.conftest import CENTRE, TOKEN, KeywordEmbedder
from tests.knowledge_base.files import write

Baton = Callable[..., Result]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[KnowledgeBase]:
    base = KnowledgeBase(tmp_path / "kb.db", KeywordEmbedder())
    yield base
    base.close()


@pytest.fixture
def baton(base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Baton]:
    """Run a command of the command line; its knowledge base is `base`, over HTTP."""
    server = make_server("127.0.0.1", 0, create_app(base, TOKEN), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("BATON_KB_PORT", str(server.server_port))
    monkeypatch.setenv("BATON_KB_TOKEN", TOKEN)
    monkeypatch.setenv("BATON_DATA_DIR", str(tmp_path / "var"))

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(cli, "console", Console(highlight=False, width=200, record=True, file=io.StringIO()))
        result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
        result.text = cli.console.export_text()  # type: ignore[attr-defined]
        return result

    yield run
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "in/a.md", "---\ntitle: A\n---\nText")
    write(tmp_path, "in/faq.csv", "question,answer\nHow?,So.\nWhy?,\n")
    write(tmp_path, "in/style.css", "p {}")
    return tmp_path / "in"


def test_a_dry_run_tells_everything_and_changes_nothing(baton: Baton, base: KnowledgeBase, folder: Path) -> None:
    result = baton("import", folder, "--dry-run")
    assert result.exit_code == 0
    assert "Would import: 2 new, 0 changed, 0 unchanged, 1 skipped." in result.text
    assert "skipped faq.csv#3: It has no question, or no answer." in result.text
    assert "note other files: Not read, since they are no articles: 1 .css." in result.text
    assert base.articles.count() == (0, 0)


def test_an_import_publishes_and_a_second_one_changes_nothing(baton: Baton, base: KnowledgeBase, folder: Path) -> None:
    assert "Imported: 2 new" in baton("import", folder).text
    assert base.articles.count() == (2, 2)
    assert "0 new, 0 changed, 2 unchanged" in baton("import", folder).text


def test_drafts_one_kind_and_a_site_can_be_asked_for(baton: Baton, base: KnowledgeBase, folder: Path) -> None:
    write(folder, "b.md", "---\ntitle: B\npermalink: /b/\n---\nText")
    result = baton("import", folder, "--draft", "--kind", "markdown", "--site-url", "https://help.example")
    assert "Imported: 2 new" in result.text
    assert base.articles.count() == (2, 0)
    assert base.articles.get("en", "b").permalink == "https://help.example/b/"


def test_what_cannot_be_imported_is_one_sentence(baton: Baton, base: KnowledgeBase, tmp_path: Path) -> None:
    result = baton("import", write(tmp_path, "a.zip", b"no archive"))
    assert result.exit_code == 1
    assert "is not a zip archive" in result.text
    only_bad = baton("import", write(tmp_path, "bad/a.md", "no title"))
    assert "0 new, 0 changed, 0 unchanged, 1 skipped" in only_bad.text


def test_names_in_a_report_are_printed_as_they_are(baton: Baton, tmp_path: Path) -> None:
    write(tmp_path, "in/[slug].md", "no title")
    write(tmp_path, "in/[/red].md", "no title")
    write(tmp_path, os.fsdecode(b"in/caf\xe9.md"), "no title")
    text = baton("import", tmp_path / "in").text
    for name in ("[slug].md", "[/red].md", "caf�.md"):
        assert f"  skipped {name}: " in text


def test_an_export_is_reported_and_comes_in_again(baton: Baton, base: KnowledgeBase, tmp_path: Path) -> None:
    base.import_articles(CENTRE, "Ada")
    assert "Would write 8 files" in baton("export", tmp_path / "out", "--dry-run").text
    assert "Wrote 8 files" in baton("export", tmp_path / "out").text
    assert "0 new, 0 changed, 8 unchanged, 0 skipped" in baton("import", tmp_path / "out").text
    refused = baton("export", tmp_path / "out")
    assert (refused.exit_code, "not empty" in refused.text) == (1, True)


def test_a_knowledge_base_that_is_down_is_one_sentence(
    baton: Baton, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_KB_PORT", "1")
    for arguments in (("import", folder), ("export", tmp_path / "out")):
        result = baton(*arguments)
        assert result.exit_code == 1
        assert "The knowledge base is not running" in result.text
    assert not (tmp_path / "out").exists()


def label(base: KnowledgeBase, number: int, *, is_right: bool) -> None:
    question = f"share a folder {number}"
    base.label(question, language="en", slug="shared-folders", is_right=is_right, source="editor", author="Ada")


def test_refit_says_how_many_labels_are_missing(baton: Baton, base: KnowledgeBase) -> None:
    base.import_articles(CENTRE, "Ada")
    label(base, 1, is_right=True)
    result = baton("refit")
    assert result.exit_code == 0
    assert "1 answered rightly, 0 wrongly." in result.text
    assert "31 more right and 32 more wrong are needed." in result.text


def test_refit_changes_what_the_running_service_says_and_reset_takes_it_back(baton: Baton, base: KnowledgeBase) -> None:
    base.import_articles(CENTRE, "Ada")
    for number in range(200):
        label(base, number, is_right=number % 4 == 0)
    before = base.ask("share a folder 1").results[0].probability
    assert "The fit is used from now on" in baton("refit").text
    assert base.ask("share a folder 1").results[0].probability != before
    assert "Forgot 200 labels." in baton("refit", "--reset").text
    assert base.ask("share a folder 1").results[0].probability == before
    assert base.labels.list_newest() == []


def test_a_knowledge_base_that_fails_or_refuses_the_token_is_not_said_to_be_away(
    baton: Baton, base: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(base, "import_articles", None)
        result = baton("import", folder)
    assert (result.exit_code, "failed inside" in result.text) == (1, True)
    monkeypatch.setenv("BATON_KB_TOKEN", "another-token-altogether")
    result = baton("import", folder)
    assert (result.exit_code, "BATON_KB_TOKEN" in result.text) == (1, True)
