"""Lets the real pipeline understand messages, one at a time as visitors send them. Runs in Rasa's Python.

    python bot/understand.py --messages FILE --output FILE (--examples FILE [--config FILE] | --model PATH)

Messages are lines of {"text"}, examples lines of {"text", "intent"}: with them a model is trained with the pipeline
of config.yml, or of another file, in memory's place of the shipped one. The output is one JSON object: `training_s`
(null for a model that is there) and `messages`, in order: `intent` (null: below the threshold), `best` and `confidence`
(of the best intent, whatever the threshold says), `time_ms` on the clock, the encoding included. An intent of null
among the examples is out of scope, and stands as null in `best` as well.
"""

# ruff: noqa: T201  (standard error is the interface of this script)

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

BOT_FOLDER = Path(__file__).resolve().parent
FALLBACK = "nlu_fallback"
# The first messages wait for connections and caches, which a running bot has long had.
WARM_UP = ("hello", "how do i pay?", "i want to talk to somebody")


def main() -> int:
    parser = argparse.ArgumentParser(description="Understand messages.")
    parser.add_argument("--messages", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--examples", type=Path, help="train a model on these")
    source.add_argument("--model", type=Path, help="use this model")
    parser.add_argument("--config", type=Path, default=BOT_FOLDER / "config.yml", help="the pipeline to train")
    arguments = parser.parse_args()
    # As an exception it ends the encoder and removes the folders, too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    messages, output = _read_lines(arguments.messages), arguments.output.resolve()
    config = arguments.config.resolve()
    examples = _read_lines(arguments.examples) if arguments.examples else None
    model = arguments.model.resolve() if arguments.model else None
    _prepare_environment()
    from components.encoder import EncoderUnreachable

    try:
        with _provide_encoder(), tempfile.TemporaryDirectory() as folder:
            names: Dict[str, Any] = {}
            training_s = None
            if examples is not None:
                model, names, training_s = train(examples, config, Path(folder))
            understood = asyncio.run(understand([str(line["text"]) for line in messages], model, names))
    except (EncoderUnreachable, ValueError) as exc:
        print(f"understanding failed: {exc}", file=sys.stderr)
        return 1
    output.write_text(json.dumps({"training_s": training_s, "messages": understood}), encoding="utf-8")
    return 0


def train(examples: List[dict], config: Path, folder: Path) -> Tuple[Path, Dict[str, Optional[str]], float]:
    """Train the pipeline of a configuration; gives the model, the intents by their names in it, and the seconds.

    Plain names stay, as the configuration may name them; the model has names of its own for the others, since some
    characters and names mean something to Rasa.

    Raises:
        ValueError: there is nothing to learn from.
    """
    import rasa.model_training

    intents = list(dict.fromkeys(line["intent"] for line in examples))
    if len(intents) < 2:
        raise ValueError(f"the examples have {len(intents)} intent(s): give two or more")
    names = {intent if _is_plain(intent) else f"intent {number}": intent for number, intent in enumerate(intents)}
    name_of = {intent: name for name, intent in names.items()}
    # JSON, because in YAML brackets in a sentence would be read as entities.
    common = [{"text": line["text"], "intent": name_of[line["intent"]], "entities": []} for line in examples]
    data = folder / "examples.json"
    data.write_text(json.dumps({"rasa_nlu_data": {"common_examples": common}}), encoding="utf-8")
    started = time.perf_counter()
    trained = rasa.model_training.train_nlu(str(config), str(data), str(folder / "models"))
    if not trained:
        raise ValueError("Rasa trained nothing of the examples")
    return Path(trained), names, time.perf_counter() - started


def _is_plain(intent: Optional[str]) -> bool:
    return intent is not None and intent != FALLBACK and re.fullmatch(r"[a-z]+(_[a-z]+)*", intent) is not None


async def understand(texts: List[str], model: Path, names: Dict[str, Optional[str]]) -> List[dict]:
    """Understand one text after the other; `names` as `train` gives them, empty to keep the model's own."""
    from components.channel import guard_message
    from rasa.core.agent import load_agent

    agent = await load_agent(model_path=str(model))
    if not agent.is_ready():
        raise ValueError(f"{model} is no model that this Rasa can load")
    for text in WARM_UP:
        await agent.parse_message(text)
    understood = []
    for text in texts:
        started = time.perf_counter()
        parsed = await agent.parse_message(guard_message(text))
        time_ms = (time.perf_counter() - started) * 1000
        understood.append({**_describe(parsed, names), "time_ms": round(time_ms, 2)})
    return understood


def _describe(parsed: dict, names: Dict[str, Optional[str]]) -> dict:
    ranking = [one for one in parsed["intent_ranking"] if one["name"] != FALLBACK]
    best = ranking[0] if ranking else {"name": FALLBACK, "confidence": 0.0}
    intent = parsed["intent"]["name"]
    return {
        "intent": None if intent == FALLBACK else names.get(intent, intent),
        "best": names.get(best["name"], best["name"]),
        "confidence": best["confidence"],
        # Of the best that is not out of scope: how surely the message is one of the others.
        "in_scope": next((one["confidence"] for one in ranking if names.get(one["name"], "") is not None), 0.0),
    }


@contextlib.contextmanager
def _provide_encoder() -> Iterator[None]:
    from components.encoder import run_encoder

    if os.environ.get("BATON_KB_URL"):
        yield
        return
    with run_encoder() as place:
        os.environ.update(place)
        yield


def _prepare_environment() -> None:
    from train import build_environment

    # Without Rasa's own cache, which would make a second training look quick.
    os.environ.update(build_environment(), RASA_MAX_CACHE_SIZE="0")
    # config.yml names components relative to this folder.
    os.chdir(BOT_FOLDER)
    import logging
    import warnings

    warnings.showwarning = lambda *_, **__: None
    from rasa.utils.log_utils import configure_structlog

    logging.disable(logging.WARNING)
    configure_structlog(logging.ERROR)


def _read_lines(path: Path) -> List[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


if __name__ == "__main__":
    sys.exit(main())
