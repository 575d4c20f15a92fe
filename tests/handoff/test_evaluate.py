"""`baton evaluate` from the command line: what a person sees of a wrong file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff.cli import main


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("BATON_DATA_DIR", str(tmp_path / "var"))
    result = CliRunner().invoke(main, ["evaluate", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_a_bad_line_is_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "articles.jsonl").write_text('{"slug": "a", "title": "A"}\n{"title": "B"}\n')
    (tmp_path / "questions.jsonl").write_text('{"question": "a", "slugs": ["a"]}\n')
    code, output = run(
        monkeypatch, tmp_path, "search",
        "--articles", str(tmp_path / "articles.jsonl"), "--questions", str(tmp_path / "questions.jsonl"),
    )  # fmt: skip
    assert code == 1
    shown = output + " ".join(capsys.readouterr().out.split())
    assert 'articles.jsonl, line 2: an article needs a "slug".' in shown


def test_answers_need_a_knowledge_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "questions.jsonl").write_text('{"question": "a", "slugs": ["a"]}\n')
    code, output = run(monkeypatch, tmp_path, "answers", "--questions", str(tmp_path / "questions.jsonl"))
    assert code == 1
    assert "There is no knowledge base at" in output + " ".join(capsys.readouterr().out.split())
