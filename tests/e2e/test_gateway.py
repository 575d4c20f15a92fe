"""The two sockets of a real server: delivery, the floor, and everything that bad clients may try."""

import json
import signal
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
from simple_websocket import ConnectionClosed

from tests.support.clients import OperatorClient, SocketClient, VisitorClient, new_client_id
from tests.support.desk_server import DeskServer
from tests.support.processes import eventually
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase, answer, say, unsure
from tests.support.servers import PrivatePostgres, PrivateRedis, make_postgres_database

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("desk_server")]

Desk = DeskServer


@pytest.fixture(scope="module", params=["one process", "two workers"])
def desk_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """The desk as it comes, on SQLite; and as two processes behind one port, on PostgreSQL and Redis."""
    settings = two_workers(request) if request.param == "two workers" else {}
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        server = DeskServer(tmp_path_factory.mktemp("desk"), bot, knowledge_base, settings)
        server.start()
        yield server
        bot.goes_on()
        if server.process and server.process.is_running():
            server.process.stop()


def two_workers(request: pytest.FixtureRequest) -> dict[str, str]:
    postgres: PrivatePostgres = request.getfixturevalue("postgres")
    redis_server: PrivateRedis = request.getfixturevalue("redis_server")
    return {
        "BATON_DATABASE_URL": make_postgres_database(postgres.url),
        "BATON_REDIS_URL": redis_server.url,
        "BATON_WORKERS": "2",
    }


def phase_is(phase: str, conversation_id: str):
    return lambda line: line["phase"] == phase and line["conversation_id"] == conversation_id


def conversation_of(visitor: VisitorClient) -> str:
    with visitor.back_again() as other:
        return str(other.welcome()["conversation_id"])


def escalated_chat(desk: Desk, visitor: VisitorClient) -> str:
    assert visitor.ask("ask_person")["type"] == "ack"
    visitor.event("escalated")
    return conversation_of(visitor)


# --- delivery
# ----------------------------------------------------------------------------------------------------------


