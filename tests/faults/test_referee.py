"""The referee sees what it must: made-up logs and lists with one thing wrong each."""

from collections.abc import Callable

import msgspec
import pytest

from handoff.events import (
    BOT,
    SYSTEM,
    AnyBody,
    Author,
    AuthorKind,
    BotMessage,
    ConversationId,
    ConversationStarted,
    Escalated,
    Event,
    OperatorClaimed,
    OperatorMessage,
    Page,
    Reason,
    Understood,
    VisitorMessage,
    kind_of,
)
from handoff.projection import State, apply, next_epoch, replay
from tests.faults.counts import Verdict
from tests.faults.peer import Line, Report
from tests.faults.referee import Conversation, judge

CHAT = ConversationId("chat")
ADA = Author(AuthorKind.VISITOR, "ada")
GRACE = Author(AuthorKind.OPERATOR, "grace", "Grace")

SAID: list[tuple[Author, AnyBody, str | None]] = [
    (ADA, ConversationStarted(Page(), "en", "UTC", ""), None),
    (ADA, VisitorMessage("ada says 1."), "ada-1"),
    (BOT, Understood(2, "greeting", 0.9, []), None),
    (BOT, BotMessage("the bot says 1.", "greeting"), None),
    (SYSTEM, Escalated(Reason.ASKED_FOR_PERSON, "", "", True), "ada-2"),
    (GRACE, OperatorClaimed(), "grace-1"),
    (GRACE, OperatorMessage("grace says 1."), "grace-2"),
    (ADA, VisitorMessage("ada says 2."), "ada-3"),
    (ADA, VisitorMessage("ada says 3."), "ada-4"),
]


def build_log(said: list[tuple[Author, AnyBody, str | None]] = SAID) -> list[Event]:
    events: list[Event] = []
    state = State()
    for author, body, client_id in said:
        event = Event(CHAT, state.head + 1, next_epoch(state, body), 1.0, author, body, client_id)
        state = apply(state, event)
        events.append(event)
    return events


def lines_of(events: list[Event]) -> list[Line]:
    return [Line(e.seq, kind_of(e.body), getattr(e.body, "text", None), e.client_id) for e in events]


class Case:
    """A faultless end of a run, for a test to spoil."""

    def __init__(self) -> None:
        self.events = build_log()
        visible = [event for event in self.events if event.seq not in (1, 3)]
        self.ada = Report("ada", sees_private=False)
        self.ada.said = {f"ada-{n}": (CHAT, f"ada says {text}.") for n, text in ((1, 1), (3, 2), (4, 3))}
        self.ada.acknowledged = {"ada-1": (CHAT, 2), "ada-2": (CHAT, 5), "ada-3": (CHAT, 8), "ada-4": (CHAT, 9)}
        self.ada.shown = {CHAT: lines_of(visible)}
        self.grace = Report("grace", sees_private=True)
        self.grace.said = {"grace-2": (CHAT, "grace says 1.")}
        self.grace.acknowledged = {"grace-1": (CHAT, 6), "grace-2": (CHAT, 7)}
        self.grace.shown = {CHAT: lines_of(self.events)}

    def judge(self, state: State | None = None) -> tuple[int, int, int, int]:
        self.verdict = judge({CHAT: Conversation(self.events, state or replay(self.events))}, [self.ada, self.grace])
        verdict: Verdict = self.verdict
        return verdict.lost, verdict.doubled, verdict.reordered, verdict.wrong


@pytest.fixture
def case() -> Case:
    case = Case()
    assert case.judge() == (0, 0, 0, 0)
    assert case.verdict.is_clean
    return case


def test_acknowledged_message_that_is_not_in_the_log_is_lost(case: Case) -> None:
    case.events = build_log(SAID[:-1])
    case.ada.shown[CHAT].pop()
    case.grace.shown[CHAT].pop()
    assert case.judge() == (1, 0, 0, 0)
    assert "ada was told that ada-4 is at chat seq 9; it is not in the log" in case.verdict.evidence[0]
    assert not case.verdict.is_clean


def test_whole_conversation_that_is_gone_is_lost(case: Case) -> None:
    verdict = judge({}, [case.ada])
    assert verdict.lost == 4
    assert verdict.wrong == 7  # and everything that is shown never happened


def test_acknowledgement_with_another_seq_is_lost(case: Case) -> None:
    case.ada.acknowledged["ada-3"] = (CHAT, 7)
    assert case.judge() == (1, 0, 0, 0)


def test_message_that_a_client_never_saw_is_lost(case: Case) -> None:
    del case.ada.shown[CHAT][4]
    assert case.judge() == (1, 0, 0, 0)
    assert "ada in chat does not show seq [7]" in case.verdict.evidence[0]


