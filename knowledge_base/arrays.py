"""What an index is kept as on the disk: arrays by name, and texts as arrays. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


def pack_texts(texts: Sequence[str]) -> Array:
    """Return texts without line breaks as bytes."""
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def unpack_texts(packed: Array) -> list[str]:
    """Return what `pack_texts` packed; of no text it made no bytes."""
    return packed.tobytes().decode().split("\n") if len(packed) else []


def prefix(name: str, arrays: Mapping[str, Array]) -> Arrays:
    """Return the arrays under longer names, so that those of several owners fit into one file."""
    return {f"{name}.{key}": array for key, array in arrays.items()}


def select(name: str, arrays: Mapping[str, Array]) -> Arrays:
    """Return the arrays that `prefix` put under a name."""
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
