"""`bot/serve.py`: loopback only, a token for the API, a quiet log, and a quick end without orphans."""

import json
import os
import socket
import sqlite3
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.bot.conftest import RunningBot, await_ready, choose_free_port, start_part, stop_part

pytestmark = pytest.mark.slow

STOPS_WITHIN_S = 10.0


def read_addresses(process_id: int) -> set[str]:
    """Return the addresses on which a process listens for TCP, IPv4, as hexadecimal words of /proc."""
    inodes = set()
    for link in Path(f"/proc/{process_id}/fd").iterdir():
        try:
            inodes.add(os.readlink(link))
        except OSError:
            continue
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process_id}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in inodes:
                listening.add(words[1].split(":")[0])
    return listening


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_both_servers_listen_on_the_loopback_address_only(bot: RunningBot):
    loopback = f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}"
    for process_id in bot.process_ids:
        assert read_addresses(process_id) == {loopback}


def test_api_asks_for_the_token(bot: RunningBot):
    assert httpx.get(f"{bot.url}/status", trust_env=False).status_code == 401
    assert httpx.get(f"{bot.url}/status", params={"token": bot.token}, trust_env=False).status_code == 200


def test_action_server_is_quiet_and_ends_at_once(rasa_python: Path, tmp_path: Path):
    port = choose_free_port()
    process = start_part(rasa_python, ["actions", "--port", str(port)], dict(os.environ), tmp_path)
    try:
        await_ready("actions", process, tmp_path)
    finally:
        took_s = stop_part(process)
    assert took_s < STOPS_WITHIN_S
    assert (tmp_path / "actions.log").read_text() == f"ready: actions at http://127.0.0.1:{port}\n"


def test_rasa_ends_at_once_and_leaves_no_process(rasa_python: Path, model: Path, tmp_path: Path):
    environment = {**os.environ, "BATON_TRACKER_DATABASE": str(tmp_path / "new/tracker.sqlite")}
    part = ["rasa", "--model", str(model), "--port", str(choose_free_port())]
    process = start_part(rasa_python, part, environment, tmp_path)
    try:
        await_ready("rasa", process, tmp_path)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        assert not children.exists() or not children.read_text().strip()
        with closing(sqlite3.connect(tmp_path / "new/tracker.sqlite")) as tracker:
            assert tracker.execute("pragma journal_mode").fetchone() == ("wal",)
        started = time.monotonic()
        process.terminate()
        process.wait(20)
        assert time.monotonic() - started < STOPS_WITHIN_S
    finally:
        stop_part(process)
    lines = (tmp_path / "rasa.log").read_text().splitlines()
    # In a work tree without any commit Rasa's own call of git complains in one line.
    assert [line for line in lines if not line.startswith(("fatal:", "ready:"))] == []


def test_answers_of_the_actions_are_held_against_rasas_schema(rasa_python: Path, model: Path, tmp_path: Path):
    """Who answers something else than actions do is not obeyed: the visitor gets nothing, and the desk steps in."""
    said = {"custom": {"type": "say"}}
    answers = [{"events": [], "responses": [said]}, {"events": "none", "responses": [said]}]

    class Actions(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps(answers[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    actions = HTTPServer(("127.0.0.1", 0), Actions)
    threading.Thread(target=actions.serve_forever, daemon=True).start()
    port = choose_free_port()
    environment = {
        **os.environ,
        "BATON_TRACKER_DATABASE": str(tmp_path / "tracker.sqlite"),
        "BATON_ACTIONS_PORT": str(actions.server_port),
    }
    process = start_part(rasa_python, ["rasa", "--model", str(model), "--port", str(port)], environment, tmp_path)
    try:
        await_ready("rasa", process, tmp_path)
        heard = []
        for sender in ("one", "two"):
            message = {"sender": sender, "message": "hello"}
            answer = httpx.post(f"http://127.0.0.1:{port}/webhooks/rest/webhook", json=message, timeout=30)
            heard.append([one["custom"] for one in answer.json()])
            del answers[0:1]
    finally:
        stop_part(process)
        actions.shutdown()
        actions.server_close()
    assert heard[0][0] == {"type": "say"}
    assert heard[1] == []


def test_missing_model_is_named(rasa_python: Path, tmp_path: Path):
    part = ["rasa", "--model", str(tmp_path / "absent.tar.gz"), "--port", "1"]
    process = start_part(rasa_python, part, dict(os.environ), tmp_path)
    assert process.wait(60) == 1
    assert "train one with" in (tmp_path / "rasa.log").read_text()
