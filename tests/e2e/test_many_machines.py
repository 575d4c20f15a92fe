"""Two desks that share PostgreSQL and Redis, as on two machines: what one hears the other tells, and either may go."""

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.backends import open_database
from handoff.events import Event, kind_of
from handoff.settings import read_settings
from handoff.store.log import SqlEventStore
from tests.support.clients import OperatorClient, VisitorClient, new_client_id
from tests.support.desk_server import DeskServer
from tests.support.processes import Process, ending, eventually
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase, say
from tests.support.servers import PrivatePostgres, PrivateRedis, make_postgres_database

pytestmark = pytest.mark.stack

SECRETS = {
    "BATON_SECRET_KEY": "the same on both machines",
    "BATON_KB_TOKEN": "the same on both machines",
    "BATON_BOT_TOKEN": "the same on both machines",
}


class Site:
    """Two desks and what is between them."""

    def __init__(self, folder: Path, postgres: PrivatePostgres, redis_server: PrivateRedis) -> None:
        self.postgres = postgres
        self.redis = redis_server
        self.database_url = make_postgres_database(postgres.url)
        self.bot = ScriptedBot()
        self.knowledge_base = ScriptedKnowledgeBase()
        self.settings = SECRETS | {"BATON_DATABASE_URL": self.database_url, "BATON_REDIS_URL": redis_server.url}
        self.near, self.far = (self.desk(folder / name) for name in ("near", "far"))

    def desk(self, folder: Path, **settings: str) -> DeskServer:
        folder.mkdir()
        return DeskServer(folder, self.bot, self.knowledge_base, self.settings | settings)

    def log_of(self, conversation_id: str) -> list[Event]:
        database = open_database(read_settings(self.near.environment))
        try:
            return SqlEventStore(database).read(conversation_id, after_seq=0, limit=1_000)
        finally:
            database.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with PrivatePostgres(folder) as postgres, PrivateRedis(folder) as redis_server:
        site = Site(folder, postgres, redis_server)
        with site.bot, site.knowledge_base:
            for desk in (site.near, site.far):
                desk.start()
            yield site
            site.bot.goes_on()
            for desk in (site.near, site.far):
                if desk.process and desk.process.is_running():
                    desk.process.stop()


@pytest.fixture(scope="module")
def sessions(site: Site) -> tuple[str, str]:
    """Grace's and Alan's sessions, which both desks know."""
    return site.near.session("Grace"), site.near.session("Alan")


def waiting_chat(visitor: VisitorClient) -> str:
    visitor.ask("ask_person")
    visitor.event("escalated")
    with visitor.back_again() as other:
        return str(other.welcome()["conversation_id"])


def at(desk: DeskServer, visitor: VisitorClient) -> VisitorClient:
    """The same visitor, back at another desk with the cursor."""
    return VisitorClient(desk.base_url, token=visitor.token, cursor=visitor.cursor)


def test_visitor_at_one_desk_and_operator_at_the_other_talk_at_once(site: Site, sessions: tuple[str, str]) -> None:
    with OperatorClient(site.far.base_url, sessions[0]) as grace, site.near.visitor() as ada:
        grace.welcome()
        chat = waiting_chat(ada)
        line = grace.sees_in_queue(conversation_id=chat)
        assert line["is_visitor_online"] is True
        grace.watches(chat)
        assert grace.does("claim", line)["type"] == "ack"
        ada.event("operator_claimed")
        ada.says("Can you see this?")
        grace.wait_for(lambda f: f["type"] == "event" and f["body"].get("text") == "Can you see this?")
        held = grace.summary(lambda s: s["conversation_id"] == chat and s["phase"] == "operator")
        grace.send(type="typing", conversation_id=chat, is_typing=True)
        ada.wait_for(lambda f: f["type"] == "typing" and f["author"]["name"] == "Grace")
        grace.does("post", held, text="I can.")
        ada.event("operator_message")
        grace.does("resolve", held)
        ada.event("resolved")


def test_claims_at_two_desks_at_once_have_one_winner(site: Site, sessions: tuple[str, str]) -> None:
    with (
        OperatorClient(site.near.base_url, sessions[0]) as grace,
        OperatorClient(site.far.base_url, sessions[1]) as alan,
        site.near.visitor() as ada,
    ):
        chat = waiting_chat(ada)
        lines = [each.sees_in_queue(conversation_id=chat) for each in (grace, alan)]
        ids = [new_client_id(), new_client_id()]
        for each, line, client_id in zip((grace, alan), lines, ids, strict=True):
            each.send(type="claim", conversation_id=chat, epoch=line["epoch"], client_id=client_id)
        answers = [
            each.wait_for(lambda f, own=client_id: f.get("client_id") == own and f["type"] in ("ack", "error"))
            for each, client_id in zip((grace, alan), ids, strict=True)
        ]
        assert sorted(answer["type"] for answer in answers) == ["ack", "error"]
        assert [answer["code"] for answer in answers if answer["type"] == "error"] == ["already_held"]
    assert [kind_of(event.body) for event in site.log_of(chat)].count("operator_claimed") == 1


def test_turn_that_two_desks_take_is_answered_once(site: Site) -> None:
    """The bot takes so long that the other desk takes the turn up, too: both get an answer, one is recorded."""
    site.bot.holds_back()
    site.bot.will_say(say("Hello from one."), say("Hello from the other."))
    heard = len(site.bot.heard)
    with site.near.visitor() as ada:
        ada.says("Is anybody there?")
        eventually(lambda: len(site.bot.heard) == heard + 2, what="both desks ask the bot")
        site.bot.goes_on()
        ada.event("bot_message")
        ada.drain(for_s=1.0)
        assert len(ada.events("bot_message")) == 1


