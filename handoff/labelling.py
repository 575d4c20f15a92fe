"""Tells the knowledge base which articles answered, rung 4 of the ladder: a visitor's yes or no, an operator's link.

Best effort, after the event is recorded and beside the work: nobody waits for it and nothing fails because of it. What
the knowledge base does not take in time is lost; its probability can do without single labels.
"""

import logging
import re
from collections.abc import Sequence

from gevent.pool import Pool

from handoff.errors import KnowledgeBaseFailed, StoreFailed
from handoff.events import (
    ArticleShown,
    ClarificationOffered,
    ConversationId,
    Event,
    FeedbackGiven,
    OperatorMessage,
    QuestionUnanswered,
    VisitorMessage,
)
from handoff.kb_client import KnowledgeBase
from handoff.ports import EventStore

logger = logging.getLogger(__name__)

LABELS_AT_ONCE = 16
"""While so many wait for the knowledge base, which takes some 10 ms, it is not well: more are lost."""

LABEL_TIMEOUT_S = 5.0

LOOK_BACK_MAX = 50
"""Events before an operator's link among which the question is looked for."""

_ARTICLE_LINK = re.compile(r"/help/([A-Za-z-]{2,16})/([a-z0-9-]+)")


class Labelling:
    """Sends labels to the knowledge base in the background."""

    def __init__(self, store: EventStore, knowledge_base: KnowledgeBase) -> None:
        self._store = store
        self._knowledge_base = knowledge_base
        self._pool = Pool(LABELS_AT_ONCE)

    def hear(self, conversation_id: ConversationId, events: Sequence[Event]) -> None:
        """Pass on what just recorded events say of articles; returns at once."""
        for event in events:
            if not isinstance(event.body, FeedbackGiven) and not _links_of(event):
                continue
            if self._pool.full():
                logger.warning("label lost", extra={"conversation_id": conversation_id, "detail": "too many wait"})
            else:
                self._pool.spawn(self._send, conversation_id, event)

    def join(self) -> None:
        """Wait until nothing is under way."""
        self._pool.join()

    def close(self) -> None:
        """Give up what is under way."""
        self._pool.kill()

    def _send(self, conversation_id: ConversationId, event: Event) -> None:
        try:
            label = self._build_label(conversation_id, event)
            if label is None:
                return
            answer = self._knowledge_base.ask("POST", "/labels", body=label, timeout_s=LABEL_TIMEOUT_S)
            problem = "" if answer.status == 200 else str(answer.body)
        except (KnowledgeBaseFailed, StoreFailed) as exc:
            problem = exc.message
        if problem:
            logger.warning("label lost", extra={"conversation_id": conversation_id, "detail": problem})

    def _build_label(self, conversation_id: ConversationId, event: Event) -> dict[str, object] | None:
        if isinstance(event.body, FeedbackGiven):
            return self._build_visitors(conversation_id, event.body)
        (language, slug), *others = _links_of(event)
        question = self._find_question(conversation_id, event)
        if others or question is None:
            return None
        said_by = {"source": "operator", "author": event.author.id or ""}
        return {"question": question, "language": language, "slug": slug, "right": True, **said_by}

    def _build_visitors(self, conversation_id: ConversationId, said: FeedbackGiven) -> dict[str, object] | None:
        row = self._store.row(conversation_id)
        events = self._store.read(conversation_id, after_seq=said.article_seq - 1, limit=1)
        shown = events[0].body if events else None
        if row is None or not isinstance(shown, ArticleShown):
            return None
        article = shown.article
        return {
            "question": shown.question,
            "language": article.language,
            "slug": article.slug,
            "revision": article.revision,
            "right": said.helpful,
            "source": "visitor",
            "author": row.visitor_id,
        }

    def _find_question(self, conversation_id: ConversationId, link: Event) -> str | None:
        """Return the question that the bot looked for last; None if the visitor has written since, perhaps another."""
        first_seq = max(0, link.seq - 1 - LOOK_BACK_MAX)
        before = self._store.read(conversation_id, after_seq=first_seq, limit=link.seq - 1 - first_seq)
        for event in reversed(before):
            match event.body:
                case VisitorMessage():
                    return None
                case ArticleShown() | QuestionUnanswered() | ClarificationOffered():
                    return event.body.question
        return None


def _links_of(event: Event) -> list[tuple[str, str]]:
    """Return language and slug of the articles that an operator's message links to, each once."""
    text = event.body.text if isinstance(event.body, OperatorMessage) else ""
    return list(dict.fromkeys((language.lower(), slug) for language, slug in _ARTICLE_LINK.findall(text)))
