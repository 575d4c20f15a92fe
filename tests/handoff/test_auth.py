"""Who may do what: links that work once, passwords, sessions, roles, and the only way to a conversation."""

import threading
from collections.abc import Iterator

import argon2
import gevent
import pytest

from handoff.auth import (
    LINK_MAX_AGE_S,
    SESSION_MAX_AGE_S,
    SIGN_IN_TRIES,
    SIGN_IN_WINDOW_S,
    Accounts,
    Role,
    access_conversation,
    check_role,
)
from handoff.conversations import Conversations
from handoff.errors import BadFrame, Forbidden, LinkInvalid, NotFound, SignedOut, SignInFailed, TooManyTries
from handoff.events import ConversationId, VisitorId
from handoff.ports import Visitor
from handoff.store.sqlite import SqliteDatabase
from handoff.store.staff import SqlStaffStore, StaffRecord
from tests.conftest import Clock
from tests.handoff.cast import at_once, outcome_of

PASSWORD = "correct horse battery"
GRACE = "grace@fernhill.example"


class QuickHasher(argon2.PasswordHasher):
    """The real hash with the least work, so that tests are quick; it can be stopped in the middle."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.has_begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def verify(self, *arguments: object) -> bool:
        self.has_begun.set()
        assert self.may_end.wait(10)
        return super().verify(*arguments)


@pytest.fixture
def hasher() -> Iterator[QuickHasher]:
    hasher = QuickHasher()
    yield hasher
    hasher.may_end.set()


@pytest.fixture
def accounts(database: SqliteDatabase, clock: Clock, hasher: QuickHasher) -> Accounts:
    return Accounts(SqlStaffStore(database), now=clock, hasher=hasher)


def joins(
    accounts: Accounts, role: Role = Role.OPERATOR, name: str = "Grace", email: str = GRACE
) -> tuple[StaffRecord, str]:
    """Invite somebody who joins at once; give the record and the session's token."""
    _, link = accounts.invite(role=role)
    return accounts.join(link, name=name, email=email, password=PASSWORD)


# --- links --------------------------------------------------------------------------------------------------------


def test_join_link_completes_the_account_and_signs_in(accounts: Accounts) -> None:
    invited, link = accounts.invite(role=Role.EDITOR, email=" Grace@Fernhill.example ", name="Grace\nH")
    assert (invited.email, invited.name, invited.password_hash) == ("Grace@Fernhill.example", "Grace H", None)
    assert accounts.account_of_link(link).id == invited.id
    record, session = accounts.join(link, name="Grace", email=GRACE, password=PASSWORD)
    assert (record.id, record.role, record.name, record.email) == (invited.id, "editor", "Grace", GRACE)
    assert accounts.whoever_has(session).id == invited.id
    assert PASSWORD not in str(accounts.person(invited.id))


def test_join_link_works_exactly_once(accounts: Accounts) -> None:
    _, link = accounts.invite(role=Role.OPERATOR)
    accounts.join(link, name="Grace", email=GRACE, password=PASSWORD)
    for use in (
        lambda: accounts.account_of_link(link),
        lambda: accounts.join(link, name="Eve", email="eve@evil.example", password=PASSWORD),
    ):
        with pytest.raises(LinkInvalid):
            use()
    assert [person.email for person in accounts.people()] == [GRACE]


def test_join_link_used_by_two_at_once_works_for_one(accounts: Accounts) -> None:
    _, link = accounts.invite(role=Role.OPERATOR)
    outcomes = at_once(
        *(
            lambda n=n: accounts.join(link, name=f"Person {n}", email=f"p{n}@x.example", password=PASSWORD)
            for n in range(4)
        )
    )
    joined = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    assert len(joined) == 1
    assert [type(outcome) for outcome in outcomes].count(LinkInvalid) == 3
    assert [person.name for person in accounts.people()] == [joined[0][0].name]


def test_join_link_expires_after_a_week(accounts: Accounts, clock: Clock) -> None:
    _, link = accounts.invite(role=Role.OPERATOR)
    clock.tick(LINK_MAX_AGE_S - 1)
    assert accounts.account_of_link(link)
    clock.tick(1)
    with pytest.raises(LinkInvalid):
        accounts.account_of_link(link)
    with pytest.raises(LinkInvalid):
        accounts.join(link, name="Grace", email=GRACE, password=PASSWORD)


