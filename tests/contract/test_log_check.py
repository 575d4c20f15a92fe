"""Logs that were really damaged with SQL, on every backend: each rule that a log can break is found and named."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from handoff.events import (
    BotMessage,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    Event,
    NoteAdded,
    OperatorClaimed,
    OperatorMessage,
    Reopened,
    Resolved,
    Transferred,
    Understood,
    VisitorId,
    VisitorMessage,
)
from handoff.log_check import EVENTS_PER_PAGE, LogCheck
from handoff.ports import EventStore
from handoff.verification import Rule, Violation
from tests.conftest import Clock
from tests.contract.backends import EVENT_STORES, SqliteBackend, StoreBackend
from tests.handoff.cast import BY_ALAN, BY_BOT, BY_GRACE, BY_VISITOR, as_json, example
from tests.support.processes import ROOT

DAY_S = 86_400.0
STORY = [
    Draft(BY_VISITOR, VisitorMessage("Where is my refund?"), "client-2"),
    Draft(BY_BOT, Understood(2, "question", 0.9, [])),
    Draft(BY_BOT, BotMessage("Let me see.", "greeting")),
    Draft(BY_BOT, example(Escalated)),
    Draft(BY_GRACE, OperatorClaimed(), "client-6"),
    Draft(BY_GRACE, OperatorMessage("Grace here."), "client-7"),
    Draft(BY_GRACE, Transferred("op-alan", "Alan"), "client-8"),
    Draft(BY_ALAN, OperatorMessage("Alan here."), "client-9"),
    Draft(BY_ALAN, Resolved(), "client-10"),
    Draft(BY_ALAN, NoteAdded("Paid."), "client-11"),
    Draft(BY_VISITOR, Reopened()),
    Draft(BY_VISITOR, VisitorMessage("One more thing."), "client-13"),
]
"""What happens after `conversation_started`, which is seq 1."""


def record_story(store: EventStore, clock: Clock, visitor: str = "visitor-ada") -> ConversationId:
    started = Draft(BY_VISITOR, example(ConversationStarted))
    chat = store.open_conversation(VisitorId(visitor), started, reopen_window_s=DAY_S)
    for draft in STORY:
        clock.tick(1)
        store.append(chat, [draft])
    return chat


def damage(backend: StoreBackend, *statements: str) -> None:
    """Run statements behind the store's back; they must touch something."""
    if isinstance(backend, SqliteBackend):
        with closing(sqlite3.connect(Path(backend.address) / "handoff.db")) as connection, connection:
            cursors = [connection.execute(statement) for statement in statements]
    else:
        with psycopg.connect(backend.address) as connection:
            cursors = [connection.execute(statement.encode()) for statement in statements]
    assert cursors[-1].rowcount > 0


def violations(store: EventStore) -> list[Violation]:
    return list(LogCheck(store).run())


def test_sound_log_is_found_sound_and_counted(store: EventStore, clock: Clock) -> None:
    record_story(store, clock)
    record_story(store, clock, "visitor-bob")
    check = LogCheck(store)
    assert list(check.run()) == []
    assert (check.conversations, check.events, check.violations) == (2, 26, 0)


