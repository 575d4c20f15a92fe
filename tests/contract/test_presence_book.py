"""What every presence book guarantees: leases that end by the clock and are reported as lapsed exactly once."""

import gevent

from handoff.events import OperatorId
from handoff.ports import Lease, PresenceBook

GRACE = OperatorId("op-grace")
ALAN = OperatorId("op-alan")
NOW = 1_000.0


def renew(book: PresenceBook, who: OperatorId, name: str, *, ttl_s: float = 60.0, now: float = NOW) -> None:
    book.renew(who, name, is_available=True, ttl_s=ttl_s, now=now)


def test_book_is_empty_at_first(book: PresenceBook) -> None:
    assert book.leases(now=NOW) == []
    assert book.take_lapsed(now=NOW) == []


def test_lease_is_there_until_its_end_and_not_at_it(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    assert book.leases(now=NOW + 59.9) == [Lease(GRACE, "Grace", True, NOW + 60)]
    assert book.take_lapsed(now=NOW + 59.9) == []
    assert book.leases(now=NOW + 60) == []
    assert book.take_lapsed(now=NOW + 60) == [GRACE]


def test_lapse_is_given_exactly_once(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    renew(book, ALAN, "Alan", ttl_s=90)
    assert book.take_lapsed(now=NOW + 60) == [GRACE]
    assert book.take_lapsed(now=NOW + 60) == []
    assert book.take_lapsed(now=NOW + 90) == [ALAN]
    assert book.take_lapsed(now=NOW + 900) == []


def test_lapse_is_given_to_one_of_many_that_ask_at_once(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    asking = [gevent.spawn(book.take_lapsed, now=NOW + 60) for _ in range(10)]
    gevent.joinall(asking, raise_error=True)
    assert [each for greenlet in asking for each in greenlet.value] == [GRACE]


def test_renewal_prolongs_shortens_and_changes_the_choice(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    renew(book, GRACE, "Grace", now=NOW + 25)
    assert book.take_lapsed(now=NOW + 60) == []
    book.renew(GRACE, "Grace H", is_available=False, ttl_s=20.0, now=NOW + 50)
    assert book.leases(now=NOW + 60) == [Lease(GRACE, "Grace H", False, NOW + 70)]
    assert book.take_lapsed(now=NOW + 70) == [GRACE]


def test_renewal_after_the_end_but_before_anybody_looked_is_no_lapse(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    renew(book, GRACE, "Grace", now=NOW + 65)
    assert book.take_lapsed(now=NOW + 66) == []
    assert len(book.leases(now=NOW + 66)) == 1


def test_return_after_a_lapse_is_a_new_lease_that_can_lapse_again(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    assert book.take_lapsed(now=NOW + 60) == [GRACE]
    renew(book, GRACE, "Grace", now=NOW + 100)
    assert len(book.leases(now=NOW + 100)) == 1
    assert book.take_lapsed(now=NOW + 160) == [GRACE]


def test_lease_of_no_time_has_lapsed_at_once(book: PresenceBook) -> None:
    renew(book, GRACE, "Grace")
    renew(book, GRACE, "Grace", ttl_s=0.0)
    assert book.leases(now=NOW) == []
    assert book.take_lapsed(now=NOW) == [GRACE]


def test_leases_are_listed_by_name_whatever_its_case_and_twins_are_kept_apart(book: PresenceBook) -> None:
    for who, name in (("op-3", "grace"), ("op-2", "Grace"), ("op-1", "alan"), ("op-4", "Zoe")):
        renew(book, OperatorId(who), name)
    assert [lease.name for lease in book.leases(now=NOW)] == ["alan", "Grace", "grace", "Zoe"]
    assert [lease.operator_id for lease in book.leases(now=NOW)] == ["op-1", "op-2", "op-3", "op-4"]
