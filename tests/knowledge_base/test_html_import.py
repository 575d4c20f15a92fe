"""Saved web pages: what is the article stays, however its elements are named and folded, and what is not goes."""

from pathlib import Path

import pytest

from knowledge_base.article import ArticleDraft
from knowledge_base.importing.articles import read_articles
from knowledge_base.markup import render_html
from tests.knowledge_base.files import build_docx, paragraph, write


def read_page(folder: Path, main: str) -> ArticleDraft:
    (draft,) = read_articles(write(folder, "a.html", f"<title>Help</title><main><h1>Title</h1>{main}</main>")).drafts
    return draft


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<section id='clear-cookies'><h2>Clear cookies</h2><p>Go.</p></section>", "## Clear cookies\n\nGo."),
        ("<div class='section' id='share-a-folder'><h2>Share it</h2><p>Go.</p></div>", "## Share it\n\nGo."),
        ("<section id='menu'><p>Go.</p></section>", "Go."),
        ("<div id='related-articles'><h2>Related articles</h2><p>Go.</p></div>", "## Related articles\n\nGo."),
        ("<div class='comments'><h2>Comments</h2><p>Write below it.</p></div>", "## Comments\n\nWrite below it."),
        ("<div class='how-to-share-photos'><p>Go.</p></div>", "Go."),
        ("<p class='newsletter-settings-intro'>Go.</p>", "Go."),
    ],
)  # fmt: skip
def test_a_section_named_like_furniture_stays(tmp_path: Path, html: str, markdown: str) -> None:
    assert read_page(tmp_path, f"<p>Intro.</p>{html}").content.body == f"Intro.\n\n{markdown}"


@pytest.mark.parametrize(
    "html",
    [
        "<div class='share-buttons'>Tweet</div>",
        "<div class='article-votes'>Was this helpful?</div>",
        "<div class='comments-area'><h2>Comments</h2><p>First!</p></div>",
        "<div class='related'><h3>Related</h3><ul><li><a href='/b'>Another</a></ul></div>",
        "<div id='related'><h4>Related</h4><ul><li><a href='/b'>Another</a></ul></div>",
        "<div id='sidebar'><h3>More</h3><p>Buy it.</p></div>",
        "<section class='related-articles'><h3>Related</h3><p>Another</p></section>",
        "<div class='theme-doc-breadcrumbs'>Home</div>",
        "<aside id='cookie-banner'><p>We use them.</p></aside>",
        "<div role='dialog' aria-hidden='true'><p>Sign in</p></div>",
    ],
)
def test_what_stands_around_an_article_goes(tmp_path: Path, html: str) -> None:
    assert read_page(tmp_path, f"<p>Intro.</p>{html}").content.body == "Intro."


def test_a_page_of_thousands_of_folded_parts_ends(tmp_path: Path) -> None:
    folded = "<button aria-expanded=false aria-controls=x>q</button>" * 20_000
    assert read_page(tmp_path, f"<p>Go.</p>{folded}<div id=x hidden><p>So.</p></div>").content.body == (
        "Go.\n\n## q\n\nSo."
    )


def test_what_holds_the_title_stays(tmp_path: Path) -> None:
    page = "<main><div class='related-content'><h1>Share it</h1><p>Click Share.</p></div></main>"
    (draft,) = read_articles(write(tmp_path, "a.html", page)).drafts
    assert (draft.content.title, draft.content.body) == ("Share it", "Click Share.")


