"""What must hold of every conversation's log, rung 1 of the ladder: rules that are checked event by event, and at the
end against what is stored beside the log.

The rules of the floor are stated here once more, in their own words: a mistake in `projection`, which the store
trusts, would else vouch for itself. Pure; whoever reads the log is above.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from handoff.errors import FloorRefused
from handoff.events import (
    FLOOR_BODIES,
    AuthorKind,
    ChatRated,
    ConversationId,
    ConversationStarted,
    Escalated,
    Event,
    NoteAdded,
    OperatorClaimed,
    OperatorMessage,
    OperatorReleased,
    Reopened,
    Resolved,
    ReturnedToBot,
    Transferred,
    Understood,
    kind_of,
)
from handoff.projection import Phase, State, apply, check

_decode_state = msgspec.json.Decoder(State).decode


class Rule(StrEnum):
    """The invariants of a log."""

    READABLE = "readable"
    SEQ = "seq_gapless"
    EPOCH = "epoch_rises"
    HOLDER = "one_holder"
    CLIENT_ID = "client_id_unique"
    TIME = "time_goes_on"
    STATE = "state_is_replay"
    COLUMNS = "columns_are_state"
    CONVERSATION = "conversation_exists"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a conversation breaks, where (0: not at one event), and in which way."""

    conversation_id: ConversationId
    number: int | None
    seq: int
    rule: Rule
    sentence: str


Found = tuple[Rule, str]
"""A broken rule, and in which way."""


class ConversationCheck:
    """Holds one conversation against the rules; feed it the whole log in order, then what is stored beside it.

    After a violation it goes on from what the log says, so that one mistake is told once.
    """

    def __init__(self) -> None:
        self.state = State()
        self._holder = "bot"
        self._client_ids: set[str] = set()
        self._understood: set[int] = set()

    @property
    def head(self) -> int:
        """The `seq` of the last event seen."""
        return self.state.head

    def see(self, event: Event) -> Iterator[Found]:
        """Give what is wrong with the next event."""
        before = self.state
        if event.seq != before.head + 1:
            yield Rule.SEQ, f"The event after seq {before.head} has seq {event.seq}."
        expected_epoch = before.epoch + isinstance(event.body, FLOOR_BODIES)
        if event.epoch != expected_epoch:
            yield Rule.EPOCH, f"The epoch is {event.epoch} after {kind_of(event.body)}; it must be {expected_epoch}."
        if event.at < before.updated_at:
            yield Rule.TIME, f"It happened {before.updated_at - event.at:g} s before the event ahead of it."
        if event.client_id in self._client_ids:
            yield Rule.CLIENT_ID, f"The client id {event.client_id!r} stands at an earlier event, too."
        if sentence := self._wrong_of_floor(event) or _refused(before, event):
            yield Rule.HOLDER, sentence
        if event.client_id is not None:
            self._client_ids.add(event.client_id)
        if isinstance(event.body, Understood):
            self._understood.add(event.body.message_seq)
        self._holder = self._holder_after(event)
        self.state = apply(before, event)

    def compare(self, columns: Mapping[str, object]) -> Iterator[Found]:
        """Give what differs between the log as seen and the conversation's stored row."""
        if columns["head_seq"] != self.head:
            yield Rule.SEQ, f"The log ends at seq {self.head}, but {columns['head_seq']} are said to be recorded."
        try:
            stored = _decode_state(str(columns["state"]))
        except msgspec.DecodeError as exc:
            yield Rule.READABLE, f"The stored state cannot be read: {exc}."
        else:
            wrong = [name for name in State.__struct_fields__ if getattr(stored, name) != getattr(self.state, name)]
            if wrong:
                yield Rule.STATE, f"The stored state is not what the log gives; it differs in {', '.join(wrong)}."
        wanted = columns_of(self.state)
        wrong = [name for name in wanted if columns[name] != wanted[name]]
        if wrong:
            told = ", ".join(f"{name} is {columns[name]!r} instead of {wanted[name]!r}" for name in wrong)
            yield Rule.COLUMNS, f"What lists are made of is not what the log gives: {told}."
        if self._holder != _holder_by(self.state):
            yield Rule.HOLDER, f"The floor is with {self._holder}, but the state says {_holder_by(self.state)}."

    def _wrong_of_floor(self, event: Event) -> str:
        body, author, holder = event.body, event.author, self._holder
        is_own = author.kind is AuthorKind.SYSTEM or author.id == holder
        is_held = holder not in ("bot", "queue", "nobody")
        if isinstance(body, ConversationStarted) != (self.head == 0):
            return f"{kind_of(body)} is event {event.seq}; a log begins with conversation_started, once."
        if holder == "nobody" and not isinstance(body, Reopened | ChatRated | NoteAdded):
            return f"{kind_of(body)} came after the end."
        if author.kind is AuthorKind.BOT and holder != "bot":
            return f"The bot spoke while the floor was with {holder}."
        if isinstance(body, Understood) and body.message_seq in self._understood:
            return f"The message at seq {body.message_seq} was answered twice."
        if isinstance(body, OperatorClaimed) and holder not in ("bot", "queue"):
            return f"{author.id} claimed what {holder} held: two holders."
        if isinstance(body, OperatorMessage | OperatorReleased | Transferred) and not (is_held and is_own):
            return f"{author.id} caused {kind_of(body)}, but the floor was with {holder}."
        if isinstance(body, Resolved | ReturnedToBot) and is_held and not is_own:
            return f"{author.id} caused {kind_of(body)}, but {holder} held the floor."
        return ""

    def _holder_after(self, event: Event) -> str:
        match event.body:
            case Escalated() | OperatorReleased():
                return "queue"
            case OperatorClaimed():
                return str(event.author.id)
            case Transferred(operator_id, _):
                return operator_id
            case ReturnedToBot() | Reopened():
                return "bot"
            case Resolved():
                return "nobody"
            case _:
                return self._holder


def columns_of(state: State) -> dict[str, object]:
    """Give what must be stored beside the log to find a conversation in this state."""
    return {
        "phase": state.phase.value,
        "operator_id": state.operator_id,
        "head_seq": state.head,
        "epoch": state.epoch,
        "owes_reply": int(state.phase is Phase.BOT and bool(state.unanswered)),
        "queued_at": state.queued_at,
        "started_at": state.started_at,
        "updated_at": state.updated_at,
        "resolved_at": state.resolved_at,
    }


def _refused(state: State, event: Event) -> str:
    try:
        check(state, event.author, event.body)
    except FloorRefused as exc:
        return f"{kind_of(event.body)} must have been refused: {exc.message}"
    return ""


def _holder_by(state: State) -> str:
    return state.operator_id or {Phase.RESOLVED: "nobody"}.get(state.phase, state.phase.value)
