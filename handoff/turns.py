"""The bot's turns, rung 4 of the ladder: one at a time per conversation, each under the epoch that it read.

A turn answers what the visitor has written since the last one. A reply that comes after the floor has passed is
refused by the log and dropped here; a bot that fails gives the conversation to the queue, so that no message is
ever left without an answer.
"""

import logging
from collections.abc import Callable, Sequence

import gevent
import msgspec
from gevent import Greenlet
from gevent.lock import BoundedSemaphore

from handoff.conversations import Conversations, topic_of
from handoff.errors import BatonError, BotFailed, FloorRefused, StaleEpoch, StoreFailed
from handoff.escalation import EscalationRules, decide
from handoff.events import (
    ArticleChosen,
    ConversationId,
    Draft,
    Event,
    FeedbackGiven,
    Reason,
    VisitorMessage,
)
from handoff.payloads import build_turn
from handoff.ports import Bot, Bus
from handoff.projection import Phase, State

logger = logging.getLogger(__name__)

TURNS_AT_ONCE = 64
"""More would only wait in Rasa instead of here, each with its deadline running."""


class Turns:
    """Schedules and takes the bot's turns."""

    def __init__(
        self,
        conversations: Conversations,
        bot: Bot,
        bus: Bus,
        *,
        rules: EscalationRules,
        is_staffed: Callable[[], bool],
    ) -> None:
        self._conversations = conversations
        self._bot = bot
        self._bus = bus
        self._rules = rules
        self._is_staffed = is_staffed
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
        prompt, message_seq = self._prompt(conversation_id, state)
        self._whisper_typing(conversation_id, is_typing=True)
        drafts = self._ask(conversation_id, state, prompt, message_seq)
        try:
            self._conversations.record(conversation_id, drafts, expected_epoch=state.epoch)
        except (StaleEpoch, FloorRefused) as exc:
            logger.info("late bot reply refused", extra={"conversation_id": conversation_id, "code": exc.code})
        finally:
            self._whisper_typing(conversation_id, is_typing=False)
        return True

    def _prompt(self, conversation_id: ConversationId, state: State) -> tuple[str, int]:
        owed = [
            event
            for event in self._conversations.events(conversation_id, after_seq=state.unanswered[0] - 1)
            if event.seq in state.unanswered
        ]
        return build_prompt(owed)

    def _ask(self, conversation_id: ConversationId, state: State, prompt: str, message_seq: int) -> list[Draft]:
        try:
            payloads = self._bot.reply(conversation_id, prompt, language=state.language, is_staffed=self._is_staffed())
        except BotFailed as exc:
            logger.warning("bot failed", extra={"conversation_id": conversation_id, "detail": exc.message})
            return [self._conversations.escalation(Reason.BOT_FAILED, detail=exc.message)]
        turn = build_turn(payloads, state=state, message_seq=message_seq)
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


def build_prompt(owed: Sequence[Event]) -> tuple[str, int]:
    """Give the bot's next input and the `seq` up to which it answers: a burst of messages is one turn."""
    first = owed[0]
    if isinstance(first.body, ArticleChosen):
        entities = msgspec.json.encode({"slug": first.body.slug, "language": first.body.language})
        return f"/choose_article{entities.decode()}", first.seq
    if isinstance(first.body, FeedbackGiven):
        return "/next_article", first.seq
    texts: list[str] = []
    last_seq = first.seq
    for event in owed:
        if not isinstance(event.body, VisitorMessage):
            break
        texts.append(event.body.text)
        last_seq = event.seq
    return without_command("\n".join(texts)), last_seq


def without_command(text: str) -> str:
    """Keep a visitor from speaking to Rasa in its own commands, which start with a slash."""
    text = text.lstrip()
    return "\u2215" + text[1:] if text.startswith("/") else text
