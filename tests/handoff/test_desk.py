"""What operators do with the floor: one holder, told who was faster, and nothing lost when one vanishes."""

from collections.abc import Callable

import pytest

from handoff.conversations import Conversations
from handoff.desk import Desk, author_of, find_lease
from handoff.errors import AlreadyHeld, BatonError, ConversationClosed, FloorRefused, NotFound, StaleEpoch, TextRefused
from handoff.events import (
    Author,
    AuthorKind,
    ConversationId,
    Event,
    NoteAdded,
    OperatorClaimed,
    OperatorId,
    OperatorMessage,
    OperatorReleased,
    Resolved,
    Transferred,
    VisitorId,
)
from handoff.ports import Lease, Visitor
from handoff.projection import Phase
from tests.conftest import Clock
from tests.handoff.cast import at_once, bodies_of, kinds_of, log_of

ALAN_IS_HERE = Lease(OperatorId("op-alan"), "Alan", True, 9e9)


@pytest.fixture
def waiting(conversations: Conversations, chat: ConversationId, ada: Visitor) -> ConversationId:
    """Ada's conversation in the queue, at epoch 1."""
    conversations.ask_person(ada, chat, client_id="ada-asks-1")
    assert conversations.row(chat).state.epoch == 1
    return chat


@pytest.fixture
def held(desk: Desk, waiting: ConversationId, grace: Author) -> ConversationId:
    """Ada's conversation held by Grace, at epoch 2."""
    assert desk.claim(grace, waiting, epoch=1, client_id="grace-claims-1").epoch == 2
    return waiting


# --- claiming -----------------------------------------------------------------------------------------------------


def test_claim_takes_the_floor(conversations: Conversations, held: ConversationId) -> None:
    state = conversations.row(held).state
    assert (state.phase, state.operator_id, state.operator_name, state.epoch) == (
        Phase.OPERATOR,
        "op-grace",
        "Grace",
        2,
    )


def test_claim_takes_the_floor_from_the_bot(
    conversations: Conversations, desk: Desk, chat: ConversationId, alan: Author
) -> None:
    assert conversations.row(chat).state.phase is Phase.BOT
    desk.claim(alan, chat, epoch=0, client_id="alan-claims-1")
    assert conversations.row(chat).state.operator_id == "op-alan"


@pytest.mark.parametrize("is_grace_first", [True, False], ids=["Grace first", "Alan first"])
def test_of_two_claims_at_once_one_wins_and_the_other_learns_who(
    conversations: Conversations,
    desk: Desk,
    waiting: ConversationId,
    grace: Author,
    alan: Author,
    is_grace_first: bool,
) -> None:
    winner, loser = (grace, alan) if is_grace_first else (alan, grace)
    won, lost = at_once(
        lambda: desk.claim(winner, waiting, epoch=1, client_id="first-claims"),
        lambda: desk.claim(loser, waiting, epoch=1, client_id="second-claims"),
    )
    assert isinstance(won, Event)
    assert won.author == winner
    assert isinstance(lost, AlreadyHeld)
    assert (lost.holder_id, lost.holder_name, lost.message) == (winner.id, winner.name, f"{winner.name} has this chat.")
    assert bodies_of(log_of(conversations, waiting), OperatorClaimed) == [OperatorClaimed()]


def test_of_many_claims_at_once_exactly_one_wins(
    conversations: Conversations, desk: Desk, waiting: ConversationId
) -> None:
    people = [author_of(OperatorId(f"op-{n}"), f"Person {n}") for n in range(30)]
    outcomes = at_once(*(lambda p=p: desk.claim(p, waiting, epoch=1, client_id=f"claims-by-{p.id}") for p in people))
    winners = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    assert len(winners) == 1
    losers = [outcome for outcome in outcomes if isinstance(outcome, AlreadyHeld)]
    assert {loser.holder_id for loser in losers} == {winners[0].author.id}
    assert len(losers) == 29
    assert conversations.row(waiting).state.operator_id == winners[0].author.id


