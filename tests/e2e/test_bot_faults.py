"""Rasa stopped, hung, silent, talking rubbish or restarting: every message is answered or goes to a person in time,
and nothing is said twice. The desk is a real server, Rasa a stand-in that fails on real sockets; `test_faults` does
the same to the real one.
"""

import json
import time
from collections.abc import Callable, Iterator

import pytest

from handoff.turns import FALLBACK_MIN_S, TURN_DEADLINE_S
from tests.support.clients import Frame, VisitorClient
from tests.support.desk_server import DeskServer
from tests.support.faulty_rasa import FaultyRasa, answers_well, cuts, hangs, sends, trickles
from tests.support.processes import eventually, free_ports
from tests.support.scripted import Payload, ScriptedKnowledgeBase, understood

pytestmark = pytest.mark.stack

WITHIN_S = TURN_DEADLINE_S + FALLBACK_MIN_S + 10.0
"""The promised deadline, and slack for a machine that does other things."""

REPLIES = ("bot_message", "article_shown", "clarification_offered", "escalated")


def custom(*payloads: Payload) -> bytes:
    return json.dumps([{"recipient_id": "x", "custom": payload} for payload in payloads]).encode()


FAULTS: dict[str, Callable[[FaultyRasa], None]] = {
    "stopped": lambda rasa: rasa.stop(),
    "hung": lambda rasa: setattr(rasa, "behave", hangs),
    "trickling": lambda rasa: setattr(rasa, "behave", trickles),
    "cut in the middle": lambda rasa: setattr(rasa, "behave", cuts),
    "silent": lambda rasa: setattr(rasa, "behave", sends(b"[]")),
    "no JSON": lambda rasa: setattr(rasa, "behave", sends(b"<html>hello</html>")),
    "bytes": lambda rasa: setattr(rasa, "behave", sends(b"\xff\xfe\x00")),
    "wrong types": lambda rasa: setattr(rasa, "behave", sends(custom({"type": "understood", "intent": 7}))),
    "plain text": lambda rasa: setattr(rasa, "behave", sends(b'[{"recipient_id": "x", "text": "Hi"}]')),
    "only a reading": lambda rasa: setattr(rasa, "behave", sends(custom(understood()))),
    "deep": lambda rasa: setattr(rasa, "behave", sends(b"[" * 100_000)),
    "huge": lambda rasa: setattr(rasa, "behave", sends(b" " * 20_000_000)),
    "failing": lambda rasa: setattr(rasa, "behave", sends(b"{}", status="500 Internal Server Error")),
    "redirecting": lambda rasa: setattr(rasa, "behave", sends(b"{}", status="302 Found")),
}


class Stage:
    """A desk between a Rasa that may fail and a knowledge base that may be away."""

    def __init__(self, desk: DeskServer, rasa: FaultyRasa, knowledge_base: ScriptedKnowledgeBase) -> None:
        self.desk = desk
        self.rasa = rasa
        self.knowledge_base = knowledge_base

    def is_well_again(self) -> None:
        """Let Rasa answer, and wait until the desk has noticed."""
        self.knowledge_base.is_away = False
        self.rasa.behave = answers_well
        self.rasa.start()

        def is_answered_by_rasa() -> bool:
            with self.desk.visitor() as bob:
                seq = bob.says("hello")["seq"]
                said = bob.wait_for(lambda frame: is_reply(frame) and frame["seq"] > seq, within_s=WITHIN_S)
                return bool(said["body"].get("text") == "Rasa here.")

        eventually(is_answered_by_rasa, within_s=60, what="Rasa is asked again")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with FaultyRasa(free_ports(1)[0]) as rasa, ScriptedKnowledgeBase() as knowledge_base:
        rasa.start()
        desk = DeskServer(tmp_path_factory.mktemp("desk"), rasa, knowledge_base)
        desk.start()
        yield Stage(desk, rasa, knowledge_base)
        assert desk.process is not None
        desk.process.stop()


@pytest.fixture
def well(stage: Stage) -> Stage:
    stage.is_well_again()
    return stage


def is_reply(frame: Frame) -> bool:
    return frame["type"] == "event" and frame["kind"] in REPLIES


