"""The bot's turns: one at a time, under the epoch that was read, and no message left without an answer."""

import logging

import msgspec
import pytest

from handoff.bus.inprocess import InProcessBus
from handoff.business_hours import describe_opening
from handoff.conversations import Conversations, topic_of
from handoff.desk import Desk
from handoff.escalation import EscalationRules
from handoff.events import (
    ArticleShown,
    Author,
    BotMessage,
    ConversationId,
    DetailAsked,
    Escalated,
    FeedbackGiven,
    OperatorId,
    QuestionUnanswered,
    Reason,
    ReturnedToBot,
    Understood,
    VisitorId,
    VisitorMessage,
)
from handoff.fallback import Fallback
from handoff.ports import TurnFacts, Visitor, Whisper
from handoff.presence import Presence, Staffing
from handoff.projection import Phase, State
from handoff.store.log import SqlEventStore
from handoff.store.sqlite import SqliteDatabase
from handoff.turns import TOLD_MAX, Turns, build_facts, without_command
from tests.conftest import Clock
from tests.handoff.cast import (
    ScriptedBot,
    answers,
    asks,
    at_once,
    bodies_of,
    clarifies,
    hands_off,
    hears_feedback,
    is_unsure,
    kinds_of,
    log_of,
    says,
)


class Talk:
    """Ada talks to the bot, one whole turn at a time."""

    def __init__(self, conversations: Conversations, turns: Turns, ada: Visitor, chat: ConversationId) -> None:
        self.conversations = conversations
        self.turns = turns
        self.ada = ada
        self.chat = chat
        self._messages = 0

    def writes(self, text: str) -> int:
        """Post a message without letting the bot answer; give its seq."""
        self._messages += 1
        return self.conversations.post(self.ada, self.chat, text, client_id=f"ada-posts-{self._messages}").seq

    def says(self, text: str) -> int:
        seq = self.writes(text)
        self.is_answered()
        return seq

    def is_answered(self) -> None:
        self.turns.take(self.chat)
        self.turns.join()

    @property
    def kinds(self) -> list[str]:
        return kinds_of(log_of(self.conversations, self.chat))[1:]

    @property
    def phase(self) -> Phase:
        return self.conversations.row(self.chat).state.phase

    def bodies(self, body_type: type) -> list:
        return bodies_of(log_of(self.conversations, self.chat), body_type)


@pytest.fixture
def talk(conversations: Conversations, turns: Turns, ada: Visitor, chat: ConversationId) -> Talk:
    return Talk(conversations, turns, ada, chat)


# --- one turn -----------------------------------------------------------------------------------------------------


def test_answer_is_recorded_with_the_reading_of_the_message(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(answers())
    seq = talk.says("Where is my refund?")
    assert talk.kinds == ["visitor_message", "understood", "article_shown"]
    assert talk.bodies(Understood)[0].message_seq == seq
    assert bot.prompts == ["Where is my refund?"]


def test_bot_is_told_language_and_staffing(talk: Talk, bot: ScriptedBot, presence: Presence) -> None:
    talk.says("Hello")
    presence.arrive(OperatorId("op-grace"), "Grace")
    talk.says("Hello again")
    assert bot.asked == [
        (talk.chat, TurnFacts(seq=2, language="en", is_staffed=False)),
        (talk.chat, TurnFacts(seq=5, language="en", is_staffed=True)),
    ]


def test_turn_with_nothing_owed_asks_nobody(talk: Talk, bot: ScriptedBot) -> None:
    talk.says("Hello")
    talk.is_answered()
    assert bot.prompts == ["Hello"]
    assert talk.kinds == ["visitor_message", "understood", "bot_message"]


def test_turn_of_a_chat_that_a_person_has_asks_nobody(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    talk.says("Hello Grace")
    assert bot.prompts == []


def test_bot_seems_to_type_while_it_thinks_and_stops_even_if_it_fails(
    talk: Talk, bot: ScriptedBot, bus: InProcessBus
) -> None:
    heard: list[bool] = []
    bus.subscribe(
        topic_of(talk.chat), lambda m: heard.append(m.payload["is_typing"]) if isinstance(m, Whisper) else None
    )
    talk.says("Hello")
    assert heard == [True, False]
    bot.will_fail()
    talk.says("Hello?")
    assert heard == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("/restart", "∕restart"),
        ('/choose_article{"slug":"x","language":"en"}', '∕choose_article{"slug":"x","language":"en"}'),
        ("  /session_start", "∕session_start"),
        ("and/or", "and/or"),
        ("first\n/second", "first\n/second"),
    ],
)
def test_leading_slash_is_neutralised(talk: Talk, bot: ScriptedBot, text: str, prompt: str) -> None:
    talk.says(text)
    assert bot.prompts == [prompt]
    assert without_command(prompt) == prompt
    assert talk.bodies(VisitorMessage) == [VisitorMessage(text.strip())]


