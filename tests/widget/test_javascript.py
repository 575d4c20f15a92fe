"""Runs the widget's own tests under Node, and checks what no unit test sees: sizes and forbidden constructs."""

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.support.node import run_javascript_tests

HERE = Path(__file__).parent
WIDGET = HERE.parents[1] / "widget"
FRAMES = HERE.parent / "fixtures" / "frames"
SCRIPTS = sorted(WIDGET.glob("*.js"))
SHEETS = sorted([*WIDGET.glob("*.css"), *WIDGET.glob("demo/*.css")])
RARE = {"polling_socket.js"}  # loaded only where the network blocks WebSockets
WINDOW = [
    path
    for path in [*SCRIPTS, WIDGET / "frame.css", WIDGET / "frame.html"]
    if path.name != "loader.js" and path.name not in RARE
]

LOADER_MAX_BYTES = 5 * 1024
WINDOW_MAX_BYTES = 30 * 1024
POLLING_MAX_BYTES = 4 * 1024
MODULE_MAX_LINES = 300


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/|^\s*//.*$", "", source, flags=re.DOTALL | re.MULTILINE)


def packed_bytes(paths: list[Path]) -> int:
    """Add up what a browser receives: each file is packed by itself."""
    return sum(len(gzip.compress(path.read_bytes(), 9, mtime=0)) for path in paths)


@pytest.mark.parametrize("path", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_node_tests_pass(path: Path) -> None:
    run_javascript_tests(path)


def test_loader_keeps_its_budget() -> None:
    assert packed_bytes([WIDGET / "loader.js"]) <= LOADER_MAX_BYTES


def test_window_keeps_its_budget_in_every_language() -> None:
    languages = [path for path in WINDOW if path.name.startswith("texts_")]
    others = [path for path in WINDOW if path not in languages]
    assert len(languages) == 4
    for language in languages:
        assert packed_bytes([*others, language]) <= WINDOW_MAX_BYTES, language.name


def test_what_polls_keeps_its_budget_and_is_loaded_at_need_only() -> None:
    assert packed_bytes([WIDGET / "polling_socket.js"]) <= POLLING_MAX_BYTES
    importers = [path for path in SCRIPTS if "polling_socket.js" in path.read_text()]
    assert [path.name for path in importers] == ["chat.js"]
    assert 'await import("./polling_socket.js")' in importers[0].read_text()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_use_nothing_forbidden(path: Path) -> None:
    source = without_comments(path.read_text())
    for forbidden in (
        r"\b(inner|outer)HTML\b",
        r"insertAdjacentHTML",
        r"document\.write",
        r"\beval\(|new Function\b",
        r"""postMessage\([^;]*["']\*["']""",
        r"\.on(message|click|close|open|error)\s*=",
        r"\bvar\s",
    ):
        assert not re.search(forbidden, source), forbidden
    assert len(path.read_text().splitlines()) <= MODULE_MAX_LINES
    if path.name != "loader.js":
        assert "!important" not in source


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_sheets_use_no_ids_and_force_nothing(path: Path) -> None:
    source = without_comments(path.read_text())
    selectors = re.sub(r"\{[^{}]*\}", "{}", source)
    assert not re.search(r"#[\w-]", selectors)
    assert "!important" not in source
    physical = r"[{;\s](margin|padding|border|inset)-(left|right|top|bottom)\s*:|[{;\s](left|right|width|height)\s*:"
    assert not re.search(physical, source)
    assert "style=" not in "".join(page.read_text() for page in WIDGET.rglob("*.html"))


def test_pages_have_no_inline_script() -> None:
    for page in WIDGET.rglob("*.html"):
        for attributes, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", page.read_text(), re.DOTALL):
            assert "src=" in attributes, page
            assert not body.strip(), page
        assert not re.search(r"\son\w+=", page.read_text()), page


def test_every_class_of_the_window_has_its_rule_and_every_rule_its_class() -> None:
    sheet = (WIDGET / "frame.css").read_text()
    ruled = set(re.findall(r"\.(bt-[\w-]+)", sheet))
    used = set()
    for path in [*SCRIPTS, WIDGET / "frame.html"]:
        used |= set(re.findall(r"(?<![-\w])bt-(?!accent)[\w-]+(?<!-)", path.read_text()))
    assert ruled - used - {"bt-item--own", "bt-item--other"} == set()


def test_every_module_is_preloaded() -> None:
    page = (WIDGET / "frame.html").read_text()
    modules = {path.name for path in SCRIPTS} - {"loader.js", "frame.js", *RARE}
    assert set(re.findall(r'modulepreload" href="([\w.]+)"', page)) == {
        name for name in modules if not name.startswith("texts_")
    }


def test_every_frame_has_a_fixture() -> None:
    found = {path.stem for path in FRAMES.glob("visitor_*.json")}
    sends = "hello post feedback choose ask_person leave_contact rate typing page beat"
    sees = "welcome ack error typing status beat"
    kinds = (
        "visitor_message bot_message operator_message article_shown clarification_offered article_chosen "
        "feedback_given escalated operator_claimed operator_released returned_to_bot resolved reopened "
        "chat_rated contact_left"
    )
    wanted = {f"visitor_sends_{name}" for name in sends.split()} | {f"visitor_sees_{name}" for name in sees.split()}
    assert wanted <= found
    assert {f"visitor_sees_event_{kind}" for kind in kinds.split()} <= found
    for name in found:
        frame = json.loads((FRAMES / f"{name}.json").read_text())
        assert re.match(rf"visitor_(sends|sees)_{frame['type']}", name)
