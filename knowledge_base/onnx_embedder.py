"""The packaged model as int8 on onnxruntime: the file that `quantisation` makes, without torch in memory.

Texts of one length, in tokens, go together, so that nothing is padded and a text's vector is the same, bit for bit,
alone and among others. Passes run beside each other, one thread each: an import does not hold up a question.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from knowledge_base.adapter import Adapter
from knowledge_base.embedding import Encoded, Matrix
from knowledge_base.errors import ModelError
from knowledge_base.late_interaction import reduce_tokens
from knowledge_base.packaged_model import ADAPTED_MODEL, find_packaged_model
from knowledge_base.quantisation import TOKENS_MAX, name_model

# More passes than this at a time starve the web server on a small machine.
_PASSES_MAX = 2
# A batch of short texts gains a third over one at a time; from here on it gains nothing.
_TOKENS_PER_PASS = 256
# onnxruntime's own level for errors: its warnings are about graphs.
_SEVERITY_ERROR = 3


class OnnxEmbedder:
    """The packaged model from the bytes of its int8 file."""

    def __init__(self, content: bytes, adapter: Adapter) -> None:
        """Load the model; `adapter` is the one that the file was made with.

        Raises:
            ModelError: if onnxruntime or the tokeniser cannot be used here.
        """
        try:
            import onnxruntime
            from tokenizers import Tokenizer

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.log_severity_level = _SEVERITY_ERROR
            self._session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            self._tokenizer: Any = Tokenizer.from_file(str(find_packaged_model() / "tokenizer.json"))
        except Exception as exc:
            raise ModelError("model_unusable", f"onnxruntime cannot run the embedding model here ({exc}).") from exc
        # The file asks for padding to 128 tokens and for cutting there.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._first, self._last = (self._tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
        self._special = frozenset(self._tokenizer.get_added_tokens_decoder())
        self._dimension = int(self._session.get_outputs()[0].shape[2])
        self._model = name_model(adapter)
        self._projection = adapter.projection
        self._passes = ThreadPoolExecutor(min(_PASSES_MAX, os.cpu_count() or 1), thread_name_prefix="encoder")

    @property
    def model(self) -> str:
        return self._model

    @property
    def space(self) -> str:
        return ADAPTED_MODEL

    @property
    def dimension(self) -> int:
        return self._dimension

    def encode(self, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for n, _, rows in self._run(texts):
            vectors[n] = _pool(rows)
        return vectors

    def encode_tokens(self, texts: Sequence[str]) -> list[Encoded]:
        encoded: dict[int, Encoded] = {}
        for n, ids, rows in self._run(texts):
            kept = [place for place, token in enumerate(ids) if token not in self._special]
            tokens = reduce_tokens([ids[place] for place in kept], rows[kept], self._projection)
            encoded[n] = Encoded(_pool(rows), tokens)
        return [encoded[n] for n in range(len(texts))]

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _run(self, texts: Sequence[str]) -> Iterator[tuple[int, list[int], Matrix]]:
        """Give the place of each text, its token ids and their vectors, special tokens included; shortest first."""
        ids = [self._split(text) for text in texts]
        batches = _group_by_length(ids)
        if len(batches) == 1:
            found = iter([self._run_batch(ids, batches[0])])
        else:
            found = self._passes.map(lambda batch: self._run_batch(ids, batch), batches)
        for batch, rows in zip(batches, found, strict=True):
            yield from ((n, ids[n], own) for n, own in zip(batch, rows, strict=True))

    def _run_batch(self, ids: Sequence[list[int]], batch: Sequence[int]) -> Matrix:
        rows: Matrix = self._session.run(None, {"ids": np.array([ids[n] for n in batch], dtype=np.int64)})[0]
        return rows

    def _split(self, text: str) -> list[int]:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [self._first, *ids[: TOKENS_MAX - 2], self._last]


def _pool(rows: Matrix) -> Matrix:
    """Return the mean of a text's token vectors, special ones included, as a unit vector."""
    mean = rows.mean(axis=0)
    unit: Matrix = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return unit


def _group_by_length(ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the places of the texts in batches of one length each."""
    batches: list[list[int]] = []
    for n in sorted(range(len(ids)), key=lambda n: len(ids[n])):
        length = len(ids[n])
        last = batches[-1] if batches else []
        if last and len(ids[last[0]]) == length and (len(last) + 1) * length <= _TOKENS_PER_PASS:
            last.append(n)
        else:
            batches.append([n])
    return batches
