"""A sliding-window throttle in memory, for what strangers may try only so often; rung 1 of the ladder."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

KEYS_MAX = 10_000
"""Remembered callers at most; the ones longest silent are forgotten first."""


class Throttle:
    """Allows `limit` takes per key in any `window_s` seconds."""

    def __init__(self, *, limit: int, window_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._window_s = window_s
        self._now = now
        self._takes: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str, *, count: int = 1) -> float:
        """Count `count` takes at once, at most `limit`; give 0.0 if all are allowed, else none is counted and the
        seconds are given until they would be.
        """
        now = self._now()
        takes = self._takes.setdefault(key, deque())
        self._takes.move_to_end(key)
        while takes and takes[0] <= now - self._window_s:
            takes.popleft()
        surplus = len(takes) + count - self._limit
        if surplus > 0:
            return takes[surplus - 1] + self._window_s - now
        takes.extend([now] * count)
        while len(self._takes) > KEYS_MAX:
            self._takes.popitem(last=False)
        return 0.0

    def forget(self, key: str) -> None:
        """Count the key's takes no more: it has shown that it may."""
        self._takes.pop(key, None)
