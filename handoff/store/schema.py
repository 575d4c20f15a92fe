"""The schema of the desk's database, as an append-only list of named steps: one text for SQLite and PostgreSQL.

`{float}` is the type of a moment in UTC seconds, `{strict}` and `{clustered}` are what only SQLite can be told: types
are enforced, and rows lie in the order of their primary key.
"""

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

STEPS: dict[str, tuple[str, ...]] = {
    "create_log": (
        """
        create table conversations (
            id text primary key,
            number integer not null unique,
            visitor_id text not null,
            phase text not null,
            operator_id text,
            queued_at {float},
            started_at {float} not null,
            updated_at {float} not null,
            resolved_at {float},
            head_seq integer not null,
            epoch integer not null,
            owes_reply integer not null,
            state text not null
        ) {strict}
        """,
        "create index conversations_by_visitor on conversations (visitor_id, started_at)",
        "create index conversations_by_phase on conversations (phase, updated_at)",
        "create index conversations_by_operator on conversations (operator_id) where operator_id is not null",
        """
        create table events (
            conversation_id text not null references conversations (id),
            seq integer not null,
            epoch integer not null,
            kind text not null,
            at {float} not null,
            author text not null,
            client_id text,
            body text not null,
            primary key (conversation_id, seq)
        ) {clustered}
        """,
        """
        create unique index events_by_client_id on events (conversation_id, client_id)
        where client_id is not null
        """,
    ),
    "create_people": (
        "create table visitors (id text primary key, seen_at {float} not null, record text not null) {strict}",
        """
        create table staff (
            id text primary key,
            email text,
            name text,
            role text not null,
            password_hash text,
            is_active integer not null,
            created_at {float} not null,
            seen_at {float}
        ) {strict}
        """,
        "create unique index staff_by_email on staff (lower(email))",
        """
        create table staff_sessions (
            token_hash text primary key,
            staff_id text not null references staff (id),
            created_at {float} not null,
            expires_at {float} not null
        ) {strict}
        """,
        """
        create table staff_links (
            token_hash text primary key,
            staff_id text not null references staff (id),
            expires_at {float} not null
        ) {strict}
        """,
    ),
    "create_meta": ("create table meta (key text primary key, value text not null) {strict}",),
    # What the sweep of each second asks for, whatever the number of chats that ended without being resolved.
    "index_what_is_owed": ("create index conversations_owing on conversations (updated_at) where owes_reply = 1",),
}

SQLITE_WORDS = {"float": "real", "strict": "strict", "clustered": "strict, without rowid"}
POSTGRES_WORDS = {"float": "double precision", "strict": "", "clustered": ""}

migrations = Migrations("handoff")


def _add_step(name: str, statements: tuple[str, ...]) -> None:
    def step(db: UtilsDatabase) -> None:
        for statement in statements:
            db.execute(statement.format(**SQLITE_WORDS))

    migrations(name=name)(step)


for _name, _statements in STEPS.items():
    _add_step(_name, _statements)
