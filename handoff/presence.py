"""Who is here, rung 4 of the ladder: operators by leases, visitors by their open sockets. Nothing of it is ever
stored.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable

from handoff.errors import BatonError
from handoff.events import OperatorId, VisitorId
from handoff.ports import Bus, Lease, PresenceBook

logger = logging.getLogger(__name__)

LEASE_TTL_S = 60.0
"""Two heartbeats of 25 s and some slack: one lost beat never empties a desk."""

LEAVE_GRACE_S = 20.0
"""After the last socket closed: a reload or a short loss of network keeps the operator's chats."""

PRESENCE_TOPIC = "presence"


class Presence:
    """Renews, ends and sweeps leases, and tells everybody when staffing changes."""

    def __init__(self, book: PresenceBook, bus: Bus, *, now: Callable[[], float] = time.time) -> None:
        self._book = book
        self._bus = bus
        self._now = now
        self._visitors: Counter[VisitorId] = Counter()
        self._operators: Counter[OperatorId] = Counter()
        self._expected: set[OperatorId] = set()

    def arrive(self, operator_id: OperatorId, name: str) -> bool:
        """Count a socket of the operator and renew the lease; gives whether the operator is available.

        A second tab, or a return after a cut, keeps the choice that the operator made before.
        """
        self._operators[operator_id] += 1
        lease = self._lease(operator_id)
        is_available = lease is None or lease.is_available or operator_id in self._expected
        self._expected.discard(operator_id)
        self.renew(operator_id, name, is_available=is_available)
        return is_available

    def beat(self, operator_id: OperatorId, name: str) -> None:
        """Keep an operator here for another `LEASE_TTL_S` seconds."""
        lease = self._lease(operator_id)
        self.renew(operator_id, name, is_available=lease.is_available if lease else True)

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool) -> None:
        """Renew the lease with a choice of availability; everybody is told if anything changed by it."""
        before = self.people()
        self._book.renew(operator_id, name, is_available=is_available, ttl_s=LEASE_TTL_S, now=self._now())
        self._tell_if_changed(before)

    def leave(self, operator_id: OperatorId) -> None:
        """Uncount a socket of the operator; after the last one the lease is shortened to the grace."""
        self._operators[operator_id] -= 1
        lease = self._lease(operator_id)
        if self._operators[operator_id] > 0 or lease is None:
            return
        del self._operators[operator_id]
        self._book.renew(operator_id, lease.name, is_available=lease.is_available, ttl_s=LEAVE_GRACE_S, now=self._now())

    def hold_for(self, operator_id: OperatorId, name: str) -> None:
        """Give a lease to somebody who is expected back: after a restart, those who hold conversations.

        It staffs no desk until they arrive; then they are available, since what they chose before is not known.
        """
        self._expected.add(operator_id)
        self._book.renew(operator_id, name, is_available=False, ttl_s=LEASE_TTL_S, now=self._now())

    def end(self, operator_id: OperatorId) -> None:
        """End the lease now: the operator signed out. The next sweep hands on what they held."""
        before = self.people()
        lease = self._lease(operator_id)
        if lease:
            self._book.renew(operator_id, lease.name, is_available=False, ttl_s=0.0, now=self._now())
        self._tell_if_changed(before)

    def people(self) -> list[Lease]:
        """List the operators who are here."""
        return self._book.leases(now=self._now())

    def is_staffed(self) -> bool:
        """Tell whether at least one operator is here and available."""
        return any(lease.is_available for lease in self.people())

    def sweep(self, on_lapse: Callable[[OperatorId], object]) -> None:
        """Call `on_lapse` once for each lease that has run out since the last sweep; again next time if it fails."""
        now = self._now()
        lapsed = self._book.take_lapsed(now=now)
        for operator_id in lapsed:
            logger.info("operator lease lapsed", extra={"operator_id": operator_id})
            try:
                on_lapse(operator_id)
            except BatonError:
                logger.exception("lapse could not be acted on; the next sweep tries again")
                self._book.renew(operator_id, "", is_available=False, ttl_s=0.0, now=now)
        if lapsed:
            self._tell()

    def visitor_came(self, visitor_id: VisitorId) -> bool:
        """Count a socket of the visitor; True if it is the first."""
        self._visitors[visitor_id] += 1
        return self._visitors[visitor_id] == 1

    def visitor_went(self, visitor_id: VisitorId) -> bool:
        """Uncount a socket of the visitor; True if it was the last."""
        self._visitors[visitor_id] -= 1
        if self._visitors[visitor_id] > 0:
            return False
        del self._visitors[visitor_id]
        return True

    def is_visitor_online(self, visitor_id: VisitorId) -> bool:
        """Tell whether the visitor has a page with an open socket."""
        return visitor_id in self._visitors

    def _lease(self, operator_id: OperatorId) -> Lease | None:
        return next((lease for lease in self.people() if lease.operator_id == operator_id), None)

    def _tell_if_changed(self, before: list[Lease]) -> None:
        def key(leases: list[Lease]) -> list[tuple[str, str, bool]]:
            return [(lease.operator_id, lease.name, lease.is_available) for lease in leases]

        if key(before) != key(self.people()):
            self._tell()

    def _tell(self) -> None:
        self._bus.whisper(PRESENCE_TOPIC, {"is_staffed": self.is_staffed()})
