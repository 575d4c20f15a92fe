"""The servers that are measured, each under gunicorn's gevent worker, and what their worker processes hold."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handoff.visitors import Visitors
from tests.support.desk_server import DeskServer
from tests.support.processes import Process, ending, free_ports
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase

SECRET = "bench-secret-of-forty-characters-or-more"

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Server:
    """A running server: where it is, and its one worker."""

    def __init__(self, url: str, process: Process) -> None:
        self.url = url
        self._master = process.pid

    @property
    def worker_pid(self) -> int:
        return int(Path(f"/proc/{self._master}/task/{self._master}/children").read_text().split()[0])

    def memory_bytes(self) -> int:
        """Give the worker's resident memory."""
        return int(Path(f"/proc/{self.worker_pid}/statm").read_text().split()[1]) * _PAGE_BYTES

    def processor_s(self) -> float:
        """Give the processor time that the worker's threads have used."""
        tasks = Path(f"/proc/{self.worker_pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def echo_server(folder: Path, app: str = "tests.bench.echo_app:app") -> Iterator[Server]:
    """Run an application that echoes: the bare flask-sock one, or another."""
    (port,) = free_ports(1)
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "python:tests.gateway.gunicorn_config"),
        *("--bind", f"127.0.0.1:{port}", app),
    ]
    with ending(Process(command, environment={}, log=folder / "echo.log")) as process:
        process.wait_until(f"http://127.0.0.1:{port}/health", within_s=20)
        yield Server(f"ws://127.0.0.1:{port}/echo", process)


class Desk(Server):
    """The desk, with what is needed to come in as a visitor or as an operator."""

    def __init__(self, desk: DeskServer, process: Process) -> None:
        super().__init__(desk.base_url.replace("http", "ws") + "/ws/visitor", process)
        self.operator_url = desk.base_url.replace("http", "ws") + "/ws/operator"
        self._desk = desk

    def operator_headers(self, name: str) -> dict[str, str]:
        return {"Cookie": f"baton_session={self._desk.session(name)}", "Origin": self._desk.base_url}


@contextmanager
def desk_server(folder: Path) -> Iterator[Desk]:
    """Run the desk on the data in `folder`; nobody in the bench talks to the bot."""
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        desk = DeskServer(folder, bot, knowledge_base)
        desk.environment["BATON_SECRET_KEY"] = SECRET
        desk.start()
        assert desk.process is not None
        with ending(desk.process):
            yield Desk(desk, desk.process)


def new_token() -> str:
    """Sign a visitor's token as the desk does; over HTTP one address gets 600 in a quarter of an hour."""
    return Visitors(None, secret=SECRET).issue_token()  # type: ignore[arg-type]
