"""`baton doctor` on storage of every kind, well and not: real servers that are killed, real damage."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from handoff.backends import open_database
from handoff.content import invite_person
from handoff.doctor import Finding, examine
from handoff.settings import Settings, read_settings
from handoff.store.log import SqlEventStore
from tests.support.processes import free_ports
from tests.support.servers import PrivatePostgres, PrivateRedis, make_postgres_database


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PrivatePostgres]:
    """A server that a test may kill."""
    with PrivatePostgres(tmp_path) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[PrivateRedis]:
    with PrivateRedis(tmp_path) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings with a folder of their own, and ports that nothing listens on."""
    names = ("BATON_PORT", "BATON_KB_PORT", "BATON_BOT_PORT", "BATON_ACTIONS_PORT")
    ports = dict(zip(names, map(str, free_ports(4)), strict=True))
    environment = ports | {"BATON_DATA_DIR": str(tmp_path / "data")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def make_log(settings: Settings) -> None:
    database = open_database(settings)
    SqlEventStore(database)
    database.close()


def found(part: str) -> Finding:
    return {finding.part: finding for finding in examine()}[part]


@pytest.mark.usefixtures("environment")
def test_log_in_sqlite_is_missing_then_well_then_damaged() -> None:
    settings = read_settings()
    assert found("conversation log").mend == "Start Baton once: make run"
    assert found("administrator").mend == "Mend the conversation log first."
    assert not settings.database.exists(), "the doctor made one"
    make_log(settings)
    assert found("conversation log") == Finding("conversation log", True, "SQLite, sound; 0 conversations, 0 events")
    assert found("Redis").is_well
    with closing(sqlite3.connect(settings.database)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    settings.database.write_bytes(b"not a database" * 1000)
    ill = found("conversation log")
    assert (ill.is_well, "baton restore FILE" in ill.mend) == (False, True)
    assert "not a database" in ill.what


@pytest.mark.usefixtures("environment")
def test_administrator_is_looked_for_in_either_database(
    postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("", make_postgres_database(postgres.url)):
        monkeypatch.setenv("BATON_DATABASE_URL", url)
        settings = read_settings()
        invite_person(settings, role="admin", email=None, name=None)
        assert found("administrator").what == "none yet"
        database = open_database(settings)
        database.write(lambda transaction: transaction.execute("update staff set password_hash = 'x'"))
        database.close()
        assert found("administrator") == Finding("administrator", True, "1 active")


@pytest.mark.usefixtures("environment")
def test_log_in_postgres_is_empty_then_well_then_behind_then_gone(
    own_postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_DATABASE_URL", own_postgres.url)
    assert "without Baton's tables" in found("conversation log").what
    make_log(read_settings())
    well = found("conversation log")
    assert (well.is_well, "durable; 0 conversations, 0 events" in well.what) == (True, True)
    with psycopg.connect(own_postgres.url) as connection:
        connection.execute("delete from schema_steps where name = 'index_what_is_owed'")
    assert "schema lacks index_what_is_owed" in found("conversation log").what
    own_postgres.kill()
    gone = found("conversation log")
    assert (gone.is_well, "Start the server" in gone.mend) == (False, True)
    assert not found("administrator").is_well


@pytest.mark.usefixtures("environment")
def test_server_that_may_lose_what_was_acknowledged_is_not_well(
    own_postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_DATABASE_URL", own_postgres.url)
    make_log(read_settings())
    own_postgres.kill()
    monkeypatch.setattr("tests.support.servers.POSTGRES_SETTINGS", {"fsync": "off", "listen_addresses": "127.0.0.1"})
    own_postgres.start()
    careless = found("conversation log")
    assert (careless.is_well, "fsync off" in careless.what) == (False, True)
    assert "postgresql.conf" in careless.mend


@pytest.mark.usefixtures("environment")
def test_redis_is_well_then_gone(
    own_redis: PrivateRedis, postgres: PrivatePostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATON_DATABASE_URL", make_postgres_database(postgres.url))
    monkeypatch.setenv("BATON_REDIS_URL", own_redis.url)
    assert found("Redis").is_well
    own_redis.kill()
    gone = found("Redis")
    assert (gone.is_well, "BATON_REDIS_URL" in gone.mend) == (False, True)
