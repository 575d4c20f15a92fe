"""The bot's turns, rung 4 of the ladder: one at a time per conversation, each under the epoch that it read.

A turn answers what the visitor has written since the last one. A reply that comes after the floor has passed is
refused by the log and dropped here; a bot that fails gives the conversation to the queue, so that no message is
ever left without an answer.
"""

import logging
import time
from collections.abc import Callable, Sequence

import gevent
import msgspec
from gevent import Greenlet
from gevent.lock import BoundedSemaphore

from handoff.business_hours import describe_opening
from handoff.conversations import Conversations, topic_of
from handoff.errors import BatonError, BotFailed, FloorRefused, KnowledgeBaseFailed, StaleEpoch, StoreFailed
from handoff.escalation import EscalationRules, Signals, decide
from handoff.events import (
    ArticleChosen,
    ConversationId,
    Draft,
    Event,
    FeedbackGiven,
    OperatorMessage,
    Reason,
    ReturnedToBot,
    VisitorMessage,
)
from handoff.fallback import Fallback
from handoff.guarded_topics import GuardedTopics
from handoff.payloads import Payload, build_turn
from handoff.ports import Bot, Bus, TurnFacts
from handoff.presence import Staffing
from handoff.projection import Phase, State

logger = logging.getLogger(__name__)

TURNS_AT_ONCE = 64
"""More would only wait in Rasa instead of here, each with its deadline running."""

TURN_DEADLINE_S = 10.0
"""Every message is answered or handed over by then: what Rasa leaves of it is the knowledge base's."""

FALLBACK_MIN_S = 1.5
"""What the knowledge base gets however late it is; it answers in some 20 ms."""

TOLD_MAX = 100
"""Of a long talk without the bot it is told the newest: more than any rule looks at."""


class Turns:
    """Schedules and takes the bot's turns."""

    def __init__(
        self,
        conversations: Conversations,
        bot: Bot,
        bus: Bus,
        *,
        fallback: Fallback,
        rules: EscalationRules,
        staffing: Callable[[], Staffing],
        topics: GuardedTopics | None = None,
    ) -> None:
        self._conversations = conversations
        self._bot = bot
        self._bus = bus
        self._fallback = fallback
        self._rules = rules
        self._staffing = staffing
        self._topics = topics or GuardedTopics()
        self._running: dict[ConversationId, Greenlet] = {}
        self._slots = BoundedSemaphore(TURNS_AT_ONCE)

    def take(self, conversation_id: ConversationId) -> None:
        """See to it that the bot answers what it owes; returns at once. Harmless when it owes nothing."""
        if conversation_id not in self._running:
            self._running[conversation_id] = gevent.spawn(self._run, conversation_id)

    def join(self) -> None:
        """Wait until no turn is running."""
        while self._running:
            gevent.joinall(list(self._running.values()))

    def _run(self, conversation_id: ConversationId) -> None:
        try:
            with self._slots:
                while self._take_one(conversation_id):
                    pass
        except StoreFailed as exc:  # the reply is still owed: the sweep takes it up when the log is well again
            logger.warning("turn not recorded", extra={"conversation_id": conversation_id, "detail": exc.message})
        except Exception:  # a border (job runner): the turn ends, the conversation goes to people
            logger.exception("turn failed", extra={"conversation_id": conversation_id})
            self._give_up(conversation_id)
        finally:
            del self._running[conversation_id]

    def _take_one(self, conversation_id: ConversationId) -> bool:
        """Answer the oldest thing owed; False when nothing is, or the floor is elsewhere."""
        state = self._conversations.row(conversation_id).state
        if state.phase is not Phase.BOT or not state.unanswered:
            return False
        self._whisper_typing(conversation_id, is_typing=True)
        drafts = self._answer(conversation_id, state)
        try:
            self._conversations.record(conversation_id, drafts, expected_epoch=state.epoch)
        except (StaleEpoch, FloorRefused) as exc:
            logger.info("late bot reply refused", extra={"conversation_id": conversation_id, "code": exc.code})
        finally:
            self._whisper_typing(conversation_id, is_typing=False)
        return True

    def _answer(self, conversation_id: ConversationId, state: State) -> list[Draft]:
        """Find what to record for the oldest thing owed; never fails for the bot's or the knowledge base's sake."""
        # What Rasa has read ends where the first thing starts that it was not asked or told: one look gives both.
        news = list(self._conversations.events(conversation_id, after_seq=state.rasa_seq))
        owed = choose_owed([event for event in news if event.seq in state.unanswered])
        words = "\n".join(event.body.text for event in owed if isinstance(event.body, VisitorMessage))
        topic = self._topics.find_topic(words)
        if topic is not None:
            return [self._conversations.escalation(Reason.GUARDED_TOPIC, detail=topic)]
        if isinstance(owed[0].body, FeedbackGiven):
            # A "no" by button is counted in the state already.
            before = msgspec.structs.replace(state, unhelpful_in_a_row=state.unhelpful_in_a_row - 1)
            reason = decide(before, Signals(is_unhelpful=True), self._rules)
            if reason is not None:
                return [self._conversations.escalation(reason)]
        try:
            payloads = self._ask(conversation_id, state, owed, choose_untold(news, before_seq=owed[0].seq))
        except BotFailed as exc:
            logger.warning("bot failed", extra={"conversation_id": conversation_id, "detail": exc.message})
            return [self._conversations.escalation(Reason.BOT_FAILED, detail=exc.message)]
        return self._weigh(state, payloads, owed[-1].seq)

    def _ask(
        self, conversation_id: ConversationId, state: State, owed: Sequence[Event], untold: Sequence[Event]
    ) -> list[Payload]:
        """Ask Rasa, and the knowledge base if Rasa fails.

        Raises:
            BotFailed: neither has an answer.
        """
        began_at = time.monotonic()
        staffing = self._staffing()
        try:
            self._tell(conversation_id, untold)
            facts = build_facts(state, staffing, seq=owed[-1].seq)
            return self._bot.reply(conversation_id, build_prompt(owed), facts=facts)
        except BotFailed as failure:
            logger.warning("fallback answers", extra={"conversation_id": conversation_id, "detail": failure.message})
            before = [event for event in self._conversations.events(conversation_id) if event.seq < owed[0].seq]
            left_s = max(TURN_DEADLINE_S - (time.monotonic() - began_at), FALLBACK_MIN_S)
            try:
                return self._fallback.reply(
                    before, owed, language=state.language, is_reachable=staffing.is_reachable, deadline_s=left_s
                )
            except KnowledgeBaseFailed as exc:
                raise BotFailed(f"{failure.message} {exc.message}") from exc

    def _tell(self, conversation_id: ConversationId, untold: Sequence[Event]) -> None:
        """Tell Rasa what was said without it; if that fails, the turn goes on, and a later one tells it."""
        if not untold:
            return
        try:
            self._bot.tell(conversation_id, untold)
        except BotFailed as exc:
            logger.warning("bot not told", extra={"conversation_id": conversation_id, "detail": exc.message})

    def _weigh(self, state: State, payloads: Sequence[Payload], message_seq: int) -> list[Draft]:
        """Turn the payloads into events, and hand over if the rules say so."""
        turn = build_turn(payloads, state=state, message_seq=message_seq, find_tag=self._topics.find_tag)
        reason = decide(state, turn.signals, self._rules)
        if reason is None:
            return turn.drafts
        # An offer of a person is moot once one is called.
        said = [draft for draft in turn.drafts if getattr(draft.body, "offer", None) is None]
        return [
            *said,
            self._conversations.escalation(reason, text=turn.handoff_text, detail=turn.handoff_detail),
        ]

    def _give_up(self, conversation_id: ConversationId) -> None:
        try:
            escalation = self._conversations.escalation(Reason.BOT_FAILED, detail="the turn itself failed")
            self._conversations.record(conversation_id, [escalation])
        except BatonError:
            logger.warning("conversation left where it is", extra={"conversation_id": conversation_id})

    def _whisper_typing(self, conversation_id: ConversationId, *, is_typing: bool) -> None:
        payload = {"author": {"kind": "bot", "name": None}, "is_typing": is_typing}
        self._bus.whisper(topic_of(conversation_id), payload)


