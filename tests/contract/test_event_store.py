"""What every event store guarantees: gapless, all or nothing, once per client_id, a state that is the log's replay."""

import msgspec
import pytest

from handoff.errors import BatonError, ConversationClosed, FloorRefused, NotFound, StaleEpoch, StoreFailed
from handoff.events import (
    FLOOR_BODIES,
    AnyBody,
    Author,
    BotMessage,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    Event,
    NoteAdded,
    OperatorClaimed,
    OperatorId,
    OperatorMessage,
    OperatorReleased,
    Reopened,
    Resolved,
    ReturnedToBot,
    Transferred,
    Understood,
    VisitorId,
    VisitorMessage,
    kind_of,
)
from handoff.ports import Appended, EventStore
from handoff.projection import Phase, State, replay
from tests.conftest import Clock
from tests.contract.backends import SqliteBackend, StoreBackend
from tests.handoff.cast import (
    BODIES,
    BY_ALAN,
    BY_BOT,
    BY_GRACE,
    BY_SYSTEM,
    BY_VISITOR,
    at_once,
    example,
    kinds_of,
)

DAY_S = 86_400.0
STARTED = Draft(BY_VISITOR, example(ConversationStarted))


def message(text: str, client_id: str | None = None) -> Draft:
    return Draft(BY_VISITOR, VisitorMessage(text), client_id)


def open_for(store: EventStore, visitor: str = "visitor-ada") -> ConversationId:
    return store.open_conversation(VisitorId(visitor), STARTED, reopen_window_s=DAY_S)


def log_of(store: EventStore, conversation_id: ConversationId) -> list[Event]:
    return store.read(conversation_id, after_seq=0, limit=10_000)


def state_of(store: EventStore, conversation_id: ConversationId) -> State:
    row = store.row(conversation_id)
    assert row is not None
    return row.state


def snapshot(store: EventStore, conversation_id: ConversationId) -> tuple[list[Event], State]:
    return log_of(store, conversation_id), state_of(store, conversation_id)


def reach(store: EventStore, conversation_id: ConversationId, phase: Phase) -> None:
    """Bring a fresh conversation into a phase; an operator's is held by Grace."""
    steps = {
        Phase.BOT: [],
        Phase.QUEUE: [Draft(BY_SYSTEM, example(Escalated))],
        Phase.OPERATOR: [Draft(BY_GRACE, OperatorClaimed())],
        Phase.RESOLVED: [Draft(BY_GRACE, Resolved())],
    }
    if steps[phase]:
        store.append(conversation_id, steps[phase])
    assert state_of(store, conversation_id).phase is phase


@pytest.fixture
def chat(store: EventStore) -> ConversationId:
    return open_for(store)


# --- order --------------------------------------------------------------------------------------------------------


def test_seq_is_gapless_from_one_in_each_conversation(store: EventStore, chat: ConversationId) -> None:
    other = open_for(store, "visitor-bob")
    for number in range(5):
        store.append(chat, [message(f"{number}")])
        store.append(other, [message("a"), message("b")])
    assert [event.seq for event in log_of(store, chat)] == list(range(1, 7))
    assert [event.seq for event in log_of(store, other)] == list(range(1, 12))


def test_appends_at_once_are_gapless_and_lose_nothing(store: EventStore, chat: ConversationId) -> None:
    outcomes = at_once(*(lambda n=n: store.append(chat, [message(f"{n}")]) for n in range(300)))
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    log = log_of(store, chat)
    assert [event.seq for event in log] == list(range(1, 302))
    assert {event.body.text for event in log[1:]} == {str(n) for n in range(300)}
    assert sorted((outcome.events[0] for outcome in outcomes), key=lambda event: event.seq) == log[1:]


def test_drafts_of_one_append_stay_together_beside_others(store: EventStore, chat: ConversationId) -> None:
    at_once(*(lambda n=n: store.append(chat, [message(f"{n}a"), message(f"{n}b")]) for n in range(50)))
    texts = [event.body.text for event in log_of(store, chat)[1:]]
    assert all(first[:-1] == second[:-1] for first, second in zip(texts[::2], texts[1::2], strict=True))


