"""The bus and the presence book of many processes, on a Redis server.

Redis is never in anybody's way: what is rung is told at once in this process and passed on by a greenlet of its own;
what this process knows of presence stands in for the book while the server is away. A greenlet that waits for the
server lets the others run, whether the standard library is patched or not.
"""

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
import gevent.socket
import msgspec
import redis
from gevent.event import Event
from redis.backoff import NoBackoff
from redis.retry import Retry

from handoff.bus.inprocess import InProcessBus, by_name
from handoff.events import ConversationId, OperatorId, VisitorId
from handoff.ports import Gap, Lease, Listener, Ring, Whisper

logger = logging.getLogger(__name__)

OUTGOING_MAX = 10_000
"""Rings that wait for a slow server; beyond it the oldest are lost, and everybody is told of a gap."""

BATCH_MAX = 500
CALL_TIMEOUT_S = 2.0
RETRY_S = 0.5
SILENCE_MAX_S = 5.0
"""After so long without a message the server is asked whether it is still there."""


class _GreenConnection(redis.Connection):
    """A connection on a socket that waits as a greenlet."""

    def _connect(self) -> gevent.socket.socket:
        sock = gevent.socket.create_connection((self.host, self.port), timeout=self.socket_connect_timeout)
        sock.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        sock.settimeout(self.socket_timeout)
        return sock


def _connect(url: str) -> redis.Redis:
    # Over TLS the library's own class serves: the server always runs with the standard library patched.
    green = {"connection_class": _GreenConnection} if url.startswith("redis://") else {}
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CALL_TIMEOUT_S,
        socket_timeout=CALL_TIMEOUT_S,
        health_check_interval=SILENCE_MAX_S,
        retry=Retry(NoBackoff(), 0),
        **green,
    )


class _Envelope(msgspec.Struct, array_like=True):
    """What travels between the processes; without a topic it says that something before it was lost."""

    origin: str
    topic: str = ""
    conversation_id: str = ""
    head: int = 0
    payload: dict[str, Any] | None = None


_decode_envelope = msgspec.msgpack.Decoder(_Envelope).decode


