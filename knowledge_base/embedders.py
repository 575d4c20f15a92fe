"""Which embedder there is: the packaged model as int8 on onnxruntime where that runs, PyTorch otherwise."""

import logging
import subprocess
import sys
from pathlib import Path

from knowledge_base.adapter import load_adapter
from knowledge_base.embedding import Embedder
from knowledge_base.errors import ModelError
from knowledge_base.onnx_embedder import OnnxEmbedder
from knowledge_base.quantisation import read_quantised_file
from knowledge_base.torch_embedder import SentenceEmbedder

# Where `python -m knowledge_base` finds this very package.
_ROOT = Path(__file__).resolve().parents[1]

logger = logging.getLogger(__name__)

# It takes 10 s alone on two cores, of which torch's loading is most.
_MAKING_TIMEOUT_S = 150


def open_embedder(model: str = "") -> Embedder:
    """Load a sentence-transformers model by name or folder; empty means the packaged one with
    Baton's adapter, `PACKAGED_MODEL` that one without it.

    Raises:
        ModelError: if it is missing, cannot be read, or is not the file that it should be.
    """
    if not model:
        try:
            return _open_quantised()
        except ModelError as exc:
            logger.warning("The embedding model runs on PyTorch, more slowly: %s", exc.message)
    embedder = SentenceEmbedder(model)
    embedder.load()
    return embedder


def _open_quantised() -> OnnxEmbedder:
    content = read_quantised_file()
    if content is None:
        _make_file()
        content = read_quantised_file()
    if content is None:
        raise ModelError("model_missing", "its int8 file is gone right after it was made.")
    return OnnxEmbedder(content, load_adapter())


def _make_file() -> None:
    """Make the file in a process of its own: should the processor not bear onnxruntime, only that one ends."""
    command = [sys.executable, "-m", "knowledge_base.quantisation"]
    try:
        made = subprocess.run(
            command, capture_output=True, text=True, timeout=_MAKING_TIMEOUT_S, check=False, cwd=_ROOT
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ModelError("model_missing", f"its int8 file cannot be made ({exc}).") from exc
    if made.returncode:
        lines = made.stderr.strip().splitlines()
        reason = lines[-1] if lines else f"exit status {made.returncode}"
        raise ModelError("model_missing", f"its int8 file cannot be made ({reason}).")
