"""Search by meaning: FAISS over the vectors of everything of an article that a question may resemble.

Targets are passages, two-sentence windows, titles, headings and phrasings; a vector is addressed by its row. Up to
`EXACT_MAX` vectors are compared one by one, exactly. More are kept in two bytes a dimension and searched along a graph
(HNSW, Malkov and Yashunin 2016); until the graph is built they are compared one by one as well. Nothing changes
once it is built, so that many threads may search.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_base.arrays import Array, Arrays
from knowledge_base.errors import ModelError

Matrix = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# A scan of so many takes about 5 ms, longer than the question's encoding; the graph answers in about one.
EXACT_MAX = 50_000
# Links of each vector, and how widely is looked for them and for a question. On a million vectors (`tests/bench`), of
# the ten nearest ones to a question .981 are found at a breadth of 512, .989 at 1,024, .994 at 2,048; with 32 links
# looked for at a breadth of 120, in less than half the time, .915 at 512 and .966 at 3,906. On 34,000 vectors of real
# texts even these find .999 at 512.
_LINKS = 48
_BUILD_BREADTH = 240
_SEARCH_BREADTH_MIN = 512
_VECTORS_PER_BREADTH = 500
# Between two of these the building of a graph can be stopped.
_LINKED_AT_ONCE = 1_000
# Vectors are summed up as integers: then the order does not matter, and a vector can be taken out again exactly.
_SUM_SCALE = float(1 << 30)


class TargetKind(IntEnum):
    """What a vector stands for."""

    PASSAGE = 0
    WINDOW = 1
    TITLE = 2
    PHRASING = 3
    HEADING = 4


@dataclass(frozen=True, slots=True)
class Target:
    """One vector's meaning. `passage` is its ordinal within the article; -1 for title and phrasings."""

    kind: TargetKind
    text: str
    passage: int = -1

    @property
    def is_question(self) -> bool:
        """Whether it is a question: one that editors collected, or a heading or title put as a question."""
        if self.kind is TargetKind.PHRASING:
            return True
        return self.kind in (TargetKind.HEADING, TargetKind.TITLE) and self.text.endswith(("?", "？"))


class VectorIndex:
    """Unit vectors by row. Filled by `add`, then only read."""

    def __init__(self, dimension: int) -> None:
        import faiss

        self.dimension = dimension
        self.total: npt.NDArray[np.int64] = np.zeros(dimension, dtype=np.int64)
        """The sum of the vectors, in units of 2 ** -30."""
        self._index: Any = faiss.IndexFlatIP(dimension)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "VectorIndex":
        """Return the index that `to_arrays` took apart.

        Raises:
            ValueError: if FAISS cannot read it.
        """
        import faiss

        try:
            index = faiss.deserialize_index(arrays["faiss"])
        except RuntimeError as exc:
            raise ValueError(f"FAISS cannot read the index ({exc})") from exc
        vectors = cls(index.d)
        vectors.total, vectors._index = arrays["total"], index
        return vectors

    def to_arrays(self) -> Arrays:
        """Take the index apart, for `from_arrays`."""
        import faiss

        return {"faiss": faiss.serialize_index(self._index), "total": self.total}

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def has_graph(self) -> bool:
        return hasattr(self._index, "hnsw")

    @property
    def is_graph_due(self) -> bool:
        """Whether there are too many vectors to compare them one by one, and no graph yet."""
        return len(self) > EXACT_MAX and not self.has_graph

    def add(self, vectors: Matrix, model: str) -> None:
        """Append rows.

        Raises:
            ModelError: if they have another dimension.
        """
        check_dimension(vectors.shape[1], self.dimension, model)
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        self.total = self.total + np.rint(vectors.astype(np.float64) * _SUM_SCALE).sum(axis=0).astype(np.int64)
        if self._is_exact() and len(self) > EXACT_MAX:
            exact = self._index
            self._index = _build_storage(self.dimension)
            self._index.add(exact.reconstruct_n(0, exact.ntotal))

    def link(self, is_wanted: Callable[[], bool]) -> "VectorIndex | None":
        """Return the same vectors with a graph; None if it was no longer wanted before it was done."""
        import faiss

        # Of the threads that search none may wait for a core.
        faiss.omp_set_num_threads(1)
        graph = faiss.IndexHNSW(_build_storage(self.dimension), _LINKS)
        graph.hnsw.efConstruction = _BUILD_BREADTH
        for start in range(0, len(self), _LINKED_AT_ONCE):
            if not is_wanted():
                return None
            graph.add(self._index.reconstruct_n(start, min(_LINKED_AT_ONCE, len(self) - start)))
        linked = VectorIndex(self.dimension)
        linked.total, linked._index = self.total, graph
        return linked

    def search(self, vector: Matrix, depth: int) -> tuple[Matrix, Rows]:
        """Return the inner products and rows of the nearest vectors, nearest first, at most `depth`."""
        import faiss

        if not len(self):
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
        options: dict[str, Any] = {}
        if self.has_graph:
            breadth = max(_SEARCH_BREADTH_MIN, 2 * depth, len(self) // _VECTORS_PER_BREADTH)
            options["params"] = faiss.SearchParametersHNSW(efSearch=breadth)  # type: ignore[attr-defined]
        scores, rows = self._index.search(vector[np.newaxis, :], min(depth, len(self)), **options)
        is_found = rows[0] >= 0
        return scores[0][is_found], rows[0][is_found]

    def read(self, rows: Rows) -> Matrix:
        """Return the vectors of some rows."""
        vectors: Matrix = self._index.reconstruct_batch(rows)
        return vectors

    def _is_exact(self) -> bool:
        import faiss

        return isinstance(self._index, faiss.IndexFlatIP)


def check_dimension(found: int, wanted: int, model: str) -> None:
    """Raise `ModelError` unless a stored vector has the dimension of its model."""
    if found != wanted:
        raise ModelError(
            "index_mismatch",
            f'A stored vector has {found} dimensions, "{model}" has {wanted}: two models go by this name. Delete all '
            "rows of the tables embeddings and token_vectors and start again.",
        )


def mean_of(total: npt.NDArray[np.int64], count: int) -> Matrix:
    """Return the mean of `count` vectors whose sum is given as in `VectorIndex.total`."""
    mean: Matrix = (total / _SUM_SCALE / max(count, 1)).astype(np.float32)
    return mean


def _build_storage(dimension: int) -> Any:
    """Return an empty index of two bytes a dimension."""
    import faiss

    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
