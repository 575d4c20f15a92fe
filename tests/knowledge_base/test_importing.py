"""Importing folders: plain Markdown, Jekyll's habits, a real help centre, and files that are broken."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.article import ArticleDraft
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.articles import read_articles
from knowledge_base.importing.html_blocks import convert_html_blocks
from knowledge_base.importing.kramdown import strip_kramdown
from knowledge_base.importing.liquid import resolve_liquid
from knowledge_base.importing.reading import FILE_MAX_BYTES, ImportReading
from knowledge_base.library import KnowledgeBase
from knowledge_base.markup import render_html, render_text
from tests.knowledge_base.conftest import REPOSITORY

LOGIN_GOV = REPOSITORY.parent / "shared" / "real-articles" / "login-gov" / "_help"
LEAK = re.compile(r"\{%|%\}|\{\{|\}\}|\{:|</?(?:div|button|ul|ol|li|span|p|h[1-6]|noscript)\b")


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def read_one(folder: Path, name: str, text: str) -> ArticleDraft:
    write(folder, name, text)
    (draft,) = read_articles(folder).drafts
    return draft


@pytest.fixture(scope="module")
def login_gov() -> ImportReading:
    if not LOGIN_GOV.is_dir():
        pytest.skip(f"the real help centre is not beside the repository ({LOGIN_GOV})")
    return read_articles(LOGIN_GOV)


def test_a_whole_real_help_centre_is_imported(login_gov: ImportReading) -> None:
    files = list(LOGIN_GOV.rglob("*.md"))
    assert len(login_gov.drafts) == len(files) > 200
    assert login_gov.skipped == ()
    by_slug: dict[str, set[str]] = {}
    for draft in login_gov.drafts:
        by_slug.setdefault(draft.slug, set()).add(draft.language)
    assert all(languages == {"en", "es", "fr", "zh"} for languages in by_slug.values())


def test_no_template_markup_leaks_into_any_real_article(login_gov: ImportReading) -> None:
    assert any(LEAK.search(path.read_text()) for path in LOGIN_GOV.rglob("*.md"))
    for draft in login_gov.drafts:
        body = draft.content.body
        assert not LEAK.search(body), draft.source
        assert not LEAK.search(render_text(body)), draft.source
        assert not re.search(r"\{%|\{\{|\{:", render_html(body)), draft.source


def test_lists_of_the_front_matter_are_part_of_the_real_articles(login_gov: ImportReading) -> None:
    body = {(d.language, d.slug): d.content.body for d in login_gov.drafts}["en", "accepted-id-type"]
    assert "- **Driver's license** from all 50 states" in body
    assert "Expired IDs or extension documents" in body


def test_what_a_real_article_lost_is_reported(login_gov: ImportReading) -> None:
    notes = {note.source: note.reason for note in login_gov.warnings}
    assert "country_support_table" in notes["trouble-signing-in/international-phone-number-support._en.md"]


def test_links_between_real_articles_lead_to_the_imported_ones(login_gov: ImportReading) -> None:
    known = {(draft.language, draft.slug) for draft in login_gov.drafts}
    links = [link for d in login_gov.drafts for link in re.findall(r"\]\(/help/(\w\w)/([\w-]+)\)", d.content.body)]
    assert len(links) > 300
    assert set(links) <= known


def test_our_own_articles_can_be_imported(base: KnowledgeBase) -> None:
    folder = REPOSITORY / "knowledge_base" / "articles"
    if not any(folder.rglob("*.md")):
        pytest.skip("there are no articles in the package yet")
    found = read_articles(folder)
    assert found.skipped == ()
    for draft in found.drafts:
        assert draft.source == f"{draft.language}/{draft.slug}.md"
        assert draft.content.phrasings
    base.import_articles(found.drafts, "import")
    assert base.articles.count()[1] == len(found.drafts)


@pytest.mark.parametrize(
    ("name", "front", "language", "slug"),
    [
        ("reset.md", "", "en", "reset"),
        ("reset._es.md", "", "es", "reset"),
        ("reset.fr.md", "", "fr", "reset"),
        ("reset.zh-Hans.md", "", "zh", "reset"),
        ("de/reset.md", "", "de", "reset"),
        ("pt/mail/reset.md", "", "pt", "reset"),
        ("reset._es.md", "lang: fr\n", "fr", "reset"),
        ("sign_in.md", "", "en", "sign-in"),
        ("v1.2.md", "", "en", "v1-2"),
        ("mail/index.md", "", "en", "mail-index"),
    ],
)
def test_language_and_slug_come_from_the_path(tmp_path: Path, name: str, front: str, language: str, slug: str) -> None:
    draft = read_one(tmp_path, name, f"---\ntitle: T\n{front}---\nText")
    assert (draft.language, draft.slug) == (language, slug)


def test_names_that_occur_twice_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for name in ("mail/setup.md", "web/setup.md", "web/other.md", "a/mail/help.md", "b/mail/help.md"):
        write(tmp_path, name, "---\ntitle: T\n---\nText")
    assert {d.source: d.slug for d in read_articles(tmp_path).drafts} == {
        "mail/setup.md": "mail-setup",
        "web/setup.md": "web-setup",
        "web/other.md": "other",
        "a/mail/help.md": "a-mail-help",
        "b/mail/help.md": "b-mail-help",
    }


def test_translations_share_their_slug(tmp_path: Path) -> None:
    for name in ("en/setup.md", "de/setup.md", "setup._fr.md"):
        write(tmp_path, name, "---\ntitle: T\n---\nText")
    assert {(d.language, d.slug) for d in read_articles(tmp_path).drafts} == {
        ("en", "setup"),
        ("de", "setup"),
        ("fr", "setup"),
    }


def test_front_matter_gives_title_tags_and_phrasings(tmp_path: Path) -> None:
    draft = read_one(
        tmp_path,
        "a.md",
        "---\ntitle: T\ntags: [a, b]\ncategory: c\nkeywords: d, e\nphrasings:\n  - how so, then\n---\nText",
    )
    assert draft.content.tags == ("a", "b", "c", "d", "e")
    assert draft.content.phrasings == ("how so, then",)


def test_titles_slugs_and_languages_are_read_as_they_were_written(tmp_path: Path) -> None:
    for title in ("1.10", "12:30", "Yes", "2024-01-02", "0x1F", "1_000"):
        assert read_one(tmp_path, "a.md", f"---\ntitle: {title}\n---\nText").content.title == title
    draft = read_one(tmp_path, "a.md", "---\ntitle: T\nlang: no\nslug: 2024-01-02\n---\nText")
    assert (draft.language, draft.slug) == ("no", "2024-01-02")
    assert read_one(tmp_path, "a.md", "---\ntitle:\nlang: ~\n---\n# Head\n\nText").content.title == "Head"


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("# Reset it #\n\nText", "Reset it", "Text"),
        ("Reset\nit\n=====\n\nText", "Reset it", "Text"),
        ("<!-- x -->\n\n# Reset\n\nText", "Reset", "<!-- x -->\n\n\nText"),
        ("[Home](https://x.example)\n\n# Reset\n\nText", "Reset", "[Home](https://x.example)\n\n\nText"),
        ('<h1 align="center">Reset</h1>\n\nText', "Reset", "Text"),
        ("## Reset\n\nText", "Reset", "Text"),
        ("## Contents\n\n# Reset\n\nText", "Reset", "## Contents\n\n\nText"),
        ("# **Reset \\- it** &amp; `x`\n\nText", "Reset - it & x", "Text"),
        ("# 1. Reset <a name='x'></a>[it](y.md)\n\nText", "1. Reset it", "Text"),
        ("```\n# no\n```\n\n> # no\n\n# Reset", "Reset", "```\n# no\n```\n\n> # no"),
        ("---\nsidebar_label: Reset\n---\n## Steps\n\nText", "Reset", "## Steps\n\nText"),
    ],
)
def test_a_first_heading_is_the_title_where_there_is_no_other(tmp_path: Path, text: str, title: str, body: str) -> None:
    draft = read_one(tmp_path, "a.md", text)
    assert (draft.content.title, draft.content.body) == (title, body)


def test_links_by_file_permalink_and_old_address_follow_the_articles(tmp_path: Path) -> None:
    write(tmp_path, "mail/a.md", "---\ntitle: A\npermalink: /help/a/\nredirect_from: [/old/a/]\n---\nText")
    write(tmp_path, "mail/a._de.md", "---\ntitle: A\n---\nText")
    body = "[1](/help/a/) [2](/old/a#x) [3](../mail/a.md) [4](/contact) [5](https://x.example/help/a/) [6](#here)"
    write(tmp_path, "web/b.md", f"---\ntitle: B\n---\n{body}")
    write(tmp_path, "web/b._de.md", "---\ntitle: B\n---\n[1](/help/a/)")
    drafts = {(d.language, d.slug): d for d in read_articles(tmp_path, site_url="https://s.example/").drafts}
    assert drafts["en", "b"].content.body == (
        "[1](/help/en/a) [2](/help/en/a#x) [3](/help/en/a) [4](https://s.example/contact) "
        "[5](https://x.example/help/a/) [6](#here)"
    )
    assert drafts["de", "b"].content.body == "[1](/help/de/a)"
    assert drafts["en", "a"].permalink == "https://s.example/help/a/"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"---\ntitle: [open\n---\nText", "not YAML"),
        (b"---\ntitle: x\nText", "never closed"),
        (b"---\n- a\n---\nText", "name: value"),
        (b"---\ntitle: T\n---\n\xff\xfe caf\xe9", "UTF-8"),
        ("---\ntitle: T\n---\nText".encode("utf-16"), "UTF-8"),
        (b"---\ntitle: T\n---\n" + b"x" * FILE_MAX_BYTES, "bytes"),
        (b"---\ntitle: T\n---\n" + b"x" * 100_001, "characters"),
        (b"---\ntitle: T\n---\n  \n", "body is empty"),
        (b"---\ntitle: T\n---\n{% include form.html %}", "body is empty"),
        (b"", "neither a title"),
        (b"Just text without a title.", "neither a title"),
        (b"---\ntitle: ''\n---\nText", "title is empty"),
        (b"---\ntitle: T\nlang: nonsense\n---\nText", "language"),
        (b"---\ntitle: T\nphrasings: {a: b}\ntags: 7\n---\n", "body is empty"),
    ],
)
def test_a_broken_file_is_reported_and_the_others_are_read(tmp_path: Path, text: bytes, reason: str) -> None:
    write(tmp_path, "broken.md", text)
    write(tmp_path, "good.md", "---\ntitle: Good\n---\nText")
    found = read_articles(tmp_path)
    assert [d.slug for d in found.drafts] == ["good"]
    assert [note.source for note in found.skipped] == ["broken.md"]
    assert reason in found.skipped[0].reason


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside.md", "# Secret\n\nText")
    write(tmp_path, "in/good.md", "# Good\n\nText")
    (tmp_path / "in" / "bad.md").symlink_to(tmp_path / "outside.md")
    found = read_articles(tmp_path / "in")
    assert [d.slug for d in found.drafts] == ["good"]
    assert "symbolic link" in found.skipped[0].reason


def test_what_is_not_published_becomes_a_draft(tmp_path: Path) -> None:
    hidden = (
        "published: false",
        "draft: true",
        "unlisted: true",
        "status: draft",
        "status: unpublished",
        "status: off",
    )
    for front in (*hidden, "draft: 'true'", "published: 'false'", "status: published\ndraft: true"):
        assert read_one(tmp_path, "a.md", f"---\ntitle: T\n{front}\n---\nText").status == "draft"
    for front in ("status: archived", "status: Archived\ndraft: true"):
        assert read_one(tmp_path, "a.md", f"---\ntitle: T\n{front}\n---\nText").status == "archived"
    for front in ("status: live", "status: published\ndraft: false"):
        assert read_one(tmp_path, "a.md", f"---\ntitle: T\n{front}\n---\nText").status == "published"
    for front in ("author: Ada", "draft: false", "published: 2024-01-02", "published: 'yes'", "status:"):
        assert read_one(tmp_path, "a.md", f"---\ntitle: T\n{front}\n---\nText").status is None


def test_a_standing_that_is_not_understood_is_a_draft_and_reported(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "---\ntitle: A\nstatus: in review\n---\nText")
    write(tmp_path, "b.md", "---\ntitle: B\npublished: maybe\n---\nText")
    found = read_articles(tmp_path)
    assert [draft.status for draft in found.drafts] == ["draft", "draft"]
    assert [(note.source, note.reason) for note in found.warnings] == [
        ("a.md", 'Its status "in review" is not known: imported as a draft. Write published, draft or archived.'),
        ("b.md", '"published" is "maybe", neither yes nor no: imported as a draft.'),
    ]


def test_a_folder_without_articles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds nothing"):
        read_articles(tmp_path)
    with pytest.raises(InvalidInputError, match="no file or folder"):
        read_articles(tmp_path / "none")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{% include l.html items=page.tips size='md' %}", "- one\n- two"),
        ("{% include l.html items=page.donts icon_shape='cancel' %}", "- ✗ never"),
        ("{%- include l.html items=page.rows -%}", "- A: first\n- B: second"),
        (
            "{% capture note %}\nMind **this**.\n{% endcapture %}{% include alert.html content=note %}",
            "> Mind **this**.",
        ),
        ('{% include alert.html content="Mind this." %}', "> Mind this."),
        ("{% include unknown.html a=b %}x", "x"),
        ("a {{ page.name }} b {{ site.baseurl }}c {{ site.secret }}d", "a Ada b c d"),
        ("{% if x %}gone{% else %}too{% endif %}kept", "kept"),
        ("{% for a in b %}{% if c %}x{% endif %}{% endfor %}kept", "kept"),
        ("{% comment %}gone{% endcomment %}kept", "kept"),
        ("{% raw %}{{ kept }}{% endraw %}", "{{ kept }}"),
        ("{% assign who = 'Ada' %}{{ who }}", "Ada"),
        ("{% highlight ruby %}\nputs 1\n{% endhighlight %}", "```ruby\nputs 1\n```"),
        ("{% unclosed", "unclosed"),
    ],
)
def test_liquid_is_resolved_as_far_as_the_page_can_tell(body: str, text: str) -> None:
    fields = {
        "tips": ["one", "two"],
        "donts": ["never"],
        "rows": [{"title": "A", "text": "first"}, {"title": "B", "text": "second"}],
        "name": "Ada",
    }
    assert resolve_liquid(body, fields)[0].strip() == text


def test_what_liquid_left_out_is_named() -> None:
    _, left_out = resolve_liquid("{% include map.html %}{{ site.x }}{% if y %}{% endif %}{% toc %}", {})
    assert left_out == ("include map.html", "if block", "output site.x", "tag toc")


def test_a_list_that_includes_itself_ends() -> None:
    text, _ = resolve_liquid("{% include l.html items=page.a %}", {"a": ["x {% include l.html items=page.a %}"]})
    assert "{%" not in text


@given(
    st.lists(st.sampled_from(["{%", "%}", "{{", "}}", " if x ", "endif", "for", "raw", "endraw", "page.a", "x", "\n"]))
)
def test_no_mixture_of_liquid_raises_or_hangs(parts: list[str]) -> None:
    text, _ = resolve_liquid("".join(part for part in parts if "raw" not in part), {"a": ["{{ page.a }}"]})
    assert "{%" not in text
    assert "{{" not in text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("1. a\n{: .number-list}", "1. a"),
        ('[x](/y){:class="z"} more', "[x](/y) more"),
        ("## Head {#id}", "## Head"),
        ("* TOC\n{:toc}\n\ntext", "\ntext"),
        ("```\n{: kept}\n```", "```\n{: kept}\n```"),
    ],
)
def test_kramdown_attributes_go_and_code_stays(markdown: str, text: str) -> None:
    assert strip_kramdown(markdown) == text


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<div>Hello <b>you</b></div>", "Hello **you**"),
        ("<h2><button type='button'>\n Why?\n</button></h2>\n", "## Why?"),
        ("<ol><li>one</li><li>two<ul><li>in</li></ul></li><li>three</li></ol>", "1. one\n2. two\n   - in\n3. three"),
        ("<ul>\n<li><p>one</p></li>\n<li><a href='/x'>two</a></li></ul>", "- one\n- [two](/x)"),
        (
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
        ),
        ("<div markdown='1'>\n\n## Head\n\n* one\n* two\n\n</div>", "## Head\n\n* one\n* two"),
        ("<noscript><p>no</p></noscript>\n\ntext", "text"),
        ("<script>x</script>\ntext", "text"),
        ("<pre><code>a\n  b</code></pre>", "```\na\n  b\n```"),
        ("<details><summary>More</summary><p>Text</p></details>", "**More**\n\nText"),
        ("text <b>bold</b>", "text <b>bold</b>"),
        ("```\n<div>code</div>\n```", "```\n<div>code</div>\n```"),
        ("<div>never closed\n\ntext", "never closed\n\ntext"),
    ],
)
def test_html_blocks_become_markdown(html: str, markdown: str) -> None:
    assert convert_html_blocks(html) == markdown
