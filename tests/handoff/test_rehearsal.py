"""Conversation tests: how scripts are read, how their help centre answers, and that a wrong turn is found."""

import json
from pathlib import Path

import pytest

from handoff.errors import BotFailed
from handoff.events import ArticleRef, Candidate, ConversationId, PassageRef, Reason
from handoff.guarded_topics import GuardedTopics
from handoff.payloads import (
    AnswerPayload,
    ClarifyPayload,
    FeedbackPayload,
    HandoffPayload,
    Payload,
    SayPayload,
    UnderstoodPayload,
    UnsurePayload,
)
from handoff.ports import TurnFacts
from handoff.rehearsal.help_centre import HelpCentre
from handoff.rehearsal.play import play
from handoff.rehearsal.script import Script, ScriptError, read_scripts

HELP = """
fails_on: [earthquake]
articles:
- slug: reset
  about: reset password
- slug: link
  about: password link
  needs: 1
  passages: ["", "phone"]
"""


class Parrot:
    """A bot that gives the payloads that were put in its mouth, and keeps what it was asked and told."""

    def __init__(self, *turns: list[Payload]) -> None:
        self.turns = list(turns)
        self.asked: list[tuple[str, TurnFacts]] = []
        self.told: list[str] = []

    def reply(self, conversation_id: ConversationId, message: str, *, facts: TurnFacts) -> list[Payload]:
        self.asked.append((message, facts))
        if not self.turns:
            raise BotFailed("It has nothing left to say.")
        return [UnderstoodPayload("question", 0.9), *self.turns.pop(0)]

    def tell(self, conversation_id: ConversationId, said: list) -> None:
        self.told += [type(event.body).__name__ for event in said]


def write_script(folder: Path, text: str) -> Script:
    (folder / "some.yml").write_text(f"- conversation: it works\n  script:\n{text}")
    return read_scripts(folder)[0]


def answer(slug: str) -> Payload:
    article = ArticleRef(slug, "en", slug.title(), 1, f"/help/en/{slug}")
    return AnswerPayload("how?", "Here.", article, PassageRef(1, "", "text", "<p>text</p>"), 0.8)


def problem_of(script: Script, *turns: list[Payload]) -> str:
    return play(script, Parrot(*turns), GuardedTopics({"legal": ["lawyer"]})).problem


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "There are no conversation tests"),
        ("- conversation: one\n", "needs a `conversation`"),
        ("- conversation: one\n  script: []\n  stage: big\n", "nobody knows 'stage'"),
        ("- conversation: one\n  articles: mine\n  script: []\n", "`articles` must be one of"),
        ("- conversation: one\n  script:\n  - guest: hello\n", "must name one of visitor"),
        ("- conversation: one\n  script:\n  - visitor: hello\n    slots: {}\n", "cannot have 'slots'"),
        (
            "- conversation: one\n  script: []\n- conversation: one\n  script: []\n",
            "Two conversations are called 'one'",
        ),
        ("- conversation: [\n", "cannot be read"),
        ("conversation: one\n", "must be a list"),
    ],
)
def test_file_of_another_shape_is_named(tmp_path: Path, text: str, named: str):
    if text:
        (tmp_path / "some.yml").write_text(text)
    with pytest.raises(ScriptError, match=named):
        read_scripts(tmp_path)


def test_no_is_a_word_and_not_a_boolean(tmp_path: Path):
    script = write_script(tmp_path, "  - visitor: no\n  - bot: feedback no\n")
    assert [(line.speaker, line.words) for line in script.lines] == [("visitor", "no"), ("bot", "feedback no")]


