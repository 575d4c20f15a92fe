"""An index that grew change by change answers as one that was built whole."""

import random
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from knowledge_base import indexing, vector_index
from knowledge_base.article import Article, build_content
from knowledge_base.library import KnowledgeBase
from knowledge_base.search import Answer
from tests.knowledge_base.conftest import KeywordEmbedder, draft

WORDS = """
    account password reset invoice address export photo gallery folder share link channel mute hours delete
    refund card payment order parcel delivery return label printer ink phone contract roaming backup code
"""
QUESTIONS = (
    "reset my pasword",
    "refund for an order",
    "mute a chanel",
    "share a folder by link",
    "card",
    "zebra parcel",
)


class Editor:
    """Writes, publishes and archives at random; equal seeds do the same."""

    def __init__(self, base: KnowledgeBase, seed: int) -> None:
        self.base = base
        self.random = random.Random(seed)
        self.count = 0

    def do_something(self) -> None:
        slugs = [line.slug for line in self.base.articles.list_published()]
        act = self.random.choice([self.write, self.write, self.edit, self.edit, self.archive, self.bring])
        act(self.random.choice(slugs)) if slugs and act != self.write else self.write()

    def write(self, _: str = "") -> None:
        self.count += 1
        slug = f"article-{self.count}"
        phrasings = [self.sentence() for _ in range(self.random.randrange(3))]
        body = "\n\n".join(f"{self.sentence()}. {self.sentence()}. {self.sentence()}." for _ in range(3))
        self.base.create(draft(slug, self.sentence().capitalize(), body, phrasings=phrasings), "Ada")
        self.base.publish("en", slug)

    def edit(self, slug: str) -> None:
        article = self.base.articles.get("en", slug)
        content = build_content(article.title, f"{self.sentence()}.\n\n## {self.sentence()}\n\n{self.sentence()}.")
        self.base.revise("en", slug, content, author="Ada", base_revision=article.newest_revision)
        self.base.publish("en", slug)

    def archive(self, slug: str) -> None:
        self.base.archive("en", slug)

    def bring(self, _: str) -> None:
        self.base.import_articles([draft(f"brought-{n}", self.sentence(), self.sentence()) for n in range(3)], "Ada")

    def sentence(self) -> str:
        return " ".join(self.random.choices(WORDS.split(), k=self.random.randrange(2, 7)))


def wait_for_builder() -> None:
    for thread in threading.enumerate():
        if thread.name == "index-builder":
            thread.join()


def ask_all(base: KnowledgeBase) -> list[Answer]:
    return [base.ask(question, language="en", limit=20, is_logged=False) for question in QUESTIONS]


def assert_same(answers: list[Answer], expected: list[Answer]) -> None:
    for answer, other in zip(answers, expected, strict=True):
        found = [(r.article.slug, r.article.revision, r.passage.id, r.shown) for r in answer.results]
        assert found == [(r.article.slug, r.article.revision, r.passage.id, r.shown) for r in other.results]
        probabilities = [r.probability for r in answer.results]
        assert probabilities == pytest.approx([r.probability for r in other.results], abs=1e-6)
        assert answer.verdict == other.verdict


