"""Polls against a real server: the same log, the same promises as over a socket, and what bad clients may try."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from handoff.gateway.connection import FRAMES_BURST
from handoff.protocol import FRAME_MAX_BYTES
from tests.support.clients import VisitorClient, new_token
from tests.support.desk_server import DeskServer
from tests.support.polls import PollingOperator, PollingVisitor
from tests.support.processes import eventually
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("desk_server")]

Desk = DeskServer


@pytest.fixture(scope="module")
def desk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        server = DeskServer(tmp_path_factory.mktemp("desk"), bot, knowledge_base)
        server.start()
        yield server
        if server.process and server.process.is_running():
            server.process.stop()


@pytest.fixture
def ada(desk_server: Desk) -> Iterator[PollingVisitor]:
    with PollingVisitor(desk_server.base_url) as ada:
        yield ada


@pytest.fixture
def grace(desk_server: Desk) -> Iterator[PollingOperator]:
    with PollingOperator(desk_server.base_url, desk_server.session("Grace")) as grace:
        yield grace


def connections(desk: Desk) -> int:
    return int(httpx.get(f"{desk.base_url}/health").json()["connections"])


def texts(frames: list[dict[str, object]]) -> list[object]:
    return [frame["body"]["text"] for frame in frames]  # type: ignore[index]


# --- delivery


def test_message_is_acknowledged_answered_and_in_order(ada: PollingVisitor) -> None:
    ack = ada.says("hello")
    reply = ada.event("bot_message")
    (own,) = ada.events("visitor_message")
    assert (ack["type"], ack["seq"], own["client_id"]) == ("ack", own["seq"], ack["client_id"])
    assert own["seq"] < reply["seq"]


def test_first_poll_welcomes_and_catches_up_and_the_next_tells_nothing_twice(desk_server: Desk) -> None:
    with desk_server.visitor() as ada:
        ada.says("from the socket")
        ada.event("bot_message")
    with PollingVisitor(desk_server.base_url, token=ada.token) as again:
        first = again.poll(wait_s=20)
        assert first[0]["type"] == "welcome"
        assert [f["seq"] for f in first[1:]] == [f["seq"] for f in ada.events()]
        assert again.poll() == []
        assert again.poll(wait_s=0.2) == []


def test_waiting_poll_answers_with_what_is_said_meanwhile(desk_server: Desk) -> None:
    with desk_server.visitor() as ada, PollingVisitor(desk_server.base_url, token=ada.token) as other_tab:
        ada.says("first")
        ada.event("bot_message")
        other_tab.event("bot_message")
        other_tab.poll()
        before = connections(desk_server)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(other_tab.poll, wait_s=25)
            eventually(lambda: connections(desk_server) == before + 1)
            seq = ada.says("second")["seq"]
            assert [f["seq"] for f in waiting.result() if f["type"] == "event"] == [seq]


def test_resend_is_one_message_over_polls_and_sockets(desk_server: Desk, ada: PollingVisitor) -> None:
    first = ada.says("only once", client_id="resend-0001")
    assert ada.says("only once", client_id="resend-0001")["seq"] == first["seq"]
    ada.event("bot_message")
    with VisitorClient(desk_server.base_url, token=ada.token) as socket:
        assert socket.says("only once", client_id="resend-0001")["seq"] == first["seq"]
        socket.event("bot_message")
        assert [e["seq"] for e in socket.events("visitor_message")] == [first["seq"]]
    assert [e["seq"] for e in ada.events("visitor_message")] == [first["seq"]]


def test_frames_of_one_poll_are_done_in_order(ada: PollingVisitor) -> None:
    posts = [{"type": "post", "client_id": f"in-order-{n:04}", "text": f"message {n}"} for n in range(19)]
    told = ada.poll(*posts)
    acks = [f["client_id"] for f in told if f["type"] == "ack"]
    assert acks == [post["client_id"] for post in posts]
    assert texts(ada.events("visitor_message")) == [post["text"] for post in posts]


def test_both_transports_at_once_see_the_same_log(desk_server: Desk, ada: PollingVisitor) -> None:
    ada.says("by poll 0")
    with VisitorClient(desk_server.base_url, token=ada.token) as socket:
        for number in range(1, 4):
            socket.says(f"by socket {number}")
            ada.says(f"by poll {number}")
        last = socket.says("the end")["seq"]
        answered = socket.event("bot_message", after_seq=last)["seq"]
        ada.event("bot_message", after_seq=last)
        told = [e for e in ada.events() if e["seq"] <= answered]
        assert told == sorted(socket.events(), key=lambda e: e["seq"])
        assert [e["seq"] for e in socket.events()] == [e["seq"] for e in told]


def test_kill_of_the_server_loses_no_acknowledged_message(desk_server: Desk, ada: PollingVisitor) -> None:
    acked = [ada.says(f"message {n}")["seq"] for n in range(5)]
    assert desk_server.process is not None
    desk_server.process.kill()
    desk_server.start()
    ada.event("bot_message", after_seq=acked[-1])  # `seen` and cursor are of a process that is no more
    sequence = [e["seq"] for e in ada.events()]
    assert sequence == sorted(set(sequence))
    assert texts(ada.events("visitor_message")) == [f"message {n}" for n in range(5)]


# --- operators


def test_operator_claims_and_answers_by_polls(desk_server: Desk, ada: PollingVisitor, grace: PollingOperator) -> None:
    ada.ask("ask_person")
    chat = ada.last("welcome")["conversation_id"] or ada.poll()[0]["conversation_id"]
    waiting = grace.line(chat, phase="queue")
    assert grace.does("claim", waiting)["type"] == "ack"
    grace.watched = chat
    grace.poll()
    held = grace.line(chat, phase="operator")
    assert held["holder"]["name"] == "Grace"
    assert grace.last("brief")["conversation_id"] == chat
    assert grace.does("post", held, text="Grace here.")["type"] == "ack"
    assert ada.event("operator_message")["body"]["text"] == "Grace here."
    assert grace.event("operator_message")["conversation_id"] == chat
    stale = grace.does("post", waiting, text="too late")
    assert (stale["type"], stale["code"], stale["epoch"]) == ("error", "stale_epoch", held["epoch"])


def test_operator_poll_needs_a_session_and_the_own_origin(desk_server: Desk, grace: PollingOperator) -> None:
    with PollingOperator(desk_server.base_url, "no-such-session") as stranger:
        refused = stranger.send()
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "signed_out")
    grace.http.headers["Origin"] = "https://evil.example"
    refused = grace.send()
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


# --- presence


def test_visitor_who_polls_again_never_leaves_and_one_who_stops_does(desk_server: Desk, ada: PollingVisitor) -> None:
    with desk_server.operator("Grace") as grace:
        grace.welcome()
        ada.says("hello")
        ada.event("bot_message")
        ada.poll()
        chat = ada.last("welcome")["conversation_id"]

        def onlines() -> list[bool]:
            told = [f["summary"] for f in grace.frames if f["type"] == "conversation"]
            return [line["is_visitor_online"] for line in told if line["conversation_id"] == chat]

        for _ in range(4):
            ada.poll()
            grace.drain(for_s=0.2)
        assert onlines()
        assert all(onlines())
        grace.wait_for(
            lambda f: (
                f["type"] == "conversation"
                and f["summary"]["conversation_id"] == chat
                and not f["summary"]["is_visitor_online"]
            )
        )


def test_operator_who_polls_stays_on_the_desk(desk_server: Desk, grace: PollingOperator) -> None:
    with desk_server.operator("Alan") as alan:
        grace.poll()
        grace.poll({"type": "set_available", "is_available": False})
        for _ in range(3):
            grace.poll()
        alan.drain(for_s=0.3)
        me = grace.last("welcome")["operator"]["id"]
        told = [f["people"] for f in alan.frames if f["type"] in ("welcome", "people")]
        seen = [person["is_available"] for people in told for person in people if person["id"] == me]
        assert seen[-1] is False
        assert seen == sorted(seen, reverse=True), "here, then away, and nothing between"


# --- bad clients


HELLO = {"type": "hello", "token": "forged"}
BAD_BODIES = [
    (b"not json", 400, "bad_frame"),
    (b"[1, 2]", 400, "bad_frame"),
    (b"{}", 400, "bad_frame"),
    (b'{"frames": []}', 400, "bad_frame"),
    (b'{"frames": "hello"}', 400, "bad_frame"),
    (json.dumps({"frames": [HELLO] * 21}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO], "wait_s": 26}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO], "wait_s": -1}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO], "seen": "x" * 65}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO], "extra": 1}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO | {"token": "x" * FRAME_MAX_BYTES}]}).encode(), 400, "bad_frame"),
    (json.dumps({"frames": [HELLO | {"token": "x" * 1_000_000}]}).encode(), 413, "request_entity_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES)
def test_bad_body_gets_a_clear_error(desk_server: Desk, body: bytes, status: int, code: str) -> None:
    headers = {"Content-Type": "application/json"}
    refused = httpx.post(f"{desk_server.base_url}/api/visitor/poll", content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert len(refused.json()["error"]["message"]) > 10


@pytest.mark.parametrize(
    ("frame", "code", "close"),
    [
        (HELLO, "token_invalid", 4002),
        ({"type": "post", "client_id": "abcdefgh", "text": "hello?"}, "token_invalid", 4002),
        ({"type": "dance"}, "unknown_frame", 4001),
        ("hello", "bad_frame", 4001),
    ],
)
def test_bad_first_frame_is_refused_as_on_a_socket(desk_server: Desk, frame: object, code: str, close: int) -> None:
    answer = httpx.post(f"{desk_server.base_url}/api/visitor/poll", json={"frames": [frame], "wait_s": 25}).json()
    assert [f["code"] for f in answer["frames"]] == [code]
    assert answer["close"] == {"code": close, "reason": code}
    assert answer["seen"] == ""


def test_bad_frame_among_good_ones_gets_its_error_and_spoils_nothing(ada: PollingVisitor) -> None:
    told = ada.poll(
        {"type": "post", "client_id": "good-0001", "text": "good"},
        {"type": "post", "client_id": "bad-00001", "text": 7},
        {"type": "post", "client_id": "good-0002", "text": "good too"},
    )
    answers = {f["client_id"]: f["type"] for f in told if f["type"] in ("ack", "error")}
    assert answers == {"good-0001": "ack", "bad-00001": "error", "good-0002": "ack"}


def test_flood_of_frames_is_refused_with_a_time_to_come_back_and_spends_nothing(ada: PollingVisitor) -> None:
    ada.poll()
    flood = [{"type": "typing", "is_typing": True}] * 19
    refused = next(r for r in (ada.send(*flood) for _ in range(FRAMES_BURST)) if r.status_code != 200)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_tries")
    assert 1 <= int(refused.headers["Retry-After"]) <= 7
    other = PollingVisitor(str(ada.http.base_url), token=new_token(str(ada.http.base_url)))
    with other:
        assert other.poll()[0]["type"] == "welcome", "others are not held up"
    posts = [{"type": "post", "client_id": f"held-up-{n:04}", "text": "held up"} for n in range(19)]
    eventually(lambda: ada.send(*posts).status_code == 200)
    ada.event("bot_message")
    assert len(ada.events("visitor_message")) == 19


# --- the end


def test_orderly_shutdown_tells_a_waiting_poll_when_to_come_back(desk_server: Desk, ada: PollingVisitor) -> None:
    ada.says("hello")
    ada.event("bot_message")
    ada.poll()
    before = connections(desk_server)
    assert desk_server.process is not None
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ada.poll, wait_s=25)
        eventually(lambda: connections(desk_server) == before + 1)
        desk_server.process.signal(signal.SIGTERM)
        assert waiting.result() == []
    assert ada.close is not None
    assert ada.close["code"] == 4012
    assert 0 <= int(ada.close["reason"]) <= 3000
    assert desk_server.process.wait(20) == 0
    assert "Traceback" not in desk_server.log()
    desk_server.start()
    ada.poll()
    assert ada.close is None