def test_text_that_was_recorded_twice_is_doubled(case: Case) -> None:
    case.events = build_log([*SAID, (ADA, VisitorMessage("ada says 3."), "ada-5")])
    for report in (case.ada, case.grace):
        report.shown[CHAT] += lines_of(case.events[-1:])
    assert case.judge() == (0, 1, 0, 0)


def test_resend_that_was_recorded_again_is_doubled(case: Case) -> None:
    case.events = build_log([*SAID, (GRACE, OperatorMessage("grace says 1."), "grace-2")])
    for report in (case.ada, case.grace):
        report.shown[CHAT] += lines_of(case.events[-1:])
    lost, doubled, _, _ = case.judge()
    assert doubled == 1
    assert lost == 1  # and the acknowledgement does not fit any more


def test_bot_that_answers_twice_is_doubled(case: Case) -> None:
    again = [(BOT, Understood(2, "greeting", 0.9, []), None), (BOT, BotMessage("the bot says 2.", "greeting"), None)]
    case.events = build_log([*SAID[:4], *again])
    case.ada = Report("ada", sees_private=False, said={"ada-1": (CHAT, "ada says 1.")})
    case.grace = Report("grace", sees_private=True)
    assert case.judge() == (0, 1, 0, 1)  # wrong as well: the log's own rules refuse it


def test_line_that_is_shown_twice_is_doubled(case: Case) -> None:
    case.grace.shown[CHAT].append(case.grace.shown[CHAT][-1])
    assert case.judge() == (0, 1, 0, 0)
    assert case.judge() == (0, 1, 0, 0)


def test_lines_in_another_order_are_reordered(case: Case) -> None:
    lines = case.ada.shown[CHAT]
    lines[-1], lines[-2] = lines[-2], lines[-1]
    assert case.judge() == (0, 0, 1, 0)


def test_log_in_another_order_than_it_was_said_is_reordered(case: Case) -> None:
    case.ada.said = dict(reversed(case.ada.said.items()))
    assert case.judge()[2] == 2
    case.ada.resent = {"ada-4", "ada-3"}  # refused at first, by a log that could not be written
    assert case.judge() == (0, 0, 0, 0)


def refuse(case: Case) -> None:
    del case.ada.acknowledged["ada-4"]
    case.ada.refused["ada-4"] = "stale_epoch"


def show_what_never_happened(case: Case) -> None:
    line = case.ada.shown[CHAT][-1]
    case.ada.shown[CHAT][-1] = line._replace(text="ada says 4.")


def leave_a_gap(case: Case) -> None:
    case.events[-1] = msgspec.structs.replace(case.events[-1], seq=10)
    case.ada.acknowledged["ada-4"] = (CHAT, 10)
    for report in (case.ada, case.grace):
        report.shown[CHAT][-1] = report.shown[CHAT][-1]._replace(seq=10)


def raise_no_epoch(case: Case) -> None:
    case.events = [msgspec.structs.replace(event, epoch=0) if event.seq < 6 else event for event in case.events]


def let_two_speak(case: Case) -> None:
    alan = Author(AuthorKind.OPERATOR, "alan", "Alan")
    case.events[6] = msgspec.structs.replace(case.events[6], author=alan)


def say_what_nobody_said(case: Case) -> None:
    del case.grace.said["grace-2"]


def complain(case: Case) -> None:
    case.ada.complaints.append("ada was sent away for good")


def keep_something_back(case: Case) -> None:
    case.ada.unsent = 1


@pytest.mark.parametrize(
    "spoil",
    [
        refuse,
        show_what_never_happened,
        leave_a_gap,
        raise_no_epoch,
        let_two_speak,
        say_what_nobody_said,
        complain,
        keep_something_back,
    ],
)
def test_everything_else_is_wrong(case: Case, spoil: Callable[[Case], None]) -> None:
    spoil(case)
    lost, doubled, reordered, wrong = case.judge()
    assert (lost, doubled, reordered) == (0, 0, 0)
    assert wrong >= 1


def test_state_that_is_not_the_replay_of_the_log_is_wrong(case: Case) -> None:
    assert case.judge(replay(case.events[:-1])) == (0, 0, 0, 1)


def test_message_that_was_never_acknowledged_may_be_recorded_or_not(case: Case) -> None:
    del case.ada.acknowledged["ada-4"]
    assert case.judge() == (0, 0, 0, 0)
    case.events = build_log(SAID[:-1])
    case.ada.shown[CHAT].pop()
    case.grace.shown[CHAT].pop()
    assert case.judge() == (0, 0, 0, 0)