def test_resent_claim_is_granted_again_though_the_epoch_has_moved_on(
    conversations: Conversations, desk: Desk, waiting: ConversationId, grace: Author
) -> None:
    first = desk.claim(grace, waiting, epoch=1, client_id="grace-claims-1")
    assert conversations.row(waiting).state.epoch == 2
    assert desk.claim(grace, waiting, epoch=1, client_id="grace-claims-1") == first
    assert conversations.row(waiting).state.epoch == 2


def test_claim_of_ones_own_chat_is_refused_without_naming_a_rival(
    desk: Desk, held: ConversationId, grace: Author
) -> None:
    with pytest.raises(FloorRefused):
        desk.claim(grace, held, epoch=2, client_id="grace-claims-2")


def test_claim_with_a_stale_epoch_of_a_free_chat_is_told_the_epoch(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, alan: Author
) -> None:
    desk.release(grace, held, epoch=2, client_id="grace-lets-go")
    before = log_of(conversations, held)
    with pytest.raises(StaleEpoch) as refusal:
        desk.claim(alan, held, epoch=1, client_id="alan-claims-1")
    assert refusal.value.epoch == 3
    assert log_of(conversations, held) == before


def test_claim_of_an_ended_chat_is_refused(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, alan: Author
) -> None:
    desk.resolve(grace, held, epoch=2, client_id="grace-resolves")
    with pytest.raises(ConversationClosed):
        desk.claim(alan, held, epoch=3, client_id="alan-claims-1")
    assert conversations.row(held).state.phase is Phase.RESOLVED


def test_claim_of_an_unknown_chat_is_not_found(desk: Desk, grace: Author) -> None:
    with pytest.raises(NotFound):
        desk.claim(grace, ConversationId("c-nobody"), epoch=0, client_id="grace-claims-1")


# --- speaking -----------------------------------------------------------------------------------------------------


def test_holder_speaks(desk: Desk, held: ConversationId, grace: Author) -> None:
    event = desk.post(grace, held, " Hello Ada ", epoch=2, client_id="grace-posts-1")
    assert (event.body, event.epoch, event.author) == (OperatorMessage("Hello Ada"), 2, grace)


def test_resent_words_are_recorded_once(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author
) -> None:
    first = desk.post(grace, held, "Hello Ada", epoch=2, client_id="grace-posts-1")
    assert desk.post(grace, held, "Hello Ada", epoch=2, client_id="grace-posts-1") == first
    assert len(bodies_of(log_of(conversations, held), OperatorMessage)) == 1


def test_words_of_somebody_who_does_not_hold_the_chat_are_refused(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, alan: Author
) -> None:
    desk.post(grace, held, "Hello Ada", epoch=2, client_id="grace-posts-1")
    before = log_of(conversations, held)
    for epoch in (1, 2):
        with pytest.raises(AlreadyHeld) as refusal:
            desk.post(alan, held, "Me too", epoch=epoch, client_id="alan-posts-1")
        assert refusal.value.holder_name == "Grace"
    assert log_of(conversations, held) == before


def test_words_into_a_chat_that_nobody_holds_are_refused(
    conversations: Conversations, desk: Desk, waiting: ConversationId, grace: Author
) -> None:
    before = log_of(conversations, waiting)
    with pytest.raises(FloorRefused, match="Claim this chat first"):
        desk.post(grace, waiting, "Hello", epoch=1, client_id="grace-posts-1")
    assert log_of(conversations, waiting) == before


def test_words_under_the_epoch_of_an_earlier_hold_are_refused(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author
) -> None:
    desk.release(grace, held, epoch=2, client_id="grace-lets-go")
    desk.claim(grace, held, epoch=3, client_id="grace-claims-2")
    with pytest.raises(StaleEpoch) as refusal:
        desk.post(grace, held, "Late words", epoch=2, client_id="grace-posts-1")
    assert refusal.value.epoch == 4
    assert bodies_of(log_of(conversations, held), OperatorMessage) == []


