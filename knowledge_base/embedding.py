"""Texts to vectors, as the package knows it: the `Embedder` protocol, and what questions share of an embedder.

The embedders themselves are in `onnx_embedder` and `torch_embedder`; `embedders` chooses.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge_base.late_interaction import TokenVectors

Matrix = npt.NDArray[np.float32]

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
        """A name that changes whenever the vectors would: what is stored is stored under it."""

    @property
    def space(self) -> str:
        """The name of the model behind it: vectors of one space agree but for rounding."""

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return one normalised float32 row for each text."""

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        """Return vector and tokens of each text; the vector is the one that `encode` gives."""

    def count_tokens(self, text: str) -> int:
        """Return how many of the model's tokens a text takes."""


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
