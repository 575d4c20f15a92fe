"""When a conversation goes to a person: pure rules, rung 1 of the ladder.

The bot reports signals; `decide` weighs them with the state and gives one decision. Thresholds are one value object.
"""

import msgspec

from handoff.events import Reason
from handoff.projection import State


class EscalationRules(msgspec.Struct, frozen=True):
    """How patient the desk is, counted in bot turns. What is never argued with has no threshold: the wish for a
    person, a guarded topic, a bot that failed.
    """

    unsure_limit: int = 2
    """Hand over when the bot found nothing this many times in a row."""

    unhelpful_limit: int = 2
    """Hand over when the visitor said "no" to "did this help?" this many times in a row."""

    frustrated_limit: int = 2
    """Hand over at this many angry messages since the bot got the floor; the bot itself may see fit to do so sooner."""


class Signals(msgspec.Struct, frozen=True):
    """What one turn brought to light."""

    bot_reason: Reason | None = None
    """The bot itself asks for a person, with its reason."""

    guarded_topic: str | None = None
    """What the visitor wrote, or the article that would be shown, touches a topic that a person must handle."""

    is_unsure: bool = False
    is_unhelpful: bool = False
    is_frustrated: bool = False


def decide(state: State, signals: Signals, rules: EscalationRules) -> Reason | None:
    """Give the reason to hand over now, or None to keep the bot.

    `state` is the one before this turn's events. Of several reasons the one counts that tells an operator most: a
    guarded topic, then the bot's own reason (the wish for a person among them), then what was counted.
    """
    if signals.guarded_topic is not None:
        return Reason.GUARDED_TOPIC
    if signals.bot_reason is not None:
        return signals.bot_reason
    if signals.is_frustrated and state.frustrated_count + 1 >= rules.frustrated_limit:
        return Reason.FRUSTRATED
    if signals.is_unsure and state.unsure_in_a_row + 1 >= rules.unsure_limit:
        return Reason.UNSURE_TWICE
    if signals.is_unhelpful and state.unhelpful_in_a_row + 1 >= rules.unhelpful_limit:
        return Reason.UNHELPFUL_TWICE
    return None
