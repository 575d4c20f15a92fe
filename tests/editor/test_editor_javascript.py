"""Runs the JavaScript tests of the editor and the small pages, and checks what their modules must never do."""

from pathlib import Path

import pytest

from tests.support.node import check_module, run_javascript_tests

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "handoff" / "web"
FOLDERS = ("editor", "people", "sign_in", "help")


def list_files(suffix: str) -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (WEB / "static" / folder).glob(f"*{suffix}"))


def test_javascript_tests_pass() -> None:
    run_javascript_tests(*sorted(HERE.glob("*.test.mjs")))


@pytest.mark.parametrize("path", list_files(".js"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_module_is_short_and_never_parses_markup_into_the_page(path: Path) -> None:
    check_module(path)


@pytest.mark.parametrize("name", ["editor", "people", "sign_in", "join"])
def test_page_holds_no_inline_script_or_style(name: str) -> None:
    text = (WEB / "pages" / f"{name}.html").read_text()
    assert "<style" not in text
    assert " style=" not in text
    assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src=')


@pytest.mark.parametrize("path", list_files(".css"), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_sheet_has_no_important_rule(path: Path) -> None:
    assert "!important" not in path.read_text()