def test_words_with_control_characters_are_refused(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author
) -> None:
    before = log_of(conversations, held)
    with pytest.raises(TextRefused):
        desk.post(grace, held, "pay \u202e10", epoch=2, client_id="grace-posts-1")
    assert log_of(conversations, held) == before


@pytest.mark.parametrize("step", ["bot", "queue", "operator", "resolved"])
def test_note_is_possible_for_everybody_at_any_time(
    conversations: Conversations, desk: Desk, chat: ConversationId, ada: Visitor, grace: Author, alan: Author, step: str
) -> None:
    if step != "bot":
        conversations.ask_person(ada, chat, client_id="ada-asks-1")
    if step in ("operator", "resolved"):
        desk.claim(grace, chat, epoch=1, client_id="grace-claims-1")
    if step == "resolved":
        desk.resolve(grace, chat, epoch=2, client_id="grace-resolves")
    assert conversations.row(chat).state.phase == step
    event = desk.add_note(alan, chat, "Knows her way around", client_id="alan-notes-1")
    assert event.body == NoteAdded("Knows her way around")
    assert desk.add_note(alan, chat, "Knows her way around", client_id="alan-notes-1") == event


# --- letting go ---------------------------------------------------------------------------------------------------


def test_release_puts_the_chat_back_at_its_old_place(
    conversations: Conversations, desk: Desk, clock: Clock, held: ConversationId, grace: Author
) -> None:
    waiting_since = conversations.row(held).state.queued_at
    clock.tick(300)
    bob = Visitor(VisitorId("visitor-bob"))
    other = conversations.open_for(bob)
    conversations.ask_person(bob, other, client_id="bob-asks-1")
    clock.tick(300)
    desk.release(grace, held, epoch=2, client_id="grace-lets-go")
    queue = [row for row in conversations.rows_for_desk() if row.state.phase is Phase.QUEUE]
    assert [row.conversation_id for row in queue] == [held, other]
    assert queue[0].state.queued_at == waiting_since


def test_return_to_the_bot_lets_it_speak_again(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, ada: Visitor
) -> None:
    desk.return_to_bot(grace, held, epoch=2, client_id="grace-returns")
    message = conversations.post(ada, held, "Hello bot", client_id="ada-posts-1")
    state = conversations.row(held).state
    assert (state.phase, state.epoch, state.unanswered) == (Phase.BOT, 3, (message.seq,))


def test_transfer_hands_the_chat_to_a_colleague(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, alan: Author
) -> None:
    event = desk.transfer(grace, held, ALAN_IS_HERE, epoch=2, client_id="grace-transfers")
    assert event.body == Transferred("op-alan", "Alan")
    state = conversations.row(held).state
    assert (state.operator_id, state.operator_name, state.epoch) == ("op-alan", "Alan", 3)
    assert desk.post(alan, held, "Alan here", epoch=3, client_id="alan-posts-1").body == OperatorMessage("Alan here")
    with pytest.raises(AlreadyHeld, match="Alan has this chat"):
        desk.post(grace, held, "Bye", epoch=3, client_id="grace-posts-1")


def test_resolving_ends_the_hold(conversations: Conversations, desk: Desk, held: ConversationId, grace: Author) -> None:
    assert desk.resolve(grace, held, epoch=2, client_id="grace-resolves").body == Resolved()
    state = conversations.row(held).state
    assert (state.phase, state.operator_id, state.epoch) == (Phase.RESOLVED, None, 3)


