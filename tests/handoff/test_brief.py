"""The brief tells an operator what the log says, and nothing that the log does not."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.brief import ASKED_MAX, REASON_TEXTS, ArticleTried, Asked, Brief, BriefBuilder, Unanswered
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.events import (
    FLOOR_BODIES,
    NOT_READ,
    AnyBody,
    ArticleShown,
    Author,
    ContactLeft,
    ConversationId,
    ConversationStarted,
    Draft,
    Escalated,
    Event,
    FeedbackGiven,
    NoteAdded,
    Page,
    QuestionUnanswered,
    Reason,
    ReturnedToBot,
    Understood,
    VisitorMessage,
)
from handoff.ports import Visitor
from handoff.projection import State, apply, replay
from handoff.turns import Turns
from tests.conftest import Clock
from tests.handoff.cast import (
    BY_BOT,
    BY_GRACE,
    BY_SYSTEM,
    BY_VISITOR,
    INVOICE_GUESS,
    PASSAGE,
    REFUND,
    ScriptedBot,
    answers,
    as_json,
    bodies_of,
    hands_off,
    is_unsure,
    log_of,
    says,
)


@pytest.fixture
def told(
    conversations: Conversations, turns: Turns, bot: ScriptedBot, clock: Clock, ada: Visitor, chat: ConversationId
) -> ConversationId:
    """Ada asked twice, was shown an article that did not help, and asked for a person."""
    bot.will_say(answers())
    asked = conversations.post(ada, chat, "Where is my refund?", client_id="ada-asks-1")
    turns.take(chat)
    turns.join()
    article_seq = asked.seq + 2
    clock.tick(30)
    bot.will_say(is_unsure())
    conversations.give_feedback(ada, chat, seq=article_seq, helpful=False, client_id="ada-says-no")
    turns.take(chat)
    turns.join()
    clock.tick(30)
    conversations.leave_contact(
        ada, chat, name="Ada", email="ada@example.com", message="Call me.", client_id="ada-leaves-it"
    )
    return chat


def brief_of(conversations: Conversations, conversation_id: ConversationId) -> Brief:
    row = conversations.row(conversation_id)
    log = log_of(conversations, conversation_id)
    builder = BriefBuilder()
    for event in log:
        builder.add(event)
    return builder.build(replay(log), visitor_id=row.visitor_id, earlier_chats=conversations.count_earlier(row))


def test_brief_tells_who_where_and_why(conversations: Conversations, told: ConversationId, clock: Clock) -> None:
    brief = brief_of(conversations, told)
    assert (brief.visitor.id, brief.visitor.name, brief.visitor.email) == ("visitor-ada", "Ada", "ada@example.com")
    assert (brief.visitor.language, brief.visitor.timezone) == ("en", "Europe/London")
    assert brief.visitor.earlier_chats == 0
    assert brief.page is not None
    assert brief.page.url == "https://www.example.com/billing"
    assert (brief.reason, brief.reason_text) == (Reason.ASKED_FOR_PERSON, "Asked for a person")
    assert brief.waiting_since == clock()


def test_brief_tells_the_visitors_words_and_how_they_were_read(
    conversations: Conversations, told: ConversationId, clock: Clock
) -> None:
    assert brief_of(conversations, told).asked == [
        Asked(2, "Where is my refund?", clock() - 60, "question", 0.93),
    ]


def test_brief_tells_the_articles_and_the_reactions(conversations: Conversations, told: ConversationId) -> None:
    assert brief_of(conversations, told).articles == [
        ArticleTried(4, REFUND.slug, "en", REFUND.title, REFUND.url, 4, 0.88, "unhelpful"),
    ]


def test_brief_tells_what_stayed_unanswered(conversations: Conversations, told: ConversationId) -> None:
    assert bodies_of(log_of(conversations, told), QuestionUnanswered)
    assert brief_of(conversations, told).unanswered == [Unanswered("and the moon?", [INVOICE_GUESS])]


def test_later_reaction_replaces_the_earlier(conversations: Conversations, told: ConversationId, ada: Visitor) -> None:
    assert brief_of(conversations, told).articles[0].reaction == "unhelpful"
    conversations.give_feedback(ada, told, seq=4, helpful=True, client_id="ada-changes-mind")
    assert brief_of(conversations, told).articles[0].reaction == "helpful"


def test_article_without_a_reaction_says_so(
    conversations: Conversations, turns: Turns, bot: ScriptedBot, ada: Visitor, chat: ConversationId
) -> None:
    bot.will_say(answers())
    conversations.post(ada, chat, "Where is my refund?", client_id="ada-asks-1")
    turns.take(chat)
    turns.join()
    assert [article.reaction for article in brief_of(conversations, chat).articles] == [None]


def test_message_of_a_burst_that_was_read_with_a_later_one_has_no_reading(
    conversations: Conversations, turns: Turns, ada: Visitor, chat: ConversationId
) -> None:
    for number in range(2):
        conversations.post(ada, chat, f"part {number}", client_id=f"ada-part-{number}")
    turns.take(chat)
    turns.join()
    assert len(bodies_of(log_of(conversations, chat), Understood)) == 1
    assert [asked.intent for asked in brief_of(conversations, chat).asked] == [None, "question"]


def test_brief_of_a_conversation_that_nobody_handed_over_has_no_reason(
    conversations: Conversations, chat: ConversationId
) -> None:
    brief = brief_of(conversations, chat)
    assert (brief.reason, brief.reason_text, brief.waiting_since) == (None, None, None)
    assert (brief.asked, brief.articles, brief.unanswered, brief.notes) == ([], [], [], 0)


def test_brief_counts_earlier_chats(
    conversations: Conversations, desk: Desk, clock: Clock, ada: Visitor, chat: ConversationId, grace: Author
) -> None:
    desk.resolve(grace, chat, epoch=0, client_id="grace-resolves")
    clock.tick(3 * 86_400)
    later = conversations.open_for(ada)
    assert later != chat
    assert brief_of(conversations, later).visitor.earlier_chats == 1


def test_brief_counts_notes_but_does_not_repeat_them_nor_the_bots_faults(
    conversations: Conversations,
    desk: Desk,
    turns: Turns,
    bot: ScriptedBot,
    ada: Visitor,
    chat: ConversationId,
    grace: Author,
) -> None:
    bot.will_say(says(), hands_off())
    conversations.post(ada, chat, "Cancel everything", client_id="ada-cancels")
    turns.take(chat)
    turns.join()
    desk.add_note(grace, chat, "Suspected fraud", client_id="grace-notes-1")
    log = as_json([Draft(e.author, e.body) for e in log_of(conversations, chat)])
    assert "Suspected fraud" in log
    assert '"detail":"cancellation"' in log
    assert "Browser/1.0" in log
    brief = brief_of(conversations, chat)
    assert brief.notes == 1
    for private in ("Suspected fraud", "cancellation", "Browser/1.0"):
        assert private not in as_json(brief)


def test_brief_of_a_long_chat_shows_the_newest_of_what_was_asked(
    conversations: Conversations, ada: Visitor, chat: ConversationId
) -> None:
    for number in range(ASKED_MAX + 5):
        conversations.post(ada, chat, f"{number}", client_id=f"ada-asks-{number:02}")
    assert [asked.text for asked in brief_of(conversations, chat).asked] == [str(n) for n in range(5, ASKED_MAX + 5)]


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert REASON_TEXTS[reason]


# --- the brief and the replay ----------------------------------------------------------------------------------------

LIVES = st.lists(
    st.one_of(
        st.tuples(st.just("asks"), st.sampled_from(["Where is my refund?", "and the moon?", "no", ""])),
        st.tuples(st.just("reads"), st.sampled_from(["question", "frustration", NOT_READ])),
        st.tuples(st.just("shows"), st.sampled_from(["refunds", "invoices"])),
        st.tuples(st.just("reacts"), st.booleans()),
        st.tuples(st.just("notes"), st.just("")),
        st.tuples(st.just("gives_up"), st.just("")),
        st.tuples(st.just("escalates"), st.sampled_from(list(Reason))),
        st.tuples(st.just("returns"), st.just("")),
        st.tuples(st.just("leaves"), st.sampled_from(["ada@example.com", ""])),
    ),
    max_size=40,
)


def log_of_life(life: list[tuple[str, Any]]) -> list[Event]:
    """Write the log of a life: whatever comes, as events with seq, epoch and time as the store gives them."""
    started = ConversationStarted(
        Page("https://www.example.com", "Home", "https://search.example"), "en", "UTC", "Agent"
    )
    log = [Event(ConversationId("c"), 1, 0, 1000.0, BY_VISITOR, started)]
    for kind, what in life:
        asked = max((e.seq for e in log if isinstance(e.body, VisitorMessage)), default=1)
        shown = max((e.seq for e in log if isinstance(e.body, ArticleShown)), default=1)
        bodies: dict[str, tuple[Author, AnyBody]] = {
            "asks": (BY_VISITOR, VisitorMessage(str(what) or "?")),
            "reads": (
                BY_BOT,
                Understood(asked, str(what), 0.5, [], {"since_when": str(len(log))} if shown > 1 else {}),
            ),
            "shows": (BY_BOT, ArticleShown("q", "t", msgspec.structs.replace(REFUND, slug=str(what)), PASSAGE, 0.8)),
            "reacts": (BY_VISITOR, FeedbackGiven(shown, bool(what))),
            "notes": (BY_GRACE, NoteAdded("n")),
            "gives_up": (BY_BOT, QuestionUnanswered("q", [INVOICE_GUESS])),
            "escalates": (BY_SYSTEM, Escalated(what if isinstance(what, Reason) else Reason.FRUSTRATED, "", "", True)),
            "returns": (BY_GRACE, ReturnedToBot()),
            "leaves": (BY_VISITOR, ContactLeft("Ada", str(what), "")),
        }
        author, body = bodies[kind]
        epoch = log[-1].epoch + isinstance(body, FLOOR_BODIES)
        log.append(Event(ConversationId("c"), log[-1].seq + 1, epoch, 1000.0 + len(log), author, body))
    return log


def told_by(log: list[Event]) -> dict[str, object]:
    """Read off a log, by the plainest means, what a brief must say."""
    asked = [e for e in log if isinstance(e.body, VisitorMessage)][-ASKED_MAX:]
    readings = {e.body.message_seq: e.body for e in log if isinstance(e.body, Understood)}
    reactions = {e.body.article_seq: e.body.helpful for e in log if isinstance(e.body, FeedbackGiven)}
    contacts = [e.body for e in log if isinstance(e.body, ContactLeft)]
    floor = [e for e in log if isinstance(e.body, Escalated | ReturnedToBot)]
    waits = floor[-1] if floor and isinstance(floor[-1].body, Escalated) else None
    slots = [e.body.slots for e in log if isinstance(e.body, Understood) and e.body.slots]
    return {
        "asked": [(e.seq, e.body.text, e.at) for e in asked],
        "read": [
            (reading.intent, reading.confidence, reading.slots)
            if (reading := readings.get(e.seq))
            else (None, None, {})
            for e in asked
        ],
        "articles": [
            (e.seq, e.body.article.slug, e.body.article.revision, e.body.probability, reactions.get(e.seq))
            for e in log
            if isinstance(e.body, ArticleShown)
        ],
        "unanswered": sum(isinstance(e.body, QuestionUnanswered) for e in log),
        "notes": sum(isinstance(e.body, NoteAdded) for e in log),
        "reason": (waits.body.reason, waits.at) if waits else (None, None),
        "email": next((c.email for c in reversed(contacts) if c.email), None),
        "slots": slots[-1] if slots else {},
        "referrer": "https://search.example",
    }


def told_by_brief(brief: Brief) -> dict[str, object]:
    helpful = {"helpful": True, "unhelpful": False, None: None}
    assert brief.page is not None
    return {
        "asked": [(asked.seq, asked.text, asked.at) for asked in brief.asked],
        "read": [(asked.intent, asked.confidence, asked.slots) for asked in brief.asked],
        "articles": [(a.seq, a.slug, a.revision, a.probability, helpful[a.reaction]) for a in brief.articles],
        "unanswered": len(brief.unanswered),
        "notes": brief.notes,
        "reason": (brief.reason, brief.waiting_since),
        "email": brief.visitor.email,
        "slots": brief.slots,
        "referrer": brief.page.referrer,
    }


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_brief_built_event_by_event_says_at_each_moment_what_a_replay_of_the_log_says(
    life: list[tuple[str, Any]],
) -> None:
    log = log_of_life(life)
    grown, state = BriefBuilder(), State()
    for number, event in enumerate(log, start=1):
        grown.add(event)
        state = apply(state, event)
        brief = grown.build(state, visitor_id="v", earlier_chats=0)
        if number % 5 == 0 or number == len(log):
            fresh = BriefBuilder()
            for past in log[:number]:
                fresh.add(past)
            assert brief == fresh.build(replay(log[:number]), visitor_id="v", earlier_chats=0)
            assert told_by_brief(brief) == told_by(log[:number])
