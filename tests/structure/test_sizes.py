"""Modules and functions stay small enough to be read in one sitting, and no large file is tracked."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_MAX_LINES = 400
FUNCTION_MAX_LINES = 50
PACKAGES = ("handoff", "knowledge_base", "bot")


def python_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def functions_of(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from the first statement after the docstring; functions inside are measured on their own."""
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    inner = sum(
        (node.end_lineno or 0) - node.lineno + 1
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 - inner


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_MAX_LINES
    for function in functions_of(ast.parse(text)):
        assert body_lines(function) <= FUNCTION_MAX_LINES, f"{function.name} has {body_lines(function)} lines"


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree)
