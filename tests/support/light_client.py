"""A WebSocket client that costs next to nothing, so that thousands of them measure or press a server, not themselves.

It speaks just enough of the protocol for a server that is known to be right: whole messages, no compression, no
fragments. For everything else there is `clients`.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

Frame = dict[str, Any]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

CONNECT_TIMEOUT_S = 60.0
_MASK = b"\x00\x00\x00\x00"
"""A mask of zeros is a mask: the server has the same work with it, the client none."""


class LightClient(asyncio.Protocol):
    """One socket; each message goes to `on_message` as bytes, in the order in which they come."""

    def __init__(self, on_message: Callable[[bytes], object]) -> None:
        self.on_message = on_message
        self.close_code: int | None = None
        self.is_open = False
        self.answer = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        on_message: Callable[[bytes], object],
        *,
        headers: Mapping[str, str] | None = None,
        receive_buffer_bytes: int | None = None,
    ) -> Self:
        """Open a socket; a small `receive_buffer_bytes` makes a slow reader slow at once.

        Raises:
            OSError: the server does not take it, or takes it and hangs up.
        """
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)
        if receive_buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await asyncio.wait_for(loop.sock_connect(sock, (parts.hostname, parts.port)), CONNECT_TIMEOUT_S)
        # At once, not when the loop comes to it: a server waits only so long for the request.
        sock.send(_request(parts.path, parts.netloc, headers or {}))
        client = cls(on_message)
        await loop.create_connection(lambda: client, sock=sock)
        await asyncio.wait_for(client.opened, CONNECT_TIMEOUT_S)
        if not client.is_open:
            raise ConnectionResetError("closed before the handshake was answered")
        return client

    def send(self, message: str | bytes) -> None:
        opcode = TEXT if isinstance(message, str) else BINARY
        self._send(opcode, message.encode() if isinstance(message, str) else message)

    def send_json(self, **frame: Any) -> None:
        self._send(TEXT, json.dumps(frame).encode())

    def ping(self) -> None:
        self._send(PING, b"")

    def say_goodbye(self, code: int) -> None:
        self._send(CLOSE, struct.pack("!H", code))

    def stop_reading(self) -> None:
        assert self._transport
        self._transport.pause_reading()

    def go_on_reading(self) -> None:
        assert self._transport
        self._transport.resume_reading()

    def drop(self) -> None:
        """Cut the connection without a word."""
        assert self._transport
        self._transport.abort()

    def _send(self, opcode: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        assert self._transport
        self._transport.write(head + _MASK + data)

    # --- what asyncio calls ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.is_open and not self._read_answer():
            return
        while (frame := _take_frame(self._buffer)) is not None:
            opcode, payload = frame
            if opcode in (TEXT, BINARY):
                self.on_message(payload)
            elif opcode == CLOSE:
                self.close_code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                self._send(CLOSE, payload[:2])
            elif opcode == PING:
                self._send(PONG, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.opened, self.closed):
            if not future.done():
                future.set_result(None)

    def _read_answer(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.answer = bytes(self._buffer[:end])
        assert b" 101 " in self.answer, self.answer
        del self._buffer[: end + 4]
        self.is_open = True
        self.opened.set_result(None)
        return True


def _request(path: str, host: str, headers: Mapping[str, str]) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: " + "MDEyMzQ1Njc4OWFiY2RlZg==",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _take_frame(buffer: bytearray) -> tuple[int, bytes] | None:
    """Take a whole frame off the buffer's front, if there is one."""
    if len(buffer) < 2:
        return None
    size, start = buffer[1] & 0x7F, 2
    if size == 126:
        start, form = 4, "!H"
    elif size == 127:
        start, form = 10, "!Q"
    if start > 2:
        if len(buffer) < start:
            return None
        (size,) = struct.unpack(form, buffer[2:start])
    if len(buffer) < start + size:
        return None
    opcode, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
    del buffer[: start + size]
    return opcode, payload
