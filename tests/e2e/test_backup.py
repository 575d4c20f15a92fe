"""`baton backup` and `baton restore` over a running desk with people on it, over nothing, and over bad files."""

import hashlib
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from handoff.cli import main
from handoff.protocol import CloseCode
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import create_app
from tests.knowledge_base.conftest import CENTRE, KeywordEmbedder, draft
from tests.support.clients import OperatorClient, VisitorClient, join
from tests.support.desk_server import DeskServer
from tests.support.processes import ROOT, free_ports
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase
from tests.support.servers import PrivatePostgres, _postgres_program, make_postgres_database

pytestmark = pytest.mark.stack


def baton(environment: dict[str, str], *arguments: object, check: bool = True, answer: str = "") -> str:
    """Run the command line; give what it says. With `check=False`, it must fail."""
    done = subprocess.run(
        [sys.executable, "-m", "handoff.cli", *map(str, arguments)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200"} | environment,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == check, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskServer]:
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        server = DeskServer(tmp_path, bot, knowledge_base)
        server.start()
        yield server
        if server.process and server.process.is_running():
            server.process.stop()


def texts(client: VisitorClient) -> list[str]:
    return [event["body"]["text"] for event in client.events("visitor_message")]


def verified(environment: dict[str, str]) -> dict[str, int]:
    counts: dict[str, int] = json.loads(baton(environment, "log", "verify", "--json").splitlines()[-1])
    assert counts["violations"] == 0
    return counts


# --- over a running desk ------------------------------------------------------------------------------------------


def test_restore_under_a_running_desk_sends_everybody_to_the_backups_history(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    grace_session = desk.session("Grace")
    with desk.visitor() as ada, OperatorClient(desk.base_url, grace_session) as grace:
        ada.says("before the backup")
        ada.ask("ask_person")
        line = grace.sees_in_queue()
        assert grace.does("claim", line)["type"] == "ack"
        ada.event("operator_claimed")
        acked = ada.says("last words of the backup")["seq"]
        said = baton(desk.environment, "backup", file)
        assert "1 conversations" in said
        lost = ada.says("this will be lost")["seq"]
        epoch = ada.welcome()["log_epoch"]
        with desk.visitor() as bob:
            bob.says("Bob comes too late")
            said = baton(desk.environment, "restore", file, "--yes")
            assert "that are newer than this backup" in said
            assert [client.wait_for_close() for client in (ada, bob, grace)] == [CloseCode.COME_BACK] * 3
    with VisitorClient(desk.base_url, token=ada.token, cursor=lost, log_epoch=epoch) as again:
        assert again.welcome()["log_epoch"] != epoch
        again.event("visitor_message", after_seq=acked - 1)
        again.drain(for_s=0.3)
        assert texts(again) == ["before the backup", "last words of the backup"]
        assert again.says("and on we go")["seq"] == acked + 1 == lost
        again.event("visitor_message", after_seq=acked)
    with OperatorClient(desk.base_url, grace_session) as grace:
        held = grace.summary(lambda summary: summary["phase"] == "operator")
        assert grace.does("post", held, text="Where were we?")["seq"] == acked + 2
        assert len(grace.welcome()["conversations"]) == 1
    assert verified(desk.environment)["conversations"] == 1
    assert "the log was restored" in desk.log()
    # What was there is kept, and can be had back in the same way.
    (kept,) = desk.data_dir.glob("before-restore-*.tar.gz")
    with OperatorClient(desk.base_url, grace_session) as grace:
        grace.welcome()
        baton(desk.environment, "restore", kept, "--yes")
        assert grace.wait_for_close() == CloseCode.COME_BACK
    with VisitorClient(desk.base_url, token=ada.token) as again:
        again.event("visitor_message", after_seq=lost - 1)
        assert texts(again)[-1] == "this will be lost"
    assert verified(desk.environment)["conversations"] == 2


def test_desk_takes_messages_during_backups_and_each_holds_what_was_acknowledged(
    desk: DeskServer, tmp_path: Path
) -> None:
    acked: list[int] = []
    is_enough = threading.Event()
    with desk.visitor() as ada:
        acked.append(ada.says("message 0")["seq"])

        def write() -> None:
            while not is_enough.is_set():
                acked.append(ada.says(f"message {len(acked)}")["seq"])
                ada.drain(for_s=0.15)  # no faster than a visitor may

        writer = threading.Thread(target=write)
        writer.start()
        promised = []
        for number in range(4):
            promised.append(acked[-1])
            baton(desk.environment, "backup", tmp_path / f"{number}.tar.gz")
        is_enough.set()
        writer.join()
    for number, seq in enumerate(promised):
        with tarfile.open(tmp_path / f"{number}.tar.gz") as tar:
            tar.extract("handoff.db", tmp_path / f"{number}", filter="data")
        log = tmp_path / f"{number}" / "handoff.db"
        with closing(sqlite3.connect(log)) as connection:
            assert connection.execute("select max(seq) from events").fetchone()[0] >= seq
        assert "0 violations" in baton(desk.environment, "log", "verify", "--database", log)
    assert promised[-1] > promised[0], "nobody wrote"
    assert verified(desk.environment)["events"] >= acked[-1]


def test_backup_is_private_whole_and_never_replaces_a_file(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    baton(desk.environment, "backup", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    assert "never replaces a file" in baton(desk.environment, "backup", file, check=False)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup.tar.gz"]
    with tarfile.open(file) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert {"manifest.json", *manifest["files"]} == set(tar.getnames())
        assert set(manifest["files"]) > {"handoff.db", "secrets/baton_secret_key"}
    assert (manifest["format"], manifest["log"], manifest["counts"]["events"]) == (1, "sqlite", 0)


def test_what_was_revoked_since_the_backup_does_not_come_back(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    gone, stays = desk.session("Grace"), desk.session("Alan")
    desk.session("Mallory")
    link = desk.invite("operator")
    baton(desk.environment, "backup", file)
    with closing(sqlite3.connect(desk.data_dir / "handoff.db")) as connection, connection:
        connection.execute("update staff set is_active = 0 where name = 'Mallory'")

    def is_signed_in(session: str) -> bool:
        return httpx.get(f"{desk.base_url}/api/staff/me", cookies={"baton_session": session}).status_code == 200

    assert is_signed_in(gone)
    httpx.post(f"{desk.base_url}/api/staff/sign-out", cookies={"baton_session": gone}).raise_for_status()
    join(desk.base_url, link, name="Joan", email="joan@fernhill.example")
    said = baton(desk.environment, "restore", file, "--yes")
    assert "accounts that were closed since: Mallory." in said
    assert (is_signed_in(gone), is_signed_in(stays)) == (False, True)
    body = {"name": "Eve", "email": "eve@fernhill.example", "password": "correct horse battery"}
    assert httpx.post(f"{desk.base_url}/api/staff/join/{link.rsplit('/', 1)[1]}", json=body).status_code == 404


# --- over nothing -------------------------------------------------------------------------------------------------


def test_restore_on_another_machine_brings_back_everything(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    with desk.visitor() as ada:
        ada.says("remember me")
        ada.event("bot_message")
    with closing(sqlite3.connect(desk.data_dir / "tracker.db")) as tracker, tracker:
        tracker.execute("create table events (data text)")
        tracker.execute("insert into events values ('slot')")
    baton(desk.environment, "backup", file)
    assert desk.process is not None
    desk.process.stop()
    elsewhere = desk.environment | {"BATON_DATA_DIR": str(tmp_path / "elsewhere")}
    said = baton(elsewhere, "restore", file, "--yes")
    assert "If Baton runs, restart it" in said  # a bare machine had made secrets of its own
    assert verified(elsewhere)["events"] == 4
    with closing(sqlite3.connect(tmp_path / "elsewhere" / "tracker.db")) as tracker:
        assert tracker.execute("select data from events").fetchall() == [("slot",)]
    assert list((tmp_path / "elsewhere").glob("before-restore-*")) == []
    desk.environment = elsewhere
    desk.start()
    with VisitorClient(desk.base_url, token=ada.token) as again:
        assert again.event("visitor_message")["body"]["text"] == "remember me"


def test_restore_asks_and_changes_nothing_without_a_yes(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    with desk.visitor() as ada:
        ada.says("one")
        baton(desk.environment, "backup", file)
        ada.says("two")
        said = baton(desk.environment, "restore", file, check=False, answer="n\n")
        assert "Lost will be" in said
        assert "Nothing was changed." in said
        ada.says("three")
    assert list(desk.data_dir.glob(".restore-*")) == []


def test_secret_from_outside_is_in_no_backup_and_stays(desk: DeskServer, tmp_path: Path) -> None:
    given = desk.environment | {"BATON_SECRET_KEY": "given-from-outside-" * 2}
    said = baton(given, "backup", tmp_path / "without.tar.gz")
    assert "given from outside: BATON_SECRET_KEY" in said
    with tarfile.open(tmp_path / "without.tar.gz") as tar:
        assert "secrets/baton_secret_key" not in tar.getnames()
    baton(desk.environment, "backup", tmp_path / "with.tar.gz")
    own = (desk.data_dir / "secrets" / "baton_secret_key").read_text()
    assert "BATON_SECRET_KEY is given from outside" in baton(given, "restore", tmp_path / "with.tar.gz", "--yes")
    assert (desk.data_dir / "secrets" / "baton_secret_key").read_text() == own


def test_backup_with_another_page_size_fits_the_running_log(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    with desk.visitor() as ada:
        ada.says("one")
        ada.event("bot_message")

        def repack(folder: Path, manifest: dict) -> None:
            with closing(sqlite3.connect(folder / "handoff.db")) as connection:
                connection.execute("pragma page_size = 8192")
                connection.execute("vacuum")

        baton(desk.environment, "backup", tmp_path / "small.tar.gz")
        remake(tmp_path / "small.tar.gz", file, repack)
        baton(desk.environment, "restore", file, "--yes")
        assert ada.wait_for_close() == CloseCode.COME_BACK
    assert verified(desk.environment)["events"] == 4
    with desk.visitor() as ada:
        assert ada.says("two")["type"] == "ack"


# --- bad files ----------------------------------------------------------------------------------------------------


def remake(source: Path, target: Path, change: Callable[[Path, dict], None], *, is_honest: bool = True) -> None:
    """Make another backup out of one, changed; the manifest's digests are those of the changed files, if honest."""
    folder = target.with_suffix(".folder")
    with tarfile.open(source) as tar:
        tar.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    names = list(manifest["files"])
    change(folder, manifest)
    if is_honest:
        for name in names:
            if name in manifest.get("files", {}) and (folder / name).exists():
                raw = (folder / name).read_bytes()
                manifest["files"][name] = {"size_bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with tarfile.open(target, "w:gz") as tar:
        for name in ("manifest.json", *names):
            if (folder / name).exists():
                tar.add(folder / name, name)


def damaged_page(folder: Path, _manifest: dict) -> None:
    with (folder / "handoff.db").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)


def broken_rule(folder: Path, _manifest: dict) -> None:
    with closing(sqlite3.connect(folder / "handoff.db")) as connection, connection:
        connection.execute("update events set epoch = 7 where seq = 2")


def newer_schema(folder: Path, _manifest: dict) -> None:
    with closing(sqlite3.connect(folder / "handoff.db")) as connection, connection:
        connection.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at) values ('handoff', 'add_wings', '')"
        )


def no_log(folder: Path, manifest: dict) -> None:
    (folder / "handoff.db").unlink()
    del manifest["files"]["handoff.db"]


def lost_log(folder: Path, _manifest: dict) -> None:
    (folder / "handoff.db").unlink()


def link_for_log(folder: Path, _manifest: dict) -> None:
    (folder / "handoff.db").unlink()
    (folder / "handoff.db").symlink_to("/etc/passwd")


def not_ours(folder: Path, _manifest: dict) -> None:
    (folder / "handoff.db").unlink()
    with closing(sqlite3.connect(folder / "handoff.db")) as connection, connection:
        connection.execute("create table recipes (name text)")


BAD_BACKUPS: dict[str, tuple[Callable[[Path, dict], None], bool, str]] = {
    "digest": (damaged_page, False, "its digest is not the one that was noted"),
    "integrity": (damaged_page, True, "is damaged"),
    "rule": (broken_rule, True, "breaks a rule: conversation 1, seq 2: The epoch is 7"),
    "schema": (newer_schema, True, "made by a newer Baton: it has add_wings"),
    "format": (lambda _, manifest: manifest.update(format=2), True, "made by a newer Baton"),
    "format of the future": (
        lambda _, manifest: (manifest.clear(), manifest.update(format=9, baton_version="9.0", files=[])),
        True,
        "made by a newer Baton (9.0)",
    ),
    "postgres": (lambda _, manifest: manifest.update(log="postgresql"), True, "Set BATON_DATABASE_URL"),
    "no log": (no_log, True, "holds no conversations"),
    "lost log": (lost_log, True, "handoff.db is missing"),
    "link": (link_for_log, False, "which its manifest does not promise"),
    "foreign": (not_ours, True, "is not restored"),
    "name": (
        lambda _, manifest: manifest["files"].update({"../../evil": {"size_bytes": 1, "sha256": ""}}),
        True,
        "'../../evil', which no backup",
    ),
    "size": (
        lambda _, manifest: manifest["files"]["handoff.db"].update(size_bytes=10**15),
        False,
        "not enough free space",
    ),
    "manifest": (lambda _, manifest: manifest.clear(), True, "is not a backup of Baton's, or is damaged"),
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskServer, Path]]:
    """A running desk with something said, and a backup of it."""
    folder = tmp_path_factory.mktemp("history")
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        server = DeskServer(folder, bot, knowledge_base)
        server.start()
        with server.visitor() as ada:
            ada.says("hello")
            ada.event("bot_message")
        baton(server.environment, "backup", folder / "good.tar.gz")
        yield server, folder / "good.tar.gz"
        assert server.process is not None
        server.process.stop()


def refusal(desk: DeskServer, path: Path) -> str:
    """Give the words with which a restore is refused; in this process, since there are many."""
    result = CliRunner().invoke(main, ["restore", str(path), "--yes"], env=desk.environment | {"COLUMNS": "200"})
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


@contextmanager
def nothing_changes(desk: DeskServer) -> Iterator[None]:
    def look() -> object:
        with closing(sqlite3.connect(desk.data_dir / "handoff.db")) as connection:
            rows = connection.execute("select value from meta").fetchall(), list(connection.iterdump())
        return rows, sorted(path.name for path in desk.data_dir.iterdir())

    before = look()
    yield
    assert look() == before


@pytest.mark.parametrize("name", BAD_BACKUPS)
def test_bad_backup_is_refused_in_clear_words_and_nothing_is_touched(
    history: tuple[DeskServer, Path], tmp_path: Path, name: str
) -> None:
    desk, good = history
    change, is_honest, words = BAD_BACKUPS[name]
    remake(good, tmp_path / "bad.tar.gz", change, is_honest=is_honest)
    with nothing_changes(desk):
        assert words in refusal(desk, tmp_path / "bad.tar.gz")


def evil_tar(good: Path, target: Path) -> None:
    """A backup with one more member than its manifest names, which wants to lie elsewhere."""
    with tarfile.open(good) as source, tarfile.open(target, "w:gz") as tar:
        for member in source:
            tar.addfile(member, source.extractfile(member))
            if member.name == "manifest.json":
                evil = tarfile.TarInfo("../../evil")
                evil.size = 4
                tar.addfile(evil, io.BytesIO(b"evil"))


BAD_FILES: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "no tar": (lambda _, target: target.write_bytes(b"just words"), "is not a backup of Baton's"),
    "nothing": (lambda _, target: target.write_bytes(b""), "is not a backup of Baton's"),
    "cut off": (lambda good, target: target.write_bytes(good.read_bytes()[:-2000]), "damaged"),
    "not there": (lambda good, target: None, "cannot be read"),
    "a folder": (lambda good, target: target.mkdir(), "cannot be read"),
    "path traversal": (evil_tar, "'../../evil', which its manifest does not promise"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_file_that_is_no_backup_is_refused_and_nothing_is_touched(
    history: tuple[DeskServer, Path], tmp_path: Path, name: str
) -> None:
    desk, good = history
    make, words = BAD_FILES[name]
    make(good, tmp_path / "bad.tar.gz")
    with nothing_changes(desk):
        assert words in refusal(desk, tmp_path / "bad.tar.gz")
    assert list(tmp_path.rglob("evil")) == []


def test_verify_of_a_file_that_is_no_log_says_so(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "recipes.db")) as connection, connection:
        connection.execute("create table recipes (name text)")
    (tmp_path / "words.db").write_bytes(b"just words " * 1000)
    said = {}
    for name in ("recipes.db", "words.db", "nothing.db"):
        before = (tmp_path / name).read_bytes() if (tmp_path / name).exists() else None
        command = ["log", "verify", "--database", str(tmp_path / name)]
        result = CliRunner().invoke(main, command, env={"BATON_DATA_DIR": str(tmp_path / "data")})
        assert result.exit_code == 1
        said[name] = result.output
        assert ((tmp_path / name).read_bytes() if before is not None else None) == before
    assert "is not a log of Baton's" in said["recipes.db"]
    assert "not a database" in said["words.db"]
    assert "is not there" in said["nothing.db"]
    assert not (tmp_path / "nothing.db").exists()


def test_good_backup_of_the_same_desk_is_taken(history: tuple[DeskServer, Path], tmp_path: Path) -> None:
    """The other side of the refusals: only the changes made them."""
    desk, good = history
    remake(good, tmp_path / "same.tar.gz", lambda _folder, _manifest: None)
    assert "Restored." in baton(desk.environment, "restore", tmp_path / "same.tar.gz", "--yes")


def test_damaged_log_is_not_backed_up_but_can_be_restored_over(desk: DeskServer, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    with desk.visitor() as ada:
        ada.says("hello")
        ada.event("bot_message")
    baton(desk.environment, "backup", file)
    assert desk.process is not None
    desk.process.stop()
    with closing(sqlite3.connect(desk.data_dir / "handoff.db")) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    damaged_page(desk.data_dir, {})
    assert "damaged" in baton(desk.environment, "backup", tmp_path / "second.tar.gz", check=False)
    assert not (tmp_path / "second.tar.gz").exists()
    baton(desk.environment, "restore", file, "--yes")
    assert verified(desk.environment)["events"] == 4
    # A file whose very head is gone is not written over, but named.
    (desk.data_dir / "handoff.db").write_bytes(b"not a database" * 1000)
    said = baton(desk.environment, "restore", file, "--yes", check=False)
    assert "Stop Baton, move this file and those beside it away" in said


# --- the knowledge base, and PostgreSQL ---------------------------------------------------------------------------


@contextmanager
def serving(base: KnowledgeBase, port: int, token: str) -> Iterator[None]:
    server = make_server("127.0.0.1", port, create_app(base, token), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_running_knowledge_base_answers_from_the_restored_articles(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    token = "the-token-of-the-knowledge-base"
    environment = {"BATON_DATA_DIR": str(tmp_path), "BATON_KB_PORT": str(port), "BATON_KB_TOKEN": token}
    file = tmp_path / "backup.tar.gz"
    baton(environment, "invite", "--role", "admin")  # makes the log
    base = KnowledgeBase(tmp_path / "knowledge_base.db", KeywordEmbedder())
    base.import_articles(CENTRE, "Ada")
    try:
        with serving(base, port, token):
            assert "8 articles" in baton(environment, "backup", file)
            changed = base.revise(
                "en",
                "opening-hours",
                draft("opening-hours", "Opening hours", "Never again.").content,
                author="Eve",
                base_revision=1,
            )
            base.publish("en", "opening-hours")
            base.import_articles([draft("moon", "The moon", "The moon is made of cheese.")], "Eve")
            assert base.ask("moon cheese").results[0].article.slug == "moon"
            baton(environment, "restore", file, "--yes")
            assert "moon" not in [result.article.slug for result in base.ask("moon cheese").results]
            assert base.articles.count() == (8, 8)
            hours = base.ask("opening hours").results[0]
            assert "Monday" in hours.passage.passage.text
            # The same revision once more, with other words: nothing of before is left in the index.
            again = base.revise(
                "en",
                "opening-hours",
                draft("opening-hours", "Opening hours", "On Sundays only.").content,
                author="Ada",
                base_revision=1,
            )
            assert again.revision == changed.revision
            base.publish("en", "opening-hours")
            assert "Sundays" in base.ask("opening hours").results[0].passage.passage.text
    finally:
        base.close()


def test_log_in_postgres_is_left_to_pg_dump_and_comes_back_with_another_epoch(
    postgres: PrivatePostgres, tmp_path: Path
) -> None:
    url = make_postgres_database(postgres.url)
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        desk = DeskServer(tmp_path, bot, knowledge_base)
        desk.environment["BATON_DATABASE_URL"] = url
        KnowledgeBase(tmp_path / "articles.db", KeywordEmbedder()).close()
        desk.data_dir.mkdir()
        (tmp_path / "articles.db").rename(desk.data_dir / "knowledge_base.db")
        desk.start()
        file = tmp_path / "backup.tar.gz"
        with desk.visitor() as ada:
            kept = ada.says("before the dump")["seq"]
            ada.event("bot_message")
            said = baton(desk.environment, "backup", file)
            assert 'pg_dump --format=custom --file=backup.pgdump "$BATON_DATABASE_URL"' in said
            dump = tmp_path / "backup.pgdump"
            subprocess.run([_postgres_program("pg_dump"), "--format=custom", f"--file={dump}", url], check=True)
            ada.says("after the dump")
            epoch = ada.welcome()["log_epoch"]
            assert "pg_restore" in baton(desk.environment, "restore", file, "--yes")
            options = ["--clean", "--if-exists", "--single-transaction", f"--dbname={url}", str(dump)]
            subprocess.run([_postgres_program("pg_restore"), *options], check=True)
            assert "The log epoch is now" in baton(desk.environment, "log", "renew-epoch")
            assert ada.wait_for_close() == 4012
        with VisitorClient(desk.base_url, token=ada.token, cursor=ada.cursor, log_epoch=epoch) as again:
            again.event("visitor_message", after_seq=kept - 1)
            again.drain(for_s=0.3)
            assert texts(again) == ["before the dump"]
            again.says("and on")
        assert verified(desk.environment)["conversations"] == 1
        assert verified({"BATON_DATA_DIR": str(tmp_path / "other")} | {"BATON_DATABASE_URL": url})["events"] > 4
        with_log = baton(desk.environment | {"BATON_DATABASE_URL": ""}, "restore", file, "--yes", check=False)
        assert "Set BATON_DATABASE_URL" in with_log
        assert desk.process is not None
        desk.process.stop()
