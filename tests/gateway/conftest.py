"""The small applications of this suite under gunicorn, with the worker that serves the desk."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import Process, ending, free_ports


@contextmanager
def echo_server(folder: Path, **environment: str) -> Iterator[str]:
    """Serve `echo_app`; gives the address without its scheme."""
    (port,) = free_ports(1)
    command = [
        *(sys.executable, "-m", "gunicorn", "--config", "python:tests.gateway.gunicorn_config"),
        *("--bind", f"127.0.0.1:{port}", "tests.gateway.echo_app:app"),
    ]
    with ending(Process(command, environment=environment, log=folder / "echo.log")) as process:
        process.wait_until(f"http://127.0.0.1:{port}/health", within_s=20)
        yield f"127.0.0.1:{port}"
