"""The stage of the browser tests: a scripted desk, a browser, and pages of another origin that embed the widget."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page

from .scripted_desk import ScriptedDesk

HOST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shop</title>{style}</head>
<body><main><h1>Shop</h1><p>Things to buy.</p><button type="button">Buy</button></main>
<script src="{desk}/widget.js" defer {options}></script></body></html>"""


@pytest.fixture
def desk() -> Iterator[ScriptedDesk]:
    with ScriptedDesk() as running:
        yield running


class Visitor:
    """Ada, in front of a page that embeds the widget."""

    def __init__(self, page: Page, desk: ScriptedDesk) -> None:
        self.page = page
        self.desk = desk
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console", lambda line: self.complaints.append(line.text) if line.type in ("warning", "error") else None
        )

    @property
    def window(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    @property
    def frame(self) -> Any:
        return next(frame for frame in self.page.frames if "/widget/frame" in frame.url)

    @property
    def launcher(self) -> Any:
        return self.page.locator("button.launcher")

    @property
    def draft(self) -> Any:
        return self.window.get_by_role("textbox", name="Write a message")

    def visits(self, *, options: str = "", style: str = "", page: str | None = None) -> None:
        html = (page or HOST_PAGE).format(desk=self.desk.url, options=options, style=style)
        self.desk.pages["shop"] = html
        self.page.goto(f"{self.desk.host_url}/pages/shop")
        self.page.wait_for_function("window.Baton")

    def opens(self) -> None:
        if self.launcher.get_attribute("aria-expanded") == "false":
            self.launcher.click()
        self.window.locator('.bt-status[data-phase]:not([data-phase="none"])').wait_for()

    def writes(self, text: str) -> None:
        self.draft.fill(text)
        self.draft.press("Enter")

    def bubbles(self) -> list[str]:
        texts: list[str] = self.window.locator(".bt-log .bt-bubble").all_inner_texts()
        return texts[1:]

    def sees(self, text: str) -> Any:
        found = self.window.locator(".bt-chat").get_by_text(text, exact=True).last
        found.wait_for()
        return found


@pytest.fixture
def visit(browser: Browser, desk: ScriptedDesk) -> Iterator[Callable[..., Visitor]]:
    contexts = []

    def begin(**options: Any) -> Visitor:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 820}, "locale": "en-GB", **options})
        contexts.append(context)
        return Visitor(context.new_page(), desk)

    yield begin
    for context in contexts:
        context.close()


@pytest.fixture
def ada(visit: Callable[..., Visitor]) -> Visitor:
    return visit()