def test_events_come_back_as_they_were_recorded(store: EventStore, chat: ConversationId, clock: Clock) -> None:
    clock.tick(12.5)
    author = Author(BY_GRACE.kind, "op-grace", "Grace 👩‍💻")
    body = NoteAdded("line one\nline two “quoted” \\ 'x' 漢字 😀")
    appended = store.append(chat, [Draft(author, body, "note-1234")])
    (event,) = store.read(chat, after_seq=1, limit=10)
    assert event == Event(chat, 2, 0, clock(), author, body, "note-1234")
    assert appended == Appended([event], state_of(store, chat), is_repeat=False)


def test_clock_that_jumps_back_does_not_take_the_log_with_it(
    store: EventStore, chat: ConversationId, clock: Clock
) -> None:
    store.append(chat, [message("before")])
    clock.tick(-3600)
    store.append(chat, [message("after")])
    times = [event.at for event in log_of(store, chat)]
    assert times == sorted(times)


# --- once per client_id -------------------------------------------------------------------------------------------


def test_second_append_with_a_client_id_gives_the_first_event_and_records_nothing(
    store: EventStore, chat: ConversationId
) -> None:
    first = store.append(chat, [message("Hello", "ada-posts-1")])
    store.append(chat, [message("More", "ada-posts-2")])
    before = snapshot(store, chat)
    again = store.append(chat, [message("Hello, changed", "ada-posts-1")])
    assert again == Appended(first.events, before[1], is_repeat=True)
    assert snapshot(store, chat) == before


def test_client_id_counts_in_its_own_conversation_only(store: EventStore, chat: ConversationId) -> None:
    other = open_for(store, "visitor-bob")
    outcomes = [store.append(each, [message("Hello", "the-same-id")]) for each in (chat, other)]
    assert [outcome.is_repeat for outcome in outcomes] == [False, False]


def test_one_client_id_sent_many_times_at_once_is_recorded_once(store: EventStore, chat: ConversationId) -> None:
    outcomes = at_once(*(lambda: store.append(chat, [message("Hello", "ada-posts-1")]) for _ in range(20)))
    assert [outcome.is_repeat for outcome in outcomes].count(False) == 1
    assert len({outcome.events[0].seq for outcome in outcomes}) == 1
    assert kinds_of(log_of(store, chat)) == ["conversation_started", "visitor_message"]


def test_resend_is_granted_whatever_has_happened_to_the_floor_since(store: EventStore, chat: ConversationId) -> None:
    claim = Draft(BY_GRACE, OperatorClaimed(), "grace-claims-1")
    first = store.append(chat, [claim], expected_epoch=0)
    store.append(chat, [Draft(BY_GRACE, Resolved())])
    again = store.append(chat, [claim], expected_epoch=0)
    assert (again.events, again.is_repeat) == (first.events, True)


def test_resend_of_several_drafts_records_none_of_them_again(store: EventStore, chat: ConversationId) -> None:
    drafts = [message("no", "ada-says-no-1"), Draft(BY_SYSTEM, example(Escalated))]
    store.append(chat, drafts)
    before = snapshot(store, chat)
    assert store.append(chat, drafts).is_repeat
    assert snapshot(store, chat) == before


# --- refusals leave no trace --------------------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [0, 2, 99])
def test_stale_epoch_is_refused_and_leaves_no_trace(store: EventStore, chat: ConversationId, epoch: int) -> None:
    reach(store, chat, Phase.QUEUE)
    before = snapshot(store, chat)
    assert before[1].epoch == 1
    with pytest.raises(StaleEpoch) as refusal:
        store.append(chat, [Draft(BY_GRACE, OperatorClaimed(), "grace-claims-1")], expected_epoch=epoch)
    assert refusal.value.epoch == 1
    assert snapshot(store, chat) == before
    assert not store.append(chat, [Draft(BY_GRACE, OperatorClaimed(), "grace-claims-1")], expected_epoch=1).is_repeat


