"""People, sign-in, join and the public help centre in a real browser against a scripted desk."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.editor.conftest import PHONE, OpenPage
from tests.editor.scripted_desk import Refusal, ScriptedDesk
from tests.editor.test_editor_browser import XSS, check_accessibility

pytestmark = pytest.mark.browser

BOTH_SIZES = pytest.mark.parametrize("size", [(1440, 900), PHONE], ids=["desk", "phone"])
BOTH_SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture
def peopled(desk: ScriptedDesk) -> ScriptedDesk:
    """Grace (who looks), Alan, and Dennis, who left."""
    common = {"is_active": True, "is_invited": False, "last_seen_at": desk.now - 20}
    desk.people = [
        {**common, "id": "o1", "name": "Grace", "email": "grace@example.com", "role": "admin"},
        {**common, "id": "o2", "name": "Alan", "email": "alan@example.com", "role": "operator"},
        {**common, "id": "o3", "name": "Dennis", "email": "dennis@example.com", "role": "editor", "is_active": False},
    ]
    return desk


def person(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has_text=name)


def test_invitation_shows_its_link_once_with_a_copy_button(peopled: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/people")
    page.get_by_label("Name", exact=True).fill("Ada")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#error-email")).to_contain_text("e-mail address")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.get_by_label("E-mail").fill("alan@example.com")
    page.get_by_role("button", name="Invite").click()
    expect(page.locator("#error-email")).to_contain_text("is here already")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("Link for Ada").get_by_role("textbox")
    expect(link).to_have_value(re.compile(r"/join/[\w-]{20,}$"))
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".people__copied")).to_have_text(re.compile("Copied|Ctrl"))
    expect(person(page, "Ada")).to_contain_text("Invited")
    page.get_by_role("button", name="Done").click()
    expect(link).to_have_count(0)
    assert peopled.people[-1]["role"] == "editor"


def test_role_changes_and_a_refused_change_is_taken_back(peopled: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/people")
    page.get_by_label("Role of Alan").select_option("admin")
    expect(page.get_by_text("Alan is now an administrator.")).to_be_visible()
    assert peopled.people[1]["role"] == "admin"
    peopled.will_refuse("PATCH", "/people/o2", Refusal(409, "last_admin", "Somebody must stay an administrator."))
    page.get_by_label("Role of Alan").select_option("operator")
    expect(page.get_by_text("Somebody must stay an administrator.")).to_be_visible()
    expect(page.get_by_label("Role of Alan")).to_have_value("admin")


def test_one_deactivates_others_but_never_oneself(peopled: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/people")
    expect(page.get_by_role("button", name="Deactivate: Alan")).to_be_visible()
    expect(page.get_by_role("button", name="Deactivate: Grace")).to_have_count(0)
    expect(page.get_by_label("Role of Grace")).to_be_disabled()
    page.get_by_role("button", name="Deactivate: Alan").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(person(page, "Alan")).to_contain_text("Deactivated")
    assert peopled.people[1]["is_active"] is False
    page.get_by_role("button", name="Reactivate: Alan").click()
    expect(page.get_by_role("button", name="Deactivate: Alan")).to_be_visible()
    page.get_by_role("button", name="New link: Alan").click()
    expect(page.get_by_label("Link for Alan").get_by_role("textbox")).to_have_value(re.compile("/join/"))


def test_people_who_were_only_invited_may_have_no_name_and_no_address(
    peopled: ScriptedDesk, open_page: OpenPage
) -> None:
    invited = {"is_active": True, "is_invited": True, "last_seen_at": None, "role": "editor", "name": None}
    peopled.people += [{**invited, "id": "o8", "email": None}, {**invited, "id": "o9", "email": "ada@example.com"}]
    page = open_page("/people")
    expect(page.get_by_role("button", name="New link: ada@example.com")).to_be_visible()
    page.get_by_role("button", name="New link: somebody invited").click()
    expect(page.get_by_role("heading", name="Send this link to somebody invited")).to_be_visible()


def test_people_page_is_for_administrators_only(peopled: ScriptedDesk, open_page: OpenPage) -> None:
    assert peopled.operator
    peopled.operator = {**peopled.operator, "role": "editor"}
    page = open_page("/people")
    expect(page.get_by_text("This page is for administrators")).to_be_visible()
    assert peopled.sent("GET", "/api/staff/people") == []


def test_hostile_name_stays_text(peopled: ScriptedDesk, open_page: OpenPage) -> None:
    peopled.people[1]["name"] = XSS
    page = open_page("/people")
    expect(page.locator(".people__name").filter(has_text="onerror")).to_have_text(XSS)
    assert page.title() == "People · Baton"


def test_sign_in_explains_its_refusal_and_leads_on_to_the_page_wanted(desk: ScriptedDesk, open_page: OpenPage) -> None:
    desk.operator = None
    page = open_page("/editor#/en/refunds")
    expect(page).to_have_url(re.compile("/sign-in\\?next=%2Feditor%23%2Fen%2Frefunds"))
    expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    page.get_by_label("E-mail").fill("grace@example.com")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("E-mail or password is wrong. Check both and try again.")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    desk.will_refuse("POST", "/sign-in", Refusal(429, "too_many_tries", "x"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Too many tries")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/editor#/en/refunds$"))


def test_sign_in_never_leads_to_another_site(desk: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/sign-in?next=//evil.example/")
    page.get_by_label("E-mail").fill("grace@example.com")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("^http://127.0.0.1:\\d+/console$"))


def test_joining_checks_the_password_live_and_signs_in(desk: ScriptedDesk, open_page: OpenPage) -> None:
    desk.joins["secret"] = {"email": "ada@example.com", "name": None, "role": "editor"}
    page = open_page("/join/secret")
    expect(page.get_by_text("You are joining as an editor.")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("ada@example.com")
    expect(page.get_by_label("E-mail")).not_to_be_editable()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password", exact=True).fill("too short")
    expect(page.locator(".gate__rule--length")).to_have_text("3 more characters")
    page.get_by_label("Password", exact=True).fill("long enough now")
    page.get_by_label("The same password again").fill("long enough nox")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("alert")).to_have_text("The two passwords differ.")
    assert desk.sent("POST", "/join/") == []
    page.get_by_label("The same password again").fill("long enough now")
    expect(page.locator(".gate__rule--kept")).to_have_count(2)
    page.get_by_role("button", name="Join").click()
    expect(page).to_have_url(re.compile("/editor"))
    assert desk.sent("POST", "/join/") == [{"name": "Ada", "email": "ada@example.com", "password": "long enough now"}]


def test_used_link_says_so(desk: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/join/used")
    expect(page.get_by_role("heading", name="This link cannot be used")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


@pytest.fixture
def helpful(desk: ScriptedDesk) -> ScriptedDesk:
    """A help centre of two topics and two languages."""
    desk.add_article("Café opening hours", "Daily.\n\n| Day | Hour |\n|---|---|\n| Mon | 9 |", tags=["visits"])
    desk.add_article("Parking", "> **Note:** Free.", tags=["visits"])
    desk.add_article("Refunds", "Money back.", tags=["billing"])
    desk.add_article("Devoluciones", "En 30 días.", language="es", slug="refunds")
    desk.add_article("Secret plans", "x", status="draft")
    return desk


def test_help_centre_is_filtered_while_typing(helpful: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/help/")
    items = page.locator(".help__item-title:visible")
    expect(items).to_have_text(["Café opening hours", "Parking", "Refunds"])
    page.get_by_label("Search the help centre").fill("cafe")
    expect(items).to_have_text(["Café opening hours"])
    expect(page.get_by_role("status")).to_have_text("Articles found: 1")
    page.get_by_label("Search the help centre").fill("llamas")
    expect(page.get_by_role("status")).to_have_text("Nothing matches. Try other words.")
    page.get_by_label("Search the help centre").fill("")
    items.last.click()
    expect(page.get_by_role("heading", name="Refunds")).to_be_visible()
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", name="Devoluciones")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "es"
    page.get_by_role("link", name="Todos los artículos").first.click()
    expect(items).to_have_text(["Devoluciones"])


def test_help_centre_works_without_javascript(helpful: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/help/", has_scripts=False)
    expect(page.locator(".help__item-title")).to_have_count(3)
    expect(page.locator(".help__search")).to_be_hidden()
    page.get_by_role("link", name="Parking").click()
    expect(page.locator(".help-prose blockquote")).to_have_text("Note: Free.")
    expect(page.locator(".help__meta")).to_be_hidden()


def test_article_in_arabic_reads_from_the_right_and_its_code_from_the_left(
    desk: ScriptedDesk, open_page: OpenPage
) -> None:
    body = "افتح `config.json` ثم اكتب:\n\n```\nserver.port = (8080)\n```\n\n| أ | ب |\n| --- | --- |\n| 1 | 2 |"
    desk.add_article("استرداد المبلغ", body, language="ar", slug="refunds")
    page = open_page("/help/ar/refunds", size=PHONE)
    direction = "element => getComputedStyle(element).direction"
    assert page.locator(".help__title").evaluate(direction) == "rtl"
    assert page.locator(".help-prose table").evaluate(direction) == "rtl"
    assert [found.evaluate(direction) for found in page.locator(".help-prose :is(code, pre)").all()] == ["ltr"] * 3
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    editor = open_page("/editor#/ar/refunds")
    expect(editor.locator(".ed-chat__passage")).to_contain_text("config.json")
    editor.get_by_role("button", name="As a page").click()
    for place in (".ed-page", "#field-title", "#field-body"):
        assert editor.locator(place).evaluate(direction) == "rtl", place


def test_empty_help_centre_says_so(desk: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/help/de/")
    expect(page.get_by_text("Hier gibt es noch keine Artikel.")).to_be_visible()


@BOTH_SIZES
@BOTH_SCHEMES
def test_small_pages_have_no_accessibility_violation(
    peopled: ScriptedDesk, helpful: ScriptedDesk, open_page: OpenPage, size: tuple[int, int], scheme: str
) -> None:
    peopled.joins["good"] = {"email": "ada@example.com", "name": "Ada", "role": "editor"}
    waits = {
        "/people": ".people__row",
        "/sign-in": ".gate__form",
        "/join/good": ".gate__rules",
        "/join/used": "h1",
        "/help/": ".help__search",
        "/help/en/parking": ".help-prose",
    }
    page = open_page("/sign-in", size=size, scheme=scheme)
    for path, wait in waits.items():
        page.goto(re.sub(r"^(https?://[^/]+).*", r"\1", page.url) + path)
        expect(page.locator(wait).first).to_be_visible()
        check_accessibility(page, path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
