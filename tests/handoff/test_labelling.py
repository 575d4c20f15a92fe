"""From a visitor's yes or no and an operator's link to a label in the database of a real knowledge base."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from handoff.bus.inprocess import InProcessBus
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.escalation import EscalationRules
from handoff.events import ArticleRef, Author, ConversationId, FeedbackGiven
from handoff.kb_client import KnowledgeBase as Client
from handoff.labelling import Labelling
from handoff.payloads import AnswerPayload, FeedbackPayload, Payload, UnsurePayload, build_turn
from handoff.ports import Visitor
from handoff.store.log import SqlEventStore
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import create_app
from tests.handoff.cast import PASSAGE, UNDERSTOOD
from tests.knowledge_base.conftest import CENTRE, TOKEN, KeywordEmbedder

QUESTION = "when is somebody there?"
HOURS = ArticleRef("opening-hours", "en", "Opening hours", 1, "/help/en/opening-hours")


@pytest.fixture
def base(tmp_path: Path) -> Iterator[KnowledgeBase]:
    base = KnowledgeBase(tmp_path / "kb.db", KeywordEmbedder())
    base.import_articles(CENTRE, "Ada")
    yield base
    base.close()


@pytest.fixture
def labelling(base: KnowledgeBase, store: SqlEventStore) -> Iterator[Labelling]:
    server = make_server("127.0.0.1", 0, create_app(base, TOKEN), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    client = Client(f"http://127.0.0.1:{server.server_port}", token=TOKEN)
    labelling = Labelling(store, client)
    yield labelling
    labelling.close()
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def conversations(store: SqlEventStore, bus: InProcessBus, labelling: Labelling) -> Conversations:
    return Conversations(store, bus, rules=EscalationRules(), is_staffed=lambda: True, on_recorded=labelling.hear)


def bot_says(conversations: Conversations, chat: ConversationId, *payloads: Payload) -> int:
    """Record a turn of the bot; give the seq of what it said last."""
    state = conversations.row(chat).state
    drafts = build_turn([UNDERSTOOD, *payloads], state=state, message_seq=state.head).drafts
    return conversations.record(chat, drafts[1:]).events[-1].seq


def shows(article: ArticleRef = HOURS) -> AnswerPayload:
    return AnswerPayload(QUESTION, "This may help.", article, PASSAGE, 0.9)


def labels_of(base: KnowledgeBase, labelling: Labelling) -> list[tuple[str, str, bool, str]]:
    labelling.join()
    return [(label.question, label.slug, label.is_right, label.source) for label in base.labels.list_newest()]


@pytest.mark.parametrize("helpful", [True, False])
def test_a_visitors_button_is_a_label(
    conversations: Conversations,
    chat: ConversationId,
    ada: Visitor,
    base: KnowledgeBase,
    labelling: Labelling,
    helpful: bool,
) -> None:
    seq = bot_says(conversations, chat, shows())
    conversations.give_feedback(ada, chat, seq=seq, helpful=helpful, client_id="ada-presses-1")
    assert labels_of(base, labelling) == [(QUESTION, "opening-hours", helpful, "visitor")]


def test_a_visitor_who_thinks_better_of_it_has_one_label(
    conversations: Conversations, chat: ConversationId, ada: Visitor, base: KnowledgeBase, labelling: Labelling
) -> None:
    seq = bot_says(conversations, chat, shows())
    conversations.give_feedback(ada, chat, seq=seq, helpful=False, client_id="ada-presses-1")
    labelling.join()
    conversations.give_feedback(ada, chat, seq=seq, helpful=True, client_id="ada-presses-2")
    assert labels_of(base, labelling) == [(QUESTION, "opening-hours", True, "visitor")]


def test_what_a_visitor_says_in_words_is_a_label(
    conversations: Conversations, chat: ConversationId, base: KnowledgeBase, labelling: Labelling
) -> None:
    bot_says(conversations, chat, shows())
    bot_says(conversations, chat, FeedbackPayload(True))
    assert labels_of(base, labelling) == [(QUESTION, "opening-hours", True, "visitor")]


def test_an_operators_link_to_what_the_bot_did_not_find_is_a_label(
    conversations: Conversations,
    desk: Desk,
    grace: Author,
    chat: ConversationId,
    base: KnowledgeBase,
    labelling: Labelling,
) -> None:
    bot_says(conversations, chat, UnsurePayload(QUESTION, "I do not know.", []))
    epoch = desk.claim(grace, chat, epoch=0, client_id="grace-claims-1").epoch
    text = "Opening hours: https://desk.example.com/help/en/opening-hours."
    desk.post(grace, chat, text, epoch=epoch, client_id="grace-posts-1")
    assert labels_of(base, labelling) == [(QUESTION, "opening-hours", True, "operator")]


@pytest.mark.parametrize(
    ("visitor_adds", "text"),
    [
        ("And another thing.", "See /help/en/opening-hours"),
        ("", "See /help/en/opening-hours or /help/en/delete-account"),
        ("", "We are open all day."),
        ("", "See /help/en/no-such-article"),
    ],
)
def test_an_operators_message_that_may_answer_something_else_is_none(
    conversations: Conversations,
    desk: Desk,
    ada: Visitor,
    grace: Author,
    chat: ConversationId,
    base: KnowledgeBase,
    labelling: Labelling,
    visitor_adds: str,
    text: str,
) -> None:
    bot_says(conversations, chat, UnsurePayload(QUESTION, "I do not know.", []))
    epoch = desk.claim(grace, chat, epoch=0, client_id="grace-claims-1").epoch
    if visitor_adds:
        conversations.post(ada, chat, visitor_adds, client_id="ada-posts-1")
    desk.post(grace, chat, text, epoch=epoch, client_id="grace-posts-1")
    assert labels_of(base, labelling) == []


def test_feedback_is_recorded_where_the_knowledge_base_is_not(
    store: SqlEventStore, bus: InProcessBus, ada: Visitor
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{taken.getsockname()[1]}", token=TOKEN)
        labelling = Labelling(store, client)
        conversations = Conversations(
            store, bus, rules=EscalationRules(), is_staffed=lambda: True, on_recorded=labelling.hear
        )
        chat = conversations.open_for(ada)
        seq = bot_says(conversations, chat, shows())
        said = conversations.give_feedback(ada, chat, seq=seq, helpful=True, client_id="ada-presses-1")
        labelling.join()
        client.close()
    assert said.body == FeedbackGiven(seq, True)