def test_help_centre_answers_by_counting_words(tmp_path: Path):
    (tmp_path / "help_centre.yml").write_text(HELP)
    ask = HelpCentre(tmp_path / "help_centre.yml").answer

    def search(question: str, *exclude: str) -> tuple[str, list[str]]:
        body = json.dumps({"question": question, "exclude": list(exclude)}).encode()
        found = ask("POST", "/search", body)[1]
        return found["verdict"], [result["slug"] for result in found["results"]]

    assert search("how do i reset my password") == ("answer", ["reset", "link"])
    assert search("how do i reset my password", "reset") == ("answer", ["link"])
    assert search("reset the password link") == ("clarify", ["reset", "link"])
    assert search("something else")[0] == "unsure"
    assert ask("POST", "/search", b'{"question": "an earthquake"}')[0] == 500
    assert ask("GET", "/articles/en/reset?published=1", b"")[1]["title"] == "Reset"
    assert ask("GET", "/articles/en/absent", b"")[0] == 404


def test_conversation_that_goes_as_written_has_no_problem(tmp_path: Path):
    script = write_script(
        tmp_path,
        "  - visitor: how?\n  - bot: answer other or reset\n    text: Here\n  - visitor: no\n"
        "  - bot: feedback no\n  - bot: say sorry\n",
    )
    assert problem_of(script, [answer("reset")], [FeedbackPayload(False), SayPayload("sorry", "Sorry.")]) == ""


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("  - visitor: how?\n  - bot: answer other\n", "turn 1, visitor “how?”: expected ['answer other'], got"),
        ("  - visitor: how?\n", "expected [], got ['answer reset']"),
        ("  - visitor: how?\n  - bot: answer reset\n    text: There\n", "to say 'There', it says 'Here.'"),
        ("  - visitor: how?\n  - bot: answer reset\n    question: why?\n", "with question 'why?', got 'how?'"),
        ("  - visitor: how?\n    intent: greeting\n  - bot: answer reset\n", "understood as greeting, was question"),
        ("  - visitor: how?\n  - bot: answer\n  - visitor: and?\n  - bot: unsure\n", "turn 2, visitor “and?”: It has"),
        ("  - desk: on fire\n", "the desk cannot be 'on fire'"),
        ("  - visitor presses: 2\n", "there is no button '2'"),
        ("  - bot: answer reset\n", "the bot never speaks first"),
    ],
)
def test_first_turn_that_differs_is_told(tmp_path: Path, lines: str, problem: str):
    assert problem in problem_of(write_script(tmp_path, lines), [answer("reset")])


def test_desk_hands_over_by_its_own_rules(tmp_path: Path):
    script = write_script(
        tmp_path, "  - visitor: a\n  - bot: unsure\n  - visitor: b\n  - bot: handoff unsure_twice\n  - visitor: c\n"
    )
    assert problem_of(script, [UnsurePayload("a", "?")], [UnsurePayload("b", "?")]) == ""
    guarded = write_script(tmp_path, "  - visitor: my lawyer says no\n  - bot: handoff guarded_topic\n")
    assert problem_of(guarded) == ""


def test_bot_is_told_what_was_said_to_the_operator(tmp_path: Path):
    script = write_script(
        tmp_path,
        "  - visitor: a person\n  - bot: handoff asked_for_person\n  - operator: Hello.\n  - visitor: hi\n"
        "  - desk: hands back\n  - visitor: how?\n  - bot: answer reset\n",
    )
    bot = Parrot([HandoffPayload(Reason.ASKED_FOR_PERSON)], [answer("reset")])
    assert play(script, bot, GuardedTopics()).problem == ""
    assert bot.told == ["OperatorMessage", "VisitorMessage", "ReturnedToBot"]


def test_pressed_button_is_what_the_widget_sends(tmp_path: Path):
    script = write_script(
        tmp_path, "  - visitor: how?\n  - bot: clarify reset link\n  - visitor presses: 2\n  - bot: answer link\n"
    )
    options = [Candidate(slug, "en", slug.title(), 1, f"/help/en/{slug}", 0.4) for slug in ("reset", "link")]
    bot = Parrot([ClarifyPayload("how?", "Which?", options)], [answer("link")])
    assert play(script, bot, GuardedTopics()).problem == ""
    assert bot.asked[1][0] == '/choose_article{"slug":"link","language":"en"}'
