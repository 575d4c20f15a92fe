"""`baton restore`: puts a backup's content in place of what is there, while Baton runs or not; rung 6 of the ladder.

First everything is checked, in a folder of its own, and nothing is touched. The databases are then overwritten in
one transaction each; the log gets its new epoch in the same one, upon which a running desk sends its clients home.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from handoff.archive import Manifest, counted, read_archive
from handoff.backup import ALL_FILES, ARTICLES, LOG, SECRET_FILES, copy_everything, default_target, live_databases, pack
from handoff.errors import BackupRefused, BatonError, KnowledgeBaseFailed, StoreFailed
from handoff.kb_client import KnowledgeBase
from handoff.log_check import LogCheck
from handoff.settings import SECRETS, Settings
from handoff.store.copies import check_integrity, check_schema_is_known, copy_database, overwrite_database, query
from handoff.store.log import SqlEventStore
from handoff.store.schema import migrations
from handoff.store.sqlite import SqliteDatabase

RELOAD_TIMEOUT_S = 1_800.0
"""Rebuilding the index takes seconds, unless the backup was made under another model: then all is encoded anew."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A backup that was unpacked, found sound and brought up to this version; nothing was touched yet."""

    folder: Path
    manifest: Manifest
    databases: dict[str, Path]
    """Where each database of the backup goes."""
    warnings: list[str]
    """What will be lost, or come back, by restoring it."""


@contextmanager
def staged_backup(settings: Settings, path: Path) -> Iterator[Staged]:
    """Unpack a backup beside the data, and check it.

    Raises:
        BackupRefused: it cannot be restored here, with the reason.
    """
    with tempfile.TemporaryDirectory(dir=settings.data_dir, prefix=".restore-") as name:
        folder = Path(name)

        def has_room(size_bytes: int) -> bool:
            # Unpacked, and once more in the write-ahead logs; and a copy of what is there now, then packed.
            present = sum(place.stat().st_size for place in live_databases(settings).values() if place.exists())
            return shutil.disk_usage(folder).free > 2 * size_bytes + 2 * present

        manifest = read_archive(path, folder, allowed=ALL_FILES, has_room=has_room)
        _check_log_belongs_here(settings, manifest)
        live = {file: place for file, place in live_databases(settings).items() if file in manifest.files}
        try:
            for file in live:
                check_integrity(folder / file)
            warnings = _prepare_log(folder / LOG, settings.database) if LOG in live else []
            if ARTICLES in live:
                _bring_up_to_date(folder / ARTICLES)
            for place in live.values():
                _check_can_be_overwritten(place)
        except StoreFailed as exc:
            raise BackupRefused(f"{path.name} is not restored. {exc.message}") from exc
        yield Staged(folder, manifest, live, warnings)


def restore(settings: Settings, staged: Staged) -> list[str]:
    """Keep what is there as a backup, and put the other one in place; gives what whoever restores has to know or do.

    Raises:
        StoreFailed: a database could not be kept, or not overwritten; those before it were.
    """
    kept = _keep_present(settings)
    if LOG in staged.databases:
        _take_sessions_of_present(staged.folder / LOG, staged.databases[LOG])
    for file, place in staged.databases.items():
        overwrite_database(place, staged.folder / file)
    notes = [_pack_present(settings, kept)] if kept else []
    if ARTICLES in staged.databases:
        notes += _reload_articles(settings)
    return notes + _restore_secrets(settings, staged)


def _keep_present(settings: Settings) -> Path | None:
    """Copy what is there now, sound or not; None if there is nothing.

    Nothing is packed before the restore: what is acknowledged after this copy is in neither of the two histories.
    """
    if not any(place.exists() for place in live_databases(settings).values()):
        return None
    folder = settings.data_dir / default_target("before-restore").removesuffix(".tar.gz")
    folder.mkdir(mode=0o700)
    copy_everything(settings, folder, is_checked=False)
    return folder


def _pack_present(settings: Settings, folder: Path) -> str:
    names = [name for name in ALL_FILES if (folder / name).exists()]
    target = folder.with_name(f"{folder.name}.tar.gz")
    try:
        pack(settings, folder, sorted(names), target)
    except (BackupRefused, OSError) as exc:
        return f"What was here is kept in the folder {folder}; it could not be packed: {exc}"
    shutil.rmtree(folder)
    return f"What was here is kept in {target}; `baton restore` takes that, too."


@contextmanager
def private_copy(path: Path) -> Iterator[SqlEventStore]:
    """Open a copy of a log that is a SQLite file, which itself is only read.

    Raises:
        StoreFailed: it is not there, or is no log of Baton's.
    """
    if not path.is_file():
        raise StoreFailed(f"{path} is not there.")
    with tempfile.TemporaryDirectory(prefix="baton-log-") as folder:
        copy = Path(folder) / LOG
        copy_database(path, copy)
        with _open_log(copy) as store:
            yield store


