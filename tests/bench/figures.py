"""Numbers out of samples, and how they are shown."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Quantiles(NamedTuple):
    """The median and the 99th percentile, in milliseconds."""

    p50_ms: float
    p99_ms: float


def quantiles(samples_s: Sequence[float]) -> Quantiles:
    """Give the median and the 99th percentile of samples in seconds."""
    ordered = sorted(samples_s)
    p99_s = ordered[min(len(ordered) - 1, math.floor(len(ordered) * 0.99))]
    return Quantiles(statistics.median(ordered) * 1000, p99_s * 1000)
