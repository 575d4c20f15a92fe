"""The cast of the editor's browser tests: a scripted desk, its server, and pages in the system's Chromium."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.editor.scripted_desk import DeskServer, ScriptedDesk

PHONE = (390, 844)
# What Chromium reports though it is meant: refused requests, and handlers in HTML that is only parsed, never shown.
EXPECTED_PROBLEMS = (
    "Failed to load resource: the server responded with a status of 4",
    "Executing inline event handler violates the following Content Security Policy directive",
)

OpenPage = Callable[..., Any]


@pytest.fixture
def desk() -> ScriptedDesk:
    return ScriptedDesk()


@pytest.fixture
def address(desk: ScriptedDesk) -> Iterator[str]:
    server = DeskServer(desk)
    yield server.url
    server.close()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[OpenPage]:
    """Open a page: `open_page("/editor", size=(w, h), scheme="dark")`. Errors in the page fail the test."""
    contexts: list[Any] = []
    problems: list[str] = []

    def open_one(
        path: str, *, size: tuple[int, int] = (1440, 900), scheme: str = "light", has_scripts: bool = True
    ) -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
            java_script_enabled=has_scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: note_problem(problems, message))
        page.goto(address + path)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert problems == []


def note_problem(problems: list[str], message: Any) -> None:
    if message.type == "error" and not message.text.startswith(EXPECTED_PROBLEMS):
        problems.append(message.text)
