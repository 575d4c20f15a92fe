"""What visitors do to their conversation: recorded once, in order, and rung only when it is in the log."""

import pytest

from handoff.bus.inprocess import InProcessBus
from handoff.conversations import (
    DESK_TOPIC,
    REOPEN_WINDOW_S,
    Conversations,
    build_summary,
    topic_of,
    topic_of_visitor,
)
from handoff.desk import Desk
from handoff.errors import BadFrame, ConversationClosed, FloorRefused, NotFound, StaleEpoch, TextRefused
from handoff.events import (
    Author,
    BotMessage,
    ChatRated,
    ContactLeft,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    Event,
    FeedbackGiven,
    OperatorId,
    Reason,
    Reopened,
    VisitorId,
    VisitorMessage,
)
from handoff.payloads import Payload, build_turn
from handoff.ports import Ring, Visitor
from handoff.presence import Presence
from handoff.projection import Phase
from tests.conftest import Clock
from tests.handoff.cast import (
    BY_BOT,
    BY_SYSTEM,
    BY_VISITOR,
    UNDERSTOOD,
    answers,
    at_once,
    bodies_of,
    clarifies,
    example,
    kinds_of,
    log_of,
)


def bot_says(conversations: Conversations, chat: ConversationId, *payloads: Payload) -> list[Event]:
    """Record what a turn of the bot shows, without a message that it answers."""
    state = conversations.row(chat).state
    turn = build_turn([UNDERSTOOD, *payloads], state=state, message_seq=state.head)
    return conversations.record(chat, turn.drafts[1:], expected_epoch=state.epoch).events


@pytest.fixture
def article_seq(conversations: Conversations, chat: ConversationId) -> int:
    return bot_says(conversations, chat, answers())[-1].seq


@pytest.fixture
def resolved(desk: Desk, chat: ConversationId, grace: Author) -> ConversationId:
    desk.resolve(grace, chat, epoch=0, client_id="grace-resolves")
    return chat


# --- opening ------------------------------------------------------------------------------------------------------


