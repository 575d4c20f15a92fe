"""A PostgreSQL and a Redis of the tests' own: real servers on free ports and private data, that can be killed and
started again.

Neither ever touches a server that the machine has already: ports are free ones, data is in folders of their own.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.support.processes import Process, free_ports

READY_WITHIN_S = 60.0
"""A start after a kill replays what the crash left, on a machine that may be busy."""

POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "127.0.0.1",
    "max_connections": "120",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "jit": "off",
}


class ServerMissing(RuntimeError):
    """The machine lacks the server's program; the message names the package that has it."""


class _PrivateServer(ABC):
    """What both have in common: a process on a port that stays the same over kills and starts."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder = folder
        self.process: Process | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that a client connects to."""

    @abstractmethod
    def start(self) -> None:
        """Start it, or start it again on the same port and data, and wait until it answers."""

    def kill(self) -> None:
        """End it and everything that it started at once and without warning."""
        assert self.process is not None
        _kill_with_children(self.process)

    def stop(self) -> None:
        """End it; without asking twice, since its data is not needed any more."""
        if self.process is not None and self.process.is_running():
            self.kill()

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._is_ready():
            assert self.process.is_running(), f"{type(self).__name__} ended:\n{self.process.output()[-3000:]}"
            assert time.monotonic() < deadline, f"it does not get ready:\n{self.process.output()[-3000:]}"
            time.sleep(0.05)

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it answers its clients."""


class PrivatePostgres(_PrivateServer):
    """A cluster with the durability of a real one, a superuser `baton` and an empty database `baton`.

    The server's output goes to `folder`; its data lies in a folder of its own under the system's temporary one, since
    the user `postgres` (the server refuses to run as root) cannot enter pytest's folders, and a socket's path must be
    short. `stop` removes it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._home: Path | None = None
        # Looked up at once, so that a machine without it says so before anything starts.
        self._initdb, self._postgres = _postgres_program("initdb"), _postgres_program("postgres")
        self._psql = _postgres_program("psql")

    @property
    def url(self) -> str:
        return f"postgresql://baton@127.0.0.1:{self.port}/baton"

    def start(self) -> None:
        is_new = self._home is None
        home = self._home or self._make_cluster()
        settings = POSTGRES_SETTINGS | {"port": str(self.port), "unix_socket_directories": str(home)}
        self.process = Process(
            [self._postgres, "-D", str(home / "data"), *(f"--{name}={value}" for name, value in settings.items())],
            environment={"LC_ALL": "C"},
            log=self._folder / "postgres.log",
            user=_unprivileged_user(),
            death_signal=signal.SIGQUIT,  # on SIGTERM it would wait until its clients go
        )
        self._wait_until_ready()
        if is_new:
            self._query("postgres", "create database baton")

    def stop(self) -> None:
        super().stop()
        if self._home is not None:
            shutil.rmtree(self._home)
            self._home = None

    def _make_cluster(self) -> Path:
        home = Path(tempfile.mkdtemp(prefix="baton-postgres-"))
        user = _unprivileged_user()
        if user is not None:
            shutil.chown(home, user)
        command = [self._initdb, "--auth=trust", "--username=baton", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run(
            [*command, "-D", str(home / "data")],
            user=user,
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self._home = home
        return home

    def _is_ready(self) -> bool:
        return self._query("postgres", "select 1", check=False) == 0

    def _query(self, database: str, sql: str, *, check: bool = True) -> int:
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "baton", "-d", database]
        return subprocess.run(
            [self._psql, "-qX", *where, "-c", sql],
            check=check,
            stdout=subprocess.DEVNULL,
            stderr=None if check else subprocess.DEVNULL,
        ).returncode


class PrivateRedis(_PrivateServer):
    """A Redis that keeps nothing on disk: what a kill takes is gone, as it is on a real one set up for this."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._program = _program("redis-server", package="redis-server")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        keeps_nothing = ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self.process = Process(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", *keeps_nothing],
            environment={},
            log=self._folder / "redis.log",
        )
        self._wait_until_ready()

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2.0) as sock:
                sock.sendall(b"PING\r\n")
                return sock.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def make_postgres_database(server_url: str) -> str:
    """Make an empty database on a server; give its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server_url.rpartition("/")[0] + f"/{name}"


def _program(name: str, *, package: str, places: str = "") -> str:
    found = shutil.which(name) or shutil.which(name, path=places)
    if found is None:
        raise ServerMissing(
            f"{name} is not installed; the tests need it. Install it (Debian: sudo apt-get install {package})."
        )
    return found


def _postgres_program(name: str) -> str:
    """Find a program of PostgreSQL; Debian keeps each version's in a folder that is not in PATH."""
    newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    return _program(name, package="postgresql", places=os.pathsep.join(map(str, newest_first)))


def _unprivileged_user() -> str | None:
    """Name the user to run PostgreSQL as; None when we are not root and need no other."""
    return "postgres" if os.geteuid() == 0 else None


def _kill_with_children(process: Process) -> None:
    """Kill a process and its children, none of which can do anything more once this begins.

    PostgreSQL's children lead groups of their own, so that killing the group would leave them.
    """
    process.signal(signal.SIGSTOP)  # no more children
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in map(int, children):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.kill()
