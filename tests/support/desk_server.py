"""The desk as a real server under gunicorn and gevent, with scripted stand-ins behind its two ports."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.support.clients import OperatorClient, VisitorClient, join
from tests.support.processes import ROOT, Process, desk_command, free_ports
from tests.support.scripted import ScriptedKnowledgeBase


class OnPort(Protocol):
    """Whoever answers at a port: Rasa, or a stand-in."""

    port: int


class DeskServer:
    """One server of the desk that can be killed and started again on the same data; `settings` are added to its own."""

    module = "handoff.app"

    def __init__(
        self,
        folder: Path,
        bot: OnPort,
        knowledge_base: ScriptedKnowledgeBase,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        (self.port,) = free_ports(1)
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.data_dir = folder / "data"
        self.bot = bot
        self.environment = {
            "BATON_DATA_DIR": str(self.data_dir),
            "BATON_PORT": str(self.port),
            "BATON_BOT_PORT": str(bot.port),
            "BATON_KB_PORT": str(knowledge_base.port),
            **(settings or {}),
        }
        self._log = folder / "desk.log"
        self.process: Process | None = None
        self._people = 0

    def start(self) -> None:
        command = desk_command(self.port, module=self.module)
        self.process = Process(command, environment=self.environment, log=self._log)
        self.process.wait_until(f"{self.base_url}/health", within_s=30)

    def log(self) -> str:
        return self._log.read_text()

    def invite(self, role: str) -> str:
        """Make a one-time link with the command line, as an administrator does."""
        command = [sys.executable, "-m", "handoff.cli", "invite", "--role", role]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment | {"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def session(self, name: str, role: str = "operator") -> str:
        self._people += 1
        return join(self.base_url, self.invite(role), name=name, email=f"person{self._people}@fernhill.example")

    def operator(self, name: str, role: str = "operator") -> OperatorClient:
        return OperatorClient(self.base_url, self.session(name, role))

    def visitor(self, **hello: object) -> VisitorClient:
        return VisitorClient(self.base_url, **hello)
