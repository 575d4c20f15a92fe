"""Answers from the knowledge base while Rasa is down, and says so; rung 4 of the ladder.

It understands nothing: what is written is searched for, and who asks for a person in plain words gets one. It keeps
nothing either: what it must know of the conversation it reads in the log.
"""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import gevent
import msgspec

from handoff.bot_texts import BotTexts
from handoff.errors import KnowledgeBaseFailed
from handoff.events import (
    NOT_READ,
    ArticleChosen,
    ArticleRef,
    ArticleShown,
    BotMessage,
    Candidate,
    Event,
    FeedbackGiven,
    PassageRef,
    Reason,
    Understood,
    VisitorMessage,
)
from handoff.kb_client import KnowledgeBase
from handoff.payloads import (
    AnswerPayload,
    ClarifyPayload,
    HandoffPayload,
    Payload,
    SayPayload,
    UnderstoodPayload,
    UnsurePayload,
)
from handoff.phrases import Phrases

T = TypeVar("T")

NOTICE_KEY = "fallback_notice"
OPTIONS_MAX = 3

QUESTION_MAX_CHARS = 2_000
"""The knowledge base takes no longer question."""

_PERSON_WORDS = (
    # Plain words for a person who answers. Whoever puts it otherwise, or in another language, has the button.
    "to a person; with a person; real person; a human; real human; human being; to an agent; live agent; human agent; "
    "to an operator; representative; someone real; talk to someone; speak to someone; talk to somebody; "
    "speak to somebody; con una persona; persona real; un humano; con un agente; con un operador; hablar con alguien; "
    "à une personne; vraie personne; un humain; à un conseiller; à une conseillère; parler à quelqu'un; "
    "mit einem menschen; echten menschen; echter mensch; mit einer person; echte person; mit einem mitarbeiter; "
    "mit einer mitarbeiterin; mit jemandem sprechen; mit jemandem reden"
)
ASKS_FOR_PERSON = Phrases(_PERSON_WORDS.split(";"))


class _Passage(msgspec.Struct, frozen=True):
    id: int
    heading: str
    text: str
    html: str


class _Result(msgspec.Struct, frozen=True):
    slug: str
    language: str
    title: str
    revision: int
    url: str
    passage: _Passage
    probability: float
    tags: list[str] = []

    def as_candidate(self) -> Candidate:
        return Candidate(self.slug, self.language, self.title, self.revision, self.url, self.probability)


class _Findings(msgspec.Struct, frozen=True):
    verdict: str
    results: list[_Result]


