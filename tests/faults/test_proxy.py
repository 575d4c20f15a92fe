"""The bad network does what it says, to real sockets, and nothing else."""

import random
from collections.abc import Iterator
from contextlib import suppress

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer

from tests.faults import proxy as proxy_module
from tests.faults.counts import Counts
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("no_hanging")

SOON_S = 0.05
NEVER_S = 1e9


def echo(sock: socket.socket, _address: object) -> None:
    while data := sock.recv(65_536):
        sock.sendall(data)


@pytest.fixture
def echo_server() -> Iterator[StreamServer]:
    server = StreamServer(("127.0.0.1", 0), echo)
    server.start()
    yield server
    server.stop(timeout=1)


def proxy_to(server: StreamServer, *, mean_s: float) -> Proxy:
    return Proxy(server.server_port, random.Random(1), Counts(), mean_s=mean_s)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=20)


def read_until_end(sock: socket.socket) -> bytes:
    received = b""
    while data := sock.recv(65_536):
        received += data
    return received


def test_good_network_passes_on_everything_and_the_end(echo_server: StreamServer) -> None:
    sent = random.Random(1).randbytes(3_000_000)
    with proxy_to(echo_server, mean_s=NEVER_S) as proxy, connect(proxy) as sock:
        reader = gevent.spawn(read_until_end, sock)
        sock.sendall(sent)
        sock.shutdown(socket.SHUT_WR)
        assert reader.get() == sent
        assert proxy.troubles.total() == 0


def test_desk_that_is_down_is_a_refused_connection(echo_server: StreamServer) -> None:
    with proxy_to(echo_server, mean_s=NEVER_S) as proxy:
        echo_server.stop()
        with connect(proxy) as sock, pytest.raises(ConnectionResetError):
            sock.recv(1)


def calm_after_one(proxy: Proxy) -> None:
    """Let one trouble come, and no more; what it did still has to show."""
    while not proxy.troubles:
        gevent.sleep(0.001)
    proxy.is_calm = True


@pytest.mark.parametrize("kind", ["cut", "half_close", "drop", "delay"])
def test_each_trouble_comes_and_is_counted(
    echo_server: StreamServer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(proxy_module, "TROUBLE_WEIGHTS", {kind: 1})
    monkeypatch.setattr(proxy_module, "DROP_MAX_S", 1.0)
    with proxy_to(echo_server, mean_s=SOON_S) as proxy, connect(proxy) as sock:
        gevent.spawn(calm_after_one, proxy)
        sent = received = 0
        with suppress(OSError):
            while received == sent and not proxy.is_calm:
                sock.sendall(b"x" * 100)
                sent += 100
                received += len(sock.recv(100))
        assert set(proxy.troubles) == {kind}
        # What is delayed comes in the end; after every other trouble something is missing.
        assert (received == sent) == (kind == "delay")


def test_calm_network_has_good_links_only(echo_server: StreamServer) -> None:
    with proxy_to(echo_server, mean_s=4 * SOON_S) as proxy:
        with connect(proxy) as before:
            with suppress(OSError):  # should a trouble come already
                before.sendall(b"x")
                before.recv(1)
            proxy.calm_down()
            assert has_ended(before)
        counted = proxy.troubles.total()
        with connect(proxy) as after:
            for _ in range(200):
                after.sendall(b"x")
                assert after.recv(1) == b"x"
                gevent.sleep(SOON_S / 10)
        assert proxy.troubles.total() == counted


def has_ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
