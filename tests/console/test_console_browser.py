"""The operator console in a real browser against a scripted desk: what an operator sees, hears and does."""

import time
from typing import Any

import pytest

from tests.console.conftest import OpenPage
from tests.console.desk_server import (
    DeskServer,
    bot_author,
    build_event,
    build_summary,
    operator_author,
    system_author,
    visitor_author,
)
from tests.support.browser import PATIENCE_S

pytestmark = pytest.mark.browser

ALAN = {"id": "op-alan", "name": "Alan Turing"}
GRACE = {"id": "op-grace", "name": "Grace Hopper"}
XSS = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"


def mine(conversation_id: str = "c1", number: int = 1, **changes: Any) -> dict[str, Any]:
    defaults = {"phase": "operator", "holder": GRACE, "queued_at": None}
    return build_summary(conversation_id, number, **{**defaults, **changes})


def row(page: Any, conversation_id: str = "c1") -> Any:
    return page.locator(f'.row[data-conversation="{conversation_id}"]')


def bubbles(page: Any) -> list[str]:
    return list(page.locator(".bubble").all_text_contents())


def expect_text(page: Any, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def eventually(page: Any, condition: str, within_s: float = PATIENCE_S) -> None:
    """Poll from here: the page's policy forbids the evaluation that Playwright's own waiting would use."""
    deadline = time.monotonic() + within_s
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def wait_until_sent(page: Any, desk: DeskServer, frame_type: str, count: int = 1) -> list[dict[str, Any]]:
    """The page shows an act before its frame is at the desk: return the frames when as many have come."""
    deadline = time.monotonic() + PATIENCE_S
    while len(desk.sent(frame_type)) < count:
        assert time.monotonic() < deadline, frame_type
        page.wait_for_timeout(20)
    return desk.sent(frame_type)


def ask(log: list[dict[str, Any]], kind: str, body: dict[str, Any], author: dict[str, Any]) -> None:
    log.append(build_event("c1", len(log) + 1, kind, body, author, 2))


def search_result(title: str, text: str) -> dict[str, Any]:
    return {
        "slug": "refunds",
        "language": "en",
        "title": title,
        "revision": 2,
        "url": "/help/en/refunds",
        "passage": {"id": 1, "heading": "How long", "text": text, "html": f"<p>{text}</p>"},
        "score": 0.8,
        "probability": 0.87,
    }


def test_new_escalation_sounds_and_counts_in_the_title(open_console: OpenPage, desk: DeskServer) -> None:
    page = open_console()
    assert page.title() == "Console · Baton"
    page.get_by_role("button", name="Turn on sound").click()
    page.get_by_role("button", name="Turn on sound").wait_for(state="hidden")
    before = len(page.evaluate("window.tones"))
    desk.add(build_summary("c1", 1))
    eventually(page, "document.title === '(1) Waiting · Baton'")
    assert len(page.evaluate("window.tones")) == before + 2
    expect_text(page, "[data-region=announcer]", "Ada waits for a person: asked for a person")
    desk.change("c1", phase="operator", holder=ALAN, epoch=3, queued_at=None)
    eventually(page, "document.title === 'Console · Baton'")
    assert len(page.evaluate("window.tones")) == before + 2


def test_muted_and_away_consoles_stay_silent(open_console: OpenPage, desk: DeskServer) -> None:
    page = open_console()
    page.get_by_role("switch").click()
    expect_text(page, ".switch", "Away")
    desk.add(build_summary("c1", 1))
    row(page).wait_for()
    assert page.evaluate("window.tones") == []
    page.get_by_role("switch").click()
    page.get_by_role("button", name="Sound and notifications").click()
    page.get_by_role("menuitemcheckbox", name="Sound on new chats").click()
    desk.add(build_summary("c2", 2))
    row(page, "c2").wait_for()
    assert page.evaluate("window.tones") == []
    assert page.evaluate("localStorage['baton.sound']") == "false"


def test_claim_opens_the_reply_and_a_reply_goes_from_pending_to_sent(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(build_summary("c1", 1))
    desk.visitor_says("c1", "Is anybody there?")
    page = open_console()
    row(page).click()
    expect_text(page, ".composer__gate", "Claim this chat to reply.")
    page.locator("[data-verb=claim]").click()
    eventually(page, "document.activeElement.matches('.composer__box')")
    assert desk.sent("claim")[0]["epoch"] == 2
    desk.is_holding_acks = True
    page.keyboard.type("Hello Ada")
    page.keyboard.press("Enter")
    expect_text(page, ".turn__meta--pending", "Sending…")
    assert bubbles(page)[-1] == "Hello Ada"
    [post] = wait_until_sent(page, desk, "post")
    assert post["epoch"] == 3
    desk.record("c1", "operator_message", {"text": "Hello Ada"}, operator_author(GRACE), post["client_id"])
    page.locator(".turn__meta--pending").wait_for(state="detached")
    assert bubbles(page) == ["Is anybody there?", "Hello Ada"]


def test_losing_claim_says_who_has_the_chat(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(build_summary("c1", 1))
    desk.refusals["claim"] = {"code": "already_held", "message": "Alan Turing has this chat.", "holder": ALAN}
    page = open_console()
    row(page).click()
    page.locator("[data-verb=claim]").click()
    expect_text(page, ".toast", "Alan Turing has this chat.")
    expect_text(page, ".composer__gate", "Alan Turing has this chat.")
    assert page.locator(".rows--team .row").count() == 1
    assert page.locator("[data-verb=claim]").count() == 0


def test_refused_reply_keeps_its_words_and_can_be_sent_again(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(mine())
    desk.refusals["post"] = {"code": "stale_epoch", "message": "The chat changed hands."}
    page = open_console(path="/console#c1")
    page.locator(".composer__box").fill("Hello")
    page.keyboard.press("Enter")
    expect_text(page, ".turn__meta--failed", "Not sent. The chat changed hands.")
    desk.refusals.clear()
    page.get_by_role("button", name="Try again").click()
    page.locator(".turn__meta--failed").wait_for(state="detached")
    assert bubbles(page) == ["Hello"]
    first, second = wait_until_sent(page, desk, "post", 2)
    assert first["client_id"] != second["client_id"]


def test_markup_of_visitors_and_articles_is_shown_as_text(
    open_console: OpenPage, desk: DeskServer, problems: list[str]
) -> None:
    desk.articles = [search_result(XSS, XSS)]
    log: list[dict[str, Any]] = []
    article = {"slug": "x", "language": "en", "title": XSS, "revision": 1, "url": "javascript:document.title='hacked'"}
    passage = {
        "id": 1,
        "heading": XSS,
        "text": XSS,
        "html": f'{XSS}<p onclick="alert(1)">fine</p><a href="javascript:1">l</a>',
    }
    body = {"question": XSS, "text": XSS, "article": article, "passage": passage, "probability": 0.5}
    ask(log, "visitor_message", {"text": XSS}, visitor_author(XSS))
    ask(log, "article_shown", body, bot_author())
    ask(log, "clarification_offered", {"question": XSS, "text": XSS, "options": [article, article]}, bot_author())
    ask(log, "note_added", {"text": XSS}, operator_author({**GRACE, "name": XSS}))
    ask(log, "contact_left", {"name": XSS, "email": XSS, "message": XSS}, visitor_author(XSS))
    ask(log, "chat_rated", {"score": 5, "comment": XSS}, visitor_author(XSS))
    page_facts = {"url": "javascript:document.title='hacked'", "title": XSS, "referrer": XSS}
    visitor = {"id": "v", "name": XSS, "email": XSS, "language": XSS, "timezone": XSS}
    summary = mine(
        visitor=visitor, page=page_facts, last={"kind": "visitor_message", "author_kind": "visitor", "text": XSS}
    )
    desk.add(summary, log)
    page = open_console(path="/console#c1")
    expect_text(page, ".bubble", XSS)
    page.locator(".passage__summary").click()
    page.locator(".side__input").fill("anything")
    expect_text(page, ".found__title", XSS)
    page.locator(".found__title").first.click()
    page.locator(".reading__title").wait_for()
    assert page.title() == "Console · Baton"
    assert page.locator("main script, [onclick], [onerror], a[href^=javascript]").count() == 0
    # The browser notes handlers in the inert document that the passage is read from, and misses the image "x".
    assert all("inline event handler" in problem or "404" in problem for problem in problems)
    problems.clear()


def test_reconnect_shows_what_was_missed_and_nothing_twice(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(mine())
    desk.visitor_says("c1", "one")
    page = open_console(path="/console#c1")
    expect_text(page, ".bubble", "one")
    desk.is_holding_acks = True
    page.locator(".composer__box").fill("two")
    page.keyboard.press("Enter")
    wait_until_sent(page, desk, "post")
    desk.is_refusing_sockets = True
    desk.cut(4011)
    expect_text(page, ".banner", "Connection lost.")
    assert bubbles(page) == ["one", "two"]
    desk.visitor_says("c1", "three")
    desk.is_refusing_sockets = desk.is_holding_acks = False
    page.get_by_role("button", name="Reconnect now").click()
    page.locator(".banner").wait_for(state="hidden")
    page.locator(".turn__meta--pending").wait_for(state="detached")
    assert bubbles(page) == ["one", "three", "two"]
    assert {frame["client_id"] for frame in desk.sent("post")} == {desk.sent("post")[0]["client_id"]}
    assert len(desk.sent("post")) == 2
    assert desk.sent("watch")[-1]["cursor"] == 1


def test_signed_out_leads_to_the_sign_in_page_and_back(open_console: OpenPage, desk: DeskServer) -> None:
    page = open_console()
    desk.cut(4401)
    page.wait_for_url("**/sign-in?next=%2Fconsole")


def test_whole_chat_by_keyboard(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(build_summary("c1", 1, queued_at=100.0))
    desk.add(build_summary("c2", 2, queued_at=200.0))
    page = open_console()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.conversation") == "c2"
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect_text(page, ".who__sub", "Chat 1")
    page.keyboard.press("c")
    eventually(page, "document.activeElement.matches('.composer__box')")
    page.keyboard.type("cejkr stay letters")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect_text(page, ".bubble", "second line")
    assert wait_until_sent(page, desk, "post")[0]["text"] == "cejkr stay letters\nsecond line"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("called them")
    page.keyboard.press("Enter")
    expect_text(page, ".note", "called them")
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.textContent") == "Alan TuringAvailable"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="hidden")
    page.keyboard.press("e")
    expect_text(page, ".phase", "Resolved")
    assert [frame["type"] for frame in desk.seen if "client_id" in frame] == ["claim", "post", "note", "resolve"]


def test_single_keys_can_be_switched_off(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(build_summary("c1", 1))
    page = open_console(path="/console#c1")
    page.keyboard.press("?")
    page.get_by_label("Single keys are shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.locator("[data-verb=claim]").click()
    expect_text(page, ".phase", "With you")
    assert len(desk.sent("claim")) == 1


def test_other_actions_reach_the_server(open_console: OpenPage, desk: DeskServer) -> None:
    for number in (1, 2, 3):
        desk.add(mine(f"c{number}", number))
    page = open_console(path="/console#c1")
    page.get_by_role("button", name="Transfer").click()
    assert page.get_by_role("menuitem", name="Mary").is_disabled()
    page.get_by_role("menuitem", name="Alan").click()
    expect_text(page, ".phase", "With Alan Turing")
    row(page, "c2").click()
    page.get_by_role("button", name="Release").click()
    expect_text(page, ".phase", "Waiting")
    row(page, "c3").click()
    page.get_by_role("button", name="Return to bot").click()
    expect_text(page, ".phase", "With the bot")
    page.get_by_role("button", name="Take over").click()
    expect_text(page, ".phase", "With you")


def test_what_was_found_goes_into_the_reply(open_console: OpenPage, desk: DeskServer, address: str) -> None:
    desk.articles = [search_result("Refunds", "Five working days.")]
    desk.add(mine())
    page = open_console(path="/console#c1")
    page.locator(".composer__box").fill("Hi.")
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    page.keyboard.type("refund")
    page.locator(".found__item").wait_for()
    assert desk.searches[-1]["log"] is False
    assert "87 %" in page.locator(".found__item").text_content()
    page.get_by_role("button", name="Insert link").click()
    assert page.locator(".composer__box").input_value() == f"Hi. Refunds: {address}/help/en/refunds"
    page.get_by_role("button", name="Insert text").click()
    assert page.locator(".composer__box").input_value().endswith("/help/en/refunds Five working days.")


def test_drafts_stay_with_their_chat_and_outlive_a_reload(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(mine("c1", 1))
    desk.add(mine("c2", 2))
    page = open_console(path="/console#c1")
    page.locator(".composer__box").fill("half a sen")
    row(page, "c2").click()
    expect_text(page, ".who__sub", "Chat 2")
    assert page.locator(".composer__box").input_value() == ""
    expect_text(page, ".row", "Draft: half a sen")
    page.reload()
    row(page, "c1").click()
    expect_text(page, ".who__sub", "Chat 1")
    assert page.locator(".composer__box").input_value() == "half a sen"


def test_waiting_time_ticks_and_turns_red(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(build_summary("c1", 1, queued_at=time.time() - 176))
    page = open_console()
    page.locator(".row .wait--amber").wait_for()
    page.locator(".row .wait--red").wait_for()


def test_phone_shows_one_column_and_the_way_back(open_console: OpenPage, desk: DeskServer) -> None:
    desk.add(mine())
    page = open_console(size=(390, 844))
    assert page.locator(".chat").is_hidden()
    row(page).click()
    page.locator(".composer__box").wait_for()
    assert page.locator(".lists").is_hidden()
    page.get_by_role("button", name="Show brief").click()
    page.locator(".side__title").first.wait_for()
    page.get_by_role("button", name="Back to the chat").click()
    page.get_by_role("button", name="Back to the lists").click()
    row(page).wait_for()
    assert page.locator(".chat").is_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_page_itself_never_scrolls(open_console: OpenPage, desk: DeskServer) -> None:
    for number in range(40):
        desk.add(build_summary(f"w{number}", number, phase="resolved", rating=5))
    desk.add(mine("c1", 100), build_log() * 6)
    page = open_console(size=(1024, 600), path="/console#c1")
    page.get_by_role("button", name="Resolved").click()
    page.locator(".rows--resolved .row").first.wait_for()
    assert page.evaluate("[document.documentElement.scrollHeight, document.body.scrollHeight, scrollY]") == [
        600,
        600,
        0,
    ]
    assert page.evaluate("document.body.scrollTop") == 0


def test_two_hundred_waiting_chats_stay_fast(open_console: OpenPage, desk: DeskServer) -> None:
    for number in range(200):
        desk.add(build_summary(f"c{number}", number, queued_at=1000.0 + number))
    page = open_console()
    page.locator(".rows--waiting .row").nth(199).wait_for(state="attached")
    measure = """() => new Promise((resolve) => {
      const start = performance.now();
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
      document.querySelector('.lists__filter').value = 'ada 19';
      document.querySelector('.lists__filter').dispatchEvent(new Event('input'));
    })"""
    assert page.evaluate(measure) < 1000  # measured: about 35 ms; room for a busy machine


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)], ids=["desktop", "tablet", "phone"])
def test_axe_finds_nothing(open_console: OpenPage, desk: DeskServer, scheme: str, size: tuple[int, int]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    desk.articles = [search_result("Refunds", "Five working days.")]
    desk.add(build_summary("c2", 2, queued_at=1000.0))
    desk.add(mine(), build_log())
    axe = Axe()
    page = open_console(size=size, scheme=scheme)
    row(page).wait_for()
    check(axe, page, "lists")
    row(page).click()
    page.locator(".note").first.wait_for()
    check(axe, page, "chat")
    if page.locator(".actions__brief").is_visible():
        page.get_by_role("button", name="Show brief").click()
    page.locator(".side__input").fill("refund")
    page.locator(".found__item").wait_for()
    check(axe, page, "search")
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('[data-region=shortcuts]').showModal()")
    check(axe, page, "shortcuts")


def check(axe: Any, page: Any, where: str) -> None:
    page.wait_for_timeout(250)  # transitions of the drawer
    violations = axe.run(page).response["violations"]
    found = [
        (item["id"], [node["html"][:120] + str(node.get("any", ""))[:200] for node in item["nodes"][:3]])
        for item in violations
    ]
    assert found == [], where


def build_log() -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = []
    article = {"slug": "refunds", "language": "en", "title": "Refunds", "revision": 2, "url": "/help/en/refunds"}
    passage = {"id": 1, "heading": "", "text": "Five days.", "html": "<p>Five days.</p>"}
    shown = {
        "question": "refund",
        "text": "This may be it:",
        "article": article,
        "passage": passage,
        "probability": 0.6,
    }
    ask(log, "visitor_message", {"text": "Where is my refund?"}, visitor_author("Ada"))
    ask(log, "understood", {"intent": "refund", "confidence": 0.8, "ranking": []}, bot_author())
    ask(log, "article_shown", shown, bot_author())
    ask(log, "feedback_given", {"article_seq": 3, "helpful": False}, visitor_author("Ada"))
    ask(log, "clarification_offered", {"question": "", "text": "Which?", "options": [article, article]}, bot_author())
    ask(log, "question_unanswered", {"question": "", "text": "Sorry.", "candidates": [article]}, bot_author())
    ask(log, "escalated", {"reason": "unsure_twice", "text": "A person comes.", "is_staffed": True}, system_author())
    ask(log, "operator_claimed", {}, operator_author(GRACE))
    ask(log, "operator_message", {"text": "Hello"}, operator_author(GRACE))
    ask(log, "note_added", {"text": "Asked billing"}, operator_author(GRACE))
    ask(log, "chat_rated", {"score": 4, "comment": "ok"}, visitor_author("Ada"))
    ask(log, "resolved", {}, operator_author(GRACE))
    return log
