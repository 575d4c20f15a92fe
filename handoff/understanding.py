"""`baton evaluate understanding` and `human-request`: what the bot makes of labelled messages, rung 6 of the ladder.

The messages go through Rasa itself, in its own Python (`bot/understand.py`); here are the figures and the tables.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from handoff.errors import BatonError
from handoff.retrain import build_bot_environment
from handoff.run import train_bot
from handoff.settings import ROOT, Settings
from knowledge_base.evaluation.measures import compute_auroc

PIPELINE = ROOT / "bot" / "config.yml"
# Other pipelines to compare with, by name of file.
BASELINES = ROOT / "bot" / "baselines"
KEPT_SHARE = 0.95
PERSON, CONTACT = "ask_for_person", "ask_for_contact"

Line = dict[str, Any]
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Understood:
    """What the bot made of one message; `intent` is None below the threshold, `best` whatever the threshold says."""

    intent: str | None
    best: str | None
    confidence: float
    in_scope: float
    time_ms: float


def evaluate_understanding(
    settings: Settings, train_file: Path, test_file: Path, baselines: Sequence[str] = ()
) -> Figures:
    """Train the bot's pipeline on one file of `text`, `intent` and measure it on the other.

    With names of `bot/baselines/` these pipelines as well, one after the other, under `baselines` by name.

    Raises:
        BatonError: a file has something else in it, or Rasa failed.
    """
    train = read_lines(train_file, "intent", (str, type(None)))
    test = read_lines(test_file, "intent", (str, type(None)))
    measured = {}
    for config in (PIPELINE, *(BASELINES / f"{name}.yml" for name in baselines)):
        understood, training_s = understand(settings, test, examples=train, config=config)
        measured[config.stem] = {
            "training_s": training_s,
            **measure_understanding(understood, [line["intent"] for line in test]),
        }
    return {
        "train": len(train),
        "test": len(test),
        "intents": len({line["intent"] for line in train} - {None}),
        **measured.pop(PIPELINE.stem),
        "baselines": measured,
    }


def evaluate_human_request(settings: Settings, questions: Path, console: Console) -> Figures:
    """Measure the shipped bot, trained first if its files have changed, on lines of `text`, `asks_for_human`.

    Raises:
        BatonError: the file has something else in it, or Rasa failed.
    """
    lines = read_lines(questions, "asks_for_human", (bool,))
    understood, _ = understand(settings, lines, model=train_bot(settings, console))
    return measure_human_request(understood, lines)


def understand(
    settings: Settings,
    messages: Sequence[Line],
    *,
    examples: Sequence[Line] | None = None,
    config: Path = PIPELINE,
    model: Path | None = None,
) -> tuple[list[Understood], float | None]:
    """Have Rasa understand the messages with a trained model, or train one on `examples`, which takes the seconds.

    A training follows the pipeline of `config`.

    Raises:
        BatonError: Rasa's environment is missing, or it failed; the message has its last line.
    """
    if not settings.rasa_python.exists():
        raise BatonError(f"Rasa's Python is not at {settings.rasa_python}: run `make setup`, or set BATON_RASA_PYTHON.")
    with tempfile.TemporaryDirectory(prefix="baton-evaluate-") as folder:
        source, output = _write(Path(folder, "messages.jsonl"), messages, "text"), Path(folder, "understood.json")
        command = [str(settings.rasa_python), str(ROOT / "bot" / "understand.py")]
        command += ["--messages", str(source), "--output", str(output)]
        if examples is not None:
            command += ["--examples", str(_write(Path(folder, "examples.jsonl"), examples, "text", "intent"))]
            command += ["--config", str(config)]
        else:
            command += ["--model", str(model)]
        environment = build_bot_environment(settings)
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL
        )
        if done.returncode or not output.exists():
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            raise BatonError(f"The messages could not be understood: {said[-1]}")
        found = json.loads(output.read_text(encoding="utf-8"))
    return [Understood(**one) for one in found["messages"]], found["training_s"]


def measure_understanding(understood: Sequence[Understood], intents: Sequence[str | None]) -> Figures:
    """Compare with what was meant. Figures of what is not in the test (nothing out of scope, say) are None."""
    known = np.array([intent is not None for intent in intents])
    right = np.array([one.best == intent for one, intent in zip(understood, intents, strict=True)])
    kept = np.array([one.intent is not None for one in understood])
    scores = np.array([one.in_scope for one in understood])
    times_ms = np.array([one.time_ms for one in understood])
    has_both = bool(known.any() and not known.all())
    # The highest threshold that keeps this share of the messages in scope.
    threshold = float(np.quantile(scores[known], 1 - KEPT_SHARE, method="lower")) if known.any() else None
    return {
        "known": int(known.sum()),
        "accuracy": _mean(right[known]),
        "accuracy_at_threshold": _mean((right & kept)[known]),
        "kept_at_threshold": _mean(kept[known]),
        "out_of_scope": int((~known).sum()),
        "auroc": compute_auroc(scores[known], scores[~known]) if has_both else None,
        "recall_at_95_percent_kept": _mean(scores[~known] < threshold) if has_both else None,
        "recall_at_threshold": _mean(~kept[~known]),
        "time_ms_median": float(np.median(times_ms)),
        "time_ms_p95": float(np.quantile(times_ms, 0.95)),
    }


def measure_human_request(understood: Sequence[Understood], lines: Sequence[Line]) -> Figures:
    """Compare with `asks_for_human`; `..._with_contact` also counts who asks for a phone number or an address."""
    asks = np.array([bool(line["asks_for_human"]) for line in lines])
    found = np.array([one.intent == PERSON for one in understood])
    wider = found | np.array([one.intent == CONTACT for one in understood])
    listed = [{"text": line["text"], "intent": one.intent} for line, one in zip(lines, understood, strict=True)]
    return {
        "messages": len(lines),
        "asking": int(asks.sum()),
        "precision": _mean(asks[found]),
        "recall": _mean(found[asks]),
        "precision_with_contact": _mean(asks[wider]),
        "recall_with_contact": _mean(wider[asks]),
        "misses": [listed[n] for n in np.flatnonzero(asks & ~found)],
        "false_alarms": [listed[n] for n in np.flatnonzero(found & ~asks)],
    }


def read_lines(path: Path, label: str, types: tuple[type, ...]) -> list[Line]:
    """Read JSON lines of `text` and a label.

    Raises:
        BatonError: a line is something else, or there is none; the message names it.
    """
    lines: list[Line] = []
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except ValueError:
            line = None
        if (
            not isinstance(line, dict)
            or not (isinstance(line.get("text"), str) and line["text"].strip())
            or not isinstance(line.get(label, ...), types)
        ):
            raise BatonError(f'{path}, line {number}: write {{"text": "...", "{label}": ...}}, the text not empty.')
        lines.append(line)
    if not lines:
        raise BatonError(f"{path} has no lines: give at least one.")
    return lines


def _write(path: Path, lines: Sequence[Line], *names: str) -> Path:
    path.write_text("".join(json.dumps({name: line[name] for name in names}) + "\n" for line in lines), "utf-8")
    return path


def _mean(values: "np.ndarray[Any, Any]") -> float | None:
    return float(values.mean()) if len(values) else None
