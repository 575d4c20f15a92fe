"""Write `adapter.safetensors`: `python -m knowledge_base.fitting.adapter BENCHMARKS`, before anything is fitted.

Takes about half an hour on one core. The file is the same each time on one machine, and much the same on others.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from knowledge_base.adapter import ADAPTER_FILE, Adapter, read_adapter, write_adapter
from knowledge_base.embedding import Embedder, Matrix
from knowledge_base.fitting.contrastive import TrainingCentre, learn
from knowledge_base.fitting.low_rank import LowRankEncoder
from knowledge_base.fitting.observations import Centre, list_fitted, read_help_centres
from knowledge_base.late_interaction import TOKEN_DIMENSION
from knowledge_base.onnx_embedder import OnnxEmbedder
from knowledge_base.packaged_model import PACKAGED_MODEL, check_packaged_model
from knowledge_base.quantisation import build_model
from knowledge_base.torch_embedder import SentenceEmbedder

_SEED = 0
_STEPS_PER_CENTRE = 16
# At full strength help centres that it has not seen gain as much, and the sets of intents less.
_STRENGTH = 0.75


def learn_adapter(folders: Sequence[Path], output: Path) -> Adapter:
    """Learn an adapter on labelled help centres and write it."""
    torch.manual_seed(_SEED)
    torch.set_num_threads(1)
    centres = [centre for centre in read_help_centres(folders) if centre.variant == "full"]
    encoder = LowRankEncoder(find_axes(centres))
    seen = [TrainingCentre(centre.drafts, centre.questions, encoder) for centre in centres]
    learn(encoder, seen, seed=_SEED, steps=_STEPS_PER_CENTRE * len(seen))
    write_adapter(output, *encoder.describe(_STRENGTH))
    return read_adapter(output)


def find_axes(centres: Sequence[Centre]) -> Matrix:
    """Return the principal axes of the plain model's token vectors: of questions, titles, phrasings and bodies."""
    texts: dict[str, None] = {}
    for centre in centres:
        texts |= dict.fromkeys(question.text for question in centre.questions)
        for draft in centre.drafts:
            texts |= dict.fromkeys((draft.content.title, draft.content.body, *draft.content.phrasings))
    return fit_axes(np.concatenate(list(SentenceEmbedder(PACKAGED_MODEL).encode_raw_tokens(list(texts)))))


def fit_axes(vectors: Matrix, dimension: int = TOKEN_DIMENSION) -> Matrix:
    """Return the (columns, dimension) principal axes of rows that are taken at length 1, the greatest first."""
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    _, axes = np.linalg.eigh(rows.T @ rows)
    return axes[:, ::-1][:, :dimension].astype(np.float32)


def open_adapted(adapter: Adapter) -> Embedder:
    """Return the packaged model with any adapter, as it will run."""
    return OnnxEmbedder(build_model(check_packaged_model(), adapter), adapter)


def main() -> int:
    """Learn the adapter that Baton comes with, on every help centre that may be fitted on."""
    parser = argparse.ArgumentParser(prog="python -m knowledge_base.fitting.adapter", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with help-centres")
    parser.add_argument("--output", type=Path, default=ADAPTER_FILE)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    learn_adapter(list_fitted(options.folder), options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