REFUSED: list[tuple[Phase, Author, AnyBody, type[BatonError]]] = [
    (Phase.BOT, BY_GRACE, OperatorMessage("hi"), FloorRefused),
    (Phase.QUEUE, BY_BOT, BotMessage("hi", "greeting"), FloorRefused),
    (Phase.OPERATOR, BY_ALAN, OperatorMessage("hi"), FloorRefused),
    (Phase.OPERATOR, BY_ALAN, OperatorClaimed(), FloorRefused),
    (Phase.RESOLVED, BY_VISITOR, VisitorMessage("hi"), ConversationClosed),
    (Phase.RESOLVED, BY_BOT, BotMessage("hi", "greeting"), ConversationClosed),
]


@pytest.mark.parametrize(("phase", "author", "body", "error"), REFUSED)
def test_draft_that_the_rules_refuse_leaves_no_trace(
    store: EventStore, chat: ConversationId, phase: Phase, author: Author, body: AnyBody, error: type[BatonError]
) -> None:
    reach(store, chat, phase)
    before = snapshot(store, chat)
    with pytest.raises(error):
        store.append(chat, [Draft(author, body)])
    assert snapshot(store, chat) == before


def test_several_drafts_are_recorded_all_or_none(store: EventStore, chat: ConversationId) -> None:
    good = [message("one", "ada-posts-1"), Draft(BY_SYSTEM, example(Escalated))]
    before = snapshot(store, chat)
    with pytest.raises(FloorRefused):
        store.append(chat, [*good, Draft(BY_BOT, BotMessage("too late", "greeting"))])
    assert snapshot(store, chat) == before
    assert [event.seq for event in store.append(chat, good).events] == [2, 3]


def test_refused_append_does_not_take_its_neighbours_with_it(store: EventStore, chat: ConversationId) -> None:
    outcomes = at_once(
        lambda: store.append(chat, [message("one")]),
        lambda: store.append(chat, [Draft(BY_GRACE, OperatorMessage("not mine"))]),
        lambda: store.append(chat, [message("stale")], expected_epoch=7),
        lambda: store.append(ConversationId("c-nobody"), [message("lost")]),
        lambda: store.append(chat, [message("two")]),
    )
    assert [type(outcome) for outcome in outcomes] == [Appended, FloorRefused, StaleEpoch, NotFound, Appended]
    assert sorted(event.body.text for event in log_of(store, chat)[1:]) == ["one", "two"]


def test_unknown_conversation_is_not_found(store: EventStore, chat: ConversationId) -> None:
    unknown = ConversationId("c-nobody")
    with pytest.raises(NotFound):
        store.append(unknown, [message("Hello")])
    assert store.row(unknown) is None
    assert store.read(unknown, after_seq=0, limit=10) == []


# --- the state is the replay --------------------------------------------------------------------------------------

# For each kind: the phase in which it is possible, and by whom.
KIND_STEPS: dict[str, tuple[Phase, Author]] = {
    "conversation_started": (Phase.BOT, BY_VISITOR),
    "visitor_message": (Phase.BOT, BY_VISITOR),
    "understood": (Phase.BOT, BY_BOT),
    "bot_message": (Phase.BOT, BY_BOT),
    "detail_asked": (Phase.BOT, BY_BOT),
    "article_shown": (Phase.BOT, BY_BOT),
    "clarification_offered": (Phase.BOT, BY_BOT),
    "article_chosen": (Phase.BOT, BY_VISITOR),
    "question_unanswered": (Phase.BOT, BY_BOT),
    "feedback_given": (Phase.BOT, BY_VISITOR),
    "escalated": (Phase.BOT, BY_SYSTEM),
    "operator_claimed": (Phase.QUEUE, BY_GRACE),
    "operator_released": (Phase.OPERATOR, BY_GRACE),
    "transferred": (Phase.OPERATOR, BY_GRACE),
    "returned_to_bot": (Phase.OPERATOR, BY_GRACE),
    "resolved": (Phase.OPERATOR, BY_GRACE),
    "reopened": (Phase.RESOLVED, BY_VISITOR),
    "operator_message": (Phase.OPERATOR, BY_GRACE),
    "note_added": (Phase.QUEUE, BY_ALAN),
    "contact_left": (Phase.QUEUE, BY_VISITOR),
    "chat_rated": (Phase.RESOLVED, BY_VISITOR),
}


