"""Search by meaning: an exact FAISS index over everything of an article that a question may resemble.

Targets are passages, two-sentence windows, titles and phrasings; each knows its article and passage by
ordinal. Immutable once built, and so thread-safe. Tied to one model and dimension: a question that was
encoded by another is refused rather than answered with nonsense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_base.embedding import Matrix
from knowledge_base.errors import ModelError


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


class VectorIndex:
    """All targets of a list of articles, addressed by the article's ordinal."""

    def __init__(self, model: str, dimension: int, articles: Sequence[Matrix]) -> None:
        """Build the index; each article brings the matrix of its targets' vectors.

        Raises:
            ModelError: if a matrix has another dimension.
        """
        import faiss

        self.model = model
        self.dimension = dimension
        self._index: Any = faiss.IndexFlatIP(dimension)
        for matrix in articles:
            if matrix.shape[1] != dimension:
                raise ModelError(
                    "index_mismatch",
                    f'A stored vector has {matrix.shape[1]} dimensions, "{model}" has {dimension}: two models '
                    "go by this name. Delete the table embeddings and start again.",
                )
        sizes = [len(matrix) for matrix in articles]
        self._ends = np.cumsum(sizes, dtype=np.int64)
        self._owners = np.repeat(np.arange(len(sizes)), sizes)
        self._mean = np.zeros(dimension, dtype=np.float32)
        if articles:
            vectors = np.ascontiguousarray(np.concatenate(articles), dtype=np.float32)
            self._index.add(vectors)
            self._mean = vectors.mean(axis=0)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def check_question(self, vector: Matrix, model: str) -> None:
        """Raise `ModelError` unless this index was built with the model that encoded the question."""
        if model != self.model or vector.shape != (self.dimension,):
            raise ModelError(
                "index_mismatch",
                f'The index was built with "{self.model}" ({self.dimension} dimensions), the question was encoded '
                f'with "{model}" ({vector.shape[-1]}): restart the knowledge base to build the index anew.',
            )

    def find_owners(self, vector: Matrix, *, articles: int) -> npt.NDArray[np.int64]:
        """Return the ordinals of the articles that own the nearest targets, nearest first, one for each target.

        Deep enough to name `articles` different ones, if there are so many.
        """
        total = len(self)
        owners: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        depth = min(total, 32 * articles)
        while total:
            _, targets = self._index.search(vector[np.newaxis, :], depth)
            owners = self._owners[targets[0]]
            if depth == total or len(np.unique(owners)) >= articles:
                break
            depth = min(total, depth * 4)
        return owners

    def compare(self, vector: Matrix, article: int) -> Matrix:
        """Return how alike the question and each target of an article are, above what is usual here.

        0 is as alike as any text of this language is on average: a model finds everything alike in a language
        that it was not made for, and that must not pass for likeness.
        """
        start = int(self._ends[article - 1]) if article else 0
        rows = self._index.reconstruct_n(start, int(self._ends[article]) - start)
        usual = float(self._mean @ vector)
        likeness: Matrix = rows @ vector - usual
        return likeness
