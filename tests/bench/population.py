"""A desk's past: conversations written by the desk's own store, so that their log is one that the desk could have
made.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import gevent
from gevent.pool import Pool

from handoff.events import (
    BOT,
    SYSTEM,
    Author,
    AuthorKind,
    BotMessage,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    OperatorClaimed,
    OperatorId,
    OperatorMessage,
    Page,
    Reason,
    Resolved,
    Understood,
    VisitorId,
    VisitorMessage,
)
from handoff.projection import Phase, replay
from handoff.store.log import SqlEventStore
from handoff.store.sqlite import SqliteDatabase

EVENTS_EACH = 20

GRACE = Author(AuthorKind.OPERATOR, OperatorId("op-grace"), "Grace")

_WORDS = "My card was charged twice this month and the invoice shows only one of the two."
_AT_ONCE = 200
"""As many appends share one commit."""


def open_store(path: Path, *, at: float | None = None) -> tuple[SqliteDatabase, SqlEventStore]:
    """Open the log in `path`; with `at`, events are dated then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = SqliteDatabase(path)
    return database, SqlEventStore(database, now=(lambda: at) if at else time.time)


def populate(path: Path, visitors: Sequence[VisitorId], phase: Phase, *, at: float) -> list[ConversationId]:
    """Write one conversation of EVENTS_EACH events for each visitor, which ends in `phase`."""
    database, store = open_store(path, at=at)
    started = Draft(SYSTEM, ConversationStarted(Page("https://www.example.com/billing", "Billing"), "en", "UTC", ""))
    drafts = drafts_for(phase)

    def write(visitor_id: VisitorId) -> ConversationId:
        conversation_id = store.open_conversation(visitor_id, started, reopen_window_s=0.0)
        store.append(conversation_id, drafts)
        return conversation_id

    try:
        return Pool(_AT_ONCE).map(write, visitors)
    finally:
        database.close()


def drafts_for(phase: Phase) -> list[Draft]:
    """Give what follows a conversation's start: talk, and at the end what brings the floor to `phase`."""
    end = {
        Phase.BOT: [],
        Phase.QUEUE: [_escalated()],
        Phase.OPERATOR: [_escalated(), Draft(GRACE, OperatorClaimed()), Draft(GRACE, OperatorMessage(_WORDS))],
        Phase.RESOLVED: [_escalated(), Draft(GRACE, OperatorClaimed()), Draft(GRACE, Resolved())],
    }[phase]
    talk_events = EVENTS_EACH - 1 - len(end)
    visitor = Author(AuthorKind.VISITOR)
    talk: list[Draft] = []
    for seq in range(2, talk_events, 3):
        talk += [
            Draft(visitor, VisitorMessage(_WORDS), f"bench-{seq:04d}"),
            Draft(BOT, Understood(seq, "billing", 0.9, [])),
            Draft(BOT, BotMessage(_WORDS, "utter_billing")),
        ]
    # Whatever the number, the last words are the bot's: nobody is owed a reply.
    rest = [Draft(BOT, BotMessage(_WORDS, "utter_billing"))] * (talk_events - len(talk))
    return [*talk, *rest, *end]


def _escalated() -> Draft:
    return Draft(SYSTEM, Escalated(Reason.ASKED_FOR_PERSON, "", "", True))


def check_log(path: Path, conversation_ids: Sequence[ConversationId]) -> None:
    """Raise unless the stored states are the replays of the log."""
    database, store = open_store(path)
    try:
        for conversation_id in conversation_ids:
            row = store.row(conversation_id)
            assert row is not None
            assert replay(store.read(conversation_id, after_seq=0, limit=1000)) == row.state
    finally:
        database.close()
        gevent.sleep(0)
