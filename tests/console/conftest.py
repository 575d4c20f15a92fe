"""The cast of the console's browser tests: a scripted desk, its address, and pages in the system's Chromium."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.console.desk_server import DeskServer, run_desk

# Counts tones instead of hearing them. In the page before its own scripts.
COUNT_TONES = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  window.tones.push(this.frequency.value);
  return start.apply(this, when);
};
"""

OpenPage = Callable[..., Any]


@pytest.fixture
def desk() -> DeskServer:
    return DeskServer()


@pytest.fixture
def address(desk: DeskServer) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with run_desk(desk) as address:
        yield address


@pytest.fixture
def problems() -> list[str]:
    """What the page complained of; must be empty at the end of each test."""
    return []


@pytest.fixture
def open_console(browser: Any, address: str, problems: list[str]) -> Iterator[OpenPage]:
    """Open the console: `open_console(size=(w, h), scheme="dark")`. Errors in the page fail the test."""
    contexts: list[Any] = []

    def open_page(*, size: tuple[int, int] = (1440, 900), scheme: str = "light", path: str = "/console") -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        contexts.append(context)
        context.add_init_script(COUNT_TONES)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: note_problem(problems, message))
        page.goto(address + path)
        page.wait_for_selector(".switch[aria-checked=true]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def note_problem(problems: list[str], message: Any) -> None:
    # A test that cuts the line makes the browser complain about the socket; that is the point of it.
    if message.type == "error" and "WebSocket" not in message.text:
        problems.append(message.text)