class RedisBus:
    """See `ports.Bus` for the guarantees. All processes of a desk share one channel."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self._redis = _connect(url)
        self._channel = f"{prefix}:bus"
        self._origin = secrets.token_hex(8)
        self._local = InProcessBus()
        self._outgoing: deque[_Envelope] = deque()
        self._has_outgoing = Event()
        self._is_lossy = False
        self._greenlets = [gevent.spawn(self._send_forever), gevent.spawn(self._listen_forever)]

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        return self._local.subscribe(topic, listener)

    def ring(self, topic: str, conversation_id: ConversationId, head: int) -> None:
        self._local.ring(topic, conversation_id, head)
        self._pass_on(_Envelope(self._origin, topic, conversation_id, head))

    def whisper(self, topic: str, payload: dict[str, Any]) -> None:
        self._local.whisper(topic, payload)
        self._pass_on(_Envelope(self._origin, topic, payload=payload))

    def close(self) -> None:
        gevent.killall(self._greenlets)
        self._local.close()
        self._redis.close()

    # --- out -------------------------------------------------------------------------------------------------------

    def _pass_on(self, envelope: _Envelope) -> None:
        if len(self._outgoing) >= OUTGOING_MAX:
            self._outgoing.popleft()
            self._is_lossy = True
        self._outgoing.append(envelope)
        self._has_outgoing.set()

    def _send_forever(self) -> None:
        while True:
            self._has_outgoing.wait()
            batch = [self._outgoing.popleft() for _ in range(min(BATCH_MAX, len(self._outgoing)))]
            if not self._outgoing:
                self._has_outgoing.clear()
            try:
                self._send([_Envelope(self._origin)] * self._is_lossy + batch)
                self._is_lossy = False
            except (redis.RedisError, OSError) as exc:
                self._is_lossy = True
                logger.warning("rings were lost on the way to Redis: %s", exc)
                gevent.sleep(RETRY_S)
                self._has_outgoing.set()  # when the server is back, the others must learn that something was lost

    def _send(self, batch: list[_Envelope]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for envelope in batch:
                pipeline.publish(self._channel, msgspec.msgpack.encode(envelope))
            pipeline.execute()

    # --- in --------------------------------------------------------------------------------------------------------

    def _listen_forever(self) -> None:
        while True:
            try:
                self._listen()
            except (redis.RedisError, OSError) as exc:
                logger.warning("Redis is away: %s", exc)
                gevent.sleep(RETRY_S)

    def _listen(self) -> None:
        with self._redis.pubsub() as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(self._channel)
            while True:
                message = pubsub.get_message(timeout=SILENCE_MAX_S)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._tell_of_gap()  # whatever was rung before was not heard here
                elif message["type"] == "message":
                    self._take(message["data"])

    def _take(self, data: bytes) -> None:
        try:
            envelope = _decode_envelope(data)
        except msgspec.DecodeError:
            logger.warning("a stranger speaks on the channel %s", self._channel)
            return
        if envelope.origin == self._origin:
            return  # told already, when it was rung
        if not envelope.topic:
            self._tell_of_gap()
        elif envelope.payload is not None:
            self._local.tell(Whisper(envelope.topic, envelope.payload))
        else:
            self._local.tell(Ring(envelope.topic, ConversationId(envelope.conversation_id), envelope.head))

    def _tell_of_gap(self) -> None:
        for topic in self._local.topics():
            self._local.tell(Gap(topic))


# The book's clock is the server's, so that all machines go by one; a test gives a time of its own instead.
_NOW = """
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
"""
_READ = f"""{_NOW}
redis.call('SET', KEYS[1], string.format('%.6f', now), 'NX')
return {{string.format('%.6f', now), redis.call('GET', KEYS[1]), redis.call('HGETALL', KEYS[2])}}
"""
_RENEW = f"""{_NOW}
redis.call('SET', KEYS[1], string.format('%.6f', now), 'NX')
redis.call('HSET', KEYS[2], ARGV[2], string.format('%.6f', now + tonumber(ARGV[3])) .. ' ' .. ARGV[4])
"""
_FORGET = "for _, id in ipairs(ARGV) do redis.call('HDEL', KEYS[1], id) end"
_NOTE_VISITOR = f"""{_NOW}
local ttl_s = tonumber(ARGV[3])
if ttl_s > 0 then
    redis.call('ZADD', KEYS[1], now + ttl_s, ARGV[2])
    redis.call('EXPIRE', KEYS[1], math.ceil(ttl_s) + 1)
else
    redis.call('ZREM', KEYS[1], ARGV[2])
end
"""
_VISITORS_HERE = f"""{_NOW}
local here = {{}}
for number, key in ipairs(KEYS) do here[number] = redis.call('ZCOUNT', key, '(' .. now, '+inf') end
return here
"""

AWAY_S = 1.0
"""After a failed call the server is left alone for this long, so that a dead one costs each caller no time-out."""


class _Choice(msgspec.Struct, array_like=True):
    """What a lease says beside its end."""

    name: str
    is_available: bool


class _Renewal(msgspec.Struct):
    """A lease that this process keeps, and when it ends on this process's own clock."""

    choice: _Choice
    ends_at: float


