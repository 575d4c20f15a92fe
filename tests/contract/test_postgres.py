"""What only a database across a network can do to the log: connections that are lost before, during and after."""

from collections.abc import Callable, Iterator

import gevent
import psycopg
import pytest

from handoff.errors import StoreFailed
from handoff.events import ConversationId, Draft, VisitorId, VisitorMessage
from handoff.store.database import Transaction
from handoff.store.log import SqlEventStore
from handoff.store.postgres import PostgresDatabase
from tests.handoff.cast import BODIES, BY_VISITOR, at_once


@pytest.fixture
def url(address_of: Callable[[str], str]) -> str:
    return address_of("postgres")


@pytest.fixture
def database(url: str) -> Iterator[PostgresDatabase]:
    database = PostgresDatabase(url)
    yield database
    database.close()


@pytest.fixture
def store(database: PostgresDatabase) -> SqlEventStore:
    return SqlEventStore(database)


@pytest.fixture
def chat(store: SqlEventStore) -> ConversationId:
    return store.open_conversation(VisitorId("visitor-ada"), Draft(BY_VISITOR, BODIES[0]), reopen_window_s=1.0)


def message(client_id: str) -> Draft:
    return Draft(BY_VISITOR, VisitorMessage("Hello"), client_id)


def end_all_connections(url: str) -> int:
    """End every other connection to the database, as a restart of the server does; give how many there were."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()
    return len(ended)


def test_commit_waits_for_the_flush_whatever_the_database_says(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"alter database {connection.info.dbname} set synchronous_commit = off".encode())
    database = PostgresDatabase(url)
    try:
        assert database.read("show synchronous_commit")[0]["synchronous_commit"] == "on"
    finally:
        database.close()


def test_idle_connections_that_were_lost_are_replaced_unnoticed(
    url: str, store: SqlEventStore, chat: ConversationId
) -> None:
    at_once(*(lambda n=n: store.append(chat, [message(f"client-{n:04}")]) for n in range(20)))
    assert end_all_connections(url) > 1
    assert store.append(chat, [message("client-again")]).state.head == 22
    assert end_all_connections(url) > 0
    assert len(store.read(chat, after_seq=0, limit=100)) == 22


def test_transaction_that_is_lost_before_its_commit_is_run_again(database: PostgresDatabase) -> None:
    runs = 0

    def write(transaction: Transaction) -> int:
        nonlocal runs
        runs += 1
        transaction.execute("insert into meta (key, value) values (?, '')", (f"run {runs}",))
        if runs == 1:
            transaction.execute("select pg_terminate_backend(pg_backend_pid())")
        return runs

    assert database.write(write) == 2
    assert [row["key"] for row in database.read("select key from meta where starts_with(key, 'run')")] == ["run 2"]


def test_transaction_that_is_always_lost_records_nothing_and_says_so(database: PostgresDatabase) -> None:
    def write(transaction: Transaction) -> None:
        transaction.execute("insert into meta (key, value) values ('lost', '')")
        transaction.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(StoreFailed, match="Nothing was recorded"):
        database.write(write)
    assert database.read("select 1 from meta where key = 'lost'") == []


def test_connection_lost_during_the_commit_is_told_and_a_resend_is_recorded_once(
    url: str, store: SqlEventStore, chat: ConversationId
) -> None:
    """A trigger that runs at the commit makes it take long enough for the connection to be lost in the middle."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """
            create function be_slow() returns trigger language plpgsql as
            'begin perform pg_sleep(1); return null; end';
            create constraint trigger slow_commit after insert on events
            deferrable initially deferred for each row execute function be_slow();
            """
        )
        sending = gevent.spawn(store.append, chat, [message("client-0001")])
        is_busy = "select 1 from pg_stat_activity where query = 'commit' and state = 'active'"
        while not connection.execute(is_busy).fetchall():
            gevent.sleep(0.02)
        end_all_connections(url)
        with pytest.raises(StoreFailed, match="Send it again: what was recorded is not"):
            sending.get()
    store.append(chat, [message("client-0001")])
    assert [event.client_id for event in store.read(chat, after_seq=1, limit=10)] == ["client-0001"]


def test_two_processes_without_redis_do_not_both_get_the_database(url: str, database: PostgresDatabase) -> None:
    assert database.claim_for_this_process()
    other = PostgresDatabase(url)
    try:
        assert not other.claim_for_this_process()
        database.close()
        assert other.claim_for_this_process()
    finally:
        other.close()


def test_two_processes_make_the_schema_at_once(url: str) -> None:
    first, second = at_once(lambda: PostgresDatabase(url), lambda: PostgresDatabase(url))
    for database in (first, second):
        assert isinstance(database, PostgresDatabase), database
        assert len(database.read("select name from schema_steps")) > 3
        database.close()


def test_server_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(StoreFailed, match=r"PostgreSQL does not answer.*See that it runs"):
        PostgresDatabase("postgresql://nobody@127.0.0.1:9/nothing")
