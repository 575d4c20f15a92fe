"""Do the desk's operations stay flat as history grows? The same live desk on a short log and on a long one."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from handoff.auth import access_conversation
from handoff.bus.inprocess import InProcessBus
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.escalation import EscalationRules
from handoff.events import ConversationId, VisitorId
from handoff.ports import ConversationRow, Visitor
from handoff.projection import Phase
from tests.bench.figures import Quantiles, quantiles
from tests.bench.population import EVENTS_EACH, GRACE, check_log, open_store, populate

SHORT_EVENTS = 1_000
LONG_EVENTS = 1_000_000

LIVE_EACH = 10
"""Chats that wait, that are held and that talk with the bot, the same number of each on both logs."""

REPEATS = 200
DAY_S = 86_400.0

LEFT_SHARE = 0.7
"""Most visitors leave the bot without anybody ending the chat; the others' chats were resolved."""


class Operation(NamedTuple):
    name: str
    short: Quantiles
    long: Quantiles


def measure(folder: Path) -> list[Operation]:
    """Time each operation on both logs, in turns."""
    logs = [_build_log(folder / f"{events}.db", events) for events in (SHORT_EVENTS, LONG_EVENTS)]
    desks = [_LiveDesk(path, visitors) for path, visitors in logs]
    try:
        samples = [{name: [] for name in desk.operations()} for desk in desks]
        for _ in range(REPEATS):
            for desk, of_desk in zip(desks, samples, strict=True):
                for name, act in desk.operations().items():
                    of_desk[name].append(_timed(act))
    finally:
        for desk in desks:
            desk.close()
    return [Operation(name, *[quantiles(of_desk[name]) for of_desk in samples]) for name in samples[0]]


def _build_log(path: Path, events: int) -> tuple[Path, list[VisitorId]]:
    """Write a log of so many events; give it and the visitors whose chats wait."""
    now = time.time()
    past = events // EVENTS_EACH - 3 * LIVE_EACH
    names = [VisitorId(f"past-{number}") for number in range(past)]
    left = round(past * LEFT_SHARE)
    some = populate(path, names[:left], Phase.BOT, at=now - 30 * DAY_S)[:50]
    some += populate(path, names[left:], Phase.RESOLVED, at=now - 20 * DAY_S)[:50]
    waiting = [VisitorId(f"waiting-{number}") for number in range(LIVE_EACH)]
    some += populate(path, waiting, Phase.QUEUE, at=now - 60)
    for phase in (Phase.OPERATOR, Phase.BOT):
        some += populate(path, [VisitorId(f"{phase}-{n}") for n in range(LIVE_EACH)], phase, at=now - 60)
    check_log(path, some)
    return path, waiting


class _LiveDesk:
    """The services of the desk on one log."""

    def __init__(self, path: Path, waiting: list[VisitorId]) -> None:
        self._database, self._store = open_store(path)
        self._conversations = Conversations(
            self._store, InProcessBus(), rules=EscalationRules(), is_staffed=lambda: True
        )
        self._desk = Desk(self._conversations, self._store)
        self._waiting = waiting
        self._turn = 0

    def close(self) -> None:
        self._database.close()

    def operations(self) -> dict[str, Callable[[], object]]:
        self._turn += 1
        visitor = Visitor(self._waiting[self._turn % LIVE_EACH])
        row = self._conversations.current_of(visitor)
        assert row is not None
        chat = row.conversation_id
        return {
            "list the queue": lambda: self._store.rows_in_phase(Phase.QUEUE, since=0.0, limit=300),
            "list all for a console": self._conversations.rows_for_desk,
            "hello: find the current chat": lambda: self._conversations.current_of(visitor),
            "catch up from a cursor": lambda: list(self._conversations.events(chat, after_seq=row.state.head - 5)),
            "post": lambda: self._conversations.post(visitor, chat, "And again today.", client_id=_new_id()),
            "claim": lambda: self._pass(chat, self._desk.claim),
            "release": lambda: self._pass(chat, self._desk.release),
            "open a chat": lambda: self._conversations.open_for(Visitor(VisitorId(_new_id()))),
            "sweep: who is owed a reply": lambda: self._store.ids_owed_reply(limit=500),
            "sweep: who holds chats": lambda: self._store.rows_in_phase(Phase.OPERATOR, since=0.0, limit=10_000),
        }

    def _pass(self, chat: ConversationId, act: Callable[..., object]) -> object:
        row: ConversationRow = access_conversation(self._conversations, chat, visitor_id=None)
        return act(GRACE, chat, epoch=row.state.epoch, client_id=_new_id())


def _timed(act: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    act()
    return time.perf_counter() - started_s


def _new_id() -> str:
    return uuid.uuid4().hex
