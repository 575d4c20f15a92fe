"""Token vectors for the texts that a question is compared with: the latest are remembered, others are read.

A passage's take 10 kB and more, so that all of them in memory would be most of it. Only the few texts that are
nearest to a question are compared token by token.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from knowledge_base.late_interaction import TOKEN_DIMENSION, TokenVectors
from knowledge_base.passage_store import PassageStore

REMEMBERED_MAX_BYTES = 64 << 20
_UNKNOWN = TokenVectors(np.zeros(0, dtype=np.int32), np.zeros((0, TOKEN_DIMENSION), dtype=np.int8))


class TokenReader:
    """Token vectors of one model by content hash. Thread-safe."""

    def __init__(self, passages: PassageStore, model: str, *, remembered_max_bytes: int = REMEMBERED_MAX_BYTES) -> None:
        self._passages = passages
        self._model = model
        self._remembered_max_bytes = remembered_max_bytes
        self._remembered: OrderedDict[bytes, TokenVectors] = OrderedDict()
        self._size_bytes = 0
        self._lock = threading.Lock()

    def read(self, hashes: Sequence[bytes]) -> list[TokenVectors]:
        """Return the token vectors of some texts; none for a text that is no longer in the database."""
        with self._lock:
            found = {key: self._remembered[key] for key in hashes if key in self._remembered}
            for key in found:
                self._remembered.move_to_end(key)
        missing = [key for key in dict.fromkeys(hashes) if key not in found]
        if missing:
            read = self._passages.load_tokens_by_hash([key.hex() for key in missing], self._model)
            new = {bytes.fromhex(key): tokens for key, tokens in read.items()}
            self._remember(new)
            found |= new
        return [found.get(key, _UNKNOWN) for key in hashes]

    def _remember(self, new: dict[bytes, TokenVectors]) -> None:
        with self._lock:
            for key, tokens in new.items():
                if key not in self._remembered:
                    self._remembered[key] = tokens
                    self._size_bytes += tokens.ids.nbytes + tokens.vectors.nbytes
            while self._size_bytes > self._remembered_max_bytes:
                _, oldest = self._remembered.popitem(last=False)
                self._size_bytes -= oldest.ids.nbytes + oldest.vectors.nbytes
