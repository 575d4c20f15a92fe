"""Rasa's own conversation tests, bot/tests/test_stories.yml: what is understood and which action follows."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.bot.conftest import BOT_FOLDER

pytestmark = pytest.mark.slow

TIMEOUT_S = 600


def test_rasas_own_conversation_tests_pass(rasa_python: Path, model: Path, tmp_path: Path):
    command = [str(rasa_python), "-W", "ignore", "-m", "rasa", "test", "core", "--stories", "tests", "--no-plot"]
    command += ["--model", str(model), "--out", str(tmp_path), "--fail-on-prediction-errors"]
    environment = {
        **os.environ,
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        # endpoints.yml names both; the stories reach neither.
        "BATON_ACTIONS_PORT": "1",
        "BATON_TRACKER_DATABASE": str(tmp_path / "tracker.sqlite"),
    }
    tested = subprocess.run(
        command, cwd=BOT_FOLDER, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert tested.returncode == 0, tested.stderr[-3000:]
    stories = yaml.safe_load((BOT_FOLDER / "tests/test_stories.yml").read_text())["stories"]
    report = yaml.safe_load((tmp_path / "story_report.json").read_text())
    assert report["conversation_accuracy"]["correct"] == len(stories) >= 10
