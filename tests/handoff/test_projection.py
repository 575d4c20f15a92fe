"""What the state is, and what may happen in it: tables over phases, kinds and authors."""

import msgspec
import pytest

from handoff.errors import BatonError, ConversationClosed, FloorRefused
from handoff.events import (
    FLOOR_BODIES,
    AnyBody,
    ArticleChosen,
    ArticleShown,
    Author,
    AuthorKind,
    BotMessage,
    ChatRated,
    ClarificationOffered,
    ContactLeft,
    ConversationStarted,
    Escalated,
    Event,
    FeedbackGiven,
    NoteAdded,
    OperatorClaimed,
    OperatorMessage,
    OperatorReleased,
    Page,
    QuestionUnanswered,
    Reason,
    Reopened,
    Resolved,
    ReturnedToBot,
    Transferred,
    Understood,
    VisitorMessage,
    kind_of,
)
from handoff.projection import EXCERPT_MAX_CHARS, Phase, State, apply, check, next_epoch, replay
from tests.handoff.cast import BODIES, BY_ALAN, BY_BOT, BY_GRACE, BY_SYSTEM, BY_VISITOR, example

STARTED_AT = 1_000.0


class Log:
    """A conversation made of events, as the store would make it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.state = State()
        self.happens(BY_VISITOR, example(ConversationStarted))

    def happens(self, author: Author, body: AnyBody, *, at: float | None = None) -> State:
        check(self.state, author, body)
        moment = STARTED_AT + len(self.events) if at is None else at
        event = Event("c1", self.state.head + 1, next_epoch(self.state, body), moment, author, body)
        self.events.append(event)
        self.state = apply(self.state, event)
        return self.state


def log_in(phase: Phase) -> Log:
    """Make a conversation in a phase; an operator's is held by Grace."""
    log = Log()
    log.happens(BY_VISITOR, VisitorMessage("Hello?"))
    if phase in (Phase.QUEUE, Phase.OPERATOR, Phase.RESOLVED):
        log.happens(BY_SYSTEM, example(Escalated))
    if phase in (Phase.OPERATOR, Phase.RESOLVED):
        log.happens(BY_GRACE, OperatorClaimed())
    if phase is Phase.RESOLVED:
        log.happens(BY_GRACE, Resolved())
    assert log.state.phase is phase
    return log


ALLOWED = "allowed"
REFUSED = FloorRefused
CLOSED = ConversationClosed

