"""What every bus guarantees: rings reach who listens to their topic, in order, and nobody else."""

from handoff.events import ConversationId
from handoff.ports import Bus, Ring, Whisper
from tests.contract.backends import BusBackend, Heard

C42 = ConversationId("c42")


def test_ring_reaches_every_listener_of_its_topic_and_no_other(bus: Bus, bus_backend: BusBackend) -> None:
    first: Heard = []
    second: Heard = []
    other: Heard = []
    bus.subscribe("conversation:c42", first.append)
    bus.subscribe("conversation:c42", second.append)
    bus.subscribe("conversation:c4", other.append)
    bus.ring("conversation:c42", C42, 7)
    bus_backend.settle()
    assert first == second == [Ring("conversation:c42", C42, 7)]
    assert other == []


def test_rings_of_a_topic_arrive_in_their_order(bus: Bus, bus_backend: BusBackend) -> None:
    heard: Heard = []
    bus.subscribe("desk", heard.append)
    for head in range(1, 201):
        bus.ring("desk", C42, head)
    bus_backend.settle()
    assert [ring.head for ring in heard if isinstance(ring, Ring)] == list(range(1, 201))


def test_whisper_carries_its_payload(bus: Bus, bus_backend: BusBackend) -> None:
    heard: Heard = []
    payload = {"author": {"kind": "operator", "name": "Grace 😀"}, "is_typing": True}
    bus.subscribe("conversation:c42", heard.append)
    bus.whisper("conversation:c42", payload)
    bus_backend.settle()
    assert heard == [Whisper("conversation:c42", payload)]


def test_ring_that_nobody_hears_is_lost_without_harm(bus: Bus, bus_backend: BusBackend) -> None:
    bus.ring("conversation:c42", C42, 1)
    bus.whisper("conversation:c42", {})
    bus_backend.settle()
    heard: Heard = []
    bus.subscribe("conversation:c42", heard.append)
    bus_backend.settle()
    assert heard == []
    bus.ring("conversation:c42", C42, 2)
    bus_backend.settle()
    assert heard == [Ring("conversation:c42", C42, 2)]


def test_ended_subscription_hears_nothing_and_ending_it_twice_ends_no_other(bus: Bus, bus_backend: BusBackend) -> None:
    ended: Heard = []
    kept: Heard = []
    end = bus.subscribe("desk", ended.append)
    bus.subscribe("desk", kept.append)
    bus.ring("desk", C42, 1)
    bus_backend.settle()
    end()
    end()
    bus.ring("desk", C42, 2)
    bus_backend.settle()
    assert ended == [Ring("desk", C42, 1)]
    assert len(kept) == 2


def test_one_listener_subscribed_twice_is_called_twice_and_ends_one_by_one(bus: Bus, bus_backend: BusBackend) -> None:
    heard: Heard = []
    end_first = bus.subscribe("desk", heard.append)
    end_second = bus.subscribe("desk", heard.append)
    bus.ring("desk", C42, 1)
    bus_backend.settle()
    assert len(heard) == 2
    end_first()
    end_first()
    bus.ring("desk", C42, 2)
    bus_backend.settle()
    assert len(heard) == 3
    end_second()
    bus.ring("desk", C42, 3)
    bus_backend.settle()
    assert len(heard) == 3


def test_listener_may_end_itself_and_subscribe_others_while_it_is_called(bus: Bus, bus_backend: BusBackend) -> None:
    heard: Heard = []
    later: Heard = []
    ends = []

    def once(message: Ring | Whisper) -> None:
        heard.append(message)
        ends.pop()()
        bus.subscribe("desk", later.append)

    ends.append(bus.subscribe("desk", once))
    last: Heard = []
    bus.subscribe("desk", last.append)
    bus.ring("desk", C42, 1)
    bus.ring("desk", C42, 2)
    bus_backend.settle()
    assert [ring.head for ring in heard if isinstance(ring, Ring)] == [1]
    assert [ring.head for ring in last if isinstance(ring, Ring)] == [1, 2]
    assert later[-1] == Ring("desk", C42, 2)


def test_listener_may_ring_another_topic(bus: Bus, bus_backend: BusBackend) -> None:
    heard: Heard = []
    bus.subscribe("desk", heard.append)
    bus.subscribe("conversation:c42", lambda ring: bus.ring("desk", C42, ring.head))
    bus.ring("conversation:c42", C42, 5)
    bus_backend.settle()
    assert heard == [Ring("desk", C42, 5)]
