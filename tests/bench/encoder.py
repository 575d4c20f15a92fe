"""The packaged embedding model in its two ways, and a question's whole way to a verdict beside the bare encoder.

In process, on the demo's English articles. Processor time stands beside the clock's: it says what a question costs
where others use the machine too.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder, QuestionEncoder
from knowledge_base.importing.articles import read_articles
from knowledge_base.library import KnowledgeBase
from knowledge_base.torch_embedder import SentenceEmbedder
from tests.bench.answers import QUESTION_TEXTS
from tests.bench.figures import Quantiles, quantiles

ARTICLES = Path(__file__).resolve().parents[2] / "knowledge_base" / "articles" / "en"
QUESTIONS = 120
WARM_UP = 12
BATCH = 128
ROUNDS = 3


class EncoderFigures(NamedTuple):
    """One way of encoding; `opened_s` and `memory_mb` are those of a process of its own at its first vector."""

    model: str
    question: Quantiles
    question_processor_ms: float
    batch_per_s: float
    batch_processor_ms: float
    opened_s: float
    memory_mb: float


class AskFigures(NamedTuple):
    """A question that nobody asked before, bare and whole, and the same once more."""

    encoder: Quantiles
    encoder_processor_ms: float
    ask: Quantiles
    ask_processor_ms: float
    repeated: Quantiles

    @property
    def ratio(self) -> float:
        return self.ask.p50_ms / self.encoder.p50_ms

    @property
    def processor_ratio(self) -> float:
        return self.ask_processor_ms / self.encoder_processor_ms


def measure_encoders() -> list[EncoderFigures]:
    """Measure the embedder that Baton opens and PyTorch's, in turns."""
    embedders: list[Embedder] = [open_embedder(), SentenceEmbedder()]
    single: list[list[tuple[float, float]]] = [[] for _ in embedders]
    batched: list[list[tuple[float, float]]] = [[] for _ in embedders]
    for number in range(QUESTIONS + WARM_UP):
        for embedder, taken in zip(embedders, single, strict=True):
            taken.append(_timed(lambda e=embedder, n=number: e.encode([_vary(n, "alone")])))
    for round_ in range(ROUNDS):
        texts = [_vary(number, f"in round {round_}") for number in range(BATCH)]
        for embedder, taken in zip(embedders, batched, strict=True):
            taken.append(_timed(lambda e=embedder, t=texts: e.encode(t)))
    opened = [_open_alone("embedders", "open_embedder()"), _open_alone("torch_embedder", "SentenceEmbedder()")]
    return [
        EncoderFigures(
            embedder.model,
            quantiles([clock_s for clock_s, _ in alone[WARM_UP:]]),
            statistics.median(processor_s for _, processor_s in alone[WARM_UP:]) * 1000,
            BATCH / min(clock_s for clock_s, _ in together),
            min(processor_s for _, processor_s in together) / BATCH * 1000,
            *start,
        )
        for embedder, alone, together, start in zip(embedders, single, batched, opened, strict=True)
    ]


def measure_ask(folder: Path) -> AskFigures:
    """Time question to verdict beside the bare encoder on the very same question, in turns, nothing remembered."""
    embedder = open_embedder()
    base = KnowledgeBase(folder / "kb.db", embedder)
    try:
        base.import_articles(read_articles(ARTICLES).drafts, "bench")
        bare: list[tuple[float, float]] = []
        asked: list[tuple[float, float]] = []
        repeated: list[tuple[float, float]] = []
        for number in range(QUESTIONS + WARM_UP):
            text = _vary(number, "please")
            fresh = QuestionEncoder(embedder)
            bare.append(_timed(lambda q=fresh, t=text: q.encode(t)))
            asked.append(_timed(lambda t=text: base.ask(t)))
            repeated.append(_timed(lambda t=text: base.ask(t)))
    finally:
        base.close()
    return AskFigures(
        quantiles([clock_s for clock_s, _ in bare[WARM_UP:]]),
        statistics.median(processor_s for _, processor_s in bare[WARM_UP:]) * 1000,
        quantiles([clock_s for clock_s, _ in asked[WARM_UP:]]),
        statistics.median(processor_s for _, processor_s in asked[WARM_UP:]) * 1000,
        quantiles([clock_s for clock_s, _ in repeated[WARM_UP:]]),
    )


def _vary(number: int, ending: str) -> str:
    """Make each question new."""
    return f"{QUESTION_TEXTS[number % len(QUESTION_TEXTS)]} {number} {ending}"


def _timed(action: Callable[[], Any]) -> tuple[float, float]:
    """Give the seconds by the clock and of the processor."""
    clock_s, processor_s = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - clock_s, time.process_time() - processor_s


def _open_alone(module: str, expression: str) -> tuple[float, float]:
    """Give the seconds until a process of its own has encoded a first text, and the megabytes that it holds then."""
    code = (
        "import json, pathlib, time\n"
        "began_s = time.perf_counter()\n"
        f"from knowledge_base.{module} import *\n"
        f"{expression}.encode(['is it loaded?'])\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "held_kb = int(status.split('VmRSS:')[1].split()[0])\n"
        "print(json.dumps([time.perf_counter() - began_s, held_kb / 1024]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    opened_s, memory_mb = json.loads(done.stdout)
    return opened_s, memory_mb
