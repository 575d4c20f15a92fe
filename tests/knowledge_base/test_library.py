"""The library alone, as its README shows it: ten lines that index a folder and answer a question."""

import re
import shutil
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
def test_the_example_answers_its_question(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    (folder,) = re.findall(r'read_articles\("([^"]+)"\)', example)
    # Some of the articles: encoding all of them takes a busy machine minutes.
    (tmp_path / folder / "en").mkdir(parents=True)
    for name in ("mail-iphone", "mail-android", "payment-failed", "refunds", "cron-jobs"):
        shutil.copy(REPOSITORY / folder / "en" / f"{name}.md", tmp_path / folder / "en")
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n{example}"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert re.match(r"(?:answer|clarify) \d+% .*(?:phone|iPhone|Android)", ran.stdout), ran.stdout
