"""Write `adapter.safetensors`: `python -m knowledge_base.fitting.adapter BENCHMARKS`, before anything is fitted.

Four adapters are learnt, each on half of the help centres; what Baton comes with is their mean, which finds more than
any of them (Wortsman et al. 2022, "Model soups"). Of the four there are two that have not seen a given centre: their
mean is what it is judged by. Takes 25 minutes of a core for each. The files are the same each time on one machine, and
much the same on others.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from knowledge_base.adapter import ADAPTER_FILE, Adapter, read_adapter, write_adapter
from knowledge_base.embedding import Embedder, Matrix
from knowledge_base.fitting.contrastive import TrainingCentre, learn
from knowledge_base.fitting.low_rank import RANK, LowRankEncoder
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
# The help centres are dealt into quarters; which ones each adapter learns on.
_QUARTERS = 4
HALVES = ((0, 1), (2, 3), (0, 2), (1, 3))


def learn_halves(folder: Path, work: Path) -> None:
    """Learn those of the four adapters that are not in `work` yet, several at a time."""
    missing = [half for half in HALVES if not locate(work, half).exists()]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_learn_half, folder, work), missing))


def list_quarters(folder: Path) -> list[list[Path]]:
    """Deal the help centres that may be fitted on into quarters."""
    return [list_fitted(folder)[quarter::_QUARTERS] for quarter in range(_QUARTERS)]


def average_all(work: Path, output: Path) -> None:
    """Write the mean of all the adapters in `work`."""
    average([read_adapter(locate(work, half)) for half in HALVES], output)


def average_unseen(work: Path, quarter: int) -> Adapter:
    """Return the mean of the adapters that have not seen a quarter of the help centres."""
    unseen = [read_adapter(locate(work, half)) for half in HALVES if quarter not in half]
    return average(unseen, work / f"unseen-{quarter}.safetensors")


def average(adapters: Sequence[Adapter], output: Path) -> Adapter:
    """Write the mean of some adapters, at the rank of each: they start alike, so that little is lost."""
    corrections = {}
    for layer in adapters[0].corrections:
        mean = np.mean([up @ down for down, up in (adapter.corrections[layer] for adapter in adapters)], axis=0)
        rows, sizes, columns = np.linalg.svd(mean, full_matrices=False)
        roots = np.sqrt(sizes[:RANK])
        corrections[layer] = (roots[:, None] * columns[:RANK], rows[:, :RANK] * roots)
    # Axes that give the mean of the inner products.
    products = np.mean([adapter.projection @ adapter.projection.T for adapter in adapters], axis=0)
    sizes, axes = np.linalg.eigh(products)
    kept = slice(-1, -TOKEN_DIMENSION - 1, -1)
    write_adapter(output, corrections, axes[:, kept] * np.sqrt(np.maximum(sizes[kept], 0)))
    return read_adapter(output)


def locate(work: Path, half: tuple[int, int]) -> Path:
    """Return the file of the adapter that learns on a half."""
    return work / "adapter-{}+{}.safetensors".format(*half)


def _learn_half(folder: Path, work: Path, half: tuple[int, int]) -> None:
    logging.basicConfig(level=logging.INFO, format=f"{half}: %(message)s")
    quarters = list_quarters(folder)
    seen = [centre for quarter in half for centre in quarters[quarter]]
    learn_adapter(sorted(seen, key=lambda centre: centre.name), locate(work, half))


def learn_adapter(folders: Sequence[Path], output: Path) -> None:
    """Learn an adapter on labelled help centres and write it."""
    torch.manual_seed(_SEED)
    torch.set_num_threads(1)
    centres = [centre for centre in read_help_centres(folders) if centre.variant == "full"]
    encoder = LowRankEncoder(find_axes(centres))
    seen = [TrainingCentre(centre.drafts, centre.questions, encoder) for centre in centres]
    learn(encoder, seen, seed=_SEED, steps=_STEPS_PER_CENTRE * len(seen))
    write_adapter(output, *encoder.describe(_STRENGTH))


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
    parser.add_argument("--work", type=Path, help="keep the four here, for the fitting that follows")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work: Path = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        learn_halves(options.folder, work)
        average_all(work, options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
