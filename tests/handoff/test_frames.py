"""The example frames in tests/fixtures/frames, which the browsers' tests read too, are what the server takes and
gives.
"""

import json
from pathlib import Path

import msgspec
import pytest

from handoff.events import AnyBody
from handoff.protocol import decode_operator_frame, decode_visitor_frame

FRAMES = Path(__file__).resolve().parents[1] / "fixtures" / "frames"
SENT_BY_VISITORS = sorted(FRAMES.glob("visitor_sends_*.json"))
SENT_BY_OPERATORS = sorted(FRAMES.glob("operator_sends_*.json"))
EVENTS = sorted(FRAMES.glob("operator_sees_event_*.json"))


@pytest.mark.parametrize("path", SENT_BY_VISITORS, ids=lambda path: path.stem)
def test_what_the_widget_sends_is_a_visitors_frame(path: Path) -> None:
    frame = decode_visitor_frame(path.read_text())
    assert frame.__struct_config__.tag == json.loads(path.read_text())["type"]


@pytest.mark.parametrize("path", SENT_BY_OPERATORS, ids=lambda path: path.stem)
def test_what_the_console_sends_is_an_operators_frame(path: Path) -> None:
    frame = decode_operator_frame(path.read_text())
    assert frame.__struct_config__.tag == json.loads(path.read_text())["type"]


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_what_the_console_is_shown_is_an_event_of_the_log(path: Path) -> None:
    frame = json.loads(path.read_text())
    body = msgspec.convert(frame["body"] | {"kind": frame["kind"]}, AnyBody)
    assert body.__struct_config__.tag == frame["kind"]


def test_each_frame_and_each_kind_has_an_example() -> None:
    def tags(union: object) -> set[str]:
        return {str(kind.__struct_config__.tag) for kind in union.__args__}  # type: ignore[attr-defined]

    from handoff.protocol import OperatorFrame, VisitorFrame

    assert {path.stem.removeprefix("visitor_sends_") for path in SENT_BY_VISITORS} >= tags(VisitorFrame)
    assert {path.stem.removeprefix("operator_sends_") for path in SENT_BY_OPERATORS} >= tags(OperatorFrame)
    assert {path.stem.removeprefix("operator_sees_event_") for path in EVENTS} >= tags(AnyBody)
