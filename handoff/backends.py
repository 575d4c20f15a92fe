"""Chooses the database, the bus and the presence book that the settings name, rung 6 of the ladder."""

from handoff.bus.inprocess import InProcessBus, InProcessPresenceBook
from handoff.bus.redis import RedisBus, RedisPresenceBook
from handoff.errors import SettingsError
from handoff.ports import Bus, PresenceBook
from handoff.settings import Settings
from handoff.store.database import Database
from handoff.store.postgres import PostgresDatabase
from handoff.store.sqlite import SqliteDatabase


def open_database(settings: Settings) -> Database:
    """Open the database of the log and the people, creating or migrating its schema.

    Raises:
        StoreFailed: it cannot be opened or reached.
    """
    return PostgresDatabase(settings.database_url) if settings.database_url else SqliteDatabase(settings.database)


def open_bus(settings: Settings, database: Database) -> tuple[Bus, PresenceBook]:
    """Make the bus and the presence book of a process of the desk.

    Raises:
        SettingsError: another process uses the same database, and there is no Redis for the two to hear of each other.
    """
    if settings.redis_url:
        url, prefix = settings.redis_url, settings.redis_prefix
        return RedisBus(url, prefix=prefix), RedisPresenceBook(url, prefix=prefix)
    if isinstance(database, PostgresDatabase) and not database.claim_for_this_process():
        raise SettingsError(
            "Another desk uses this PostgreSQL database. Set BATON_REDIS_URL for both, so that they hear of each "
            "other, or stop the other one."
        )
    return InProcessBus(), InProcessPresenceBook()
