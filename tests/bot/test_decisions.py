"""The decisions that the actions make without Rasa: choices in words, the memory, and the texts of each language."""

import re
import sys

import pytest
import yaml

from tests.bot.conftest import BOT_FOLDER

# In Rasa's Python the package is found in the bot's folder, which is no package here.
sys.path.insert(0, str(BOT_FOLDER))

from actions.choice import decide_choice
from actions.form import Kind, choose_missing, read_step
from actions.hand_back import recall_person
from actions.memory import MAX_SHOWN, Memory, Option, read_memory, write_memory
from actions.questions import complete_question, split_questions, strip_refusal
from actions.texts import TextMissing, choose_text
from actions.turn import read_turn

OPTIONS = (
    Option("one-way", "en", "One-way tickets"),
    Option("return", "en", "Return tickets"),
    Option("day", "en", "Day passes"),
)
LANGUAGES = sorted(path.stem for path in BOT_FOLDER.glob("texts/*.yml"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 0),
        ("the first one", 0),
        ("first", 0),
        ("one please", 0),
        ("2", 1),
        ("number 2", 1),
        ("the second one please", 1),
        ("the last one", 2),
        ("day passes", 2),
        ("Return tickets!", 1),
        ("the return one", 1),
        ("passes", 2),
        ("tickets", None),
        ("la segunda", 1),
        ("den dritten bitte", None),
        ("die zweite bitte", 1),
        ("4", None),
        ("1 or 2", None),
        ("how do i get one refund", None),
        ("i bought a ticket", None),
        ("", None),
        ("yes", None),
    ],
)
def test_choice_in_words(text: str, place: int | None):
    assert decide_choice(text, OPTIONS) == (None if place is None else OPTIONS[place])


def test_third_of_two_options_is_no_choice():
    assert decide_choice("the third one", OPTIONS[:2]) is None


def test_memory_survives_rasas_slots():
    memory = Memory(has_greeted=True, barred=("old",)).ask_question("why").show_article("first", 7).refuse_article()
    memory = memory.show_article("second", 9).ask_follow_up("why then").settle().offer_options(OPTIONS)
    assert read_memory(write_memory(memory)) == memory
    assert read_memory({}) == Memory()
    assert read_memory({"last_question": "why", "shown": "nonsense"}) == Memory(last_question="why")


def test_new_question_forgets_what_was_shown_and_the_same_one_does_not():
    memory = Memory().ask_question("why is it red?").show_article("first", 7)
    assert memory.ask_question("Why is it RED").shown == ("first",)
    assert memory.ask_question("why is it blue").shown == ()


def test_memory_of_shown_articles_has_a_limit():
    memory = Memory().ask_question("why")
    for number in range(MAX_SHOWN + 1):
        memory = memory.show_article(f"article-{number}", number)
    assert len(memory.shown) == MAX_SHOWN
    assert memory.shown[-1] == f"article-{MAX_SHOWN}"
    assert "article-0" not in memory.shown


@pytest.mark.parametrize("metadata", [None, [], "en", {"language": 7}, {"language": ["en"], "is_staffed": None}])
def test_strange_metadata_counts_as_absent(metadata: object):
    turn = read_turn({"text": "hello", "metadata": metadata}, Memory())
    assert (turn.language, turn.is_staffed) == (None, True)


@pytest.mark.parametrize(
    "text",
    [
        "and on my phone?",
        "what about the app?",
        "and for business accounts?",
        "but what if i paid with paypal",
        "how long does that take?",
        "is it free?",
        "in winter?",
        "y en el móvil?",
        "¿es gratis?",
        "was kostet das genau?",
        "ist das kostenlos?",
        "when abroad?",
        "quand je voyage ?",
        "et sur mon téléphone ?",
        "und auf dem handy?",
    ],
)
def test_follow_up_is_joined_to_its_topic(text: str):
    assert complete_question(text, "how do i reset it?") == f"how do i reset it {text}"
    assert complete_question(text, None) is None


