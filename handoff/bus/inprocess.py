"""The bus and the presence book of a single process: dictionaries owned by the event loop."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from handoff.events import ConversationId, OperatorId
from handoff.ports import Lease, Ring, Whisper

Listener = Callable[[Ring | Whisper], None]


class InProcessBus:
    """See `ports.Bus` for the guarantees; one process only."""

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
        self._tell(topic, Ring(topic, conversation_id, head))

    def whisper(self, topic: str, payload: dict[str, Any]) -> None:
        self._tell(topic, Whisper(topic, payload))

    def _tell(self, topic: str, message: Ring | Whisper) -> None:
        for listener in tuple(self._listeners.get(topic, {}).values()):
            listener(message)


class InProcessPresenceBook:
    """See `ports.PresenceBook` for the guarantees; one process only."""

    def __init__(self) -> None:
        self._leases: dict[OperatorId, Lease] = {}

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool, ttl_s: float, now: float) -> None:
        self._leases[operator_id] = Lease(operator_id, name, is_available, now + ttl_s)

    def leases(self, *, now: float) -> list[Lease]:
        current = [lease for lease in self._leases.values() if lease.expires_at > now]
        return sorted(current, key=lambda lease: (lease.name.casefold(), lease.operator_id))

    def take_lapsed(self, *, now: float) -> list[OperatorId]:
        lapsed = [lease.operator_id for lease in self._leases.values() if lease.expires_at <= now]
        for operator_id in lapsed:
            del self._leases[operator_id]
        return lapsed
