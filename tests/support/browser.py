"""The system's Chromium under Playwright, one for the whole run, and the few gestures that the stories share."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright

CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # As in people's browsers: no sound before a gesture.
    "--autoplay-policy=user-gesture-required",
]


def chromium_path() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError("Chromium is not installed: sudo apt-get install chromium")


PATIENCE_S = 30.0
"""What a page is to show may take this long on a busy machine: as long as Playwright gives an action by itself."""


@contextmanager
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGS)
        try:
            yield browser
        finally:
            browser.close()


def widget_frame(page: Page) -> FrameLocator:
    """Find the widget's iframe, which lies in a shadow root of the host page."""
    return page.frame_locator("iframe[src*='/widget/frame']")