def choose_owed(owed: Sequence[Event]) -> list[Event]:
    """Give what one turn answers of what is owed: the oldest, and if that is a message, the whole burst."""
    if not isinstance(owed[0].body, VisitorMessage):
        return [owed[0]]
    burst = []
    for event in owed:
        if not isinstance(event.body, VisitorMessage):
            break
        burst.append(event)
    return burst


def choose_untold(news: Sequence[Event], *, before_seq: int) -> list[Event]:
    """Give what was said without Rasa ahead of this turn, the newest `TOLD_MAX`."""
    kinds = (VisitorMessage, OperatorMessage, ReturnedToBot)
    return [event for event in news if event.seq < before_seq and isinstance(event.body, kinds)][-TOLD_MAX:]


def build_prompt(owed: Sequence[Event]) -> str:
    """Give the bot's next input: a burst of messages is one."""
    first = owed[0]
    if isinstance(first.body, ArticleChosen):
        entities = msgspec.json.encode({"slug": first.body.slug, "language": first.body.language})
        return f"/choose_article{entities.decode()}"
    if isinstance(first.body, FeedbackGiven):
        return "/next_article"
    return without_command("\n".join(event.body.text for event in owed if isinstance(event.body, VisitorMessage)))


def build_facts(state: State, staffing: Staffing, *, seq: int) -> TurnFacts:
    """Give what the bot is told beside the visitor's words."""
    opens_at = staffing.opens_at and describe_opening(staffing.opens_at, zone=state.timezone, language=state.language)
    return TurnFacts(
        seq=seq,
        language=state.language,
        is_staffed=staffing.is_staffed,
        is_open=staffing.is_open,
        opens_at=opens_at or None,
        has_email=bool(state.visitor_email),
    )


def without_command(text: str) -> str:
    """Keep a visitor from speaking to Rasa in its own commands, which start with a slash."""
    text = text.lstrip()
    return "\u2215" + text[1:] if text.startswith("/") else text
