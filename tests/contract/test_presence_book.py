"""What every presence book guarantees: leases that end by its clock, visitors with open pages, its own age."""

import pytest

from handoff.events import OperatorId, VisitorId
from handoff.ports import Lease, PresenceBook
from tests.conftest import Clock

GRACE = OperatorId("op-grace")
ALAN = OperatorId("op-alan")
ADA = VisitorId("visitor-ada")
BOB = VisitorId("visitor-bob")


def renew(book: PresenceBook, who: OperatorId, name: str, *, ttl_s: float = 60.0) -> None:
    book.renew(who, name, is_available=True, ttl_s=ttl_s)


def names(book: PresenceBook) -> list[str]:
    return [lease.name for lease in book.leases()]


def test_book_is_empty_at_first(book: PresenceBook) -> None:
    assert book.leases() == []
    assert book.visitors_here([ADA, BOB]) == set()
    assert book.visitors_here([]) == set()


def test_lease_is_there_until_its_end_and_not_at_it(book: PresenceBook, clock: Clock) -> None:
    renew(book, GRACE, "Grace")
    clock.tick(59.9)
    assert book.leases() == [Lease(GRACE, "Grace", True, pytest.approx(clock.at + 0.1))]
    clock.tick(0.1)
    assert book.leases() == []
    clock.tick(-0.1)
    assert book.leases() == [], "a lease that was seen to have ended does not come back"


def test_renewal_prolongs_shortens_and_changes_the_choice(book: PresenceBook, clock: Clock) -> None:
    renew(book, GRACE, "Grace")
    clock.tick(25)
    renew(book, GRACE, "Grace")
    clock.tick(35)
    assert names(book) == ["Grace"]
    book.renew(GRACE, "Grace H", is_available=False, ttl_s=20.0)
    assert book.leases() == [Lease(GRACE, "Grace H", False, pytest.approx(clock.at + 20))]
    clock.tick(20)
    assert book.leases() == []


def test_return_after_the_end_is_a_new_lease(book: PresenceBook, clock: Clock) -> None:
    renew(book, GRACE, "Grace")
    clock.tick(60)
    assert book.leases() == []
    renew(book, GRACE, "Grace")
    assert names(book) == ["Grace"]
    clock.tick(60)
    assert book.leases() == []


def test_lease_of_no_time_has_ended_at_once(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    renew(book, GRACE, "Grace", ttl_s=0.0)
    assert book.leases() == []


def test_leases_are_listed_by_name_whatever_its_case_and_twins_are_kept_apart(book: PresenceBook) -> None:
    for who, name in (("op-3", "grace"), ("op-2", "Grace"), ("op-1", "alan"), ("op-4", "Zoë 😀")):
        renew(book, OperatorId(who), name)
    assert names(book) == ["alan", "Grace", "grace", "Zoë 😀"]
    assert [lease.operator_id for lease in book.leases()] == ["op-1", "op-2", "op-3", "op-4"]


def test_book_grows_older_by_its_clock(book: PresenceBook, clock: Clock) -> None:
    assert book.age_s() == pytest.approx(0, abs=0.001)
    clock.tick(61)
    assert book.age_s() == pytest.approx(61, abs=0.001)


def test_visitor_is_here_until_the_note_ends_or_is_taken_back(book: PresenceBook, clock: Clock) -> None:
    book.note_visitor(ADA, ttl_s=80)
    book.note_visitor(BOB, ttl_s=80)
    assert book.visitors_here([BOB, ADA, VisitorId("visitor-eve")]) == {ADA, BOB}
    book.note_visitor(BOB, ttl_s=0)
    clock.tick(79)
    assert book.visitors_here([ADA, BOB]) == {ADA}
    book.note_visitor(ADA, ttl_s=80)
    clock.tick(79)
    assert book.visitors_here([ADA, BOB]) == {ADA}
    clock.tick(1)
    assert book.visitors_here([ADA, BOB]) == set()
