"""`baton backup`: one file with everything that Baton keeps, made while it runs; rung 6 of the ladder.

Each database in it is of one moment, not all of the same. A log in PostgreSQL is not in it: that is pg_dump's to do.
"""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from handoff.archive import FORMAT, Manifest, describe_files, write_archive
from handoff.errors import BackupRefused, StoreFailed
from handoff.settings import SECRETS, Settings
from handoff.store.copies import check_integrity, copy_database, query

LOG = "handoff.db"
ARTICLES = "knowledge_base.db"
TRACKER = "tracker.db"
SECRET_FILES = {f"secrets/{variable.lower()}": name for name, variable in SECRETS.items()}
ALL_FILES = frozenset({LOG, ARTICLES, TRACKER, *SECRET_FILES})

COUNTS = {
    LOG: {
        "conversations": "select count(*) as n from conversations",
        "events": "select count(*) as n from events",
    },
    ARTICLES: {"articles": "select count(*) as n from articles"},
}


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made; `outside` names the secrets that are given from outside and so not in it."""

    path: Path
    manifest: Manifest
    outside: list[str]


def make_backup(settings: Settings, target: Path) -> Backup:
    """Copy everything into the new file `target`; what was acknowledged before is in it.

    Raises:
        BackupRefused: there is nothing, a database is damaged, or `target` exists or cannot be written.
    """
    if target.exists():
        raise BackupRefused(f"{target} is there already, and a backup never replaces a file.")
    if not target.absolute().parent.is_dir():
        raise BackupRefused(f"There is no folder {target.absolute().parent}. Make it, then try again.")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".baton-backup-") as name:
            copied = copy_everything(settings, Path(name), is_checked=True)
            manifest = pack(settings, Path(name), copied, target)
    except (OSError, StoreFailed) as exc:
        raise BackupRefused(f"No backup was made. {exc}") from exc
    return Backup(target, manifest, [SECRETS[SECRET_FILES[each]] for each in SECRET_FILES if each not in copied])


def copy_everything(settings: Settings, folder: Path, *, is_checked: bool) -> list[str]:
    """Copy everything that there is into `folder`, the log last; gives the names.

    Args:
        settings: whose data.
        folder: an empty one, that only its owner may enter.
        is_checked: refuse damaged databases, rather than copy them as they are.

    Raises:
        BackupRefused: there is no database.
        StoreFailed: one cannot be read or is damaged.
    """
    databases = {name: path for name, path in live_databases(settings).items() if path.exists()}
    if not databases:
        raise BackupRefused(f"There is nothing in {settings.data_dir} to back up yet. Start Baton once: make run")
    kept = _copy_secrets(settings, folder)
    for file, path in databases.items():
        copy_database(path, folder / file)
        if is_checked:
            check_integrity(folder / file)
    return [*databases, *kept]


def pack(settings: Settings, folder: Path, names: list[str], target: Path) -> Manifest:
    """Make a backup of what `copy_everything` has copied.

    Raises:
        BackupRefused: `target` exists or cannot be written.
    """
    manifest = Manifest(
        format=FORMAT,
        baton_version=version("baton"),
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        log="postgresql" if settings.database_url else "sqlite",
        log_epoch=_log_epoch(folder / LOG),
        counts=_counts(folder),
        files=describe_files(folder, names),
    )
    write_archive(target, manifest, folder)
    return manifest


def default_target(prefix: str = "baton") -> str:
    """Name a backup by the present time."""
    return f"{prefix}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def live_databases(settings: Settings) -> dict[str, Path]:
    """Give where the databases are that a backup of these settings holds, by their names in it."""
    others = {ARTICLES: settings.kb_database, TRACKER: settings.tracker_database}
    return others if settings.database_url else others | {LOG: settings.database}


def _counts(folder: Path) -> dict[str, int]:
    """Count what the databases of a folder hold; what cannot be read is left out."""
    counts = {}
    for file, queries in COUNTS.items():
        for name, sql in queries.items():
            if (folder / file).exists():
                try:
                    counts[name] = int(query(folder / file, sql)[0]["n"])
                except StoreFailed:
                    continue
    return counts


def _log_epoch(log: Path) -> str | None:
    if not log.exists():
        return None
    try:
        return str(query(log, "select value from meta where key = 'log_epoch'")[0]["value"])
    except (StoreFailed, IndexError):
        return None


def _copy_secrets(settings: Settings, folder: Path) -> list[str]:
    """Copy the secrets that Baton made itself and uses; those from outside are whoever's gave them."""
    kept = []
    (folder / "secrets").mkdir(mode=0o700)
    for file, name in SECRET_FILES.items():
        own = settings.secret_file(name)
        if own.exists() and own.read_text().strip() == getattr(settings, name):
            shutil.copyfile(own, folder / file)
            kept.append(file)
    return kept
