"""What an operator must know before the first word: built from the log alone, rung 1 of the ladder."""

import msgspec

from handoff.events import (
    ArticleShown,
    Candidate,
    Event,
    FeedbackGiven,
    NoteAdded,
    Page,
    QuestionUnanswered,
    Reason,
    Understood,
    VisitorMessage,
)
from handoff.projection import State

ASKED_MAX = 20
"""A brief shows the newest of what the visitor wrote; the transcript beside it has all."""

REASON_TEXTS = {
    Reason.ASKED_FOR_PERSON: "Asked for a person",
    Reason.UNSURE_TWICE: "The bot found no answer twice",
    Reason.UNHELPFUL_TWICE: "Two answers did not help",
    Reason.GUARDED_TOPIC: "A topic that a person must handle",
    Reason.BOT_FAILED: "The bot could not answer (fault)",
    Reason.FRUSTRATED: "The visitor is frustrated",
    Reason.ACCOUNT_SPECIFIC: "Only somebody who sees the account can answer",
}


class BriefVisitor(msgspec.Struct, frozen=True):
    id: str
    name: str | None
    email: str | None
    language: str
    timezone: str
    earlier_chats: int


class Asked(msgspec.Struct, frozen=True):
    """A message of the visitor and how the bot read it; `confidence` from 0 to 1, `slots` what it knew by then."""

    seq: int
    text: str
    at: float
    intent: str | None = None
    confidence: float | None = None
    slots: dict[str, str] = {}


class ArticleTried(msgspec.Struct, frozen=True):
    """An article that the visitor was shown; `reaction` is "helpful", "unhelpful" or None."""

    seq: int
    slug: str
    language: str
    title: str
    url: str
    revision: int
    probability: float
    reaction: str | None = None


class Unanswered(msgspec.Struct, frozen=True):
    question: str
    candidates: list[Candidate]


class Brief(msgspec.Struct, frozen=True):
    visitor: BriefVisitor
    page: Page | None
    reason: Reason | None
    reason_text: str | None
    waiting_since: float | None
    slots: dict[str, str]
    asked: list[Asked]
    articles: list[ArticleTried]
    unanswered: list[Unanswered]
    notes: int


class BriefBuilder:
    """Gathers what a brief tells while a log is read, event by event; the state gives the rest."""

    def __init__(self) -> None:
        self.seq = 0
        """The event that was read last."""
        self._asked: dict[int, Asked] = {}
        self._articles: dict[int, ArticleTried] = {}
        self._unanswered: list[Unanswered] = []
        self._notes = 0

    def add(self, event: Event) -> None:
        """Take in the next event of the log."""
        self.seq = event.seq
        body = event.body
        match body:
            case VisitorMessage():
                self._asked[event.seq] = Asked(event.seq, body.text, event.at)
                if len(self._asked) > ASKED_MAX:
                    del self._asked[next(iter(self._asked))]
            case Understood() if body.message_seq in self._asked:
                self._asked[body.message_seq] = msgspec.structs.replace(
                    self._asked[body.message_seq], intent=body.intent, confidence=body.confidence, slots=body.slots
                )
            case ArticleShown():
                self._articles[event.seq] = _tried(event.seq, body)
            case FeedbackGiven() if body.article_seq in self._articles:
                self._articles[body.article_seq] = msgspec.structs.replace(
                    self._articles[body.article_seq], reaction="helpful" if body.helpful else "unhelpful"
                )
            case QuestionUnanswered():
                self._unanswered.append(Unanswered(body.question, body.candidates))
            case NoteAdded():
                self._notes += 1
            case _:
                pass

    def build(self, state: State, *, visitor_id: str, earlier_chats: int) -> Brief:
        """Give the brief at `state`, the replay of what was read."""
        reason = state.reason
        return Brief(
            visitor=BriefVisitor(
                id=visitor_id,
                name=state.visitor_name,
                email=state.visitor_email,
                language=state.language,
                timezone=state.timezone,
                earlier_chats=earlier_chats,
            ),
            page=state.page,
            reason=reason,
            reason_text=REASON_TEXTS[reason] if reason else None,
            waiting_since=state.queued_at,
            slots=state.slots,
            asked=list(self._asked.values()),
            articles=list(self._articles.values()),
            unanswered=list(self._unanswered),
            notes=self._notes,
        )


def _tried(seq: int, body: ArticleShown) -> ArticleTried:
    article = body.article
    return ArticleTried(
        seq=seq,
        slug=article.slug,
        language=article.language,
        title=article.title,
        url=article.url,
        revision=article.revision,
        probability=body.probability,
    )
