"""Search alone over so many passages: the question's vectors are given, nothing is encoded.

Beside it, on the same vectors, bare FAISS: the very index that Baton searches, and an exact scan.
"""

import gc
import os
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from knowledge_base.calibration import load_calibration
from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder, Encoded, Matrix, QuestionEncoder
from knowledge_base.indexing import SearchIndex
from knowledge_base.language_index import LanguageIndex
from knowledge_base.passage_store import PassageStore
from knowledge_base.search import search
from knowledge_base.segment import TOKENISED, Segment
from knowledge_base.store import Database
from knowledge_base.token_reader import TokenReader
from tests.bench.corpus import AskedOf, Corpus, read_corpus
from tests.bench.figures import Quantiles, quantiles

SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
# What a search asks FAISS for at first: sixteen targets for each of twelve articles.
DEPTH = 192
NEAREST = 10
ARTICLES = 12
ROUNDS = 3


class SearchFigures(NamedTuple):
    passages: int
    vectors: int
    exact: Quantiles
    bare: Quantiles
    by_meaning: Quantiles
    whole: Quantiles
    recall_vectors: float
    """Of the ten vectors that an exact scan finds nearest."""
    recall_articles: float
    """Of the twelve articles that own the nearest vectors."""
    bytes_a_passage: float
    build_s: float
    link_s: float


def measure(folder: Path, sizes: Sequence[int]) -> list[SearchFigures]:
    """Measure each size; a million takes half an hour."""
    embedder = open_embedder()
    corpus = read_corpus(embedder)
    database = Database(folder / "tokens.db")
    store = PassageStore(database)
    for article in corpus.articles:
        texts = [target.text for target in article.targets if target.kind in TOKENISED]
        store.record_tokens(dict(zip(texts, article.tokens, strict=True)), embedder.model)
    reader = TokenReader(store, embedder.model)
    try:
        return [_measure_size(corpus, size, embedder, reader) for size in sizes]
    finally:
        database.close()


def _measure_size(corpus: Corpus, passages: int, embedder: Embedder, reader: TokenReader) -> SearchFigures:
    exact = _build_exact(corpus, passages, embedder.dimension)
    before_bytes = resident_bytes()
    started_s = time.perf_counter()
    segment = Segment("en", embedder.model, embedder.dimension, corpus.build_articles(passages))
    built_s = time.perf_counter()
    if segment.vectors.is_graph_due:
        linked = segment.vectors.link(lambda: True)
        assert linked
        segment = segment.with_vectors(linked)
        del linked
    linked_s = time.perf_counter()
    nothing = Segment("en", embedder.model, embedder.dimension, ())
    index = LanguageIndex("en", embedder.model, base=segment, delta=nothing, dead=nothing, token_reader=reader)
    used_bytes = resident_bytes() - before_bytes
    asked = corpus.move_questions(passages)
    recall_vectors, recall_articles = _measure_recall(index, exact, asked)
    searched = SearchIndex({"en": index}, embedder.model, embedder.dimension)
    given = QuestionEncoder(_Given(embedder, asked))
    calibration = load_calibration()
    timed = _time_in_turns(
        asked,
        [
            lambda a: exact.search(a.encoded.vector[np.newaxis], DEPTH),
            lambda a: segment.vectors.search(a.encoded.vector, DEPTH),
            lambda a: index.find_by_meaning(a.encoded.vector, articles=ARTICLES),
            lambda a: search(searched, a.text, given, calibration=calibration),
        ],
    )
    return SearchFigures(
        index.passage_count,
        len(segment.vectors),
        *timed,
        recall_vectors,
        recall_articles,
        used_bytes / index.passage_count,
        built_s - started_s,
        linked_s - built_s,
    )


class _Given:
    """An embedder that knows the questions' vectors already; a question's words are mended before it gets here."""

    def __init__(self, embedder: Embedder, asked: Sequence[AskedOf]) -> None:
        self.model, self.space, self.dimension = embedder.model, embedder.space, embedder.dimension
        self.count_tokens = embedder.count_tokens
        self._known = {question.text: question.encoded for question in asked}
        self._other = asked[0].encoded

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        return [self._known.get(text, self._other) for text in texts]

    def encode(self, texts: Sequence[str]) -> Matrix:
        return np.stack([encoded.vector for encoded in self.encode_tokens(texts)])


def _build_exact(corpus: Corpus, passages: int, dimension: int) -> Any:
    import faiss

    exact = faiss.IndexFlatIP(dimension)
    for vectors in corpus.build_vectors(passages):
        exact.add(vectors)
    return exact


def _measure_recall(index: LanguageIndex, exact: Any, asked: Sequence[AskedOf]) -> tuple[float, float]:
    part = index.parts[0]
    vectors, articles = [], []
    for question in asked:
        vector = question.encoded.vector
        _, rows = exact.search(vector[np.newaxis], 4 * DEPTH)
        _, found = part.vectors.search(vector, DEPTH)
        vectors.append(len(set(rows[0][:NEAREST]) & set(found[:NEAREST])) / NEAREST)
        owners = list(dict.fromkeys(part.find_target_owners(rows[0]).tolist()))[:ARTICLES]
        own = list(dict.fromkeys(index.find_by_meaning(vector, articles=ARTICLES)))[:ARTICLES]
        articles.append(len(set(owners) & set(own)) / len(owners))
    return float(np.mean(vectors)), float(np.mean(articles))


def _time_in_turns(asked: Sequence[AskedOf], acts: Sequence[Callable[[AskedOf], object]]) -> list[Quantiles]:
    """Time each act for each question, in turns; the first round warms up."""
    import faiss

    faiss.omp_set_num_threads(1)
    took_s: list[list[float]] = [[] for _ in acts]
    for turn in range(ROUNDS):
        for question in asked:
            for act, samples in zip(acts, took_s, strict=True):
                started_s = time.perf_counter()
                act(question)
                if turn:
                    samples.append(time.perf_counter() - started_s)
    return [quantiles(samples) for samples in took_s]


def resident_bytes() -> int:
    """Return what this process holds in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() if os.name == "posix" else 0
