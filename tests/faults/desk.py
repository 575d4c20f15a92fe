"""The desk under test: a real server process that can be killed, starved of disk, and told a wrong time."""

import http.client
import os
import resource
import signal
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.desk_server import DeskServer
from tests.support.processes import Process, desk_command
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase, say

WELL_WITHIN_S = 60.0


class TalkativeBot(ScriptedBot):
    """Answers everything, each time with other words: a reply that is recorded twice shows."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count(1)
        # A desk that is killed hangs up on the bot in the middle of a turn, hundreds of times.
        self._http.handle_error = lambda *_: None

    def answer_to(self, path: str, body: Any) -> tuple[int, bytes]:
        if body is not None:
            self.will_say(say(f"the bot says {next(self._numbers)}."))
        return super().answer_to(path, body)


class FaultyDesk(DeskServer):
    """A desk with everything that can happen to a process."""

    module = "tests.faults.desk_app"

    def __init__(
        self, folder: Path, bot: ScriptedBot, knowledge_base: ScriptedKnowledgeBase, settings: Mapping[str, str]
    ) -> None:
        super().__init__(folder, bot, knowledge_base, settings)
        self._clock = folder / "clock"
        self.set_clock(0.0)
        # The clients come from behind the suite's proxy, each with an address of their own.
        self.environment |= {"BATON_FAULTS_CLOCK": str(self._clock), "BATON_TRUSTED_PROXIES": "1"}

    def start(self) -> None:
        self.begin_start()
        self.wait_until_well()

    def begin_start(self) -> None:
        """Start the process on the same port and data; it may not listen yet."""
        command = desk_command(self.port, module=self.module)
        self.process = Process(command, environment=self.environment, log=self._log)

    def wait_until_well(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + WELL_WITHIN_S
        while not self._is_well():
            assert self.process.is_running(), f"the desk ended:\n{self.log()[-3000:]}"
            assert time.monotonic() < deadline, f"the desk does not get well:\n{self.log()[-3000:]}"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill the whole group at once and without warning."""
        assert self.process is not None
        self.process.kill()

    def kill_worker(self) -> None:
        """Kill what serves, and leave it to its parent to notice."""
        for pid in self.workers()[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def restart_cleanly(self) -> None:
        """End it as a service manager does, and start it again."""
        assert self.process is not None
        self.process.stop(within_s=30)
        self.start()

    def fill_disk(self, limit_bytes: int) -> None:
        """Let every write beyond this place in a file fail in the living workers: the kernel refuses it."""
        self._limit_files(limit_bytes)

    def free_disk(self) -> None:
        self._limit_files(resource.RLIM_INFINITY)

    def set_clock(self, ahead_s: float) -> None:
        """Put the wall clock of the desk ahead of the true time, or behind it."""
        if not self._clock.exists():
            self._clock.write_bytes(bytes(8))
        with self._clock.open("r+b") as file:  # never shorter than eight bytes: the desk has it mapped
            file.write(struct.pack("d", ahead_s))

    def _limit_files(self, limit_bytes: int) -> None:
        for pid in self.workers():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit_bytes, resource.RLIM_INFINITY))

    def _is_well(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