# For each floor event: what becomes of it in the phases bot, queue, operator (held by Grace) and resolved.
FLOOR_TABLE: list[tuple[Author, AnyBody, tuple[object, object, object, object]]] = [
    (BY_SYSTEM, example(Escalated), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(Escalated), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, example(Escalated), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, example(Escalated), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, OperatorClaimed(), (ALLOWED, ALLOWED, REFUSED, CLOSED)),
    (BY_ALAN, OperatorClaimed(), (ALLOWED, ALLOWED, REFUSED, CLOSED)),
    (BY_BOT, OperatorClaimed(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, OperatorClaimed(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_SYSTEM, OperatorClaimed(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, OperatorReleased(is_lapse=False), (REFUSED, REFUSED, ALLOWED, CLOSED)),
    (BY_ALAN, OperatorReleased(is_lapse=False), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_SYSTEM, OperatorReleased(is_lapse=True), (REFUSED, REFUSED, ALLOWED, CLOSED)),
    (BY_BOT, OperatorReleased(is_lapse=False), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, OperatorReleased(is_lapse=False), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, example(Transferred), (REFUSED, REFUSED, ALLOWED, CLOSED)),
    (BY_ALAN, example(Transferred), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(Transferred), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, example(Transferred), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, ReturnedToBot(), (REFUSED, ALLOWED, ALLOWED, CLOSED)),
    (BY_ALAN, ReturnedToBot(), (REFUSED, ALLOWED, REFUSED, CLOSED)),
    (BY_BOT, ReturnedToBot(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, ReturnedToBot(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, Resolved(), (ALLOWED, ALLOWED, ALLOWED, CLOSED)),
    (BY_ALAN, Resolved(), (ALLOWED, ALLOWED, REFUSED, CLOSED)),
    (BY_BOT, Resolved(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, Resolved(), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, Reopened(), (REFUSED, REFUSED, REFUSED, ALLOWED)),
    (BY_BOT, Reopened(), (REFUSED, REFUSED, REFUSED, REFUSED)),
]
FLOOR_CASES = [
    pytest.param(
        phase, author, body, outcome, id=f"{kind_of(body)}-by-{author.name or author.kind.value}-in-{phase.value}"
    )
    for author, body, outcomes in FLOOR_TABLE
    for phase, outcome in zip(Phase, outcomes, strict=True)
]


def outcome_of(state: State, author: Author, body: AnyBody) -> object:
    try:
        check(state, author, body)
    except BatonError as exc:
        return type(exc)
    return ALLOWED


def test_floor_table_has_every_floor_event_by_every_kind_of_author_that_could_try() -> None:
    assert {type(body) for _, body, _ in FLOOR_TABLE} == set(FLOOR_BODIES)


@pytest.mark.parametrize(("phase", "author", "body", "outcome"), FLOOR_CASES)
def test_floor_passes_only_where_the_table_says(phase: Phase, author: Author, body: AnyBody, outcome: object) -> None:
    assert outcome_of(log_in(phase).state, author, body) == outcome


@pytest.mark.parametrize(("phase", "author", "body", "outcome"), [c for c in FLOOR_CASES if c.values[3] is ALLOWED])
def test_floor_event_raises_the_epoch_by_exactly_one(
    phase: Phase, author: Author, body: AnyBody, outcome: object
) -> None:
    log = log_in(phase)
    before = log.state.epoch
    assert log.happens(author, body).epoch == before + 1


SPEECH_TABLE: list[tuple[Author, AnyBody, tuple[object, object, object, object]]] = [
    (BY_VISITOR, example(VisitorMessage), (ALLOWED, ALLOWED, ALLOWED, CLOSED)),
    (BY_VISITOR, example(FeedbackGiven), (ALLOWED, ALLOWED, ALLOWED, CLOSED)),
    (BY_VISITOR, example(ContactLeft), (ALLOWED, ALLOWED, ALLOWED, CLOSED)),
    (BY_VISITOR, example(ChatRated), (ALLOWED, ALLOWED, ALLOWED, ALLOWED)),
    (BY_BOT, example(Understood), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(BotMessage), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(ArticleShown), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(ClarificationOffered), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(QuestionUnanswered), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_BOT, example(FeedbackGiven), (ALLOWED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, example(OperatorMessage), (REFUSED, REFUSED, ALLOWED, CLOSED)),
    (BY_ALAN, example(OperatorMessage), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_VISITOR, example(OperatorMessage), (REFUSED, REFUSED, REFUSED, CLOSED)),
    (BY_GRACE, example(NoteAdded), (ALLOWED, ALLOWED, ALLOWED, ALLOWED)),
    (BY_ALAN, example(NoteAdded), (ALLOWED, ALLOWED, ALLOWED, ALLOWED)),
]
SPEECH_CASES = [
    pytest.param(
        phase, author, body, outcome, id=f"{kind_of(body)}-by-{author.name or author.kind.value}-in-{phase.value}"
    )
    for author, body, outcomes in SPEECH_TABLE
    for phase, outcome in zip(Phase, outcomes, strict=True)
]


@pytest.mark.parametrize(("phase", "author", "body", "outcome"), SPEECH_CASES)
def test_only_the_floors_holder_speaks(phase: Phase, author: Author, body: AnyBody, outcome: object) -> None:
    assert outcome_of(log_in(phase).state, author, body) == outcome


@pytest.mark.parametrize(("phase", "author", "body", "outcome"), [c for c in SPEECH_CASES if c.values[3] is ALLOWED])
def test_speech_leaves_epoch_phase_and_holder_alone(
    phase: Phase, author: Author, body: AnyBody, outcome: object
) -> None:
    log = log_in(phase)
    before = log.state
    after = log.happens(author, body)
    assert (after.epoch, after.phase, after.operator_id) == (before.epoch, before.phase, before.operator_id)
    assert after.head == before.head + 1


@pytest.mark.parametrize("body", BODIES, ids=kind_of)
def test_every_kind_passes_through_the_fold(body: AnyBody) -> None:
    event = Event("c1", 1, next_epoch(State(), body), 5.0, BY_GRACE, body)
    state = apply(State(), event)
    assert (state.head, state.updated_at) == (1, 5.0)
    assert state.epoch == (1 if isinstance(body, FLOOR_BODIES) else 0)
    stored = msgspec.json.decode(msgspec.json.encode(state), type=State)
    assert stored == state


def test_replay_of_a_whole_log_is_the_state_folded_event_by_event() -> None:
    log = log_in(Phase.RESOLVED)
    log.happens(BY_VISITOR, Reopened())
    log.happens(BY_VISITOR, VisitorMessage("One more thing"))
    assert len(log.events) == 7
    assert replay(log.events) == log.state


def test_first_event_tells_language_timezone_and_page() -> None:
    body = ConversationStarted(Page("https://a.example", "A", ""), "es", "America/Lima", "Browser/1.0")
    state = apply(State(), Event("c1", 1, 0, 77.0, BY_VISITOR, body))
    assert (state.language, state.timezone, state.page, state.started_at) == ("es", "America/Lima", body.page, 77.0)


# --- holder and queue ---------------------------------------------------------------------------------------------


def test_claim_makes_its_author_the_holder() -> None:
    state = log_in(Phase.OPERATOR).state
    assert (state.operator_id, state.operator_name) == (BY_GRACE.id, BY_GRACE.name)


def test_transfer_makes_the_colleague_the_holder() -> None:
    state = log_in(Phase.OPERATOR).happens(BY_GRACE, Transferred("op-alan", "Alan"))
    assert (state.phase, state.operator_id, state.operator_name) == (Phase.OPERATOR, "op-alan", "Alan")


@pytest.mark.parametrize("body", [OperatorReleased(is_lapse=False), ReturnedToBot(), Resolved()], ids=kind_of)
def test_end_of_a_hold_leaves_no_holder(body: AnyBody) -> None:
    log = log_in(Phase.OPERATOR)
    assert log.state.operator_id is not None
    after = log.happens(BY_GRACE, body)
    assert (after.operator_id, after.operator_name) == (None, None)


def test_release_keeps_the_visitors_place_in_the_queue() -> None:
    log = log_in(Phase.QUEUE)
    waiting_since = log.state.queued_at
    assert waiting_since is not None
    log.happens(BY_GRACE, OperatorClaimed(), at=5_000.0)
    after = log.happens(BY_GRACE, OperatorReleased(is_lapse=False), at=6_000.0)
    assert (after.phase, after.queued_at) == (Phase.QUEUE, waiting_since)


def test_release_of_a_chat_that_never_queued_waits_since_its_start() -> None:
    log = log_in(Phase.BOT)
    assert log.state.queued_at is None
    log.happens(BY_GRACE, OperatorClaimed())
    assert log.happens(BY_GRACE, OperatorReleased(is_lapse=True)).queued_at == STARTED_AT


def test_escalation_tells_reason_and_time() -> None:
    log = log_in(Phase.BOT)
    state = log.happens(BY_SYSTEM, Escalated(Reason.FRUSTRATED, "", "", False), at=3_000.0)
    assert (state.phase, state.reason, state.queued_at) == (Phase.QUEUE, Reason.FRUSTRATED, 3_000.0)


@pytest.mark.parametrize(("phase", "author", "body"), [
    (Phase.OPERATOR, BY_GRACE, ReturnedToBot()),
    (Phase.RESOLVED, BY_VISITOR, Reopened()),
])  # fmt: skip
def test_bot_starts_afresh(phase: Phase, author: Author, body: AnyBody) -> None:
    log = Log()
    for _ in range(2):
        log.happens(BY_BOT, example(QuestionUnanswered))
        log.happens(BY_BOT, FeedbackGiven(2, False))
    assert (log.state.unsure_in_a_row, log.state.unhelpful_in_a_row) == (2, 2)
    log.happens(BY_SYSTEM, example(Escalated))
    log.happens(BY_GRACE, OperatorClaimed())
    if phase is Phase.RESOLVED:
        log.happens(BY_GRACE, Resolved())
    state = log.happens(author, body)
    assert (state.phase, state.queued_at, state.reason, state.resolved_at) == (Phase.BOT, None, None, None)
    assert (state.unsure_in_a_row, state.unhelpful_in_a_row, state.unanswered) == (0, 0, ())


def test_resolving_tells_when() -> None:
    assert log_in(Phase.OPERATOR).happens(BY_GRACE, Resolved(), at=9_000.0).resolved_at == 9_000.0


# --- what the bot owes --------------------------------------------------------------------------------------------


def test_messages_are_owed_until_a_reading_covers_them() -> None:
    log = Log()
    for text in ("one", "two", "three"):
        log.happens(BY_VISITOR, VisitorMessage(text))
    assert log.state.unanswered == (2, 3, 4)
    reading = example(Understood)
    assert log.happens(BY_BOT, msgspec.structs.replace(reading, message_seq=3)).unanswered == (4,)
    assert log.happens(BY_BOT, msgspec.structs.replace(reading, message_seq=4)).unanswered == ()


def test_chosen_article_and_pressed_no_are_owed_a_reply() -> None:
    log = Log()
    log.happens(BY_VISITOR, example(ArticleChosen))
    log.happens(BY_VISITOR, FeedbackGiven(2, False))
    assert log.state.unanswered == (2, 3)


def test_yes_and_a_no_in_words_are_owed_nothing() -> None:
    log = Log()
    log.happens(BY_VISITOR, FeedbackGiven(1, True))
    log.happens(BY_BOT, FeedbackGiven(1, False))
    assert log.state.unanswered == ()
    assert log.state.unhelpful_in_a_row == 1


@pytest.mark.parametrize("phase", [Phase.QUEUE, Phase.OPERATOR])
def test_bot_owes_nothing_while_people_have_the_floor(phase: Phase) -> None:
    log = log_in(phase)
    log.happens(BY_VISITOR, VisitorMessage("Still there?"))
    assert log.state.unanswered == ()


@pytest.mark.parametrize(("author", "body"), [
    (BY_SYSTEM, example(Escalated)), (BY_GRACE, OperatorClaimed()), (BY_GRACE, Resolved()),
])  # fmt: skip
def test_passing_the_floor_clears_what_the_bot_owed(author: Author, body: AnyBody) -> None:
    log = log_in(Phase.BOT)
    assert log.state.unanswered == (2,)
    assert log.happens(author, body).unanswered == ()


# --- counts, contact, last words ----------------------------------------------------------------------------------


def test_article_ends_a_row_of_unsure_and_yes_ends_a_row_of_no() -> None:
    log = Log()
    log.happens(BY_BOT, example(QuestionUnanswered))
    log.happens(BY_BOT, FeedbackGiven(1, False))
    assert (log.state.unsure_in_a_row, log.state.unhelpful_in_a_row) == (1, 1)
    after = log.happens(BY_BOT, example(ArticleShown))
    assert (after.unsure_in_a_row, after.unhelpful_in_a_row, after.last_article_seq) == (0, 1, after.head)
    assert log.happens(BY_VISITOR, FeedbackGiven(after.head, True)).unhelpful_in_a_row == 0


def test_contact_keeps_what_was_given_before() -> None:
    log = Log()
    log.happens(BY_VISITOR, ContactLeft("Ada", "ada@example.com", ""))
    state = log.happens(BY_VISITOR, ContactLeft("", "ada@work.example", ""))
    assert (state.visitor_name, state.visitor_email) == ("Ada", "ada@work.example")


def test_later_rating_replaces_the_earlier() -> None:
    log = log_in(Phase.RESOLVED)
    log.happens(BY_VISITOR, ChatRated(2, ""))
    assert log.happens(BY_VISITOR, ChatRated(5, "")).rating == 5


def test_last_words_are_cut_and_never_private() -> None:
    log = Log()
    log.happens(BY_VISITOR, VisitorMessage("x" * 500))
    assert log.state.last is not None
    assert len(log.state.last.text) == EXCERPT_MAX_CHARS
    log.happens(BY_GRACE, NoteAdded("the secret"))
    assert log.state.last.author_kind is AuthorKind.VISITOR
    assert log.happens(BY_BOT, example(ArticleShown)).last.text == "How refunds work"