# --- bursts -------------------------------------------------------------------------------------------------------


def test_burst_before_the_turn_is_one_prompt(talk: Talk, bot: ScriptedBot) -> None:
    talk.writes("hello")
    last = talk.writes("where is my refund")
    talk.is_answered()
    assert bot.prompts == ["hello\nwhere is my refund"]
    assert [reading.message_seq for reading in talk.bodies(Understood)] == [last]


def test_burst_while_the_bot_thinks_is_one_next_turn(talk: Talk, bot: ScriptedBot) -> None:
    bot.waits()
    first = talk.writes("one")
    talk.turns.take(talk.chat)
    bot.has_been_asked()
    talk.writes("two")
    talk.turns.take(talk.chat)
    last = talk.writes("three")
    talk.turns.take(talk.chat)
    assert bot.prompts == ["one"]
    bot.goes_on()
    talk.turns.join()
    assert bot.prompts == ["one", "two\nthree"]
    assert [reading.message_seq for reading in talk.bodies(Understood)] == [first, last]
    assert talk.conversations.row(talk.chat).state.unanswered == ()


def test_turn_taken_many_times_at_once_is_taken_once(talk: Talk, bot: ScriptedBot) -> None:
    talk.writes("hello")
    for _ in range(10):
        talk.turns.take(talk.chat)
    talk.turns.join()
    assert bot.prompts == ["hello"]


def test_slow_chat_does_not_hold_up_another(
    talk: Talk, bot: ScriptedBot, conversations: Conversations, turns: Turns
) -> None:
    bob = Visitor(VisitorId("visitor-bob"))
    other = conversations.open_for(bob)
    conversations.post(bob, other, "Bob here", client_id="bob-posts-1")
    bot.waits()
    talk.writes("Ada here")
    turns.take(talk.chat)
    bot.has_been_asked()
    turns.take(other)
    bot.has_been_asked()
    assert bot.prompts == ["Ada here", "Bob here"]
    bot.goes_on()
    turns.join()


# --- choices and feedback -----------------------------------------------------------------------------------------


