"""Starts Baton's processes, keeps them running, shows their logs, ends them all: rung 6 of the ladder.

Each child leads a process group of its own, so that whatever it starts ends with it. On Linux a child also gets
SIGTERM when the supervisor dies without a chance to say so, so that no orphan is left.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.text import Text

STOP_TIMEOUT_S = 12.0
"""The desk's own shutdown takes up to 10 s when sockets are slow to close."""

RESTART_FIRST_S = 0.5
RESTART_MAX_S = 15.0
STEADY_AFTER_S = 30.0
"""A process that ran this long and then died is restarted at once; one that dies at birth, ever more slowly."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running: its name in the logs, its command, what it adds to the environment, when it is
    well.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    health_url: str
    colour: str


class Child:
    """One process and its restarts."""

    def __init__(self, spec: ChildSpec, console: Console) -> None:
        self.spec = spec
        self._console = console
        self._process: subprocess.Popen[str] | None = None
        self._is_stopping = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process and keep it running until `stop`."""
        self._keeper = threading.Thread(target=self._keep, name=f"keep {self.spec.name}", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """Ask the process to end; does not wait."""
        self._is_stopping.set()
        self._signal(signal.SIGTERM)

    def join(self, timeout_s: float) -> None:
        """Wait for the end; whatever is left of the process group after `timeout_s` is killed."""
        if self._keeper:
            self._keeper.join(timeout_s)
        self._signal(signal.SIGKILL)
        if self._keeper:
            self._keeper.join(2.0)

    def _keep(self) -> None:
        pause_s = RESTART_FIRST_S
        while not self._is_stopping.is_set():
            started_at = time.monotonic()
            code = self._run_once()
            if self._is_stopping.is_set():
                return
            if time.monotonic() - started_at > STEADY_AFTER_S:
                pause_s = RESTART_FIRST_S
            self._say(f"ended with {code}; starting again in {pause_s:g} s", style="bold red")
            self._is_stopping.wait(pause_s)
            pause_s = min(pause_s * 2, RESTART_MAX_S)

    def _run_once(self) -> int:
        self._process = subprocess.Popen(
            self.spec.command,
            env={**os.environ, **self.spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        if self._is_stopping.is_set():
            self._signal(signal.SIGTERM)
        for line in self._process.stdout or ():
            self._say(line.rstrip("\n"))
        code = self._process.wait()
        # What the process left behind in its group must not hold its port against the next one.
        self._signal(signal.SIGKILL)
        return code

    def _signal(self, number: int) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):  # the whole group has ended
            os.killpg(self._process.pid, number)

    def _say(self, line: str, style: str = "") -> None:
        prefix = Text(f"{self.spec.name:>14} | ", style=self.spec.colour)
        self._console.print(prefix + Text(line, style=style), soft_wrap=True)


class Supervisor:
    """All children together."""

    def __init__(self, specs: Sequence[ChildSpec], console: Console) -> None:
        self._children = [Child(spec, console) for spec in specs]

    def start(self) -> None:
        for child in self._children:
            child.start()

    def wait_until_well(self, *, timeout_s: float, give_up: threading.Event) -> list[str]:
        """Wait until every child answers at its health address; give the names of those that do not in time."""
        deadline = time.monotonic() + timeout_s
        waiting = list(self._children)
        while waiting and time.monotonic() < deadline and not give_up.is_set():
            waiting = [child for child in waiting if not is_well(child.spec.health_url)]
            give_up.wait(0.2)
        return [child.spec.name for child in waiting]

    def stop(self) -> None:
        """End all children and whatever they have started: the outermost first, since it still needs the inner ones."""
        *inner, outermost = self._children
        outermost.stop()
        outermost.join(STOP_TIMEOUT_S)
        for child in inner:
            child.stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in inner:
            child.join(max(0.1, deadline - time.monotonic()))


def is_well(health_url: str) -> bool:
    """Tell whether a service answers 200 at its health address within a second."""
    try:
        return httpx.get(health_url, timeout=1.0, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
