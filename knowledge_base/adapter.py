"""What Baton adds to the packaged embedding model: low-rank corrections of its weights, learnt on help centres, and the
axes in which token vectors are kept (LoRA, Hu et al. 2021).

Merged into the weights before the model runs, so they cost nothing then. `fitting.adapter` writes the file.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]

ADAPTER_FILE = Path(__file__).with_name("adapter.safetensors")
_PROJECTION, _DOWN, _UP = "projection", ".down", ".up"


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Corrections by the name of a linear layer, as (rank, inputs) and (outputs, rank); and the token axes."""

    sha256: str
    corrections: Mapping[str, tuple[Matrix, Matrix]]
    projection: Matrix
    """(dimension, `late_interaction.TOKEN_DIMENSION`)"""

    def merge(self, weights: Mapping[str, Matrix]) -> dict[str, Matrix]:
        """Return a model's weights with the corrections in them.

        Raises:
            KeyError: if the model lacks a layer that is to be corrected.
        """
        merged = dict(weights)
        for layer, (down, up) in self.corrections.items():
            merged[f"{layer}.weight"] = weights[f"{layer}.weight"] + up @ down
        return merged


def read_adapter(path: Path) -> Adapter:
    """Read an adapter's file."""
    from safetensors.numpy import load

    content = path.read_bytes()
    tensors = {name: values.astype(np.float32) for name, values in load(content).items()}
    layers = [name.removesuffix(_DOWN) for name in tensors if name.endswith(_DOWN)]
    corrections = {layer: (tensors[layer + _DOWN], tensors[layer + _UP]) for layer in layers}
    return Adapter(hashlib.sha256(content).hexdigest(), corrections, tensors[_PROJECTION])


@lru_cache
def load_adapter() -> Adapter:
    """Return the adapter that Baton comes with."""
    return read_adapter(ADAPTER_FILE)


def write_adapter(path: Path, corrections: Mapping[str, tuple[Matrix, Matrix]], projection: Matrix) -> None:
    """Write an adapter in half precision."""
    from safetensors.numpy import save_file

    tensors = {_PROJECTION: projection}
    for layer, (down, up) in sorted(corrections.items()):
        tensors |= {layer + _DOWN: down, layer + _UP: up}
    save_file({name: np.ascontiguousarray(values.astype(np.float16)) for name, values in tensors.items()}, path)
