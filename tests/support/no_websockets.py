"""A proxy as some offices have them: passes HTTP on, refuses every WebSocket."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK_BYTES = 65_536
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class NoWebSockets:
    """Listens on a port of its own in front of one server; `lets_sockets_through` may be changed at any time."""

    def __init__(self, base_url: str) -> None:
        host, port = base_url.removeprefix("http://").split(":")
        self._upstream = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lets_sockets_through = False
        self.refused = 0
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept_forever, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        for line in [self._listener, *self._lines]:
            _end(line)
        for thread in self._threads:
            thread.join(5)

    def _accept_forever(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed: the test is over
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        self._lines.append(client)
        with suppress(OSError):
            head = _read_head(client)
            is_websocket = b"upgrade: websocket" in head.lower()
            if is_websocket and not self.lets_sockets_through:
                self.refused += 1
                client.sendall(REFUSAL)
            else:
                # One request per connection, so that each one's head is looked at.
                self._pass_on(client, head if is_websocket else head.replace(b"keep-alive", b"close", 1))
        _end(client)

    def _pass_on(self, client: socket.socket, head: bytes) -> None:
        server = socket.create_connection(self._upstream)
        self._lines.append(server)
        server.sendall(head)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        self._threads.append(back)
        back.start()
        _pump(client, server)


def _read_head(client: socket.socket) -> bytes:
    """Read until the request's head is whole; some of its body may come along."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(CHUNK_BYTES)
        if not piece:
            raise ConnectionResetError("the client went in the middle of its request")
        head += piece
    return head


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(CHUNK_BYTES):
            target.sendall(piece)
    _end(target)


def _end(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
