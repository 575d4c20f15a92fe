"""Runs the console's own JavaScript tests, and checks the frames that Python and JavaScript both read."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import check_module, run_javascript_tests

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATIC = ROOT / "handoff" / "web" / "static"
FRAMES = ROOT / "tests" / "fixtures" / "frames"

SENT = {
    "hello": set(),
    "watch": {"conversation_id", "cursor"},
    "unwatch": {"conversation_id"},
    "claim": {"client_id", "conversation_id", "epoch"},
    "release": {"client_id", "conversation_id", "epoch"},
    "resolve": {"client_id", "conversation_id", "epoch"},
    "return_to_bot": {"client_id", "conversation_id", "epoch"},
    "transfer": {"client_id", "conversation_id", "epoch", "to"},
    "post": {"client_id", "conversation_id", "epoch", "text"},
    "note": {"client_id", "conversation_id", "text"},
    "typing": {"conversation_id", "is_typing"},
    "set_available": {"is_available"},
    "beat": set(),
}
SEEN = {"welcome", "conversation", "event", "brief", "ack", "error", "typing", "people", "beat"}


def read_frames(prefix: str) -> dict[str, dict[str, Any]]:
    paths = sorted(FRAMES.glob(f"{prefix}*.json"))
    return {path.stem.removeprefix(prefix): json.loads(path.read_text()) for path in paths}


def console_modules() -> list[Path]:
    return sorted([*(STATIC / "console").glob("*.js"), *(STATIC / "shared").glob("*.js")])


def test_javascript_tests_pass() -> None:
    run_javascript_tests(*sorted(HERE.glob("*.test.mjs")))


def test_every_frame_that_the_console_sends_has_a_fixture_with_its_fields() -> None:
    frames = read_frames("operator_sends_")
    assert set(frames) == set(SENT)
    for name, fields in SENT.items():
        assert set(frames[name]) == {"type", *fields}, name
        assert frames[name]["type"] == name


def test_every_frame_that_the_console_sees_has_a_fixture() -> None:
    frames = read_frames("operator_sees_")
    assert {frame["type"] for frame in frames.values()} == SEEN
    for name, frame in frames.items():
        expected = f"event_{frame['kind']}" if frame["type"] == "event" else frame["type"]
        assert name == expected


@pytest.mark.parametrize("path", console_modules(), ids=lambda path: path.name)
def test_module_is_short_and_never_parses_markup_into_the_page(path: Path) -> None:
    check_module(path)
