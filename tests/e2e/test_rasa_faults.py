"""The real Rasa behind a real desk: stopped, hung and started again in the middle of a conversation, and told what
people said without it. `test_bot_faults` does with a stand-in what a real server does too rarely.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from handoff.fallback import NOTICE_KEY
from tests.bot.conftest import MODELS_FOLDER, RASA_PYTHON, await_ready, start_part, stop_part
from tests.support.clients import Frame, VisitorClient
from tests.support.desk_server import DeskServer
from tests.support.embedder import share_embedder
from tests.support.processes import ROOT, eventually, free_ports
from tests.support.scripted import ScriptedKnowledgeBase

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WITHIN_S = 40.0
TOKEN = "token-of-the-tests"

REPLIES = ("bot_message", "article_shown", "clarification_offered", "escalated")


class RealBot:
    """Rasa and its actions on ports that stay the same over restarts."""

    def __init__(self, folder: Path, kb_port: int) -> None:
        self.port, actions_port = free_ports(2)
        self._folder = folder
        self._environment = {
            **os.environ,
            "BATON_ACTIONS_PORT": str(actions_port),
            "BATON_TRACKER_DATABASE": str(folder / "tracker.sqlite"),
            "BATON_BOT_TOKEN": TOKEN,
            "BATON_KB_URL": f"http://127.0.0.1:{kb_port}",
        }
        trainer = [str(RASA_PYTHON), str(ROOT / "bot" / "train.py"), "--models", str(MODELS_FOLDER)]
        trained = subprocess.run(trainer, capture_output=True, text=True, check=True, timeout=900)
        self._model = trained.stdout.splitlines()[-1]
        self._actions = self._start("actions", "--port", str(actions_port))
        self.start()

    def start(self) -> None:
        self._rasa = self._start("rasa", "--model", self._model, "--port", str(self.port))

    def signal(self, number: int) -> None:
        os.killpg(self._rasa.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._rasa.wait(10)

    def stop(self) -> None:
        for process in (self._rasa, self._actions):
            stop_part(process)

    def tracker(self, conversation_id: str) -> list[Frame]:
        url = f"http://127.0.0.1:{self.port}/conversations/{conversation_id}/tracker"
        events = httpx.get(url, params={"token": TOKEN}, timeout=30, trust_env=False).json()["events"]
        return [event for event in events if event["event"] in ("user", "agent", "slot")]

    def _start(self, *part: str) -> subprocess.Popen[bytes]:
        process = start_part(RASA_PYTHON, list(part), self._environment, self._folder)
        await_ready(part[0], process, self._folder)
        return process


class Stage:
    def __init__(self, desk: DeskServer, bot: RealBot) -> None:
        self.desk = desk
        self.bot = bot

    def is_asked_again(self) -> None:
        """Wait until the desk asks Rasa."""

        def is_read_by_rasa() -> bool:
            with self.desk.visitor() as bob:
                seq = bob.says("hello")["seq"]
                said = bob.wait_for(lambda frame: is_reply(frame) and frame["seq"] > seq, within_s=WITHIN_S)
                return bool(said["body"].get("key") == "greeting")

        eventually(is_read_by_rasa, within_s=120, what="Rasa is asked again")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("real-rasa")
    share_embedder()  # before the first message, which would wait for it
    with ScriptedKnowledgeBase() as knowledge_base:
        bot = RealBot(folder, knowledge_base.port)
        desk = DeskServer(folder, bot, knowledge_base, {"BATON_BOT_TOKEN": TOKEN})
        desk.start()
        yield Stage(desk, bot)
        assert desk.process is not None
        desk.process.stop()
        bot.stop()


def is_reply(frame: Frame) -> bool:
    return frame["type"] == "event" and frame["kind"] in REPLIES


def asks(ada: VisitorClient, text: str) -> Frame:
    """Send a message; give the first thing that is said to it, which comes in time."""
    seq = ada.says(text)["seq"]
    return ada.wait_for(lambda frame: is_reply(frame) and frame["seq"] > seq, within_s=WITHIN_S)


def test_rasa_that_hangs_and_wakes_says_nothing_twice(stage: Stage) -> None:
    with stage.desk.visitor() as ada:
        assert asks(ada, "hello")["body"]["key"] == "greeting"
        stage.bot.signal(signal.SIGSTOP)
        try:
            assert asks(ada, "how do i set up mail on my phone?")["body"]["key"] == NOTICE_KEY
            ada.event("article_shown")
        finally:
            stage.bot.signal(signal.SIGCONT)
        stage.is_asked_again()  # by now Rasa has answered what it was asked while it hung, to nobody
        assert asks(ada, "thank you")["body"]["key"] == "thanks"
    said = [frame["body"]["text"] for frame in ada.events("bot_message")]
    assert len(said) == len(set(said)) == 3
    assert len(ada.events("article_shown")) == 1


def test_rasa_that_is_killed_and_started_again_goes_on_with_the_conversation(stage: Stage) -> None:
    with stage.desk.visitor() as ada:
        assert asks(ada, "hello")["body"]["key"] == "greeting"
        stage.bot.kill()
        assert asks(ada, "how do i set up mail on my phone?")["body"]["key"] == NOTICE_KEY
        stage.bot.start()
        stage.is_asked_again()
        assert asks(ada, "thank you")["body"]["key"] == "thanks"
        with ada.back_again() as again:
            tracker = stage.bot.tracker(again.welcome()["conversation_id"])
    texts = [event["text"] for event in tracker if event["event"] == "user"]
    assert texts == ["hello", "how do i set up mail on my phone?", "thank you"]


def test_rasa_is_told_what_people_said_and_goes_on_after_the_hand_back(stage: Stage) -> None:
    stage.is_asked_again()
    with stage.desk.operator("Grace") as grace, stage.desk.visitor() as ada:
        asks(ada, "hello")
        assert asks(ada, "can i talk to a person please")["body"]["reason"] == "asked_for_person"
        with ada.back_again() as again:
            chat = again.welcome()["conversation_id"]
        claimed = grace.ask("claim", conversation_id=chat, epoch=1)
        assert claimed["type"] == "ack", claimed
        ada.says("my mailbox is full")
        grace.ask("post", conversation_id=chat, epoch=2, text="I made it larger.")
        grace.ask("return_to_bot", conversation_id=chat, epoch=2)
        ada.event("returned_to_bot")
        assert asks(ada, "thank you")["body"]["key"] == "thanks"
        assert asks(ada, "goodbye")["body"]["key"] == "goodbye"
    told = [(event["event"], event.get("text")) for event in stage.bot.tracker(chat) if event["event"] != "slot"]
    assert told == [
        ("user", "hello"),
        ("user", "can i talk to a person please"),
        ("user", "my mailbox is full"),
        ("agent", "I made it larger."),
        ("user", "thank you"),
        ("user", "goodbye"),
    ]
    slots = [event for event in stage.bot.tracker(chat) if event["event"] == "slot"]
    assert [event["value"] for event in slots if event["name"] == "handed_back"].count(True) == 1
