"""The decisions that the actions make without Rasa: choices in words, the memory, and the texts of each language."""

import re
import sys

import pytest
import yaml

from tests.bot.conftest import BOT_FOLDER

# In Rasa's Python the package is found in the bot's folder, which is no package here.
sys.path.insert(0, str(BOT_FOLDER))

from actions.choice import decide_choice
from actions.memory import MAX_SHOWN, Memory, Option, read_memory, write_memory
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
    memory = Memory().ask_question("why").show_article("first", 7).show_article("second", 9)
    memory = memory.offer_options(OPTIONS)
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_text_and_no_other(language: str):
    english = yaml.safe_load((BOT_FOLDER / "texts/en.yml").read_text())
    texts = yaml.safe_load((BOT_FOLDER / f"texts/{language}.yml").read_text())
    assert set(texts) == set(english)
    assert all(isinstance(text, str) and 0 < len(text) <= 160 for text in texts.values())


def test_each_text_that_the_code_names_exists():
    english = yaml.safe_load((BOT_FOLDER / "texts/en.yml").read_text())
    code = "".join(path.read_text() for path in BOT_FOLDER.glob("actions/*_replies.py"))
    named = set(re.findall(r'_reply_say\(turn, "(\w+)"', code)) | set(re.findall(r'"((?:answer|unsure)\w*)"', code))
    named |= {f"handoff_{reason}" for reason in re.findall(r'reply_handoff\(turn, "(\w+)"', code)}
    assert len(named) > 15
    assert named <= set(english)


def test_edited_text_is_used_without_a_restart(tmp_path):
    path = tmp_path / "en.yml"
    path.write_text("greeting: Hello!\n")
    assert choose_text("greeting", "fr", folder=tmp_path) == "Hello!"
    (tmp_path / "fr.yml").write_text("greeting: Salut !\n")
    assert choose_text("greeting", "fr", folder=tmp_path) == "Salut !"
    with pytest.raises(TextMissing):
        choose_text("absent", "fr", folder=tmp_path)
