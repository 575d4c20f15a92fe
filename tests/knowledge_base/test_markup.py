"""Markdown to HTML that cannot do harm, and to plain text."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.callouts import CLASSES, TITLE_CLASS
from knowledge_base.markup import render_html, render_text

ATTACKS = [
    "<script>alert(1)</script>",
    "a <script src=//evil.example></script> b",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext></mtext><style><img src=x onerror=alert(1)></style></math>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=password></form>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<p onclick='alert(1)' id='app' class='bt-button'>x</p>",
    "<object data='x'></object><embed src='x'><base href='//evil.example'>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "```\n<script>alert(1)</script>\n```",
    '<a href="&#106;avascript:alert(1)">x</a>',
]


class _Page(HTMLParser):
    """Collects what a browser would make of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}


def assert_harmless(html: str) -> None:
    page = _Page(html)
    assert not page.tags & {"script", "style", "iframe", "form", "input", "svg", "math", "object", "embed", "base"}
    for name, value in page.attributes:
        assert name in {"href", "src", "alt", "title", "rel", "start", "align", "class"}
        if name == "class":
            assert set(value.split()) <= CLASSES | {TITLE_CLASS}
        if name in ("href", "src"):
            assert re.match(r"(https?|mailto|tel):|[^:]*$", value)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_runs_survives(attack: str) -> None:
    assert_harmless(render_html(attack))


@given(
    st.lists(
        st.sampled_from(
            [
                *ATTACKS,
                "**bold**",
                "\n\n",
                "- x",
                "<b>",
                "</b>",
                '"',
                "'",
                "<!--",
                "-->",
                "`",
                "> [!NOTE] ",
                ":::tip ",
                ":::\n",
                "<p class='callout-title bt-button'>",
            ]
        )
    )
)
def test_no_mixture_of_attacks_survives(parts: list[str]) -> None:
    assert_harmless(render_html("".join(parts)))


def test_the_test_itself_notices_harm() -> None:
    for attack in ("<script>1</script>", "<a href='javascript:alert(1)'>x</a>", "<p onclick='x'>"):
        with pytest.raises(AssertionError):
            assert_harmless(attack)


def test_what_editors_need_is_rendered() -> None:
    html = render_html(
        "# Title\n\n**Bold** `code` [link](https://example.org)\n\n1. one\n2. two\n\n"
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n> **Note:** mind\n\n~~gone~~ <kbd>Ctrl</kbd>"
    )
    for wanted in (
        "<h2>Title</h2>",
        "<strong>Bold</strong>",
        "<code>code</code>",
        "<li>two</li>",
        "<table>",
        "<s>gone</s>",
        '<td align="right">2</td>',
        "<blockquote>",
        "<kbd>Ctrl</kbd>",
        'rel="noopener noreferrer"',
    ):
        assert wanted in html


def test_steps_that_do_not_start_at_one_keep_their_numbers() -> None:
    assert '<ol start="4">' in render_html("4. four\n5. five")


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("Go to **Settings > Mail** and press [Save](/x).", "Go to Settings > Mail and press Save."),
        ("1. one\n2. two\n   - inner\n3. three", "1. one\n2. two\n   • inner\n3. three"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("first\nsecond  \nthird", "first second\nthird"),
        ("<div>Hello <b>you</b></div>", "Hello you"),
        ("<p>Go to <b>Billing</b>.</p><ul><li>Open it</li><li>Pay</li></ul>", "Go to Billing.\nOpen it\nPay"),
        ("<table><tr><td>Small</td><td>5</td></tr><tr><td>Big</td></tr></table>", "Small 5\nBig"),
        ("<p>One<br>two<i>three</i></p>four", "One\ntwothree\nfour"),
        ("## Head\n\ntext", "Head\n\ntext"),
        ("a &lt;b&gt; `<c>`", "a <b> <c>"),
        ("![A cat](cat.png)", "A cat"),
    ],
)
def test_plain_text_keeps_the_words_and_the_numbers(markdown: str, text: str) -> None:
    assert render_text(markdown) == text


@pytest.mark.parametrize(
    ("markdown", "html", "text"),
    [
        ("> [!NOTE]\n> Mind **this**.", "callout-note|Note|<p>Mind <strong>this</strong>.</p>", "Mind this."),
        ("> [!warning] Take *care*\n> Hot.", "callout-warning|Take <em>care</em>|<p>Hot.</p>", "Take care\n\nHot."),
        ("> [!TIP]\n>\n> 1. One", "callout-tip|Tip|<li>One</li>", "1. One"),
        (":::note\nMind this.\n:::", "callout-note|Note|<p>Mind this.</p>", "Mind this."),
        (":::danger[Take care]\n\n- Hot\n\n:::", "callout-caution|Take care|<li>Hot</li>", "Take care\n\n• Hot"),
        (":::info Title here\nText\n:::", "callout-note|Title here|<p>Text</p>", "Title here\n\nText"),
    ],
)
def test_note_boxes_are_written_as_on_github_or_in_docusaurus(markdown: str, html: str, text: str) -> None:
    kind, title, inner = html.split("|")
    rendered = render_html(markdown)
    assert rendered.startswith(
        f'<blockquote class="callout {kind}">\n<p class="callout-title"><strong>{title}</strong></p>\n'
    )
    assert inner in rendered
    assert "[!" not in rendered
    assert render_text(markdown) == text


def test_a_note_box_is_named_in_the_articles_language() -> None:
    assert "Warnung" in render_html("> [!WARNING]\n> Heiß.", "de")
    assert "Warning" in render_html("> [!WARNING]\n> x", "eo")


@pytest.mark.parametrize("markdown", ["> [!OTHER]\n> x", "> quoted", ":::other\nx\n:::", "> [!NOTE", "[!NOTE]\nx"])
def test_what_only_looks_like_a_note_box_stays_text(markdown: str) -> None:
    assert "callout" not in render_html(markdown)


def test_markup_cannot_dress_up_as_the_page_around_it() -> None:
    assert render_html('<p class="bt-button callout-title">x</p>') == '<p class="callout-title">x</p>'
    assert "bt-" not in render_html('<blockquote class="bt-card callout">x</blockquote>')


def test_of_a_picture_that_lies_nowhere_the_words_are_left() -> None:
    assert render_html("Choose [![The *menu*](img/menu.png)](/help/en/menu).") == (
        '<p>Choose <a href="/help/en/menu" rel="noopener noreferrer">The <em>menu</em></a>.</p>'
    )
    for address in ("https://example.com/menu.png", "/static/menu.png", "//example.com/menu.png"):
        assert f'src="{address}"' in render_html(f"![The menu]({address})")
