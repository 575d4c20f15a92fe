"""`baton run` as an administrator meets it: ends cleanly, starts again without redoing anything, leaves no orphan."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.processes import eventually, free_ports
from tests.support.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def alive(pids: list[int]) -> list[int]:
    """Give those that still run; a zombie that its new parent has not yet reaped does not."""
    running = []
    for pid in pids:
        try:
            state = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.append(pid)
    return running


def models(stack: Stack) -> dict[str, int]:
    """Give the trained bots with their inodes: one that was trained again is another file."""
    folder = Path(stack.environment["BATON_MODELS_DIR"])
    return {path.name: path.stat().st_ino for path in folder.glob("*.tar.gz")}


def test_ctrl_c_ends_every_process_and_the_next_start_redoes_nothing(login_gov: Stack) -> None:
    with login_gov.visitor() as ada:
        said = ada.says("remember me")
        pids = login_gov.all_pids()
        assert len(pids) >= 4
        before = models(login_gov)
        assert login_gov.process is not None
        login_gov.process.signal(signal.SIGINT)
        assert login_gov.process.wait(30) == 0
        assert ada.wait_for_close() == 4012
    assert alive(pids) == []
    log_before = len(login_gov.log())
    login_gov.start_again()
    assert "Importing" not in login_gov.log()[log_before:]
    assert models(login_gov) == before
    with ada.back_again(cursor=0) as again:
        assert again.event("visitor_message")["seq"] == said["seq"]
        again.says("how do i delete my account?")
        again.wait_for(lambda f: f["type"] == "event" and f["kind"] in ("article_shown", "clarification_offered"))


def test_supervisor_killed_without_warning_leaves_no_orphan(login_gov: Stack) -> None:
    pids = login_gov.all_pids()
    assert len(alive(pids)) >= 4
    assert login_gov.process is not None
    os.kill(login_gov.process.pid, signal.SIGKILL)
    login_gov.process.wait(10)
    eventually(lambda: not alive(pids), within_s=30, what="all children have ended")
    login_gov.start_again()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("BATON_PORT", "eighty", "BATON_PORT is 'eighty'; it must be a port from 1 to 65535."),
        ("BATON_WIDGET_ORIGINS", "example.com", "BATON_WIDGET_ORIGINS holds 'example.com'"),
        ("BATON_RASA_PYTHON", "/nowhere/python", "Run `make setup`, or set BATON_RASA_PYTHON."),
    ],
)
def test_setting_that_cannot_work_is_one_sentence(tmp_path: Path, variable: str, value: str, words: str) -> None:
    stack = Stack(tmp_path)
    stack.environment[variable] = value
    done = stack.baton("run", check=False)
    assert done.returncode == 1
    assert words in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr


def test_taken_port_names_the_setting_that_moves_it(tmp_path: Path) -> None:
    import socket

    stack = Stack(tmp_path)
    (port,) = free_ports(1)
    stack.environment["BATON_KB_PORT"] = str(port)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = stack.baton("run", check=False)
    assert done.returncode == 1
    assert "BATON_KB_PORT" in done.stdout
