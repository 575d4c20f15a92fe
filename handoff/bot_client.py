"""Speaks to Rasa over its REST channel: the `Bot` port, rung 3 of the ladder."""

import gevent
import httpx

from handoff.errors import BotFailed
from handoff.events import ConversationId
from handoff.payloads import Payload, decode_payloads

BOT_DEADLINE_S = 10.0
"""A visitor waits this long at most before people are called; a turn takes some 50 ms when all is well."""


class RasaBot:
    """Asks a Rasa server what to say; see `ports.Bot`."""

    def __init__(self, base_url: str, *, deadline_s: float = BOT_DEADLINE_S) -> None:
        self._url = f"{base_url}/webhooks/rest/webhook"
        self._deadline_s = deadline_s
        # trust_env: a proxy of the environment has no business between two processes of one machine.
        self._http = httpx.Client(timeout=deadline_s, trust_env=False)

    def reply(self, conversation_id: ConversationId, message: str, *, language: str, is_staffed: bool) -> list[Payload]:
        request = {
            "sender": conversation_id,
            "message": message,
            "metadata": {"language": language, "is_staffed": is_staffed},
        }
        try:
            # httpx limits each read; the whole turn is limited here, so that a bot that trickles cannot hold it.
            with gevent.Timeout(self._deadline_s):
                response = self._http.post(self._url, json=request)
                response.raise_for_status()
                messages = response.json()
        except gevent.Timeout as exc:
            raise BotFailed(f"No answer from the bot within {self._deadline_s:g} s.") from exc
        except (httpx.HTTPError, ValueError) as exc:
            raise BotFailed(f"The bot cannot be reached or answered with nonsense: {exc!r}.") from exc
        return decode_payloads(_custom_parts(messages))

    def close(self) -> None:
        self._http.close()


def _custom_parts(messages: object) -> list[object]:
    if not isinstance(messages, list) or not all(isinstance(m, dict) and "custom" in m for m in messages):
        raise BotFailed("The bot answered with something else than a list of payloads.")
    return [message["custom"] for message in messages]