def _check_log_belongs_here(settings: Settings, manifest: Manifest) -> None:
    here = "postgresql" if settings.database_url else "sqlite"
    if manifest.log != here:
        advice = "Unset BATON_DATABASE_URL" if settings.database_url else "Set BATON_DATABASE_URL"
        raise BackupRefused(f"The log of this backup is in {manifest.log}, but Baton's is in {here} here. {advice}.")
    if here == "sqlite" and LOG not in manifest.files:
        raise BackupRefused("This backup holds no conversations.")


def _prepare_log(staged: Path, live: Path) -> list[str]:
    """Check the log of a backup and make it the one to go on with; tells what restoring it changes."""
    check_schema_is_known(staged, migrations)
    with _open_log(staged) as store:
        for violation in LogCheck(store).run():
            raise StoreFailed(
                f"Its log breaks a rule: conversation {violation.number}, seq {violation.seq}: {violation.sentence}"
            )
        store.renew_log_epoch()
    if not live.exists():
        return []
    try:
        return _compare_with_present(staged, live)
    except StoreFailed:
        return ["The present log cannot be read: how much of it is newer, nobody can say."]


def _compare_with_present(staged: Path, live: Path) -> list[str]:
    attached = {"present": live}
    (lost,) = query(
        staged,
        """
        select count(*) as events, count(distinct conversation_id) as conversations from present.events as newer
        where not exists (
            select 1 from main.events as kept
            where kept.conversation_id = newer.conversation_id and kept.seq = newer.seq and kept.at = newer.at
        )
        """,
        attached=attached,
    )
    closed = query(
        staged,
        """
        select coalesce(kept.name, kept.email, kept.id) as name from main.staff as kept
        join present.staff as newer on newer.id = kept.id
        where kept.is_active = 1 and newer.is_active = 0 order by name
        """,
        attached=attached,
    )
    warnings = []
    if lost["events"]:
        warnings.append(f"Lost will be {counted(dict(lost))} that are newer than this backup (or not in it).")
    if closed:
        names = ", ".join(row["name"] for row in closed)
        warnings.append(f"Open again will be accounts that were closed since: {names}. Close them again under People.")
    return warnings


def _take_sessions_of_present(staged: Path, live: Path) -> None:
    """Keep whoever is signed in, and let no session or link come back that has ended since.

    Where the present ones are gone or cannot be read, there are none: everybody signs in again.
    """
    for table, columns in (
        ("staff_sessions", "token_hash, staff_id, created_at, expires_at"),
        ("staff_links", "token_hash, staff_id, expires_at"),
    ):
        query(staged, f"delete from {table}")
        with suppress(StoreFailed):
            query(
                staged,
                f"""
                insert into main.{table} ({columns}) select {columns} from present.{table}
                where staff_id in (select id from main.staff)
                """,
                attached={"present": live},
            )


@contextmanager
def _open_log(path: Path) -> Iterator[SqlEventStore]:
    if not query(path, "select 1 from sqlite_master where name = 'events'"):
        raise StoreFailed(f"{path.name} is not a log of Baton's.")
    database = SqliteDatabase(path)
    try:
        yield SqlEventStore(database)
    finally:
        database.close()


def _bring_up_to_date(articles: Path) -> None:
    from knowledge_base.errors import KnowledgeBaseError
    from knowledge_base.store import Database, migrations

    check_schema_is_known(articles, migrations)
    try:
        Database(articles).close()
    except KnowledgeBaseError as exc:
        raise StoreFailed(exc.message) from exc


def _check_can_be_overwritten(place: Path) -> None:
    if not place.exists():
        return
    try:
        query(place, "select count(*) from sqlite_master")
    except StoreFailed as exc:
        raise StoreFailed(f"{exc.message} Stop Baton, move this file and those beside it away, then restore.") from exc


def _reload_articles(settings: Settings) -> list[str]:
    client = KnowledgeBase(settings.kb_url, token=settings.kb_token)
    try:
        client.ask("GET", "/health")
    except KnowledgeBaseFailed:
        client.close()
        return []  # it is not running: its next start reads what is there
    try:
        answer = client.ask("POST", "/reload", timeout_s=RELOAD_TIMEOUT_S)
        is_reloaded = answer.status == 200
    except BatonError:
        is_reloaded = False
    finally:
        client.close()
    return [] if is_reloaded else ["The running knowledge base still answers from its old index: restart Baton."]


def _restore_secrets(settings: Settings, staged: Staged) -> list[str]:
    notes, is_restart_needed = [], False
    for file, name in SECRET_FILES.items():
        if file not in staged.manifest.files:
            continue
        secret = (staged.folder / file).read_text().strip()
        if secret == getattr(settings, name):
            continue
        own = settings.secret_file(name)
        if not own.exists() or own.read_text().strip() != getattr(settings, name):
            notes.append(f"{SECRETS[name]} is given from outside and is not the backup's; it stays as it is.")
            continue
        _replace_secret(own, secret)
        is_restart_needed = True
    if is_restart_needed:
        notes.append("The secrets are the backup's again. If Baton runs, restart it: until then it uses the others.")
    return notes


def _replace_secret(path: Path, secret: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(secret)
    os.replace(temporary, path)