@pytest.mark.parametrize("seed", range(6))
def test_changes_one_by_one_give_what_a_whole_build_gives(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(indexing, "CHANGED_MAX", 7)
    editor = Editor(open_base(), seed)
    for step in range(40):
        editor.do_something()
        if step % 4 == seed % 4:
            assert_same(ask_all(editor.base), ask_all(open_base()))
    wait_for_builder()
    whole = open_base()
    assert_same(ask_all(editor.base), ask_all(whole))
    assert editor.base.index.passage_count == whole.index.passage_count
    assert editor.base.index.languages["en"].slugs == whole.index.languages["en"].slugs


def test_a_change_builds_the_changed_articles_only(open_base: Callable[..., KnowledgeBase]) -> None:
    first = open_base()
    editor = Editor(first, 1)
    for _ in range(5):
        editor.write()
    base = open_base()
    large = base.index.languages["en"].parts[0]
    assert len(large) == 5
    base.archive("en", "article-2")
    Editor(base, 2).edit("article-3")
    parts = base.index.languages["en"].parts
    assert parts[0] is large
    assert set(base.index.languages["en"].slugs) == {"article-1", "article-3", "article-4", "article-5"}
    assert len(parts[1]) == 1


def test_many_changes_are_built_into_the_large_segment_in_the_background(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHANGED_MAX", 3)
    base = open_base()
    editor = Editor(base, 3)
    for _ in range(12):
        editor.write()
        wait_for_builder()
    large, small = base.index.languages["en"].parts
    assert len(large) + len(small) == 12
    assert len(small) <= 3


def test_what_changes_while_the_large_segment_is_built_is_kept(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHANGED_MAX", 2)
    base = open_base()
    editor = Editor(base, 4)
    builds, goes_on = threading.Event(), threading.Event()
    list_published = base.articles.list_published

    def list_slowly(language: str = "") -> object:
        yield from list(list_published(language))
        if threading.current_thread().name == "index-builder":
            builds.set()
            assert goes_on.wait(10)

    monkeypatch.setattr(base.articles, "list_published", list_slowly)
    for _ in range(3):
        editor.write()
    assert builds.wait(10)
    editor.edit("article-1")
    base.archive("en", "article-2")
    editor.write()
    goes_on.set()
    wait_for_builder()
    monkeypatch.undo()
    assert_same(ask_all(base), ask_all(open_base()))
    assert set(base.index.languages["en"].slugs) == {"article-1", "article-3", "article-4"}


def test_a_build_that_fails_leaves_the_old_index_and_is_tried_again(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHANGED_MAX", 2)
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    base = open_base()
    editor = Editor(base, 8)
    list_published = base.articles.list_published

    def fail_in_background(language: str = "") -> Iterator[Article]:
        if threading.current_thread().name == "index-builder":
            raise OSError("the disk is gone")
        return list_published(language)

    with monkeypatch.context() as patch:
        patch.setattr(base.articles, "list_published", fail_in_background)
        for _ in range(3):
            editor.write()
        wait_for_builder()
    assert failures
    assert_same(ask_all(base), ask_all(open_base()))
    editor.write()
    wait_for_builder()
    assert len(base.index.languages["en"].parts[0]) == 4


def test_a_crash_after_the_article_is_stored_leaves_an_index_with_it(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_base()
    base.create(draft("zebra", "Feed a zebra", "Grass will do."), "Ada")

    def crash(*_: object) -> None:
        raise SystemExit("killed")

    monkeypatch.setattr(indexing.Indexer, "put", crash)
    with pytest.raises(SystemExit):
        base.publish("en", "zebra")
    restarted = open_base()
    assert restarted.ask("feed a zebra", is_logged=False).results[0].article.slug == "zebra"


def test_closing_does_not_wait_for_a_build_to_end(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_index, "EXACT_MAX", 60)
    monkeypatch.setattr(vector_index, "_LINKED_AT_ONCE", 1)
    base = open_base()
    base.import_articles([draft(f"a-{n}", f"Title {n}", f"Body {n}.") for n in range(400)], "Ada")
    base.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "index-builder"]


def test_too_many_vectors_to_scan_are_searched_along_a_graph(
    open_base: Callable[..., KnowledgeBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_base()
    editor = Editor(base, 5)
    for _ in range(30):
        editor.write()
    exact = ask_all(base)
    monkeypatch.setattr(vector_index, "EXACT_MAX", 60)
    large = open_base(KeywordEmbedder())
    scanned = ask_all(large)
    wait_for_builder()
    index = large.index.languages["en"].parts[0].vectors
    assert len(index) > 60
    assert not index.is_graph_due
    for answers in (scanned, ask_all(large)):
        assert [a.results[0].article.slug for a in answers] == [a.results[0].article.slug for a in exact]
        likeness = [a.results[0].probability for a in answers]
        assert likeness == pytest.approx([a.results[0].probability for a in exact], abs=0.02)
    Editor(large, 6).archive("article-7")
    assert "article-7" not in {r.article.slug for answer in ask_all(large) for r in answer.results}


def test_a_graph_finds_what_a_scan_finds() -> None:
    random_ = np.random.default_rng(7)
    topics = random_.normal(size=(60, 32))
    vectors = np.repeat(topics, 20, axis=0) + 0.4 * random_.normal(size=(1200, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    exact = vector_index.VectorIndex(32)
    exact.add(vectors, "any")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vector_index, "EXACT_MAX", 1000)
        large = vector_index.VectorIndex(32)
        large.add(vectors, "any")
        graph = large.link(lambda: True)
    assert graph is not None
    found = [set(index.search(v, 10)[1]) for v in vectors[:200] for index in (exact, graph)]
    shared = [len(a & b) / 10 for a, b in zip(found[::2], found[1::2], strict=True)]
    assert np.mean(shared) >= 0.97
    assert np.abs(graph.read(np.arange(5, 9)) - vectors[5:9]).max() < 0.01
    assert np.array_equal(graph.total, exact.total)
