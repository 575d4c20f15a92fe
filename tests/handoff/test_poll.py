"""Sessions over polls, without a server: what is told again and what is not, pages, gaps, the end of the process."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from handoff.auth import Accounts, Role
from handoff.bus.inprocess import InProcessBus
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.events import BotMessage, ConversationId, Draft, OperatorId
from handoff.gateway.connection import OUTBOX_MAX_FRAMES, Registry
from handoff.gateway.poll import Departures, PollConnection
from handoff.gateway.sessions import Sessions
from handoff.ports import Visitor
from handoff.presence import PRESENCE_TOPIC, Presence
from handoff.protocol import PROTOCOL_PAGE_EVENTS
from handoff.store.database import Database
from handoff.store.staff import SqlStaffStore, StaffRecord
from handoff.store.visitors import SqlVisitorStore
from handoff.turns import Turns
from handoff.visitors import Visitors
from tests.conftest import Clock
from tests.handoff.cast import BY_BOT

WAIT_S = 10.0
SHORT_S = 0.05

Answer = dict[str, Any]


class Polls:
    """Ada's and Grace's browsers, and the door that they poll at."""

    def __init__(self, sessions: Sessions, visitors: Visitors, grace: StaffRecord, session: str) -> None:
        self.sessions = sessions
        self.departures = Departures(gap_s=SHORT_S)
        self._visitors = visitors
        self._token = visitors.issue_token()
        self._grace, self.session = grace, session

    @property
    def ada(self) -> Visitor:
        return Visitor(self._visitors.check_token(self._token))

    def by_ada(self, *frames: Answer, cursor: int = 0, seen: str = "", wait_s: float = 0.0) -> Answer:
        peer = self._peer({"type": "hello", "token": self._token, "cursor": cursor}, *frames, seen=seen, wait_s=wait_s)
        self.sessions.serve_visitor(peer, user_agent="")
        return peer.answer()

    def by_grace(self, *frames: Answer, seen: str = "", wait_s: float = 0.0) -> Answer:
        peer = self._peer({"type": "hello"}, *frames, seen=seen, wait_s=wait_s)
        self.sessions.serve_operator(peer, self._grace, token=self.session)
        return peer.answer()

    def _peer(self, *frames: Answer, seen: str, wait_s: float) -> PollConnection:
        raw = [json.dumps(frame).encode() for frame in frames]
        return PollConnection(raw, seen=seen, wait_s=wait_s, departures=self.departures)


@pytest.fixture
def polls(
    conversations: Conversations,
    turns: Turns,
    desk: Desk,
    presence: Presence,
    bus: InProcessBus,
    database: Database,
    clock: Clock,
) -> Iterator[Polls]:
    accounts = Accounts(SqlStaffStore(database), now=clock)
    _, link = accounts.invite(role=Role.OPERATOR)
    grace, session = accounts.join(link, name="Grace", email="grace@fernhill.example", password="correct horse battery")
    visitors = Visitors(SqlVisitorStore(database), secret="a secret of the tests", now=clock)
    polls = Polls(
        Sessions(conversations, turns, desk, visitors, accounts, presence, bus, Registry()), visitors, grace, session
    )
    yield polls
    polls.departures.end()


@pytest.fixture
def adas_chat(polls: Polls, conversations: Conversations) -> ConversationId:
    return conversations.open_for(polls.ada)


def types(answer: Answer) -> list[str]:
    return [frame["type"] for frame in answer["frames"]]


def post(number: int = 1) -> Answer:
    return {"type": "post", "client_id": f"of-ada-{number:05}", "text": f"message {number}"}


def during(poll: Callable[[], Answer], act: Callable[[], object]) -> Answer:
    """Act while a poll waits; give the poll's answer."""
    waiting = gevent.spawn(poll)
    gevent.sleep(SHORT_S)
    assert not waiting.dead, f"it did not wait: {waiting.value}"
    act()
    answer: Answer = waiting.get(timeout=WAIT_S / 2)
    return answer


# --- what is told again


def test_equal_welcome_is_left_out_and_a_new_one_is_told_at_once(polls: Polls, conversations: Conversations) -> None:
    first = polls.by_ada(wait_s=WAIT_S)
    assert types(first) == ["welcome"]
    assert polls.by_ada(seen=first["seen"]) == {"frames": [], "seen": first["seen"], "close": None}
    chat = conversations.open_for(polls.ada)
    told = polls.by_ada(seen=first["seen"], wait_s=WAIT_S)
    assert [frame["conversation_id"] for frame in told["frames"]] == [chat]
    assert told["seen"] != first["seen"]


def test_events_alone_make_no_welcome_new(
    polls: Polls, conversations: Conversations, adas_chat: ConversationId
) -> None:
    first = polls.by_ada()
    conversations.record(adas_chat, [Draft(BY_BOT, BotMessage("Hello.", "greeting"))])
    told = polls.by_ada(seen=first["seen"], cursor=1)
    assert types(told) == ["event"]
    assert told["seen"] == first["seen"]


def test_change_of_staffing_wakes_a_poll_and_is_told_once(polls: Polls) -> None:
    seen = polls.by_ada()["seen"]
    told = during(lambda: polls.by_ada(seen=seen, wait_s=WAIT_S), polls.by_grace)
    assert types(told) == ["status"]
    assert told["frames"][0]["is_staffed"] is True
    assert polls.by_ada(seen=told["seen"])["frames"] == []


