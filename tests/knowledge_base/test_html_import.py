"""Saved web pages: what is the article stays, however its elements are named and folded, and what is not goes."""

from pathlib import Path

import pytest

from knowledge_base.article import ArticleDraft
from knowledge_base.importing.articles import read_articles
from tests.knowledge_base.files import write


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
        "<div id='sidebar'><h3>More</h3><p>Buy it.</p></div>",
        "<section class='related-articles'><h3>Related</h3><p>Another</p></section>",
        "<div class='theme-doc-breadcrumbs'>Home</div>",
        "<aside id='cookie-banner'><p>We use them.</p></aside>",
        "<div role='dialog' aria-hidden='true'><p>Sign in</p></div>",
    ],
)
def test_what_stands_around_an_article_goes(tmp_path: Path, html: str) -> None:
    assert read_page(tmp_path, f"<p>Intro.</p>{html}").content.body == "Intro."


def test_what_holds_the_title_stays(tmp_path: Path) -> None:
    page = "<main><div class='related-content'><h1>Share it</h1><p>Click Share.</p></div></main>"
    (draft,) = read_articles(write(tmp_path, "a.html", page)).drafts
    assert (draft.content.title, draft.content.body) == ("Share it", "Click Share.")
