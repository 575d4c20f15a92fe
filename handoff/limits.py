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

    def take(self, key: str) -> float:
        """Count one take; give 0.0 if it is allowed, else the seconds until the next one would be."""
        now = self._now()
        takes = self._takes.setdefault(key, deque())
        self._takes.move_to_end(key)
        while takes and takes[0] <= now - self._window_s:
            takes.popleft()
        if len(takes) >= self._limit:
            return takes[0] + self._window_s - now
        takes.append(now)
        while len(self._takes) > KEYS_MAX:
            self._takes.popitem(last=False)
        return 0.0

    def forget(self, key: str) -> None:
        """Count the key's takes no more: it has shown that it may."""
        self._takes.pop(key, None)