def test_new_link_ends_the_older_one_and_a_made_up_link_never_worked(accounts: Accounts) -> None:
    person, old = accounts.invite(role=Role.OPERATOR)
    new = accounts.new_link(person.id)
    assert accounts.account_of_link(new).id == person.id
    for link in (old, "made-up", ""):
        with pytest.raises(LinkInvalid):
            accounts.account_of_link(link)


def test_new_link_resets_a_password_and_ends_the_sessions(accounts: Accounts) -> None:
    record, session = joins(accounts)
    link = accounts.new_link(record.id)
    assert accounts.whoever_has(session)
    _, fresh = accounts.join(link, name="Grace", email=GRACE, password="another long password")
    with pytest.raises(SignedOut):
        accounts.whoever_has(session)
    assert accounts.whoever_has(fresh).id == record.id
    with pytest.raises(SignInFailed):
        accounts.sign_in(GRACE, PASSWORD)
    assert accounts.sign_in(GRACE, "another long password")


@pytest.mark.parametrize(
    ("name", "email", "password", "field"),
    [
        ("Grace", GRACE, "x" * 11, "password"),
        ("Grace", GRACE, "x" * 257, "password"),
        ("Grace", GRACE, "", "password"),
        ("", GRACE, PASSWORD, "name"),
        ("\n\u202e", GRACE, PASSWORD, "name"),
        ("x" * 81, GRACE, PASSWORD, "name"),
        ("Grace", "grace", PASSWORD, "email"),
        ("Grace", "grace@", PASSWORD, "email"),
        ("Grace", "grace @x.example", PASSWORD, "email"),
        ("Grace", "g" * 250 + "@x.example", PASSWORD, "email"),
        ("Grace", "TAKEN@fernhill.example", PASSWORD, "email"),
    ],
)
def test_refused_field_is_named_and_the_link_stays_good(
    accounts: Accounts, name: str, email: str, password: str, field: str
) -> None:
    accounts.invite(role=Role.OPERATOR, email="taken@fernhill.example")
    _, link = accounts.invite(role=Role.OPERATOR)
    with pytest.raises(BadFrame) as refusal:
        accounts.join(link, name=name, email=email, password=password)
    assert refusal.value.field == field
    assert accounts.join(link, name="Grace", email=GRACE, password="x" * 12)