Verb = Callable[[Desk, Author, ConversationId, int], object]
VERBS: dict[str, Verb] = {
    "release": lambda desk, who, chat, epoch: desk.release(who, chat, epoch=epoch, client_id="a-command-1"),
    "resolve": lambda desk, who, chat, epoch: desk.resolve(who, chat, epoch=epoch, client_id="a-command-1"),
    "return": lambda desk, who, chat, epoch: desk.return_to_bot(who, chat, epoch=epoch, client_id="a-command-1"),
    "transfer": lambda desk, who, chat, epoch: desk.transfer(
        who, chat, ALAN_IS_HERE, epoch=epoch, client_id="a-command-1"
    ),
    "claim": lambda desk, who, chat, epoch: desk.claim(who, chat, epoch=epoch, client_id="a-command-1"),
    "post": lambda desk, who, chat, epoch: desk.post(who, chat, "Hello", epoch=epoch, client_id="a-command-1"),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_command_under_a_stale_epoch_is_refused_and_leaves_no_trace(
    conversations: Conversations, desk: Desk, held: ConversationId, grace: Author, verb: Verb
) -> None:
    before = (log_of(conversations, held), conversations.row(held))
    with pytest.raises(StaleEpoch):
        verb(desk, grace, held, 1)
    assert (log_of(conversations, held), conversations.row(held)) == before


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_every_command_of_a_colleague_is_refused_with_the_holders_name(
    conversations: Conversations, desk: Desk, held: ConversationId, alan: Author, verb: Verb
) -> None:
    before = log_of(conversations, held)
    with pytest.raises(AlreadyHeld, match="Grace has this chat"):
        verb(desk, alan, held, 2)
    assert log_of(conversations, held) == before


# --- vanishing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def three_held(conversations: Conversations, desk: Desk, grace: Author) -> list[ConversationId]:
    chats = []
    for number in range(3):
        chat = conversations.open_for(Visitor(VisitorId(f"visitor-{number}")))
        desk.claim(grace, chat, epoch=0, client_id="grace-claims-1")
        chats.append(chat)
    return chats


def test_everything_that_a_vanished_operator_held_is_released_once(
    conversations: Conversations, desk: Desk, three_held: list[ConversationId], alan: Author
) -> None:
    kept = conversations.open_for(Visitor(VisitorId("visitor-of-alan")))
    desk.claim(alan, kept, epoch=0, client_id="alan-claims-1")
    assert desk.requeue_all_of(OperatorId("op-grace")) == 3
    assert desk.requeue_all_of(OperatorId("op-grace")) == 0
    for chat in three_held:
        log = log_of(conversations, chat)
        assert bodies_of(log, OperatorReleased) == [OperatorReleased(is_lapse=True)]
        assert log[-1].author.kind is AuthorKind.SYSTEM
        assert conversations.row(chat).state.phase is Phase.QUEUE
    assert conversations.row(kept).state.operator_id == "op-alan"


def test_two_sweeps_at_once_release_each_chat_once(
    conversations: Conversations, desk: Desk, three_held: list[ConversationId]
) -> None:
    released = at_once(*(lambda: desk.requeue_all_of(OperatorId("op-grace")) for _ in range(3)))
    assert sum(released) == 3
    for chat in three_held:
        assert len(bodies_of(log_of(conversations, chat), OperatorReleased)) == 1


def test_sweep_beside_the_operators_own_release_releases_once(
    conversations: Conversations, desk: Desk, three_held: list[ConversationId], grace: Author
) -> None:
    own, swept = at_once(
        lambda: desk.release(grace, three_held[0], epoch=1, client_id="grace-lets-go"),
        lambda: desk.requeue_all_of(OperatorId("op-grace")),
    )
    assert isinstance(own, Event)
    assert swept == 2
    assert kinds_of(log_of(conversations, three_held[0])).count("operator_released") == 1


def test_returned_operator_cannot_go_on_under_the_old_epoch(
    conversations: Conversations, desk: Desk, three_held: list[ConversationId], grace: Author
) -> None:
    desk.requeue_all_of(OperatorId("op-grace"))
    with pytest.raises(BatonError) as refusal:
        desk.post(grace, three_held[0], "Where was I?", epoch=1, client_id="grace-posts-1")
    assert refusal.value.code == "stale_epoch"
    assert bodies_of(log_of(conversations, three_held[0]), OperatorMessage) == []


def test_colleague_is_found_only_while_here() -> None:
    assert find_lease([ALAN_IS_HERE], "op-alan") == ALAN_IS_HERE
    with pytest.raises(NotFound) as refusal:
        find_lease([ALAN_IS_HERE], "op-grace")
    assert refusal.value.field == "to"
