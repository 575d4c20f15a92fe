"""Write `token_projection.npy`: `python -m knowledge_base.fitting.projection BENCHMARKS`, before anything is fitted."""

import sys
from pathlib import Path

import numpy as np

from knowledge_base.embedding import Matrix
from knowledge_base.fitting.observations import read_fitted
from knowledge_base.late_interaction import PROJECTION_FILE, TOKEN_DIMENSION
from knowledge_base.torch_embedder import SentenceEmbedder

_TEXTS_MAX = 4_000


def fit_projection(vectors: Matrix, dimension: int = TOKEN_DIMENSION) -> Matrix:
    """Return the (columns, dimension) principal axes of rows that are taken at length 1, the greatest first."""
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    _, axes = np.linalg.eigh(rows.T @ rows)
    return axes[:, ::-1][:, :dimension]


def main() -> None:
    """Take the axes of the questions, titles, phrasings and bodies of what may be fitted on."""
    texts: dict[str, None] = {}
    for centre in read_fitted(Path(sys.argv[1])):
        texts |= dict.fromkeys(question.text for question in centre.questions)
        for draft in centre.drafts:
            texts |= dict.fromkeys((draft.content.title, draft.content.body, *draft.content.phrasings))
    chosen = np.random.default_rng(0).permutation(list(texts))[:_TEXTS_MAX].tolist()
    vectors = np.concatenate(list(SentenceEmbedder().encode_raw_tokens(chosen)))
    np.save(PROJECTION_FILE, fit_projection(vectors).astype(np.float16))


if __name__ == "__main__":
    main()
