"""Who is here: leases that lapse by the clock, once, and whispers only when something changed."""

import pytest

from handoff.bus.inprocess import InProcessBus
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.errors import StoreFailed
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


def lapses(presence: Presence) -> list[OperatorId]:
    """Sweep once; give whose lease had run out."""
    lapsed: list[OperatorId] = []
    presence.sweep(lapsed.append)
    return lapsed


def names(presence: Presence) -> list[str]:
    return [lease.name for lease in presence.people()]


def test_arrival_makes_the_desk_staffed_and_tells_everybody_once(presence: Presence, whispers: list[bool]) -> None:
    assert not presence.is_staffed()
    assert presence.arrive(GRACE, "Grace") is True
    assert presence.is_staffed()
    assert names(presence) == ["Grace"]
    assert whispers == [True]


def test_lease_lapses_once_when_its_time_is_over(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(LEASE_TTL_S - 0.1)
    assert lapses(presence) == []
    assert presence.is_staffed()
    clock.tick(0.1)
    assert not presence.is_staffed()
    assert lapses(presence) == [GRACE]
    assert lapses(presence) == []
    assert whispers == [True, False]


def test_beats_keep_the_lease_and_tell_nobody(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    for _ in range(5):
        clock.tick(25)
        presence.beat(GRACE, "Grace")
    assert lapses(presence) == []
    assert presence.is_staffed()
    assert whispers == [True]


def test_one_lost_beat_empties_no_desk(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(50)
    assert lapses(presence) == []
    assert names(presence) == ["Grace"]


def test_operator_who_is_away_does_not_staff_the_desk(presence: Presence, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    assert not presence.is_staffed()
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
    assert not presence.is_staffed()


def test_one_of_two_operators_keeps_the_desk_staffed(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(30)
    presence.arrive(ALAN, "Alan")
    assert names(presence) == ["Alan", "Grace"]
    clock.tick(30)
    assert lapses(presence) == [GRACE]
    assert presence.is_staffed()
    assert whispers == [True, True, True]


def test_last_closed_tab_leaves_a_grace(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.arrive(GRACE, "Grace")
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S)
    assert lapses(presence) == []
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S - 0.1)
    assert lapses(presence) == []
    clock.tick(0.1)
    assert lapses(presence) == [GRACE]


def test_reload_within_the_grace_keeps_lease_and_choice(presence: Presence, clock: Clock, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    told = list(whispers)
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S - 1)
    assert presence.arrive(GRACE, "Grace") is False
    clock.tick(LEASE_TTL_S - 1)
    assert lapses(presence) == []
    assert whispers == told


def test_return_after_the_lapse_is_an_arrival_that_is_available(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.renew(GRACE, "Grace", is_available=False)
    presence.leave(GRACE)
    clock.tick(LEAVE_GRACE_S)
    assert lapses(presence) == [GRACE]
    assert presence.arrive(GRACE, "Grace") is True


def test_return_before_the_sweep_saw_the_lapse_keeps_the_chats(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    clock.tick(LEASE_TTL_S + 5)
    presence.beat(GRACE, "Grace")
    assert lapses(presence) == []


def test_sign_out_takes_the_operator_away_at_once(presence: Presence, whispers: list[bool]) -> None:
    presence.arrive(GRACE, "Grace")
    presence.end(GRACE)
    assert names(presence) == []
    assert not presence.is_staffed()
    presence.end(GRACE)
    assert whispers == [True, False]


def test_chats_of_an_operator_who_signs_out_go_back_to_the_queue(
    presence: Presence, desk: Desk, conversations: Conversations, chat: ConversationId, grace: Author
) -> None:
    presence.arrive(GRACE, "Grace")
    desk.claim(grace, chat, epoch=0, client_id="grace-claims-1")
    presence.end(GRACE)
    presence.leave(GRACE)
    presence.sweep(desk.requeue_all_of)
    assert conversations.row(chat).state.phase is Phase.QUEUE


def test_lapse_that_could_not_be_acted_on_is_not_forgotten(presence: Presence, clock: Clock) -> None:
    presence.arrive(GRACE, "Grace")
    presence.arrive(ALAN, "Alan")
    clock.tick(LEASE_TTL_S)
    tried: list[OperatorId] = []

    def fails(operator_id: OperatorId) -> None:
        tried.append(operator_id)
        raise StoreFailed("disk full")

    presence.sweep(fails)
    assert sorted(tried) == [ALAN, GRACE]
    assert not presence.is_staffed()
    assert sorted(lapses(presence)) == [ALAN, GRACE]
    assert lapses(presence) == []


def test_hold_after_a_restart_waits_for_its_operator_without_staffing_the_desk(
    presence: Presence, clock: Clock
) -> None:
    presence.hold_for(GRACE, "Grace")
    assert not presence.is_staffed()
    clock.tick(LEASE_TTL_S - 1)
    assert lapses(presence) == []
    clock.tick(1)
    assert lapses(presence) == [GRACE]


def test_operator_who_comes_back_after_a_restart_is_available(presence: Presence) -> None:
    presence.hold_for(GRACE, "Grace")
    assert not presence.is_staffed()
    assert presence.arrive(GRACE, "Grace") is True
    assert presence.is_staffed()
    presence.renew(GRACE, "Grace", is_available=False)
    assert presence.arrive(GRACE, "Grace") is False


def test_visitor_is_online_while_any_tab_is_open(presence: Presence) -> None:
    ada, bob = VisitorId("visitor-ada"), VisitorId("visitor-bob")
    assert presence.visitor_came(ada) is True
    assert presence.visitor_came(ada) is False
    assert presence.visitor_went(ada) is False
    assert presence.is_visitor_online(ada)
    assert not presence.is_visitor_online(bob)
    assert presence.visitor_went(ada) is True
    assert not presence.is_visitor_online(ada)
