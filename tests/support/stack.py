"""The whole product as an administrator starts it: `baton run` on ports and data of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.clients import OperatorClient, VisitorClient, join
from tests.support.processes import ROOT, Process, answers, eventually, free_ports

READY_TIMEOUT_S = 420.0
"""A first start trains the bot and encodes the demo articles, on a machine that may be busy with other things."""

REAL_ARTICLES = ROOT.parent / "shared" / "real-articles" / "login-gov" / "_help"
"""The public-domain help centre of login.gov, beside the repository and never in it."""


class Stack:
    """Baton's four real processes under the real supervisor."""

    def __init__(self, folder: Path) -> None:
        port, kb_port, bot_port, actions_port = free_ports(4)
        self.base_url = f"http://127.0.0.1:{port}"
        self.kb_url = f"http://127.0.0.1:{kb_port}"
        self.bot_url = f"http://127.0.0.1:{bot_port}"
        self.data_dir = folder / "data"
        self.environment = {
            "BATON_DATA_DIR": str(self.data_dir),
            # The trained bot depends on the repository's files only: tests and `make run` share it.
            "BATON_MODELS_DIR": str(ROOT / "var" / "models"),
            "BATON_PORT": str(port),
            "BATON_KB_PORT": str(kb_port),
            "BATON_BOT_PORT": str(bot_port),
            "BATON_ACTIONS_PORT": str(actions_port),
        }
        self._log = folder / "baton.log"
        self.process: Process | None = None
        self._people = 0

    def start(self) -> None:
        """Start everything, and wait until it says that it is ready."""
        self._log.unlink(missing_ok=True)
        self.start_again()

    def start_again(self) -> None:
        """Start once more after an end, the log going on."""
        seen = len(self.log()) if self._log.exists() else 0
        command = [sys.executable, "-m", "handoff.cli", "run"]
        self.process = Process(command, environment=self.environment, log=self._log)
        eventually(lambda: self._is_ready(seen), within_s=READY_TIMEOUT_S, what="Baton is ready")

    def stop(self) -> int:
        assert self.process is not None
        return self.process.stop(within_s=30)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def baton(
        self, *arguments: str, check: bool = True, extra: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command line on this stack, with `extra` settings on top."""
        return subprocess.run(
            [sys.executable, "-m", "handoff.cli", *arguments],
            cwd=ROOT,
            env=os.environ | self.environment | {"COLUMNS": "200"} | (extra or {}),
            capture_output=True,
            text=True,
            check=check,
        )

    def invite(self, role: str) -> str:
        return self.baton("invite", "--role", role).stdout.strip()

    def session(self, name: str, role: str = "operator") -> str:
        self._people += 1
        return join(self.base_url, self.invite(role), name=name, email=f"person{self._people}@fernhill.example")

    def operator(self, name: str) -> OperatorClient:
        return OperatorClient(self.base_url, self.session(name))

    def visitor(self, **hello: object) -> VisitorClient:
        return VisitorClient(self.base_url, **hello)

    def pids_of(self, part: str) -> list[int]:
        """Give the processes of a part: `knowledge_base`, `actions`, `bot` or `handoff`."""
        ports = {
            "knowledge_base": self.environment["BATON_KB_PORT"],
            "actions": self.environment["BATON_ACTIONS_PORT"],
            "bot": self.environment["BATON_BOT_PORT"],
            "handoff": f"127.0.0.1:{self.environment['BATON_PORT']}",
        }
        return [pid for pid, command in _commands() if ports[part] in command]

    def kill(self, part: str) -> None:
        """Kill a part without warning."""
        pids = self.pids_of(part)
        assert pids, f"{part} is not running"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def all_pids(self) -> list[int]:
        return [pid for part in ("knowledge_base", "actions", "bot", "handoff") for pid in self.pids_of(part)]

    def wait_until_well(self, part: str, *, within_s: float = 120) -> None:
        url = {
            "knowledge_base": f"{self.kb_url}/health",
            "bot": f"{self.bot_url}/",
            "handoff": f"{self.base_url}/health",
        }
        eventually(lambda: answers(url[part]), within_s=within_s, what=f"{part} is well again")

    def api(self, session: str) -> httpx.Client:
        """Give an HTTP client with a staff session."""
        return httpx.Client(base_url=self.base_url, cookies={"baton_session": session}, timeout=60)

    def _is_ready(self, seen: int) -> bool:
        assert self.process is not None
        assert self.process.is_running(), self.log()[-4000:]
        return "Baton is ready" in self.log()[seen:]


def _commands() -> list[tuple[int, list[str]]]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue  # it ended while we looked
            found.append((int(entry.name), command))
    return found
