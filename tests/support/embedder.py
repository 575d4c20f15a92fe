"""The real embedding model, one for the whole run: a scripted knowledge base gives the bot what a real one would."""

from functools import cache
from typing import Any

from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder


@cache
def share_embedder() -> Embedder:
    return open_embedder()


def answer_embed(texts: list[str]) -> dict[str, Any]:
    """Give the answer of `POST /embed`."""
    vectors = share_embedder().encode(texts)
    return {"model": share_embedder().space, "dimension": vectors.shape[1], "vectors": vectors.tolist()}
