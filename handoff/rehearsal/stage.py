"""Starts what conversation tests need: the trained bot, and two knowledge bases behind one address."""

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Protocol

import httpx
from rich.console import Console

from handoff.bot_client import RasaBot
from handoff.content import DEMO_ARTICLES, import_articles
from handoff.errors import BatonError
from handoff.guarded_topics import GuardedTopics
from handoff.ports import Bot
from handoff.rehearsal.help_centre import Answer, Answering, ArticleServer, HelpCentre
from handoff.rehearsal.play import Played, play_all
from handoff.rehearsal.script import HELP_CENTRE, Script, read_scripts
from handoff.run import WELL_TIMEOUT_S, child_specs, train_bot
from handoff.settings import ROOT, Settings, read_settings
from handoff.supervisor import Supervisor

CONVERSATIONS = ROOT / "bot" / "tests" / "conversations"
KB_DEADLINE_S = 30.0
BOT_DEADLINE_S = 60.0
"""A script is no race: a busy machine may take its time."""

DEMO_SLUGS = (
    *("account-locked", "change-plan", "close-account", "create-mailbox", "contact-a-person", "dns-how-long"),
    *("forgotten-panel-password", "free-certificates", "invoices-and-vat", "mailbox-full", "mail-goes-to-spam"),
    *("mail-iphone", "payment-failed", "refunds", "renew-domain", "restore-backup"),
)


@contextmanager
def open_stage(console: Console) -> Iterator[Callable[[Sequence[Script], Path], list[Played]]]:
    """Train the bot if need be, start it on free ports with an empty memory; gives a function that plays scripts.

    That function takes scripts and the file of their help centre, and gives the results in the order of scripts.

    Raises:
        BatonError: the bot cannot be trained or started.
    """
    with tempfile.TemporaryDirectory(prefix="baton-rehearsal-") as scratch:
        settings = read_settings({**os.environ, "BATON_DATA_DIR": scratch, **_choose_ports()})
        demo = Forwarding(settings.kb_url, settings.kb_token)
        with ArticleServer(demo.answer, token=settings.kb_token) as articles:
            with _run_bot(settings, articles.port, console) as bot:

                def play_scripts(scripts: Sequence[Script], help_centre: Path) -> list[Played]:
                    bases = {"script": with_vectors(HelpCentre(help_centre).answer, demo.answer), "demo": demo.answer}
                    return play_before(scripts, bot, settings.topics, articles, bases)

                try:
                    yield play_scripts
                finally:
                    demo.close()


def rehearse(folder: Path, console: Console) -> list[Played]:
    """Play all scripts of a folder; gives the results in the order of scripts.

    Raises:
        BatonError: a script cannot be read, or the bot cannot be trained or started.
    """
    scripts = read_scripts(folder)
    with open_stage(console) as play_scripts:
        return play_scripts(scripts, folder / HELP_CENTRE)


class Articles(Protocol):
    """The address that the bot's actions ask."""

    answering: Answering


class Forwarding:
    """Answers with what the real knowledge base answers."""

    def __init__(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=KB_DEADLINE_S, trust_env=False)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        try:
            response = self._http.request(method, path, content=body)
            return response.status_code, response.json()
        except (httpx.HTTPError, ValueError) as exc:
            return 500, {"error": {"code": "internal", "message": repr(exc)}}

    def close(self) -> None:
        self._http.close()


def with_vectors(answer: Answering, vectors: Answering) -> Answering:
    """Have a stand-in answer everything but the bot's wish for sentence vectors, which only a real one can give."""
    return lambda method, path, body: (vectors if path == "/embed" else answer)(method, path, body)


def play_before(
    scripts: Sequence[Script],
    bot: Bot,
    topics: GuardedTopics,
    articles: Articles,
    bases: dict[str, Answering],
) -> list[Played]:
    """Play scripts before one running bot, whose actions ask `articles`, with each script's own knowledge base."""
    played: dict[str, Played] = {}
    for name, answering in bases.items():
        articles.answering = answering
        for result in play_all([script for script in scripts if script.articles == name], bot, topics):
            played[result.script.name] = result
    return [played[script.name] for script in scripts]


@contextmanager
def _run_bot(settings: Settings, articles_port: int, console: Console) -> Iterator[RasaBot]:
    model = train_bot(settings, console)
    log = StringIO()
    behind = {"BATON_KB_URL": f"http://127.0.0.1:{articles_port}"}
    base, *bot = [spec for spec in child_specs(settings, model) if spec.name != "handoff"]
    specs = [base, *(replace(spec, environment={**spec.environment, **behind}) for spec in bot)]
    supervisor = Supervisor(specs, Console(file=log))
    try:
        supervisor.start()
        unwell = supervisor.wait_until_well(timeout_s=WELL_TIMEOUT_S, give_up=threading.Event())
        if unwell:
            raise BatonError(f"Not well after {WELL_TIMEOUT_S:g} s: {', '.join(unwell)}.\n{log.getvalue()[-2000:]}")
        with tempfile.TemporaryDirectory() as folder:
            copy_demo(Path(folder))
            import_articles(settings, Path(folder), dry_run=False, publish=True)
        bot_client = RasaBot(settings.bot_url, token=settings.bot_token, deadline_s=BOT_DEADLINE_S)
        try:
            yield bot_client
        finally:
            bot_client.close()
    finally:
        supervisor.stop()


def copy_demo(folder: Path) -> None:
    """Copy those of the demo's articles that the scripts are about: to import all of them would take minutes."""
    for slug in DEMO_SLUGS:
        shutil.copy(DEMO_ARTICLES / "en" / f"{slug}.md", folder)


def _choose_ports() -> dict[str, str]:
    names = ("BATON_KB_PORT", "BATON_BOT_PORT", "BATON_ACTIONS_PORT")
    probes = [socket.socket() for _ in names]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {name: str(probe.getsockname()[1]) for name, probe in zip(names, probes, strict=True)}
    finally:
        for probe in probes:
            probe.close()