def test_message_is_acknowledged_answered_and_in_order(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ack = ada.says("hello")
        reply = ada.event("bot_message")
        own = ada.event("visitor_message")
    assert (ack["type"], ack["seq"], own["client_id"]) == ("ack", own["seq"], ack["client_id"])
    assert own["seq"] < reply["seq"]


def test_resend_with_the_same_client_id_is_one_message(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        first = ada.says("only once", client_id="resend-0001")
        ada.send(type="post", client_id="resend-0001", text="only once")
        ada.wait_for(lambda f: f is not first and f["type"] == "ack" and f["client_id"] == "resend-0001")
        ada.event("bot_message")
        ada.drain(for_s=0.3)
        assert [e["seq"] for e in ada.events("visitor_message")] == [first["seq"]]


def test_return_with_a_cursor_brings_what_was_missed_and_nothing_twice(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ada.says("first")
        ada.event("bot_message")
        seen = ada.cursor
    with ada.back_again() as again:
        again.says("second")
        again.event("bot_message")
        assert all(e["seq"] > seen for e in again.events())
    with ada.back_again(cursor=0) as from_start:
        from_start.event("bot_message", after_seq=seen)
        sequence = [e["seq"] for e in from_start.events()]
    assert sequence == sorted(set(sequence))
    assert [e["body"]["text"] for e in from_start.events("visitor_message")] == ["first", "second"]


def test_cursor_of_another_log_starts_afresh(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
    with VisitorClient(desk_server.base_url, token=ada.token, cursor=4, log_epoch="of-another-life") as again:
        assert again.welcome()["log_epoch"] != "of-another-life"
        again.event("bot_message")
        assert again.events()[0]["kind"] == "visitor_message"


def test_second_tab_sees_the_first_tabs_new_conversation(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, ada.back_again() as other_tab:
        assert other_tab.welcome()["conversation_id"] is None
        ada.says("from the first tab")
        assert other_tab.event("visitor_message")["body"]["text"] == "from the first tab"
        other_tab.says("from the second tab")
        own = ada.event("visitor_message", after_seq=2)
        ada.event("bot_message", after_seq=own["seq"])
        assert conversation_of(ada) == conversation_of(other_tab)


def test_burst_while_the_bot_thinks_is_one_next_turn(desk_server: Desk) -> None:
    bot = desk_server.bot
    with desk_server.visitor() as ada:
        bot.holds_back()
        ada.says("one")
        eventually(lambda: bot.heard and bot.heard[-1] == "one")
        ada.says("two")
        ada.says("three")
        bot.goes_on()
        eventually(lambda: len(ada.drain(for_s=0.1)) >= 0 and len(ada.events("bot_message")) == 2)
    assert bot.heard[-2:] == ["one", "two\nthree"]


def test_kill_of_the_server_loses_no_acknowledged_message(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        acked = [ada.says(f"message {n}")["seq"] for n in range(20)]
        assert desk_server.process is not None
        desk_server.process.kill()
    desk_server.start()
    with ada.back_again(cursor=0) as again:
        again.event("visitor_message", after_seq=acked[-1] - 1)
        again.event("bot_message", after_seq=acked[-1])  # what was owed at the kill is answered after it
        texts = [e["body"]["text"] for e in again.events("visitor_message")]
    assert texts == [f"message {n}" for n in range(20)]


def test_orderly_shutdown_tells_every_socket_when_to_come_back(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ada.says("hello")
        assert desk_server.process is not None
        desk_server.process.signal(signal.SIGTERM)
        assert ada.wait_for_close() == 4012
        assert 0 <= int(ada.close_reason) <= 3000
        assert desk_server.process.wait(15) == 0
    desk_server.start()


# --- the floor
# ---------------------------------------------------------------------------------------------------------


def test_two_operators_claim_at_once_and_one_is_told_who_has_it(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace, desk_server.operator("Alan") as alan:
        chat = escalated_chat(desk_server, ada)
        lines = [who.summary(phase_is("queue", chat)) for who in (grace, alan)]
        ids = [new_client_id(), new_client_id()]
        for who, line, client_id in zip((grace, alan), lines, ids, strict=True):
            who.send(type="claim", client_id=client_id, conversation_id=chat, epoch=line["epoch"])
        replies = [
            who.wait_for(lambda f, c=client_id: f.get("client_id") == c and f["type"] in ("ack", "error"))
            for who, client_id in zip((grace, alan), ids, strict=True)
        ]
        assert sorted(reply["type"] for reply in replies) == ["ack", "error"]
        winner = ["Grace", "Alan"][[reply["type"] for reply in replies].index("ack")]
        (refusal,) = [reply for reply in replies if reply["type"] == "error"]
        assert (refusal["code"], refusal["holder"]["name"]) == ("already_held", winner)
        assert winner in refusal["message"]
        claims = [ada.event("operator_claimed")["author"]["name"]]
        ada.drain(for_s=0.3)
        assert [e["author"]["name"] for e in ada.events("operator_claimed")] == claims == [winner]


def test_late_bot_answer_is_refused_and_never_shown(desk_server: Desk) -> None:
    bot = desk_server.bot
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace:
        bot.holds_back()
        bot.will_say(say("TOO LATE"))
        ada.says("help me")
        eventually(lambda: bot.heard and bot.heard[-1] == "help me")
        chat = escalated_chat(desk_server, ada)
        refusals = desk_server.log().count("late bot reply refused")
        bot.goes_on()
        eventually(lambda: desk_server.log().count("late bot reply refused") == refusals + 1)
        grace.watches(chat)
        ada.drain(for_s=0.3)
        grace.drain(for_s=0.3)
        assert not any("TOO LATE" in json.dumps(frame) for frame in [*ada.frames, *grace.frames])


def test_message_to_a_person_does_not_reach_the_bot(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace:
        chat = escalated_chat(desk_server, ada)
        assert grace.does("claim", grace.summary(phase_is("queue", chat)))["type"] == "ack"
        line = grace.summary(phase_is("operator", chat))
        heard = list(desk_server.bot.heard)
        ada.says("are you there?")
        assert grace.does("post", line, text="Yes.")["type"] == "ack"
        assert ada.event("operator_message")["author"]["name"] == "Grace"
        assert desk_server.bot.heard == heard


def test_unsure_twice_goes_to_the_queue_with_a_brief(desk_server: Desk) -> None:
    desk_server.bot.will_say(answer("how?"), unsure("what?"), unsure("why?"))
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace:
        ada.says("how?")
        shown = ada.event("article_shown")
        assert ada.ask("feedback", seq=shown["seq"], helpful=True)["type"] == "ack"
        ada.says("what?")
        offer = ada.event("bot_message")
        assert offer["body"]["offer"] == "person"
        ada.says("why?")
        assert ada.event("escalated")["body"]["reason"] == "unsure_twice"
        brief = grace.watches(grace.summary(phase_is("queue", conversation_of(ada)))["conversation_id"])
    assert [a["text"] for a in brief["asked"]] == ["how?", "what?", "why?"]
    assert [(a["title"], a["revision"], a["reaction"]) for a in brief["articles"]] == [
        ("Mail on an iPhone", 3, "helpful")
    ]
    assert [u["question"] for u in brief["unanswered"]] == ["what?", "why?"]
    assert brief["page"]["url"] == "https://www.example.com/"


def test_bot_that_answers_outside_its_contract_is_stood_in_for_by_the_articles(desk_server: Desk) -> None:
    desk_server.bot.will_answer_raw(b'[{"recipient_id":"x","text":"bare"}]')
    with desk_server.visitor() as ada:
        seq = ada.says("hello?")["seq"]
        assert "out of order" in ada.event("bot_message", after_seq=seq)["body"]["text"]
        assert ada.event("article_shown", after_seq=seq)["body"]["article"]["slug"] == "mail-iphone"
        assert ada.events("escalated") == []


def test_operator_that_vanishes_gives_the_chat_back_and_the_visitor_is_told(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        with desk_server.operator("Grace") as grace:
            chat = escalated_chat(desk_server, ada)
            assert grace.does("claim", grace.summary(phase_is("queue", chat)))["type"] == "ack"
            ada.event("operator_claimed")
        assert ada.event("operator_released", within_s=40)["body"] == {"is_lapse": True}


def test_rating_reaches_the_console_and_a_new_message_reopens_a_resolved_chat(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace:
        chat = escalated_chat(desk_server, ada)
        grace.does("claim", grace.summary(phase_is("queue", chat)))
        grace.does("resolve", grace.summary(phase_is("operator", chat)))
        ada.event("resolved")
        assert ada.ask("rate", score=4, comment="quick")["type"] == "ack"
        grace.summary(lambda line: line["conversation_id"] == chat and line["rating"] == 4)
        ada.says("one more thing")
        ada.event("reopened")
        ada.event("bot_message")


# --- bad clients
# -------------------------------------------------------------------------------------------------------

BAD_FRAMES = [
    ('{"type":"explode"}', "unknown_frame"),
    ('{"type":"claim","client_id":"abcdefgh","conversation_id":"x","epoch":1}', "unknown_frame"),
    ("{}", "bad_frame"),
    ("not json", "bad_frame"),
    ("[1,2]", "bad_frame"),
    ('{"type":"post","client_id":"abcdefgh"}', "bad_frame"),
    ('{"type":"post","client_id":"abcdefgh","text":7}', "bad_frame"),
    ('{"type":"post","client_id":"x","text":"too short an id"}', "bad_frame"),
    ('{"type":"post","client_id":"abcdefgh","text":"hi","extra":1}', "bad_frame"),
    ('{"type":"post","client_id":"abcdefgh","text":"   "}', "text_refused"),
    ('{"type":"post","client_id":"abcdefgh","text":"bell \\u0007"}', "text_refused"),
    ('{"type":"post","client_id":"abcdefgh","text":"turn \\u202e around"}', "text_refused"),
    (json.dumps({"type": "post", "client_id": "abcdefgh", "text": "x" * 4001}), "bad_frame"),
    ('{"type":"rate","client_id":"abcdefgh","score":6}', "bad_frame"),
    ('{"type":"leave_contact","client_id":"abcdefgh","email":"nowhere"}', "bad_frame"),
    ('{"type":"feedback","client_id":"abcdefgh","seq":999,"helpful":true}', "bad_frame"),
    ('{"type":"choose","client_id":"abcdefgh","seq":1,"slug":"x"}', "bad_frame"),
    ('{"type":"hello","token":"x"}', "token_invalid"),
]


@pytest.mark.parametrize(("raw", "code"), BAD_FRAMES)
def test_bad_frame_gets_a_clear_error_and_changes_nothing(desk_server: Desk, raw: str, code: str) -> None:
    with desk_server.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
        before = ada.cursor
        ada.send_raw(raw)
        error = ada.wait_for(lambda f: f["type"] == "error")
        assert error["code"] == code
        assert len(error["message"]) > 10
        ada.send(type="beat", cursor=before)
        assert ada.wait_for(lambda f: f["type"] == "beat")["head"] == before


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_oversize_message_closes_with_a_code_and_changes_nothing(desk_server: Desk, size: int) -> None:
    with desk_server.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
        before = ada.cursor
        ada.send_raw(json.dumps({"type": "post", "client_id": "abcdefgh", "text": "x" * size}))
        assert ada.wait_for_close() == 1009
    with ada.back_again() as again:
        assert again.welcome()["head"] == before


@pytest.mark.parametrize(
    "token", ["", "forged", "eyJhbGciOiJub25lIn0.e30.", "WyJhIl0.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb"]
)
def test_forged_token_is_refused_at_both_doors(desk_server: Desk, token: str) -> None:
    with SocketClient(desk_server.base_url.replace("http", "ws") + "/ws/visitor") as nobody:
        nobody.send(type="hello", token=token)
        assert nobody.wait_for(lambda f: f["type"] == "error")["code"] == "token_invalid"
        assert nobody.wait_for_close() == 4002
    if token:
        answer_ = httpx.post(f"{desk_server.base_url}/api/visitor/session", json={"token": token})
        assert (answer_.status_code, answer_.json()["error"]["code"]) == (401, "token_invalid")


def test_frame_before_hello_is_refused(desk_server: Desk) -> None:
    with SocketClient(desk_server.base_url.replace("http", "ws") + "/ws/visitor") as nobody:
        nobody.send(type="post", client_id="abcdefgh", text="hello?")
        assert nobody.wait_for_close() in (4001, 4002)


def test_operator_socket_without_a_session_is_closed(desk_server: Desk) -> None:
    with OperatorClient(desk_server.base_url, "no-such-session") as stranger:
        assert stranger.wait_for_close() == 4401
        assert stranger.frames == []


def test_operator_socket_from_a_foreign_site_is_closed(desk_server: Desk) -> None:
    session = desk_server.session("Grace")
    headers = {"Cookie": f"baton_session={session}", "Origin": "https://evil.example"}
    with SocketClient(desk_server.base_url.replace("http", "ws") + "/ws/operator", headers) as thief:
        assert thief.wait_for_close() == 4401


def test_unknown_conversation_is_not_found_for_operators(desk_server: Desk) -> None:
    with desk_server.operator("Grace") as grace:
        for command in ("claim", "resolve", "return_to_bot", "release"):
            error = grace.ask(command, conversation_id="nothing-here", epoch=0)
            assert (error["type"], error["code"]) == ("error", "not_found")


def test_operator_that_does_not_hold_the_chat_cannot_speak_in_it(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace, desk_server.operator("Alan") as alan:
        chat = escalated_chat(desk_server, ada)
        waiting = alan.summary(phase_is("queue", chat))
        assert alan.does("post", waiting, text="not mine")["code"] == "floor_refused"
        grace.does("claim", waiting)
        held = alan.summary(phase_is("operator", chat))
        assert alan.does("post", held, text="not mine")["code"] == "already_held"
        assert alan.does("resolve", held)["code"] == "already_held"
        ada.drain(for_s=0.2)
        assert ada.events("operator_message") == []


def test_markup_in_messages_is_carried_as_text(desk_server: Desk) -> None:
    nasty = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    with desk_server.visitor() as ada:
        ada.says(nasty)
        assert ada.event("visitor_message")["body"]["text"] == nasty
        ada.event("bot_message")


def test_private_facts_never_reach_the_visitor(desk_server: Desk) -> None:
    desk_server.bot.will_say(answer())
    with desk_server.visitor() as ada, desk_server.operator("Grace") as grace:
        ada.says("how?")
        ada.event("article_shown")
        chat = escalated_chat(desk_server, ada)
        grace.does("claim", grace.summary(phase_is("queue", chat)))
        assert grace.ask("note", conversation_id=chat, text="a private note")["type"] == "ack"
        grace.watches(chat)
        grace.event("note_added")
        ada.event("operator_claimed")
        ada.drain(for_s=0.3)
        seen = json.dumps(ada.frames)
    for secret in ("a private note", "probability", "understood", grace.welcome()["operator"]["id"]):
        assert secret not in seen


def test_flood_of_frames_is_cut_off(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ada.welcome()
        with suppress(ConnectionClosed, OSError):  # the socket may be gone in the middle of the flood
            for _ in range(400):
                ada.send(type="typing", is_typing=True)
        assert ada.wait_for_close() == 4009


def test_heartbeats_tell_both_sides_the_head(desk_server: Desk) -> None:
    with desk_server.operator("Heidi") as heidi, desk_server.visitor() as ada:
        chat = escalated_chat(desk_server, ada)
        heidi.watches(chat)
        ada.says("Anybody?")
        said = ada.event("visitor_message")["seq"]
        heidi.wait_for(lambda f: f["type"] == "event" and f["seq"] == said)
        heidi.send(type="beat")
        assert heidi.wait_for(lambda f: f["type"] == "beat")["heads"] == {chat: said}
        ada.send(type="beat", cursor=ada.cursor)
        assert ada.wait_for(lambda f: f["type"] == "beat")["head"] == said
