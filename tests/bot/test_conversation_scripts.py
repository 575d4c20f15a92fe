"""The conversation tests in bot/tests/conversations, played before the real bot, its vectors and the real escalation.

`baton evaluate conversations` plays the same ones; README.md of the bot says how to write one.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from handoff.bot_client import RasaBot
from handoff.content import import_articles
from handoff.events import Reason
from handoff.rehearsal.help_centre import HelpCentre
from handoff.rehearsal.play import Played
from handoff.rehearsal.script import HELP_CENTRE, read_scripts
from handoff.rehearsal.stage import BOT_DEADLINE_S, CONVERSATIONS, Forwarding, copy_demo, play_before
from handoff.settings import Settings, read_settings
from knowledge_base.library import KnowledgeBase
from knowledge_base.service import create_app
from tests.bot.conftest import RunningBot
from tests.bot.scripted_knowledge_base import ScriptedKnowledgeBase
from tests.support.embedder import share_embedder

SCRIPTS = read_scripts(CONVERSATIONS)


def test_scripts_cover_what_they_must():
    assert len(SCRIPTS) >= 60
    bot_lines = [line for script in SCRIPTS for line in script.lines if line.speaker == "bot"]
    assert {f"handoff {reason}" for reason in Reason} <= {line.words for line in bot_lines}
    assert {"ask what_happened", "ask since_when", "ask email"} <= {line.words for line in bot_lines}
    assert sum(script.file == "rude_or_strange" for script in SCRIPTS) >= 20
    assert sum("\n" in line.words for script in SCRIPTS for line in script.lines) >= 5
    assert sum(line.words == "hands back" for script in SCRIPTS for line in script.lines) >= 5
    assert sum(script.articles == "demo" for script in SCRIPTS) >= 5


@contextmanager
def serve_demo(folder: Path) -> Iterator[Settings]:
    """Serve a real knowledge base with some of the demo's articles."""
    base = KnowledgeBase(folder / "knowledge_base.db", share_embedder())
    token = "token-of-the-real-one"
    server = make_server("127.0.0.1", 0, create_app(base, token), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        given = {"BATON_DATA_DIR": str(folder), "BATON_KB_PORT": str(server.server_port), "BATON_KB_TOKEN": token}
        articles = folder / "articles"
        articles.mkdir()
        copy_demo(articles)
        settings = read_settings(given)
        import_articles(settings, articles, dry_run=False, publish=True)
        yield settings
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        base.close()


@pytest.fixture(scope="module")
def played(
    bot: RunningBot, knowledge_base_server: ScriptedKnowledgeBase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Played]]:
    """All scripts, played once and side by side."""
    knowledge_base_server.will_be_unsure()
    client = RasaBot(bot.url, token=bot.token, deadline_s=BOT_DEADLINE_S)
    with serve_demo(tmp_path_factory.mktemp("demo")) as settings:
        demo = Forwarding(settings.kb_url, settings.kb_token)
        bases = {"script": HelpCentre(CONVERSATIONS / HELP_CENTRE).answer, "demo": demo.answer}
        try:
            results = play_before(SCRIPTS, client, settings.topics, knowledge_base_server, bases)
            yield {result.script.name: result for result in results}
        finally:
            knowledge_base_server.answering = None
            client.close()
            demo.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", [script.name for script in SCRIPTS])
def test_conversation_goes_as_its_script(played: dict[str, Played], name: str):
    assert played[name].problem == ""
