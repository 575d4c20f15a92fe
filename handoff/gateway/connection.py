"""One WebSocket: whole frames out through one writer, bounded everything. No other module touches a socket.

simple-websocket sends with `sock.send`, unlocked: under gevent a large frame is cut where the socket's buffer ends,
and two greenlets' frames mix. `_WholeSocket` stands between the library and the socket: bytes leave in the order in
which the library made them, each piece whole, within a time limit. A peer that does not read is dropped with a code
that means "come back with your cursor"; it never holds up anybody else, since nobody but its own writer waits for
it.
"""

import json
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event
from simple_websocket import ConnectionClosed
from simple_websocket.ws import Base

from handoff.protocol import HEARTBEAT_S, CloseCode

logger = logging.getLogger(__name__)

OUTBOX_MAX_FRAMES = 256
"""Frames beside the log (acks, errors, typing) that may wait for a slow peer; the log itself waits in the store."""

WRITE_TIMEOUT_S = 10.0
"""A peer that takes no byte for this long is gone or stuck."""

SILENCE_MAX_S = 3 * HEARTBEAT_S
"""Clients beat every HEARTBEAT_S; after three missed beats the socket is dead, whatever TCP believes."""

GOODBYE_TIMEOUT_S = 2.0

FRAMES_PER_SECOND = 10.0
FRAMES_BURST = 60


class _WholeSocket:
    """Stands in for the socket inside simple-websocket; `send` sends everything, in order, or fails."""

    def __init__(self, sock: Any, timeout_s: float) -> None:
        self._sock = sock
        self._timeout_s = timeout_s
        self._pieces: deque[bytes] = deque()
        self._is_sending = False
        self._is_broken = False
        self._idle = Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def send(self, data: bytes) -> int:
        if self._is_broken:
            raise OSError("the socket is broken")
        self._pieces.append(data)
        if self._is_sending:
            # The greenlet that is sending takes this piece along, in its place in the order.
            self._idle.wait(self._timeout_s)
            return len(data)
        self._is_sending = True
        self._idle.clear()
        try:
            while self._pieces:
                with gevent.Timeout(self._timeout_s, OSError("the peer does not read")):
                    self._sock.sendall(self._pieces.popleft())
        except OSError:
            self._is_broken = True
            self._pieces.clear()
            raise
        finally:
            self._is_sending = False
            self._idle.set()
        return len(data)


class Connection:
    """A peer: frames come in through `frames`, go out through `offer` and the writer's `pull`."""

    def __init__(self, ws: Base, *, write_timeout_s: float = WRITE_TIMEOUT_S) -> None:
        ws.sock = _WholeSocket(ws.sock, write_timeout_s)
        self._ws = ws
        self._outbox: deque[str] = deque()
        self._wake = Event()
        self._goodbye: tuple[int, str] | None = None
        self._writer: gevent.Greenlet | None = None

    def frames(self) -> Iterator[str]:
        """Yield the peer's frames until it goes, is silent for too long, or the connection is closed here."""
        budget = _FrameBudget()
        while self._goodbye is None:
            try:
                frame = self._ws.receive(timeout=SILENCE_MAX_S)
            except ConnectionClosed:
                return
            if frame is None:
                return
            if not budget.spend():
                self.close(CloseCode.TOO_MANY_FRAMES, "slow down")
                return
            yield frame if isinstance(frame, str) else frame.decode("utf-8", "replace")

    def offer(self, frame: dict[str, Any]) -> None:
        """Queue a frame that is not in the log; never waits. A peer that lets too many pile up is dropped."""
        if len(self._outbox) >= OUTBOX_MAX_FRAMES:
            self.close(CloseCode.TOO_SLOW, "come back with your cursor")
            return
        self._outbox.append(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
        self._wake.set()

    def wake(self) -> None:
        """Make the writer pull; never waits, cheap to call often."""
        self._wake.set()

    def start_writer(self, pull: Callable[[], Iterable[str]]) -> None:
        """Send what is offered and what `pull` yields each time there may be something new."""
        self._writer = gevent.spawn(self._write_forever, pull)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what is already offered; never waits."""
        if self._goodbye is None:
            self._goodbye = (code, reason)
            self._wake.set()
            if self._writer is None:
                self._say_goodbye()

    def finish(self) -> None:
        """Wait until the writer is done; call it last, from the greenlet that read the frames."""
        if self._goodbye is None:
            self._goodbye = (1000, "")
            self._wake.set()
        if self._writer is not None:
            self._writer.join()

    def _write_forever(self, pull: Callable[[], Iterable[str]]) -> None:
        try:
            while self._goodbye is None:
                self._wake.wait()
                self._wake.clear()
                self._send_outbox()
                for frame in pull():
                    self._ws.send(frame)
                    self._send_outbox()
            self._send_outbox()
            self._say_goodbye()
        except (OSError, ConnectionClosed):
            self._goodbye = self._goodbye or (1006, "")
            self._hang_up()
        except Exception:  # a border (socket loop): this connection ends, with a code that says why
            logger.exception("connection writer failed")
            self._goodbye = (CloseCode.INTERNAL, "internal error")
            self._say_goodbye()

    def _send_outbox(self) -> None:
        while self._outbox:
            self._ws.send(self._outbox.popleft())

    def _say_goodbye(self) -> None:
        code, reason = self._goodbye or (1000, "")
        # A peer that is gone already has nobody to say goodbye to.
        with suppress(OSError, ConnectionClosed):
            self._ws.close(code, reason)
            # The peer answers a goodbye with its own; hanging up before could make TCP throw ours away.
            self._ws.thread.join(GOODBYE_TIMEOUT_S)
        self._hang_up()

    def _hang_up(self) -> None:
        self._ws.connected = False
        self._ws.event.set()


class _FrameBudget:
    """A token bucket: bursts of FRAMES_BURST frames, FRAMES_PER_SECOND in the long run."""

    def __init__(self) -> None:
        self._tokens = float(FRAMES_BURST)
        self._at = gevent.get_hub().loop.now()

    def spend(self) -> bool:
        now = gevent.get_hub().loop.now()
        self._tokens = min(FRAMES_BURST, self._tokens + (now - self._at) * FRAMES_PER_SECOND)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Registry:
    """All open connections of this process, so that a shutdown can send them home."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()

    def add(self, connection: Connection) -> None:
        self._open.add(connection)

    def remove(self, connection: Connection) -> None:
        self._open.discard(connection)

    def __len__(self) -> int:
        return len(self._open)

    def close_all(self, *, spread_ms: int) -> None:
        """Ask every peer to come back at a moment of its own within `spread_ms`."""
        for connection in list(self._open):
            # Jitter between clients is no secret.
            connection.close(CloseCode.COME_BACK, str(random.randint(0, spread_ms)))
