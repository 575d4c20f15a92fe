"""Who may do what, rung 4 of the ladder: staff accounts, sessions, roles, and the only way for a door to get a
conversation.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import argon2
import gevent

from handoff.conversations import Conversations
from handoff.errors import (
    AlreadyThere,
    BadFrame,
    Forbidden,
    LinkInvalid,
    NotFound,
    SignedOut,
    SignInFailed,
    TooManyTries,
)
from handoff.events import ConversationId, OperatorId, VisitorId
from handoff.limits import Throttle
from handoff.ports import ConversationRow
from handoff.protocol import clean_line
from handoff.store.staff import SqlStaffStore, StaffRecord

SESSION_MAX_AGE_S = 14 * 86400.0
LINK_MAX_AGE_S = 7 * 86400.0
PASSWORD_MIN_CHARS = 12
PASSWORD_MAX_CHARS = 256
SIGN_IN_TRIES = 8
SIGN_IN_WINDOW_S = 900.0
"""Eight wrong passwords within a quarter of an hour close an address for the rest of it."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|[^@\s]+@localhost")


class Role(StrEnum):
    """What a member of staff may do; an admin may do everything."""

    OPERATOR = "operator"
    EDITOR = "editor"
    ADMIN = "admin"


class Accounts:
    """Staff accounts: links to join, sign-in, sessions."""

    def __init__(
        self,
        store: SqlStaffStore,
        *,
        now: Callable[[], float] = time.time,
        hasher: argon2.PasswordHasher | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._hasher = hasher or argon2.PasswordHasher()
        self._dummy_hash = self._hasher.hash(secrets.token_hex(16))
        self._tries = Throttle(limit=SIGN_IN_TRIES, window_s=SIGN_IN_WINDOW_S, now=now)

    # --- sessions --------------------------------------------------------------------------------------------------

    def sign_in(self, email: str, password: str) -> tuple[StaffRecord, str]:
        """Check a password; give the member of staff and a new session token.

        Raises:
            SignInFailed: the e-mail or the password is wrong, or the account is not active.
            TooManyTries: too many wrong passwords for this address lately.
        """
        key = email.strip().casefold()
        # Counted before the hash is computed: tries that arrive together must not slip through together.
        self._check_tries(key)
        record = self._store.find_by_email(email.strip())
        # The hash is checked even for unknown addresses, so that timing does not tell which exist.
        stored = record.password_hash if record and record.password_hash else self._dummy_hash
        is_right = self._verify(stored, password[:PASSWORD_MAX_CHARS])
        # Read again: the account may have been closed, or its password replaced, while the hash was computed.
        record = self._store.find_by_email(email.strip())
        if record is None or not record.is_active or record.password_hash != stored or not is_right:
            raise SignInFailed("E-mail or password is wrong. Check both, or ask an administrator for a new link.")
        self._tries.forget(key)
        return record, self._start_session(record)

    def sign_out(self, token: str) -> None:
        """End a session; harmless if it has ended."""
        self._store.end_session(_hash(token))

    def whoever_has(self, token: str | None) -> StaffRecord:
        """Give the member of staff of a session.

        Raises:
            SignedOut: there is no such session, it has expired, or the account is not active.
        """
        record = self._store.find_by_session(_hash(token), now=self._now()) if token else None
        if record is None:
            raise SignedOut("You are signed out. Sign in again.")
        return record

    # --- links and people ------------------------------------------------------------------------------------------

    def invite(self, *, role: Role, email: str | None = None, name: str | None = None) -> tuple[StaffRecord, str]:
        """Make an account that its owner completes through a one-time link; give it and the link's token.

        Raises:
            BadFrame: the e-mail is no address, or an account has it.
        """
        record = StaffRecord(
            id=OperatorId(secrets.token_urlsafe(9)),
            email=_check_email(email) if email else None,
            name=clean_line(name) or None if name else None,
            role=role.value,
            password_hash=None,
            is_active=True,
            created_at=self._now(),
            seen_at=None,
        )
        self._save(record)
        return record, self.new_link(record.id)

    def new_link(self, staff_id: str) -> str:
        """Make a new one-time link for an account; any older one ends.

        Raises:
            NotFound: there is no such account.
        """
        record = self.person(staff_id)
        token = secrets.token_urlsafe(24)
        self._store.replace_link(_hash(token), record.id, expires_at=self._now() + LINK_MAX_AGE_S)
        return token

    def account_of_link(self, token: str) -> StaffRecord:
        """Give the account that a link completes.

        Raises:
            LinkInvalid: it was used, replaced, or is older than a week.
        """
        record = self._store.find_by_link(_hash(token), now=self._now())
        if record is None:
            raise LinkInvalid("This link was used or has expired. Ask an administrator for a new one.")
        return record

    def join(self, token: str, *, name: str, email: str, password: str) -> tuple[StaffRecord, str]:
        """Complete an account through its link and sign in; all older sessions of it end.

        Raises:
            LinkInvalid: see `account_of_link`.
            BadFrame: name, e-mail or password is refused; the field is named, the link stays good.
        """
        record = self.account_of_link(token)
        name = clean_line(name)
        if not 1 <= len(name) <= 80:
            raise BadFrame("Give a name of 1 to 80 characters.", field="name")
        _check_password(password)
        address = _check_email(email)
        self._check_email_is_free(address, record.id)
        hashed = self._hash_password(password)
        if not self._store.use_link(_hash(token), now=self._now()):
            raise LinkInvalid("This link was used or has expired. Ask an administrator for a new one.")
        # Read again: role and standing may have changed while the hash was computed.
        record = replace(self.person(record.id), name=name, email=address, password_hash=hashed)
        try:
            self._save(record)
        except BadFrame:  # somebody else took the address at the same moment: the link stays good
            self._store.replace_link(_hash(token), record.id, expires_at=self._now() + LINK_MAX_AGE_S)
            raise
        self._store.end_sessions_of(record.id)
        return record, self._start_session(record)

    def people(self) -> list[StaffRecord]:
        """List all accounts."""
        return self._store.all()

    def person(self, staff_id: str) -> StaffRecord:
        """Give an account.

        Raises:
            NotFound: there is none with this id.
        """
        record = self._store.find(staff_id)
        if record is None:
            raise NotFound("There is no such person.")
        return record

    def change(
        self, staff_id: str, *, by: StaffRecord, role: Role | None = None, is_active: bool | None = None
    ) -> StaffRecord:
        """Change a role, or close and reopen an account; closing ends its sessions.

        Raises:
            Forbidden: administrators cannot close or demote themselves, so that there is always one.
        """
        record = self.person(staff_id)
        if record.id == by.id:
            raise Forbidden("You cannot change your own role or close your own account. Ask another administrator.")
        if role is not None:
            record = replace(record, role=role.value)
        if is_active is not None:
            record = replace(record, is_active=is_active)
        self._save(record)
        if is_active is False:
            self._store.end_sessions_of(record.id)
        return record

    def has_admin(self) -> bool:
        """Tell whether an active administrator with a password exists."""
        return any(p.role == Role.ADMIN and p.is_active and p.password_hash for p in self.people())

    # --- inside ----------------------------------------------------------------------------------------------------

    def _start_session(self, record: StaffRecord) -> str:
        token = secrets.token_urlsafe(32)
        now = self._now()
        self._store.add_session(_hash(token), record.id, now=now, expires_at=now + SESSION_MAX_AGE_S)
        self._store.touch(record.id, seen_at=now)
        return token

    def _save(self, record: StaffRecord) -> None:
        try:
            self._store.save(record)
        except AlreadyThere as exc:
            raise BadFrame("An account with this e-mail exists already.", field="email") from exc

    def _check_email_is_free(self, email: str, staff_id: str) -> None:
        other = self._store.find_by_email(email)
        if other is not None and other.id != staff_id:
            raise BadFrame("An account with this e-mail exists already.", field="email")

    def _check_tries(self, key: str) -> None:
        retry_after_s = self._tries.take(key)
        if retry_after_s > 0:
            raise TooManyTries(
                "Too many wrong passwords. Try again in a quarter of an hour.", retry_after_s=retry_after_s
            )

    def _verify(self, stored: str, password: str) -> bool:
        # argon2 takes some 50 ms of a core by design: never on the event loop.
        def verify() -> bool:
            try:
                return self._hasher.verify(stored, password)
            except argon2.exceptions.VerificationError:
                return False

        return bool(gevent.get_hub().threadpool.apply(verify))

    def _hash_password(self, password: str) -> str:
        return str(gevent.get_hub().threadpool.apply(self._hasher.hash, (password,)))


def check_role(record: StaffRecord, *roles: Role) -> None:
    """Raise Forbidden unless the member of staff has one of `roles`, or is an administrator."""
    if record.role not in (Role.ADMIN, *roles):
        needed = " or ".join(role.value for role in roles) or Role.ADMIN.value
        raise Forbidden(f"This needs the role {needed}; yours is {record.role}. Ask an administrator.")


def access_conversation(
    conversations: Conversations, conversation_id: str, *, visitor_id: VisitorId | None
) -> ConversationRow:
    """Give a conversation to a door: a visitor gets only their own, staff (`visitor_id` None) any.

    Raises:
        NotFound: it does not exist or is not this visitor's; the two look the same.
    """
    row = conversations.row(ConversationId(conversation_id))
    if visitor_id is not None and row.visitor_id != visitor_id:
        raise NotFound("There is no such conversation.")
    return row


def _hash(token: str) -> str:
    # Tokens are 24 and 32 random bytes: a plain digest is enough to keep a stolen database from signing anybody in.
    return hashlib.sha256(token.encode()).hexdigest()


def _check_email(email: str) -> str:
    address = clean_line(email)
    if len(address) > 254 or not _EMAIL.fullmatch(address):
        raise BadFrame("Give a whole e-mail address, such as grace@example.com.", field="email")
    return address


def _check_password(password: str) -> None:
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise BadFrame(
            f"A password has {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters. Three or four words do well.",
            field="password",
        )
