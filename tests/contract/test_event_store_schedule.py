"""A seeded random schedule of visitors, operators, a slow bot and vanishing people: the rules hold after every step."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest

from handoff.bus.inprocess import InProcessBus
from handoff.conversations import Conversations
from handoff.desk import Desk
from handoff.errors import BatonError
from handoff.escalation import EscalationRules
from handoff.events import (
    FLOOR_BODIES,
    Author,
    AuthorKind,
    BotMessage,
    ConversationId,
    Draft,
    Event,
    NoteAdded,
    OperatorId,
    Reason,
    Understood,
    VisitorId,
    kind_of,
)
from handoff.ports import EventStore, Lease, Visitor
from handoff.projection import replay
from handoff.verification import ConversationCheck
from tests.conftest import Clock
from tests.handoff.cast import BY_ALAN, BY_BOT, BY_GRACE, at_once

STEPS = 2_500
ACTORS_AT_ONCE = 4
VISITORS = [Visitor(VisitorId(f"visitor-{name}")) for name in ("ada", "bob", "eve")]
PEOPLE = [BY_GRACE, BY_ALAN]


class Schedule:
    """Everybody acts on what they believe, which is often out of date."""

    def __init__(self, store: EventStore, clock: Clock, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = store
        self.clock = clock
        self.conversations = Conversations(
            store, InProcessBus(), rules=EscalationRules(), is_staffed=lambda: True, now=clock
        )
        self.desk = Desk(self.conversations, store)
        self.chats = [self.conversations.open_for(visitor) for visitor in VISITORS]
        self.checks = {chat: ConversationCheck() for chat in self.chats}
        self.kinds: Counter[str] = Counter()
        self.named: defaultdict[tuple[ConversationId, str | int], set[int]] = defaultdict(set)
        """The epochs under which something was tried, by its client id, or by the message that the bot answers."""
        self.believed: dict[tuple[str, ConversationId], int] = {}
        self.replies: list[tuple[ConversationId, list[Draft], int]] = []
        self.outcomes: Counter[str] = Counter()
        self.steps = 0

    # --- actors ---------------------------------------------------------------------------------------------------

    def client_id(self) -> str:
        """Mostly a new one; now and then one that was used before: a resend."""
        number = self.steps if self.random.random() < 0.85 else self.random.randrange(self.steps + 1)
        return f"client-{number}"

    def visitor(self) -> Callable[[], object]:
        number = self.random.randrange(len(VISITORS))
        visitor, chat, client_id = VISITORS[number], self.chats[number], self.client_id()
        verbs = self.conversations
        return self.random.choices(
            [
                lambda: verbs.post(visitor, chat, "Hello", client_id=client_id),
                lambda: verbs.ask_person(visitor, chat, client_id=client_id),
                lambda: verbs.rate(visitor, chat, score=3, comment="", client_id=client_id),
                lambda: verbs.leave_contact(visitor, chat, name="", email="a@b.c", message="", client_id=client_id),
            ],
            weights=[12, 2, 1, 1],
        )[0]

    def operator(self) -> Callable[[], object]:
        me, chat, client_id = self.random.choice(PEOPLE), self.random.choice(self.chats), self.client_id()
        epoch = self.epoch_believed_by(me, chat)
        self.named[chat, client_id].add(epoch)
        other = PEOPLE[1 - PEOPLE.index(me)]
        lease = Lease(OperatorId(other.id or ""), other.name or "", True, 9e9)
        desk, named = self.desk, {"epoch": epoch, "client_id": client_id}
        return self.random.choices(
            [
                lambda: desk.claim(me, chat, **named),
                lambda: desk.post(me, chat, "Hello", **named),
                lambda: desk.release(me, chat, **named),
                lambda: desk.transfer(me, chat, lease, **named),
                lambda: desk.return_to_bot(me, chat, **named),
                lambda: desk.resolve(me, chat, **named),
                lambda: desk.add_note(me, chat, "A note", client_id=client_id),
            ],
            weights=[8, 8, 2, 2, 2, 2, 1],
        )[0]

    def epoch_believed_by(self, who: Author, chat: ConversationId) -> int:
        key = (str(who.id), chat)
        if key not in self.believed or self.random.random() < 0.6:
            self.believed[key] = self.conversations.row(chat).state.epoch
        return self.believed[key]

    def bot(self) -> Callable[[], object]:
        """Read the floor now, answer some steps later: often too late."""
        chat = self.random.choice(self.chats)
        state = self.conversations.row(chat).state
        if not state.unanswered:
            return lambda: None
        self.named[chat, state.unanswered[-1]].add(state.epoch)
        drafts = [
            Draft(BY_BOT, Understood(state.unanswered[-1], "question", 0.9, [])),
            Draft(BY_BOT, BotMessage("Hello!", "greeting")),
        ]
        if self.random.random() < 0.2:
            drafts.append(self.conversations.escalation(Reason.FRUSTRATED))
        # Two processes may take the same turn; only one answer may be heard.
        self.replies += [(chat, drafts, state.epoch)] * self.random.choice([1, 1, 2])
        if len(self.replies) < 3:
            return lambda: None
        late_chat, late_drafts, late_epoch = self.replies.pop(self.random.randrange(len(self.replies)))
        return lambda: self.conversations.record(late_chat, late_drafts, expected_epoch=late_epoch)

    def lapse(self) -> Callable[[], object]:
        who = OperatorId(str(self.random.choice(PEOPLE).id))
        return lambda: self.desk.requeue_all_of(who)

    # --- running --------------------------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        while self.steps < steps:
            calls = []
            for _ in range(self.random.randint(1, ACTORS_AT_ONCE)):
                actor = self.random.choices([self.visitor, self.operator, self.bot, self.lapse], [8, 10, 5, 1])[0]
                calls.append(actor())
                self.steps += 1
            for outcome in at_once(*calls):
                self.outcomes[outcome.code if isinstance(outcome, BatonError) else "done"] += 1
            self.clock.tick(self.random.choice([0.0, 1.0, -0.5]))
            self.check()

    def check(self) -> None:
        """Hold what is new in each log, and what is stored beside it, against rules that are not the projection's."""
        for chat, check in self.checks.items():
            for event in self.conversations.events(chat, after_seq=check.head):
                assert list(check.see(event)) == []
                self.check_epoch(chat, event)
                self.kinds[kind_of(event.body)] += 1
            assert list(check.compare(self.store.columns(chat))) == []
            assert self.conversations.row(chat).state == check.state, "the state that is fetched is not the log's"

    def check_epoch(self, chat: ConversationId, event: Event) -> None:
        in_force = event.epoch - isinstance(event.body, FLOOR_BODIES)
        if isinstance(event.body, Understood):
            assert in_force in self.named[chat, event.body.message_seq], "a late answer of the bot"
        if event.author.kind is AuthorKind.OPERATOR and not isinstance(event.body, NoteAdded):
            assert in_force in self.named[chat, event.client_id or ""], "accepted under a stale epoch"


@pytest.mark.parametrize("seed", [1, 2])
def test_rules_hold_after_every_step_of_a_random_schedule(store: EventStore, clock: Clock, seed: int) -> None:
    schedule = Schedule(store, clock, seed)
    schedule.run(STEPS)
    for chat in schedule.chats:
        log = list(schedule.conversations.events(chat))
        assert replay(log) == schedule.conversations.row(chat).state
    # The schedule was no walk in the park: every refusal and every pass of the floor has come up.
    assert min(schedule.outcomes[code] for code in ("stale_epoch", "already_held", "floor_refused", "done")) > 5
    floor_kinds = ("escalated", "operator_claimed", "operator_released", "transferred", "returned_to_bot")
    for kind in (*floor_kinds, "resolved", "reopened", "bot_message", "operator_message"):
        assert schedule.kinds[kind] > 3, kind
