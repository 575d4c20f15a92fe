"""Widget and console in real browsers behind a proxy that refuses WebSockets: nobody notices."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.support.browser import PATIENCE_S, widget_frame
from tests.support.desk_server import DeskServer
from tests.support.no_websockets import NoWebSockets
from tests.support.scripted import ScriptedBot, ScriptedKnowledgeBase
from tests.support.website import Website

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture(scope="module")
def desk_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    with ScriptedBot() as bot, ScriptedKnowledgeBase() as knowledge_base:
        server = DeskServer(tmp_path_factory.mktemp("desk"), bot, knowledge_base)
        server.start()
        yield server
        assert server.process is not None
        server.process.stop()


@pytest.fixture
def proxy(desk_server: DeskServer) -> Iterator[NoWebSockets]:
    with NoWebSockets(desk_server.base_url) as proxy:
        yield proxy


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    yield context
    context.close()


def open_sockets(page: Page) -> list[str]:
    """Note each WebSocket of the page that a frame comes through, by its path."""
    heard: list[str] = []

    def note(url: str) -> None:
        if url not in heard:
            heard.append(url)

    page.on("websocket", lambda ws: ws.on("framereceived", lambda _: note(ws.url)))
    return heard


def console_page(context: BrowserContext, desk: DeskServer, proxy: NoWebSockets) -> Page:
    context.add_cookies([{"name": "baton_session", "value": desk.session("Grace"), "url": proxy.base_url}])
    return context.new_page()


@pytest.fixture
def ada(context: BrowserContext, proxy: NoWebSockets) -> Iterator[Page]:
    with Website(proxy.base_url) as website:
        page = context.new_page()
        page.goto(f"{website.url}/my-account")
        yield page
        page.close()


def opens_chat(page: Page) -> FrameLocator:
    page.get_by_role("button", name=re.compile("chat|support", re.IGNORECASE)).first.click()
    return widget_frame(page)


def writes(chat: FrameLocator, text: str) -> None:
    box = chat.get_by_role("textbox", name="Write a message")
    box.fill(text)
    box.press("Enter")
    expect(chat.locator(".bt-item--own .bt-bubble", has_text=text)).to_be_visible()


def bubbles(chat: FrameLocator) -> list[str]:
    return chat.locator(".bt-log .bt-bubble").all_inner_texts()


def test_chat_goes_both_ways_without_a_websocket(
    context: BrowserContext, desk_server: DeskServer, proxy: NoWebSockets, ada: Page
) -> None:
    console = console_page(context, desk_server, proxy)
    console.goto(f"{proxy.base_url}/console")
    expect(console.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    chat = opens_chat(ada)
    writes(chat, "is anybody there")
    expect(chat.locator(".bt-item--other .bt-bubble")).to_have_count(2)
    chat.get_by_role("button", name=re.compile("person", re.IGNORECASE)).first.click()

    row = console.locator(".row", has_text="Asked for a person")
    expect(row).to_be_visible()
    row.click()
    console.get_by_role("button", name="Claim").first.click()
    expect(chat.get_by_text("Grace joined the chat.")).to_be_visible()

    transcript = console.locator("[data-region=transcript]")
    reply = console.locator("[data-region=composer] textarea")
    for number in range(3):
        reply.fill(f"from Grace {number}")
        reply.press("Enter")
        expect(chat.locator(".bt-bubble", has_text=f"from Grace {number}")).to_be_visible()
        writes(chat, f"from Ada {number}")
        expect(transcript.locator(".bubble", has_text=f"from Ada {number}")).to_be_visible()
    said = [f"from {name} {number}" for number in range(3) for name in ("Grace", "Ada")]
    assert bubbles(chat)[-6:] == said
    assert transcript.locator(".bubble").all_inner_texts()[-6:] == said
    expect(chat.locator(".bt-item--waiting")).to_have_count(0)
    expect(console.locator("[data-region=banner]")).to_be_hidden()
    assert proxy.refused >= 4


def test_restart_of_the_server_is_survived_on_polls(desk_server: DeskServer, proxy: NoWebSockets, ada: Page) -> None:
    chat = opens_chat(ada)
    writes(chat, "before")
    expect(chat.locator(".bt-item--waiting")).to_have_count(0)
    assert desk_server.process is not None
    desk_server.process.kill()
    expect(chat.get_by_text("Reconnecting. What you write is kept.")).to_be_visible()
    writes(chat, "in between")
    desk_server.start()
    expect(chat.get_by_text("Reconnecting. What you write is kept.")).to_have_count(0)
    writes(chat, "after")
    expect(chat.locator(".bt-item--waiting")).to_have_count(0)
    own = chat.locator(".bt-item--own .bt-bubble").all_inner_texts()
    assert own == ["before", "in between", "after"]


def test_network_that_lets_websockets_through_again_gets_them(
    context: BrowserContext, desk_server: DeskServer, proxy: NoWebSockets, ada: Page
) -> None:
    console = console_page(context, desk_server, proxy)
    heard = {"widget": open_sockets(ada), "console": open_sockets(console)}
    console.goto(f"{proxy.base_url}/console")
    expect(console.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    chat = opens_chat(ada)
    writes(chat, "by polls")
    expect(chat.locator(".bt-item--other .bt-bubble")).to_have_count(2)
    assert heard == {"widget": [], "console": []}

    proxy.lets_sockets_through = True
    for frame in [*ada.frames, console.main_frame]:
        frame.evaluate("window.dispatchEvent(new Event('online'))")
    desk_socket = proxy.base_url.replace("http", "ws") + "/ws/"
    until = time.monotonic() + PATIENCE_S
    while not all(heard.values()) and time.monotonic() < until:
        ada.wait_for_timeout(50)
        console.wait_for_timeout(50)
    assert heard == {"widget": [f"{desk_socket}visitor"], "console": [f"{desk_socket}operator"]}

    polls: list[str] = []
    for page in (ada, console):
        page.on("request", lambda asked: polls.append(asked.url) if asked.url.endswith("/poll") else None)
    writes(chat, "by socket")
    expect(console.locator(".row", has_text="Hello!").first).to_be_visible()
    expect(chat.locator(".bt-item--waiting")).to_have_count(0)
    own = chat.locator(".bt-item--own .bt-bubble").all_inner_texts()
    assert own == ["by polls", "by socket"]
    assert polls == []
