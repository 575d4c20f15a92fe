"""How a connection becomes a session and is served to its end: the same for sockets and polls, for visitors and
operators.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from handoff.auth import Accounts
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.errors import SignedOut
from handoff.gateway.connection import Registry
from handoff.gateway.operator import OperatorSession
from handoff.gateway.peer import Peer
from handoff.gateway.visitor import VisitorSession
from handoff.ports import Bus
from handoff.presence import Presence
from handoff.protocol import CloseCode
from handoff.store.staff import StaffRecord
from handoff.turns import Turns
from handoff.visitors import Visitors

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sessions:
    """Serves peers with the services of this process; each stays in the registry until it has ended."""

    conversations: Conversations
    turns: Turns
    desk: Desk
    visitors: Visitors
    accounts: Accounts
    presence: Presence
    bus: Bus
    registry: Registry

    def serve_visitor(self, peer: Peer, *, user_agent: str) -> None:
        """Serve a visitor, who says by hello who it is."""
        session = VisitorSession(
            peer,
            conversations=self.conversations,
            turns=self.turns,
            visitors=self.visitors,
            presence=self.presence,
            bus=self.bus,
            user_agent=user_agent,
        )
        self._serve(peer, session)

    def serve_operator(self, peer: Peer, record: StaffRecord, *, token: str | None) -> None:
        """Serve a member of staff for as long as the session of `token` lasts."""
        session = OperatorSession(
            peer,
            operator_id=record.id,
            name=record.name or record.email or "Operator",
            role=record.role,
            is_still_signed_in=self._recheck(token),
            conversations=self.conversations,
            desk=self.desk,
            presence=self.presence,
            bus=self.bus,
        )
        self._serve(peer, session)

    def _recheck(self, token: str | None) -> Callable[[], bool]:
        def is_still_signed_in() -> bool:
            try:
                self.accounts.whoever_has(token)
            except SignedOut:
                return False
            return True

        return is_still_signed_in

    def _serve(self, peer: Peer, session: VisitorSession | OperatorSession) -> None:
        self.registry.add(peer)
        try:
            session.run()
        except Exception:  # a border (socket loop): this connection ends, the others do not notice
            logger.exception("session failed")
            peer.close(CloseCode.INTERNAL, "internal error")
            peer.finish()
        finally:
            self.registry.remove(peer)