class Fallback:
    """Takes the turns that Rasa cannot."""

    def __init__(self, knowledge_base: KnowledgeBase, texts: BotTexts) -> None:
        self._knowledge_base = knowledge_base
        self._texts = texts

    def reply(
        self, log: Sequence[Event], owed: Sequence[Event], *, language: str, is_reachable: bool, deadline_s: float
    ) -> list[Payload]:
        """Give the payloads of one turn: `owed` is what it answers, `log` everything that happened before.

        Raises:
            KnowledgeBaseFailed: it is down, too, or not quick enough.
        """
        said = [event.body.text for event in owed if isinstance(event.body, VisitorMessage)]
        turn: list[Payload] = [UnderstoodPayload(NOT_READ, 0.0)]
        if said and ASKS_FOR_PERSON.find("\n".join(said)):
            key = "handoff_asked_for_person" if is_reachable else "handoff_unstaffed"
            return [*turn, HandoffPayload(Reason.ASKED_FOR_PERSON, self._texts.text(key, language))]
        if not _is_noticed(log):
            notice = self._texts.text(NOTICE_KEY, language)
            turn.append(SayPayload(NOTICE_KEY, notice, offer="person"))
        try:
            with gevent.Timeout(deadline_s):
                answer = self._answer(log, owed[0], "\n".join(said), language)
        except gevent.Timeout as exc:
            raise KnowledgeBaseFailed(f"No answer from the knowledge base within {deadline_s:g} s.") from exc
        if isinstance(answer, UnsurePayload):
            offer = self._texts.text("offer_person" if is_reachable else "offer_message", language)
            answer = msgspec.structs.replace(answer, text=f"{answer.text} {offer}".strip())
        return [*turn, answer]

    def _answer(self, log: Sequence[Event], asked: Event, words: str, language: str) -> Payload:
        match asked.body:
            case ArticleChosen(slug, chosen_language):
                return self._chosen(_last_question(log), slug, chosen_language)
            case FeedbackGiven():
                question = _last_question(log)
                seen = [event.body.article.slug for event in log if isinstance(event.body, ArticleShown)]
                found = self._search(question, language, exclude=seen, is_logged=False) if question else None
                if found and found.results and found.verdict != "unsure":
                    return self._show(question, found.results[0], "answer_next", language)
                return self._give_up(question, found, "unsure_after_articles", language)
            case _:
                return self._first_answer(log, words, language)

    def _first_answer(self, log: Sequence[Event], words: str, language: str) -> Payload:
        found = self._search(words, language, exclude=_refused_slugs(log))
        if found.verdict == "answer" and found.results:
            if _is_shown_last(log, found.results[0]):
                return self._give_up(words, found, "unsure_repeated", language)
            return self._show(words, found.results[0], "answer", language)
        if found.verdict == "clarify" and len(found.results) > 1:
            options = [result.as_candidate() for result in found.results[:OPTIONS_MAX]]
            return ClarifyPayload(words, self._texts.text("clarify", language), options)
        return self._give_up(words, found, "unsure", language)

    def _chosen(self, question: str, slug: str, language: str) -> Payload:
        path = f"/articles/{quote(language, safe='')}/{quote(slug, safe='')}"
        answer = self._knowledge_base.ask("GET", path, query={"published": "1"})
        if answer.status != 200:
            return self._give_up(question, None, "unsure", language)
        article = answer.body
        passage = {"id": 0, "heading": "", "text": article["body"], "html": article["html"]}
        shown = {**article, "url": f"/help/{language}/{slug}", "passage": passage, "probability": 1.0}
        return self._show(question, _read(shown, _Result), "answer_chosen", language)

    def _search(self, question: str, language: str, *, exclude: Sequence[str], is_logged: bool = True) -> _Findings:
        wanted: dict[str, Any] = {"question": question[:QUESTION_MAX_CHARS], "language": language, "limit": 5}
        wanted |= {"exclude": list(exclude), "log": is_logged}
        answer = self._knowledge_base.ask("POST", "/search", body=wanted)
        if answer.status != 200:
            raise KnowledgeBaseFailed(f"The knowledge base refused a search with {answer.status}.")
        return _read(answer.body, _Findings)

    def _show(self, question: str, result: _Result, key: str, language: str) -> Payload:
        article = ArticleRef(result.slug, result.language, result.title, result.revision, result.url)
        text = self._texts.text(key, language)
        passage = PassageRef(result.passage.id, result.passage.heading, result.passage.text, result.passage.html)
        return AnswerPayload(question, text, article, passage, result.probability, result.tags)

    def _give_up(self, question: str, found: _Findings | None, key: str, language: str) -> Payload:
        candidates = [result.as_candidate() for result in found.results[:OPTIONS_MAX]] if found else []
        return UnsurePayload(question, self._texts.text(key, language), candidates)


def _read(raw: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as exc:
        raise KnowledgeBaseFailed(f"The knowledge base answered with another shape: {exc}.") from exc


def _is_noticed(log: Sequence[Event]) -> bool:
    """Tell whether this outage was named already: after the notice nothing was read by Rasa."""
    for event in reversed(log):
        if isinstance(event.body, BotMessage) and event.body.key == NOTICE_KEY:
            return True
        if isinstance(event.body, Understood) and event.body.intent != NOT_READ:
            return False
    return False


def _last_question(log: Sequence[Event]) -> str:
    asked = (getattr(event.body, "question", "") for event in reversed(log))
    return next((question for question in asked if question), "")


def _refused_slugs(log: Sequence[Event]) -> list[str]:
    refused = {
        event.body.article_seq for event in log if isinstance(event.body, FeedbackGiven) and not event.body.helpful
    }
    return [event.body.article.slug for event in log if isinstance(event.body, ArticleShown) and event.seq in refused]


def _is_shown_last(log: Sequence[Event], result: _Result) -> bool:
    shown = [event.body for event in log if isinstance(event.body, ArticleShown)]
    return bool(shown) and (shown[-1].article.slug, shown[-1].passage.id) == (result.slug, result.passage.id)