def test_of_two_who_take_one_address_at_once_the_loser_keeps_the_link(accounts: Accounts) -> None:
    links = [accounts.invite(role=Role.OPERATOR)[1] for _ in range(2)]
    outcomes = at_once(
        *(lambda link=link: accounts.join(link, name="Grace", email=GRACE, password=PASSWORD) for link in links)
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BadFrame", "tuple"]
    lost = links[[type(outcome) for outcome in outcomes].index(BadFrame)]
    assert accounts.join(lost, name="Grace", email="other@fernhill.example", password=PASSWORD)


def test_invitation_to_a_taken_or_bad_address_is_refused(accounts: Accounts) -> None:
    joins(accounts)
    for email in (GRACE, GRACE.upper(), "no-address"):
        with pytest.raises(BadFrame) as refusal:
            accounts.invite(role=Role.OPERATOR, email=email)
        assert refusal.value.field == "email"
    assert len(accounts.people()) == 1


# --- signing in ---------------------------------------------------------------------------------------------------


def test_sign_in_with_the_right_password_whatever_the_addresss_case(accounts: Accounts, clock: Clock) -> None:
    joined, _ = joins(accounts)
    clock.tick(100)
    record, session = accounts.sign_in(" GRACE@fernhill.example ", PASSWORD)
    assert record.id == joined.id
    assert accounts.whoever_has(session).seen_at == clock()


def test_wrong_password_unknown_address_and_open_invitation_look_the_same(accounts: Accounts) -> None:
    joins(accounts)
    accounts.invite(role=Role.OPERATOR, email="invited@fernhill.example")
    assert accounts.sign_in(GRACE, PASSWORD)
    messages = set()
    for email, password in (
        (GRACE, PASSWORD + "!"),
        (GRACE, ""),
        ("nobody@fernhill.example", PASSWORD),
        ("invited@fernhill.example", PASSWORD),
    ):
        with pytest.raises(SignInFailed) as refusal:
            accounts.sign_in(email, password)
        messages.add(refusal.value.message)
    assert len(messages) == 1


def test_ninth_try_is_refused_even_with_the_right_password_until_the_window_is_over(
    accounts: Accounts, clock: Clock
) -> None:
    joins(accounts)
    for _ in range(SIGN_IN_TRIES):
        with pytest.raises(SignInFailed):
            accounts.sign_in(GRACE, "wrong password")
    for email in (GRACE, f" {GRACE.upper()} "):
        with pytest.raises(TooManyTries) as refusal:
            accounts.sign_in(email, PASSWORD)
        assert refusal.value.retry_after_s == SIGN_IN_WINDOW_S
    with pytest.raises(SignInFailed):
        accounts.sign_in("alan@fernhill.example", PASSWORD)
    clock.tick(SIGN_IN_WINDOW_S)
    assert accounts.sign_in(GRACE, PASSWORD)


def test_success_forgets_earlier_mistakes(accounts: Accounts) -> None:
    joins(accounts)
    for _ in range(3):
        for _ in range(SIGN_IN_TRIES - 1):
            with pytest.raises(SignInFailed):
                accounts.sign_in(GRACE, "wrong password")
        assert accounts.sign_in(GRACE, PASSWORD)


def test_tries_at_once_do_not_slip_past_the_limit(accounts: Accounts) -> None:
    joins(accounts)
    outcomes = at_once(*(lambda: accounts.sign_in(GRACE, "wrong password") for _ in range(SIGN_IN_TRIES + 12)))
    kinds = [type(outcome) for outcome in outcomes]
    assert (kinds.count(SignInFailed), kinds.count(TooManyTries)) == (SIGN_IN_TRIES, 12)


# --- sessions -----------------------------------------------------------------------------------------------------


def test_session_ends_on_sign_out_and_only_that_one(accounts: Accounts) -> None:
    _, first = joins(accounts)
    _, second = accounts.sign_in(GRACE, PASSWORD)
    accounts.sign_out(first)
    accounts.sign_out(first)
    with pytest.raises(SignedOut):
        accounts.whoever_has(first)
    assert accounts.whoever_has(second)


def test_session_expires(accounts: Accounts, clock: Clock) -> None:
    _, session = joins(accounts)
    clock.tick(SESSION_MAX_AGE_S - 1)
    assert accounts.whoever_has(session)
    clock.tick(1)
    with pytest.raises(SignedOut):
        accounts.whoever_has(session)


@pytest.mark.parametrize("token", [None, "", "made-up", "x" * 10_000])
def test_made_up_session_is_nobodys(accounts: Accounts, token: str | None) -> None:
    assert accounts.whoever_has(joins(accounts)[1])
    with pytest.raises(SignedOut):
        accounts.whoever_has(token)


def test_stored_session_and_link_cannot_be_read_from_the_database(accounts: Accounts, database: SqliteDatabase) -> None:
    record, session = joins(accounts)
    link = accounts.new_link(record.id)
    stored = [
        value
        for table in ("staff", "staff_sessions", "staff_links")
        for row in database.read(f"select * from {table}")
        for value in tuple(row)
    ]
    assert record.id in stored
    assert not {session, link, PASSWORD} & set(stored)


# --- roles and people ---------------------------------------------------------------------------------------------


def test_closed_account_loses_its_sessions_and_cannot_sign_in(accounts: Accounts) -> None:
    boss, _ = joins(accounts, Role.ADMIN, "Boss", "boss@fernhill.example")
    grace, session = joins(accounts)
    link = accounts.new_link(grace.id)
    assert accounts.whoever_has(session)
    assert accounts.change(grace.id, by=boss, is_active=False).is_active is False
    with pytest.raises(SignedOut):
        accounts.whoever_has(session)
    with pytest.raises(SignInFailed):
        accounts.sign_in(GRACE, PASSWORD)
    with pytest.raises(LinkInvalid):
        accounts.account_of_link(link)
    accounts.change(grace.id, by=boss, is_active=True)
    with pytest.raises(SignedOut):
        accounts.whoever_has(session)
    assert accounts.sign_in(GRACE, PASSWORD)


def test_account_closed_while_its_password_is_checked_stays_closed(accounts: Accounts, hasher: QuickHasher) -> None:
    boss, _ = joins(accounts, Role.ADMIN, "Boss", "boss@fernhill.example")
    grace, _ = joins(accounts)
    hasher.has_begun.clear()
    hasher.may_end.clear()
    signing_in = gevent.spawn(outcome_of, lambda: accounts.sign_in(GRACE, PASSWORD))
    gevent.sleep(0)
    assert hasher.has_begun.wait(5)
    accounts.change(grace.id, by=boss, is_active=False)
    hasher.may_end.set()
    signing_in.join()
    assert isinstance(signing_in.value, SignInFailed)
    assert accounts.person(grace.id).is_active is False


def test_changed_role_holds_at_once(accounts: Accounts) -> None:
    boss, _ = joins(accounts, Role.ADMIN, "Boss", "boss@fernhill.example")
    grace, session = joins(accounts)
    accounts.change(grace.id, by=boss, role=Role.EDITOR)
    assert accounts.whoever_has(session).role == Role.EDITOR


@pytest.mark.parametrize("change", [{"role": Role.OPERATOR}, {"is_active": False}])
def test_nobody_demotes_or_closes_themselves(accounts: Accounts, change: dict[str, object]) -> None:
    boss, session = joins(accounts, Role.ADMIN, "Boss", "boss@fernhill.example")
    with pytest.raises(Forbidden):
        accounts.change(boss.id, by=boss, **change)
    assert accounts.whoever_has(session).role == Role.ADMIN
    assert accounts.has_admin()


def test_there_is_an_admin_only_once_one_has_joined(accounts: Accounts) -> None:
    _, link = accounts.invite(role=Role.ADMIN)
    joins(accounts, Role.OPERATOR)
    assert not accounts.has_admin()
    accounts.join(link, name="Boss", email="boss@fernhill.example", password=PASSWORD)
    assert accounts.has_admin()


def test_unknown_person_is_not_found(accounts: Accounts) -> None:
    boss, _ = joins(accounts, Role.ADMIN)
    for look in (
        lambda: accounts.person("nobody"),
        lambda: accounts.new_link("nobody"),
        lambda: accounts.change("nobody", by=boss, is_active=False),
    ):
        with pytest.raises(NotFound):
            look()


ALLOWED = [
    (Role.OPERATOR, (Role.OPERATOR,), True),
    (Role.OPERATOR, (Role.EDITOR,), False),
    (Role.OPERATOR, (Role.OPERATOR, Role.EDITOR), True),
    (Role.OPERATOR, (Role.ADMIN,), False),
    (Role.OPERATOR, (), False),
    (Role.EDITOR, (Role.EDITOR,), True),
    (Role.EDITOR, (Role.OPERATOR,), False),
    (Role.EDITOR, (Role.ADMIN,), False),
    (Role.ADMIN, (Role.OPERATOR,), True),
    (Role.ADMIN, (Role.EDITOR,), True),
    (Role.ADMIN, (Role.ADMIN,), True),
    (Role.ADMIN, (), True),
]


@pytest.mark.parametrize(("role", "needed", "is_allowed"), ALLOWED)
def test_roles_open_what_the_table_says(role: Role, needed: tuple[Role, ...], is_allowed: bool) -> None:
    record = StaffRecord("op-x", None, None, role.value, None, True, 0.0, None)
    assert outcome_of(lambda: check_role(record, *needed)) is None or not is_allowed
    if not is_allowed:
        with pytest.raises(Forbidden, match=f"yours is {role.value}"):
            check_role(record, *needed)


# --- the only way to a conversation -------------------------------------------------------------------------------


def test_visitor_gets_only_their_own_conversation_and_staff_any(
    conversations: Conversations, chat: ConversationId, ada: Visitor
) -> None:
    assert access_conversation(conversations, chat, visitor_id=ada.id).conversation_id == chat
    assert access_conversation(conversations, chat, visitor_id=None).conversation_id == chat


def test_foreign_and_missing_conversations_look_the_same(conversations: Conversations, chat: ConversationId) -> None:
    refusals = []
    for conversation_id in (chat, "c-nobody"):
        with pytest.raises(NotFound) as refusal:
            access_conversation(conversations, conversation_id, visitor_id=VisitorId("visitor-eve"))
        refusals.append((type(refusal.value), refusal.value.message, refusal.value.field))
    assert refusals[0] == refusals[1]
