"""A desk for one scripted conversation: the real log's rules, the real escalation and the real client of the bot,
without a database. It does with a turn what `turns` does, and keeps the state by `projection`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from handoff.escalation import EscalationRules, decide
from handoff.events import (
    SYSTEM,
    AnyBody,
    Author,
    AuthorKind,
    ConversationId,
    ConversationStarted,
    Escalated,
    Event,
    OperatorClaimed,
    Page,
    Reason,
    VisitorMessage,
)
from handoff.guarded_topics import GuardedTopics
from handoff.payloads import AnswerPayload, HandoffPayload, Payload, UnderstoodPayload, UnsurePayload, build_turn
from handoff.ports import Bot, TurnFacts
from handoff.projection import Phase, State, apply, check, next_epoch
from handoff.turns import build_prompt, choose_owed, choose_untold

VISITOR = Author(AuthorKind.VISITOR, "ada", "Ada")
OPERATOR = Author(AuthorKind.OPERATOR, "grace", "Grace")

Said = dict[str, Any]
"""A payload as plain data, with its `type`."""


@dataclass(slots=True)
class RehearsalDesk:
    """Holds the events of one conversation; every one passes the same check as in the log."""

    conversation_id: ConversationId
    language: str
    bot: Bot
    topics: GuardedTopics
    rules: EscalationRules = field(default_factory=EscalationRules)
    events: list[Event] = field(default_factory=list)
    state: State = field(default_factory=State)
    intent: str = ""

    def __post_init__(self) -> None:
        self.record(VISITOR, ConversationStarted(Page(), self.language, "UTC", ""))

    def record(self, author: Author, body: AnyBody) -> Event:
        """Add an event.

        Raises:
            BatonError: the rules of the log refuse it.
        """
        check(self.state, author, body)
        seq = len(self.events) + 1
        event = Event(self.conversation_id, seq, next_epoch(self.state, body), time.time(), author, body)
        self.state = apply(self.state, event)
        self.events.append(event)
        return event

    def post(self, text: str) -> None:
        """Record the visitor's message, a burst of several lines as several."""
        for line in text.split("\n"):
            if line.strip():
                self.record(VISITOR, VisitorMessage(line))

    def claim(self) -> None:
        """Have the operator hold the chat, unless she does."""
        if self.state.phase is not Phase.OPERATOR:
            self.record(OPERATOR, OperatorClaimed())

    def take_turn(self, facts: TurnFacts) -> list[Said]:
        """Have the bot answer what it owes, nothing if it owes nothing; a hand-over, whoever decides it, comes last.

        Raises:
            BotFailed: the bot is silent, or speaks outside its contract.
        """
        if self.state.phase is not Phase.BOT or not self.state.unanswered:
            return []
        news = [event for event in self.events if event.seq > self.state.rasa_seq]
        owed = choose_owed([event for event in news if event.seq in self.state.unanswered])
        words = "\n".join(event.body.text for event in owed if isinstance(event.body, VisitorMessage))
        topic = self.topics.find_topic(words)
        if topic is not None:
            return [self._escalate(Reason.GUARDED_TOPIC, HandoffPayload(Reason.GUARDED_TOPIC, detail=topic))]
        untold = choose_untold(news, before_seq=owed[0].seq)
        if untold:
            self.bot.tell(self.conversation_id, untold)
        facts = msgspec.structs.replace(facts, seq=owed[-1].seq, language=self.language)
        return self._weigh(self.bot.reply(self.conversation_id, build_prompt(owed), facts=facts), owed[-1].seq)

    def _weigh(self, payloads: Sequence[Payload], message_seq: int) -> list[Said]:
        turn = build_turn(payloads, state=self.state, message_seq=message_seq, find_tag=self.topics.find_tag)
        reason = decide(self.state, turn.signals, self.rules)
        self.intent = next(p.intent for p in payloads if isinstance(p, UnderstoodPayload))
        # An offer of a person is moot once one is called.
        for draft in turn.drafts:
            if reason is None or getattr(draft.body, "offer", None) is None:
                self.record(draft.author, draft.body)
        said = [_describe(payload) for payload in payloads if self._is_shown(payload, is_last=reason is not None)]
        if reason is None:
            return said
        own = next((p for p in payloads if isinstance(p, HandoffPayload)), HandoffPayload(reason))
        return [*said, self._escalate(reason, own)]

    def _is_shown(self, payload: Payload, *, is_last: bool) -> bool:
        if isinstance(payload, AnswerPayload):
            return self.topics.find_tag(payload.tags) is None
        has_offer = isinstance(payload, UnsurePayload) or getattr(payload, "offer", None) is not None
        return not isinstance(payload, UnderstoodPayload | HandoffPayload) and not (is_last and has_offer)

    def _escalate(self, reason: Reason, payload: HandoffPayload) -> Said:
        self.record(SYSTEM, Escalated(reason, payload.text, payload.detail, is_staffed=True))
        return _describe(msgspec.structs.replace(payload, reason=reason))


def _describe(payload: Payload) -> Said:
    described: Said = msgspec.to_builtins(payload)
    return described