class RedisPresenceBook:
    """See `ports.PresenceBook` for the guarantees.

    What this process renewed it writes again when the server comes back, be it with or without its memory.
    """

    def __init__(self, url: str, *, prefix: str, now: Callable[[], float] | None = None) -> None:
        self._redis = _connect(url)
        self._scripts = {text: self._redis.register_script(text) for text in _SCRIPTS}
        self._keys = [f"{prefix}:presence:opened", f"{prefix}:presence:leases"]
        self._visitor_key = f"{prefix}:visitor:"
        self._process = secrets.token_hex(8)
        self._now = now
        self._renewals: dict[OperatorId, _Renewal] = {}
        self._known: list[Lease] = []
        self._opened: bytes | None = None
        self._away_until = 0.0
        self._is_away = False
        self._reached_at = time.monotonic()

    def age_s(self) -> float:
        answer = self._read()
        if answer is None:
            return 0.0
        now, opened, _ = answer
        # With a test's clock this process's own has no say.
        reached_s = time.monotonic() - self._reached_at if self._now is None else now - opened
        return min(now - opened, reached_s)

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool, ttl_s: float) -> None:
        choice = _Choice(name, is_available)
        self._renewals[operator_id] = _Renewal(choice, time.monotonic() + ttl_s)
        self._write(operator_id, choice, ttl_s)

    def leases(self) -> list[Lease]:
        answer = self._read()
        if answer is not None:
            now, _, known = answer
            self._known = [lease for lease in known if lease.expires_at > now]
            ended = [lease.operator_id for lease in known if lease.expires_at <= now]
            if ended:
                self._forget(ended)
            return by_name(self._known)
        # Out of reach: nobody's lease ends, and what is renewed here counts here.
        leases = {lease.operator_id: lease for lease in self._known}
        for operator_id, renewal in self._renewals.items():
            leases.pop(operator_id, None)
            if renewal.ends_at > time.monotonic():
                choice = renewal.choice
                leases[operator_id] = Lease(operator_id, choice.name, choice.is_available, renewal.ends_at)
        return by_name(leases.values())

    def note_visitor(self, visitor_id: VisitorId, *, ttl_s: float) -> None:
        self._call(_NOTE_VISITOR, [f"{self._visitor_key}{visitor_id}"], self._process, ttl_s)

    def visitors_here(self, visitor_ids: Iterable[VisitorId]) -> set[VisitorId]:
        asked = list(visitor_ids)
        counts = self._call(_VISITORS_HERE, [f"{self._visitor_key}{each}" for each in asked]) if asked else []
        return {each for each, count in zip(asked, counts or (), strict=False) if count}

    def close(self) -> None:
        self._redis.close()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _read(self) -> tuple[float, float, list[Lease]] | None:
        answer = self._call(_READ, self._keys)
        if answer is None:
            return None
        if self._opened is None:
            self._opened = answer[1]
        if answer[1] != self._opened:  # a new book: what this process knows is not in it
            self._opened = answer[1]
            self._write_again()
            answer = self._call(_READ, self._keys)
            if answer is None:
                return None
        now, opened, flat = answer
        return float(now), float(opened), [_lease(*pair) for pair in zip(flat[::2], flat[1::2], strict=True)]

    def _write(self, operator_id: OperatorId, choice: _Choice, ttl_s: float) -> None:
        self._call(_RENEW, self._keys, operator_id, ttl_s, msgspec.json.encode(choice))

    def _write_again(self) -> None:
        now = time.monotonic()
        self._renewals = {who: renewal for who, renewal in self._renewals.items() if renewal.ends_at > now}
        for operator_id, renewal in self._renewals.items():
            self._write(operator_id, renewal.choice, renewal.ends_at - now)

    def _forget(self, ended: list[OperatorId]) -> None:
        self._call(_FORGET, self._keys[1:], *ended, takes_time=False)

    def _call(self, script: str, keys: list[str], *arguments: Any, takes_time: bool = True) -> Any:
        """Run a script; None while the server is away."""
        if time.monotonic() < self._away_until:
            return None
        given = ["" if self._now is None else self._now(), *arguments] if takes_time else list(arguments)
        try:
            answer = self._scripts[script](keys=keys, args=given)
        except (redis.RedisError, OSError) as exc:
            logger.warning("presence goes by what this process knows: %s", exc)
            self._away_until = time.monotonic() + AWAY_S
            self._is_away = True
            return None
        if self._is_away:
            self._is_away = False
            self._reached_at = time.monotonic()
            self._opened = b""  # renewals were missed, whether or not the server kept its memory
        return answer


_SCRIPTS = (_READ, _RENEW, _FORGET, _NOTE_VISITOR, _VISITORS_HERE)


def _lease(operator_id: bytes, text: bytes) -> Lease:
    expires_at, _, choice_json = text.partition(b" ")
    choice = msgspec.json.decode(choice_json, type=_Choice)
    return Lease(OperatorId(operator_id.decode()), choice.name, choice.is_available, float(expires_at))
