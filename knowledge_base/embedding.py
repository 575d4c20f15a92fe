"""Texts to vectors, as the package knows it: the `Embedder` protocol, and what questions share of an embedder.

The embedders themselves are in `onnx_embedder` and `torch_embedder`; `embedders` chooses.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from knowledge_base.late_interaction import TokenVectors

Matrix = npt.NDArray[np.float32]

QUESTION_CACHE_SIZE = 512
# Of one caller: a request of many texts lets visitors' questions in between.
_TEXTS_PER_PASS = 16


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

    One pass is under way at a time. What arrives meanwhile waits and goes together into the next one; equal texts
    go once.
    """

    def __init__(self, embedder: Embedder, *, cache_size: int = QUESTION_CACHE_SIZE) -> None:
        self._embedder = embedder
        self._cache_size = cache_size
        self._cache: OrderedDict[str, Future[Encoded]] = OrderedDict()
        self._waiting: dict[str, Future[Encoded]] = {}
        self._is_encoding = False
        self._changed = threading.Condition()

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
        parts = (texts[start : start + _TEXTS_PER_PASS] for start in range(0, len(texts), _TEXTS_PER_PASS))
        return np.stack([encoded.vector for part in parts for encoded in self._find(part)])

    def _find(self, texts: Sequence[str]) -> list[Encoded]:
        with self._changed:
            wanted = [self._recall(text) for text in texts]
        while batch := self._await_turn(wanted):
            self._encode(batch)
        return [one.result() for one in wanted]

    def _recall(self, text: str) -> Future[Encoded]:
        """Return what is remembered or under way of a text, else put it among those that wait; holding the lock."""
        found = self._cache.get(text) or self._waiting.get(text)
        if found is None:
            found = self._waiting[text] = Future()
        self._cache[text] = found
        self._cache.move_to_end(text)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return found

    def _await_turn(self, wanted: Collection[Future[Encoded]]) -> dict[str, Future[Encoded]]:
        """Wait until these are encoded and return nothing, or until this thread has the next pass: with these texts."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_encoding or all(one.done() for one in wanted))
            if all(one.done() for one in wanted):
                return {}
            batch, self._waiting = self._waiting, {}
            self._is_encoding = True
            return batch

    def _encode(self, batch: dict[str, Future[Encoded]]) -> None:
        try:
            for one, encoded in zip(batch.values(), self._embedder.encode_tokens(list(batch)), strict=True):
                one.set_result(encoded)
        except BaseException as exc:
            with self._changed:
                for text, one in batch.items():
                    one.set_exception(exc)
                    self._cache.pop(text, None)
            raise
        finally:
            with self._changed:
                self._is_encoding = False
                self._changed.notify_all()
