"""A database of 100,000 passages: how long until it answers after a start, and how long until a new article answers."""

import multiprocessing
import re
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from knowledge_base.article import ArticleContent, build_content, build_draft
from knowledge_base.chunking import CHUNKER_VERSION
from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder, Encoded, Matrix
from knowledge_base.library import KnowledgeBase
from knowledge_base.passage_store import hash_text
from knowledge_base.segment import PreparedArticle
from tests.bench.corpus import read_corpus
from tests.bench.figures import Quantiles, quantiles
from tests.bench.search import resident_bytes

PASSAGES = 100_000
PUBLISHED = 30
NEW_ARTICLE = (
    "Use the {name} lamp",
    "Press the {name} switch twice. The lamp turns green.\n\n## When it stays dark\n\nHold the {name} switch down.",
)


class PublishingFigures(NamedTuple):
    passages: int
    encoded: int
    """Texts that had to be encoded at the start."""
    answers_after_s: float
    graph_after_s: float
    again_after_s: float
    """Until it answers, with its graph, after a second start: with the file that the first one left."""
    started_bytes: int
    publish: Quantiles
    """A new article: from the call until a question about it finds it first, with its encoding."""
    encode: Quantiles
    """Its encoding alone."""
    edit: Quantiles
    """A published article with a new revision: until that is found."""
    missed: int


class _Counting:
    """The real embedder, and how many texts it was asked for."""

    def __init__(self, embedder: Embedder) -> None:
        self.model, self.space, self.dimension = embedder.model, embedder.space, embedder.dimension
        self.count_tokens = embedder.count_tokens
        self.count = 0
        self._embedder = embedder

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.count += len(texts)
        return self._embedder.encode(texts)

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        self.count += len(texts)
        return self._embedder.encode_tokens(texts)


def measure(folder: Path) -> PublishingFigures:
    path = folder / "kb.db"
    # In a process of its own, so that what it needed does not count as the index's memory.
    filling = multiprocessing.get_context("spawn").Process(target=populate, args=(path, PASSAGES))
    filling.start()
    filling.join()
    embedder = open_embedder()
    counting = _Counting(embedder)
    before_bytes = resident_bytes()
    started_s = time.perf_counter()
    base = _start(path, counting)
    answers_after_s = time.perf_counter() - started_s
    for thread in threading.enumerate():
        if thread.name == "index-builder":
            thread.join()
    graph_after_s = time.perf_counter() - started_s
    used_bytes = resident_bytes() - before_bytes
    base.close()
    started_s = time.perf_counter()
    base = _start(path, counting)
    again_after_s = time.perf_counter() - started_s
    try:
        return PublishingFigures(
            base.index.passage_count,
            # But for the two questions.
            counting.count - 2,
            answers_after_s,
            graph_after_s,
            again_after_s,
            used_bytes,
            *_publish(base, embedder),
        )
    finally:
        base.close()


def _start(path: Path, embedder: Embedder) -> KnowledgeBase:
    base = KnowledgeBase(path, embedder)
    base.ask("how do i reset my password", is_logged=False)
    return base


def _publish(base: KnowledgeBase, embedder: Embedder) -> tuple[Quantiles, Quantiles, Quantiles, int]:
    publish_s, encode_s, edit_s = [], [], []
    missed = 0
    for number in range(PUBLISHED):
        name = f"zebra{number} quagga"
        title, body = (text.format(name=name) for text in NEW_ARTICLE)
        started_s = time.perf_counter()
        # As many texts of the same kind; the next article's own must not be known.
        embedder.encode_tokens([title.replace("lamp", "bulb"), *body.replace("lamp", "bulb").split("\n\n")])
        encode_s.append(time.perf_counter() - started_s)
        article = base.create(build_draft("en", f"lamp-{number}", build_content(title, body)), "bench")
        question = f"how do i use the {name} lamp"
        base.encode([question])
        started_s = time.perf_counter()
        base.publish("en", article.slug)
        found = base.ask(question, language="en", is_logged=False).results
        publish_s.append(time.perf_counter() - started_s)
        missed += found[0].article.slug != article.slug
        content = build_content(title, body + " It is warm.")
        base.revise("en", article.slug, content, author="bench", base_revision=1)
        started_s = time.perf_counter()
        base.publish("en", article.slug)
        found = base.ask(question, language="en", is_logged=False).results
        edit_s.append(time.perf_counter() - started_s)
        missed += found[0].article.revision != 2
    return quantiles(publish_s), quantiles(encode_s), quantiles(edit_s), missed


def populate(path: Path, passages: int) -> None:
    """Write articles with their passages and vectors as an import would have left them; encode the real ones only."""
    embedder = open_embedder()
    corpus = read_corpus(embedder)
    KnowledgeBase(path, embedder).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute("begin")
    for article in corpus.build_articles(passages):
        _write(connection, article.entry.id, article, embedder)
    connection.execute("commit")
    connection.close()


def _write(connection: sqlite3.Connection, number: int, article: PreparedArticle, embedder: Embedder) -> None:
    real, stored = article.entry.unpack()
    own = " ".join(word for word in article.surfaces if word[-1].isdigit() and word[:4] in ("word", "term"))
    title = f"{real.title} {own}"
    cut_by = f"{CHUNKER_VERSION}:{embedder.model}"
    connection.execute(
        "insert into articles values (?, 'en', ?, 'published', 1, 1, 'bench', '', 0)", (number, article.entry.slug)
    )
    connection.execute(
        "insert into revisions (article_id, revision, title, body, tags, phrasings, author, created_at, content_hash) "
        "values (?, 1, ?, ?, '[]', '[]', 'bench', 0, ?)",
        (number, title, real.content.body, ArticleContent(title, real.content.body).content_hash),
    )
    # Short passages: what would be cut into windows is left out, so that there is a vector for each text.
    texts = [title]
    for passage in (s.passage for s in stored):
        short = " ".join(re.sub("[.!?…\n]", ", ", passage.text).split())
        connection.execute(
            "insert into passages (article_id, revision, cut_by, position, headings, markdown, text) "
            "values (?, 1, ?, ?, '[]', ?, ?)",
            (number, cut_by, passage.position, short, short),
        )
        texts.append(f"{title}\n{short}")
    for text, vector, tokens in zip(texts, article.vectors, article.tokens, strict=True):
        key = (hash_text(text), embedder.model)
        connection.execute(
            "insert or ignore into embeddings values (?, ?, ?)", (*key, vector.astype(np.float32).tobytes())
        )
        connection.execute(
            "insert or ignore into token_vectors values (?, ?, ?, ?)",
            (*key, tokens.ids.tobytes(), tokens.vectors.tobytes()),
        )
