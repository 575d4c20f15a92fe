"""Understanding with sentence vectors: the figures of `baton evaluate`, the real pipeline on foreign data, and what
becomes of a message whose vector cannot be had.
"""

import importlib
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handoff.errors import BatonError
from handoff.understanding import (
    Understood,
    measure_human_request,
    measure_understanding,
    read_lines,
)
from knowledge_base.evaluation.measures import compute_auroc
from tests.bot.conftest import BOT_FOLDER, MODELS_FOLDER, ROOT, Ada
from tests.bot.scripted_knowledge_base import TOKEN, ScriptedKnowledgeBase

PATIENCE_S = 30


def said(intent: str | None, best: str | None = None, in_scope: float = 0.9) -> Understood:
    return Understood(intent, best or intent, in_scope, in_scope, 5.0)


def test_figures_of_a_test_with_messages_out_of_scope():
    understood = [said("pay"), said("ship", in_scope=0.8), said(None, "pay", 0.3), said(None, "pay", 0.2), said("pay")]
    found = measure_understanding(understood, ["pay", "pay", "pay", None, None])
    assert (found["known"], found["out_of_scope"]) == (3, 2)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["accuracy_at_threshold"] == pytest.approx(1 / 3)
    assert found["kept_at_threshold"] == pytest.approx(2 / 3)
    # Of six pairs the one of 0.2 loses to all three; the one of 0.9 ties with one and wins twice.
    assert found["auroc"] == pytest.approx(3.5 / 6)
    assert found["recall_at_95_percent_kept"] == 0.5
    assert found["recall_at_threshold"] == 0.5
    assert found["time_ms_median"] == 5.0


def test_a_test_with_nothing_out_of_scope_has_no_figures_for_it():
    found = measure_understanding([said("pay"), said("ship")], ["pay", "ship"])
    assert found["accuracy"] == 1
    assert (found["auroc"], found["recall_at_95_percent_kept"], found["recall_at_threshold"]) == (None, None, None)


@pytest.mark.parametrize(
    ("above", "below", "expected"), [([3, 4], [1, 2], 1), ([1], [2], 0), ([1, 1], [1], 0.5), ([1, 3], [2], 0.5)]
)
def test_auroc(above: list[float], below: list[float], expected: float):
    import numpy as np

    assert compute_auroc(np.array(above), np.array(below)) == expected


def test_figures_of_requests_for_a_person_list_what_was_missed():
    lines = [{"text": text, "asks_for_human": asks} for text, asks in (("a", True), ("b", True), ("c", False))]
    found = measure_human_request([said("ask_for_person"), said("ask_for_contact"), said("ask_for_person")], lines)
    assert (found["precision"], found["recall"]) == (0.5, 0.5)
    assert (found["precision_with_contact"], found["recall_with_contact"]) == (pytest.approx(2 / 3), 1)
    assert found["misses"] == [{"text": "b", "intent": "ask_for_contact"}]
    assert found["false_alarms"] == [{"text": "c", "intent": "ask_for_person"}]


@pytest.mark.parametrize(
    "line", ["no json", '{"text": "x"}', '{"text": "", "intent": "a"}', '{"text": "x", "intent": 3}', "[]", ""]
)
def test_a_line_that_is_no_example_is_named(tmp_path: Path, line: str):
    file = tmp_path / "lines.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(BatonError, match=r"lines\.jsonl"):
        read_lines(file, "intent", (str, type(None)))


@pytest.fixture
def encoder_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The bot's own module, which needs nothing of Rasa."""
    monkeypatch.syspath_prepend(str(BOT_FOLDER))
    return importlib.import_module("components.encoder")


@pytest.mark.parametrize("trouble", ["status_500", "garbage", "wrong_shape", "hang", "trickle"])
def test_encoder_gives_up_in_time_whatever_is_wrong(
    encoder_module: Any, knowledge_base: ScriptedKnowledgeBase, trouble: str
):
    knowledge_base.will_fail(trouble, is_embedding=False)
    encoder = encoder_module.Encoder(knowledge_base.url, TOKEN, encoder_module.DEFAULT_MODEL, timeout_s=1.0)
    with closing(encoder), pytest.raises(encoder_module.EncoderUnreachable):
        encoder.encode(["hello"])


@pytest.mark.slow
def test_vectors_of_another_model_are_refused(encoder_module: Any, knowledge_base: ScriptedKnowledgeBase):
    encoder = encoder_module.Encoder(knowledge_base.url, TOKEN, "some-other-model", timeout_s=60)
    with closing(encoder), pytest.raises(encoder_module.EncoderUnreachable, match="train again"):
        encoder.encode(["hello"])


@pytest.mark.parametrize(
    ("text", "sent"), [("  hi ", "hi"), (" " * 2500 + "hi", ""), ("x" * 2500, "x" * 2000), ("a\ud800b", "a?b")]
)
def test_a_message_is_sent_as_a_search_would_send_it(encoder_module: Any, text: str, sent: str):
    assert encoder_module.prepare_text(text) == sent