@pytest.mark.parametrize("body", BODIES, ids=kind_of)
def test_state_before_and_the_new_event_make_the_state_that_is_fetched_afresh(
    backend: StoreBackend, store: EventStore, chat: ConversationId, body: AnyBody
) -> None:
    phase, author = KIND_STEPS[kind_of(body)]
    reach(store, chat, phase)
    if isinstance(body, Understood):
        body = msgspec.structs.replace(body, message_seq=store.append(chat, [message("Well?")]).state.head)
    epoch = state_of(store, chat).epoch
    appended = store.append(chat, [Draft(author, body, "the-new-event")])
    assert appended.state == state_of(store, chat) == replay(log_of(store, chat))
    assert appended.state.epoch == epoch + isinstance(body, FLOOR_BODIES)
    backend.close()
    again = backend.open()
    assert log_of(again, chat)[-1] == appended.events[0]
    assert state_of(again, chat) == appended.state


# --- reading ------------------------------------------------------------------------------------------------------


def test_log_is_read_in_pages(store: EventStore, chat: ConversationId) -> None:
    store.append(chat, [message(f"{n}") for n in range(24)])
    seen: list[int] = []
    while page := store.read(chat, after_seq=seen[-1] if seen else 0, limit=10):
        assert len(page) <= 10
        seen += [event.seq for event in page]
    assert seen == list(range(1, 26))
    assert store.read(chat, after_seq=25, limit=10) == []
    assert store.read(chat, after_seq=2**53, limit=10) == []


def test_open_conversation_gives_the_same_one_until_it_is_long_over(
    store: EventStore, chat: ConversationId, clock: Clock
) -> None:
    visitor = VisitorId("visitor-ada")
    assert open_for(store) == chat
    store.append(chat, [Draft(BY_GRACE, Resolved())])
    clock.tick(DAY_S - 1)
    assert open_for(store) == chat
    clock.tick(2)
    assert store.current_conversation(visitor, reopen_window_s=DAY_S) is None
    assert store.count_of_visitor(visitor) == 1
    later = open_for(store)
    assert later != chat
    assert store.count_of_visitor(visitor) == 2
    current = store.current_conversation(visitor, reopen_window_s=DAY_S)
    assert current is not None
    assert (current.conversation_id, current.number, current.visitor_id) == (later, 2, visitor)


def test_opening_many_times_at_once_opens_one(store: EventStore) -> None:
    opened = at_once(*(lambda: open_for(store) for _ in range(20)))
    assert len(set(opened)) == 1
    assert store.count_of_visitor(VisitorId("visitor-ada")) == 1
    assert kinds_of(log_of(store, opened[0])) == ["conversation_started"]


def test_conversations_have_rising_short_numbers_and_ids_that_cannot_be_guessed(store: EventStore) -> None:
    chats = [open_for(store, f"visitor-{n}") for n in range(5)]
    rows = [store.row(chat) for chat in chats]
    assert [row.number for row in rows if row] == [1, 2, 3, 4, 5]
    assert min(len(chat) for chat in chats) >= 16


def test_queue_is_listed_oldest_wait_first_also_after_a_release(store: EventStore, clock: Clock) -> None:
    chats = []
    for number in range(3):
        chats.append(open_for(store, f"visitor-{number}"))
        store.append(chats[-1], [Draft(BY_SYSTEM, example(Escalated))])
        clock.tick(60)
    store.append(chats[0], [Draft(BY_GRACE, OperatorClaimed())])
    listed = [row.conversation_id for row in store.rows_in_phase(Phase.QUEUE, since=0.0, limit=10)]
    assert listed == chats[1:]
    store.append(chats[0], [Draft(BY_SYSTEM, OperatorReleased(is_lapse=True))])
    listed = [row.conversation_id for row in store.rows_in_phase(Phase.QUEUE, since=0.0, limit=10)]
    assert listed == chats
    assert len(store.rows_in_phase(Phase.QUEUE, since=0.0, limit=2)) == 2


