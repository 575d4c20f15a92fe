"""`make bench`: the desk beside a bare echo, the knowledge base beside its bare encoder, and the whole path."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from tests.support.clients import SocketClient, VisitorClient
from tests.support.desk_server import DeskServer
from tests.support.processes import Process, ending, free_ports
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase
from tests.support.stack import Stack

ROUNDS = 300
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


def quantiles_ms(samples_s: list[float]) -> tuple[float, float]:
    """Give the median and the 99th percentile in milliseconds."""
    ordered = sorted(samples_s)
    return statistics.median(ordered) * 1000, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


def timed(action: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    action()
    return time.perf_counter() - started_s


def bench_desk(folder: Path, table: Table) -> None:
    """Alternate a bare echo with a durable, acknowledged message, one socket each."""
    (port,) = free_ports(1)
    command = [
        *(sys.executable, "-m", "gunicorn", "-k", "gevent", "--bind", f"127.0.0.1:{port}"),
        *("--log-level", "error", "tests.bench.echo_app:app"),
    ]
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        desk = DeskServer(folder, bot, knowledge_base)
        desk.start()
        assert desk.process is not None
        with ending(desk.process), ending(Process(command, environment={}, log=folder / "echo.log")) as echo_server:
            echo_server.wait_until(f"http://127.0.0.1:{port}/health", within_s=20)
            echo_s, relay_s = alternate(f"ws://127.0.0.1:{port}/echo", desk)
    (echo_p50, echo_p99), (relay_p50, relay_p99) = quantiles_ms(echo_s), quantiles_ms(relay_s)
    table.add_row("bare flask-sock echo", f"{echo_p50:.2f}", f"{echo_p99:.2f}", "1.00")
    ratio = relay_p50 / echo_p50
    table.add_row("message to durable acknowledgement", f"{relay_p50:.2f}", f"{relay_p99:.2f}", f"{ratio:.2f}")


def alternate(echo_url: str, desk: DeskServer) -> tuple[list[float], list[float]]:
    echo_s: list[float] = []
    relay_s: list[float] = []
    with SocketClient(echo_url) as echo, VisitorClient(desk.base_url) as ada:
        ada.ask("ask_person")  # from here on no bot takes part
        for number in range(ROUNDS + WARM_UP):
            echo_s.append(timed(lambda n=number: echo_once(echo, n)))
            relay_s.append(timed(lambda n=number: ada.says(f"message {n}")))
            del echo.frames[:], ada.frames[:]
            # Below the limit of 10 frames a second a visitor would wait; the budget's burst is spared instead.
            time.sleep(0.1)
    return echo_s[WARM_UP:], relay_s[WARM_UP:]


def echo_once(echo: SocketClient, number: int) -> None:
    echo.send(type="echo", number=number)
    echo.wait_for(lambda frame: frame["number"] == number)


def bench_path(folder: Path, table: Table) -> None:
    """Ask the whole running product, and beside it the knowledge base alone."""
    stack = Stack(folder)
    stack.start()
    try:
        token = (stack.data_dir / "secrets" / "baton_kb_token").read_text().strip()
        with httpx.Client(base_url=stack.kb_url, headers={"Authorization": f"Bearer {token}"}, timeout=30) as kb:
            search_s, path_s = [], []
            for number in range(QUESTIONS + WARM_UP):
                # A number makes each question new: the cache of question vectors must not answer.
                text = f"{QUESTION_TEXTS[number % len(QUESTION_TEXTS)]} ({number})"
                search_s.append(timed(lambda t=text: search(kb, t)))
                with stack.visitor() as ada:
                    ada.welcome()
                    path_s.append(timed(lambda a=ada, t=text: ask(a, t + "?")))
    finally:
        stack.stop()
    (search_p50, search_p99), (path_p50, path_p99) = quantiles_ms(search_s[WARM_UP:]), quantiles_ms(path_s[WARM_UP:])
    table.add_row("question to verdict (knowledge base, HTTP)", f"{search_p50:.2f}", f"{search_p99:.2f}", "1.00")
    ratio = path_p50 / search_p50
    table.add_row("question to answer, socket to socket", f"{path_p50:.2f}", f"{path_p99:.2f}", f"{ratio:.2f}")


def search(kb: httpx.Client, text: str) -> None:
    kb.post("/search", json={"question": text, "language": "en", "log": False}).raise_for_status()


def ask(ada: VisitorClient, text: str) -> None:
    ada.says(text)
    kinds = ("article_shown", "clarification_offered", "bot_message", "escalated")
    ada.wait_for(lambda frame: frame["type"] == "event" and frame["kind"] in kinds)


def main() -> None:
    console = Console()
    table = Table(title="Milliseconds; the ratio is of medians, to the line that says 1.00 above it")
    for column in ("what", "p50", "p99", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    with tempfile.TemporaryDirectory() as folder:
        console.print("The desk beside a bare echo ...")
        bench_desk(Path(folder), table)
        console.print("The whole path beside the knowledge base alone ...")
        bench_path(Path(folder), table)
    console.print(table)


if __name__ == "__main__":
    main()
