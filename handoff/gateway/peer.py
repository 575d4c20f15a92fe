"""What a session talks to, whatever carries it: a WebSocket (`connection`) or one request of a client that polls
(`poll`).
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol


class Peer(Protocol):
    """One visitor or operator at the other end. Only `frames` and `finish` wait; the rest may be called anywhere."""

    def frames(self) -> Iterator[str]:
        """Yield the peer's frames in the order sent, until it goes or is closed."""

    def offer(self, frame: dict[str, Any]) -> None:
        """Send a frame that is not in the log, after those offered before."""

    def wake(self) -> None:
        """Have `pull` asked again; cheap to call often."""

    def start_writer(self, pull: Callable[[], Iterable[str]]) -> None:
        """Begin to send: what was offered, and what `pull` yields each time there may be something new."""

    def when_gone(self, act: Callable[[], None]) -> None:
        """Call `act` when the peer counts as gone: at once for a socket, after a while for a poll, since the next one
        may follow. Said once, when the session has ended.
        """

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what is already offered; the first goodbye counts."""

    def finish(self) -> None:
        """Wait until all is sent; called last, by whoever read the frames."""
