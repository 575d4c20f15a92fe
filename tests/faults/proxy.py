"""The bad network between clients and desk: a TCP proxy that delays, cuts, half-closes and drops one direction."""

import random
import struct
import time
from collections import Counter
from contextlib import suppress
from typing import Self

import gevent
from gevent import socket
from gevent.server import StreamServer

from tests.faults.counts import Counts

CHUNK_BYTES = 65_536
LINGER_S = 5.0
"""How long a link of which one side has ended may go on with its other direction."""

DROP_MAX_S = 8.0
"""A link that drops a direction lives this much longer at most, if neither peer gives it up before."""

TROUBLE_WEIGHTS = {"delay": 6, "cut": 4, "half_close": 2, "drop": 2}

_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Listens on `port` and passes on to `upstream_port`; every link gets into trouble sooner or later.

    A link's troubles come every `mean_s` seconds on average, until `calm_down`.
    """

    def __init__(self, upstream_port: int, rng: random.Random, counts: Counts, *, mean_s: float) -> None:
        self._upstream = ("127.0.0.1", upstream_port)
        self._rng = rng
        self._mean_s = mean_s
        self.troubles: Counter[str] = counts.troubles
        self.is_calm = False
        self._links: set[_Link] = set()
        self._server = StreamServer(("127.0.0.1", 0), self._serve)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.stop(timeout=1)
        self.cut_all()

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def calm_down(self) -> None:
        """From here on every link is a good one; those that are not any more are cut."""
        self.is_calm = True
        self.cut_all()

    def cut_all(self) -> None:
        for link in list(self._links):
            link.cut(is_reset=False)

    def _serve(self, client: socket.socket, _address: object) -> None:
        try:
            upstream = socket.create_connection(self._upstream, timeout=5)
        except OSError:
            _hang_up(client, is_reset=True)  # the desk is down: refused, as without a proxy
            return
        upstream.settimeout(None)
        link = _Link(client, upstream)
        self._links.add(link)
        trouble = gevent.spawn(self._trouble, link)
        try:
            link.run()
        finally:
            trouble.kill()
            self._links.discard(link)

    def _trouble(self, link: "_Link") -> None:
        while True:
            gevent.sleep(self._rng.expovariate(1 / self._mean_s))
            if self.is_calm:
                return
            (kind,) = self._rng.choices(list(TROUBLE_WEIGHTS), TROUBLE_WEIGHTS.values())
            self.troubles[kind] += 1
            self._make_trouble(kind, link)

    def _make_trouble(self, kind: str, link: "_Link") -> None:
        match kind:
            case "delay":
                self._delay(link)
            case "cut":
                self._cut(link)
            case "half_close":
                self._half_close(link)
            case "drop":
                self._drop(link)

    def _delay(self, link: "_Link") -> None:
        for way in self._rng.choice(([link.up], [link.down], [link.up, link.down])):
            way.hold_until = time.monotonic() + self._rng.uniform(0.05, 1.5)

    def _cut(self, link: "_Link") -> None:
        if self._rng.random() < 0.5:
            link.cut(is_reset=self._rng.random() < 0.5)
        else:
            self._rng.choice([link.up, link.down]).is_cut_next = True  # in the middle of what comes next

    def _half_close(self, link: "_Link") -> None:
        with suppress(OSError):
            self._rng.choice([link.up, link.down]).target.shutdown(socket.SHUT_WR)

    def _drop(self, link: "_Link") -> None:
        self._rng.choice([link.up, link.down]).is_dropping = True
        gevent.sleep(DROP_MAX_S)
        link.cut(is_reset=True)


class _Way:
    """One direction of a link."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.hold_until = 0.0
        self.is_dropping = False
        self.is_cut_next = False

    def pump(self) -> None:
        """Pass on until the source ends; then tell the target so."""
        with suppress(OSError):
            while data := self.source.recv(CHUNK_BYTES):
                while (wait_s := self.hold_until - time.monotonic()) > 0:
                    gevent.sleep(wait_s)
                if self.is_cut_next:
                    self.target.sendall(data[: len(data) // 2])
                    return
                if not self.is_dropping:
                    self.target.sendall(data)
            self.target.shutdown(socket.SHUT_WR)


class _Link:
    """A client's connection and the one to the desk that belongs to it."""

    def __init__(self, client: socket.socket, upstream: socket.socket) -> None:
        self._client = client
        self._upstream = upstream
        self.up = _Way(client, upstream)
        self.down = _Way(upstream, client)

    def run(self) -> None:
        """Pass on both ways until both have ended, or one and the patience with the other."""
        pumps = [gevent.spawn(self.up.pump), gevent.spawn(self.down.pump)]
        gevent.joinall(pumps, count=1)
        if not (self.up.is_cut_next or self.down.is_cut_next):
            gevent.joinall(pumps, timeout=LINGER_S)
        self.cut(is_reset=False)
        gevent.killall(pumps)

    def cut(self, *, is_reset: bool) -> None:
        _hang_up(self._client, is_reset=is_reset)
        _hang_up(self._upstream, is_reset=is_reset)


def _hang_up(sock: socket.socket, *, is_reset: bool) -> None:
    with suppress(OSError):
        if is_reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        else:
            sock.shutdown(socket.SHUT_RDWR)
    sock.close()
