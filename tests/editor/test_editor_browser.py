"""The content editor in a real browser against a scripted desk: what an editor finds, writes, checks and publishes."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.editor.conftest import PHONE, OpenPage
from tests.editor.scripted_desk import Refusal, ScriptedDesk

pytestmark = pytest.mark.browser

XSS = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"


@pytest.fixture
def stocked(desk: ScriptedDesk) -> ScriptedDesk:
    """A desk with four articles in three states and two languages."""
    desk.add_article("Refunds", "Money back within **30 days**.", tags=["billing"], phrasings=["money back"], age_s=60)
    desk.add_article("Backups", "Every night.", tags=["files"], status="draft", age_s=600)
    desk.add_article("Old prices", "They were lower.", tags=["billing"], status="archived", age_s=6000)
    desk.add_article("Devoluciones", "En 30 días.", language="es", slug="refunds", age_s=60_000)
    return desk


def rows(page: Page) -> Any:
    return page.locator(".ed-row__title")


def body(page: Page) -> Any:
    return page.get_by_label("Body, in Markdown")


def open_refunds(open_page: OpenPage, **options: Any) -> Page:
    page: Page = open_page("/editor#/en/refunds", **options)
    expect(page.get_by_label("Title")).to_have_value("Refunds")
    return page


def test_list_shows_states_and_is_narrowed_by_search_status_language_and_tag(
    stocked: ScriptedDesk, open_page: OpenPage
) -> None:
    page = open_page("/editor")
    expect(rows(page)).to_have_text(["Refunds", "Backups", "Old prices", "Devoluciones"])
    expect(page.locator(".ed-row__link .ed-standing")).to_have_text(["Published", "Draft", "Archived", "Published"])
    page.get_by_role("button", name="Drafts").click()
    expect(rows(page)).to_have_text(["Backups"])
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_label("Filter by language").select_option("es")
    expect(rows(page)).to_have_text(["Devoluciones"])
    page.get_by_label("Filter by language").select_option("")
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Filter by tag").select_option("billing")
    expect(rows(page)).to_have_text(["Refunds", "Old prices"])
    page.get_by_label("Filter by tag").select_option("")
    page.keyboard.press("Escape")
    page.locator("body").press("/")
    expect(page.get_by_label("Search articles")).to_be_focused()
    page.keyboard.type("nothing like this")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows(page)).to_have_count(4)


def test_list_is_walked_with_j_and_k_and_n_starts_an_article(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor")
    expect(rows(page)).to_have_count(4)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Title")).to_have_value("Backups")
    page.locator(".ed-row__link").first.focus()
    page.keyboard.press("n")
    expect(page.get_by_label("Title")).to_be_focused()
    expect(page.get_by_label("Title")).to_have_value("")


def test_more_articles_than_a_page_come_on_request(desk: ScriptedDesk, open_page: OpenPage) -> None:
    for number in range(51):
        desk.add_article(f"Article {number}", age_s=number)
    page = open_page("/editor")
    expect(rows(page)).to_have_count(50)
    expect(page.get_by_text("51 articles")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(51)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


def test_articles_of_a_tag_are_all_found(desk: ScriptedDesk, open_page: OpenPage) -> None:
    for number in range(60):
        desk.add_article(f"Bill {number}", tags=["billing"], age_s=number)
        desk.add_article(f"About billing {number}", "No tag.", age_s=number)
    desk.add_article("Oldest", tags=["domains"], age_s=1_000)
    page = open_page("/editor")
    expect(rows(page)).to_have_count(50)
    page.get_by_label("Filter by tag").select_option("domains")
    expect(rows(page)).to_have_text(["Oldest"])
    page.get_by_label("Filter by tag").select_option("billing")
    expect(rows(page)).to_have_count(60)
    page.get_by_label("Search articles").fill("59")
    expect(rows(page)).to_have_text(["Bill 59"])


def test_saving_leaves_the_list_as_long_as_it_is(desk: ScriptedDesk, open_page: OpenPage) -> None:
    for number in range(120):
        desk.add_article(f"Article {number}", "Text.", age_s=number)
    page = open_page("/editor#/en/article-0")
    page.get_by_role("button", name="Show more").click()
    expect(rows(page)).to_have_count(100)
    body(page).fill("Other text.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(rows(page)).to_have_count(100)


def test_article_is_written_previewed_saved_and_published(desk: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor")
    expect(page.get_by_text("No articles yet")).to_be_visible()
    page.get_by_role("link", name="New article").click()
    page.get_by_label("Title").fill("Reset a password")
    page.keyboard.press("Enter")
    page.keyboard.type("Open ")
    page.keyboard.press("Control+b")
    page.keyboard.type("Account")
    page.keyboard.press("End")
    page.keyboard.type(".")
    expect(body(page)).to_have_value("Open **Account**.")
    expect(page.locator(".ed-chat__passage strong")).to_have_text("Account")
    page.get_by_role("button", name="Add a phrasing").click()
    page.keyboard.type("forgot my password")
    page.get_by_label("Add a tag").fill("Account,")
    page.get_by_label("Add a tag").press("Enter")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    assert desk.sent("POST", "/api/articles") == [
        {
            "title": "Reset a password",
            "body": "Open **Account**.",
            "tags": ["account"],
            "phrasings": ["forgot my password"],
            "audience": "everyone",
            "language": "en",
        }
    ]
    expect(page).to_have_url(re.compile(r"#/en/reset-a-password$"))
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. The bot answers from it now.")).to_be_visible()
    assert desk.published == {("en", "reset-a-password"): 1}
    expect(page.locator(".ed-header").get_by_role("button", name="Published")).to_be_disabled()
    expect(rows(page)).to_have_text(["Reset a password"])


def test_an_article_for_staff_stays_one_and_the_history_tells(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    readers = page.get_by_role("combobox", name="Readers")
    expect(readers).to_have_value("everyone")
    readers.select_option("Staff only")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    assert stocked.articles["en", "refunds"][-1]["audience"] == "staff"
    body(page).fill("Money back within 60 days.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    assert stocked.articles["en", "refunds"][-1]["audience"] == "staff"
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Revision 1").click()
    expect(page.get_by_role("figure", name="Readers")).to_contain_text("Everyone")
    expect(page.get_by_role("figure", name="Readers")).to_contain_text("Staff only")


def test_note_boxes_show_their_kind_in_the_preview(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Text.\n\n> [!WARNING]\n> Final.\n\n:::tip[Ask first]\nWe help.\n:::")
    page.get_by_role("button", name="As a page").click()
    expect(page.locator(".help-prose .callout-warning .callout-title")).to_have_text("Warning")
    expect(page.locator(".help-prose .callout-tip .callout-title")).to_have_text("Ask first")


def test_publishing_saves_first_and_an_archived_article_comes_back(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Money back within 60 days.")
    page.get_by_role("button", name="Publish changes").click()
    expect(page.get_by_text("Published. The bot answers from it now.")).to_be_visible()
    assert stocked.published["en", "refunds"] == 2
    page.get_by_role("button", name="Archive this article").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    expect(page.locator(".ed-header .ed-standing")).to_have_text("Archived")
    page.get_by_role("button", name="Publish again").click()
    expect(page.locator(".ed-header .ed-standing")).to_have_text("Published")


def test_what_is_missing_is_said_beside_its_field(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor#/new")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#error-title")).to_contain_text("Give the article a title")
    expect(page.get_by_label("Title")).to_be_focused()
    assert stocked.sent("POST", "/api/articles") == []
    page.get_by_label("Title").fill("Refunds")
    expect(page.locator("#error-title")).to_be_hidden()
    expect(page.locator("#error-body")).to_contain_text("Write the answer")
    body(page).fill("y")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#error-slug")).to_contain_text("Another article has this address")
    page.get_by_label("Last part of the address").fill("refunds-2")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Saved just now")).to_be_visible()
    stocked.will_refuse("PUT", "/api/articles", Refusal(422, "body_too_long", "The text is too long.", "body"))
    body(page).fill("x")
    page.keyboard.press("Control+s")
    expect(page.locator("#error-body")).to_have_text("The text is too long.")


def test_conflict_shows_both_versions_and_keeps_mine(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Money back within 90 days.")
    stocked.change_behind("en", "refunds", body="Money back within 14 days.")
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Alan has changed this article meanwhile")
    expect(dialog.locator(".ed-diff__line--removed")).to_contain_text("14 days")
    expect(dialog.locator(".ed-diff__line--added")).to_contain_text("90 days")
    expect(dialog.get_by_role("button", name="Go on writing")).to_be_focused()
    page.keyboard.press("Escape")
    expect(body(page)).to_have_value("Money back within 90 days.")
    page.keyboard.press("Control+s")
    dialog.get_by_role("button", name="Save mine over it").click()
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    assert [r["body"] for r in stocked.articles["en", "refunds"]][1:] == [
        "Money back within 14 days.",
        "Money back within 90 days.",
    ]


def test_conflict_can_be_settled_by_taking_theirs(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Mine.")
    stocked.change_behind("en", "refunds", body="Theirs.")
    page.keyboard.press("Control+s")
    page.get_by_role("dialog").get_by_role("button", name="Use theirs").click()
    expect(body(page)).to_have_value("Theirs.")
    expect(page.get_by_role("button", name="Save draft")).to_be_disabled()


def test_unsaved_changes_are_guarded_on_the_way_out(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Half a sentence")
    rows(page).nth(1).click()
    dialog = page.get_by_role("dialog", name="Save your changes first?")
    dialog.get_by_role("button", name="Keep editing").click()
    expect(body(page)).to_have_value("Half a sentence")
    expect(page).to_have_url(re.compile(r"#/en/refunds$"))
    rows(page).nth(1).click()
    dialog.get_by_role("button", name="Save draft").click()
    expect(page.get_by_label("Title")).to_have_value("Backups")
    assert stocked.articles["en", "refunds"][-1]["body"] == "Half a sentence"
    body(page).fill("Thrown away")
    page.go_back()
    dialog.get_by_role("button", name="Discard changes").click()
    expect(body(page)).to_have_value("Half a sentence")
    assert stocked.articles["en", "backups"][-1]["body"] == "Every night."


def test_closing_the_page_asks_and_the_text_comes_back(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Never saved")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]
    expect(page.get_by_text("This browser kept changes that were never saved")).to_be_visible()
    expect(body(page)).to_have_value("Money back within **30 days**.")
    page.get_by_role("button", name="Restore").click()
    expect(body(page)).to_have_value("Never saved")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now by Grace")).to_be_visible()
    page.reload()
    expect(body(page)).to_have_value("Never saved")
    expect(page.get_by_text("This browser kept changes")).to_be_hidden()


def test_lost_session_leaves_the_text_where_it_is(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Precious")
    stocked.operator = None
    page.keyboard.press("Control+s")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(body(page)).to_have_value("Precious")
    expect(page.get_by_role("link", name="Sign in")).to_have_attribute("href", re.compile("/sign-in\\?next=%2Feditor"))


def test_questions_asked_meanwhile_turn_up_when_one_looks(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor")
    page.get_by_role("tab", name="Unanswered").click()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    page.get_by_role("tab", name="Articles").click()
    asked = {"question": "node hosting", "language": "en", "verdict": "unsure", "asked_at": 1.0, "times": 1}
    stocked.questions = [{**asked, "best": None}]
    page.get_by_role("tab", name="Unanswered").click()
    expect(page.locator(".ed-question__text")).to_have_text("node hosting")


def test_unanswered_question_becomes_an_article_and_leaves_the_list(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    best = {"slug": "refunds", "language": "en", "title": "Refunds", "probability": 0.31}
    common = {"language": "en", "verdict": "unsure", "asked_at": stocked.now - 60}
    stocked.questions = [
        {**common, "question": "can I pay with bitcoin & cash?", "times": 12, "best": best},
        {**common, "question": "node hosting", "times": 1, "best": None},
    ]
    page = open_page("/editor")
    page.get_by_role("tab", name="Unanswered").click()
    first = page.get_by_role("listitem").filter(has_text="bitcoin")
    expect(first).to_contain_text("Asked 12 times")
    expect(first).to_contain_text("31 %")
    page.get_by_role("button", name="Dismiss: node hosting").click()
    expect(page.get_by_text("node hosting")).to_have_count(0)
    assert stocked.sent("POST", "/api/questions/dismiss") == [{"question": "node hosting"}]
    first.get_by_role("link", name="Write an article").click()
    expect(page.get_by_label("Phrasing 1", exact=True)).to_have_value("can I pay with bitcoin & cash?")
    page.get_by_label("Title").fill("Ways to pay")
    body(page).fill("Card or transfer.")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Nothing is waiting")).to_be_visible()
    assert stocked.articles["en", "ways-to-pay"][0]["phrasings"] == ["can I pay with bitcoin & cash?"]


def test_editor_says_whether_the_nearest_article_answers(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    best = {"slug": "refunds", "language": "en", "title": "Refunds", "probability": 0.31}
    common = {"language": "en", "verdict": "unsure", "asked_at": 1.0, "times": 2}
    stocked.questions = [
        {**common, "question": "give me my money", "best": best},
        {**common, "question": "node hosting", "best": None},
    ]
    page = open_page("/editor#/questions")
    expect(page.get_by_role("listitem").filter(has_text="node hosting").get_by_role("group")).to_have_count(0)
    group = page.get_by_role("group", name="Is “Refunds” the answer?")
    no = group.get_by_role("button", name="No")
    expect(no).to_have_attribute("aria-pressed", "false")
    no.click()
    expect(no).to_have_attribute("aria-pressed", "true")
    expect(group).to_contain_text("Noted")
    label = {"question": "give me my money", "language": "en", "slug": "refunds", "right": False}
    assert stocked.sent("POST", "/api/labels") == [label]


def test_unanswered_question_can_become_a_phrasing_of_the_nearest_article(
    stocked: ScriptedDesk, open_page: OpenPage
) -> None:
    best = {"slug": "refunds", "language": "en", "title": "Refunds", "probability": 0.31}
    question = {"question": "give me my money", "language": "en", "verdict": "unsure", "asked_at": 1.0, "times": 2}
    stocked.questions = [{**question, "best": best}]
    page = open_page("/editor#/questions")
    page.get_by_role("link", name="Add to it").click()
    expect(page.get_by_label("Phrasing 2", exact=True)).to_have_value("give me my money")
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()


def test_phrasings_are_added_moved_pasted_and_removed_by_keyboard(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    phrasings = page.locator(".ed-phrasing input")
    phrasings.first.press("Enter")
    page.keyboard.type("return an order")
    page.keyboard.press("Alt+ArrowUp")
    expect(phrasings.nth(0)).to_have_value("return an order")
    expect(phrasings.nth(0)).to_be_focused()
    phrasings.nth(1).press("Enter")
    page.keyboard.press("Backspace")
    expect(phrasings).to_have_count(2)
    phrasings.nth(1).evaluate(
        """(input) => { const data = new DataTransfer(); data.setData('text/plain', 'one\\ntwo');
        input.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, cancelable: true})) }"""
    )
    expect(phrasings).to_have_count(4)
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved just now")).to_be_visible()
    assert stocked.articles["en", "refunds"][-1]["phrasings"] == ["return an order", "money back", "one", "two"]


def test_toolbar_edits_can_be_undone_and_is_one_stop_for_tab(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    before = body(page).input_value()
    body(page).press("Control+a")
    page.get_by_role("button", name="List", exact=True).click()
    expect(body(page)).to_have_value(f"- {before}")
    page.keyboard.press("Control+z")
    expect(body(page)).to_have_value(before)
    page.get_by_label("Title").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(body(page)).to_be_focused()


def test_question_is_tried_and_phrasings_are_checked_without_a_trace(
    stocked: ScriptedDesk, open_page: OpenPage
) -> None:
    page = open_refunds(open_page)
    page.get_by_role("tab", name="Try a question").click()
    page.get_by_role("textbox", name="Try a question").fill("money back")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_text("The bot answers with this article.")).to_be_visible()
    expect(page.locator(".ed-hit--used")).to_contain_text("95 % sure")
    expect(page.locator(".ed-hit--used")).to_contain_text("this one")
    page.get_by_role("button", name="Check all").click()
    expect(page.locator(".ed-check .ed-standing")).to_have_text("Answered")
    assert all(call["log"] is False for call in stocked.sent("POST", "/api/search"))
    stocked.verdict = "unsure"
    page.get_by_role("textbox", name="Try a question").fill("llamas")
    page.keyboard.press("Enter")
    expect(page.get_by_text("not sure and offers a person")).to_be_visible()
    expect(page.locator(".ed-hit--used")).to_have_count(0)


def test_old_revision_is_read_compared_and_restored_as_a_new_one(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    stocked.change_behind("en", "refunds", body="No money back.")
    page = open_refunds(open_page)
    page.get_by_role("tab", name="History").click()
    expect(page.locator(".ed-revision__head")).to_have_text(["Revision 2Newest", "Revision 1Published"])
    page.get_by_role("button", name="Revision 1").click()
    expect(page.locator(".ed-diff__line--added")).to_contain_text("No money back.")
    page.get_by_role("button", name="As a page").last.click()
    expect(page.locator("#panel-history .help-prose strong")).to_have_text("30 days")
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Revision 1 is back as revision 3.")).to_be_visible()
    expect(body(page)).to_have_value("Money back within **30 days**.")
    assert len(stocked.articles["en", "refunds"]) == 3


def test_mending_one_field_does_not_jump_to_the_next(desk: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor#/new")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_label("Title")).to_be_focused()
    body(page).click()
    page.keyboard.type("Open it.")
    expect(body(page)).to_have_value("Open it.")
    page.keyboard.press("Control+s")
    expect(page.get_by_label("Title")).to_be_focused()


def test_refused_field_out_of_sight_is_told(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_refunds(open_page)
    body(page).fill("Line.\n" * 200)
    stocked.will_refuse("PUT", "/refunds", Refusal(400, "tags_too_many", "31 tags are too many.", "tags"))
    page.keyboard.press("Control+s")
    expect(page.locator(".ed-notice--alert")).to_have_text("31 tags are too many.")
    expect(page.locator("#error-tags")).to_have_text("31 tags are too many.")


def test_translation_starts_from_the_original_and_shares_its_address(
    stocked: ScriptedDesk, open_page: OpenPage
) -> None:
    page = open_refunds(open_page)
    expect(page.locator(".ed-languages__link")).to_have_text(["English", "Español"])
    page.get_by_label("Add a translation").select_option("fr")
    expect(page.get_by_label("Title")).to_have_value("Refunds")
    page.get_by_label("Title").fill("Remboursements")
    page.keyboard.press("Control+s")
    expect(page).to_have_url(re.compile("#/fr/refunds$"))
    assert stocked.articles["fr", "refunds"][0]["title"] == "Remboursements"
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_label("Title")).to_have_value("Devoluciones")


def test_hostile_text_stays_text_everywhere(desk: ScriptedDesk, open_page: OpenPage) -> None:
    desk.raw_html = f'{XSS}<a href="javascript:document.title=1">x</a><p onclick="x()">kept</p>'
    desk.add_article(XSS, XSS, slug="hostile", tags=[XSS], phrasings=[XSS], author=XSS)
    best = {"slug": "hostile", "language": "en", "title": XSS, "probability": 0.5}
    desk.questions = [
        {"question": XSS, "language": "en", "verdict": "unsure", "asked_at": 1.0, "times": 1, "best": best}
    ]
    desk.change_behind("en", "hostile", author=XSS, body="y")
    page = open_page("/editor#/en/hostile")
    expect(rows(page).first).to_have_text(XSS)
    for name in ("History", "Try a question", "Preview"):
        page.get_by_role("tab", name=name).click()
    page.get_by_role("button", name="As a page").click()
    expect(page.locator(".ed-page")).to_contain_text("kept")
    assert page.locator(".help-prose [onclick], .help-prose a[href], .help-prose script").count() == 0
    assert page.locator(".help-prose img").get_attribute("onerror") is None
    page.get_by_role("tab", name="Try a question").click()
    page.get_by_role("textbox", name="Try a question").fill(XSS)
    page.keyboard.press("Enter")
    expect(page.locator(".ed-hit__title").first).to_contain_text(XSS)
    page.get_by_role("tab", name="Unanswered").click()
    expect(page.locator(".ed-question__text")).to_have_text(XSS)
    assert "hacked" not in page.title().replace(XSS, "")


def test_operators_read_without_changing(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    assert stocked.operator
    stocked.operator = {**stocked.operator, "role": "operator"}
    page = open_refunds(open_page)
    expect(page.locator(".ed-chat__passage")).to_contain_text("30 days")
    expect(page.get_by_text("You may read, but not change it")).to_be_visible()
    expect(body(page)).not_to_be_editable()
    expect(page.get_by_role("button", name="Save draft")).to_be_hidden()
    expect(page.get_by_role("link", name="New article")).to_be_hidden()
    assert stocked.sent("POST", "/api/render") == []


def test_failure_to_load_says_so_and_can_be_retried(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    stocked.will_refuse("GET", "/api/articles", Refusal(429, "busy", "The knowledge base is busy."))
    page = open_page("/editor")
    expect(page.get_by_text("The knowledge base is busy.")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(rows(page)).to_have_count(4)


def test_preview_that_fails_waits_for_the_next_key_instead_of_asking_again(
    stocked: ScriptedDesk, open_page: OpenPage
) -> None:
    page = open_refunds(open_page)
    stocked.will_refuse("POST", "/api/render", Refusal(429, "busy", "Busy."))
    body(page).fill("First")
    expect(page.get_by_text("The preview could not be made.")).to_be_visible()
    page.wait_for_timeout(700)  # twice the pause after which it would have asked again
    assert stocked.sent("POST", "/api/render") == [{"body": "First", "language": "en"}]
    body(page).fill("Second")
    expect(page.locator(".ed-chat__passage")).to_have_text("Second")
    expect(page.get_by_text("The preview could not be made.")).to_be_hidden()


def test_phone_shows_one_column_with_write_and_preview(stocked: ScriptedDesk, open_page: OpenPage) -> None:
    page = open_page("/editor", size=PHONE)
    rows(page).first.click()
    expect(body(page)).to_be_visible()
    expect(rows(page).first).to_be_hidden()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".ed-chat__passage")).to_be_visible()
    expect(body(page)).to_be_hidden()
    page.get_by_role("link", name="Articles", exact=True).click()
    expect(rows(page).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), PHONE], ids=["desk", "phone"])
def test_editor_has_no_accessibility_violation(
    stocked: ScriptedDesk, open_page: OpenPage, scheme: str, size: tuple[int, int]
) -> None:
    best = {"slug": "refunds", "language": "en", "title": "Refunds", "probability": 0.31}
    question = {"question": "why?", "language": "en", "verdict": "unsure", "asked_at": 1.0, "times": 3, "best": best}
    stocked.questions = [question]
    stocked.change_behind("en", "refunds", body="Changed.")
    page = open_page("/editor", size=size, scheme=scheme)
    expect(rows(page)).to_have_count(4)
    check_accessibility(page, "list")
    page.get_by_role("tab", name="Unanswered").click()
    check_accessibility(page, "questions")
    page.get_by_role("tab", name="Articles").click()
    rows(page).first.click()
    expect(body(page)).to_be_visible()
    check_accessibility(page, "article")
    if size == PHONE:
        page.get_by_role("button", name="Preview").click()
    for tab, wait in (("Preview", ".ed-chat"), ("Try a question", "#trial-question"), ("History", ".ed-revision")):
        page.get_by_role("tab", name=tab).click()
        expect(page.locator(wait).first).to_be_visible()
        check_accessibility(page, tab)
    page.get_by_role("button", name="Revision 1").click()
    expect(page.locator(".ed-diff").first).to_be_visible()
    check_accessibility(page, "revision")
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check_accessibility(page, "dialog")


def check_accessibility(page: Page, place: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page, options={"resultTypes": ["violations"]})
    assert results.violations_count == 0, f"{place}: {results.generate_report()}"
