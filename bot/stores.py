"""Where Rasa keeps its trackers and locks: SQLite and memory on a single server, PostgreSQL and Redis behind several.

`endpoints.yml` is the single server's; this changes it by the environment, see README.md.
"""

import os
from typing import Any, Dict
from urllib.parse import unquote, urlsplit

# Baton's log has a table `events` as well: the bot's tables live in a schema of their own.
SCHEMA = "baton_bot"


def is_postgres(database: str) -> bool:
    return database.startswith(("postgresql://", "postgres://"))


def build_tracker_store(database: str) -> Dict[str, Any]:
    """Return the settings of a tracker store in PostgreSQL, given its URL."""
    # SQLAlchemy knows only the longer of the two names.
    return {"type": "SQL", "dialect": "postgresql", "url": database.replace("postgres://", "postgresql://", 1)}


def build_lock_store(redis_url: str, prefix: str = "") -> Dict[str, Any]:
    """Return the settings of a lock store in Redis, given redis://user:password@host:port/db or rediss://…"""
    parts = urlsplit(redis_url)
    store: Dict[str, Any] = {
        "type": "redis",
        "url": parts.hostname or "localhost",
        "port": parts.port or 6379,
        "db": int(parts.path.strip("/") or 0),
        "use_ssl": parts.scheme == "rediss",
        # Rasa takes letters and digits only.
        "key_prefix": "".join(char for char in prefix if char.isalnum()) or "baton",
    }
    if parts.username:
        store["username"] = unquote(parts.username)
    if parts.password:
        store["password"] = unquote(parts.password)
    return store


def make_schema(database: str) -> None:
    """Make the schema of the bot's tables, which Rasa expects to be there, and have Rasa use it."""
    import psycopg2

    connection = psycopg2.connect(database)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"create schema if not exists {SCHEMA}")
    finally:
        connection.close()
    os.environ["POSTGRESQL_SCHEMA"] = SCHEMA


def use_shared_stores(endpoints: Any) -> None:
    """Change Rasa's endpoints to the PostgreSQL and the Redis that the environment names, if it does."""
    from rasa.utils.endpoints import EndpointConfig

    database = os.environ["BATON_TRACKER_DATABASE"]
    if is_postgres(database):
        make_schema(database)
        endpoints.tracker_store = EndpointConfig.from_dict(build_tracker_store(database))
    redis_url = os.environ.get("BATON_REDIS_URL")
    if redis_url:
        prefix = os.environ.get("BATON_REDIS_PREFIX", "")
        endpoints.lock_store = EndpointConfig.from_dict(build_lock_store(redis_url, prefix))
