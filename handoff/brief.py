"""What an operator must know before the first word: built from the log alone, rung 1 of the ladder."""

from collections.abc import Sequence

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
from handoff.projection import replay

REASON_TEXTS = {
    Reason.ASKED_FOR_PERSON: "Asked for a person",
    Reason.UNSURE_TWICE: "The bot found no answer twice",
    Reason.UNHELPFUL_TWICE: "Two answers did not help",
    Reason.GUARDED_TOPIC: "A topic that a person must handle",
    Reason.BOT_FAILED: "The bot could not answer (fault)",
    Reason.FRUSTRATED: "The visitor is frustrated",
}


class BriefVisitor(msgspec.Struct, frozen=True):
    id: str
    name: str | None
    email: str | None
    language: str
    timezone: str
    earlier_chats: int


class Asked(msgspec.Struct, frozen=True):
    """A message of the visitor and how the bot read it; `confidence` from 0 to 1."""

    seq: int
    text: str
    at: float
    intent: str | None = None
    confidence: float | None = None


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
    asked: list[Asked]
    articles: list[ArticleTried]
    unanswered: list[Unanswered]
    notes: int


def build_brief(events: Sequence[Event], *, visitor_id: str, earlier_chats: int) -> Brief:
    """Build the brief from a conversation's whole log, oldest event first."""
    state = replay(events)
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
        asked=_asked(events),
        articles=_articles_tried(events),
        unanswered=[
            Unanswered(event.body.question, event.body.candidates)
            for event in events
            if isinstance(event.body, QuestionUnanswered)
        ],
        notes=sum(isinstance(event.body, NoteAdded) for event in events),
    )


def _asked(events: Sequence[Event]) -> list[Asked]:
    readings = {e.body.message_seq: e.body for e in events if isinstance(e.body, Understood)}
    asked = []
    for event in events:
        if isinstance(event.body, VisitorMessage):
            reading = readings.get(event.seq)
            asked.append(
                Asked(
                    seq=event.seq,
                    text=event.body.text,
                    at=event.at,
                    intent=reading.intent if reading else None,
                    confidence=reading.confidence if reading else None,
                )
            )
    return asked


def _articles_tried(events: Sequence[Event]) -> list[ArticleTried]:
    reactions = {
        e.body.article_seq: "helpful" if e.body.helpful else "unhelpful"
        for e in events
        if isinstance(e.body, FeedbackGiven)
    }
    return [
        ArticleTried(
            seq=event.seq,
            slug=event.body.article.slug,
            language=event.body.article.language,
            title=event.body.article.title,
            url=event.body.article.url,
            revision=event.body.article.revision,
            probability=event.body.probability,
            reaction=reactions.get(event.seq),
        )
        for event in events
        if isinstance(event.body, ArticleShown)
    ]
