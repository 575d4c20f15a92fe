"""The file that keeps a large segment: a start with it answers as one without it."""

import shutil
import sqlite3
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from knowledge_base import index_file, vector_index
from knowledge_base.chunking import CHUNKER_VERSION
from knowledge_base.library import KnowledgeBase
from tests.knowledge_base.conftest import KeywordEmbedder, draft
from tests.knowledge_base.test_incremental_index import Editor, ask_all, assert_same, wait_for_builder


@pytest.fixture(autouse=True)
def graphs_are_due_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_index, "EXACT_MAX", 60)


@pytest.fixture
def stored(open_base: Callable[..., KnowledgeBase], tmp_path: Path) -> Path:
    """A file that a process left behind, and forty articles in the database beside it."""
    base = open_base()
    base.import_articles([draft(f"a-{n}", f"Parcel {n}", f"Refund card {n}. Press {n}.") for n in range(40)], "Ada")
    base.reload()
    wait_for_builder()
    base.close()
    path = tmp_path / "kb.db.en.index"
    assert path.exists()
    return path


def read_languages(file: Path, base: KnowledgeBase, model: str = "keywords") -> list[str]:
    """Return the languages that a start would take from files."""
    files = index_file.IndexFiles(file.with_name("kb.db"), f"{CHUNKER_VERSION}:{model}")
    return [language for language, _ in files.read_all(base.articles.list_contents())]


def test_a_start_with_the_file_answers_as_one_without(stored: Path, open_base: Callable[..., KnowledgeBase]) -> None:
    base = open_base()
    # Nothing else has a graph without a thread that builds it.
    assert base.index.languages["en"].parts[0].vectors.has_graph
    answers = ask_all(base)
    assert any(answer.results for answer in answers)
    stored.unlink()
    built = open_base()
    wait_for_builder()
    assert_same(ask_all(built), answers)
    assert read_languages(stored, built) == ["en"]


def test_what_changed_since_is_found(stored: Path, open_base: Callable[..., KnowledgeBase]) -> None:
    changing = open_base()
    editor = Editor(changing, 11)
    for _ in range(12):
        editor.do_something()
    expected = ask_all(changing)
    changing.close()
    base = open_base()
    assert len(base.index.languages["en"].parts[1])
    assert_same(ask_all(base), expected)


@pytest.mark.parametrize("damage", ["cut", "changed", "emptied", "foreign", "array", "packed otherwise"])
def test_a_file_that_is_damaged_counts_as_none(
    stored: Path, open_base: Callable[..., KnowledgeBase], damage: str
) -> None:
    content = stored.read_bytes()
    place = len(content) // 2
    changed = content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]
    array = BytesIO()
    np.save(array, np.arange(3))
    directory = content.index(b"PK\x01\x02")
    packed_otherwise = content[: directory + 10] + b"\x63" + content[directory + 11 :]
    damaged = {"cut": content[:place], "changed": changed, "emptied": b"", "foreign": b"PK"}
    damaged |= {"array": array.getvalue(), "packed otherwise": packed_otherwise}
    stored.write_bytes(damaged[damage])
    base = open_base()
    assert base.ask("parcel 7 refund", is_logged=False).results
    wait_for_builder()
    assert read_languages(stored, base) == ["en"]


def test_a_file_of_another_model_or_code_is_not_read(
    stored: Path, open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_base()
    assert read_languages(stored, base) == ["en"]
    assert read_languages(stored, base, model="another") == []
    monkeypatch.setattr(index_file, "_digest_code", lambda: "of yesterday")
    assert read_languages(stored, base) == []


def test_a_file_beside_another_database_is_not_read(stored: Path, open_base: Callable[..., KnowledgeBase]) -> None:
    with sqlite3.connect(stored.with_name("kb.db")) as connection:
        connection.execute("update revisions set body = 'Zebra', content_hash = 'other' where article_id = 3")
    connection.close()
    base = open_base()
    assert base.ask("parcel 2", is_logged=False).results
    assert read_languages(stored, base) == []


@pytest.mark.parametrize("left", [0, 20])
def test_token_vectors_that_were_thrown_away_are_made_again(
    stored: Path, open_base: Callable[..., KnowledgeBase], left: int
) -> None:
    base = open_base()
    answers = ask_all(base)
    base.close()
    with sqlite3.connect(stored.with_name("kb.db")) as connection:
        connection.execute("delete from token_vectors where rowid > ?", (left,))
        connection.execute("delete from embeddings")
    connection.close()
    embedder = KeywordEmbedder()
    assert_same(ask_all(open_base(embedder)), answers)
    assert embedder.encoded


def test_a_file_that_cannot_be_written_is_done_without(
    stored: Path, open_base: Callable[..., KnowledgeBase], caplog: pytest.LogCaptureFixture
) -> None:
    stored.unlink()
    stored.with_name(f"{stored.name}.part").mkdir()
    base = open_base()
    wait_for_builder()
    assert "cannot be written" in caplog.text
    assert base.ask("parcel 7 refund", is_logged=False).results
    shutil.rmtree(stored.with_name(f"{stored.name}.part"))