AUTHOR_ALAN = f"author = '{as_json(BY_ALAN)}'"
AUTHOR_BOT = f"author = '{as_json(BY_BOT)}'"
DAMAGES: dict[str, tuple[Rule, int, str, tuple[str, ...]]] = {
    "a lost event": (Rule.SEQ, 5, "after seq 3 has seq 5", ("delete from events where seq = 4",)),
    "a lost end": (Rule.SEQ, 0, "ends at seq 12, but 13", ("delete from events where seq = 13",)),
    "a whole log that is gone": (Rule.SEQ, 0, "ends at seq 0", ("delete from events",)),
    "a lost start": (Rule.SEQ, 2, "after seq 0 has seq 2", ("delete from events where seq = 1",)),
    "an epoch that did not rise": (Rule.EPOCH, 6, "it must be 2", ("update events set epoch = 1 where seq = 6",)),
    "an epoch that leapt": (Rule.EPOCH, 6, "it must be 2", ("update events set epoch = 3 where seq = 6",)),
    "an epoch that rose with words": (Rule.EPOCH, 7, "must be 2", ("update events set epoch = 3 where seq = 7",)),
    "words of one who does not hold the floor": (
        Rule.HOLDER,
        7,
        "op-alan caused operator_message, but the floor was with op-grace",
        (f"update events set {AUTHOR_ALAN} where seq = 7",),
    ),
    "a second holder": (
        Rule.HOLDER,
        7,
        "two holders",
        (f"update events set {AUTHOR_ALAN}, body = '{as_json(OperatorClaimed())}', epoch = 3 where seq = 7",),
    ),
    "a bot that talks over a person": (
        Rule.HOLDER,
        7,
        "The bot spoke while the floor was with op-grace",
        (f"update events set {AUTHOR_BOT}, body = '{as_json(BotMessage('Hi', 'x'))}' where seq = 7",),
    ),
    "something after the end": (
        Rule.HOLDER,
        11,
        "operator_message came after the end",
        (f"update events set body = '{as_json(OperatorMessage('Still here.'))}' where seq = 11",),
    ),
    "a message that was answered twice": (
        Rule.HOLDER,
        4,
        "at seq 2 was answered twice",
        (f"update events set body = '{as_json(Understood(2, 'question', 0.9, []))}' where seq = 4",),
    ),
    "a claim by a visitor": (
        Rule.HOLDER,
        6,
        "is not for a visitor to cause",
        (f"update events set author = '{as_json(BY_VISITOR)}' where seq = 6",),
    ),
    "a second start": (
        Rule.HOLDER,
        2,
        "begins with conversation_started, once",
        (f"update events set body = '{as_json(example(ConversationStarted))}' where seq = 2",),
    ),
    "a client id that stands twice": (
        Rule.CLIENT_ID,
        7,
        "'client-6' stands at an earlier event",
        ("drop index events_by_client_id", "update events set client_id = 'client-6' where seq = 7"),
    ),
    "a step back in time": (Rule.TIME, 5, "99 s before", ("update events set at = at - 100 where seq = 5",)),
    "a state that is not the replay": (
        Rule.STATE,
        0,
        "differs in language",
        ('update conversations set state = replace(state, \'"language":"en"\', \'"language":"fr"\')',),
    ),
    "a state that is none": (Rule.READABLE, 0, "state cannot be read", ("update conversations set state = 'x'",)),
    "an event that is none": (
        Rule.READABLE,
        4,
        "after seq 3 cannot be read",
        ('update events set body = \'{"kind":"sang"}\' where seq = 4',),
    ),
    **{
        f"a column {name} that is not the state's": (
            Rule.SEQ if name == "head_seq" else Rule.COLUMNS,
            0,
            "13, but 77 are said" if name == "head_seq" else f"{name} is ",
            (f"update conversations set {name} = {value}",),
        )
        for name, value in (
            ("phase", "'queue'"),
            ("operator_id", "'op-grace'"),
            ("head_seq", "77"),
            ("epoch", "77"),
            ("owes_reply", "1 - owes_reply"),
            ("queued_at", "77.0"),
            ("started_at", "77.0"),
            ("updated_at", "77.0"),
            ("resolved_at", "77.0"),
        )
    },
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_named(backend: StoreBackend, clock: Clock, name: str) -> None:
    rule, seq, words, statements = DAMAGES[name]
    store = backend.open()
    chat = record_story(store, clock)
    record_story(store, clock, "visitor-bob")
    assert violations(store) == []
    number = store.columns(chat)["number"]
    column = "id" if "conversations" in statements[-1] else "conversation_id"
    joint = "and" if " where " in statements[-1] else "where"
    damage(backend, *statements[:-1], f"{statements[-1]} {joint} {column} = '{chat}'")
    found = violations(store)
    assert [(each.conversation_id, each.number) for each in found] == [(chat, number)] * len(found)
    assert any(each.rule == rule and each.seq == seq and words in each.sentence for each in found), found


def test_events_without_a_conversation_are_found(backend: StoreBackend, clock: Clock) -> None:
    store = backend.open()
    chat = record_story(store, clock)
    if not isinstance(backend, SqliteBackend):
        with psycopg.connect(backend.address) as connection:
            connection.execute("alter table events drop constraint events_conversation_id_fkey")
    damage(backend, "delete from conversations")
    (found,) = violations(store)
    assert (found.conversation_id, found.rule) == (chat, Rule.CONVERSATION)


def test_damage_behind_the_first_page_is_found(backend: StoreBackend, clock: Clock) -> None:
    store = backend.open()
    chat = record_story(store, clock)
    store.append(chat, [Draft(BY_VISITOR, VisitorMessage(f"{n}")) for n in range(2 * EVENTS_PER_PAGE)])
    assert violations(store) == []
    last = 13 + 2 * EVENTS_PER_PAGE
    damage(backend, f"update events set body = '{{}}' where seq = {last - 5}")
    check = LogCheck(store)
    (found,) = check.run()
    assert (found.rule, found.seq) == (Rule.READABLE, last - 5)
    assert check.events == last - 6


class _Growing:
    """A log that grows each time that somebody has read a page of it, until it has grown `times`."""

    def __init__(self, store: EventStore, times: int) -> None:
        self._store = store
        self.left = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, conversation_id: ConversationId, *, after_seq: int, limit: int) -> list[Event]:
        page = self._store.read(conversation_id, after_seq=after_seq, limit=limit)
        if self.left:
            self.left -= 1
            self._store.append(conversation_id, [Draft(BY_VISITOR, VisitorMessage("and another thing"))])
        return page


def test_conversation_that_grows_between_its_log_and_its_row_is_no_violation(store: EventStore, clock: Clock) -> None:
    record_story(store, clock)
    growing = _Growing(store, times=3)
    check = LogCheck(growing)  # type: ignore[arg-type]
    assert list(check.run()) == []
    assert (growing.left, check.events) == (0, 16)


@pytest.fixture(params=["sqlite", "postgres"])
def written_log(request: pytest.FixtureRequest, address_of: Callable[[str], str]) -> tuple[str, str]:
    return request.param, address_of(request.param)


def test_log_that_another_process_writes_meanwhile_is_sound(written_log: tuple[str, str]) -> None:
    backend = EVENT_STORES[written_log[0]](written_log[1], Clock())
    command = [sys.executable, "-m", "tests.contract.appender", *written_log, "busy"]
    counts = [0]
    store = backend.open()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as appender:
        try:
            while counts[-1] < 300 or len(counts) < 20:
                assert appender.poll() is None, "it stopped writing"
                check = LogCheck(store)
                assert [each.sentence for each in check.run()] == []
                counts.append(check.events)
        finally:
            appender.kill()
            backend.close()
    assert counts == sorted(counts)