def test_desk_is_told_once_and_then_only_what_changes(
    polls: Polls, conversations: Conversations, adas_chat: ConversationId
) -> None:
    first = polls.by_grace()
    assert types(first) == ["welcome"]
    assert polls.by_grace(seen=first["seen"])["frames"] == []
    told = during(
        lambda: polls.by_grace(seen=first["seen"], wait_s=WAIT_S),
        lambda: conversations.record(adas_chat, [Draft(BY_BOT, BotMessage("Hello.", "greeting"))]),
    )
    assert types(told) == ["conversation"]
    assert polls.by_grace(seen=told["seen"])["frames"] == [], "the change counts as known"


def test_colleague_who_comes_is_told_once(polls: Polls, presence: Presence) -> None:
    seen = polls.by_grace()["seen"]
    told = during(
        lambda: polls.by_grace(seen=seen, wait_s=WAIT_S),
        lambda: presence.renew(OperatorId("op-alan"), "Alan", is_available=True),
    )
    assert types(told) == ["people"]
    assert [person["name"] for person in told["frames"][0]["people"]] == ["Alan", "Grace"]
    assert polls.by_grace(seen=told["seen"])["frames"] == []


def test_watched_conversation_is_told_once_and_then_only_its_news(
    polls: Polls, conversations: Conversations, adas_chat: ConversationId
) -> None:
    def watch(cursor: int) -> Answer:
        return {"type": "watch", "conversation_id": adas_chat, "cursor": cursor}

    first = polls.by_grace(watch(0))
    assert types(first) == ["welcome", "event", "brief", "conversation"]
    assert polls.by_grace(watch(1), seen=first["seen"])["frames"] == []
    told = during(
        lambda: polls.by_grace(watch(1), seen=first["seen"], wait_s=WAIT_S),
        lambda: conversations.record(adas_chat, [Draft(BY_BOT, BotMessage("Hello.", "greeting"))]),
    )
    assert types(told) == ["event", "brief", "conversation"]
    assert polls.by_grace(watch(2), seen=told["seen"])["frames"] == []


# --- bounds


def test_long_history_comes_in_pages(polls: Polls, conversations: Conversations, adas_chat: ConversationId) -> None:
    drafts = [Draft(BY_BOT, BotMessage(f"number {n}", "greeting")) for n in range(PROTOCOL_PAGE_EVENTS)]
    conversations.record(adas_chat, drafts)
    conversations.record(adas_chat, drafts)
    cursor, pages = 0, []
    while seqs := [f["seq"] for f in polls.by_ada(cursor=cursor)["frames"] if f["type"] == "event"]:
        pages.append(len(seqs))
        cursor = seqs[-1]
    # The first event of the log, that the chat has begun, is not the visitor's to see.
    assert pages == [PROTOCOL_PAGE_EVENTS, PROTOCOL_PAGE_EVENTS]
    assert cursor == 2 * PROTOCOL_PAGE_EVENTS + 1


def test_peer_that_is_offered_too_much_is_sent_home(polls: Polls) -> None:
    peer = PollConnection([], seen="", wait_s=0.0, departures=polls.departures)
    for _ in range(PROTOCOL_PAGE_EVENTS + OUTBOX_MAX_FRAMES):
        peer.offer({"type": "beat"})
    assert peer.answer()["close"] is None
    peer.offer({"type": "beat"})
    assert peer.answer()["close"]["code"] == 4008
    assert len(peer.answer()["frames"]) == PROTOCOL_PAGE_EVENTS + OUTBOX_MAX_FRAMES


def test_signed_out_operator_is_told_so(polls: Polls) -> None:
    polls.sessions.accounts.sign_out(polls.session)
    assert polls.by_grace(wait_s=WAIT_S)["close"]["code"] == 4401


# --- presence, and the end


def test_visitor_counts_as_gone_when_the_gap_is_over_and_not_before(polls: Polls, presence: Presence) -> None:
    polls.departures = Departures(gap_s=2 * SHORT_S)
    for _ in range(4):
        polls.by_ada()
        gevent.sleep(SHORT_S)
        assert presence.visitors_online([polls.ada.id])
    gevent.sleep(4 * SHORT_S)
    assert not presence.visitors_online([polls.ada.id])


def test_operator_keeps_the_lease_from_poll_to_poll(polls: Polls, presence: Presence, bus: InProcessBus) -> None:
    whispers: list[object] = []
    end = bus.subscribe(PRESENCE_TOPIC, whispers.append)
    for _ in range(4):
        polls.by_grace()
        gevent.sleep(2 * SHORT_S)
    assert presence.is_reachable()
    assert len(whispers) == 1, "nobody hears of polls that follow each other"
    end()


def test_end_of_the_process_counts_everybody_out_and_gaps_no_more(polls: Polls, presence: Presence) -> None:
    polls.departures = Departures(gap_s=3600.0)
    polls.by_ada()
    assert presence.visitors_online([polls.ada.id])
    polls.departures.end()
    assert not presence.visitors_online([polls.ada.id])
    polls.by_ada()
    assert not presence.visitors_online([polls.ada.id])


def test_poll_that_comes_while_the_process_ends_is_sent_on(polls: Polls) -> None:
    polls.sessions.registry.shut(spread_ms=0)
    assert polls.by_ada(wait_s=WAIT_S)["close"] == {"code": 4012, "reason": "0"}
