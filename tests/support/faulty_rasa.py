"""A stand-in at Rasa's port that fails in every way a server can, as a real listener on real sockets."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.scripted import say

HEADER_END = b"\r\n\r\n"


def http_answer(body: bytes, *, status: str = "200 OK", length: int | None = None) -> bytes:
    """Give an HTTP answer; `length` may lie about the body's."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length or len(body)}\r\n\r\n"
    return head.encode() + body


WELL = http_answer(json.dumps([{"recipient_id": "x", "custom": payload} for payload in say("Rasa here.")]).encode())


class FaultyRasa:
    """Listens, or not; what it does with a request is `behave`, which is given the connection after the request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.requests = 0
        self.behave: Callable[[socket.socket], None] = answers_well
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listen from now on."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._spawn(self._accept, self._listener)

    def stop(self) -> None:
        """Stop listening and cut every connection, as a killed process does."""
        listener, self._listener = self._listener, None
        for each in [*([listener] if listener else []), *self._connections]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._connections.clear()
        for thread in self._threads:
            thread.join(5)
        self._threads.clear()

    def _spawn(self, work: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._connections.append(connection)
                self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while _read_request(connection):
                self.requests += 1
                self.behave(connection)


def _read_request(connection: socket.socket) -> bool:
    raw = b""
    while HEADER_END not in raw:
        piece = connection.recv(65536)
        if not piece:
            return False
        raw += piece
    head, _, body = raw.partition(HEADER_END)
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        missing -= len(connection.recv(missing))
    return True


def answers_well(connection: socket.socket) -> None:
    connection.sendall(WELL)


def hangs(_connection: socket.socket) -> None:
    """Accept and never answer."""


def trickles(connection: socket.socket) -> None:
    """Promise an answer and send a byte of it now and then."""
    connection.sendall(http_answer(b"[", length=10_000))
    for _ in range(600):
        threading.Event().wait(0.05)
        connection.sendall(b" ")


def cuts(connection: socket.socket) -> None:
    """End in the middle of the answer."""
    connection.sendall(WELL[:-20])
    connection.shutdown(socket.SHUT_RDWR)


def sends(body: bytes, *, status: str = "200 OK") -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(http_answer(body, status=status))