def asks_and_is_answered(ada: VisitorClient, text: str) -> list[Frame]:
    """Send a message; give what was said to it, which comes in time."""
    seq = ada.says(text)["seq"]
    began_at = time.monotonic()
    ada.wait_for(lambda frame: is_reply(frame) and frame["seq"] > seq, within_s=WITHIN_S)
    assert time.monotonic() - began_at < WITHIN_S
    return [frame for frame in ada.events() if frame["seq"] > seq and is_reply(frame)]


def said_by(log: list[Frame]) -> list[tuple[str, str]]:
    """Give what the bot or the desk said, in a form in which a repetition shows."""
    words = ((frame["kind"], frame["body"].get("text") or frame["body"].get("reason", "")) for frame in log)
    return [said for said in words if said[0] in ("bot_message", "escalated")]


def whole_log(ada: VisitorClient) -> list[Frame]:
    """Give the log as a browser that comes back is shown it."""
    with ada.back_again(cursor=0) as again:
        head = again.welcome()["head"]
        again.wait_for(lambda frame: frame["type"] == "event" and frame["seq"] >= head)
        return again.events()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_message_is_answered_from_the_articles_in_time_and_once(well: Stage, fault: str) -> None:
    FAULTS[fault](well.rasa)
    with well.desk.visitor() as ada:
        # Fewer than open the breaker; of those that let a visitor wait, one.
        for number in range(1 if fault in ("hung", "trickling") else 2):
            asks_and_is_answered(ada, f"question {number}: how do i set up mail?")
        # What was late or doubled would come now: with Rasa's next answer at the latest.
        well.is_well_again()
        log = whole_log(ada)
    assert len({frame["seq"] for frame in log}) == len(log)
    said = said_by(log)
    assert len(said) == len(set(said)), said
    assert [frame["kind"] for frame in log].count("article_shown") >= 1
    assert any("out of order" in text for _, text in said)
    assert not any(text == "Rasa here." for _, text in said)


@pytest.mark.parametrize("fault", ["stopped", "hung", "silent", "no JSON", "huge"])
def test_with_the_articles_away_too_a_person_is_called_in_time_and_once(well: Stage, fault: str) -> None:
    FAULTS[fault](well.rasa)
    well.knowledge_base.is_away = True
    with well.desk.visitor() as ada:
        (told,) = asks_and_is_answered(ada, "how do i set up mail?")
        assert (told["kind"], told["body"]["reason"]) == ("escalated", "bot_failed")
        well.is_well_again()
        assert [frame["kind"] for frame in whole_log(ada)].count("escalated") == 1


def test_rasa_that_restarts_in_the_middle_is_asked_again_and_nothing_is_lost_or_doubled(well: Stage) -> None:
    with well.desk.visitor() as ada:
        assert asks_and_is_answered(ada, "hello")[0]["body"]["text"] == "Rasa here."
        well.rasa.stop()
        for number in range(2):
            asks_and_is_answered(ada, f"{number}: are you there?")
        well.is_well_again()
        assert asks_and_is_answered(ada, "hello again")[-1]["body"]["text"] == "Rasa here."
        log = whole_log(ada)
    asked = [frame["body"]["text"] for frame in log if frame["kind"] == "visitor_message"]
    assert asked == ["hello", "0: are you there?", "1: are you there?", "hello again"]
    said = [text for kind, text in said_by(log) if kind == "bot_message"]
    assert said.count("Rasa here.") == 2
    assert sum("out of order" in text for text in said) == 1


def test_hung_rasa_costs_only_the_first_visitors_their_patience(well: Stage) -> None:
    FAULTS["hung"](well.rasa)
    with well.desk.visitor() as ada, well.desk.visitor() as bob:
        for number in range(3):
            asks_and_is_answered(ada, f"{number}: how do i set up mail?")
        asked_before = well.rasa.requests
        asks_and_is_answered(bob, "where are my invoices?")
        # The breaker is open: Rasa is asked by a probe at most.
        assert well.rasa.requests - asked_before <= 1


def test_person_that_is_asked_for_is_called_while_rasa_is_down(well: Stage) -> None:
    FAULTS["stopped"](well.rasa)
    with well.desk.visitor() as ada:
        (told,) = asks_and_is_answered(ada, "can i talk to a real human")
        assert (told["kind"], told["body"]["reason"]) == ("escalated", "asked_for_person")
