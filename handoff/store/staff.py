"""Staff, their sessions and their one-time links in SQL. Only hashes of tokens are stored."""

from dataclasses import dataclass

from handoff.events import OperatorId
from handoff.store.database import Database, Row, Transaction

_COLUMNS = "id, email, name, role, password_hash, is_active, created_at, seen_at"


@dataclass(frozen=True, slots=True)
class StaffRecord:
    """A member of staff as stored; `email`, `name` and `password_hash` are empty until the invitation is taken up."""

    id: OperatorId
    email: str | None
    name: str | None
    role: str
    password_hash: str | None
    is_active: bool
    created_at: float
    seen_at: float | None


class SqlStaffStore:
    """Reads and writes staff. Writes are durable when they return; e-mail addresses are unique whatever their case."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, record: StaffRecord) -> None:
        """Insert or replace a member of staff; an e-mail address that another one has raises AlreadyThere."""
        values = (
            record.id,
            record.email,
            record.name,
            record.role,
            record.password_hash,
            int(record.is_active),
            record.created_at,
            record.seen_at,
        )
        self._execute(
            f"""
            insert into staff ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)
            on conflict (id) do update set
                email = excluded.email, name = excluded.name, role = excluded.role,
                password_hash = excluded.password_hash, is_active = excluded.is_active, seen_at = excluded.seen_at
            """,
            values,
        )

    def touch(self, staff_id: str, *, seen_at: float) -> None:
        """Keep when a member of staff was last seen, and change nothing else."""
        self._execute("update staff set seen_at = ? where id = ?", (seen_at, staff_id))

    def find(self, staff_id: str) -> StaffRecord | None:
        return self._find("id = ?", staff_id)

    def find_by_email(self, email: str) -> StaffRecord | None:
        return self._find("lower(email) = lower(?)", email)

    def find_by_session(self, token_hash: str, *, now: float) -> StaffRecord | None:
        """Give the active member of staff whose session this is, unless it has expired."""
        return self._find(
            """
            is_active = 1 and id = (
                select staff_id from staff_sessions where token_hash = ? and expires_at > ?
            )
            """,
            token_hash,
            now,
        )

    def find_by_link(self, token_hash: str, *, now: float) -> StaffRecord | None:
        """Give the active member of staff for whom the one-time link was made, unless it was used or has expired."""
        return self._find(
            """
            is_active = 1 and id = (
                select staff_id from staff_links where token_hash = ? and expires_at > ?
            )
            """,
            token_hash,
            now,
        )

    def all(self) -> list[StaffRecord]:
        rows = self._database.read(f"select {_COLUMNS} from staff order by name is null, name, email")
        return [_record(row) for row in rows]

    def add_session(self, token_hash: str, staff_id: str, *, now: float, expires_at: float) -> None:
        self._execute("delete from staff_sessions where expires_at <= ?", (now,))
        self._execute(
            "insert into staff_sessions (token_hash, staff_id, created_at, expires_at) values (?, ?, ?, ?)",
            (token_hash, staff_id, now, expires_at),
        )

    def end_session(self, token_hash: str) -> None:
        self._execute("delete from staff_sessions where token_hash = ?", (token_hash,))

    def end_sessions_of(self, staff_id: str) -> None:
        self._execute("delete from staff_sessions where staff_id = ?", (staff_id,))

    def replace_link(self, token_hash: str, staff_id: str, *, expires_at: float) -> None:
        """Make this the only one-time link of a member of staff."""

        def write(transaction: Transaction) -> None:
            transaction.execute("delete from staff_links where staff_id = ?", (staff_id,))
            transaction.execute(
                "insert into staff_links (token_hash, staff_id, expires_at) values (?, ?, ?)",
                (token_hash, staff_id, expires_at),
            )

        self._database.write(write)

    def use_link(self, token_hash: str, *, now: float) -> bool:
        """Use up a link; True for exactly one caller."""

        def write(transaction: Transaction) -> bool:
            used = transaction.execute(
                "delete from staff_links where token_hash = ? and expires_at > ?", (token_hash, now)
            )
            return used == 1

        return self._database.write(write)

    def _find(self, condition: str, *parameters: object) -> StaffRecord | None:
        rows = self._database.read(f"select {_COLUMNS} from staff where {condition}", parameters)
        return _record(rows[0]) if rows else None

    def _execute(self, sql: str, parameters: tuple[object, ...]) -> None:
        self._database.write(lambda transaction: transaction.execute(sql, parameters))


def _record(row: Row) -> StaffRecord:
    return StaffRecord(
        id=OperatorId(row["id"]),
        email=row["email"],
        name=row["name"],
        role=row["role"],
        password_hash=row["password_hash"],
        is_active=bool(row["is_active"]),
        created_at=row["created_at"],
        seen_at=row["seen_at"],
    )