def test_chosen_article_is_asked_for_by_its_slug(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(clarifies())
    talk.says("money?")
    offer_seq = log_of(talk.conversations, talk.chat)[-1].seq
    bot.will_say(answers())
    talk.conversations.choose_article(talk.ada, talk.chat, seq=offer_seq, slug="refunds", client_id="ada-chooses-1")
    talk.is_answered()
    assert bot.prompts[-1] == '/choose_article{"slug":"refunds","language":"en"}'
    assert talk.kinds[-3:] == ["article_chosen", "understood", "article_shown"]


def test_pressed_no_asks_for_the_next_article(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(answers())
    talk.says("Where is my refund?")
    bot.will_say(answers())
    talk.conversations.give_feedback(talk.ada, talk.chat, seq=4, helpful=False, client_id="ada-says-no-1")
    talk.is_answered()
    assert bot.prompts[-1] == "/next_article"
    assert len(talk.bodies(ArticleShown)) == 2
    assert talk.conversations.row(talk.chat).state.unanswered == ()


def test_no_pressed_twice_fetches_a_person_without_asking_the_bot_again(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(answers())
    talk.says("Where is my refund?")
    bot.will_say(answers())
    talk.conversations.give_feedback(talk.ada, talk.chat, seq=4, helpful=False, client_id="ada-says-no-1")
    talk.is_answered()
    second = log_of(talk.conversations, talk.chat)[-1].seq
    talk.conversations.give_feedback(talk.ada, talk.chat, seq=second, helpful=False, client_id="ada-says-no-2")
    talk.is_answered()
    assert bot.prompts[1:] == ["/next_article"]
    assert talk.bodies(Escalated) == [Escalated(Reason.UNHELPFUL_TWICE, "", "", False)]
    assert talk.phase is Phase.QUEUE


def test_message_and_choice_that_wait_together_are_answered_one_after_the_other(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(clarifies())
    talk.says("money?")
    offer_seq = log_of(talk.conversations, talk.chat)[-1].seq
    talk.writes("hm")
    talk.conversations.choose_article(talk.ada, talk.chat, seq=offer_seq, slug="refunds", client_id="ada-chooses-1")
    talk.writes("that one")
    talk.is_answered()
    assert bot.prompts[1:] == ["hm", '/choose_article{"slug":"refunds","language":"en"}', "that one"]


def test_no_in_words_counts_against_the_last_article(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(answers())
    talk.says("Where is my refund?")
    bot.will_say(hears_feedback(False), answers())
    talk.says("no, that is not it")
    assert talk.bodies(FeedbackGiven) == [FeedbackGiven(4, False)]
    assert talk.phase is Phase.BOT
    bot.will_say(hears_feedback(False), says("Sorry."))
    talk.says("no")
    assert talk.bodies(Escalated)[0].reason is Reason.UNHELPFUL_TWICE


# --- handing over -------------------------------------------------------------------------------------------------


def test_unsure_twice_goes_to_the_queue_without_offering_a_person_again(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(is_unsure())
    talk.says("and the moon?")
    assert talk.phase is Phase.BOT
    assert talk.bodies(BotMessage)[-1].offer == "person"
    bot.will_say(is_unsure())
    talk.says("the moon!")
    assert talk.phase is Phase.QUEUE
    assert talk.kinds[-4:] == ["visitor_message", "understood", "question_unanswered", "escalated"]
    assert talk.bodies(Escalated) == [Escalated(Reason.UNSURE_TWICE, "", "", False)]


def test_article_between_two_unsure_turns_keeps_the_bot(talk: Talk, bot: ScriptedBot) -> None:
    for payload in (is_unsure(), answers(), is_unsure()):
        bot.will_say(payload)
        talk.says("hm?")
    assert len(talk.bodies(QuestionUnanswered)) == 2
    assert talk.phase is Phase.BOT


def test_limit_of_patience_is_a_rule_and_not_a_constant(
    talk: Talk, bot: ScriptedBot, bus: InProcessBus, presence: Presence, fallback: Fallback
) -> None:
    rules = EscalationRules(unsure_limit=1)
    talk.turns = Turns(talk.conversations, bot, bus, fallback=fallback, rules=rules, staffing=presence.staffing)
    bot.will_say(is_unsure())
    talk.says("and the moon?")
    assert talk.phase is Phase.QUEUE


@pytest.mark.parametrize("reason", [Reason.ASKED_FOR_PERSON, Reason.GUARDED_TOPIC, Reason.FRUSTRATED])
def test_bot_hands_over_in_its_own_words(talk: Talk, bot: ScriptedBot, reason: Reason) -> None:
    bot.will_say(says("I see."), hands_off(reason))
    talk.says("I want to cancel")
    assert talk.kinds == ["visitor_message", "understood", "bot_message", "escalated"]
    assert talk.bodies(Escalated) == [Escalated(reason, "A person will take over.", "cancellation", False)]


def test_failed_bot_hands_over_with_the_detail(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_fail()
    talk.says("Hello?")
    assert talk.kinds == ["visitor_message", "escalated"]
    assert talk.bodies(Escalated) == [
        Escalated(
            Reason.BOT_FAILED,
            "",
            "No answer from the bot within 10 s. The knowledge base cannot be reached. Try again in a moment.",
            False,
        ),
    ]
    assert talk.conversations.row(talk.chat).state.unanswered == ()


def test_turn_that_breaks_inside_hands_over_too(talk: Talk, bot: ScriptedBot, caplog: pytest.LogCaptureFixture) -> None:
    bot.will_fail(RuntimeError("a bug"))
    talk.says("Hello?")
    assert talk.bodies(Escalated) == [Escalated(Reason.BOT_FAILED, "", "the turn itself failed", False)]
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == ["turn failed"]


def test_chat_goes_on_after_a_turn_that_broke(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    bot.will_fail(RuntimeError("a bug"))
    talk.says("Hello?")
    desk.return_to_bot(grace, talk.chat, epoch=1, client_id="grace-returns")
    talk.says("Hello again")
    assert bot.prompts == ["Hello?", "Hello again"]
    assert talk.kinds[-1] == "bot_message"


# --- late replies -------------------------------------------------------------------------------------------------


def thinking(talk: Talk, bot: ScriptedBot) -> int:
    """Let the bot think about a message of Ada's; give its seq."""
    bot.waits()
    seq = talk.writes("Where is my refund?")
    talk.turns.take(talk.chat)
    bot.has_been_asked()
    return seq


def test_reply_after_a_claim_is_never_recorded(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    thinking(talk, bot)
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    bot.goes_on()
    talk.turns.join()
    assert bot.prompts == ["Where is my refund?"]
    assert talk.kinds == ["visitor_message", "operator_claimed"]


def test_reply_after_the_visitor_asked_for_a_person_is_never_recorded(talk: Talk, bot: ScriptedBot) -> None:
    thinking(talk, bot)
    talk.conversations.ask_person(talk.ada, talk.chat, client_id="ada-asks-1")
    bot.goes_on()
    talk.turns.join()
    assert talk.kinds == ["visitor_message", "escalated"]


def test_failure_after_a_claim_is_never_recorded(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    bot.will_fail()
    thinking(talk, bot)
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    bot.goes_on()
    talk.turns.join()
    assert talk.kinds == ["visitor_message", "operator_claimed"]
    assert talk.phase is Phase.OPERATOR


def test_reply_is_stale_even_if_the_bot_has_the_floor_again_and_what_is_owed_now_is_answered(
    talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author
) -> None:
    bot.will_say(says("about the past"))
    thinking(talk, bot)
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    desk.return_to_bot(grace, talk.chat, epoch=1, client_id="grace-returns")
    talk.writes("And my invoice?")
    bot.will_say(says("about the present"))
    bot.goes_on()
    talk.turns.join()
    assert bot.prompts == ["Where is my refund?", "And my invoice?"]
    assert [body.text for body in talk.bodies(BotMessage)] == ["about the present"]


def test_reply_and_claim_at_the_same_moment_leave_one_of_two_honest_logs(
    talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author
) -> None:
    thinking(talk, bot)
    bot.goes_on()
    at_once(lambda: desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1"), talk.turns.join)
    assert talk.kinds in (
        ["visitor_message", "operator_claimed"],
        ["visitor_message", "understood", "bot_message", "operator_claimed"],
    )


# --- restart ------------------------------------------------------------------------------------------------------


def test_what_the_bot_owed_before_a_restart_is_answered_after_it(
    database: SqliteDatabase,
    clock: Clock,
    ada: Visitor,
    conversations: Conversations,
    chat: ConversationId,
    fallback: Fallback,
    presence: Presence,
) -> None:
    seq = conversations.post(ada, chat, "Where is my refund?", client_id="ada-posts-1").seq
    answered = conversations.open_for(Visitor(VisitorId("visitor-bob")))

    bus, bot, store = InProcessBus(), ScriptedBot(), SqlEventStore(database, now=clock)
    again = Conversations(store, bus, rules=EscalationRules(), is_staffed=lambda: False, now=clock)
    turns = Turns(again, bot, bus, fallback=fallback, rules=EscalationRules(), staffing=presence.staffing)
    assert store.ids_owed_reply(limit=100) == [chat]
    assert again.log_epoch() == conversations.log_epoch()
    for conversation_id in store.ids_owed_reply(limit=100):
        turns.take(conversation_id)
    turns.join()
    assert bot.prompts == ["Where is my refund?"]
    assert bodies_of(log_of(again, chat), Understood)[0].message_seq == seq
    assert store.ids_owed_reply(limit=100) == []
    assert kinds_of(log_of(again, answered)) == ["conversation_started"]


# --- the form, guarded topics, what Rasa is told ------------------------------------------------------------------


def test_question_of_the_form_is_asked_and_what_it_found_out_is_in_the_log(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(asks("email"))
    talk.says("my site is down")
    assert talk.bodies(DetailAsked) == [DetailAsked("email", "Since when?", "Skip")]
    bot.will_say(msgspec.structs.replace(hands_off(), slots={"email": "ada@example.com", "since_when": ""}))
    talk.says("ada@example.com")
    assert talk.bodies(Understood)[-1].slots == {"email": "ada@example.com"}
    state = talk.conversations.row(talk.chat).state
    assert (state.visitor_email, state.slots) == ("ada@example.com", {"email": "ada@example.com"})


def test_bot_is_told_that_the_email_is_known_and_when_the_desk_opens() -> None:
    opens_at = 1_795_424_400.0
    state = State(language="de", timezone="Europe/Berlin", visitor_email="ada@example.com")
    assert build_facts(state, Staffing(True, False, opens_at), seq=7) == TurnFacts(
        seq=7,
        language="de",
        is_staffed=True,
        is_open=False,
        opens_at=describe_opening(opens_at, zone="Europe/Berlin", language="de"),
        has_email=True,
    )


def test_guarded_word_goes_to_a_person_and_the_bot_is_never_asked(talk: Talk, bot: ScriptedBot) -> None:
    talk.writes("So")
    talk.says("my LAWYER will call")
    assert bot.prompts == []
    assert talk.kinds == ["visitor_message", "visitor_message", "escalated"]
    assert talk.bodies(Escalated) == [Escalated(Reason.GUARDED_TOPIC, "", "legal: lawyer*", False)]


def test_article_with_a_guarded_tag_is_not_shown(talk: Talk, bot: ScriptedBot) -> None:
    bot.will_say(answers(tags=["legal"]))
    talk.says("what does the contract say")
    assert talk.kinds == ["visitor_message", "understood", "escalated"]
    assert talk.bodies(Escalated)[0].detail == "legal: article tagged legal"


def test_second_angry_message_brings_a_person(talk: Talk, bot: ScriptedBot) -> None:
    for _ in range(2):
        bot.will_read("frustration", says("I am sorry."))
    talk.says("this is useless")
    assert talk.phase is Phase.BOT
    talk.says("really useless")
    assert talk.bodies(Escalated)[0].reason is Reason.FRUSTRATED


def test_bot_is_told_what_people_said_before_its_next_turn_and_only_once(
    talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author
) -> None:
    talk.says("Hello")
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    talk.writes("Where is my refund?")
    desk.post(grace, talk.chat, "On its way.", epoch=1, client_id="grace-posts-1")
    desk.return_to_bot(grace, talk.chat, epoch=1, client_id="grace-returns")
    assert bot.told == []
    talk.says("And my invoice?")
    assert [kinds_of(said) for said in bot.told] == [["visitor_message", "operator_message", "returned_to_bot"]]
    talk.says("Thanks")
    assert len(bot.told) == 1
    assert bot.prompts == ["Hello", "And my invoice?", "Thanks"]


def test_turn_goes_on_if_the_bot_cannot_be_told(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    desk.return_to_bot(grace, talk.chat, epoch=1, client_id="grace-returns")
    bot.is_deaf = True
    talk.says("Hello")
    assert talk.kinds[-1] == "bot_message"


def test_bot_that_is_told_much_is_told_the_newest(talk: Talk, bot: ScriptedBot, desk: Desk, grace: Author) -> None:
    desk.claim(grace, talk.chat, epoch=0, client_id="grace-claims-1")
    for number in range(TOLD_MAX + 5):
        desk.post(grace, talk.chat, f"{number}", epoch=1, client_id=f"grace-posts-{number}")
    desk.return_to_bot(grace, talk.chat, epoch=1, client_id="grace-returns")
    talk.says("Hello")
    assert len(bot.told[0]) == TOLD_MAX
    assert isinstance(bot.told[0][-1].body, ReturnedToBot)
