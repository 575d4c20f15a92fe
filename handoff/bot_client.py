"""Speaks to Rasa over HTTP: the `Bot` port, rung 3 of the ladder."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import gevent
import httpx
import msgspec

from handoff.breaker import Breaker, RetryBudget, Stance
from handoff.errors import BotFailed
from handoff.events import ConversationId, Event, OperatorMessage, ReturnedToBot, VisitorMessage
from handoff.payloads import Payload, decode_payloads
from handoff.ports import TurnFacts

logger = logging.getLogger(__name__)

BOT_DEADLINE_S = 6.5
"""A turn takes some 50 ms when all is well, and 5 s when the knowledge base hangs: longer, and Rasa itself hangs."""

PROBE_DEADLINE_S = 2.0
"""A visitor waits for the probe: less than for a bot that was well a moment ago."""

TELL_DEADLINE_S = 1.0
"""Of each of the two calls: what Rasa is told beside a turn may not cost the turn its answer."""

RETRY_PAUSE_S = 0.2

REPLY_MAX_BYTES = 1_000_000
"""Three articles with their passages are some 20 kB."""

TRACKER_MAX_BYTES = 30_000_000
"""Rasa keeps some 3 kB a turn."""


class _Message(msgspec.Struct, frozen=True):
    """One message of Rasa's REST channel; a plain text beside or instead of `custom` is outside the contract."""

    custom: Any


_decode_messages = msgspec.json.Decoder(list[_Message]).decode


class RasaBot:
    """Asks a Rasa server what to say; see `ports.Bot`. One breaker guards all conversations of a process."""

    def __init__(
        self,
        base_url: str,
        *,
        token: str = "",
        deadline_s: float = BOT_DEADLINE_S,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._deadline_s = deadline_s
        self._now = now
        self._breaker = Breaker()
        self._budget = RetryBudget()
        self._query = {"token": token} if token else {}
        # trust_env: a proxy of the environment has no business between two processes of one machine. No compression
        # between them either: a small answer must not unpack to a huge one.
        self._http = httpx.Client(
            base_url=base_url, timeout=deadline_s, trust_env=False, headers={"Accept-Encoding": "identity"}
        )

    @property
    def stance(self) -> Stance:
        """Whether Rasa is asked at present."""
        return self._breaker.stance(self._now())

    def reply(self, conversation_id: ConversationId, message: str, *, facts: TurnFacts) -> list[Payload]:
        """See `ports.Bot.reply`."""
        request = {"sender": conversation_id, "message": message, "metadata": msgspec.to_builtins(facts)}
        with self._guarded() as deadline_s:
            raw = self._fetch("POST", "/webhooks/rest/webhook", request, deadline_s=deadline_s)
            try:
                messages = _decode_messages(raw)
            except (msgspec.DecodeError, RecursionError) as exc:  # the latter: nested without an end
                raise BotFailed(f"The bot answered with something else than a list of payloads: {exc}.") from exc
            return decode_payloads([message.custom for message in messages])

    def tell(self, conversation_id: ConversationId, said: Sequence[Event]) -> None:
        """See `ports.Bot.tell`. What Rasa has been told is read from its own tracker, by the `seq` on each message."""
        if self.stance is not Stance.CLOSED:
            raise BotFailed("The bot is not asked at present.")
        path = f"/conversations/{quote(conversation_id, safe='')}/tracker"
        raw = self._fetch("GET", path, None, deadline_s=TELL_DEADLINE_S, max_bytes=TRACKER_MAX_BYTES)
        try:
            told_seq = max(_seqs_of(msgspec.json.decode(raw)), default=0)
        except (msgspec.DecodeError, RecursionError, TypeError, AttributeError) as exc:
            raise BotFailed(f"The bot's tracker cannot be read: {exc!r}.") from exc
        events = [line for event in said if event.seq > told_seq for line in _rasa_events(event)]
        if events:
            self._fetch("POST", f"{path}/events", events, deadline_s=TELL_DEADLINE_S, max_bytes=TRACKER_MAX_BYTES)

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def _guarded(self) -> Iterator[float]:
        """Let a turn through if the breaker does, with its deadline in seconds; note how it went."""
        stance = self.stance
        if stance is Stance.OPEN:
            raise BotFailed("The bot is not asked at present: it has failed several times in a row.")
        self._breaker = self._breaker.let_through(self._now())
        self._budget = self._budget.earn()
        try:
            yield PROBE_DEADLINE_S if stance is Stance.HALF_OPEN else self._deadline_s
        except BotFailed:
            self._breaker = self._breaker.failed(self._now())
            raise
        if stance is not Stance.CLOSED:
            logger.warning("the bot answers again")
        self._breaker = self._breaker.succeeded()

    def _fetch(
        self, method: str, path: str, body: object | None, *, deadline_s: float, max_bytes: int = REPLY_MAX_BYTES
    ) -> bytes:
        try:
            # httpx limits each read; the whole call is limited here, so that a bot that trickles cannot hold it.
            with gevent.Timeout(deadline_s):
                try:
                    return self._fetch_once(method, path, body, max_bytes)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    # Nothing was sent, so that a second try cannot say anything twice.
                    budget = self._budget.spend()
                    if budget is None:
                        raise
                    self._budget = budget
                    gevent.sleep(RETRY_PAUSE_S)
                    return self._fetch_once(method, path, body, max_bytes)
        except gevent.Timeout as exc:
            raise BotFailed(f"No answer from the bot within {deadline_s:g} s.") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise BotFailed(f"The bot cannot be reached or answered with nonsense: {exc!r}.") from exc

    def _fetch_once(self, method: str, path: str, body: object | None, max_bytes: int) -> bytes:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        with self._http.stream(method, path, params=self._query, content=content, headers=headers) as response:
            response.raise_for_status()
            raw = bytearray()
            for chunk in response.iter_raw():
                raw += chunk
                if len(raw) > max_bytes:
                    raise BotFailed(f"The bot's answer is longer than {max_bytes} bytes.")
        return bytes(raw)


def _seqs_of(tracker: Any) -> Iterator[int]:
    for event in tracker.get("events") or ():
        seq = (event.get("metadata") or {}).get("seq")
        if isinstance(seq, int):
            yield seq


def _rasa_events(event: Event) -> list[dict[str, Any]]:
    """Give what Rasa's tracker holds of an event that happened without it."""
    about = {"metadata": {"seq": event.seq}, "timestamp": event.at}
    match event.body:
        case VisitorMessage(text):
            read = {"text": text, "intent": {"name": "said_to_operator", "confidence": 1.0}, "entities": []}
            return [{"event": "user", "text": text, "parse_data": read, **about}]
        case OperatorMessage(text):
            return [{"event": "agent", "text": text, **about}]
        case ReturnedToBot():
            return [{"event": "slot", "name": "handed_back", "value": True, **about}]
        case _:
            return []
