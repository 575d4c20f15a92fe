"""The whole story in real browsers over the real stack: bot, knowledge base, queue, operator, reload, hand-back,
rating.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.support.browser import widget_frame
from tests.support.stack import Stack
from tests.support.website import Website

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.slow]

COUNT_TONES = """
window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...args) { window.tones += 1; return start.apply(this, args); };
"""


@pytest.fixture
def website(login_gov: Stack) -> Iterator[Website]:
    with Website(login_gov.base_url) as website:
        yield website


def console_of(browser: Browser, stack: Stack, name: str) -> tuple[BrowserContext, Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "baton_session", "value": stack.session(name), "url": stack.base_url}])
    page = context.new_page()
    page.add_init_script(COUNT_TONES)
    page.goto(f"{stack.base_url}/console")
    expect(page.get_by_role("switch")).to_be_visible()
    return context, page


def ask(chat: FrameLocator, text: str) -> None:
    box = chat.get_by_role("textbox", name="Write a message")
    box.fill(text)
    box.press("Enter")
    expect(chat.locator(".bt-bubble", has_text=text).first).to_be_visible()


def texts_of_log(chat: FrameLocator) -> list[str]:
    return chat.locator(".bt-bubble, .bt-card-title, .bt-notice").all_inner_texts()


def test_visitor_is_answered_handed_to_a_person_and_back(login_gov: Stack, browser: Browser, website: Website) -> None:
    operator_context, console = console_of(browser, login_gov, "Grace")
    visitor_context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = visitor_context.new_page()
    page.goto(f"{website.url}/my-account")
    page.get_by_role("button", name=re.compile("chat|support", re.IGNORECASE)).first.click()
    chat = widget_frame(page)

    # Three real questions in a visitor's own words find the right articles.
    for question, title in [
        ("i want to get rid of my account for good, how?", re.compile("Delet", re.IGNORECASE)),
        ("why does it say my account is locked", re.compile("locked", re.IGNORECASE)),
        ("got a new phone number, how do i change it here", re.compile("phone number", re.IGNORECASE)),
    ]:
        shown = chat.locator(".bt-card-title").count()
        ask(chat, question)
        expect(chat.locator(".bt-card-title").nth(shown)).to_have_text(title)
    chat.get_by_role("group", name="Did this help?").last.get_by_role("button", name="Yes").click()
    expect(chat.get_by_text("You said that this helped.")).to_be_visible()

    # No article answers this: the bot says so and offers a person.
    ask(chat, "which pizza oven should I buy for my garden")
    expect(chat.locator(".bt-choice", has_text="Talk to a person").last).to_be_visible()

    # The operator hears and sees the wish for a person.
    console.locator("body").click()
    tones = console.evaluate("window.tones")
    waiting = int((re.match(r"\((\d+)\)", console.title()) or [0, 0])[1])
    ask(chat, "can i speak to a real human please")
    expect(chat.locator(".bt-notice").last).to_contain_text("get you a person")
    row = console.locator(".row", has_text="real human")
    expect(row).to_be_visible()
    expect(console).to_have_title(re.compile(rf"^\({waiting + 1}\)"))
    console.wait_for_function("before => window.tones > before", arg=tones)

    # Claim; transcript, brief and tried articles are there.
    row.click()
    console.get_by_role("button", name="Claim").first.click()
    expect(chat.get_by_text("Grace joined the chat.")).to_be_visible()
    transcript = console.locator("[data-region=transcript]")
    expect(transcript).to_contain_text("get rid of my account")
    expect(transcript).to_contain_text("pizza oven")
    brief = console.locator("[data-region=side]")
    expect(brief).to_contain_text("Asked for a person")
    expect(brief).to_contain_text("pizza oven")
    expect(brief).to_contain_text(re.compile("phone number", re.IGNORECASE))
    expect(brief).to_contain_text("My Account")

    # Both chat; the visitor's page is reloaded in the middle and nothing is lost or doubled.
    reply = console.locator("[data-region=composer] textarea")
    reply.fill("Hello, Grace here. What do you need?")
    reply.press("Enter")
    expect(chat.get_by_text("Hello, Grace here. What do you need?")).to_be_visible()
    ask(chat, "nice, a person")
    expect(transcript).to_contain_text("nice, a person")
    before = texts_of_log(chat)
    page.reload()
    chat = widget_frame(page)
    if not chat.get_by_role("textbox", name="Write a message").is_visible():
        page.get_by_role("button", name=re.compile("chat|support", re.IGNORECASE)).first.click()
    expect(chat.get_by_text("nice, a person")).to_be_visible()
    assert texts_of_log(chat) == before
    reply.fill("Take your time.")
    reply.press("Enter")
    expect(chat.get_by_text("Take your time.")).to_have_count(1)

    # Back to the bot, which goes on answering; the visitor rates the chat.
    console.get_by_role("button", name="Return to bot").first.click()
    expect(chat.get_by_text("The assistant is back.")).to_be_visible()
    cards = chat.locator(".bt-card-title").count()
    ask(chat, "how do i change my password")
    expect(chat.locator(".bt-card-title").nth(cards)).to_have_text(re.compile("password", re.IGNORECASE))
    chat.get_by_role("button", name="More options").click()
    chat.get_by_role("button", name="Rate this chat").or_(
        chat.get_by_role("menuitem", name="Rate this chat")
    ).first.click()
    chat.locator("input[type=radio][value='5']").check(force=True)
    chat.get_by_role("button", name="Send rating").click()
    expect(chat.get_by_text("You rated this chat 5 of 5.")).to_be_visible()
    visitor_context.close()
    operator_context.close()


def test_published_change_is_answered_from_at_once(login_gov: Stack, browser: Browser, website: Website) -> None:
    editor = login_gov.api(login_gov.session("Edith", "editor"))
    article = {
        "language": "en",
        "title": "Bring your own badge reader",
        "body": "Plug the **zebra reader** into a USB port and wait for the green light.",
        "tags": [],
        "phrasings": ["how do i connect a zebra badge reader"],
    }
    created = editor.post("/api/articles", json=article, headers={"Origin": login_gov.base_url}).json()
    question = {"question": "how do i connect a zebra badge reader"}
    before = editor.post("/api/search", json=question).json()
    assert created["slug"] not in [result["slug"] for result in before["results"]]
    published = editor.post(f"/api/articles/en/{created['slug']}/publish", json={})
    assert published.status_code == 200
    context = browser.new_context()
    page = context.new_page()
    page.goto(website.url)
    page.get_by_role("button", name=re.compile("chat|support", re.IGNORECASE)).first.click()
    chat = widget_frame(page)
    ask(chat, "how do i connect a zebra badge reader?")
    expect(chat.locator(".bt-card-title")).to_have_text("Bring your own badge reader")
    expect(chat.locator(".bt-passage strong")).to_have_text("zebra reader")
    context.close()
    editor.close()
