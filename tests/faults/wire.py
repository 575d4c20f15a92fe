"""A WebSocket for hundreds of greenlets: thin, strict, and honest about how it ended."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec
from gevent import socket
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

Frame = dict[str, Any]

OPEN_WITHIN_S = 8.0


class Gone(Exception):
    """The connection ended; `code` is the close code, 0 when it just broke."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Wire:
    """An open socket; everything raises Gone once it is not open any more and all that came is read."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._text: list[str] = []
        self._frames: list[Frame] = []
        self._end: Gone | None = None
        self._is_open = False
        try:
            self._sock = socket.create_connection(("127.0.0.1", port), timeout=OPEN_WITHIN_S)
        except OSError as exc:
            raise Gone(0, f"refused: {exc}") from exc
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._send_event(Request(host=f"127.0.0.1:{port}", target=path, extra_headers=extra))
        self._wait_until_open()

    def send(self, frame: Frame) -> None:
        self._send_event(TextMessage(msgspec.json.encode(frame).decode()))

    def receive(self, timeout_s: float) -> list[Frame]:
        """Give what has come, after waiting for something for `timeout_s`; empty when nothing came."""
        if not self._frames and self._end is None:
            self._read(max(0.001, timeout_s))
        if not self._frames and self._end is not None:
            raise self._end
        frames, self._frames = self._frames, []
        return frames

    def close(self) -> None:
        """Say goodbye and do not wait for the answer."""
        with suppress(Gone):
            self._send_event(CloseConnection(code=1000))
        self.hang_up()

    def hang_up(self) -> None:
        self._sock.close()

    def _wait_until_open(self) -> None:
        deadline = time.monotonic() + OPEN_WITHIN_S
        while not self._is_open:
            left_s = deadline - time.monotonic()
            if left_s > 0 and self._end is None:
                self._read(left_s)
            else:
                self.hang_up()
                raise self._end or Gone(0, "no answer to the handshake")

    def _send_event(self, event: Any) -> None:
        try:
            self._sock.settimeout(OPEN_WITHIN_S)
            self._sock.sendall(self._protocol.send(event))
        except (OSError, LocalProtocolError) as exc:
            self.hang_up()
            raise Gone(0, f"broke while sending: {exc}") from exc

    def _read(self, timeout_s: float) -> None:
        try:
            self._sock.settimeout(timeout_s)
            data = self._sock.recv(65_536)
            if not data:
                self._ended(0, "cut")
                return
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                self._take(event)
        except TimeoutError:
            return
        except (OSError, RemoteProtocolError) as exc:
            self._ended(0, f"broke: {exc}")

    def _take(self, event: Any) -> None:
        match event:
            case AcceptConnection():
                self._is_open = True
            case TextMessage():
                self._text.append(event.data)
                if event.message_finished:
                    self._frames.append(msgspec.json.decode("".join(self._text)))
                    self._text.clear()
            case Ping():
                self._send_event(event.response())
            case CloseConnection():
                with suppress(Gone, LocalProtocolError):
                    self._send_event(event.response())
                self._ended(event.code, event.reason or "")
            case RejectConnection():
                self._ended(0, f"refused with {event.status_code}")

    def _ended(self, code: int, reason: str) -> None:
        self._end = self._end or Gone(code, reason)
        self.hang_up()
