"""Rasa's trackers in PostgreSQL and its locks in Redis, beside the tables and keys of the desk."""

import os
import subprocess
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from tests.bot.conftest import BOT_FOLDER, Ada, await_ready, choose_free_port, start_part, stop_part
from tests.bot.scripted_knowledge_base import TOKEN, ScriptedKnowledgeBase
from tests.support.servers import PrivatePostgres, PrivateRedis, make_postgres_database


@pytest.mark.slow
def test_conversation_is_kept_in_postgresql_under_locks_in_redis(
    rasa_python: Path,
    model: Path,
    tmp_path: Path,
    knowledge_base: ScriptedKnowledgeBase,
    postgres: PrivatePostgres,
    redis_server: PrivateRedis,
) -> None:
    database = make_postgres_database(postgres.url)
    with psycopg.connect(database) as connection:
        connection.execute("create table events (seq integer)")  # as the desk's log has one
    ports = {"actions": choose_free_port(), "rasa": choose_free_port()}
    environment = {
        **os.environ,
        "BATON_ACTIONS_PORT": str(ports["actions"]),
        "BATON_TRACKER_DATABASE": database,
        "BATON_REDIS_URL": redis_server.url,
        "BATON_REDIS_PREFIX": "baton-2",
        "BATON_KB_URL": knowledge_base.url,
        "BATON_KB_TOKEN": TOKEN,
    }
    parts = [["actions"], ["rasa", "--model", str(model)]]
    running = [start_part(rasa_python, [*part, "--port", str(ports[part[0]])], environment, tmp_path) for part in parts]
    try:
        for part, process in zip(parts, running, strict=True):
            await_ready(part[0], process, tmp_path)
        with httpx.Client(base_url=f"http://127.0.0.1:{ports['rasa']}", timeout=30, trust_env=False) as client:
            ada = Ada(client)
            assert ada.says("hello")[0]["type"] == "understood"
    finally:
        for process in running:
            stop_part(process)
    with psycopg.connect(database) as connection:
        kept = connection.execute("select type_name from baton_bot.events where sender_id = %s", [ada.conversation])
        assert "user" in {name for (name,) in kept}
        assert connection.execute("select count(*) from public.events").fetchone() == (0,)
    with redis.Redis.from_url(redis_server.url) as client:
        commands = client.info("commandstats")
    assert commands["cmdstat_set"]["calls"] > 0  # each lock is a key, gone after its turn
    assert not (tmp_path / "tracker.sqlite").exists()


URLS = [
    ("redis://cache:6380/2", {"url": "cache", "port": 6380, "db": 2, "use_ssl": False}),
    ("rediss://ada:a%40b@cache", {"url": "cache", "port": 6379, "username": "ada", "password": "a@b", "use_ssl": True}),
    ("redis://:secret@[::1]:1", {"url": "::1", "port": 1, "password": "secret"}),
]


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_url_of_redis_is_taken_apart_for_rasa(rasa_python: Path, url: str, expected: dict[str, object]) -> None:
    look = f"import stores; store = stores.build_lock_store({url!r}, 'my-baton'); print(repr(store))"
    done = subprocess.run(
        [str(rasa_python), "-c", look], cwd=BOT_FOLDER, capture_output=True, text=True, check=True, timeout=60
    )
    store = eval(done.stdout, {"__builtins__": {}})
    assert store | expected == store
    assert store["key_prefix"] == "mybaton"
