"""Visitors and staff over both databases: found again as they were saved, e-mails unique, links good for one."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from handoff.errors import AlreadyThere
from handoff.events import OperatorId, Page, VisitorId
from handoff.ports import Visitor
from handoff.store.database import Database
from handoff.store.staff import SqlStaffStore, StaffRecord
from handoff.store.visitors import SqlVisitorStore
from tests.contract.backends import EVENT_STORES
from tests.handoff.cast import at_once

NOW = 1_760_000_000.0
ADA = Visitor(
    VisitorId("visitor-ada"), "en", "Europe/London", "Browser/1.0", Page("https://a.example", "Zoë 😀"), 1.5, 2.5
)
GRACE = StaffRecord(OperatorId("op-grace"), "Grace@Example.com", "Grace", "operator", "hash", True, NOW, None)


@pytest.fixture(params=EVENT_STORES)
def database(request: pytest.FixtureRequest, address_of: Callable[[str], str]) -> Iterator[Database]:
    database = EVENT_STORES[request.param](address_of(request.param), lambda: NOW).open_database()
    yield database
    database.close()


@pytest.fixture
def staff(database: Database) -> SqlStaffStore:
    store = SqlStaffStore(database)
    store.save(GRACE)
    return store


def test_visitor_is_found_as_saved_last(database: Database) -> None:
    store = SqlVisitorStore(database)
    assert store.visitor(ADA.id) is None
    store.save_visitor(ADA)
    assert store.visitor(ADA.id) == ADA
    moved = msgspec.structs.replace(ADA, page=Page("https://b.example"), seen_at=3.5)
    store.save_visitor(moved)
    assert store.visitor(ADA.id) == moved


def test_member_of_staff_is_found_by_id_and_by_email_whatever_its_case(staff: SqlStaffStore) -> None:
    assert staff.find(GRACE.id) == GRACE
    assert staff.find_by_email("gRACE@example.COM") == GRACE
    assert staff.find_by_email("alan@example.com") is None
    assert staff.find("op-nobody") is None


def test_email_of_another_is_refused_and_nothing_is_kept(staff: SqlStaffStore) -> None:
    twin = StaffRecord(OperatorId("op-twin"), "grace@example.com", None, "operator", None, True, NOW, None)
    with pytest.raises(AlreadyThere):
        staff.save(twin)
    assert staff.all() == [GRACE]


def test_people_without_a_name_come_last_and_many_may_have_no_email(staff: SqlStaffStore) -> None:
    invited = [StaffRecord(OperatorId(f"op-{n}"), None, None, "editor", None, True, NOW, None) for n in range(2)]
    for record in invited:
        staff.save(record)
    assert staff.all()[0] == GRACE
    assert sorted(record.id for record in staff.all()[1:]) == ["op-0", "op-1"]


def test_session_ends_by_the_clock_by_hand_and_with_the_account(staff: SqlStaffStore) -> None:
    staff.add_session("token-1", GRACE.id, now=NOW, expires_at=NOW + 60)
    assert staff.find_by_session("token-1", now=NOW + 59) == GRACE
    assert staff.find_by_session("token-1", now=NOW + 60) is None
    staff.add_session("token-2", GRACE.id, now=NOW + 61, expires_at=NOW + 200)
    assert staff.find_by_session("token-1", now=NOW) is None, "an expired session is swept"
    staff.end_session("token-2")
    assert staff.find_by_session("token-2", now=NOW + 62) is None
    staff.add_session("token-3", GRACE.id, now=NOW, expires_at=NOW + 60)
    staff.end_sessions_of(GRACE.id)
    assert staff.find_by_session("token-3", now=NOW) is None


def test_link_is_good_for_one_of_many_who_use_it_at_once(staff: SqlStaffStore) -> None:
    staff.replace_link("link-1", GRACE.id, expires_at=NOW + 60)
    staff.replace_link("link-2", GRACE.id, expires_at=NOW + 60)
    assert staff.find_by_link("link-1", now=NOW) is None, "a new link replaces the old one"
    assert staff.find_by_link("link-2", now=NOW) == GRACE
    used = at_once(*(lambda: staff.use_link("link-2", now=NOW) for _ in range(8)))
    assert sorted(used) == [False] * 7 + [True]
