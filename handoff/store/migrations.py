"""The schema of the desk's SQLite database, as an append-only list of named steps."""

from sqlite_utils import Database as UtilsDatabase
from sqlite_utils import Migrations

migrations = Migrations("handoff")


@migrations()
def create_log(db: UtilsDatabase) -> None:
    """Conversations with their folded state, and the events that are the truth."""
    db.execute("""
        create table conversations (
            id text primary key,
            number integer not null unique,
            visitor_id text not null,
            phase text not null,
            operator_id text,
            queued_at real,
            started_at real not null,
            updated_at real not null,
            resolved_at real,
            head_seq integer not null,
            epoch integer not null,
            owes_reply integer not null,
            state text not null
        ) strict
    """)
    db.execute("create index conversations_by_visitor on conversations (visitor_id, started_at)")
    db.execute("create index conversations_by_phase on conversations (phase, updated_at)")
    db.execute("create index conversations_by_operator on conversations (operator_id) where operator_id is not null")
    db.execute("""
        create table events (
            conversation_id text not null references conversations (id),
            seq integer not null,
            epoch integer not null,
            kind text not null,
            at real not null,
            author text not null,
            client_id text,
            body text not null,
            primary key (conversation_id, seq)
        ) strict, without rowid
    """)
    db.execute("""
        create unique index events_by_client_id on events (conversation_id, client_id)
        where client_id is not null
    """)


@migrations()
def create_people(db: UtilsDatabase) -> None:
    """Visitors, staff, their sessions and their one-time links."""
    db.execute("""
        create table visitors (
            id text primary key,
            seen_at real not null,
            record text not null
        ) strict
    """)
    db.execute("""
        create table staff (
            id text primary key,
            email text unique collate nocase,
            name text,
            role text not null,
            password_hash text,
            is_active integer not null,
            created_at real not null,
            seen_at real
        ) strict
    """)
    db.execute("""
        create table staff_sessions (
            token_hash text primary key,
            staff_id text not null references staff (id),
            created_at real not null,
            expires_at real not null
        ) strict
    """)
    db.execute("""
        create table staff_links (
            token_hash text primary key,
            staff_id text not null references staff (id),
            expires_at real not null
        ) strict
    """)


@migrations()
def create_meta(db: UtilsDatabase) -> None:
    """Facts about this database itself."""
    db.execute("create table meta (key text primary key, value text not null) strict")
