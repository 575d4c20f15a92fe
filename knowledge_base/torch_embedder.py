"""A sentence-transformers model on PyTorch: the reference, the way of every model but the packaged one, and the
packaged one's where onnxruntime does not run.

torch and sentence-transformers are imported when the first text is encoded or `load` is called, never before. No
model hub is asked while the packaged model is in use.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from knowledge_base.adapter import load_adapter
from knowledge_base.embedding import Encoded, Matrix
from knowledge_base.errors import ModelError
from knowledge_base.late_interaction import make_projection, reduce_tokens
from knowledge_base.packaged_model import ADAPTED_MODEL, PACKAGED_MODEL, check_packaged_model

# More threads than this starve the web server on a small machine, and gain little on short texts.
TORCH_THREADS_MAX = 2
# Small, so that a visitor's question waits for one batch of an import at most (about 0.3 s).
BATCH_SIZE = 16


class FairLock:
    """A lock that is given in the order in which it was asked for.

    A plain lock may go to the same thread again and again: an import, which takes it for one batch after the other,
    would keep a visitor's question waiting until its end.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._next_ticket = 0
        self._now_serving = 0

    def __enter__(self) -> None:
        with self._condition:
            ticket = self._next_ticket
            self._next_ticket += 1
            self._condition.wait_for(lambda: self._now_serving == ticket)

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._now_serving += 1
            self._condition.notify_all()


class SentenceEmbedder:
    """A sentence-transformers model: the packaged one with the adapter or without, or any other by name or folder."""

    def __init__(self, model: str = "") -> None:
        """Choose a model; nothing is loaded yet. Empty means the packaged one with the adapter."""
        self._wanted = model
        self._lock = FairLock()
        self._loaded: Any = None

    @property
    def model(self) -> str:
        return f"{self.space}-{load_adapter().sha256[:8]}" if _is_packaged(self._wanted) else self._wanted

    @property
    def space(self) -> str:
        return self._wanted or ADAPTED_MODEL

    @property
    def dimension(self) -> int:
        return int(self.load().get_embedding_dimension())

    def load(self) -> Any:
        """Load the model now rather than with the first text, and return it.

        Raises:
            ModelError: if it is missing, cannot be read, or is not the file that it should be.
        """
        with self._lock:
            if self._loaded is None:
                self._loaded = _load_model(self._wanted)
            return self._loaded

    def encode(self, texts: Sequence[str]) -> Matrix:
        model = self.load()
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for batch in _split_batches(texts):
            with self._lock:
                vectors[batch] = model.encode(
                    [texts[n] for n in batch],
                    batch_size=BATCH_SIZE,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                )
        return vectors

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        model = self.load()
        special = frozenset(model.tokenizer.all_special_ids)
        projection = load_adapter().projection if _is_packaged(self._wanted) else make_projection(self.dimension)
        encoded: dict[int, Encoded] = {}
        for batch in _split_batches(texts):
            with self._lock:
                found = model.encode(
                    [texts[n] for n in batch],
                    batch_size=BATCH_SIZE,
                    output_value=None,
                    show_progress_bar=False,
                )
            for n, features in zip(batch, found, strict=True):
                ids = features["input_ids"].tolist()
                kept = [place for place, token in enumerate(ids) if token not in special]
                rows = features["token_embeddings"].numpy()[kept]
                vector = features["sentence_embedding"].numpy()
                tokens = reduce_tokens([ids[place] for place in kept], rows, projection)
                encoded[n] = Encoded(vector / max(float(np.linalg.norm(vector)), 1e-12), tokens)
        return [encoded[n] for n in range(len(texts))]

    def encode_raw_tokens(self, texts: Sequence[str]) -> Iterator[Matrix]:
        """Yield the vectors of each text's tokens as the model gives them, in no particular order of texts."""
        model = self.load()
        for batch in _split_batches(texts):
            with self._lock:
                found = model.encode(
                    [texts[n] for n in batch], output_value="token_embeddings", show_progress_bar=False
                )
            yield from (rows.numpy()[1:-1] for rows in found)

    def count_tokens(self, text: str) -> int:
        model = self.load()
        with self._lock:
            return len(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def _split_batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Group texts by length, as places: a batch is padded to its longest text."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    for start in range(0, len(order), BATCH_SIZE):
        yield order[start : start + BATCH_SIZE]


def _is_packaged(wanted: str) -> bool:
    """Return whether a model, as it is chosen, is the one in the box, with the adapter or without."""
    return wanted in ("", PACKAGED_MODEL)


def _load_model(wanted: str) -> Any:
    name = str(check_packaged_model()) if _is_packaged(wanted) else wanted
    if _is_packaged(wanted):
        # Read when the libraries below are imported: the packaged model needs no network, so none is asked.
        os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(min(TORCH_THREADS_MAX, os.cpu_count() or 1))
        model = SentenceTransformer(name, device="cpu")
        if not wanted:
            bert: Any = model[0].auto_model
            weights = {key: values.numpy() for key, values in bert.state_dict().items()}
            bert.load_state_dict({key: torch.from_numpy(row) for key, row in load_adapter().merge(weights).items()})
        return model
    except (ImportError, OSError, ValueError, RuntimeError) as exc:
        raise ModelError(
            "model_unusable",
            f'The embedding model "{wanted or PACKAGED_MODEL}" cannot be loaded ({exc}): check its name, or leave '
            "the setting empty for the packaged one.",
        ) from exc