# Names and sentences that mean something to Rasa, or to the formats that it reads.
STRANGE = {
    "nlu_fallback": ["where is my [parcel](thing)", "my parcel is late", "track the parcel", "parcel not here"],
    "pay/by+card": ["can i pay by card", "pay with a credit card", "which cards do you take", "- card payment"],
    "out_of_scope": ["the printer is jammed", "paper jam in the printer", "printer shows a jam", "{printer} jam"],
    " nach Hause 🙂": ["/restart the router", "the router is off", "router has no light", "restart my router"],
}


@pytest.mark.slow
@pytest.mark.parametrize("has_nulls", [False, True], ids=["all known", "some out of scope"])
def test_real_pipeline_learns_any_intents_there_are(rasa_python: Path, tmp_path: Path, has_nulls: bool):
    examples = [{"text": text, "intent": intent} for intent, texts in STRANGE.items() for text in texts]
    tests = [
        {"text": "where's the parcel", "intent": "nlu_fallback"},
        {"text": "paying by card", "intent": "pay/by+card"},
        {"text": "my printer has a paper jam", "intent": "out_of_scope"},
        {"text": "/restart my router", "intent": " nach Hause 🙂"},
    ]
    if has_nulls:
        examples += [{"text": text, "intent": None} for text in ("who won the match", "sing a song", "is it raining")]
        tests += [{"text": "will it rain today", "intent": None}]
    baselines = () if has_nulls else ("diet", "embedding")
    found = run_evaluation(tmp_path, examples, tests, *baselines)
    assert list(found["baselines"]) == list(baselines)
    for figures in found["baselines"].values():
        assert (figures["known"], figures["accuracy"] > 0.5, figures["training_s"] > 0) == (4, True, True)
    assert (found["known"], found["intents"], found["accuracy"]) == (4, 4, 1)
    assert (found["auroc"] is None) is not has_nulls
    assert found["training_s"] > 0
    assert found["time_ms_median"] > 0


def run_evaluation(folder: Path, examples: list[dict], tests: list[dict], *baselines: str) -> dict:
    for name, lines in (("train", examples), ("test", tests)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    command = [sys.executable, "-m", "handoff.cli", "evaluate", "understanding", "--json"]
    command += ["--train", str(folder / "train.jsonl"), "--test", str(folder / "test.jsonl")]
    command += [part for name in baselines for part in ("--baseline", name)]
    environment = {**os.environ, "BATON_DATA_DIR": str(folder), "BATON_MODELS_DIR": str(MODELS_FOLDER)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_message_without_its_vector_is_not_understood_and_the_next_one_is(
    ada: Ada, knowledge_base: ScriptedKnowledgeBase
):
    assert ada.says("hello")[0]["intent"] == "greeting"
    knowledge_base.will_fail("garbage", is_embedding=False)
    payloads = ada.says("good morning everybody")
    assert payloads[0]["intent"] == "nlu_fallback"
    assert [payload["type"] for payload in payloads[1:]] == ["handoff"]
    assert payloads[1]["reason"] == "bot_failed"
    knowledge_base.will_be_unsure()
    await_understanding(ada)


@pytest.mark.slow
def test_knowledge_base_that_hangs_holds_up_one_message_and_not_the_next(
    ada: Ada, knowledge_base: ScriptedKnowledgeBase
):
    knowledge_base.will_fail("hang", is_embedding=False)
    assert ada.says("hello")[0]["intent"] == "nlu_fallback"
    knowledge_base.will_be_unsure()
    await_understanding(replace(ada, conversation="another"))


def await_understanding(ada: Ada) -> None:
    """Wait until the bot asks for vectors again, so that the next test finds it well."""
    gives_up_at = time.monotonic() + PATIENCE_S
    while ada.says("good evening")[0]["intent"] != "greeting":
        assert time.monotonic() < gives_up_at, "the bot does not recover"
        time.sleep(0.2)


@pytest.mark.slow
def test_training_again_encodes_only_what_is_new(rasa_python: Path, tmp_path: Path):
    """The vectors of the first call stand on disk; the second has no Python to start an encoder with."""
    code = (
        "from components.encoder import DEFAULT_MODEL, EncoderUnreachable, encode_for_training\n"
        "import sys\n"
        "try:\n    print(encode_for_training(sys.argv[1:], DEFAULT_MODEL).shape)\n"
        "except EncoderUnreachable as exc:\n    print('unreachable', exc)\n"
    )

    def encode(*texts: str, python: str) -> str:
        cache = tmp_path / "new" / "cache.sqlite"
        environment = {**os.environ, "BATON_EMBEDDING_CACHE": str(cache), "BATON_PYTHON": python}
        environment.pop("BATON_KB_URL", None)
        command = [str(rasa_python), "-c", code, *texts]
        return subprocess.run(
            command, cwd=BOT_FOLDER, env=environment, capture_output=True, text=True, check=True, timeout=300
        ).stdout

    assert encode("one", "two", "one", python=sys.executable) == "(3, 384)\n"
    assert encode("two", "one", python="/nowhere/python") == "(2, 384)\n"
    assert encode("two", "three", python="/nowhere/python").startswith("unreachable")
