"""The widget in a real browser, embedded by a page of another origin, against a scripted desk."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .scripted_desk import ScriptedDesk

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ARTICLE = {"slug": "mail", "language": "en", "title": "Set up mail", "revision": 3, "url": "/help/en/mail"}
HTML = "<p>Open <strong>Settings</strong>.</p><table><tr><th>Port</th><td><code>993</code></td></tr></table>"
PASSAGE = {"id": 1, "heading": "", "text": "Open Settings.", "html": HTML}
EVIL = "<img src=x onerror=\"top.hacked=1;parent.postMessage('hacked','*')\"><script>window.hacked=1</script>"
HOSTILE = "<style>* { all: unset; font-size: 40px !important; color: red !important; display: block !important; \
background: lime !important; } div, button, iframe { width: 900px !important; position: static !important }</style>"


def show_card(desk: ScriptedDesk, **passage: Any) -> None:
    body = {"question": "mail", "text": "This should do it.", "article": ARTICLE, "passage": {**PASSAGE, **passage}}
    desk.say("article_shown", "bot", body)


def show_everything(desk: ScriptedDesk) -> None:
    """A log with one of each, that ends with a chat which may be rated."""
    desk.phase = "resolved"
    desk.say("visitor_message", "visitor", {"text": "My mail is late"}, client_id="one-of-adas")
    show_card(desk)
    options = [{"slug": slug, "language": "en", "title": f"About {slug}", "url": f"/help/en/{slug}"} for slug in "ab"]
    desk.say("clarification_offered", "bot", {"question": "q", "text": "Which one?", "options": options})
    desk.say("escalated", "system", {"reason": "asked_for_person", "text": "", "is_staffed": True})
    desk.say("operator_claimed", "operator", {})
    desk.say("operator_message", "operator", {"text": "Hello, see https://fernhill.example/late."})
    desk.say("resolved", "operator", {})


def test_a_visitor_asks_and_sees_the_answer_once(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.writes("Where is my mail?")
    post = desk.wait_for("post")[0]
    desk.say("bot_message", "bot", {"text": "In your inbox.", "offer": None})
    ada.sees("In your inbox.")
    assert ada.bubbles() == ["Where is my mail?", "In your inbox."]
    assert post["text"] == "Where is my mail?"
    assert desk.frames("hello")[0]["page"] == {"url": f"{desk.host_url}/pages/shop", "title": "Shop", "referrer": ""}
    assert ada.complaints == [] or all("favicon" in line or "404" in line for line in ada.complaints)


def test_nothing_is_loaded_before_the_first_open(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    expect(ada.launcher).to_be_visible()
    assert ada.page.locator("iframe").count() == 0
    assert desk.received == []


def test_hostile_styles_of_the_page_change_nothing(visit: Callable[..., Any], desk: ScriptedDesk) -> None:
    looks = []
    for style in ("", HOSTILE):
        ada = visit()
        ada.visits(style=style)
        ada.opens()
        box = ada.launcher.bounding_box()
        panel = ada.page.locator(".panel").bounding_box()
        colour = ada.launcher.evaluate("node => getComputedStyle(node).backgroundColor")
        size = ada.window.locator(".bt-title").evaluate("node => getComputedStyle(node).fontSize")
        ada.page.mouse.move(5, 5)
        ada.page.wait_for_timeout(300)
        looks.append((ada.launcher.bounding_box(), ada.page.locator(".panel").bounding_box(), colour, size))
        assert box
        assert panel
    assert looks[0] == looks[1]


def test_the_page_keeps_its_own_styles(ada: Any) -> None:
    ada.visits()
    before = ada.page.locator("h1").evaluate("node => JSON.stringify(getComputedStyle(node))")
    ada.opens()
    assert ada.page.locator("h1").evaluate("node => JSON.stringify(getComputedStyle(node))") == before
    assert ada.page.evaluate("Object.keys(window).filter(name => /baton/i.test(name))") == ["Baton"]


def test_focus_goes_in_and_comes_back(ada: Any, desk: ScriptedDesk) -> None:
    show_card(desk)
    ada.visits()
    ada.launcher.focus()
    ada.page.keyboard.press("Enter")
    expect(ada.draft).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(ada.launcher).to_be_focused()
    expect(ada.page.locator(".panel")).to_be_hidden()
    ada.page.get_by_role("button", name="Buy").focus()
    ada.page.evaluate("Baton.open()")
    expect(ada.draft).to_be_focused()
    ada.page.keyboard.press("Escape")
    expect(ada.page.get_by_role("button", name="Buy")).to_be_focused()


def test_tab_goes_from_top_to_bottom(ada: Any, desk: ScriptedDesk) -> None:
    desk.phase = "bot"
    show_card(desk)
    ada.visits()
    ada.opens()
    ada.sees("Set up mail")
    ada.draft.fill("so the button is enabled")
    ada.window.get_by_role("button", name="More options").focus()
    order = []
    for _ in range(9):
        script = "() => { const node = document.activeElement; return node.ariaLabel || node.textContent.trim() }"
        order.append(ada.frame.evaluate(script))
        ada.page.keyboard.press("Tab")
    read = "Read the whole article (opens in a new tab)"
    expected = ["More options", "Close chat", "Messages", read, "Yes", "No", "Talk to a person", "Write a message"]
    assert order == [*expected, "Send"]


def test_feedback_becomes_a_quiet_line_that_keeps_the_focus(ada: Any, desk: ScriptedDesk) -> None:
    show_card(desk)
    ada.visits()
    ada.opens()
    ada.window.get_by_role("button", name="No", exact=True).click()
    line = ada.sees("You said that this did not help.")
    expect(line).to_be_focused()
    frame = desk.wait_for("feedback")[0]
    assert (frame["seq"], frame["helpful"]) == (1, False)


def test_an_option_is_chosen_once(ada: Any, desk: ScriptedDesk) -> None:
    desk.phase = "bot"
    options = [{"slug": slug, "language": "en", "title": f"About {slug}", "url": f"/help/en/{slug}"} for slug in "ab"]
    desk.say("clarification_offered", "bot", {"question": "q", "text": "Which one?", "options": options})
    ada.visits()
    ada.opens()
    ada.window.get_by_role("button", name="About a").click()
    assert desk.wait_for("choose")[0]["slug"] == "a"
    assert ada.bubbles() == ["Which one?", "About a"]
    expect(ada.window.get_by_role("button", name="About b")).to_have_count(0)
    expect(ada.window.get_by_role("link", name="About b")).to_have_attribute("rel", "noopener")


def test_asking_for_a_person_ends_when_the_desk_has_heard(ada: Any, desk: ScriptedDesk) -> None:
    desk.is_deaf = True
    ada.visits()
    ada.opens()
    ada.window.get_by_role("button", name="Talk to a person").click()
    ada.sees("Asking for a person…")
    asked = desk.wait_for("ask_person")[0]
    escalated = {"reason": "asked_for_person", "text": "A person has been asked to join.", "is_staffed": True}
    desk.say("escalated", "system", escalated, client_id=asked["client_id"])
    ada.sees("A person has been asked to join.")
    expect(ada.window.get_by_text("Asking for a person…")).to_have_count(0)


def test_an_address_keeps_its_own_brackets_and_no_others(ada: Any, desk: ScriptedDesk) -> None:
    desk.say(
        "operator_message", "operator", {"text": "(see https://a.example/Mail_(late)), https://a.example/b?c=(d)!"}
    )
    ada.visits()
    ada.opens()
    links = ada.window.locator(".bt-bubble a")
    links.first.wait_for()
    assert links.all_inner_texts() == ["https://a.example/Mail_(late)", "https://a.example/b?c=(d)"]
    assert ada.bubbles() == ["(see https://a.example/Mail_(late)), https://a.example/b?c=(d)!"]


def test_nobody_there_means_a_form_and_a_receipt(ada: Any, desk: ScriptedDesk) -> None:
    desk.is_staffed = False
    ada.visits()
    ada.page.evaluate("Baton.setVisitor({name: 'Ada', email: ''})")
    ada.opens()
    ada.window.get_by_role("button", name="Talk to a person").click()
    desk.wait_for("ask_person")
    desk.set_status("queue", is_staffed=False)
    form = ada.window.get_by_role("form", name="Leave message")
    expect(form.get_by_label("Name")).to_have_value("Ada")
    form.get_by_label("E-mail").fill("no address")
    form.get_by_role("button", name="Leave message").click()
    expect(form.get_by_role("alert")).to_have_text("Enter an e-mail address such as ada@example.com.")
    expect(form.get_by_label("E-mail")).to_be_focused()
    form.get_by_label("E-mail").fill("ada@example.com")
    form.get_by_label("Message").fill("Please write.")
    form.get_by_role("button", name="Leave message").click()
    assert desk.wait_for("leave_contact")[0]["message"] == "Please write."
    ada.sees("Thank you. We will answer to ada@example.com.")
    expect(form).to_have_count(0)


def test_rating_is_a_group_of_radio_buttons(ada: Any, desk: ScriptedDesk) -> None:
    show_everything(desk)
    ada.visits()
    ada.opens()
    group = ada.window.get_by_role("group", name="How was this chat?")
    group.get_by_role("radio", name="3").focus()
    ada.page.keyboard.press("ArrowRight")
    ada.page.keyboard.press("Space")
    ada.window.get_by_label("Anything to add?").fill("Kind.")
    ada.window.get_by_role("button", name="Send rating").click()
    frame = desk.wait_for("rate")[0]
    assert (frame["score"], frame["comment"]) == (4, "Kind.")
    ada.sees("You rated this chat 4 of 5. Thank you.")


def test_an_operator_is_named_and_typing_is_shown(ada: Any, desk: ScriptedDesk) -> None:
    desk.phase = "queue"
    desk.say("escalated", "system", {"reason": "frustrated", "text": "", "is_staffed": True})
    ada.visits()
    ada.opens()
    ada.sees("You're in the queue")
    desk.say("operator_claimed", "operator", {}, name="Grace")
    ada.sees("Grace is with you")
    desk.send({"type": "typing", "author": {"kind": "operator", "name": "Grace"}, "is_typing": True})
    ada.sees("Grace is typing")
    desk.say("operator_message", "operator", {"text": "Hello."}, name="Grace")
    ada.sees("Hello.")
    expect(ada.window.get_by_text("Grace is typing")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing(visit: Callable[..., Any], desk: ScriptedDesk, theme: str, size: str) -> None:
    show_everything(desk)
    ada = visit(color_scheme=theme, **(PHONE if size == "phone" else {}))
    ada.visits()
    assert Axe().run(ada.page).response["violations"] == []
    ada.opens()
    ada.sees("How was this chat?")
    ada.page.wait_for_timeout(400)
    found = Axe().run(ada.frame).response
    assert found["violations"] == []
    assert found["passes"]
    ada.window.get_by_role("button", name="More options").click()
    assert Axe().run(ada.frame).response["violations"] == []


@pytest.mark.parametrize("page", ["", "mail.html", "domains.html"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_demonstration_site(
    visit: Callable[..., Any], desk: ScriptedDesk, page: str, theme: str
) -> None:
    ada = visit(color_scheme=theme)
    ada.page.goto(f"{desk.url}/demo/{page}")
    ada.page.wait_for_function("window.Baton")
    assert Axe().run(ada.page).response["violations"] == []
    assert not [line for line in ada.complaints if "favicon" not in line and "404" not in line]


def test_dark_follows_the_system_and_the_option_wins(visit: Callable[..., Any], desk: ScriptedDesk) -> None:
    def paper_of(ada: Any) -> str:
        ada.opens()
        return str(ada.frame.evaluate("getComputedStyle(document.body).backgroundColor"))

    ada = visit(color_scheme="dark")
    ada.visits()
    dark = paper_of(ada)
    assert dark == "rgb(22, 25, 31)"
    ada.page.emulate_media(color_scheme="light")
    ada.page.wait_for_timeout(100)
    assert ada.frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    forced = visit(color_scheme="light")
    forced.visits(options='data-theme="dark"')
    assert paper_of(forced) == dark


def test_what_anybody_writes_stays_text(ada: Any, desk: ScriptedDesk) -> None:
    desk.say("visitor_message", "visitor", {"text": EVIL}, client_id="evil-one-1")
    desk.say("operator_claimed", "operator", {}, name=EVIL)
    desk.say("operator_message", "operator", {"text": EVIL + " javascript:alert(1)"}, name=EVIL)
    body = {"question": EVIL, "text": EVIL, "article": {**ARTICLE, "title": EVIL, "url": "javascript:top.hacked=1"}}
    evil_html = (
        EVIL
        + '<p style="position:fixed" onclick="hacked=1" id="x">Safe <b>words</b></p><svg onload="hacked=1"></svg>'
        + '<a href="javascript:top.hacked=1">bad</a><a href=" data:text/html,x">worse</a>'
        + '<a href="/help/en/b" target="_self" onclick="hacked=1">good</a>'
        + '<iframe srcdoc="x"></iframe><form><input></form>'
    )
    desk.say("article_shown", "bot", {**body, "passage": {**PASSAGE, "html": evil_html}})
    options = [{"slug": "a", "language": "en", "title": EVIL, "url": "javascript:top.hacked=1"}]
    desk.say("clarification_offered", "bot", {"question": "q", "text": EVIL, "options": options})
    desk.phase, desk.operator = "operator", {"name": EVIL}
    ada.visits(options='data-title="&lt;b&gt;Title&lt;/b&gt;" data-greeting="&lt;i&gt;Hello&lt;/i&gt;"')
    ada.opens()
    ada.sees("<i>Hello</i>")
    ada.window.locator(".bt-card").wait_for()
    ada.page.wait_for_timeout(300)
    assert ada.page.evaluate("window.hacked") is None
    assert ada.frame.evaluate("window.hacked") is None
    assert ada.bubbles()[0] == EVIL
    log = ada.window.locator(".bt-log")
    assert log.locator("script, img, iframe, form, input, [style], [onclick], [onerror], [id]").count() == 0
    card = ada.window.locator(".bt-passage")
    assert "words" in card.inner_text()
    assert card.get_by_role("link", name="good").get_attribute("href") == f"{desk.url}/help/en/b"
    assert log.locator('a[href^="javascript"], a[href^="data"]').count() == 0
    assert all(link.get_attribute("rel") == "noopener" for link in log.locator("a[href]").all())


def test_links_of_a_passage_start_from_its_article(ada: Any, desk: ScriptedDesk) -> None:
    show_card(desk, html='<p><a href="#ports">below</a> <a href="phone">beside</a> <a href="/help/en/b">far</a></p>')
    ada.visits()
    ada.opens()
    links = ada.window.locator(".bt-passage a")
    links.first.wait_for()
    targets = [link.get_attribute("href") for link in links.all()]
    assert targets == [f"{desk.url}/help/en/{page}" for page in ("mail#ports", "phone", "b")]


def test_a_message_lost_on_the_way_is_sent_again_and_shown_once(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    desk.is_deaf = True
    ada.writes("Hello?")
    first = desk.wait_for("post")[0]
    assert desk.log == []
    desk.is_deaf = False
    desk.drop(4008)
    again = desk.wait_for("post", 2)[1]
    assert again == first
    expect(ada.window.locator(".bt-item--waiting")).to_have_count(0)
    assert ada.bubbles() == ["Hello?"]
    assert [event["client_id"] for event in desk.log] == [first["client_id"]]


def test_an_acknowledgement_lost_on_the_way_makes_no_second_message(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    desk.is_deaf = True
    ada.writes("Hello?")
    post = desk.wait_for("post")[0]
    with desk._lock:
        sockets, desk._sockets = desk._sockets, []
        desk.say("visitor_message", "visitor", {"text": "Hello?"}, client_id=post["client_id"])
        desk._sockets = sockets
    desk.is_deaf = False
    desk.drop(4008)
    desk.wait_for("hello", 2)
    expect(ada.window.locator(".bt-item--waiting")).to_have_count(0)
    assert ada.bubbles() == ["Hello?"]
    assert len(desk.log) == 1


def test_what_was_missed_comes_with_the_cursor(ada: Any, desk: ScriptedDesk) -> None:
    desk.say("bot_message", "bot", {"text": "one", "offer": None})
    ada.visits()
    ada.opens()
    ada.sees("one")
    desk.is_down = True
    desk.drop(4011)
    ada.window.get_by_text("Reconnecting. What you write is kept.").wait_for()
    desk.say("bot_message", "bot", {"text": "two", "offer": None})
    desk.is_down = False
    ada.sees("two")
    assert ada.bubbles() == ["one", "two"]
    assert desk.frames("hello")[-1]["cursor"] == 1
    expect(ada.window.get_by_text("Reconnecting. What you write is kept.")).to_have_count(0)


def test_a_message_written_offline_survives_a_reload(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.writes("first")
    ada.sees("first")
    expect(ada.window.locator(".bt-item--waiting")).to_have_count(0)
    desk.is_deaf = True
    ada.writes("second")
    lost = desk.wait_for("post", 2)[1]
    ada.draft.fill("half a th")
    desk.is_deaf = False
    ada.page.reload()
    ada.page.wait_for_function("window.Baton")
    assert desk.wait_for("post", 3)[2] == lost
    ada.opens()
    ada.sees("second")
    assert ada.bubbles() == ["first", "second"]
    assert ada.draft.input_value() == "half a th"
    assert desk.frames("hello")[1]["token"] == "token-1"


def test_an_answer_that_came_meanwhile_stands_on_the_button(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.writes("Hello?")
    ada.sees("Hello?")
    ada.page.keyboard.press("Escape")
    expect(ada.launcher).to_have_attribute("aria-expanded", "false")
    desk.say("bot_message", "bot", {"text": "Here.", "offer": None})
    expect(ada.launcher).to_have_attribute("aria-label", "Chat with us (1)")
    assert ada.page.title() == "(1) Shop"
    ada.page.reload()
    expect(ada.launcher).to_have_attribute("aria-label", "Chat with us (1)")
    ada.opens()
    ada.page.keyboard.press("Escape")
    expect(ada.launcher).to_have_attribute("aria-label", "Chat with us")
    assert ada.page.title() == "Shop"


def test_another_log_epoch_starts_afresh(ada: Any, desk: ScriptedDesk) -> None:
    desk.say("bot_message", "bot", {"text": "old", "offer": None})
    ada.visits()
    ada.opens()
    ada.sees("old")
    desk.log.clear()
    desk.log_epoch = "epoch-2"
    desk.say("bot_message", "bot", {"text": "new", "offer": None})
    desk.drop(4008)
    ada.sees("new")
    assert ada.bubbles() == ["new"]


def test_a_final_close_says_so_and_can_be_resumed(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    desk.drop(4010)
    ada.window.get_by_role("button", name="Continue here").click()
    desk.wait_for("hello", 2)
    expect(ada.draft).to_be_enabled()


def test_reset_makes_a_new_visitor(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.writes("secret")
    ada.sees("secret")
    desk.log.clear()
    ada.page.evaluate("Baton.reset()")
    desk.wait_for("hello", 2)
    expect(ada.window.get_by_text("secret")).to_have_count(0)
    assert desk.frames("hello")[1]["cursor"] == 0


def test_reset_holds_though_the_old_visitor_was_just_asked_for(ada: Any, desk: ScriptedDesk) -> None:
    held: list[Any] = []
    ada.visits()
    place = f"localStorage['baton:{desk.url}/']"
    ada.page.evaluate(f"{place} = JSON.stringify({{ token: 'of-who-signed-out' }})")
    ada.page.route("**/api/visitor/session", lambda route: route.continue_() if held else held.append(route))
    with ada.page.expect_request("**/api/visitor/session"):
        ada.page.reload()
    ada.page.evaluate("Baton.reset()")
    ada.page.wait_for_function(f"JSON.parse({place}).token === 'token-1'")
    with ada.page.expect_response("**/api/visitor/session"):
        held[0].continue_()
    ada.opens()
    ada.writes("Hello?")
    ada.sees("Hello?")
    assert ada.page.evaluate(f"JSON.parse({place}).token") == "token-1"


def test_two_hundred_messages_are_there_and_the_newest_is_in_view(ada: Any, desk: ScriptedDesk) -> None:
    for number in range(200):
        author, kind = ("bot", "bot_message") if number % 2 else ("visitor", "visitor_message")
        desk.say(kind, author, {"text": f"Message {number}", "offer": None}, client_id=f"client-{number}")
    ada.visits()
    started = time.monotonic()
    ada.opens()
    expect(ada.sees("Message 199")).to_be_in_viewport()
    assert time.monotonic() - started < 5
    assert len(ada.bubbles()) == 200
    assert ada.window.get_by_role("log").get_attribute("aria-live") == "off"
    desk.say("bot_message", "bot", {"text": "News", "offer": None})
    ada.sees("News")
    assert ada.window.get_by_role("log").get_attribute("aria-live") == "polite"


def test_reading_older_messages_is_not_interrupted(ada: Any, desk: ScriptedDesk) -> None:
    for number in range(60):
        desk.say("bot_message", "bot", {"text": f"Message {number}", "offer": None})
    ada.visits()
    ada.opens()
    ada.sees("Message 59")
    ada.page.wait_for_timeout(200)
    ada.window.locator(".bt-scroll").evaluate("node => node.scrollTop = 0")
    desk.say("bot_message", "bot", {"text": "News", "offer": None})
    jump = ada.window.get_by_role("button", name="New messages")
    jump.wait_for()
    expect(ada.window.get_by_text("News", exact=True)).not_to_be_in_viewport()
    jump.click()
    expect(ada.window.get_by_text("News", exact=True)).to_be_in_viewport()
    expect(jump).to_be_hidden()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_nothing_sticks_out(visit: Callable[..., Any], desk: ScriptedDesk, direction: str) -> None:
    endless = "Rechtsschutzversicherungsgesellschaften" * 20
    desk.phase, desk.operator = "operator", {"name": endless}
    desk.say("operator_claimed", "operator", {}, name=endless)
    desk.say("operator_message", "operator", {"text": endless + " https://a.example/" + "path/" * 90}, name=endless)
    show_card(desk, html=f"<p>{endless}</p><pre><code>{endless}</code></pre><table><tr><td>{endless}</td></tr></table>")
    ada = visit(**PHONE)
    ada.visits(options=f'data-title="{endless[:60]}"')
    ada.opens()
    ada.window.locator(".bt-card").wait_for()
    ada.frame.evaluate("direction => document.documentElement.dir = direction", direction)
    wide = ada.frame.evaluate(
        "() => [...document.querySelectorAll('.bt-chat *')].filter(node => { const box = node.getBoundingClientRect();"
        " return !node.closest('.bt-hidden, .bt-title, .bt-status') && (box.right > innerWidth + 1 || box.left < -1) })"
        ".map(node => node.className)"
    )
    assert wide == []
    assert ada.frame.evaluate("document.querySelector('.bt-scroll').scrollWidth <= innerWidth")


def test_a_phone_gets_the_whole_screen_and_a_way_back(visit: Callable[..., Any], desk: ScriptedDesk) -> None:
    ada = visit(**PHONE)
    ada.visits()
    ada.opens()
    ada.page.wait_for_timeout(300)
    assert ada.page.locator(".panel").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(ada.launcher).to_be_hidden()
    assert float(ada.draft.evaluate("node => parseFloat(getComputedStyle(node).fontSize)")) >= 16
    ada.window.get_by_role("button", name="Close chat").click()
    expect(ada.launcher).to_be_visible()


def test_enter_sends_and_shift_enter_does_not(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    heights = []
    for _ in range(8):
        heights.append(ada.draft.bounding_box()["height"])
        ada.page.keyboard.type("line")
        ada.page.keyboard.press("Shift+Enter")
    assert heights[0] < heights[4] == heights[7]
    ada.page.keyboard.press("Enter")
    assert desk.wait_for("post")[0]["text"].count("\n") == 7
    assert ada.draft.input_value() == ""


def test_too_long_is_counted_and_not_sent(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.draft.fill("x" * 4001)
    ada.window.get_by_text("1 characters too many").wait_for()
    ada.draft.press("Enter")
    expect(ada.window.get_by_role("button", name="Send")).to_be_disabled()
    ada.draft.fill("x" * 4000)
    ada.draft.press("Enter")
    assert len(desk.wait_for("post")[0]["text"]) == 4000


def test_a_refused_message_can_be_sent_again_under_its_id(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    desk.is_deaf = True
    ada.writes("Hello?")
    first = desk.wait_for("post")[0]
    desk.send({"type": "error", "code": "store_unavailable", "message": "", "client_id": first["client_id"]})
    desk.is_deaf = False
    ada.window.get_by_role("button", name="Try again").click()
    assert desk.wait_for("post", 2)[1] == first
    expect(ada.window.get_by_role("button", name="Try again")).to_have_count(0)
    assert ada.bubbles() == ["Hello?"]


def test_the_window_speaks_to_the_named_origin_only(ada: Any, desk: ScriptedDesk) -> None:
    embedding = (
        "<!doctype html><title>Page</title><script>addEventListener('message', event => (window.heard = event.data))"
        '</script><iframe src="{desk}/widget/frame?origin={origin}"></iframe>'
    )
    start = "frames[0].postMessage({type: 'baton:start', options: {}, page: {url: '', title: '', referrer: ''}}, '*')"

    def embedded_as(origin: str) -> Any:
        desk.pages["embedding"] = embedding.format(desk=desk.url, origin=origin)
        ada.page.goto(f"{desk.host_url}/pages/embedding")
        ada.page.wait_for_timeout(500)
        ada.page.evaluate(start)
        ada.page.wait_for_timeout(300)
        return ada.page.evaluate("window.heard")

    assert embedded_as("https://shop.example") is None
    assert desk.received == []
    assert embedded_as(desk.host_url)["type"].startswith("baton:")
    desk.wait_for("hello")


def test_a_moved_page_is_reported(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.page.evaluate("history.pushState({}, '', '/pages/shop?basket'); document.title = 'Basket'")
    moved = desk.wait_for("page")[0]
    assert moved == {"type": "page", "url": f"{desk.host_url}/pages/shop?basket", "title": "Basket"}


def test_an_unreachable_desk_says_so(ada: Any, desk: ScriptedDesk) -> None:
    ada.page.route(re.compile("/widget/frame"), lambda route: route.abort())
    ada.page.clock.install()
    ada.visits()
    ada.launcher.click()
    ada.page.clock.run_for(13_000)
    expect(ada.page.get_by_role("alert")).to_have_text("The chat cannot be reached.")


def test_the_browser_language_is_spoken(visit: Callable[..., Any]) -> None:
    ada = visit(locale="de-DE")
    ada.visits()
    ada.launcher.click()
    ada.window.get_by_role("button", name="Mit einem Menschen sprechen").wait_for()
    assert ada.frame.evaluate("document.documentElement.lang") == "de"


def test_a_question_of_the_form_can_be_skipped_by_keyboard(ada: Any, desk: ScriptedDesk) -> None:
    ada.visits()
    ada.opens()
    ada.writes("my site is down")
    desk.set_status("bot", is_staffed=False)
    ada.sees("my site is down")
    desk.say("detail_asked", "bot", {"field": "since_when", "text": "Since when?", "skip_text": "Skip"})
    skip = ada.window.get_by_role("button", name="Skip", exact=True)
    skip.wait_for()
    skip.focus()
    ada.page.keyboard.press("Enter")
    assert [frame["text"] for frame in desk.wait_for("post", 2)] == ["my site is down", "Skip"]
    expect(ada.window.get_by_role("button", name="Skip", exact=True)).to_have_count(0)
    assert ada.bubbles() == ["my site is down", "Since when?", "Skip"]
    expect(ada.draft).to_be_focused()


def test_a_closed_desk_says_when_it_opens_on_the_visitors_own_clock(
    visit: Callable[..., Any], desk: ScriptedDesk
) -> None:
    opens_at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    ada = visit(timezone_id="America/New_York", locale="en-GB")
    ada.page.clock.set_fixed_time(datetime(2026, 11, 21, 20, 0, tzinfo=UTC))
    ada.visits()
    ada.opens()
    desk.set_status("queue", is_staffed=False, opens_at=opens_at.timestamp())
    opens = ada.window.locator("[data-opens]")
    expect(opens).to_have_text(re.compile(r"We are back Monday, November 23, 4:00\sAM, your time\."))
    ada.page.clock.set_fixed_time(datetime(2026, 11, 22, 20, 0, tzinfo=UTC))
    desk.set_status("queue", is_staffed=False, opens_at=opens_at.timestamp())
    expect(opens).to_have_text(re.compile(r"We are back tomorrow, 4:00\sAM, your time\."))
    desk.set_status("queue", is_staffed=False)
    expect(opens).to_be_hidden()
    expect(ada.window.get_by_role("button", name="Leave message")).to_be_visible()
