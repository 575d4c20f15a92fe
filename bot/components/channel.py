"""Rasa's REST channel, closed to Rasa's own commands.

Rasa takes any text that starts with a slash, after blanks too, for a command: "/restart" forgets the conversation.
Only the two that Baton itself sends pass here; in every other text the slash becomes one that Rasa does not know.
"""

import re
from typing import Optional

from rasa.core.channels.rest import RestInput
from sanic.request import Request

OWN_COMMANDS = re.compile(r"/(next_article|choose_article\{[^{}\n]*\})")
# Looks like a slash, and means nothing to Rasa.
HARMLESS_SLASH = "\u2215"


class GuardedRest(RestInput):
    """Serves the same address and the same messages as Rasa's `rest`."""

    def _extract_message(self, req: Request) -> Optional[str]:
        message = super()._extract_message(req)
        return guard_message(message) if isinstance(message, str) else message


def guard_message(message: str) -> str:
    """Return the message with a leading slash disarmed, unless it is one of Baton's own commands."""
    # As Rasa strips it, so that both see the same first character.
    text = message.strip()
    if not text.startswith("/") or OWN_COMMANDS.fullmatch(text):
        return message
    return HARMLESS_SLASH + text[1:]
