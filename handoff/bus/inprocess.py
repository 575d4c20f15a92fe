"""The bus and the presence book of a single process: dictionaries owned by the event loop."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from handoff.events import ConversationId, OperatorId, VisitorId
from handoff.ports import Gap, Lease, Listener, Ring, Whisper


class InProcessBus:
    """See `ports.Bus` for the guarantees; one process only, in which no ring is ever lost."""

    def __init__(self) -> None:
        # By subscription: one listener may hear a topic twice, and each of the two ends for itself.
        self._listeners: dict[str, dict[object, Listener]] = defaultdict(dict)

    def subscribe(self, topic: str, listener: Listener) -> Callable[[], None]:
        subscription = object()
        self._listeners[topic][subscription] = listener

        def end() -> None:
            listeners = self._listeners.get(topic, {})
            listeners.pop(subscription, None)
            if not listeners:
                self._listeners.pop(topic, None)

        return end

    def ring(self, topic: str, conversation_id: ConversationId, head: int) -> None:
        self.tell(Ring(topic, conversation_id, head))

    def whisper(self, topic: str, payload: dict[str, Any]) -> None:
        self.tell(Whisper(topic, payload))

    def close(self) -> None:
        self._listeners.clear()

    def tell(self, message: Ring | Whisper | Gap) -> None:
        """Call the listeners of the message's topic."""
        for listener in tuple(self._listeners.get(message.topic, {}).values()):
            listener(message)

    def topics(self) -> list[str]:
        """List the topics that somebody listens to."""
        return list(self._listeners)


class InProcessPresenceBook:
    """See `ports.PresenceBook` for the guarantees; one process only."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._opened_at = now()
        self._leases: dict[OperatorId, Lease] = {}
        self._visitors: dict[VisitorId, float] = {}

    def age_s(self) -> float:
        return self._now() - self._opened_at

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool, ttl_s: float) -> None:
        self._leases[operator_id] = Lease(operator_id, name, is_available, self._now() + ttl_s)

    def leases(self) -> list[Lease]:
        now = self._now()
        for ended in [lease.operator_id for lease in self._leases.values() if lease.expires_at <= now]:
            del self._leases[ended]
        return by_name(self._leases.values())

    def note_visitor(self, visitor_id: VisitorId, *, ttl_s: float) -> None:
        if ttl_s > 0:
            self._visitors[visitor_id] = self._now() + ttl_s
        else:
            self._visitors.pop(visitor_id, None)

    def visitors_here(self, visitor_ids: Iterable[VisitorId]) -> set[VisitorId]:
        now = self._now()
        return {visitor_id for visitor_id in visitor_ids if self._visitors.get(visitor_id, now) > now}


def by_name(leases: Iterable[Lease]) -> list[Lease]:
    """Order leases as people read names; of two with one name, by id."""
    return sorted(leases, key=lambda lease: (lease.name.casefold(), lease.operator_id))
