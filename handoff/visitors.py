"""Who a visitor is, rung 4 of the ladder: signed tokens, and what their browser says of them."""

import secrets
import time
from collections.abc import Callable

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from handoff.errors import TokenExpired, TokenInvalid
from handoff.events import Page, VisitorId
from handoff.ports import Visitor, VisitorStore

TOKEN_MAX_AGE_S = 180 * 86400
"""Half a year: long enough to find an old chat again, short enough that a lost device forgets."""


class Visitors:
    """Makes visitors, knows them again, keeps what they told."""

    def __init__(self, store: VisitorStore, *, secret: str, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._signer = URLSafeTimedSerializer(secret, salt="baton.visitor")

    def issue_token(self) -> str:
        """Make a token for a new visitor; the visitor is stored on the first hello."""
        token = self._signer.dumps(secrets.token_urlsafe(12))
        return token if isinstance(token, str) else token.decode()

    def check_token(self, token: str) -> VisitorId:
        """Give the visitor that a token was signed for.

        Raises:
            TokenExpired: it is older than half a year.
            TokenInvalid: this server did not sign it.
        """
        try:
            visitor_id, signed_at = self._signer.loads(token, return_timestamp=True)
        except BadSignature as exc:
            raise TokenInvalid("This visitor's token was not signed here. Ask for a new session.") from exc
        # The age is not left to the library: it refuses what was signed in the future, and so every visitor of a
        # server whose clock was put back.
        if time.time() - signed_at.timestamp() > TOKEN_MAX_AGE_S:
            raise TokenExpired("This visitor's token has expired. Ask for a new session.")
        return VisitorId(visitor_id)

    def greet(self, visitor_id: VisitorId, *, language: str, timezone: str, user_agent: str, page: Page) -> Visitor:
        """Store what the visitor's browser says now; gives the visitor."""
        known = self._store.visitor(visitor_id)
        now = self._now()
        visitor = Visitor(
            id=visitor_id,
            language=language.split("-")[0].lower(),
            timezone=timezone,
            user_agent=user_agent[:300],
            page=page,
            created_at=known.created_at if known else now,
            seen_at=now,
        )
        self._store.save_visitor(visitor)
        return visitor

    def moved(self, visitor: Visitor, *, url: str, title: str) -> Visitor:
        """Store the page that the visitor went to; gives the visitor as known now."""
        page = msgspec.structs.replace(visitor.page, url=url, title=title)
        visitor = msgspec.structs.replace(visitor, page=page, seen_at=self._now())
        self._store.save_visitor(visitor)
        return visitor
