"""While Rasa is down the desk answers from the knowledge base, says so once, and is never silent."""

import pytest

from handoff.bot_texts import BotTexts
from handoff.conversations import Conversations
from handoff.events import (
    NOT_READ,
    ArticleShown,
    BotMessage,
    ClarificationOffered,
    ConversationId,
    Escalated,
    OperatorId,
    QuestionUnanswered,
    Reason,
    Understood,
    VisitorMessage,
)
from handoff.fallback import ASKS_FOR_PERSON, NOTICE_KEY
from handoff.ports import Visitor
from handoff.presence import Presence
from handoff.settings import ROOT
from handoff.turns import Turns
from tests.handoff.cast import ScriptedArticles, ScriptedBot, bodies_of, found, kinds_of, log_of, says


class Outage:
    """Ada writes while Rasa fails each time."""

    def __init__(
        self, conversations: Conversations, turns: Turns, bot: ScriptedBot, ada: Visitor, chat: ConversationId
    ) -> None:
        self.conversations, self.turns, self.bot, self.ada, self.chat = conversations, turns, bot, ada, chat
        self._messages = 0

    def says(self, text: str) -> int:
        self._messages += 1
        self.bot.will_fail()
        seq = self.conversations.post(self.ada, self.chat, text, client_id=f"ada-posts-{self._messages}").seq
        self.is_answered()
        return seq

    def is_answered(self) -> None:
        self.turns.take(self.chat)
        self.turns.join()

    def seq_of(self, body_type: type) -> int:
        return next(e.seq for e in log_of(self.conversations, self.chat) if isinstance(e.body, body_type))

    @property
    def kinds(self) -> list[str]:
        return kinds_of(log_of(self.conversations, self.chat))[1:]

    def bodies(self, body_type: type) -> list:
        return bodies_of(log_of(self.conversations, self.chat), body_type)


@pytest.fixture
def outage(conversations: Conversations, turns: Turns, bot: ScriptedBot, ada: Visitor, chat: ConversationId) -> Outage:
    return Outage(conversations, turns, bot, ada, chat)


def test_answer_comes_from_the_knowledge_base_and_says_who_answers(outage: Outage, articles: ScriptedArticles) -> None:
    articles.will_find("answer", found("refunds"))
    outage.says("Where is my refund?")
    assert outage.kinds == ["visitor_message", "understood", "bot_message", "article_shown"]
    assert outage.bodies(Understood)[0].intent == NOT_READ
    notice = outage.bodies(BotMessage)[0]
    assert (notice.key, notice.offer) == (NOTICE_KEY, "person")
    assert "out of order" in notice.text
    shown = outage.bodies(ArticleShown)[0]
    assert (shown.article.slug, shown.article.revision, shown.question) == ("refunds", 2, "Where is my refund?")
    assert articles.asked[0][2] == {
        "question": "Where is my refund?",
        "language": "en",
        "limit": 5,
        "exclude": [],
        "log": True,
    }


def test_outage_is_named_once_and_the_next_one_again(
    outage: Outage, articles: ScriptedArticles, bot: ScriptedBot
) -> None:
    articles.will_find("answer", found("refunds"))
    outage.says("Where is my refund?")
    articles.will_find("answer", found("invoices"))
    outage.says("And my invoice?")
    assert len(outage.bodies(BotMessage)) == 1
    bot.will_say(says("Well again."))
    outage.conversations.post(outage.ada, outage.chat, "Hello?", client_id="ada-between")
    outage.is_answered()
    articles.will_find("answer", found("addresses"))
    outage.says("And my address?")
    assert [body.key for body in outage.bodies(BotMessage)] == [NOTICE_KEY, "greeting", NOTICE_KEY]


def test_several_that_may_be_meant_are_offered(outage: Outage, articles: ScriptedArticles) -> None:
    articles.will_find("clarify", *(found(slug) for slug in ("a", "b", "c", "d")))
    outage.says("money")
    assert [option.slug for option in outage.bodies(ClarificationOffered)[0].options] == ["a", "b", "c"]


def test_chosen_article_is_shown(outage: Outage, articles: ScriptedArticles, bot: ScriptedBot) -> None:
    articles.will_find("clarify", found("a"), found("b"))
    outage.says("money")
    offer_seq = outage.seq_of(ClarificationOffered)
    outage.conversations.choose_article(outage.ada, outage.chat, seq=offer_seq, slug="b", client_id="ada-chooses-b")
    told = {"slug": "b", "language": "en", "title": "About b", "revision": 7, "body": "Do.", "html": "<p>Do.</p>"}
    articles.will_give(told | {"tags": [], "status": "published"})
    bot.will_fail()
    outage.is_answered()
    shown = outage.bodies(ArticleShown)[0]
    assert (shown.article.slug, shown.article.revision, shown.article.url) == ("b", 7, "/help/en/b")
    assert shown.question == "money"
    assert articles.asked[-1][1] == "/articles/en/b"


