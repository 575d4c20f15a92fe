"""Small applications on top of the very module that serves visitors and operators, under the worker of the desk.

MESSAGE_MAX_BYTES in the environment sets the size limit; the default is the product's.
"""

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from socket import SO_SNDBUF, SOL_SOCKET

import gevent
from flask import Flask, Response, jsonify, request
from flask_sock import Sock
from simple_websocket.ws import Base

from handoff.gateway.connection import SOCKET_OPTIONS, Connection, without_compression
from handoff.protocol import FRAME_MAX_BYTES
from tests.gateway.burst import BURST_FRAMES, WRITERS, burst_frame

MESSAGE_MAX_BYTES = int(os.environ.get("MESSAGE_MAX_BYTES", FRAME_MAX_BYTES))
ANY_NUMBER = 10**9
WRITE_TIMEOUT_S = 3.0
SILENCE_MAX_S = 0.6

app = Flask(__name__)
app.config["SOCK_SERVER_OPTIONS"] = SOCKET_OPTIONS
app.wsgi_app = without_compression(app.wsgi_app)  # type: ignore[method-assign]
sock = Sock(app)

published: list[str] = []
followers: set[Connection] = set()


@app.get("/health")
def health() -> str:
    return "ok"


def make_buffer_small(ws: Base) -> None:
    """Keep the system from taking up to 4 MB for a reader that takes none: what is tested begins where it is full."""
    ws.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 32_768)


@sock.route("/echo")
def echo(ws: Base) -> None:
    """Say back what comes, text as text and binary as binary."""
    say_back(ws)


@sock.route("/echo/small-buffer")
def echo_through_small_buffer(ws: Base) -> None:
    make_buffer_small(ws)
    say_back(ws)


def say_back(ws: Base) -> None:
    connection = Connection(
        ws, message_max_bytes=MESSAGE_MAX_BYTES, frames_per_second=ANY_NUMBER, frames_burst=ANY_NUMBER
    )
    waiting: deque[str | bytes] = deque()

    def pull() -> Iterator[str | bytes]:
        while waiting:
            yield waiting.popleft()

    connection.start_writer(pull)
    for message in connection.messages():
        waiting.append(message)
        connection.wake()
    connection.finish()


@sock.route("/impatient")
def impatient(ws: Base) -> None:
    connection = Connection(ws, silence_max_s=SILENCE_MAX_S)
    for message in connection.frames():
        connection.offer({"heard": message})
    connection.finish()


@sock.route("/burst")
def burst(ws: Base) -> None:
    """For each frame that comes, have several greenlets write at once."""
    make_buffer_small(ws)
    connection = Connection(ws, frames_per_second=ANY_NUMBER, frames_burst=ANY_NUMBER)

    def write(writer: int, round_: int) -> None:
        for number in range(BURST_FRAMES):
            connection.offer(burst_frame(writer, round_, number))
            gevent.sleep(0)

    for frame in connection.frames():
        gevent.joinall([gevent.spawn(write, writer, int(frame)) for writer in range(WRITERS)])
    connection.finish()


@sock.route("/follow")
def follow(ws: Base) -> None:
    """Send everything that is published from now on, each follower from a cursor of its own."""
    make_buffer_small(ws)
    connection = Connection(ws, write_timeout_s=WRITE_TIMEOUT_S)
    cursor = len(published)

    def pull() -> Iterator[str]:
        nonlocal cursor
        while cursor < len(published):
            cursor += 1
            yield published[cursor - 1]

    followers.add(connection)
    connection.start_writer(pull)
    for _ in connection.messages():
        pass
    connection.finish()
    followers.remove(connection)


@app.post("/publish")
def publish() -> Response:
    """Put a text in the log and ring, as conversations do; or offer it beside the log, as typing is."""
    text = request.get_data(as_text=True)
    for _ in range(request.args.get("times", 1, int)):
        if request.args["way"] == "log":
            published.append(text)
        for connection in tuple(followers):
            if request.args["way"] == "log":
                connection.wake()
            else:
                connection.offer({"text": text})
        gevent.sleep(0)
    return jsonify()


@app.get("/facts")
def facts() -> Response:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return jsonify(followers=len(followers), memory_bytes=pages * os.sysconf("SC_PAGE_SIZE"))
