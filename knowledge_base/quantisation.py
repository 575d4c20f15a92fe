"""The packaged model made small and fast: its weights, with the adapter in them, as int8 in an ONNX file.

`python -m knowledge_base.quantisation` makes the file (`make setup` does); `onnx_embedder` makes it in the same way if
it is missing. The way: the float model's folder, its weights, the graph, the file; a recipe's digest names all that
went in. Weights are rounded in blocks of 64, and so are activations, each token by itself: a text's vector does not
depend on what else is in its batch, as it would with one scale for the whole tensor (cosine to PyTorch's vectors on 600
questions: .9994 on average, .9973 at worst; with one scale for each tensor .993 and .982).
"""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_base.adapter import Adapter, load_adapter
from knowledge_base.errors import ModelError
from knowledge_base.packaged_model import PACKAGED_MODEL, PACKAGED_MODEL_SHA256, check_packaged_model

Matrix = npt.NDArray[np.float32]

# To be raised with every change that changes vectors.
_GRAPH_VERSION = 1
_BLOCK_SIZE = 64
_BITS = 8
# The weights' zero in a byte without a sign.
_ZERO = 128
# As sentence-transformers has it for this model.
TOKENS_MAX = 256

# What the new file must agree with PyTorch about, on this processor.
_PROBES = (
    "I forgot my password",
    "where do I find my invoices?",
    "Set up mail on a phone. Open the settings, then Add.",
)
_COSINE_MIN = 0.99
_MICROSOFT = "com.microsoft"


def name_model(adapter: Adapter) -> str:
    """Return a name that stands for all that the file is made of."""
    parts = (PACKAGED_MODEL_SHA256, adapter.sha256, _GRAPH_VERSION, _BLOCK_SIZE, TOKENS_MAX)
    return f"{PACKAGED_MODEL}-int8-{hashlib.sha256(repr(parts).encode()).hexdigest()[:8]}"


def read_quantised_file() -> bytes | None:
    """Read the file of today's recipe, None if there is none; one that is damaged or foreign does not count."""
    for path in sorted(_choose_folder().glob(f"{name_model(load_adapter())}-*.onnx")):
        content = path.read_bytes()
        if path.name == _name_file(content):
            return content
    return None


def make_quantised_file() -> Path:
    """Make the file anew, try it on this processor, and put it in its place in one step.

    Raises:
        ModelError: if the packaged model cannot be used, or onnxruntime's vectors are not PyTorch's but for rounding.
        OSError: if the file cannot be written.
    """
    content = build_model(check_packaged_model(), load_adapter())
    _check_vectors(content)
    folder = _choose_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _name_file(content)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".making-", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    for other in folder.glob(f"{name_model(load_adapter())}-*.onnx"):
        if other != path:
            other.unlink(missing_ok=True)
    return path


def build_model(folder: Path, adapter: Adapter) -> bytes:
    """Return the ONNX model of a BERT in the layout of sentence-transformers, corrected by an adapter: token ids
    (texts, tokens) of texts of one length to token vectors (texts, tokens, dimension).
    """
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return _Graph(adapter.merge(load_file(folder / "model.safetensors"))).build(config)


def _choose_folder() -> Path:
    """Beside the libraries that made it: it goes when the environment goes."""
    return Path(sys.prefix) / "share" / "baton"


def _name_file(content: bytes) -> str:
    return f"{name_model(load_adapter())}-{hashlib.sha256(content).hexdigest()}.onnx"


def _check_vectors(content: bytes) -> None:
    from knowledge_base.onnx_embedder import OnnxEmbedder
    from knowledge_base.torch_embedder import SentenceEmbedder

    cosines = (OnnxEmbedder(content, load_adapter()).encode(_PROBES) * SentenceEmbedder().encode(_PROBES)).sum(axis=1)
    if not cosines.min() > _COSINE_MIN:
        raise ModelError(
            "model_unusable",
            f"On this processor onnxruntime's vectors are not PyTorch's (cosine {cosines.min():.3f}): PyTorch is used.",
        )