def test_conversation_starts_with_what_the_browser_told(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    (started,) = log_of(conversations, chat)
    assert started.body == ConversationStarted(ada.page, "en", "Europe/London", "Browser/1.0")
    assert (started.seq, started.author.id) == (1, ada.id)
    row = conversations.row(chat)
    assert (row.number, row.visitor_id, row.state.phase) == (1, ada.id, Phase.BOT)


def test_visitor_goes_on_in_the_open_conversation(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    assert conversations.open_for(ada) == chat
    current = conversations.current_of(ada)
    assert current is not None
    assert current.conversation_id == chat
    assert kinds_of(log_of(conversations, chat)) == ["conversation_started"]


def test_two_tabs_at_once_get_one_conversation(conversations: Conversations, ada: Visitor) -> None:
    assert conversations.current_of(ada) is None
    first, second = at_once(lambda: conversations.open_for(ada), lambda: conversations.open_for(ada))
    assert first == second
    assert kinds_of(log_of(conversations, first)) == ["conversation_started"]


def test_two_visitors_have_two_conversations_with_numbers_of_their_own(
    conversations: Conversations, chat: ConversationId
) -> None:
    other = conversations.open_for(Visitor(VisitorId("visitor-bob")))
    assert other != chat
    assert [conversations.row(c).number for c in (chat, other)] == [1, 2]


def test_other_tabs_learn_of_a_new_conversation(conversations: Conversations, bus: InProcessBus, ada: Visitor) -> None:
    rings: list[Ring] = []
    bus.subscribe(topic_of_visitor(ada.id), rings.append)
    chat = conversations.open_for(ada)
    assert rings == [Ring(topic_of_visitor(ada.id), chat, 1)]


def test_unknown_conversation_is_not_found(conversations: Conversations, chat: ConversationId) -> None:
    assert conversations.row(chat)
    with pytest.raises(NotFound):
        conversations.row(ConversationId("c-nobody"))


# --- writing ------------------------------------------------------------------------------------------------------


def test_message_is_recorded_as_checked(conversations: Conversations, chat: ConversationId, ada: Visitor) -> None:
    event = conversations.post(ada, chat, "  Hello\r\nthere ", client_id="ada-posts-1")
    assert event.body == VisitorMessage("Hello\nthere")
    assert (event.seq, event.epoch, event.client_id, event.author) == (2, 0, "ada-posts-1", BY_VISITOR)
    assert log_of(conversations, chat)[-1] == event


def test_refused_text_leaves_no_trace(conversations: Conversations, chat: ConversationId, ada: Visitor) -> None:
    conversations.post(ada, chat, "fine", client_id="ada-posts-1")
    before = log_of(conversations, chat)
    for text in ("   ", "bell \x07"):
        with pytest.raises(TextRefused):
            conversations.post(ada, chat, text, client_id="ada-posts-2")
    assert log_of(conversations, chat) == before


def test_resent_message_is_recorded_once_and_answered_alike(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    first = conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    conversations.post(ada, chat, "More", client_id="ada-posts-2")
    again = conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    assert again == first
    assert len(bodies_of(log_of(conversations, chat), VisitorMessage)) == 2


def test_message_sent_twice_at_once_is_recorded_once(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    def send() -> Event:
        return conversations.post(ada, chat, "Hello", client_id="ada-posts-1")

    first, second = at_once(send, send)
    assert isinstance(first, Event)
    assert first == second
    assert len(bodies_of(log_of(conversations, chat), VisitorMessage)) == 1


def test_same_client_id_in_two_conversations_is_two_messages(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    bob = Visitor(VisitorId("visitor-bob"))
    other = conversations.open_for(bob)
    conversations.post(ada, chat, "Hello", client_id="the-same-id")
    conversations.post(bob, other, "Hello", client_id="the-same-id")
    assert all(len(bodies_of(log_of(conversations, c), VisitorMessage)) == 1 for c in (chat, other))


def test_messages_of_many_tabs_at_once_are_gapless(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    at_once(*(lambda n=n: conversations.post(ada, chat, f"{n}", client_id=f"ada-posts-{n}") for n in range(50)))
    log = log_of(conversations, chat)
    assert [event.seq for event in log] == list(range(1, 52))
    assert {event.body.text for event in log[1:]} == {str(n) for n in range(50)}


def test_long_log_is_read_across_its_pages(conversations: Conversations, chat: ConversationId, ada: Visitor) -> None:
    drafts = [Draft(BY_VISITOR, VisitorMessage(f"{n}")) for n in range(450)]
    conversations.record(chat, drafts)
    assert [event.seq for event in conversations.events(chat)] == list(range(1, 452))
    assert [event.seq for event in conversations.events(chat, after_seq=449)] == [450, 451]


# --- the bell -----------------------------------------------------------------------------------------------------


def test_bell_rings_after_the_commit_for_the_chat_and_for_the_desk(
    conversations: Conversations, bus: InProcessBus, chat: ConversationId, ada: Visitor
) -> None:
    seen: list[tuple[str, int, int]] = []

    def look(ring: Ring) -> None:
        seen.append((ring.topic, ring.head, log_of(conversations, chat)[-1].seq))

    bus.subscribe(topic_of(chat), look)
    bus.subscribe(DESK_TOPIC, look)
    conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    assert seen == [(topic_of(chat), 2, 2), (DESK_TOPIC, 2, 2)]


def test_neither_a_resend_nor_a_refusal_rings(
    conversations: Conversations, bus: InProcessBus, chat: ConversationId, ada: Visitor
) -> None:
    rings: list[Ring] = []
    bus.subscribe(topic_of(chat), rings.append)
    conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    assert len(rings) == 1
    conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    with pytest.raises(StaleEpoch):
        conversations.record(chat, [Draft(BY_VISITOR, VisitorMessage("x"))], expected_epoch=9)
    assert len(rings) == 1


def test_rings_of_appends_at_once_rise(
    conversations: Conversations, bus: InProcessBus, chat: ConversationId, ada: Visitor
) -> None:
    heads: list[int] = []
    bus.subscribe(topic_of(chat), lambda ring: heads.append(ring.head))
    at_once(*(lambda n=n: conversations.post(ada, chat, f"{n}", client_id=f"ada-posts-{n}") for n in range(20)))
    assert heads == list(range(2, 22))


# --- reopening ----------------------------------------------------------------------------------------------------


def test_message_after_the_end_reopens(conversations: Conversations, resolved: ConversationId, ada: Visitor) -> None:
    assert conversations.row(resolved).state.phase is Phase.RESOLVED
    event = conversations.post(ada, resolved, "One more thing", client_id="ada-posts-1")
    assert event.body == VisitorMessage("One more thing")
    assert kinds_of(log_of(conversations, resolved))[-2:] == ["reopened", "visitor_message"]
    state = conversations.row(resolved).state
    assert (state.phase, state.unanswered) == (Phase.BOT, (event.seq,))


def test_resend_of_the_message_that_reopened_records_nothing(
    conversations: Conversations, resolved: ConversationId, ada: Visitor
) -> None:
    event = conversations.post(ada, resolved, "One more thing", client_id="ada-posts-1")
    before = log_of(conversations, resolved)
    assert conversations.post(ada, resolved, "One more thing", client_id="ada-posts-1") == event
    assert log_of(conversations, resolved) == before


def test_two_tabs_that_reopen_at_once_lose_no_message(
    conversations: Conversations, resolved: ConversationId, ada: Visitor
) -> None:
    outcomes = at_once(
        lambda: conversations.post(ada, resolved, "from tab one", client_id="ada-tab-1"),
        lambda: conversations.post(ada, resolved, "from tab two", client_id="ada-tab-2"),
    )
    assert [type(outcome) for outcome in outcomes] == [Event, Event]
    log = log_of(conversations, resolved)
    assert len(bodies_of(log, Reopened)) == 1
    assert {body.text for body in bodies_of(log, VisitorMessage)} == {"from tab one", "from tab two"}


def test_within_a_day_the_conversation_goes_on_and_later_a_new_one_begins(
    conversations: Conversations, resolved: ConversationId, ada: Visitor, clock: Clock
) -> None:
    clock.tick(REOPEN_WINDOW_S - 1)
    assert conversations.open_for(ada) == resolved
    clock.tick(2)
    assert conversations.current_of(ada) is None
    assert conversations.open_for(ada) != resolved


# --- feedback and choice ------------------------------------------------------------------------------------------


def test_yes_is_recorded_and_changes_nothing_else(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    event = conversations.give_feedback(ada, chat, seq=article_seq, helpful=True, client_id="ada-yes-1")
    assert event.body == FeedbackGiven(article_seq, True)
    assert conversations.row(chat).state.phase is Phase.BOT
    assert conversations.row(chat).state.unanswered == ()


def test_second_no_hands_over_at_once(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no-1")
    assert conversations.row(chat).state.phase is Phase.BOT
    assert conversations.row(chat).state.unanswered != ()
    second = bot_says(conversations, chat, answers())[-1].seq
    conversations.give_feedback(ada, chat, seq=second, helpful=False, client_id="ada-says-no-2")
    assert kinds_of(log_of(conversations, chat))[-2:] == ["feedback_given", "escalated"]
    assert conversations.row(chat).state.reason is Reason.UNHELPFUL_TWICE


def test_resent_no_counts_once(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    for _ in range(3):
        conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no-1")
    assert len(bodies_of(log_of(conversations, chat), FeedbackGiven)) == 1
    assert conversations.row(chat).state.phase is Phase.BOT


def test_yes_between_two_no_ends_the_row(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    for number, helpful in enumerate((False, True, False)):
        conversations.give_feedback(ada, chat, seq=article_seq, helpful=helpful, client_id=f"ada-reacts-{number}")
    assert conversations.row(chat).state.phase is Phase.BOT


def test_no_while_a_person_is_there_is_recorded_without_handing_over(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    conversations.ask_person(ada, chat, client_id="ada-asks-1")
    for number in range(2):
        conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id=f"ada-says-no-{number}")
    log = log_of(conversations, chat)
    assert len(bodies_of(log, FeedbackGiven)) == 2
    assert len(bodies_of(log, Escalated)) == 1


def test_second_no_is_kept_when_somebody_else_hands_over_at_the_same_moment(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int
) -> None:
    conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no-1")
    asked, feedback = at_once(
        lambda: conversations.ask_person(ada, chat, client_id="ada-asks-1"),
        lambda: conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no-2"),
    )
    assert isinstance(asked, Event)
    assert isinstance(feedback, Event)
    log = log_of(conversations, chat)
    assert len(bodies_of(log, FeedbackGiven)) == 2
    assert len(bodies_of(log, Escalated)) == 1


@pytest.mark.parametrize("seq", [0, 1, 3, 4, 999])
def test_feedback_on_something_that_is_no_article_is_refused(
    conversations: Conversations, chat: ConversationId, ada: Visitor, article_seq: int, seq: int
) -> None:
    assert article_seq == 2
    conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    before = log_of(conversations, chat)
    with pytest.raises(BadFrame) as refusal:
        conversations.give_feedback(ada, chat, seq=seq, helpful=True, client_id="ada-yes-1")
    assert refusal.value.field == "seq"
    assert log_of(conversations, chat) == before


def test_feedback_after_the_end_is_refused_and_leaves_no_trace(
    conversations: Conversations, desk: Desk, chat: ConversationId, ada: Visitor, article_seq: int, grace: Author
) -> None:
    desk.resolve(grace, chat, epoch=0, client_id="grace-resolves")
    before = log_of(conversations, chat)
    with pytest.raises(ConversationClosed):
        conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no-1")
    assert log_of(conversations, chat) == before


def test_choice_among_offered_articles_is_recorded_and_owed_a_reply(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    offer = bot_says(conversations, chat, clarifies())[-1]
    event = conversations.choose_article(ada, chat, seq=offer.seq, slug="invoices", client_id="ada-chooses-1")
    assert (event.body.slug, event.body.language, event.body.title) == ("invoices", "en", "Where invoices are")
    assert conversations.row(chat).state.unanswered == (event.seq,)


@pytest.mark.parametrize(("offset", "slug", "field"), [(0, "passwords", "slug"), (-1, "invoices", "seq")])
def test_choice_of_what_was_not_offered_is_refused(
    conversations: Conversations, chat: ConversationId, ada: Visitor, offset: int, slug: str, field: str
) -> None:
    offer = bot_says(conversations, chat, clarifies())[-1]
    before = log_of(conversations, chat)
    with pytest.raises(BadFrame) as refusal:
        conversations.choose_article(ada, chat, seq=offer.seq + offset, slug=slug, client_id="ada-chooses-1")
    assert refusal.value.field == field
    assert log_of(conversations, chat) == before


# --- asking for a person, contact, rating -------------------------------------------------------------------------


def test_wish_for_a_person_is_granted_at_once_and_tells_whether_somebody_is_there(
    conversations: Conversations, presence: Presence, chat: ConversationId, ada: Visitor
) -> None:
    assert not presence.is_reachable()
    event = conversations.ask_person(ada, chat, client_id="ada-asks-1")
    assert event is not None
    assert event.body == Escalated(Reason.ASKED_FOR_PERSON, "", "", is_staffed=False)
    assert conversations.row(chat).state.phase is Phase.QUEUE


def test_escalation_knows_that_an_operator_is_there(
    conversations: Conversations, presence: Presence, chat: ConversationId, ada: Visitor
) -> None:
    presence.arrive(OperatorId("op-grace"), "Grace")
    event = conversations.ask_person(ada, chat, client_id="ada-asks-1")
    assert event is not None
    assert event.body.is_staffed is True


def test_second_wish_for_a_person_records_nothing(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    first = conversations.ask_person(ada, chat, client_id="ada-asks-1")
    before = log_of(conversations, chat)
    assert conversations.ask_person(ada, chat, client_id="ada-asks-1") == first == before[-1], "a resend"
    assert conversations.ask_person(ada, chat, client_id="ada-asks-2") is None
    assert log_of(conversations, chat) == before


def test_two_wishes_at_once_escalate_once_and_neither_fails(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    first, second = at_once(
        lambda: conversations.ask_person(ada, chat, client_id="ada-asks-1"),
        lambda: conversations.ask_person(ada, chat, client_id="ada-asks-2"),
    )
    assert isinstance(first, Event)
    assert second is None
    assert len(bodies_of(log_of(conversations, chat), Escalated)) == 1


def test_wish_for_a_person_after_the_end_reopens_into_the_queue(
    conversations: Conversations, resolved: ConversationId, ada: Visitor
) -> None:
    conversations.ask_person(ada, resolved, client_id="ada-asks-1")
    assert kinds_of(log_of(conversations, resolved))[-2:] == ["reopened", "escalated"]
    assert conversations.row(resolved).state.phase is Phase.QUEUE


def test_contact_is_kept_and_the_conversation_waits(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    event = conversations.leave_contact(
        ada, chat, name=" Ada\n", email="ada@example.com", message="Call me.", client_id="ada-leaves-1"
    )
    assert event.body == ContactLeft("Ada", "ada@example.com", "Call me.")
    row = conversations.row(chat)
    assert (row.state.phase, row.state.visitor_name, row.state.visitor_email) == (
        Phase.QUEUE,
        "Ada",
        "ada@example.com",
    )


def test_contact_without_a_message_is_fine_and_in_the_queue_escalates_no_more(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    conversations.ask_person(ada, chat, client_id="ada-asks-1")
    for _ in range(2):
        conversations.leave_contact(ada, chat, name="", email="ada@example.com", message=" ", client_id="ada-leaves-1")
    log = log_of(conversations, chat)
    assert bodies_of(log, ContactLeft) == [ContactLeft("", "ada@example.com", "")]
    assert len(bodies_of(log, Escalated)) == 1


def test_contact_left_in_two_tabs_at_once_fails_in_neither(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    def leave(client_id: str) -> Event:
        return conversations.leave_contact(
            ada, chat, name="Ada", email="ada@example.com", message="", client_id=client_id
        )

    outcomes = at_once(lambda: leave("ada-leaves-1"), lambda: leave("ada-leaves-2"))
    assert [type(outcome) for outcome in outcomes] == [Event, Event]
    assert len(bodies_of(log_of(conversations, chat), Escalated)) == 1


def test_contact_after_the_end_reopens(conversations: Conversations, resolved: ConversationId, ada: Visitor) -> None:
    conversations.leave_contact(
        ada, resolved, name="Ada", email="ada@example.com", message="Again.", client_id="ada-leaves-1"
    )
    assert kinds_of(log_of(conversations, resolved))[-3:] == ["reopened", "contact_left", "escalated"]


def test_rating_is_possible_before_and_after_the_end_and_does_not_reopen(
    conversations: Conversations, desk: Desk, chat: ConversationId, ada: Visitor, grace: Author
) -> None:
    conversations.rate(ada, chat, score=2, comment="", client_id="ada-rates-1")
    desk.resolve(grace, chat, epoch=0, client_id="grace-resolves")
    conversations.rate(ada, chat, score=5, comment=" quick ", client_id="ada-rates-2")
    assert bodies_of(log_of(conversations, chat), ChatRated) == [ChatRated(2, ""), ChatRated(5, "quick")]
    state = conversations.row(chat).state
    assert (state.rating, state.phase) == (5, Phase.RESOLVED)


# --- lists --------------------------------------------------------------------------------------------------------


def test_desk_sees_waiting_held_recent_and_lately_ended_chats(
    conversations: Conversations, desk: Desk, clock: Clock, grace: Author
) -> None:
    chats = {}
    for name in ("old", "recent", "waiting", "held", "ended"):
        visitor = Visitor(VisitorId(f"visitor-{name}"))
        chats[name] = conversations.open_for(visitor)
        if name == "old":
            clock.tick(2 * 3600)
    conversations.record(chats["waiting"], [Draft(BY_SYSTEM, example(Escalated))])
    desk.claim(grace, chats["held"], epoch=0, client_id="grace-claims-1")
    desk.resolve(grace, chats["ended"], epoch=0, client_id="grace-resolves-1")
    listed = [row.conversation_id for row in conversations.rows_for_desk()]
    assert listed == [chats[name] for name in ("waiting", "held", "recent", "ended")]


def test_summary_is_what_the_contract_says(
    conversations: Conversations, desk: Desk, chat: ConversationId, ada: Visitor, grace: Author, clock: Clock
) -> None:
    conversations.post(ada, chat, "Hello", client_id="ada-posts-1")
    desk.claim(grace, chat, epoch=0, client_id="grace-claims-1")
    assert build_summary(conversations.row(chat), is_visitor_online=True) == {
        "conversation_id": chat,
        "number": 1,
        "phase": "operator",
        "epoch": 1,
        "head": 3,
        "holder": {"id": "op-grace", "name": "Grace"},
        "visitor": {"id": ada.id, "name": None, "email": None, "language": "en", "timezone": "Europe/London"},
        "page": {"url": ada.page.url, "title": "Billing", "referrer": ada.page.referrer},
        "reason": None,
        "queued_at": None,
        "started_at": clock(),
        "updated_at": clock(),
        "last": {"kind": "visitor_message", "author_kind": "visitor", "text": "Hello"},
        "rating": None,
        "is_visitor_online": True,
    }


def test_bots_words_need_the_floor(conversations: Conversations, chat: ConversationId) -> None:
    words = Draft(BY_BOT, example(BotMessage))
    conversations.record(chat, [words])
    conversations.record(chat, [Draft(BY_SYSTEM, example(Escalated))])
    before = log_of(conversations, chat)
    with pytest.raises(StaleEpoch):
        conversations.record(chat, [words], expected_epoch=0)
    with pytest.raises(FloorRefused, match="The bot may not speak"):
        conversations.record(chat, [words])
    assert log_of(conversations, chat) == before
