"""Who is here and who can be reached, rung 4 of the ladder: operators by leases and business hours, visitors by their
open sockets. Nothing of it is ever stored.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from handoff.business_hours import BusinessHours
from handoff.events import OperatorId, VisitorId
from handoff.ports import Bus, Lease, PresenceBook

LEASE_TTL_S = 60.0
"""Two heartbeats of 25 s and some slack: one lost beat never empties a desk."""

LEAVE_GRACE_S = 20.0
"""After the last socket closed: a reload or a short loss of network keeps the operator's chats."""

VISITOR_TTL_S = 80.0
"""Three heartbeats: a visitor of a process that was killed counts as gone after this."""

PRESENCE_TOPIC = "presence"

ALWAYS_OPEN = BusinessHours()


class Staffing(NamedTuple):
    """Whether a person can be reached: somebody is signed in and takes chats, and it is within business hours. While it
    is not, `opens_at` says when it will be, in UTC seconds, if ever.
    """

    is_staffed: bool
    is_open: bool
    opens_at: float | None

    @property
    def is_reachable(self) -> bool:
        return self.is_staffed and self.is_open


class Presence:
    """Renews and ends leases, counts open sockets, and tells everybody when staffing changes."""

    def __init__(
        self,
        book: PresenceBook,
        bus: Bus,
        *,
        hours: BusinessHours = ALWAYS_OPEN,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._book = book
        self._bus = bus
        self._hours = hours
        self._now = now
        self._visitors: Counter[VisitorId] = Counter()
        self._operators: Counter[OperatorId] = Counter()
        self._seen: set[OperatorId] = set()
        self._age_s = 0.0
        self._told = self._as_told()

    def arrive(self, operator_id: OperatorId, name: str) -> bool:
        """Count a socket of the operator and renew the lease; gives whether the operator is available.

        A second tab, or a return after a cut, keeps the choice that the operator made before.
        """
        self._operators[operator_id] += 1
        lease = self._lease(operator_id)
        is_available = lease is None or lease.is_available
        self.renew(operator_id, name, is_available=is_available)
        return is_available

    def beat(self, operator_id: OperatorId, name: str) -> None:
        """Keep an operator here for another `LEASE_TTL_S` seconds."""
        lease = self._lease(operator_id)
        self.renew(operator_id, name, is_available=lease.is_available if lease else True)

    def renew(self, operator_id: OperatorId, name: str, *, is_available: bool) -> None:
        """Renew the lease with a choice of availability; everybody is told if anything changed by it."""
        self._book.renew(operator_id, name, is_available=is_available, ttl_s=LEASE_TTL_S)
        self.tell_if_changed()

    def leave(self, operator_id: OperatorId) -> None:
        """Uncount a socket of the operator; after the last one the lease is shortened to the grace."""
        self._operators[operator_id] -= 1
        lease = self._lease(operator_id)
        if self._operators[operator_id] > 0:
            return
        del self._operators[operator_id]
        if lease is not None:
            self._book.renew(operator_id, lease.name, is_available=lease.is_available, ttl_s=LEAVE_GRACE_S)

    def end(self, operator_id: OperatorId) -> None:
        """End the lease now: the operator signed out. The next sweep hands on what they held."""
        lease = self._lease(operator_id)
        if lease:
            self._book.renew(operator_id, lease.name, is_available=False, ttl_s=0.0)
        self.tell_if_changed()

    def people(self) -> list[Lease]:
        """List the operators who are here."""
        return self._book.leases()

    def staffing(self) -> Staffing:
        """Tell whether a person can be reached now, and if not, when the desk opens."""
        now = self._now()
        is_staffed = any(lease.is_available for lease in self.people())
        return Staffing(is_staffed, self._hours.is_open(now), self._hours.next_opening(now))

    def is_reachable(self) -> bool:
        """Tell whether an operator is here and available, within business hours."""
        return self.staffing().is_reachable

    def gone_of(self, holders: Iterable[OperatorId]) -> set[OperatorId]:
        """Give those of `holders` who are not here any more.

        Of a book that is younger than a lease lasts, only whoever was in it can be gone: after a restart those who
        hold conversations have that long to come back.
        """
        age_s = self._book.age_s()
        is_lost = age_s <= 0 or age_s < self._age_s  # out of reach, or another book
        self._age_s = age_s
        if is_lost:
            self._seen.clear()
            return set()
        present = {lease.operator_id for lease in self.people()}
        self._seen |= present
        return {who for who in holders if who not in present and (age_s >= LEASE_TTL_S or who in self._seen)}

    def tell_if_changed(self) -> None:
        """Tell everybody if others are here than when they were told last, or the desk has opened or closed; leases
        also end by themselves.
        """
        told = self._as_told()
        if told != self._told:
            self._told = told
            self._bus.whisper(PRESENCE_TOPIC, {"is_staffed": self.is_reachable()})

    def visitor_came(self, visitor_id: VisitorId) -> bool:
        """Count a socket of the visitor; True if it is the first of this process."""
        self._visitors[visitor_id] += 1
        self.visitor_beat(visitor_id)
        return self._visitors[visitor_id] == 1

    def visitor_beat(self, visitor_id: VisitorId) -> None:
        """Keep a visitor here for another `VISITOR_TTL_S` seconds, for the other processes to know."""
        self._book.note_visitor(visitor_id, ttl_s=VISITOR_TTL_S)

    def visitor_went(self, visitor_id: VisitorId) -> bool:
        """Uncount a socket of the visitor; True if it was the last of this process."""
        self._visitors[visitor_id] -= 1
        if self._visitors[visitor_id] > 0:
            return False
        del self._visitors[visitor_id]
        self._book.note_visitor(visitor_id, ttl_s=0.0)
        return True

    def visitors_online(self, visitor_ids: Iterable[VisitorId]) -> set[VisitorId]:
        """Give those of `visitor_ids` who have a page with an open socket."""
        asked = set(visitor_ids)
        here = {visitor_id for visitor_id in asked if visitor_id in self._visitors}
        return here | self._book.visitors_here(asked - here)

    def _lease(self, operator_id: OperatorId) -> Lease | None:
        return next((lease for lease in self.people() if lease.operator_id == operator_id), None)

    def _as_told(self) -> tuple[list[tuple[OperatorId, str, bool]], bool]:
        people = [(lease.operator_id, lease.name, lease.is_available) for lease in self.people()]
        return people, self._hours.is_open(self._now())
