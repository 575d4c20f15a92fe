"""A question on its whole path through the running product, beside the knowledge base alone."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.bench.figures import Quantiles, quantiles
from tests.support.clients import VisitorClient
from tests.support.stack import Stack

QUESTIONS = 60
WARM_UP = 10

QUESTION_TEXTS = [
    "how do i set up mail on my iphone",
    "my site shows a certificate warning",
    "where do i find my invoices",
    "i forgot the password of the panel",
    "how long until a dns change works",
    "mail to gmail lands in spam",
]


class AnswerFigures(NamedTuple):
    verdict: Quantiles
    """From a question to the knowledge base's verdict, over HTTP."""
    answer: Quantiles
    """From a visitor's question to the answer, socket to socket."""


def measure(folder: Path) -> AnswerFigures:
    """Ask both in turns."""
    stack = Stack(folder)
    stack.start()
    try:
        token = (stack.data_dir / "secrets" / "baton_kb_token").read_text().strip()
        with httpx.Client(base_url=stack.kb_url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as kb:
            search_s, path_s = [], []
            for number in range(QUESTIONS + WARM_UP):
                # A number makes each question new: the cache of question vectors must not answer.
                text = f"{QUESTION_TEXTS[number % len(QUESTION_TEXTS)]} ({number})"
                search_s.append(_timed(lambda t=text: _search(kb, t)))
                with stack.visitor() as ada:
                    ada.welcome()
                    path_s.append(_timed(lambda a=ada, t=text: _ask(a, t + "?")))
    finally:
        stack.stop()
    return AnswerFigures(quantiles(search_s[WARM_UP:]), quantiles(path_s[WARM_UP:]))


def _search(kb: httpx.Client, text: str) -> None:
    kb.post("/search", json={"question": text, "language": "en", "log": False}).raise_for_status()


def _ask(ada: VisitorClient, text: str) -> None:
    ada.says(text)
    kinds = ("article_shown", "clarification_offered", "bot_message", "escalated")
    ada.wait_for(lambda frame: frame["type"] == "event" and frame["kind"] in kinds)


def _timed(action: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    action()
    return time.perf_counter() - started_s
