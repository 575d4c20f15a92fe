"""One WebSocket: whole frames out through one writer, bounded everything. No other module touches a socket.

flask-sock and simple-websocket shake hands; from then on this module speaks through wsproto alone, for
simple-websocket sends with an unlocked `sock.send` (under gevent a large frame is cut where the socket's buffer ends,
and two greenlets' frames mix) and keeps a second greenlet for each socket, which costs 16 kB. Here the greenlet that
serves the socket also reads it, and a writer exists only while there is something to say. A peer that does not read
is dropped with a code that means "come back with your cursor"; it never holds up anybody else, since nobody but its
own writer waits for it.
"""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from socket import SHUT_RDWR, SHUT_WR
from typing import Any

import gevent
import msgspec
from simple_websocket.ws import Base
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.events import Event as FrameEvent
from wsproto.frame_protocol import CloseReason

from handoff.gateway.peer import Peer
from handoff.protocol import FRAME_MAX_BYTES, HEARTBEAT_S, CloseCode

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

WRITE_BYTES = 65_536
"""Small frames that wait together leave in one call of the operating system, about this many bytes."""

READ_BYTES = 16_384


class _NoThread:
    """Stands where simple-websocket would start a thread that reads: `Connection.messages` reads."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass


SOCKET_OPTIONS = {"thread_class": _NoThread}
"""What flask-sock must be told (`SOCK_SERVER_OPTIONS`) for `Connection` to own its sockets."""


def without_compression(wsgi_app: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap an application so that its sockets do without compression, which simple-websocket grants to all who ask.

    Every browser asks, and zlib then costs 100 kB a socket and more (measured) to make short messages shorter.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        return wsgi_app(environ, start_response)

    return serve


class Connection:
    """A peer: what it sends comes in through `frames` or `messages`; what it is told goes out through `offer` and the
    writer's `pull`.
    """

    def __init__(
        self,
        ws: Base,
        *,
        message_max_bytes: int = FRAME_MAX_BYTES,
        frames_per_second: float = FRAMES_PER_SECOND,
        frames_burst: int = FRAMES_BURST,
        silence_max_s: float = SILENCE_MAX_S,
        write_timeout_s: float = WRITE_TIMEOUT_S,
    ) -> None:
        if not isinstance(ws.thread, _NoThread):
            raise RuntimeError("Set SOCK_SERVER_OPTIONS to handoff.gateway.connection.SOCKET_OPTIONS.")
        self._sock = ws.sock
        self._sock.settimeout(None)
        self._protocol = ws.ws.connection
        # From here on the library's own object says and hears nothing; its HTTP parser is given back.
        ws.connected, ws.ws = False, None
        self._budget = _FrameBudget(frames_per_second, frames_burst)
        self._incoming = _Assembly(message_max_bytes)
        self._write_timeout_s = write_timeout_s
        self._outbox: deque[FrameEvent] = deque()
        self._pull: Callable[[], Iterable[str | bytes]] = tuple
        self._has_news = False
        self._reader = gevent.getcurrent()
        self._writer: gevent.Greenlet | None = None
        self._goodbye: CloseConnection | None = None
        self._silence_max_s = silence_max_s
        # One timer that looks now and then; a time-out of each receive would cost a fifth of an echo's work.
        self._watch = gevent.get_hub().loop.timer(silence_max_s / 3, repeat=silence_max_s / 3)
        self._watch.start(self._check_silence)

    def frames(self) -> Iterator[str]:
        """Yield what `messages` yields, all as text: what is no UTF-8 becomes text that no decoder takes for JSON."""
        for message in self.messages():
            yield message if isinstance(message, str) else message.decode("utf-8", "replace")

    def messages(self) -> Iterator[str | bytes]:
        """Yield the peer's messages, text as str and binary as bytes, until it goes, is silent for too long, sends
        too much or the connection is closed here.
        """
        while self._goodbye is None and (data := self._answer_and_receive()):
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                message = self._take(event)
                if self._goodbye is not None:
                    return
                if message is not None:
                    yield message

    def offer(self, frame: dict[str, Any]) -> None:
        """Queue a frame that is not in the log; never waits. A peer that lets too many pile up is dropped."""
        self._offer(TextMessage(msgspec.json.encode(frame).decode()))

    def wake(self) -> None:
        """Make the writer pull; never waits, cheap to call often."""
        if self._goodbye is None:
            self._has_news = True
            if gevent.getcurrent() is not self._reader:  # which sends it by itself, before it reads on
                self._start_writing()

    def start_writer(self, pull: Callable[[], Iterable[str | bytes]]) -> None:
        """From now on send what `pull` yields each time there may be something new, beside what is offered."""
        self._pull = pull
        self.wake()

    def when_gone(self, act: Callable[[], None]) -> None:
        """Call `act` now: nobody comes back over a socket that has ended."""
        act()

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what is already offered; never waits. What is offered later is not sent."""
        if self._goodbye is None:
            self._goodbye = CloseConnection(code, reason)
            self._start_writing()

    def finish(self) -> None:
        """Say goodbye if nobody has, and wait until the peer has it; call it last, from the greenlet that read."""
        self.close(CloseReason.NORMAL_CLOSURE)
        # Hanging up on a peer that still sends would make TCP throw our goodbye away.
        while self._receive():
            pass
        self._watch.close()
        if self._writer is not None:
            self._writer.kill()

    # --- reading ---------------------------------------------------------------------------------------------------

    def _answer_and_receive(self) -> bytes:
        """Send what the last message brought about, then receive: a greenlet less for each message."""
        if self._has_news and self._writer is None:
            self._writer = self._reader
            self._write()
            self._writer = None
            if self._goodbye is not None:
                self._start_writing()
        return self._receive() if self._goodbye is None else b""

    def _receive(self) -> bytes:
        """Give some bytes; none when the peer is gone."""
        try:
            data: bytes = self._sock.recv(READ_BYTES)
        except OSError:
            return b""
        return data

    def _take(self, event: FrameEvent) -> str | bytes | None:
        """Do what a frame asks for; give the message that it completes, if it does."""
        if getattr(event, "frame_finished", True) and not self._budget.spend():
            self.close(CloseCode.TOO_MANY_FRAMES, "slow down")
            return None
        match event:
            case Message():
                if self._incoming.add(event):
                    return self._incoming.take() if event.message_finished else None
                self.close(CloseReason.MESSAGE_TOO_BIG, "the message is too big")
            case Ping():
                self._offer(event.response())
            case CloseConnection():
                self._goodbye = self._goodbye or event.response()
                self._start_writing()
        return None

    def _check_silence(self) -> None:
        if self._budget.idle_s() >= self._silence_max_s:
            self.close(CloseReason.NORMAL_CLOSURE, "silent for too long")

    # --- writing ---------------------------------------------------------------------------------------------------

    def _offer(self, event: FrameEvent) -> None:
        if len(self._outbox) >= OUTBOX_MAX_FRAMES:
            self.close(CloseCode.TOO_SLOW, "come back with your cursor")
        elif self._goodbye is None:
            self._outbox.append(event)
            self.wake()

    def _start_writing(self) -> None:
        if self._writer is None:
            self._writer = gevent.spawn(self._run_writer)

    def _run_writer(self) -> None:
        """Send what is there, and the goodbye if there is one; end when nothing is left."""
        self._write()
        if self._goodbye is not None:
            with suppress(OSError):
                self._send([*self._offered(), self._goodbye])
                self._sock.shutdown(SHUT_WR)
            # The peer answers a goodbye with its own and hangs up; `finish` ends this wait then.
            gevent.sleep(GOODBYE_TIMEOUT_S)
            self._hang_up()
        self._writer = None

    def _write(self) -> None:
        try:
            while self._has_news and self._goodbye is None:
                self._has_news = False
                self._send(self._news())
        except OSError:
            self.close(CloseReason.ABNORMAL_CLOSURE)
            self._hang_up()
        except Exception:  # a border (socket loop): this connection ends, with a code that says why
            logger.exception("connection writer failed")
            self._outbox.clear()
            self.close(CloseCode.INTERNAL, "internal error")

    def _news(self) -> Iterator[FrameEvent]:
        yield from self._offered()
        for message in self._pull():
            yield TextMessage(message) if isinstance(message, str) else BytesMessage(message)
            yield from self._offered()

    def _offered(self) -> Iterator[FrameEvent]:
        while self._outbox:
            yield self._outbox.popleft()

    def _send(self, events: Iterable[FrameEvent]) -> None:
        """Send whole frames in order, small ones together."""
        batch = bytearray()
        for event in events:
            if self._protocol.state not in _MAY_SEND[isinstance(event, CloseConnection)]:
                return  # the peer has said goodbye, or we have: nothing but an answer to it may follow
            batch += self._protocol.send(event)
            if len(batch) >= WRITE_BYTES:
                self._send_bytes(batch)
                batch = bytearray()
        if batch:
            self._send_bytes(batch)

    def _send_bytes(self, data: bytearray) -> None:
        rest = memoryview(data)
        with suppress(BlockingIOError):  # nearly always all of it goes at once: no timer is needed
            rest = rest[self._sock.send(rest, 0, 0.0) :]
        while rest:
            with gevent.Timeout(self._write_timeout_s, OSError("the peer does not read")):
                rest = rest[self._sock.send(rest) :]

    def _hang_up(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(SHUT_RDWR)


# What wsproto allows: frames while both talk, a goodbye also as the answer to one.
_MAY_SEND = {
    False: (ConnectionState.OPEN,),
    True: (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING),
}


class _Assembly:
    """The pieces of a message that has not wholly come, up to a size."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pieces: list[str | bytes] = []

    def add(self, piece: "Message[Any]") -> bool:
        """Keep a piece; False if the message is then too big."""
        data = piece.data if isinstance(piece.data, str) else bytes(piece.data)
        self._bytes += len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())
        self._pieces.append(data)
        return self._bytes <= self._max_bytes

    def take(self) -> str | bytes:
        """Give the whole message and start afresh."""
        pieces, self._pieces, self._bytes = self._pieces, [], 0
        if len(pieces) == 1:
            return pieces[0]
        return "".join(pieces) if isinstance(pieces[0], str) else b"".join(pieces)  # type: ignore[arg-type]


class _FrameBudget:
    """A token bucket: bursts of `burst` frames, `per_second` in the long run."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._at = time.monotonic()

    def spend(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def idle_s(self) -> float:
        """Tell how long ago the last frame was."""
        return time.monotonic() - self._at


class Registry:
    """All open connections of this process, sockets and polls, so that a shutdown can send them home."""

    def __init__(self) -> None:
        self._open: set[Peer] = set()
        self._spread_ms: int | None = None

    def add(self, peer: Peer) -> None:
        """Keep a peer; one that comes while the process ends is sent on at once."""
        self._open.add(peer)
        if self._spread_ms is not None:
            self._send_home(peer, self._spread_ms)

    def remove(self, peer: Peer) -> None:
        self._open.discard(peer)

    def __len__(self) -> int:
        return len(self._open)

    def shut(self, *, spread_ms: int) -> None:
        """Send home everybody, and from now on whoever still comes: the process ends."""
        self._spread_ms = spread_ms
        self.send_home(spread_ms=spread_ms)

    def send_home(self, *, spread_ms: int) -> None:
        """Ask every peer to come back at a moment of its own within `spread_ms`."""
        for peer in list(self._open):
            self._send_home(peer, spread_ms)

    @staticmethod
    def _send_home(peer: Peer, spread_ms: int) -> None:
        # Jitter between clients is no secret.
        peer.close(CloseCode.COME_BACK, str(random.randint(0, spread_ms)))
