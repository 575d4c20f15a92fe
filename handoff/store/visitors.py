"""The visitors in SQL: `VisitorStore` on top of a `Database`."""

import msgspec

from handoff.events import VisitorId
from handoff.ports import Visitor
from handoff.store.database import Database

_decode_visitor = msgspec.json.Decoder(Visitor).decode


class SqlVisitorStore:
    """See `ports.VisitorStore` for the guarantees."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_visitor(self, visitor: Visitor) -> None:
        record = msgspec.json.encode(visitor).decode()
        self._database.write(
            lambda transaction: transaction.execute(
                """
                insert into visitors (id, seen_at, record) values (?, ?, ?)
                on conflict (id) do update set seen_at = excluded.seen_at, record = excluded.record
                """,
                (visitor.id, visitor.seen_at, record),
            )
        )

    def visitor(self, visitor_id: VisitorId) -> Visitor | None:
        rows = self._database.read("select record from visitors where id = ?", (visitor_id,))
        return _decode_visitor(rows[0]["record"]) if rows else None