def test_article_that_did_not_help_is_followed_by_the_next_and_never_shown_again(
    outage: Outage, articles: ScriptedArticles, bot: ScriptedBot
) -> None:
    articles.will_find("answer", found("a"), found("b"))
    outage.says("money")
    shown_seq = outage.seq_of(ArticleShown)
    outage.conversations.give_feedback(outage.ada, outage.chat, seq=shown_seq, helpful=False, client_id="ada-says-no")
    bot.will_fail()
    outage.is_answered()
    outage.says("money")
    assert [body.article.slug for body in outage.bodies(ArticleShown)] == ["a", "b"]
    assert outage.kinds[-1] == "bot_message"


def test_nothing_found_offers_a_person_and_the_second_time_brings_one(
    outage: Outage, articles: ScriptedArticles
) -> None:
    articles.will_find("unsure", found("near"))
    outage.says("and the moon?")
    assert outage.bodies(QuestionUnanswered)[0].candidates[0].slug == "near"
    assert outage.bodies(BotMessage)[-1].offer == "person"
    outage.says("and mars?")
    assert outage.bodies(Escalated)[0].reason is Reason.UNSURE_TWICE


@pytest.mark.parametrize(("is_grace_here", "key"), [(True, "offer_person"), (False, "offer_message")])
def test_nothing_found_promises_a_person_only_when_one_is_there(
    outage: Outage, articles: ScriptedArticles, presence: Presence, is_grace_here: bool, key: str
) -> None:
    if is_grace_here:
        presence.arrive(OperatorId("op-grace"), "Grace")
    articles.will_find("unsure", found("near"))
    outage.says("and the moon?")
    assert outage.bodies(BotMessage)[-1].text.endswith(BotTexts(ROOT / "bot" / "texts").text(key, "en"))


PLAIN_WISHES = [
    "can I talk to a person",
    "REAL HUMAN PLEASE",
    "quiero hablar con alguien",
    "ich will mit einem Menschen reden",
    "je veux parler à quelqu'un",
    "representative",
]


@pytest.mark.parametrize("text", PLAIN_WISHES)
def test_plain_wish_for_a_person_is_heard_without_a_search(
    outage: Outage, articles: ScriptedArticles, presence: Presence, text: str
) -> None:
    presence.arrive(OperatorId("op-grace"), "Grace")
    articles.will_find("answer", found())
    outage.says(text)
    assert outage.bodies(Escalated) == [Escalated(Reason.ASKED_FOR_PERSON, "I will get you a person.", "", True)]
    assert articles.asked == []


@pytest.mark.parametrize("text", ["add a person to my team", "personal data", "how do i delete an operator account"])
def test_question_about_persons_is_a_question(text: str) -> None:
    assert ASKS_FOR_PERSON.find(text) is None


def test_article_with_a_guarded_tag_is_not_shown_by_the_fallback_either(
    outage: Outage, articles: ScriptedArticles
) -> None:
    articles.will_find("answer", found("contract", tags=["legal"]))
    outage.says("what does the contract say")
    assert outage.bodies(ArticleShown) == []
    assert outage.bodies(Escalated)[0].reason is Reason.GUARDED_TOPIC


def test_knowledge_base_that_talks_nonsense_sends_the_chat_to_people(
    outage: Outage, articles: ScriptedArticles
) -> None:
    articles.will_find("answer", {"slug": "refunds"})
    outage.says("Where is my refund?")
    assert outage.kinds == ["visitor_message", "escalated"]
    assert "another shape" in outage.bodies(Escalated)[0].detail


def test_knowledge_base_that_is_down_too_sends_the_chat_to_people(outage: Outage) -> None:
    outage.says("Where is my refund?")
    assert outage.kinds == ["visitor_message", "escalated"]
    escalated = outage.bodies(Escalated)[0]
    assert escalated.reason is Reason.BOT_FAILED
    assert "knowledge base" in escalated.detail


def test_rasa_is_told_later_what_was_asked_without_it(
    outage: Outage, articles: ScriptedArticles, bot: ScriptedBot
) -> None:
    articles.will_find("answer", found("refunds"))
    outage.says("Where is my refund?")
    bot.will_say(says())
    outage.conversations.post(outage.ada, outage.chat, "Thanks", client_id="ada-thanks")
    outage.is_answered()
    assert [event.body for said in bot.told for event in said] == [VisitorMessage("Where is my refund?")]


def test_notice_is_in_every_language_of_the_bot() -> None:
    texts = BotTexts(ROOT / "bot" / "texts")
    notices = {path.stem: texts.text(NOTICE_KEY, path.stem) for path in (ROOT / "bot" / "texts").glob("*.yml")}
    assert len(set(notices.values())) == len(notices) >= 4
    assert texts.text(NOTICE_KEY, "tlh") == notices["en"]
    assert texts.text("no_such_key", "en") == ""
