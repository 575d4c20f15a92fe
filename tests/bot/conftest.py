"""The cast of the bot's tests: the real bot in Rasa's own Python, in front of a scripted knowledge base."""

import os
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.bot.scripted_knowledge_base import TOKEN, ScriptedKnowledgeBase
from tests.support.embedder import share_embedder

ROOT = Path(__file__).resolve().parents[2]
BOT_FOLDER = ROOT / "bot"
RASA_PYTHON = Path(os.environ.get("BATON_RASA_PYTHON", ROOT / ".venv-rasa/bin/python"))
# The same folder as `baton run` uses: a model that is there already is not trained again.
MODELS_FOLDER = ROOT / "var/models"
# Rasa imports TensorFlow: 5 s alone, but a minute beside other work on two cores.
BOOT_TIMEOUT_S = 180
STOP_TIMEOUT_S = 20


@dataclass
class Ada:
    """A visitor: `says` sends one message in a conversation of her own and returns the bot's payloads."""

    client: httpx.Client
    language: str | None = "en"
    is_staffed: bool = True
    conversation: str = field(default_factory=lambda: uuid.uuid4().hex)

    def says(self, text: str) -> list[dict[str, Any]]:
        metadata = {"language": self.language, "is_staffed": self.is_staffed}
        message = {"sender": self.conversation, "message": text, "metadata": metadata}
        response = self.client.post("/webhooks/rest/webhook", json=message)
        response.raise_for_status()
        return [entry["custom"] for entry in response.json()]


@dataclass(frozen=True)
class RunningBot:
    """Rasa and its actions, and the process ids that must be gone afterwards."""

    url: str
    token: str
    process_ids: tuple[int, ...]


@pytest.fixture(scope="session")
def rasa_python() -> Path:
    if not RASA_PYTHON.exists():
        pytest.skip(f"no Rasa environment at {RASA_PYTHON}: `make run` sets it up")
    return RASA_PYTHON


@pytest.fixture(scope="session")
def model(rasa_python: Path) -> Path:
    """The model of the bot's files as they are, trained now if need be."""
    command = [str(rasa_python), str(BOT_FOLDER / "train.py"), "--models", str(MODELS_FOLDER)]
    trained = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert trained.returncode == 0, trained.stderr
    return Path(trained.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def knowledge_base_server() -> Iterator[ScriptedKnowledgeBase]:
    # The bot waits 2 s for a vector: the encoder is loaded before anybody asks.
    share_embedder().encode(["hello"])
    with ScriptedKnowledgeBase() as knowledge_base:
        yield knowledge_base


@pytest.fixture
def knowledge_base(knowledge_base_server: ScriptedKnowledgeBase) -> ScriptedKnowledgeBase:
    knowledge_base_server.will_be_unsure()
    return knowledge_base_server


@pytest.fixture(scope="session")
def bot(rasa_python: Path, model: Path, knowledge_base_server: ScriptedKnowledgeBase) -> Iterator[RunningBot]:
    """Rasa and the action server, on free ports, for all tests of the session."""
    # The first message must not wait for the embedding model.
    share_embedder()
    with tempfile.TemporaryDirectory() as folder:
        rasa_port, actions_port = choose_free_port(), choose_free_port()
        token = "token-of-the-tests"
        environment = {
            **os.environ,
            "BATON_ACTIONS_PORT": str(actions_port),
            "BATON_TRACKER_DATABASE": f"{folder}/tracker.sqlite",
            "BATON_BOT_TOKEN": token,
            "BATON_KB_URL": knowledge_base_server.url,
            "BATON_KB_TOKEN": TOKEN,
        }
        parts = [
            ["actions", "--port", str(actions_port)],
            ["rasa", "--model", str(model), "--port", str(rasa_port)],
        ]
        processes = [start_part(rasa_python, part, environment, Path(folder)) for part in parts]
        try:
            for part, process in zip(parts, processes, strict=True):
                await_ready(part[0], process, Path(folder))
            process_ids = tuple(process.pid for process in processes)
            yield RunningBot(f"http://127.0.0.1:{rasa_port}", token, process_ids)
        finally:
            for process in processes:
                stop_part(process)


@pytest.fixture(scope="session")
def bot_client(bot: RunningBot) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=bot.url, params={"token": bot.token}, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def ada(bot_client: httpx.Client, knowledge_base: ScriptedKnowledgeBase) -> Ada:
    return Ada(bot_client)


def choose_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_part(python: Path, part: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    """Start one of the bot's servers, in a process group of its own, its output in a file."""
    with (folder / f"{part[0]}.log").open("wb") as log:
        return subprocess.Popen(
            [str(python), str(BOT_FOLDER / "serve.py"), *part],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def await_ready(name: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    log = folder / f"{name}.log"
    gives_up_at = time.monotonic() + BOOT_TIMEOUT_S
    while f"ready: {name}" not in log.read_text(errors="replace"):
        assert process.poll() is None, f"{name} ended: {log.read_text(errors='replace')[-2000:]}"
        assert time.monotonic() < gives_up_at, f"{name} is not ready: {log.read_text(errors='replace')[-2000:]}"
        time.sleep(0.1)


def stop_part(process: subprocess.Popen[bytes]) -> float:
    """End one of the bot's servers with SIGTERM and return the seconds it took; its whole group is gone then."""
    started = time.monotonic()
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    finally:
        # Whatever the server itself started dies with it, also when the test has failed.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return time.monotonic() - started
