"""A question on its whole path through the running product: from a visitor's socket back to it, beside what the inner
processes need for the same question alone; then twenty questions a second.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from handoff.fallback import NOTICE_KEY
from tests.bench.figures import Quantiles, quantiles
from tests.support.clients import Frame, VisitorClient
from tests.support.stack import Stack

QUESTIONS = 60
WARM_UP = 10

RATE_PER_S = 20
SUSTAINED_S = 30
VISITORS = 60

PARTS = ("handoff", "bot", "actions", "knowledge_base")

QUESTION_TEXTS = [
    "how do i set up mail on my iphone",
    "my site shows a certificate warning",
    "where do i find my invoices",
    "i forgot the password of the panel",
    "how long until a dns change works",
    "mail to gmail lands in spam",
]

REPLIES = ("article_shown", "clarification_offered", "bot_message", "escalated")


class AnswerFigures(NamedTuple):
    """Each stage holds the ones before it: what a process adds is the difference of two."""

    stages: list[tuple[str, Quantiles]]
    sustained: Quantiles
    answered: int
    stood_in: int
    """Answered by the desk itself, since Rasa was too slow."""
    asked: int
    lasted_s: float
    processor_ms: dict[str, float]
    """Of each process, per question, at the sustained rate."""


def measure(folder: Path) -> AnswerFigures:
    """Measure the stages in turns, then the sustained rate."""
    stack = Stack(folder)
    stack.start()
    try:
        stages = _measure_stages(stack)
        return _measure_sustained(stack, stages)
    finally:
        stack.stop()


def _measure_stages(stack: Stack) -> list[tuple[str, Quantiles]]:
    token = (stack.data_dir / "secrets" / "baton_kb_token").read_text().strip()
    kb = httpx.Client(base_url=stack.kb_url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    actions = httpx.Client(base_url=f"http://127.0.0.1:{stack.environment['BATON_ACTIONS_PORT']}", timeout=30)
    rasa = httpx.Client(base_url=stack.bot_url, timeout=30)
    took_s: dict[str, list[float]] = {"knowledge base": [], "+ actions": [], "+ Rasa": [], "+ desk and sockets": []}
    with kb, actions, rasa:
        for number in range(QUESTIONS + WARM_UP):
            # A number makes each question new: no cache of vectors or answers may help.
            text = f"{QUESTION_TEXTS[number % len(QUESTION_TEXTS)]} {number}"
            took_s["knowledge base"].append(_timed(lambda t=text: _search(kb, t + " a")))
            took_s["+ actions"].append(_timed(lambda t=text, n=number: _act(actions, t + " b", n)))
            took_s["+ Rasa"].append(_timed(lambda t=text, n=number: _reply(rasa, t + " c", n)))
            with stack.visitor() as ada:
                ada.welcome()
                took_s["+ desk and sockets"].append(_timed(lambda a=ada, t=text: _ask(a, t + " d")))
    return [(name, quantiles(taken[WARM_UP:])) for name, taken in took_s.items()]


def _measure_sustained(stack: Stack, stages: list[tuple[str, Quantiles]]) -> AnswerFigures:
    visitors = [stack.visitor() for _ in range(VISITORS)]
    free = [threading.Lock() for _ in visitors]
    took_s: list[float] = []
    stood_in: list[bool] = []

    def ask(number: int) -> None:
        which = number % VISITORS
        with free[which]:  # a visitor waits for the answer before the next question
            text = f"{QUESTION_TEXTS[number % len(QUESTION_TEXTS)]}, {number}?"
            began_at_s = time.perf_counter()
            reply = _ask(visitors[which], text)
            took_s.append(time.perf_counter() - began_at_s)
            stood_in.append(reply["body"].get("key") == NOTICE_KEY)
            if reply["kind"] == "escalated":  # people have this chat now: somebody else asks the next question
                visitors[which].close()
                visitors[which] = stack.visitor()

    asked = RATE_PER_S * SUSTAINED_S
    before = {part: _processor_s(stack, part) for part in PARTS}
    began_at = time.perf_counter()
    with ThreadPoolExecutor(VISITORS) as pool:
        for number in range(asked):
            time.sleep(max(0.0, began_at + number / RATE_PER_S - time.perf_counter()))
            pool.submit(ask, number)
    lasted_s = time.perf_counter() - began_at
    processor_ms = {part: (_processor_s(stack, part) - before[part]) / asked * 1000 for part in PARTS}
    for visitor in visitors:
        visitor.close()
    return AnswerFigures(stages, quantiles(took_s), len(took_s), sum(stood_in), asked, lasted_s, processor_ms)


def _search(kb: httpx.Client, text: str) -> None:
    kb.post("/search", json={"question": text, "language": "en", "log": False}).raise_for_status()


def _act(actions: httpx.Client, text: str, number: int) -> None:
    """Ask the actions what Rasa would ask them of a new conversation."""
    message: dict[str, Any] = {"text": text, "intent": {"name": "question", "confidence": 0.9}, "entities": []}
    message |= {"intent_ranking": [], "metadata": {"language": "en", "is_staffed": True}}
    sender = f"bench-{number}"
    tracker = {"sender_id": sender, "slots": {}, "latest_message": message, "events": [], "paused": False}
    tracker |= {"active_loop": {}, "latest_action_name": "action_listen", "followup_action": None}
    call = {"next_action": "action_answer_question", "sender_id": sender, "tracker": tracker, "domain": {}}
    actions.post("/webhook", json=call).raise_for_status()


def _reply(rasa: httpx.Client, text: str, number: int) -> None:
    message = {"sender": f"bench-{number}", "message": text, "metadata": {"language": "en", "is_staffed": True}}
    rasa.post("/webhooks/rest/webhook", json=message).raise_for_status()


def _ask(ada: VisitorClient, text: str) -> Frame:
    seq = ada.says(text)["seq"]
    return ada.wait_for(lambda frame: frame["type"] == "event" and frame["kind"] in REPLIES and frame["seq"] > seq)


def _processor_s(stack: Stack, part: str) -> float:
    tasks = [task for pid in stack.pids_of(part) for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _timed(action: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    action()
    return time.perf_counter() - started_s
