"""The adapter to Rasa: one request a turn, within its deadline, and every way to fail is a failed bot."""

import json
from collections.abc import Iterator

import pytest

from handoff.bot_client import RasaBot
from handoff.errors import BotFailed
from handoff.events import ConversationId
from handoff.payloads import SayPayload, UnderstoodPayload
from tests.support.processes import free_ports
from tests.support.scripted import ScriptedBot, say, understood

CHAT = ConversationId("c42")


@pytest.fixture
def rasa() -> Iterator[ScriptedBot]:
    with ScriptedBot() as rasa:
        yield rasa
        rasa.goes_on()


@pytest.fixture
def bot(rasa: ScriptedBot) -> Iterator[RasaBot]:
    bot = RasaBot(f"http://127.0.0.1:{rasa.port}", deadline_s=2.0)
    yield bot
    bot.close()


def ask(bot: RasaBot) -> list[object]:
    return list(bot.reply(CHAT, "Hello?", language="en", is_staffed=True))


def test_turn_is_asked_for_and_decoded(rasa: ScriptedBot, bot: RasaBot) -> None:
    rasa.will_say(say("Hi there."))
    payloads = ask(bot)
    assert rasa.heard == ["Hello?"]
    assert [type(payload) for payload in payloads] == [UnderstoodPayload, SayPayload]
    assert payloads[1] == SayPayload("greeting", "Hi there.")


NONSENSE: list[tuple[str, bytes]] = [
    ("an empty answer", b"[]"),
    ("no JSON", b"<html>bad gateway</html>"),
    ("no list", b'{"custom": {}}'),
    ("bare text", b'[{"recipient_id": "c42", "text": "Hello"}]'),
    ("numbers", b"[1, 2]"),
    ("a payload outside the contract", json.dumps([{"custom": understood()}, {"custom": {"type": "sing"}}]).encode()),
    ("a reading and nothing said", json.dumps([{"custom": understood()}]).encode()),
    ("bytes", b"\xff\xfe"),
]


@pytest.mark.parametrize("raw", [raw for _, raw in NONSENSE], ids=[name for name, _ in NONSENSE])
def test_nonsense_is_a_failed_bot_and_the_next_turn_works(rasa: ScriptedBot, bot: RasaBot, raw: bytes) -> None:
    rasa.will_answer_raw(raw)
    with pytest.raises(BotFailed):
        ask(bot)
    assert len(ask(bot)) == 2


def test_bot_that_does_not_answer_in_time_has_failed(rasa: ScriptedBot) -> None:
    bot = RasaBot(f"http://127.0.0.1:{rasa.port}", deadline_s=0.2)
    rasa.holds_back()
    with pytest.raises(BotFailed):
        ask(bot)
    assert rasa.heard == ["Hello?"]
    bot.close()


def test_bot_that_is_not_there_has_failed() -> None:
    bot = RasaBot(f"http://127.0.0.1:{free_ports(1)[0]}", deadline_s=2.0)
    with pytest.raises(BotFailed, match="cannot be reached"):
        ask(bot)
    bot.close()
