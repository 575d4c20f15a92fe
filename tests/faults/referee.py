"""Holds what every client believes against the log: pure, so that it can be shown to see what it must."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from handoff.errors import BatonError
from handoff.events import (
    PRIVATE_BODIES,
    BotMessage,
    Event,
    NoteAdded,
    OperatorMessage,
    Understood,
    VisitorMessage,
    kind_of,
)
from handoff.ports import ConversationRow, EventStore
from handoff.projection import Phase, State, apply, check, next_epoch
from tests.faults.counts import Verdict
from tests.faults.peer import Line, Report

SPOKEN = (VisitorMessage, OperatorMessage, NoteAdded, BotMessage)

ALL = 10**9


class Conversation(NamedTuple):
    """A conversation as the store has it: its log, and the state that it keeps beside the log."""

    events: list[Event]
    state: State


Log = Mapping[str, Conversation]


def read_log(store: EventStore) -> dict[str, Conversation]:
    """Read everything there is."""
    return {
        row.conversation_id: Conversation(store.read(row.conversation_id, after_seq=0, limit=ALL), row.state)
        for row in _all_rows(store)
    }


def heads_of(store: EventStore) -> dict[str, int]:
    """Give the newest seq of every conversation."""
    return {row.conversation_id: row.state.head for row in _all_rows(store)}


def judge(log: Log, reports: Iterable[Report]) -> Verdict:
    """Count what was lost, doubled, reordered or otherwise wrong."""
    verdict = Verdict()
    for conversation_id, conversation in log.items():
        _judge_conversation(verdict, conversation_id, conversation)
    reports = list(reports)
    _judge_texts(verdict, log, reports)
    for report in reports:
        _judge_sent(verdict, log, report)
        for conversation_id, lines in report.shown.items():
            events = log[conversation_id].events if conversation_id in log else []
            _judge_shown(verdict, report, conversation_id, lines, events)
        for words in report.complaints:
            verdict.blame(words)
        if report.unsent:
            verdict.blame(f"{report.name} could not get rid of {report.unsent} frames")
    return verdict


def _all_rows(store: EventStore) -> list[ConversationRow]:
    return [row for phase in Phase for row in store.rows_in_phase(phase, since=0.0, limit=ALL)]


# --- the log itself -----------------------------------------------------------------------------------------------


def _judge_conversation(verdict: Verdict, conversation_id: str, conversation: Conversation) -> None:
    events = conversation.events
    if [event.seq for event in events] != list(range(1, len(events) + 1)):
        verdict.blame(f"{conversation_id}: seq is not gapless: {[event.seq for event in events]}")
    state = State()
    for event in events:
        try:
            check(state, event.author, event.body)
        except BatonError as exc:
            verdict.blame(f"{conversation_id} seq {event.seq}: the log holds what its rules refuse: {exc.message}")
        if event.epoch != next_epoch(state, event.body):
            verdict.blame(f"{conversation_id} seq {event.seq}: epoch {event.epoch} follows {state.epoch}")
        if event.at < state.updated_at:
            verdict.blame(f"{conversation_id} seq {event.seq}: earlier than what came before")
        state = apply(state, event)
    if state != conversation.state:
        verdict.blame(f"{conversation_id}: the state kept is not the replay of the log")
    for client_id, times in Counter(event.client_id for event in events).items():
        if client_id is not None and times > 1:
            verdict.double(f"{conversation_id}: client_id {client_id} stands {times} times in the log", times - 1)
    answered = Counter(event.body.message_seq for event in events if isinstance(event.body, Understood))
    for seq, times in answered.items():
        if times > 1:
            verdict.double(f"{conversation_id}: the bot answered seq {seq} {times} times", times - 1)


def _judge_texts(verdict: Verdict, log: Log, reports: Sequence[Report]) -> None:
    """Every text stands in the log once at most, and only if somebody said it."""
    said = {text for report in reports for _, text in report.said.values()}
    spoken = (event for conversation in log.values() for event in conversation.events if isinstance(event.body, SPOKEN))
    found: dict[str, list[Event]] = defaultdict(list)
    for event in spoken:
        found[event.body.text].append(event)  # type: ignore[union-attr]
    for text, events in found.items():
        if len({event.client_id for event in events}) > 1 or (events[0].client_id is None and len(events) > 1):
            verdict.double(f"{text[:60]!r} stands in the log at {[e.seq for e in events]}", len(events) - 1)
        if not isinstance(events[0].body, BotMessage) and text not in said:
            verdict.blame(f"{text[:60]!r} stands in the log, and nobody said it")


# --- what a client sent -------------------------------------------------------------------------------------------


def _judge_sent(verdict: Verdict, log: Log, report: Report) -> None:
    recorded = {
        (conversation_id, event.client_id): event
        for conversation_id in {where for where, _ in [*report.said.values(), *report.acknowledged.values()]}
        for event in (log[conversation_id].events if conversation_id in log else [])
    }
    for client_id, (conversation_id, seq) in report.acknowledged.items():
        event = recorded.get((conversation_id, client_id))
        if event is None or event.seq != seq:
            found = f"is at seq {event.seq}" if event else "is not in the log"
            verdict.lose(f"{report.name} was told that {client_id} is at {conversation_id} seq {seq}; it {found}")
    last_seq: dict[str, int] = {}
    for client_id, (conversation_id, text) in report.said.items():
        event = recorded.get((conversation_id, client_id))
        if client_id not in report.acknowledged:
            if event is not None and client_id in report.refused:
                verdict.blame(f"{report.name} was refused {text[:60]!r}, and it is in the log at seq {event.seq}")
            continue
        if event is None:
            continue  # lost, counted above
        if getattr(event.body, "text", None) != text:
            verdict.blame(f"{report.name} said {text[:60]!r}; the log has other words at seq {event.seq}")
        if event.seq < last_seq.get(conversation_id, 0):
            verdict.reorder(f"{report.name} said {text[:60]!r} later than the log has it")
        if client_id not in report.resent:
            last_seq[conversation_id] = max(event.seq, last_seq.get(conversation_id, 0))


# --- what a client shows ------------------------------------------------------------------------------------------


def _judge_shown(
    verdict: Verdict, report: Report, conversation_id: str, lines: Sequence[Line], events: Sequence[Event]
) -> None:
    expected = {
        event.seq: Line(event.seq, kind_of(event.body), getattr(event.body, "text", None), event.client_id)
        for event in events
        if report.sees_private or not isinstance(event.body, PRIVATE_BODIES)
    }
    where = f"{report.name} in {conversation_id}"
    times = Counter(line.seq for line in lines)
    if missing := expected.keys() - times.keys():
        verdict.lose(f"{where} does not show seq {sorted(missing)[:10]}", len(missing))
    if again := {seq: n for seq, n in times.items() if n > 1}:
        verdict.double(f"{where} shows again seq {dict(list(again.items())[:10])}", sum(again.values()) - len(again))
    if late := [after.seq for before, after in pairwise(lines) if after.seq < before.seq]:
        verdict.reorder(f"{where} shows too late seq {late[:10]}", len(late))
    for line in lines:
        if line != expected.get(line.seq):
            verdict.blame(f"{where} shows {line}, the log has {expected.get(line.seq)}")