class _Graph:
    """Collects the nodes and constants of the ONNX graph; what adds nodes returns the name of their result."""

    def __init__(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        from onnx import helper, numpy_helper

        self._helper: Any = helper
        self._numpy_helper: Any = numpy_helper
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self, config: Mapping[str, Any]) -> bytes:
        from onnx import TensorProto

        epsilon, heads = float(config["layer_norm_eps"]), int(config["num_attention_heads"])
        states = self._embed(epsilon)
        for number in range(config["num_hidden_layers"]):
            states = self._add_layer(states, f"encoder.layer.{number}.", epsilon, heads)
        self._nodes[-1].output[0] = "tokens"
        tensor = self._helper.make_tensor_value_info
        graph = self._helper.make_graph(
            self._nodes,
            PACKAGED_MODEL,
            [tensor("ids", TensorProto.INT64, ["texts", "length"])],
            [tensor("tokens", TensorProto.FLOAT, ["texts", "length", int(config["hidden_size"])])],
            self._constants,
        )
        opsets = [self._helper.make_opsetid("", 20), self._helper.make_opsetid(_MICROSOFT, 1)]
        content: bytes = self._helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
        return content

    def _embed(self, epsilon: float) -> str:
        from onnx import TensorProto

        words = self._weights["embeddings.word_embeddings.weight"]
        scales = np.abs(words).max(axis=1, keepdims=True) / 127
        rounded = np.round(words / np.maximum(scales, 1e-12)).astype(np.int8)
        looked_up = self._add("Cast", [self._add("Gather", [self._keep(rounded), "ids"])], to=TensorProto.FLOAT)
        scaled = self._add("Mul", [looked_up, self._add("Gather", [self._keep(scales.astype(np.float32)), "ids"])])
        # Every text is one sentence: the first of the two kinds.
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        places = self._weights["embeddings.position_embeddings.weight"][:TOKENS_MAX] + kind
        length = self._add("Shape", ["ids"], start=1, end=2)
        zero = self._keep(np.array([0]))
        states = self._add("Add", [scaled, self._add("Slice", [self._keep(places), zero, length, zero])])
        norm = self._keep_pair("embeddings.LayerNorm")
        return self._add("LayerNormalization", [states, *norm], axis=-1, epsilon=epsilon)

    def _add_layer(self, states: str, layer: str, epsilon: float, heads: int) -> str:
        attention = [f"{layer}attention.self.{part}" for part in ("query", "key", "value")]
        asked = self._multiply(states, attention)
        parts = [f"{asked}.{part}" for part in ("query", "key", "value")]
        self._nodes.append(self._helper.make_node("Split", [asked], parts, axis=-1, num_outputs=3))
        heard = self._add("MultiHeadAttention", parts, _MICROSOFT, num_heads=heads)
        heard = self._multiply(heard, [f"{layer}attention.output.dense"])
        norm = self._keep_pair(f"{layer}attention.output.LayerNorm")
        states = self._add("SkipLayerNormalization", [states, heard, *norm], _MICROSOFT, epsilon=epsilon)
        thought = self._add("Gelu", [self._multiply(states, [f"{layer}intermediate.dense"])], _MICROSOFT)
        thought = self._multiply(thought, [f"{layer}output.dense"])
        norm = self._keep_pair(f"{layer}output.LayerNorm")
        return self._add("SkipLayerNormalization", [states, thought, *norm], _MICROSOFT, epsilon=epsilon)

    def _multiply(self, states: str, names: Sequence[str]) -> str:
        """Add a linear layer, or several side by side, on int8 weights; `accuracy_level` 4 rounds activations too."""
        weights = np.concatenate([self._weights[f"{name}.weight"] for name in names])
        bias = np.concatenate([self._weights[f"{name}.bias"] for name in names])
        rows, columns = weights.shape
        blocks = weights.reshape(rows, columns // _BLOCK_SIZE, _BLOCK_SIZE)
        scales = np.maximum(np.abs(blocks).max(axis=2) / 127, 1e-12)
        rounded = (np.round(blocks / scales[..., np.newaxis]) + _ZERO).astype(np.uint8)
        inputs = [states, self._keep(rounded), self._keep(scales.reshape(-1)), "", "", self._keep(bias)]
        return self._add(
            "MatMulNBits", inputs, _MICROSOFT,
            K=columns, N=rows, bits=_BITS, block_size=_BLOCK_SIZE, accuracy_level=4,
        )  # fmt: skip

    def _keep_pair(self, name: str) -> list[str]:
        return [self._keep(self._weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    def _keep(self, values: npt.NDArray[Any]) -> str:
        name = f"constant{len(self._constants)}"
        self._constants.append(self._numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _add(self, kind: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        name = f"{kind}{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name


def main() -> int:
    """Make the file unless it is there."""
    try:
        if read_quantised_file() is None:
            make_quantised_file()
    except (ModelError, ImportError, OSError, RuntimeError) as exc:
        print(exc, file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
