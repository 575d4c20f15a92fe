"""When a conversation goes to a person: pure rules, rung 1 of the ladder.

The bot reports signals; `decide` weighs them with the state and gives one decision. Thresholds are one value object.
"""

import msgspec

from handoff.events import Reason
from handoff.projection import State


class EscalationRules(msgspec.Struct, frozen=True):
    """How patient the desk is, counted in bot turns."""

    unsure_limit: int = 2
    """Hand over when the bot found nothing this many times in a row."""

    unhelpful_limit: int = 2
    """Hand over when the visitor said "no" to "did this help?" this many times in a row."""


class Signals(msgspec.Struct, frozen=True):
    """What one turn brought to light."""

    bot_reason: Reason | None = None
    """The bot itself asks for a person, with its reason."""

    is_unsure: bool = False
    is_unhelpful: bool = False


def decide(state: State, signals: Signals, rules: EscalationRules) -> Reason | None:
    """Give the reason to hand over now, or None to keep the bot.

    `state` is the one before this turn's events; a wish for a person outranks everything and is never argued with.
    """
    if signals.bot_reason is not None:
        return signals.bot_reason
    if signals.is_unsure and state.unsure_in_a_row + 1 >= rules.unsure_limit:
        return Reason.UNSURE_TWICE
    if signals.is_unhelpful and state.unhelpful_in_a_row + 1 >= rules.unhelpful_limit:
        return Reason.UNHELPFUL_TWICE
    return None
