"""What was acknowledged survives a killed process, and a full disk records nothing and heals."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from handoff.errors import StoreFailed
from handoff.events import ConversationId, Draft, Event, VisitorId, VisitorMessage
from handoff.ports import Appended, EventStore
from handoff.projection import replay
from tests.contract.backends import EVENT_STORES, SqliteBackend
from tests.handoff.cast import BODIES, BY_VISITOR, at_once

ROOT = Path(__file__).resolve().parents[2]
ACKS_BEFORE_THE_KILL = 150


def append_until_killed(backend_name: str, address: str, prefix: str) -> tuple[ConversationId, dict[str, int]]:
    """Run a process that appends, kill it without warning; give what it acknowledged: client_id to seq."""
    command = [sys.executable, "-m", "tests.contract.appender", backend_name, address, prefix]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        word, chat = child.stdout.readline().split()
        assert word == "chat"
        lines = [child.stdout.readline() for _ in range(ACKS_BEFORE_THE_KILL)]
        os.kill(child.pid, signal.SIGKILL)
        lines += child.stdout.readlines()
        assert child.wait(10) == -signal.SIGKILL
    # The last line may be cut off in the middle.
    whole = [line.split() for line in lines if line.endswith("\n")]
    return ConversationId(chat), {client_id: int(seq) for _, seq, client_id in whole}


@pytest.mark.parametrize("backend_name", EVENT_STORES)
def test_everything_acknowledged_is_there_after_kill_9(address_of: Callable[[str], str], backend_name: str) -> None:
    address = address_of(backend_name)
    acknowledged: dict[str, int] = {}
    for life in ("first", "second"):
        chat, acks = append_until_killed(backend_name, address, life)
        assert len(acks) >= ACKS_BEFORE_THE_KILL
        acknowledged |= acks
    backend = EVENT_STORES[backend_name](address, lambda: 0.0)
    try:
        store = backend.open()
        log = store.read(chat, after_seq=0, limit=100_000)
        found = {event.client_id: event.seq for event in log}
        assert {client_id: found.get(client_id) for client_id in acknowledged} == acknowledged
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        row = store.row(chat)
        assert row is not None
        assert row.state == replay(log)
        a_client_id = next(iter(acknowledged))
        again = store.append(chat, [Draft(BY_VISITOR, VisitorMessage("x"), a_client_id)])
        assert (again.is_repeat, again.events[0].seq) == (True, acknowledged[a_client_id])
    finally:
        backend.close()


# --- a full disk --------------------------------------------------------------------------------------------------


@pytest.fixture
def store(sqlite: SqliteBackend) -> EventStore:
    return sqlite.open()


@pytest.fixture
def chat(store: EventStore) -> ConversationId:
    return store.open_conversation(VisitorId("visitor-ada"), Draft(BY_VISITOR, BODIES[0]), reopen_window_s=1.0)


def message(number: int) -> Draft:
    return Draft(BY_VISITOR, VisitorMessage("x" * 4_000), f"message-{number}")


def log_of(store: EventStore, chat: ConversationId) -> list[Event]:
    return store.read(chat, after_seq=0, limit=10_000)


def append_until_full(store: EventStore, chat: ConversationId) -> int:
    """Append messages until the store refuses one; give its number."""
    for number in range(100):
        try:
            store.append(chat, [message(number)])
        except StoreFailed:
            return number
    raise AssertionError("the disk was never full")


def test_full_disk_refuses_records_nothing_and_heals(
    sqlite: SqliteBackend, store: EventStore, chat: ConversationId
) -> None:
    sqlite.fill_up()
    refused = append_until_full(store, chat)
    before, state = log_of(store, chat), store.row(chat)
    assert [event.seq for event in before] == list(range(1, refused + 2))
    with pytest.raises(StoreFailed, match="Nothing was recorded; free disk space"):
        store.append(chat, [message(refused)])
    assert (log_of(store, chat), store.row(chat)) == (before, state)
    sqlite.make_room()
    appended = store.append(chat, [message(refused)])
    assert (appended.is_repeat, appended.events[0].seq) == (False, before[-1].seq + 1)
    assert state is not None
    assert replay(log_of(store, chat)) == appended.state


def test_full_disk_fails_everybody_who_shares_the_commit_and_nobody_is_acknowledged(
    sqlite: SqliteBackend, store: EventStore, chat: ConversationId
) -> None:
    sqlite.fill_up()
    first = append_until_full(store, chat)
    before = log_of(store, chat)
    outcomes = at_once(*(lambda n=n: store.append(chat, [message(n)]) for n in range(first, first + 20)))
    assert {type(outcome) for outcome in outcomes} == {StoreFailed}
    assert log_of(store, chat) == before
    sqlite.make_room()
    outcomes = at_once(*(lambda n=n: store.append(chat, [message(n)]) for n in range(first, first + 20)))
    assert {type(outcome) for outcome in outcomes} == {Appended}
    assert [event.seq for event in log_of(store, chat)] == list(range(1, first + 22))


def test_on_a_nearly_full_disk_exactly_what_is_acknowledged_is_recorded(
    sqlite: SqliteBackend, store: EventStore, chat: ConversationId
) -> None:
    sqlite.fill_up()
    first = append_until_full(store, chat)
    before = log_of(store, chat)
    small = [Draft(BY_VISITOR, VisitorMessage("x"), f"small-{n}") for n in range(3)]
    drafts = [small[0], message(first), small[1], message(first + 1), small[2]]
    outcomes = at_once(*(lambda draft=draft: store.append(chat, [draft]) for draft in drafts))
    assert StoreFailed in {type(outcome) for outcome in outcomes}
    acknowledged = [outcome.events[0] for outcome in outcomes if isinstance(outcome, Appended)]
    assert log_of(store, chat) == [*before, *acknowledged]
    alone = store.append(chat, [small[0]])
    assert log_of(store, chat)[-1] == alone.events[0]


def test_store_that_was_full_is_whole_after_a_restart(
    sqlite: SqliteBackend, store: EventStore, chat: ConversationId
) -> None:
    sqlite.fill_up()
    refused = append_until_full(store, chat)
    before = log_of(store, chat)
    sqlite.close()
    again = sqlite.open()
    assert log_of(again, chat) == before
    assert again.append(chat, [message(refused)]).events[0].seq == before[-1].seq + 1
