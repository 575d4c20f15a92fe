"""Plays scripts before the bot and compares what comes with what is written; reports the first turn that differs."""

import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from handoff.errors import BatonError
from handoff.events import ArticleChosen, ConversationId, FeedbackGiven, OperatorMessage, ReturnedToBot
from handoff.guarded_topics import GuardedTopics
from handoff.ports import Bot, TurnFacts
from handoff.rehearsal.desk import OPERATOR, VISITOR, RehearsalDesk, Said
from handoff.rehearsal.script import Line, Script

# Rasa takes one message at a time; a second visitor keeps it busy while the actions work.
PLAYED_AT_ONCE = 4

KINDS = ("answer", "clarify", "unsure", "say", "ask", "feedback", "handoff")
DESKS = "staffed, empty, closed, closed until ..., knows the e-mail address, hands back"


class ScriptFailed(Exception):
    """The conversation went another way than its script."""


@dataclass(frozen=True, slots=True)
class Played:
    """How a script went: `problem` names the first turn that differs, and is empty if none does."""

    script: Script
    problem: str = ""


def play_all(scripts: Sequence[Script], bot: Bot, topics: GuardedTopics) -> list[Played]:
    """Play scripts side by side, each in a conversation of its own; gives the results in the order of scripts."""
    with ThreadPoolExecutor(PLAYED_AT_ONCE) as pool:
        return list(pool.map(lambda script: play(script, bot, topics), scripts))


def play(script: Script, bot: Bot, topics: GuardedTopics) -> Played:
    """Play one script, up to the first turn that differs."""
    try:
        stage = Stage(script, bot, topics)
        for number, (line, replies) in enumerate(_turns(script.lines), start=1):
            try:
                stage.take(line, replies)
            except (ScriptFailed, BatonError) as exc:
                return Played(script, f"turn {number}, {line.speaker} “{line.words}”: {exc}")
    except ScriptFailed as exc:
        return Played(script, str(exc))
    return Played(script)


def _turns(lines: Sequence[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Give each line together with the bot's lines that follow it."""
    if lines and lines[0].speaker == "bot":
        raise ScriptFailed("the bot never speaks first")
    for place, line in enumerate(lines):
        if line.speaker != "bot":
            rest = lines[place + 1 :]
            end = next((n for n, later in enumerate(rest) if later.speaker != "bot"), len(rest))
            yield line, list(rest[:end])


@dataclass(slots=True)
class Stage:
    """One conversation under way: the desk with its log, how it is staffed, and what the bot said last."""

    script: Script
    bot: Bot
    topics: GuardedTopics
    desk: RehearsalDesk = field(init=False)
    facts: TurnFacts = field(default_factory=lambda: TurnFacts(seq=0, is_staffed=True))
    last: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        conversation_id = ConversationId(uuid.uuid4().hex)
        self.desk = RehearsalDesk(conversation_id, self.script.language, self.bot, self.topics)
        self.change_desk(self.script.desk)

    def take(self, line: Line, replies: Sequence[Line]) -> None:
        """Play one line of anybody but the bot, and compare what the bot says to it.

        Raises:
            ScriptFailed: it says something else.
        """
        match line.speaker:
            case "visitor":
                self.desk.post(line.words)
            case "visitor presses":
                self._press(line.words)
            case "operator":
                self.desk.claim()
                self.desk.record(OPERATOR, OperatorMessage(line.words))
            case _:
                self.change_desk(line.words)
        said = self.desk.take_turn(self.facts)
        self.last = said or self.last
        compare(said, replies)
        if line.checks.get("intent", self.desk.intent) != self.desk.intent:
            raise ScriptFailed(f"expected to be understood as {line.checks['intent']}, was {self.desk.intent}")

    def change_desk(self, words: str) -> None:
        """Change how the desk stands, by the words of a script."""
        email = self.facts.has_email
        match words.split():
            case ["staffed"]:
                self.facts = TurnFacts(seq=0, is_staffed=True, has_email=email)
            case ["empty"]:
                self.facts = TurnFacts(seq=0, has_email=email)
            case ["closed"]:
                self.facts = TurnFacts(seq=0, is_open=False, has_email=email)
            case ["closed", "until", *when]:
                self.facts = TurnFacts(seq=0, is_open=False, opens_at=" ".join(when), has_email=email)
            case ["knows", "the", "e-mail", "address"]:
                self.facts = msgspec.structs.replace(self.facts, has_email=True)
            case ["hands", "back"]:
                self.desk.claim()
                self.desk.record(OPERATOR, ReturnedToBot())
            case _:
                raise ScriptFailed(f"the desk cannot be {words!r}: it knows {DESKS}")

    def _press(self, button: str) -> None:
        if button in ("yes", "no"):
            self.desk.record(VISITOR, FeedbackGiven(self.desk.state.last_article_seq or 0, button == "yes"))
            return
        offered = [option for payload in self.last for option in payload.get("options", [])]
        if not button.isdecimal() or not 1 <= int(button) <= len(offered):
            raise ScriptFailed(f"there is no button {button!r}: yes, no, or the number of an option")
        option = offered[int(button) - 1]
        self.desk.record(VISITOR, ArticleChosen(option["slug"], option["language"], option["title"]))


def compare(said: Sequence[Said], expected: Sequence[Line]) -> None:
    """Compare what the bot said with the bot's lines of a script.

    Raises:
        ScriptFailed: they differ; the message says how.
    """
    got = [describe(payload) for payload in said]
    if len(said) != len(expected) or any(not _matches(line.words, p) for line, p in zip(expected, said, strict=True)):
        raise ScriptFailed(f"expected {[line.words for line in expected]}, got {got}")
    for line, payload in zip(expected, said, strict=True):
        _check_details(line, payload)


def describe(payload: Said) -> str:
    """Write a payload as a script writes it."""
    match payload["type"]:
        case "answer":
            rest = payload["article"]["slug"]
        case "clarify":
            rest = " ".join(option["slug"] for option in payload["options"])
        case "say":
            rest = payload["key"]
        case "ask":
            rest = payload["field"]
        case "feedback":
            rest = "yes" if payload["helpful"] else "no"
        case "handoff":
            rest = payload["reason"]
        case _:
            rest = ""
    return f"{payload['type']} {rest}".strip()


def _matches(expected: str, payload: Said) -> bool:
    # "answer a or b", "unsure or say greeting" where both are well; "clarify" alone for any choice.
    kind = ""
    for alternative in expected.split(" or "):
        first, _, rest = alternative.partition(" ")
        kind, wanted = (first, rest) if first in KINDS else (kind, alternative)
        if payload["type"] == kind and (not wanted or describe(payload) == f"{kind} {wanted}"):
            return True
    return False


def _check_details(line: Line, payload: Said) -> None:
    for name, wanted in line.checks.items():
        if name == "text":
            if wanted not in payload["text"]:
                raise ScriptFailed(f"expected {line.words!r} to say {wanted!r}, it says {payload['text']!r}")
        elif payload.get(name) != wanted:
            raise ScriptFailed(f"expected {line.words!r} with {name} {wanted!r}, got {payload.get(name)!r}")
