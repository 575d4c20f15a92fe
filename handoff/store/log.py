"""The event log in SQL: `EventStore` on top of a `Database`."""

import secrets
import time
from collections.abc import Callable, Sequence

import msgspec

from handoff.errors import NotFound, StaleEpoch
from handoff.events import AnyBody, Author, ConversationId, Draft, Event, OperatorId, VisitorId, kind_of
from handoff.ports import Appended, ConversationRow
from handoff.projection import Phase, State, apply, check, next_epoch
from handoff.store.database import Database, Row, Transaction

_EVENT_COLUMNS = "conversation_id, seq, epoch, at, author, client_id, body"
_ROW_COLUMNS = "id, number, visitor_id, state"

_decode_body = msgspec.json.Decoder(AnyBody).decode
_decode_author = msgspec.json.Decoder(Author).decode
_decode_state = msgspec.json.Decoder(State).decode


class SqlEventStore:
    """See `ports.EventStore` for the guarantees."""

    def __init__(self, database: Database, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now
        database.write(_ensure_log_epoch)

    def log_epoch(self) -> str:
        rows = self._database.read("select value from meta where key = 'log_epoch'")
        return str(rows[0]["value"])

    def renew_log_epoch(self) -> str:
        epoch = secrets.token_hex(8)
        self._database.write(
            lambda transaction: transaction.execute("update meta set value = ? where key = 'log_epoch'", (epoch,))
        )
        return epoch

    def open_conversation(self, visitor_id: VisitorId, started: Draft, *, reopen_window_s: float) -> ConversationId:
        def write(transaction: Transaction) -> ConversationId:
            now = self._now()
            transaction.lock(f"visitor {visitor_id}")
            found = transaction.rows(*_current(visitor_id, now - reopen_window_s))
            if found:
                return ConversationId(found[0]["id"])
            return _insert_conversation(transaction, visitor_id, started, now)

        return self._database.write(write)

    def append(
        self, conversation_id: ConversationId, drafts: Sequence[Draft], *, expected_epoch: int | None = None
    ) -> Appended:
        def write(transaction: Transaction) -> Appended:
            return _append(transaction, conversation_id, drafts, expected_epoch, self._now())

        return self._database.write(write)

    def read(self, conversation_id: ConversationId, *, after_seq: int, limit: int) -> list[Event]:
        rows = self._database.read(
            f"""
            select {_EVENT_COLUMNS} from events
            where conversation_id = ? and seq > ? order by seq limit ?
            """,
            (conversation_id, after_seq, limit),
        )
        return [_event(row) for row in rows]

    def row(self, conversation_id: ConversationId) -> ConversationRow | None:
        rows = self._database.read(f"select {_ROW_COLUMNS} from conversations where id = ?", (conversation_id,))
        return _row(rows[0]) if rows else None

    def current_conversation(self, visitor_id: VisitorId, *, reopen_window_s: float) -> ConversationRow | None:
        rows = self._database.read(*_current(visitor_id, self._now() - reopen_window_s))
        return _row(rows[0]) if rows else None

    def rows_in_phase(self, phase: Phase, *, since: float, limit: int) -> list[ConversationRow]:
        order = "queued_at, number" if phase is Phase.QUEUE else "updated_at desc"
        rows = self._database.read(
            f"""
            select {_ROW_COLUMNS} from conversations
            where phase = ? and updated_at >= ? order by {order} limit ?
            """,
            (phase.value, since, limit),
        )
        return [_row(row) for row in rows]

    def rows_held_by(self, operator_id: OperatorId) -> list[ConversationRow]:
        rows = self._database.read(
            f"select {_ROW_COLUMNS} from conversations where operator_id = ? order by updated_at desc",
            (operator_id,),
        )
        return [_row(row) for row in rows]

    def ids_owed_reply(self, *, limit: int) -> list[ConversationId]:
        rows = self._database.read(
            "select id from conversations where owes_reply = 1 order by updated_at limit ?", (limit,)
        )
        return [ConversationId(row["id"]) for row in rows]

    def ids(self, *, after: ConversationId | None, limit: int) -> list[ConversationId]:
        rows = self._database.read(
            "select id from conversations where id > ? order by id limit ?", (after or "", limit)
        )
        return [ConversationId(row["id"]) for row in rows]

    def columns(self, conversation_id: ConversationId) -> dict[str, object]:
        rows = self._database.read("select * from conversations where id = ?", (conversation_id,))
        return dict(rows[0]) if rows else {}

    def ids_without_row(self, *, limit: int) -> list[ConversationId]:
        rows = self._database.read(
            """
            select distinct events.conversation_id from events
            left join conversations on conversations.id = events.conversation_id
            where conversations.id is null limit ?
            """,
            (limit,),
        )
        return [ConversationId(row["conversation_id"]) for row in rows]

    def count_of_visitor(self, visitor_id: VisitorId) -> int:
        rows = self._database.read("select count(*) as n from conversations where visitor_id = ?", (visitor_id,))
        return int(rows[0]["n"])


def _ensure_log_epoch(transaction: Transaction) -> None:
    transaction.execute(
        "insert into meta (key, value) values ('log_epoch', ?) on conflict (key) do nothing",
        (secrets.token_hex(8),),
    )


def _current(visitor_id: VisitorId, resolved_since: float) -> tuple[str, tuple[object, ...]]:
    """Build the query for a visitor's newest conversation that is still open, or was until lately."""
    sql = f"""
        select {_ROW_COLUMNS} from conversations
        where visitor_id = ? and (resolved_at is null or resolved_at >= ?)
        order by started_at desc limit 1
    """
    return sql, (visitor_id, resolved_since)


def _insert_conversation(transaction: Transaction, visitor_id: VisitorId, started: Draft, now: float) -> ConversationId:
    conversation_id = ConversationId(secrets.token_urlsafe(12))
    transaction.lock("conversation numbers")
    transaction.execute(
        """
        insert into conversations (
            id, number, visitor_id, phase, started_at, updated_at, head_seq, epoch, owes_reply, state
        )
        values (?, (select coalesce(max(number), 0) + 1 from conversations), ?, ?, ?, ?, 0, 0, 0, ?)
        """,
        (conversation_id, visitor_id, Phase.BOT.value, now, now, msgspec.json.encode(State()).decode()),
    )
    _append(transaction, conversation_id, [started], None, now)
    return conversation_id


def _append(
    transaction: Transaction,
    conversation_id: ConversationId,
    drafts: Sequence[Draft],
    expected_epoch: int | None,
    now: float,
) -> Appended:
    state = _state_for_update(transaction, conversation_id)
    repeated = _find_repeat(transaction, conversation_id, drafts)
    if repeated is not None:
        return Appended([repeated], state, is_repeat=True)
    if expected_epoch is not None and expected_epoch != state.epoch:
        raise StaleEpoch(
            f"The floor has changed hands: you named epoch {expected_epoch}, it is {state.epoch}. Look again.",
            epoch=state.epoch,
        )
    events = []
    for draft in drafts:
        check(state, draft.author, draft.body)
        event = _event_of(conversation_id, draft, state, now)
        _insert_event(transaction, event)
        state = apply(state, event)
        events.append(event)
    _update_conversation(transaction, conversation_id, state)
    return Appended(events, state, is_repeat=False)


def _state_for_update(transaction: Transaction, conversation_id: ConversationId) -> State:
    transaction.lock(f"conversation {conversation_id}")
    rows = transaction.rows("select state from conversations where id = ?", (conversation_id,))
    if not rows:
        raise NotFound("There is no such conversation.")
    return _decode_state(rows[0]["state"])


def _find_repeat(transaction: Transaction, conversation_id: ConversationId, drafts: Sequence[Draft]) -> Event | None:
    for draft in drafts:
        if draft.client_id is None:
            continue
        rows = transaction.rows(
            f"select {_EVENT_COLUMNS} from events where conversation_id = ? and client_id = ?",
            (conversation_id, draft.client_id),
        )
        if rows:
            return _event(rows[0])
    return None


def _event_of(conversation_id: ConversationId, draft: Draft, state: State, now: float) -> Event:
    return Event(
        conversation_id=conversation_id,
        seq=state.head + 1,
        epoch=next_epoch(state, draft.body),
        # The clock may jump back (NTP): a log never does.
        at=max(now, state.updated_at),
        author=draft.author,
        body=draft.body,
        client_id=draft.client_id,
    )


def _insert_event(transaction: Transaction, event: Event) -> None:
    transaction.execute(
        """
        insert into events (conversation_id, seq, epoch, kind, at, author, client_id, body)
        values (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            event.conversation_id,
            event.seq,
            event.epoch,
            kind_of(event.body),
            event.at,
            msgspec.json.encode(event.author).decode(),
            event.client_id,
            msgspec.json.encode(event.body).decode(),
        ),
    )


def _update_conversation(transaction: Transaction, conversation_id: ConversationId, state: State) -> None:
    transaction.execute(
        """
        update conversations set
            phase = ?, operator_id = ?, queued_at = ?, updated_at = ?, resolved_at = ?,
            head_seq = ?, epoch = ?, owes_reply = ?, state = ?
        where id = ?
        """,
        (
            state.phase.value,
            state.operator_id,
            state.queued_at,
            state.updated_at,
            state.resolved_at,
            state.head,
            state.epoch,
            int(state.phase is Phase.BOT and bool(state.unanswered)),
            msgspec.json.encode(state).decode(),
            conversation_id,
        ),
    )


def _event(row: Row) -> Event:
    return Event(
        conversation_id=ConversationId(row["conversation_id"]),
        seq=row["seq"],
        epoch=row["epoch"],
        at=row["at"],
        author=_decode_author(row["author"]),
        body=_decode_body(row["body"]),
        client_id=row["client_id"],
    )


def _row(row: Row) -> ConversationRow:
    return ConversationRow(
        ConversationId(row["id"]), row["number"], VisitorId(row["visitor_id"]), _decode_state(row["state"])
    )
