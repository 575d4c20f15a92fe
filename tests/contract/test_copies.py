"""SQLite databases that are overwritten while others have them open: all of it or none, whatever happens."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from handoff.errors import StoreFailed
from handoff.store import copies
from handoff.store.copies import copy_database, overwrite_database
from tests.support.processes import ROOT

ROWS = 4_000
PIECE_BYTES = 8_000
OVERWRITE = """
import sys
from pathlib import Path
from handoff.store.copies import overwrite_database
overwrite_database(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def make(path: Path, name: str, *, rows: int = 3, is_logged: bool = True) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        if is_logged:
            connection.execute("pragma journal_mode = wal")
        connection.execute("create table pieces (name text, piece blob)")
        connection.executemany(
            "insert into pieces values (?, randomblob(?))", [(name, PIECE_BYTES if rows > 3 else 3)] * rows
        )
    return path


def holds(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    return connection.execute("select name, count(*) from pieces group by name").fetchall()


@pytest.fixture
def live(tmp_path: Path) -> Path:
    return make(tmp_path / "live.db", "old")


@pytest.fixture
def reader(live: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        yield connection


def test_reader_keeps_its_moment_and_then_sees_all_of_the_new(
    live: Path, reader: sqlite3.Connection, tmp_path: Path
) -> None:
    reader.execute("begin")
    assert holds(reader) == [("old", 3)]
    overwrite_database(live, make(tmp_path / "new.db", "new", rows=2, is_logged=False))
    assert holds(reader) == [("old", 3)]
    reader.execute("commit")
    assert holds(reader) == [("new", 2)]
    reader.execute("insert into pieces values ('more', x'00')")
    assert reader.execute("pragma journal_mode").fetchone() == ("wal",)


def test_database_that_stays_locked_is_left_alone(
    live: Path, reader: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LOCK_PATIENCE_S", 0.2)
    monkeypatch.setattr(copies, "BUSY_TIMEOUT_S", 0.1)
    new = make(tmp_path / "new.db", "new")
    reader.execute("begin immediate")
    with pytest.raises(StoreFailed, match="kept locked"):
        overwrite_database(live, new)
    reader.execute("insert into pieces values ('mine', x'00')")
    reader.execute("commit")
    assert holds(reader) == [("mine", 1), ("old", 3)]


@pytest.mark.parametrize("is_logged", [True, False])
def test_overwrite_that_is_killed_in_the_middle_changes_nothing(tmp_path: Path, is_logged: bool) -> None:
    live = make(tmp_path / "live.db", "old", rows=ROWS, is_logged=is_logged)
    new = make(tmp_path / "new.db", "new", rows=ROWS, is_logged=False)
    beside = tmp_path / ("live.db-wal" if is_logged else "live.db-journal")
    with subprocess.Popen([sys.executable, "-c", OVERWRITE, str(live), str(new)], cwd=ROOT) as process:
        while not (beside.exists() and beside.stat().st_size > 1_000_000):
            assert process.poll() is None, "it was done before it could be killed"
            time.sleep(0.0005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    with closing(sqlite3.connect(live)) as connection:
        assert holds(connection) == [("old", ROWS)]
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    overwrite_database(live, new)
    with closing(sqlite3.connect(live)) as connection:
        assert holds(connection) == [("new", ROWS)]


def test_copy_of_what_is_written_meanwhile_is_one_file_of_one_moment(live: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(live, isolation_level=None)) as writer:
        writer.execute("insert into pieces values ('committed', x'00')")
        writer.execute("begin immediate")
        writer.execute("insert into pieces values ('not committed', x'00')")
        copy_database(live, tmp_path / "copy.db")
        writer.execute("commit")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert holds(connection) == [("committed", 1), ("old", 3)]
        assert connection.execute("pragma journal_mode").fetchone() == ("delete",)
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.db"]
