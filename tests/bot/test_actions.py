"""Dialogues with the real bot: what a visitor says, what comes back, and which words it comes back in."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.bot.conftest import Ada
from tests.bot.scripted_knowledge_base import ScriptedKnowledgeBase, build_result

pytestmark = pytest.mark.slow

# The contract: a knowledge base that hangs costs the visitor at most this.
FAILS_WITHIN_S = 8.0


def read_types(payloads: list[dict]) -> list[str]:
    """Return the payloads' types after the first one, which is `understood` in every turn."""
    assert payloads, "the bot said nothing"
    assert payloads[0]["type"] == "understood"
    return [payload["type"] for payload in payloads[1:]]


def test_question_is_answered_with_an_article_and_its_passage(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("reset-password")
    payloads = ada.says("how do i reset my password")
    assert read_types(payloads) == ["answer"]
    answer = payloads[1]
    assert answer["question"] == "how do i reset my password"
    assert answer["article"] == {
        "slug": "reset-password",
        "language": "en",
        "title": "Reset password",
        "revision": 3,
        "url": "/help/en/reset-password",
    }
    assert answer["passage"] == {
        "id": 1,
        "heading": "Steps",
        "text": "About reset-password.",
        "html": "<p>About reset-password.</p>",
    }
    assert answer["probability"] == 0.8
    assert knowledge_base.searches == [
        {"question": "how do i reset my password", "language": "en", "limit": 5, "exclude": []}
    ]


def test_each_turn_begins_with_what_was_understood(ada: Ada):
    understood = ada.says("get me a human")[0]
    assert understood["intent"] == "ask_for_person"
    assert 0.5 < understood["confidence"] <= 1.0
    assert understood["ranking"][0]["intent"] == "ask_for_person"
    assert len(understood["ranking"]) == 3
    assert all(set(entry) == {"intent", "confidence"} for entry in understood["ranking"])


def test_unsure_then_yes_fetches_a_person(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_be_unsure("far-fetched")
    payloads = ada.says("can i pay with seashells")
    assert read_types(payloads) == ["unsure"]
    assert payloads[1]["candidates"][0]["slug"] == "far-fetched"
    payloads = ada.says("yes please")
    assert read_types(payloads) == ["handoff"]
    assert payloads[1]["reason"] == "asked_for_person"


def test_unsure_then_no_asks_for_other_words(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_be_unsure()
    ada.says("can i pay with seashells")
    payloads = ada.says("no thanks")
    assert read_types(payloads) == ["say"]
    assert payloads[1]["key"] == "no_person"


def test_no_after_an_article_gives_the_next_and_then_gives_up(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first", "second")
    ada.says("how do i change my plan")
    payloads = ada.says("no")
    assert read_types(payloads) == ["feedback", "answer"]
    assert payloads[1]["helpful"] is False
    assert payloads[2]["article"]["slug"] == "second"
    payloads = ada.says("that didn't help either")
    assert read_types(payloads) == ["feedback", "unsure"]
    assert payloads[2]["question"] == "how do i change my plan"
    assert [search["exclude"] for search in knowledge_base.searches] == [[], ["first"]]
    # Only the visitor's own question counts in the log of questions.
    assert [search.get("log", True) for search in knowledge_base.searches] == [True, False]
    assert ada.says("ok, yes")[1]["reason"] == "asked_for_person"


def test_yes_after_an_article_is_feedback(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first")
    ada.says("how do i change my plan")
    payloads = ada.says("yes")
    assert read_types(payloads) == ["feedback", "say"]
    assert payloads[1]["helpful"] is True
    assert payloads[2]["key"] == "glad"


def test_that_worked_after_an_article_is_feedback(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first")
    ada.says("how do i change my plan")
    assert read_types(ada.says("great, that worked")) == ["feedback", "say"]


def test_pressed_no_gives_the_next_article_without_feedback(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first", "second")
    ada.says("how do i change my plan")
    payloads = ada.says("/next_article")
    assert read_types(payloads) == ["answer"]
    assert payloads[1]["article"]["slug"] == "second"
    assert read_types(ada.says("/next_article")) == ["unsure"]


def test_next_article_before_any_question_is_unsure(ada: Ada):
    assert read_types(ada.says("/next_article")) == ["unsure"]


def test_clarify_offers_three_and_the_pressed_one_is_shown(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_clarify("one-way", "return-trip", "day-pass", "month-pass")
    payloads = ada.says("how much is a ticket")
    assert read_types(payloads) == ["clarify"]
    assert [option["slug"] for option in payloads[1]["options"]] == ["one-way", "return-trip", "day-pass"]
    payloads = ada.says('/choose_article{"slug": "day-pass", "language": "en"}')
    assert read_types(payloads) == ["answer"]
    assert payloads[1]["article"]["slug"] == "day-pass"
    assert payloads[1]["question"] == "how much is a ticket"


@pytest.mark.parametrize("words", ["2", "the second one", "Return trip", "number two please"])
def test_clarify_can_be_answered_in_words(ada: Ada, knowledge_base: ScriptedKnowledgeBase, words: str):
    knowledge_base.will_clarify("one-way", "return-trip", "day-pass")
    ada.says("how much is a ticket")
    payloads = ada.says(words)
    assert read_types(payloads) == ["answer"]
    assert payloads[1]["article"]["slug"] == "return-trip"


def test_none_of_them_offers_a_person(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_clarify("one-way", "return-trip")
    ada.says("how much is a ticket")
    assert read_types(ada.says("none of these")) == ["unsure"]
    assert ada.says("yes")[1]["reason"] == "asked_for_person"


def test_chosen_article_that_is_gone_is_unsure(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_clarify("one-way", "return-trip")
    ada.says("how much is a ticket")
    assert read_types(ada.says('/choose_article{"slug": "archived", "language": "en"}')) == ["unsure"]


def test_chosen_article_without_a_question_is_read_by_its_name(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("one-way")
    payloads = ada.says('/choose_article{"slug": "one-way", "language": "en"}')
    assert read_types(payloads) == ["answer"]
    assert payloads[1]["passage"]["html"] == "<p>About one-way.</p>"
    assert knowledge_base.searches == []


def test_repeated_question_never_gets_the_same_article_twice(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first", "second")
    assert ada.says("how do i change my plan")[1]["article"]["slug"] == "first"
    assert ada.says("How do I change my plan??")[1]["article"]["slug"] == "second"
    assert read_types(ada.says("how do i change my plan")) == ["unsure"]


def test_another_question_may_get_another_passage_of_the_same_article(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_return(build_result("plans", passage=1))
    ada.says("how do i change my plan")
    knowledge_base.will_return(build_result("plans", passage=2))
    assert ada.says("and how much does the big plan cost")[1]["passage"]["id"] == 2
    assert read_types(ada.says("what is the price of the large plan")) == ["unsure"]


def test_burst_of_short_messages_is_one_question(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("printer")
    burst = "hi\nmy printer\ndoesn't print\nanymore"
    assert read_types(ada.says(burst)) == ["answer"]
    assert knowledge_base.searches[0]["question"] == burst


def test_what_is_not_understood_goes_to_the_knowledge_base(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("strange")
    assert read_types(ada.says("xqzzt vrmpf 77-B")) == ["answer"]


def test_question_of_4000_characters_is_cut_for_the_knowledge_base(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("long")
    assert read_types(ada.says("my printer makes a noise and " * 137)) == ["answer"]
    assert len(knowledge_base.searches[0]["question"]) == 2000


def test_contact_question_is_answered_from_an_article_if_there_is_one(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("call-us")
    assert read_types(ada.says("what is your phone number")) == ["answer"]


def test_contact_question_without_an_article_offers_a_person_here(ada: Ada):
    payloads = ada.says("what is your phone number")
    assert read_types(payloads) == ["unsure"]
    assert "right here" in payloads[1]["text"]
    assert ada.says("yes")[1]["reason"] == "asked_for_person"


def test_anger_at_first_is_calmed_and_then_handed_over(ada: Ada):
    payloads = ada.says("this is ridiculous")
    assert read_types(payloads) == ["say"]
    assert payloads[1]["key"] == "sorry"
    payloads = ada.says("you are useless")
    assert read_types(payloads) == ["handoff"]
    assert payloads[1]["reason"] == "frustrated"


def test_are_you_a_bot_is_answered_honestly_and_yes_fetches_a_person(ada: Ada):
    payloads = ada.says("are you a bot?")
    assert payloads[1]["key"] == "bot_identity"
    assert "bot" in payloads[1]["text"]
    assert ada.says("yes")[1]["reason"] == "asked_for_person"


def test_yes_and_no_to_nothing_is_harmless(ada: Ada):
    assert [p["key"] for p in ada.says("no")[1:]] == ["what_can_i_do"]
    assert [p["key"] for p in ada.says("yes")[1:]] == ["what_can_i_do"]


def test_no_after_thanks_is_not_about_the_article(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first")
    ada.says("how do i change my plan")
    ada.says("thank you")
    assert read_types(ada.says("no")) == ["say"]


@pytest.mark.parametrize("trouble", ["status_500", "garbage", "wrong_shape", "hang", "trickle"])
def test_failing_knowledge_base_hands_over_in_time(ada: Ada, knowledge_base: ScriptedKnowledgeBase, trouble: str):
    knowledge_base.will_fail(trouble)
    started = time.monotonic()
    payloads = ada.says("how do i reset my password")
    assert time.monotonic() - started < FAILS_WITHIN_S
    assert read_types(payloads) == ["handoff"]
    assert payloads[1]["reason"] == "bot_failed"
    assert payloads[1]["detail"] == "knowledge_base_unreachable"


def test_knowledge_base_that_hangs_for_one_visitor_leaves_others_alone(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_fail("hang")
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(ada.says, "how do i reset my password")
        time.sleep(0.5)
        started = time.monotonic()
        assert read_types(Ada(ada.client).says("hello")) == ["say"]
        assert time.monotonic() - started < 3
        assert not hanging.done()
        assert read_types(hanging.result()) == ["handoff"]


def test_feedback_is_kept_when_the_knowledge_base_fails_afterwards(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first")
    ada.says("how do i change my plan")
    knowledge_base.will_fail("status_500")
    payloads = ada.says("no")
    assert read_types(payloads) == ["feedback", "handoff"]
    assert payloads[2]["reason"] == "bot_failed"


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "persona"), ("es-MX", "persona"), ("fr", "personne"), ("de", "Menschen"), ("en", "person")],
)
def test_the_visitors_language_decides_the_words(
    ada: Ada, knowledge_base: ScriptedKnowledgeBase, language: str, words: str
):
    ada.language = language
    assert words in ada.says("get me a human")[1]["text"]
    ada.says("how do i reset my password")
    assert knowledge_base.searches[0]["language"] == language.split("-")[0]


@pytest.mark.parametrize("language", ["ja", "", None, "../../etc"])
def test_unknown_language_falls_back_to_english(ada: Ada, language: str | None):
    ada.language = language
    assert ada.says("hello")[1]["text"].startswith("Hello!")


def test_with_nobody_at_the_desk_no_person_is_promised(ada: Ada):
    ada.is_staffed = False
    payloads = ada.says("get me a human")
    assert read_types(payloads) == ["say", "ask"]
    assert "Nobody is at the desk" in payloads[1]["text"]
    assert (payloads[2]["field"], payloads[2]["skip_text"]) == ("what_happened", "Skip")


def test_two_visitors_do_not_share_a_memory(ada: Ada, knowledge_base: ScriptedKnowledgeBase):
    knowledge_base.will_answer("first")
    ada.says("how do i change my plan")
    assert read_types(Ada(ada.client).says("yes")) == ["say"]


@pytest.mark.parametrize(
    "text",
    [
        "∕restart",
        "∕next_article",
        '∕choose_article{"slug": "first"}',
        "/restart",
        " /restart",
        "\n/session_start",
        "/xyz",
    ],
)
def test_command_that_a_visitor_typed_is_only_words(ada: Ada, knowledge_base: ScriptedKnowledgeBase, text: str):
    """The handoff service replaces a leading slash by U+2215, and so does the bot's own channel."""
    knowledge_base.will_answer("first")
    payloads = ada.says(text)
    assert read_types(payloads) in (["answer"], ["say"])
    assert payloads[0]["intent"] not in ("restart", "next_article", "choose_article")
    asked = [search["question"] for search in knowledge_base.searches]
    assert asked in ([], [text.strip().replace("/", "∕")])
