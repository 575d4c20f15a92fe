"""Who is here: leases that lapse by the clock, once, and whispers only when something changed."""

import pytest

from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.events import Author, ConversationId, OperatorId, VisitorId
from handoff.ports import Whisper
from handoff.presence import LEASE_TTL_S, LEAVE_GRACE_S, PRESENCE_TOPIC, Presence
from handoff.projection import Phase
from tests.conftest import Clock

GRACE = OperatorId("op-grace")
ALAN = OperatorId("op-alan")


@pytest.fixture
def whispers(bus: InProcessBus) -> list[bool]:
    """What everybody was told: whether the desk is staffed."""
    heard: list[bool] = []
    bus.subscribe(PRESENCE_TOPIC, lambda m: heard.append(m.payload["is_staffed"]) if isinstance(m, Whisper) else None)
    return heard


@pytest.fixture(autouse=True)
def _settled(presence: Presence, clock: Clock) -> None:
    """The book has been kept for long enough to be believed about who is not in it."""
    clock.tick(LEASE_TTL_S)


def gone(presence: Presence) -> list[OperatorId]:
    """Sweep once; give which of the two holders of chats are gone."""
    presence.tell_if_changed()
    return sorted(presence.gone_of([ALAN, GRACE]))


def names(presence: Presence) -> list[str]:
    return [lease.name for lease in presence.people()]


def test_arrival_makes_the_desk_staffed_and_tells_everybody_once(presence: Presence, whispers: list[bool]) -> None:
    assert not presence.is_reachable()
    assert presence.arrive(GRACE, "Grace") is True
    assert presence.is_reachable()
    assert names(presence) == ["Grace"]
    assert whispers == [True]


def test_lease_ends_when_its_time_is_over_and_everybody_is_told_once(
    presence: Presence, clock: Clock, whispers: list[bool]
) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(LEASE_TTL_S - 0.1)
    assert gone(presence) == [ALAN]
    assert presence.is_reachable()
    clock.tick(0.1)
    assert not presence.is_reachable()
    assert gone(presence) == [ALAN, GRACE]
    assert gone(presence) == [ALAN, GRACE]
    assert whispers == [True, False]


def test_beats_keep_the_lease_and_tell_nobody(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    for _ in range(5):
        clock.tick(25)
        presence.beat(GRACE, "Grace")
    assert gone(presence) == [ALAN]
    assert presence.is_reachable()
    assert whispers == [True]


def test_one_lost_beat_empties_no_desk(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(50)
    assert gone(presence) == [ALAN]
    assert names(presence) == ["Grace"]


def test_operator_who_is_away_does_not_staff_the_desk(presence: Presence, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    assert not presence.is_reachable()
    assert names(presence) == ["Grace"]
    presence.renew(GRACE, "Grace", is_available=False)
    presence.renew(GRACE, "Grace", is_available=True)
    assert whispers == [True, False, True]


def test_second_tab_and_beats_keep_the_choice_to_be_away(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    assert presence.arrive(GRACE, "Grace") is False
    clock.tick(25)
    presence.beat(GRACE, "Grace")
    assert not presence.is_reachable()


def test_one_of_two_operators_keeps_the_desk_staffed(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(30)
    presence.arrive(ALAN, "Alan")
    assert names(presence) == ["Alan", "Grace"]
    clock.tick(30)
    assert gone(presence) == [GRACE]
    assert presence.is_reachable()
    assert whispers == [True, True, True]


def test_last_closed_tab_leaves_a_grace(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.arrive(GRACE, "Grace")
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S)
    assert gone(presence) == [ALAN]
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S - 0.1)
    assert gone(presence) == [ALAN]
    clock.tick(0.1)
    assert gone(presence) == [ALAN, GRACE]


def test_reload_within_the_grace_keeps_lease_and_choice(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    told = list(whispers)
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S - 1)
    assert presence.arrive(GRACE, "Grace") is False
    clock.tick(LEASE_TTL_S - 1)
    assert gone(presence) == [ALAN]
    assert whispers == told


def test_return_after_the_lapse_is_an_arrival_that_is_available(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S)
    assert gone(presence) == [ALAN, GRACE]
    assert presence.arrive(GRACE, "Grace") is True


def test_return_before_the_sweep_saw_the_lapse_keeps_the_chats(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(LEASE_TTL_S + 5)
    presence.beat(GRACE, "Grace")
    assert gone(presence) == [ALAN]


def test_sign_out_takes_the_operator_away_at_once(presence: Presence, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.end(GRACE)
    assert names(presence) == []
    assert not presence.is_reachable()
    presence.end(GRACE)
    assert whispers == [True, False]


def test_chats_of_an_operator_who_signs_out_go_back_to_the_queue(
    presence: Presence, desk: Desk, conversations: Conversations, chat: ConversationId, grace: Author
) -> None:
    presence.arrive(GRACE, "Grace")
    desk.claim(grace, chat, epoch=0, client_id="grace-claims-1")
    presence.end(GRACE)
    presence.leave(GRACE)
    assert gone(presence) == [ALAN, GRACE]
    assert (desk.requeue_all_of(GRACE), desk.requeue_all_of(GRACE)) == (1, 0)
    assert conversations.row(chat).state.phase is Phase.QUEUE


def test_after_a_restart_holders_have_the_time_of_a_lease_to_come_back(bus: InProcessBus, clock: Clock) -> None:
    restarted = Presence(InProcessPresenceBook(now=clock), bus)
    assert not restarted.is_reachable()
    clock.tick(LEASE_TTL_S - 1)
    assert gone(restarted) == []
    assert restarted.arrive(GRACE, "Grace") is True
    clock.tick(1)
    assert gone(restarted) == [ALAN]


def test_whoever_was_here_and_left_is_gone_even_soon_after_a_restart(bus: InProcessBus, clock: Clock) -> None:
    restarted = Presence(InProcessPresenceBook(now=clock), bus)
    restarted.arrive(GRACE, "Grace")
    clock.tick(1)
    assert gone(restarted) == []
    restarted.end(GRACE)
    assert gone(restarted) == [GRACE]


def test_visitor_is_online_while_any_tab_is_open(presence: Presence) -> None:
    ada, bob = VisitorId("visitor-ada"), VisitorId("visitor-bob")
    assert presence.visitor_came(ada) is True
    assert presence.visitor_came(ada) is False
    assert presence.visitor_went(ada) is False
    assert presence.visitors_online([ada, bob]) == {ada}
    assert presence.visitor_went(ada) is True
    assert presence.visitors_online([ada, bob]) == set()
