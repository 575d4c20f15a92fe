"""The desk's services on a real SQLite file, an in-process bus, a frozen clock and a scripted bot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff.bot_texts import BotTexts
from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.escalation import EscalationRules
from handoff.events import ConversationId
from handoff.fallback import Fallback
from handoff.guarded_topics import GuardedTopics
from handoff.ports import Visitor
from handoff.presence import Presence
from handoff.store.log import SqlEventStore
from handoff.store.sqlite import SqliteDatabase
from handoff.turns import Turns
from tests.conftest import Clock
from tests.handoff.cast import ScriptedArticles, ScriptedBot
from tests.support.processes import ROOT


@pytest.fixture(autouse=True)
def _tidy(nothing_left_behind: None, no_hanging: None) -> None:
    """Every test of the desk ends what it starts."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(tmp_path / "handoff.db")
    yield database
    database.close()


@pytest.fixture
def store(database: SqliteDatabase, clock: Clock) -> SqlEventStore:
    return SqlEventStore(database, now=clock)


@pytest.fixture
def bus() -> InProcessBus:
    return InProcessBus()


@pytest.fixture
def presence(bus: InProcessBus, clock: Clock) -> Presence:
    return Presence(InProcessPresenceBook(now=clock), bus, now=clock)


@pytest.fixture
def conversations(store: SqlEventStore, bus: InProcessBus, presence: Presence, clock: Clock) -> Conversations:
    return Conversations(store, bus, rules=EscalationRules(), is_staffed=presence.is_reachable, now=clock)


@pytest.fixture
def desk(conversations: Conversations, store: SqlEventStore) -> Desk:
    return Desk(conversations, store)


@pytest.fixture
def bot() -> ScriptedBot:
    return ScriptedBot()


@pytest.fixture
def articles() -> ScriptedArticles:
    """The knowledge base as the fallback sees it, which is down until it is scripted."""
    return ScriptedArticles()


@pytest.fixture
def fallback(articles: ScriptedArticles) -> Fallback:
    return Fallback(articles, BotTexts(ROOT / "bot" / "texts"))  # type: ignore[arg-type]


@pytest.fixture
def topics() -> GuardedTopics:
    return GuardedTopics({"legal": ["lawyer*"]}, {"legal": ["Legal"]})


@pytest.fixture
def turns(
    conversations: Conversations,
    bot: ScriptedBot,
    bus: InProcessBus,
    presence: Presence,
    fallback: Fallback,
    topics: GuardedTopics,
) -> Iterator[Turns]:
    turns = Turns(
        conversations,
        bot,
        bus,
        fallback=fallback,
        rules=EscalationRules(),
        staffing=presence.staffing,
        topics=topics,
    )
    yield turns
    bot.goes_on()
    turns.join()


@pytest.fixture
def chat(conversations: Conversations, ada: Visitor) -> ConversationId:
    """The conversation that Ada has just opened."""
    return conversations.open_for(ada)
