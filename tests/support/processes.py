"""Real processes for tests: free ports, starting, waiting until well, ending for certain."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]


def free_ports(count: int) -> list[int]:
    """Give ports that nothing listens on; all are held until all are found, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def eventually(look: Callable[[], T], *, within_s: float = 20.0, what: str = "") -> T:
    """Look until there is something true; the last look's answer is in the failure."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what or look} not true within {within_s} s: {found!r}"
        time.sleep(0.05)
    return found


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: where a browser is open, this thread has an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


class Process:
    """A child in a process group of its own, its output in a file.

    It runs as `user` (None: as we do) and gets `death_signal` when we die.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        user: str | None = None,
        death_signal: int = signal.SIGTERM,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=user,  # set before what follows, which a change of user would undo
                preexec_fn=partial(_die_with_parent, death_signal),
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def wait(self, timeout_s: float) -> int:
        return self._popen.wait(timeout_s)

    def kill(self) -> None:
        """Kill the whole group at once and without warning."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)

    def stop(self, *, within_s: float = 20.0) -> int:
        """Ask it to end, and insist if it does not."""
        self._popen.terminate()
        try:
            return self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def is_running(self) -> bool:
        return self._popen.poll() is None

    def wait_until(self, url: str, *, within_s: float) -> None:
        """Wait until the address answers; fail at once, with the log's end, if the process ends before."""
        deadline = time.monotonic() + within_s
        while not answers(url):
            assert self.is_running(), f"ended with {self._popen.returncode}:\n{self.output()[-3000:]}"
            assert time.monotonic() < deadline, f"{url} does not answer:\n{self.output()[-3000:]}"
            time.sleep(0.1)


def _die_with_parent(death_signal: int) -> None:
    """Ask Linux to end this child when the tests are killed without a chance to end it themselves."""
    ctypes.CDLL(None).prctl(1, death_signal)


def desk_command(port: int, *, module: str = "handoff.app") -> list[str]:
    """Give the command that serves the desk, as the supervisor does."""
    return [
        *(sys.executable, "-m", "gunicorn", "--config", "python:handoff.gunicorn_config"),
        *("--bind", f"127.0.0.1:{port}", f"{module}:create_app_from_environment()"),
    ]


@contextmanager
def ending(process: Process) -> Iterator[Process]:
    """End the process with the block, whatever happens in it."""
    try:
        yield process
    finally:
        if process.is_running():
            process.stop()