@pytest.mark.parametrize(
    "text",
    [
        "how do i change my plan",
        "and how do i delete my account",
        "and how much does the big plan cost",
        "when do you open?",
        "When can I cancel?",
        "Quand ouvrez-vous ?",
        "¿Puedo pagar en efectivo?",
        "Puis-je payer en espèces ?",
        "¿Qué es el IVA?",
        "¿Es gratis el envío?",
        "Was kostet das Paket?",
        "late fees",
        "my parcel is late",
        "that didn't help",
        "it doesn't work",
        "hello",
        "yes",
        "no",
        "",
        "and",
        "for weeks now the screen of my new laptop flickers",
    ],
)
def test_text_that_stands_by_itself_is_not_joined(text: str):
    assert complete_question(text, "how do i reset it?") is None


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        (
            "how do i reset the hub?\nwhen does the parcel come?",
            ["how do i reset the hub?", "when does the parcel come?"],
        ),
        ("hi\nhow do i pay you? where is my bill?", ["how do i pay you?", "where is my bill?"]),
        (
            "can i get a refund and how do i change my password",
            ["can i get a refund", "how do i change my password"],
        ),
        (
            "Wie bezahle ich die Rechnung und wo finde ich mein Passwort?",
            ["Wie bezahle ich die Rechnung", "wo finde ich mein Passwort?"],
        ),
        ("how do i reset the hub and what does it cost?", None),
        ("can i send the hub back and have my money returned?", None),
        ("how do i pay by card and by invoice?", None),
        ("how do i return the hub and what should i do", None),
        ("my printer smells of fire. what can i do now? where do i send it?", None),
        ("how do i pay you? and when?", None),
        ("hi\nmy printer\ndoesn't print", None),
        ("how do i pay you?", None),
        ("can i a b? can i c d? can i e f? can i g h?", None),
    ],
)
def test_questions_of_one_message(text: str, questions: list[str] | None):
    assert split_questions(text) == (questions or [text])


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("no, i meant the yearly plan", "i meant the yearly plan"),
        ("No.\nhow do i delete my account", "how do i delete my account"),
        ("no thanks", None),
        ("no, not that one", None),
        ("november, how is it", None),
    ],
)
def test_no_at_the_beginning(text: str, rest: str | None):
    assert strip_refusal(text) == rest


def read_form_step(text: str, wanted: str, intent: str = "nlu_fallback", confidence: float = 0.9, **memory: object):
    message = {"text": text, "intent": {"name": intent, "confidence": confidence}, "metadata": {"language": "de"}}
    return read_step(read_turn(message, Memory(**memory)), wanted)


@pytest.mark.parametrize(
    ("text", "wanted", "intent", "kind"),
    [
        ("my lamp flickers", "what_happened", "question", Kind.ANSWERED),
        ("why was i charged twice?", "what_happened", "question", Kind.ANSWERED),
        ("since tuesday", "since_when", "affirm", Kind.ANSWERED),
        ("yesterday", "since_when", "cancel", Kind.ANSWERED),
        ("this morning", "since_when", "greeting", Kind.ANSWERED),
        ("hello?", "since_when", "greeting", Kind.ASIDE),
        ("how long does it take?", "since_when", "question", Kind.ASIDE),
        ("are you a bot?", "what_happened", "are_you_a_bot", Kind.ASIDE),
        ("ada@example.org", "email", "nlu_fallback", Kind.ANSWERED),
        ("ada@example", "email", "nlu_fallback", Kind.ASK_AGAIN),
        ("why do you need it?", "email", "question", Kind.ASIDE),
        ("yes", "email", "affirm", Kind.ASK_AGAIN),
        ("get me a human", "email", "ask_for_person", Kind.ENOUGH),
        ("bye", "since_when", "goodbye", Kind.ENOUGH),
        ("never mind", "email", "deny", Kind.CANCELLED),
        ("abbrechen", "what_happened", "nlu_fallback", Kind.CANCELLED),
        ("start over", "since_when", "start_over", Kind.LEFT),
    ],
)
def test_reply_to_a_question_of_the_form(text: str, wanted: str, intent: str, kind: Kind):
    assert read_form_step(text, wanted, intent).kind is kind


@pytest.mark.parametrize(
    "text", ["Überspringen", "skip", "No.", "I'd rather not", "no idea", "lieber nicht", "no gracias"]
)
@pytest.mark.parametrize("wanted", ["what_happened", "since_when", "email"])
def test_skipped_question_leaves_an_empty_text(text: str, wanted: str):
    step = read_form_step(text, wanted, "cancel")
    assert (step.kind, step.details) == (Kind.ANSWERED, {wanted: ""})


