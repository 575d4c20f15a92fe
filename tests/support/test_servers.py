"""The private servers are real: a kill takes what it would take in production, and no more."""

from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.servers import PrivatePostgres, PrivateRedis, ServerMissing


def test_killed_postgres_comes_back_at_its_address_with_all_that_was_committed(tmp_path: Path) -> None:
    with PrivatePostgres(tmp_path) as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as connection:
            assert connection.execute("show fsync").fetchone() == ("on",)
            connection.execute("create table message (seq int)")
            connection.execute("insert into message values (1)")
            postgres.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("insert into message values (2)")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgres.url)
        postgres.start()
        with psycopg.connect(postgres.url) as connection:
            assert connection.execute("select seq from message").fetchall() == [(1,)]


def test_killed_redis_comes_back_at_its_address_with_nothing(tmp_path: Path) -> None:
    with PrivateRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("lease", "grace")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("lease")
        server.start()
        assert client.get("lease") is None


def test_missing_program_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ServerMissing, match="apt-get install redis-server"):
        PrivateRedis(tmp_path)