ACCORDION = (
    "<h3><button aria-expanded=false>Refunds?</button></h3><div role=region hidden><p>In 14 days.</p></div>"
    "<h3>Trial?</h3><div aria-hidden='true' class='acc'><p>30 days.</p></div>"
)
TABS = (
    "<h2>Mail</h2><div role=tablist><button role=tab>iOS</button><button role=tab>Android</button></div>"
    "<div role=tabpanel><h3>New</h3><p>Tap Mail.</p></div><div role=tabpanel hidden><p>Tap Gmail.</p></div>"
)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        (ACCORDION, "### Refunds?\n\nIn 14 days.\n\n### Trial?\n\n30 days."),
        (TABS, "## Mail\n\n### iOS\n\n### New\n\nTap Mail.\n\n### Android\n\nTap Gmail."),
        (
            "<button class='accordion'>How do I pay?</button><div><h3>In</h3><p>By card.</p></div>"
            "<div><button class='accordion'>When?</button></div><div><p>Now.</p></div>",
            "## How do I pay?\n\n### In\n\nBy card.\n\n## When?\n\nNow.",
        ),
        (
            "<p>So.</p><button aria-controls='b'>More</button><p>Text.</p><div id='b' hidden>Some <p>words.</p></div>",
            "So.\n\n## More\n\nText.\n\nSome\n\nwords.",
        ),
        ("<a role=tab href='#x'>One</a><div role=tabpanel id=x><p>Go.</p></div>", "[One](#x)\n\nGo."),
        (
            "<ol><li><button aria-expanded=true>Why?</button><div><p>So.</p></div></li><li>Go.</li></ol>",
            "1. **Why?**\n\n   So.\n2. Go.",
        ),
        ("<dl><dt><button aria-expanded=true>Why?</button></dt><dd hidden><p>So.</p></dd></dl>", "**Why?**\n\nSo."),
        ("<p>So <span aria-hidden=true>+</span></p><p hidden>no</p><button>no</button>", "So"),
        ("<p>So</p><button aria-expanded=false>Menu</button><ul hidden><li><a href=/b>Billing</a></ul>", "So"),
    ],
)
def test_what_is_shown_at_a_click_only_stays_below_its_name(tmp_path: Path, html: str, markdown: str) -> None:
    assert read_page(tmp_path, html).content.body == markdown


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<ol><li>a</li><ol><li>sub</li></ol><li>b</li></ol>", "1. a\n   1. sub\n2. b"),
        ("<ul><ul><li>a</li></ul><li>b</li><ul><li>c</li></ul></ul>", "- a\n- b\n  - c"),
        ("<ol><li>a</li></ol> <ol><li>b</li></ol><ol start=2><li>c</li></ol>", "1. a\n\n1) b\n\n2) c"),
        ("<ol><li>a</li></ol><p>x</p><ol><li>b</li></ol>", "1. a\n\nx\n\n1. b"),
        ("<ol><li>a</li><li value=4>b</li><li>c</li><li value=1>d</li></ol>", "1. a\n4) b\n5) c\n1. d"),
    ],
)
def test_steps_keep_their_numbers(tmp_path: Path, html: str, markdown: str) -> None:
    assert read_page(tmp_path, html).content.body == markdown


def test_two_lists_in_a_row_are_rendered_as_two(tmp_path: Path) -> None:
    body = read_page(tmp_path, "<ol><li>a</li></ol><ol><li>b</li></ol>").content.body
    assert render_html(body).count("<ol>") == 2


def test_words_steps_count_on_after_a_paragraph_between_them(tmp_path: Path) -> None:
    steps = [paragraph(text, numbering=1) for text in ("Open it", "Click Save", "Log in", "Go")]
    document = build_docx(paragraph("Reset", "Title"), *steps[:2], paragraph("A picture."), *steps[2:])
    (draft,) = read_articles(write(tmp_path, "reset.docx", document)).drafts
    assert draft.content.body == "1. Open it\n2. Click Save\n\nA picture.\n\n3. Log in\n4. Go"


def test_words_lists_count_each_for_itself_by_level(tmp_path: Path) -> None:
    def step(text: str, numbering: int, level: int = 0) -> str:
        return paragraph(text, numbering=numbering).replace('ilvl w:val="0"', f'ilvl w:val="{level}"')

    document = build_docx(
        paragraph("Reset", "Title"), step("a", 1), step("in", 1, 1), step("in", 1, 1), paragraph("x"),
        step("b", 1), step("in", 1, 1), paragraph("x"), step("restarted", 2), step("c", 2), paragraph("x"),
        step("d", 1),
    )  # fmt: skip
    (draft,) = read_articles(write(tmp_path, "reset.docx", document)).drafts
    assert draft.content.body == (
        "1. a\n   1. in\n   2. in\n\nx\n\n2. b\n   1. in\n\nx\n\n5. restarted\n6. c\n\nx\n\n7. d"
    )
