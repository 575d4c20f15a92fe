"""The library alone, as its README shows it: ten lines that index a folder and answer a question."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.knowledge_base.conftest import REPOSITORY

README = (REPOSITORY / "knowledge_base" / "README.md").read_text()


def test_the_example_has_ten_lines() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len([line for line in example.split("\n") if line.strip()]) <= 10


@pytest.mark.slow
def test_the_example_answers_its_question_as_it_is_printed_in_an_empty_folder(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    for _ in ("first", "again"):
        ran = subprocess.run(
            [sys.executable, "-c", example],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        assert re.match(r"(?:answer|clarify) \[\('\d+%', 'Set up mail on a phone', 'Add an account", ran.stdout), (
            ran.stdout
        )
