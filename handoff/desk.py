"""What operators do with the floor, rung 4 of the ladder: claim, release, transfer, resolve, return, speak.

Each command names the epoch that its operator believes in; the log refuses a stale one, and the operator is told
who was faster.
"""

import logging

from handoff.conversations import Conversations
from handoff.errors import AlreadyHeld, BatonError, FloorRefused, NotFound, StaleEpoch
from handoff.events import (
    SYSTEM,
    AnyBody,
    Author,
    AuthorKind,
    ConversationId,
    Draft,
    Event,
    NoteAdded,
    OperatorClaimed,
    OperatorId,
    OperatorMessage,
    OperatorReleased,
    Resolved,
    ReturnedToBot,
    Transferred,
)
from handoff.ports import EventStore, Lease
from handoff.protocol import check_text

logger = logging.getLogger(__name__)


class Desk:
    """The operators' verbs."""

    def __init__(self, conversations: Conversations, store: EventStore) -> None:
        self._conversations = conversations
        self._store = store

    def claim(self, operator: Author, conversation_id: ConversationId, *, epoch: int, client_id: str) -> Event:
        """Take the floor from the queue or from the bot.

        Raises:
            AlreadyHeld: another operator has it; the error says who.
            StaleEpoch: the floor changed hands in another way.
        """
        return self._pass_floor(operator, conversation_id, OperatorClaimed(), epoch, client_id)

    def release(self, operator: Author, conversation_id: ConversationId, *, epoch: int, client_id: str) -> Event:
        """Put the conversation back to the head of the queue."""
        return self._pass_floor(operator, conversation_id, OperatorReleased(is_lapse=False), epoch, client_id)

    def resolve(self, operator: Author, conversation_id: ConversationId, *, epoch: int, client_id: str) -> Event:
        """End the conversation."""
        return self._pass_floor(operator, conversation_id, Resolved(), epoch, client_id)

    def return_to_bot(self, operator: Author, conversation_id: ConversationId, *, epoch: int, client_id: str) -> Event:
        """Give the floor back to the bot."""
        return self._pass_floor(operator, conversation_id, ReturnedToBot(), epoch, client_id)

    def transfer(
        self, operator: Author, conversation_id: ConversationId, to: Lease, *, epoch: int, client_id: str
    ) -> Event:
        """Hand the conversation to a colleague who is here."""
        body = Transferred(to.operator_id, to.name)
        return self._pass_floor(operator, conversation_id, body, epoch, client_id)

    def post(
        self, operator: Author, conversation_id: ConversationId, text: str, *, epoch: int, client_id: str
    ) -> Event:
        """Say something to the visitor; only the holder may, under the epoch of the hold."""
        return self._pass_floor(operator, conversation_id, OperatorMessage(check_text(text)), epoch, client_id)

    def add_note(self, operator: Author, conversation_id: ConversationId, text: str, *, client_id: str) -> Event:
        """Write something that only staff see; everybody may, at any time."""
        draft = Draft(operator, NoteAdded(check_text(text)), client_id)
        return self._conversations.record(conversation_id, [draft]).events[0]

    def requeue_all_of(self, operator_id: OperatorId) -> int:
        """Put everything that a vanished operator held back to the head of the queue; give how many.

        Running it twice, or beside the operator's own release, releases each conversation once.
        """
        released = 0
        for row in self._store.rows_held_by(operator_id):
            try:
                self._conversations.record(
                    row.conversation_id,
                    [Draft(SYSTEM, OperatorReleased(is_lapse=True))],
                    expected_epoch=row.state.epoch,
                )
                released += 1
            except (StaleEpoch, FloorRefused):
                logger.info("lapsed hold had already ended", extra={"conversation_id": row.conversation_id})
        return released

    def _pass_floor(
        self, operator: Author, conversation_id: ConversationId, body: AnyBody, epoch: int, client_id: str
    ) -> Event:
        draft = Draft(operator, body, client_id)
        try:
            return self._conversations.record(conversation_id, [draft], expected_epoch=epoch).events[0]
        except (StaleEpoch, FloorRefused) as exc:
            raise self._explain(operator, conversation_id, exc) from exc

    def _explain(self, operator: Author, conversation_id: ConversationId, refusal: BatonError) -> BatonError:
        state = self._conversations.row(conversation_id).state
        if state.operator_id is None or state.operator_id == operator.id:
            return refusal
        name = state.operator_name or "Another operator"
        return AlreadyHeld(f"{name} has this chat.", holder_id=state.operator_id, holder_name=name)


def author_of(operator_id: OperatorId, name: str) -> Author:
    """Build the author of an operator's events."""
    return Author(AuthorKind.OPERATOR, operator_id, name)


def find_lease(leases: list[Lease], operator_id: str) -> Lease:
    """Find a colleague who is here.

    Raises:
        NotFound: nobody with this id is signed in.
    """
    for lease in leases:
        if lease.operator_id == operator_id:
            return lease
    raise NotFound("This colleague is not here at the moment. Choose another one.", field="to")
