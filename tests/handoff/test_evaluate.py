"""`baton evaluate` from the command line: what a person sees of a wrong file."""

import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from handoff import cli, evaluate
from handoff.cli import main
from handoff.errors import BatonError
from knowledge_base.evaluation.measures import Outcome, measure
from knowledge_base.evaluation.report import BATON, Evaluation


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


@pytest.mark.parametrize("name", ["[/x]", "[bold", "half \ud800", "back\\"])
def test_a_message_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    shown = Console(highlight=False, width=200, record=True, file=io.StringIO())
    monkeypatch.setattr(cli, "console", shown)
    (tmp_path / "questions.jsonl").write_text('{"question": "a", "slugs": ["a"]}\n')
    articles = [{"slug": "a", "title": "A", "language": "en"}, {"slug": name, "title": " "}]
    (tmp_path / "articles.jsonl").write_text("\n".join(map(json.dumps, articles)))
    code, _ = run(
        monkeypatch, tmp_path, "search",
        "--articles", str(tmp_path / "articles.jsonl"), "--questions", str(tmp_path / "questions.jsonl"),
    )  # fmt: skip
    assert code == 1
    expected = name.replace("\ud800", "?")
    assert f'line 2: the article "{expected}" has no title, no body and no phrasings.' in shown.export_text()


def test_every_command_prints_a_message_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Console(highlight=False, width=400, record=True, file=io.StringIO())
    monkeypatch.setattr(cli, "console", shown)

    def fail() -> None:
        raise BatonError("There is no [/file] \udcff.")

    monkeypatch.setattr(cli, "read_settings", fail)
    assert CliRunner().invoke(main, ["refit"]).exit_code == 1
    assert "baton: There is no [/file] ?." in shown.export_text()


def test_kinds_may_have_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Console(highlight=False, width=200, record=True, file=io.StringIO())
    monkeypatch.setattr(evaluate, "console", shown)
    outcomes = [Outcome(True, 1, 0.9, "answer", "[/c]"), Outcome(False, 0, 0.1, "unsure", "[/c]")]
    measured = measure(outcomes, target_error=0.05)
    found = Evaluation(1, {BATON: outcomes}, {BATON: measured}, {"[/c]": measured}, 1.0, ("[/note]",))
    evaluate._show(found, is_json=False, plot=None)
    assert "[/c]" in shown.export_text()


@pytest.mark.parametrize("share", ["nan", "-0.1", "inf"])
def test_a_target_error_is_a_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, share: str) -> None:
    (tmp_path / "x.jsonl").write_text('{"question": "a", "slugs": ["a"]}\n')
    code, output = run(
        monkeypatch, tmp_path, "answers", "--questions", str(tmp_path / "x.jsonl"), "--target-error", share
    )
    assert code == 2
    assert f"{share} is not in the range 0<=x<=1" in output


def test_answers_need_a_knowledge_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "questions.jsonl").write_text('{"question": "a", "slugs": ["a"]}\n')
    code, output = run(monkeypatch, tmp_path, "answers", "--questions", str(tmp_path / "questions.jsonl"))
    assert code == 1
    assert "There is no knowledge base at" in output + " ".join(capsys.readouterr().out.split())
