"""`make screenshots`: README's pictures of widget, console and editor, taken from the running product over the demo
articles.
"""

import re
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.support.browser import chromium, widget_frame
from tests.support.processes import ROOT
from tests.support.stack import Stack

FOLDER = ROOT / "handoff" / "web" / "screenshots"


def open_chat(page: Page) -> None:
    page.get_by_role("button", name=re.compile("chat|support", re.IGNORECASE)).first.click()


def ask(page: Page, text: str, *, then: str) -> None:
    chat = widget_frame(page)
    box = chat.get_by_role("textbox", name="Write a message")
    box.fill(text)
    box.press("Enter")
    chat.locator(then).last.wait_for()
    page.wait_for_timeout(1_200)


def staff_page(browser: Browser, stack: Stack, name: str, role: str, path: str) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "baton_session", "value": stack.session(name, role), "url": stack.base_url}])
    page = context.new_page()
    page.goto(f"{stack.base_url}{path}")
    return page


def take(stack: Stack, browser: Browser) -> None:
    console = staff_page(browser, stack, "Grace", "operator", "/console")
    editor = staff_page(browser, stack, "Edith", "editor", "/editor#/en/browser-not-secure")
    site = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    site.goto(f"{stack.base_url}/demo/")
    open_chat(site)
    ask(site, "my site shows a certificate warning, what now?", then=".bt-card, .bt-choice")
    site.screenshot(path=FOLDER / "widget.png")
    ask(site, "it still does. can i talk to somebody?", then=".bt-notice")
    row = console.locator(".row", has_text="talk to somebody")
    row.click()
    console.get_by_role("button", name="Claim").first.click()
    reply = console.locator("[data-region=composer] textarea")
    reply.fill("Hello, Grace here. Which address do you see the warning on?")
    reply.press("Enter")
    ask(site, "shop.brambleandco.example", then=".bt-bubble")
    console.wait_for_timeout(1_000)
    console.screenshot(path=FOLDER / "console.png")
    editor.wait_for_timeout(2_000)
    editor.screenshot(path=FOLDER / "editor.png")


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        stack.start()
        try:
            with chromium() as browser:
                take(stack, browser)
        finally:
            stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