def test_answers_are_cut_and_joined_to_the_question_before():
    step = read_form_step("x" * 5000, "since_when")
    assert step.details == {"since_when": "x" * 200}
    step = read_form_step("it blinks, a@b.org", "what_happened", last_question="why is it red?")
    assert step.details == {"what_happened": "why is it red?\nit blinks, a@b.org", "email": "a@b.org"}
    step = read_form_step("no", "what_happened", last_question="why is it red?")
    assert step.details == {"what_happened": "why is it red?"}


def test_next_field_is_neither_known_nor_skipped_nor_asked_for_twice():
    fields = ("what_happened", "since_when", "email")
    assert choose_missing({}, {}, fields) == "what_happened"
    assert choose_missing({"what_happened": "", "since_when": None}, {}, fields) == "since_when"
    assert choose_missing({"what_happened": "it broke"}, {"since_when": 2}, fields) == "email"
    assert choose_missing({"what_happened": "", "since_when": "", "email": ""}, {}, fields) is None


def said(text: str, intent: str = "said_to_operator") -> dict:
    return {"event": "user", "text": text, "parse_data": {"intent": {"name": intent}}}


def test_bot_knows_what_was_said_to_the_person():
    before = Memory().ask_question("how much is it").show_article("prices", 1)
    events = [
        said("how much is it", "question"),
        said("when does my parcel come?"),
        {"event": "agent", "text": "Tomorrow, see /help/en/delivery-times"},
        said("and on sunday?"),
        {"event": "slot", "name": "handed_back", "value": True},
    ]
    memory = recall_person(events, before)
    assert memory.topic == "when does my parcel come?"
    assert set(memory.barred) == {"prices", "delivery-times"}
    assert memory.pending is None
    assert memory.has_greeted
    assert memory.open_question is None


def test_earlier_talk_with_a_person_is_not_taken_up_twice():
    events = [
        said("when does my parcel come?"),
        {"event": "slot", "name": "handed_back", "value": False},
        {"event": "agent", "text": "I have changed your address."},
    ]
    assert recall_person(events, Memory()).topic == "I have changed your address."


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_text_and_no_other(language: str):
    english = yaml.safe_load((BOT_FOLDER / "texts/en.yml").read_text())
    texts = yaml.safe_load((BOT_FOLDER / f"texts/{language}.yml").read_text())
    assert set(texts) == set(english)
    assert all(isinstance(text, str) and 0 < len(text) <= 160 for text in texts.values())
    placeholders = {key: sorted(re.findall(r"{\w+}", text)) for key, text in texts.items()}
    assert placeholders == {key: sorted(re.findall(r"{\w+}", text)) for key, text in english.items()}


def test_each_text_is_named_in_the_code_and_each_that_is_named_exists():
    english = yaml.safe_load((BOT_FOLDER / "texts/en.yml").read_text())
    code = "".join(path.read_text() for path in BOT_FOLDER.glob("actions/*.py"))
    named = set(re.findall(r'_reply_(?:say|offer)\(turn, "(\w+)"', code)) | set(
        re.findall(r"""choose_(?:text|offer)\(['"](\w+)""", code)
    )
    named |= set(re.findall(r'"((?:answer|unsure|greeting|abuse|ask|form|nobody|offer)_?\w*)"', code)) & set(english)
    named |= {f"handoff_{reason}" for reason in re.findall(r'reply_handoff\(turn, "(\w+)"', code)}
    named |= {"ask_what_happened", "ask_since_when", "ask_email", "handoff_unstaffed"}
    assert named <= set(english)
    # The desk itself says these two.
    assert set(english) - named == {"fallback_notice"}


def test_edited_text_is_used_without_a_restart(tmp_path):
    path = tmp_path / "en.yml"
    path.write_text("greeting: Hello!\n")
    assert choose_text("greeting", "fr", folder=tmp_path) == "Hello!"
    (tmp_path / "fr.yml").write_text("greeting: Salut !\n")
    assert choose_text("greeting", "fr", folder=tmp_path) == "Salut !"
    with pytest.raises(TextMissing):
        choose_text("absent", "fr", folder=tmp_path)