def test_visitor_of_a_killed_desk_goes_on_at_the_other(site: Site) -> None:
    with site.near.visitor() as ada:
        ack = ada.says("before the kill")
        ada.event("bot_message")
        assert site.near.process is not None
        site.near.process.kill()
        with at(site.far, ada) as again:
            assert again.says("before the kill", client_id=ack["client_id"])["seq"] == ack["seq"]
            again.says("after the kill")
            again.event("bot_message")
        with VisitorClient(site.far.base_url, token=ada.token) as from_start:
            from_start.event("bot_message", after_seq=ada.cursor + 1)
            texts = [e["body"]["text"] for e in from_start.events("visitor_message")]
    site.near.start()
    assert texts == ["before the kill", "after the kill"]


def test_operator_who_leaves_one_desk_is_let_go_of_once(site: Site, sessions: tuple[str, str]) -> None:
    with site.near.visitor() as ada:
        with OperatorClient(site.far.base_url, sessions[0]) as grace:
            chat = waiting_chat(ada)
            grace.does("claim", grace.sees_in_queue(conversation_id=chat))
            ada.event("operator_claimed")
            ada.drain(for_s=1.5)  # each desk has seen Grace by now
        ada.event("operator_released", within_s=40)
        ada.drain(for_s=2.5)
    released = [event for event in site.log_of(chat) if kind_of(event.body) == "operator_released"]
    assert len(released) == 1


def test_lost_redis_loses_no_message_and_takes_nobodys_chats(site: Site, sessions: tuple[str, str]) -> None:
    with OperatorClient(site.far.base_url, sessions[0]) as grace, site.near.visitor() as ada:
        chat = waiting_chat(ada)
        line = grace.sees_in_queue(conversation_id=chat)
        grace.watches(chat)
        grace.does("claim", line)
        ada.event("operator_claimed")
        site.redis.kill()
        assert ada.says("said while Redis is away")["type"] == "ack"
        ada.event("visitor_message")
        ada.drain(for_s=2.0)
        site.redis.start()
        # No ring came through; the gap that the bus tells of brings it.
        grace.wait_for(lambda f: f["type"] == "event" and f["body"].get("text") == "said while Redis is away")
        held = grace.summary(lambda s: s["conversation_id"] == chat and s["phase"] == "operator")
        answer = grace.does("post", held, text="Read it.")
        assert answer["type"] == "ack", (answer, [kind_of(event.body) for event in site.log_of(chat)])
        ada.event("operator_message")
        with site.far.visitor() as bob:
            assert bob.welcome()["is_staffed"] is True
        ada.drain(for_s=2.5)
        assert ada.events("operator_released") == []
        grace.does("resolve", held)


def test_message_sent_while_postgres_restarts_is_recorded_once(site: Site) -> None:
    with site.near.visitor() as ada:
        ada.says("before")
        ada.event("bot_message")
        site.postgres.kill()
        client_id = new_client_id()
        ada.send(type="post", client_id=client_id, text="meanwhile")
        ada.drain(for_s=1.0)
        site.postgres.start()
        answer = ada.wait_for(lambda f: f["type"] in ("ack", "error") and f.get("client_id") == client_id)
        again = ada.says("meanwhile", client_id=client_id)
        assert again["type"] == "ack"
        assert answer["type"] == "error" or answer["seq"] == again["seq"]
        ada.event("bot_message", after_seq=again["seq"])
        assert [e["body"]["text"] for e in ada.events("visitor_message")] == ["before", "meanwhile"]


def test_one_more_machine_runs_the_desk_alone_and_ends_cleanly(site: Site, tmp_path: Path) -> None:
    third = site.desk(tmp_path / "third")
    command = [sys.executable, "-m", "handoff.cli", "run", "--only-desk"]
    process = Process(command, environment=third.environment, log=tmp_path / "third.log")
    with ending(process):
        process.wait_until(f"{third.base_url}/health", within_s=30)
        with site.near.visitor() as ada:
            ada.says("hello")
            ada.event("bot_message")
            with at(third, ada) as there:
                there.says("hello again")
                ada.wait_for(lambda f: f["type"] == "event" and f["body"].get("text") == "hello again")
        process.signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_desk_alone_needs_a_shared_log(site: Site, tmp_path: Path) -> None:
    lonely = site.desk(tmp_path / "lonely", BATON_DATABASE_URL="", BATON_REDIS_URL="")
    command = [sys.executable, "-m", "handoff.cli", "run", "--only-desk"]
    process = Process(command, environment=lonely.environment, log=tmp_path / "lonely.log")
    assert process.wait(20) == 1
    assert "set BATON_DATABASE_URL and BATON_REDIS_URL" in process.output()


def test_second_desk_without_redis_is_refused_with_the_setting_that_mends_it(site: Site, tmp_path: Path) -> None:
    database_url = make_postgres_database(site.postgres.url)
    alone = {"BATON_DATABASE_URL": database_url, "BATON_REDIS_URL": ""}
    first, second = site.desk(tmp_path / "first", **alone), site.desk(tmp_path / "second", **alone)
    first.start()
    try:
        with pytest.raises(AssertionError, match="Set BATON_REDIS_URL for both"):
            second.start()
    finally:
        for desk in (first, second):
            if desk.process and desk.process.is_running():
                desk.process.kill()
