"""The adapter to Rasa: one request a turn, within its deadline, and every way to fail is a failed bot."""

import json
from collections.abc import Iterator

import pytest

from handoff.bot_client import REPLY_MAX_BYTES, RasaBot
from handoff.breaker import FAILURE_LIMIT, REST_S, Stance
from handoff.errors import BotFailed
from handoff.events import AnyBody, ConversationId, Event, OperatorMessage, ReturnedToBot, VisitorMessage
from handoff.payloads import SayPayload, UnderstoodPayload
from handoff.ports import TurnFacts
from tests.conftest import Clock
from tests.handoff.cast import BY_GRACE
from tests.support.processes import free_ports
from tests.support.scripted import ScriptedBot, say, understood

CHAT = ConversationId("c42")
FACTS = TurnFacts(seq=2, language="en", is_staffed=True, opens_at="Mon, Nov 23, 9:00 AM")


@pytest.fixture
def rasa() -> Iterator[ScriptedBot]:
    with ScriptedBot() as rasa:
        yield rasa
        rasa.goes_on()


@pytest.fixture
def bot(rasa: ScriptedBot, clock: Clock) -> Iterator[RasaBot]:
    bot = RasaBot(f"http://127.0.0.1:{rasa.port}", deadline_s=2.0, now=clock)
    yield bot
    bot.close()


def ask(bot: RasaBot) -> list[object]:
    return list(bot.reply(CHAT, "Hello?", facts=FACTS))


def test_turn_is_asked_for_and_decoded(rasa: ScriptedBot, bot: RasaBot) -> None:
    rasa.will_say(say("Hi there."))
    payloads = ask(bot)
    assert rasa.heard == ["Hello?"]
    assert rasa.facts == [
        {
            "seq": 2,
            "language": "en",
            "is_staffed": True,
            "is_open": True,
            "opens_at": "Mon, Nov 23, 9:00 AM",
            "has_email": False,
        }
    ]
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
    ("nested without an end", b"[" * 100_000),
    ("too much of it", b" " * (REPLY_MAX_BYTES + 1)),
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


def test_bot_that_fails_in_a_row_is_left_alone_and_found_again(rasa: ScriptedBot, bot: RasaBot, clock: Clock) -> None:
    for _ in range(FAILURE_LIMIT):
        rasa.will_answer_raw(b"[]")
        with pytest.raises(BotFailed):
            ask(bot)
    assert bot.stance is Stance.OPEN
    with pytest.raises(BotFailed, match="not asked at present"):
        ask(bot)
    assert len(rasa.heard) == FAILURE_LIMIT
    clock.tick(REST_S)
    assert bot.stance is Stance.HALF_OPEN
    assert len(ask(bot)) == 2
    assert bot.stance is Stance.CLOSED
    assert len(ask(bot)) == 2


def test_only_what_was_never_sent_is_sent_again(rasa: ScriptedBot, bot: RasaBot) -> None:
    rasa.will_answer_raw(b"[]")
    with pytest.raises(BotFailed):
        ask(bot)
    assert rasa.heard == ["Hello?"]


def happened(*bodies: AnyBody) -> list[Event]:
    return [Event(CHAT, seq, 1, float(seq), BY_GRACE, body) for seq, body in enumerate(bodies, start=3)]


SAID = happened(VisitorMessage("Anybody there?"), OperatorMessage("Grace here."), ReturnedToBot())


def test_bot_is_told_what_people_said_in_order_and_once(rasa: ScriptedBot, bot: RasaBot) -> None:
    ask(bot)
    bot.tell(CHAT, SAID)
    assert rasa.was_told() == [
        ("user", "Hello?"),
        ("user", "Anybody there?"),
        ("agent", "Grace here."),
        ("slot", None),
    ]
    assert rasa.tracker[1]["parse_data"]["intent"] == {"name": "said_to_operator", "confidence": 1.0}
    assert rasa.tracker[3] | {"name": "handed_back", "value": True} == rasa.tracker[3]
    bot.tell(CHAT, SAID)
    assert len(rasa.tracker) == 4


def test_bot_that_was_told_a_part_before_a_crash_is_told_the_rest(rasa: ScriptedBot, bot: RasaBot) -> None:
    bot.tell(CHAT, SAID[:1])
    bot.tell(CHAT, SAID)
    assert [kind for kind, _ in rasa.was_told()] == ["user", "agent", "slot"]


def test_bot_that_cannot_be_told_says_so() -> None:
    bot = RasaBot(f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(BotFailed, match="cannot be reached"):
        bot.tell(CHAT, SAID)
    bot.close()