def test_other_phases_are_listed_newest_first_and_since_a_moment(store: EventStore, clock: Clock) -> None:
    chats = []
    for number in range(3):
        chats.append(open_for(store, f"visitor-{number}"))
        clock.tick(60)
    store.append(chats[0], [message("still here")])
    rows = store.rows_in_phase(Phase.BOT, since=0.0, limit=10)
    assert [row.conversation_id for row in rows] == [chats[0], chats[2], chats[1]]
    lately = store.rows_in_phase(Phase.BOT, since=clock() - 60, limit=10)
    assert [row.conversation_id for row in lately] == [chats[0], chats[2]]
    assert store.rows_in_phase(Phase.OPERATOR, since=0.0, limit=10) == []


def test_holder_is_followed_through_claim_transfer_and_release(store: EventStore, chat: ConversationId) -> None:
    def held_by(author: Author) -> list[ConversationId]:
        return [row.conversation_id for row in store.rows_held_by(OperatorId(author.id or ""))]

    store.append(chat, [Draft(BY_GRACE, OperatorClaimed())])
    assert (held_by(BY_GRACE), held_by(BY_ALAN)) == ([chat], [])
    store.append(chat, [Draft(BY_GRACE, Transferred("op-alan", "Alan"))])
    assert (held_by(BY_GRACE), held_by(BY_ALAN)) == ([], [chat])
    store.append(chat, [Draft(BY_ALAN, OperatorReleased(is_lapse=False))])
    assert (held_by(BY_GRACE), held_by(BY_ALAN)) == ([], [])


def test_conversations_whose_visitor_is_owed_a_reply_are_listed(store: EventStore, chat: ConversationId) -> None:
    quiet = open_for(store, "visitor-quiet")
    store.append(chat, [message("Hello?")])
    assert store.ids_owed_reply(limit=100) == [chat]
    reading = msgspec.structs.replace(example(type(BODIES[2])), message_seq=2)
    store.append(chat, [Draft(BY_BOT, reading), Draft(BY_BOT, BotMessage("Hello!", "greeting"))])
    assert store.ids_owed_reply(limit=100) == []
    store.append(quiet, [message("Hello?"), Draft(BY_SYSTEM, example(Escalated)), message("Anybody?")])
    assert store.ids_owed_reply(limit=100) == []
    store.append(quiet, [Draft(BY_GRACE, ReturnedToBot()), message("Bot?")])
    assert store.ids_owed_reply(limit=100) == [quiet]


# --- restart ------------------------------------------------------------------------------------------------------


def test_everything_is_there_after_a_restart(backend: StoreBackend, store: EventStore, chat: ConversationId) -> None:
    store.append(chat, [message("Hello", "ada-posts-1"), Draft(BY_SYSTEM, example(Escalated))])
    store.append(chat, [Draft(BY_GRACE, Resolved())])
    store.append(chat, [Draft(BY_VISITOR, Reopened())])
    before, log_epoch = snapshot(store, chat), store.log_epoch()
    backend.close()
    again = backend.open()
    assert snapshot(again, chat) == before
    assert again.log_epoch() == log_epoch
    assert again.append(chat, [message("Hello", "ada-posts-1")]).is_repeat


def test_another_log_has_another_epoch(store: EventStore, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = SqliteBackend(str(tmp_path_factory.mktemp("elsewhere")), lambda: 0.0)
    try:
        assert elsewhere.open().log_epoch() != store.log_epoch()
    finally:
        elsewhere.close()


def test_closed_store_refuses_with_a_sentence(backend: StoreBackend, store: EventStore, chat: ConversationId) -> None:
    assert store.append(chat, [message("one")])
    backend.close()
    with pytest.raises(StoreFailed, match="shutting down"):
        store.append(chat, [message("two")])


def test_renewed_log_epoch_is_another_one_and_stays(backend: StoreBackend, store: EventStore) -> None:
    before = store.log_epoch()
    renewed = store.renew_log_epoch()
    assert renewed != before
    backend.close()
    assert backend.open().log_epoch() == renewed


def test_all_conversations_are_listed_page_by_page(store: EventStore) -> None:
    chats = sorted(open_for(store, f"visitor-{number}") for number in range(7))
    assert store.ids(after=None, limit=4) == chats[:4]
    assert store.ids(after=chats[3], limit=4) == chats[4:]
    assert store.ids(after=chats[-1], limit=4) == []
