"""Each format that can be imported, as its own programs write it: what comes in, what is skipped, and why."""

import json
import os
from pathlib import Path

import pytest

from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.articles import read_articles
from knowledge_base.library import KnowledgeBase
from knowledge_base.markup import render_html
from tests.knowledge_base.conftest import REPOSITORY
from tests.knowledge_base.files import (
    bold,
    build_docx,
    build_zip,
    intercom_article,
    paragraph,
    read_one,
    reasons,
    table,
    write,
    zendesk_article,
)

PYTHON_FAQ = REPOSITORY.parent / "shared" / "real-articles" / "python-faq"


PAGE = """<!doctype html>
<html lang="de-DE"><head><title>Kennwort | Fernhill</title><style>p { color: red }</style>
<link rel="canonical" href="https://fernhill.example/hilfe/kennwort/"></head>
<body><header><a href="/">Start</a><nav><ul><li><a href="/x">Menü</a></li></ul></nav></header>
<div class="breadcrumbs">Start › Mail</div>
<main><article><h1>Kennwort <em>ändern</em><a class="headerlink" href="#a">¶</a></h1>
%s
</article></main><footer>Impressum</footer><script>alert(1)</script></body></html>"""


def test_a_saved_page_gives_its_article_without_the_site_around_it(tmp_path: Path) -> None:
    draft = read_one(tmp_path, "a.html", PAGE % "<p>Öffnen Sie <b>Konto</b> &gt; Mail.</p>")
    assert (draft.language, draft.content.title) == ("de", "Kennwort ändern")
    assert draft.content.body == "Öffnen Sie **Konto** > Mail."
    assert draft.permalink == "/hilfe/kennwort/"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<ol start=3><li>Three<li>Four<ul><li>In</ul></ol>", "3. Three\n4. Four\n   - In"),
        ("<table><tr><th>A<th>B|C</tr><tr><td>1<td>2</table>", "| A | B\\|C |\n| --- | --- |\n| 1 | 2 |"),
        ("<pre><code class='language-sh'>ls\n  cd ``` x\n</code></pre>", "````sh\nls\n  cd ``` x\n````"),
        ("<h1>Second</h1><h2>Third</h2><p>x", "## Second\n\n## Third\n\nx"),
        ("<p>a_b *c* &lt;script&gt; [d](e) &amp;amp;", "a_b \\*c\\* \\<script> \\[d](e) \\&amp;"),
        ("<p># no<p>1. no<p>- no", "\\# no\n\n1\\. no\n\n\\- no"),
        (
            "<div class='admonition warning'><p class='admonition-title'>Mind</p><p>This.</p></div>",
            "> [!WARNING] Mind\n> This.",
        ),
        ("<div class='callout callout-tip'><p>So.</p></div>", "> [!TIP]\n> So."),
        ("<details><summary>More</summary><p>Text</p></details>", "**More**\n\nText"),
        ("<dl><dt>Word<dd>Meaning</dl>", "**Word**\n\nMeaning"),
        ("<p><img src='data:image/png;base64,x' alt='Inside'> <img src='/a b(1).png' alt='Out'>",
         "Inside ![Out](/a%20b%281%29.png)"),
        ("<iframe src='//video.example/x' title='Film'></iframe>", "[Film](https://video.example/x)"),
        ("<p><a href='javascript:alert(1)'>x</a> <a href='https://e.example/'>y</a>", "x [y](https://e.example/)"),
        ("<p hidden>no</p><p>yes</p><nav>no</nav><button>no</button>", "yes"),
    ],
)  # fmt: skip
def test_what_articles_are_made_of_becomes_markdown(tmp_path: Path, html: str, markdown: str) -> None:
    assert read_one(tmp_path, "a.html", PAGE % html).content.body == markdown


def test_a_saved_site_keeps_its_links_and_skips_lists_of_links(tmp_path: Path) -> None:
    write(tmp_path, "mail/a.html", PAGE % "<p>See <a href='b.html#x'>b</a>.")
    write(
        tmp_path, "mail/b.html", "<title>B - Fernhill</title><p>See <a href='https://fernhill.example/hilfe/kennwort'>a"
    )
    many = "".join(f"<li><a href='{n}.html'>A page about something, number {n}</a>" for n in range(30))
    write(tmp_path, "index.html", f"<title>All pages</title><ul>{many}</ul>")
    write(tmp_path, "style.css", "p {}")
    found = read_articles(tmp_path)
    assert {draft.slug: draft.content.body for draft in found.drafts} == {
        "a": "See [b](/help/en/b#x).",
        "b": "See [a](/help/de/a)",
    }
    assert reasons(found) == {"index.html": "It is a list of links to other pages."}
    assert found.warnings[-1].reason == "Not read, since they are no articles: 1 .css."


def test_the_sites_own_heading_is_not_the_title(tmp_path: Path) -> None:
    page = (
        "<title>T - Acme</title><header><h1><a href='/'>Acme Help</a></h1></header>"
        "<main><article><h1>Reset your password</h1><p>Click it.</p></article></main>"
    )
    draft = read_one(tmp_path, "a.html", page)
    assert (draft.content.title, draft.content.body) == ("Reset your password", "Click it.")
    outside = "<header><h1>Pay a bill</h1></header><main><p>By card.</p></main>"
    assert read_one(tmp_path, "b.html", outside).content.title == "Pay a bill"


def test_templates_are_no_articles(tmp_path: Path) -> None:
    page, markdown = "<h1>T</h1><main>{{ content }}</main>", "# T\n\nText"
    templates = {
        "_layouts/default.html": page,
        "_includes/note.md": markdown,
        "layouts/_default/single.html": page,
        "layouts/index.html": page,
        "themes/x/layouts/partials/head.html": page,
    }
    for name, text in {**templates, "layouts/columns/two.md": markdown, "_help/layouts.md": markdown}.items():
        write(tmp_path, name, text)
    found = read_articles(tmp_path)
    assert reasons(found) == dict.fromkeys(templates, "It is a template of the site, not a page.")
    assert len(found.drafts) == 2


@pytest.mark.parametrize(("encoding", "declared"), [("utf-8", ""), ("utf-16", ""), ("cp1251", "windows-1251")])
def test_a_page_is_read_in_its_own_encoding(tmp_path: Path, encoding: str, declared: str) -> None:
    html = f"<meta charset='{declared}'><h1>Пароль</h1><p>Откройте настройки и выберите новый пароль.</p>"
    draft = read_one(tmp_path, "a.html", html.encode(encoding))
    assert (draft.content.title, draft.content.body) == ("Пароль", "Откройте настройки и выберите новый пароль.")


RST = """
:tocdepth: 2

Reset it
========

.. note:: Mind this.

.. tip::
   Body of *it*.

.. only:: html

   .. contents::

.. code-block:: python

   print("x")

====  ====
a     b
====  ====
1     2
====  ====

See :ref:`the other <x>`, :func:`~os.path.join`, :unheard:`of` and ``this``.

.. tab-set::
   :sync: a

   .. tab-item:: Linux

      Do it.

.. versionadded:: 3.1
   It came.

term
   meaning
"""


def test_restructured_text_comes_in_with_sphinxs_habits(tmp_path: Path) -> None:
    draft = read_one(tmp_path, "reset.rst", RST)
    assert draft.content.title == "Reset it"
    assert draft.content.body == (
        '> [!NOTE]\n> Mind this.\n\n> [!TIP]\n> Body of *it*.\n\n```python\nprint("x")\n```\n\n'
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n\nSee the other, ~os.path.join, of and `this`.\n\n"
        "Linux\n\nDo it.\n\nNew in version 3.1. It came.\n\n**term**\n\nmeaning"
    ).replace("~os.path.join", "`os.path.join`")


def test_restructured_text_reaches_no_other_file_and_says_what_is_gone(tmp_path: Path) -> None:
    write(tmp_path, "secret.txt", "the secret")
    text = (
        "Title\n=====\n\nText.\n\n.. include:: secret.txt\n\n.. raw:: html\n\n   <script>x</script>\n\n"
        ".. csv-table::\n   :file: secret.txt\n\n.. raw:: html\n   :file: secret.txt\n\n"
        ".. literalinclude:: secret.txt\n\n.. role:: html(raw)\n   :format: html\n\n:html:`<script>x</script>` end\n"
    )
    found = read_articles(write(tmp_path, "a.rst", text))
    (draft,) = found.drafts
    assert "secret" not in draft.content.body.replace("secret.txt", "")
    assert "<script" not in render_html(draft.content.body)
    assert [note.reason for note in found.warnings] == [
        "Left out: directive include, directive literalinclude, directive raw"
    ]


def test_a_real_collection_of_restructured_text_comes_in_whole() -> None:
    if not PYTHON_FAQ.is_dir():
        pytest.skip(f"the real articles are not beside the repository ({PYTHON_FAQ})")
    found = read_articles(PYTHON_FAQ)
    assert {draft.slug for draft in found.drafts} == {
        path.name.removesuffix(".rst.txt") for path in PYTHON_FAQ.glob("*.rst.txt")
    } - {"index"}
    assert set(reasons(found)) == {"README.md", "index.rst.txt"}
    bodies = "\n".join(draft.content.body for draft in found.drafts)
    assert bodies.count("```") > 100
    assert ":ref:`" not in bodies
    assert "system-message" not in bodies


def test_a_word_document_keeps_headings_lists_and_tables(tmp_path: Path) -> None:
    document = build_docx(
        paragraph("Reset your password", "Title"),
        bold("Mind this."),
        paragraph("Steps", "heading1"),
        paragraph("Open it", numbering=1),
        paragraph("Press &lt;Save&gt;", numbering=1),
        table(("Plan", "Price"), ("Small", "5")),
    )
    draft = read_one(tmp_path, "reset.docx", document)
    assert draft.content.title == "Reset your password"
    assert draft.content.body == (
        "**Mind this.**\n\n## Steps\n\n1. Open it\n2. Press \\<Save>\n\n| Plan | Price |\n| --- | --- |\n| Small | 5 |"
    )


def test_zendesks_articles_come_with_labels_sections_translations_and_links(tmp_path: Path) -> None:
    link = "<p>See <a href='https://fernhill.zendesk.com/hc/en-us/articles/2-Old-title#h'>two</a></p>"
    answer = {
        "count": 4,
        "next_page": None,
        "articles": [
            zendesk_article(1, "Reset it", link, translations=[
                {"locale": "de", "title": "Kennwort", "body": "<p><a href='/hc/de/articles/2'>zwei</a>", "draft": True}
            ]),
            zendesk_article(2, "Refunds", "<ol><li>x</ol>", user_segment_id=9),
            zendesk_article(3, "Empty", None),
        ],
        "sections": [{"id": 7, "name": "Mail"}],
    }  # fmt: skip
    write(tmp_path, "page-1.json", json.dumps(answer))
    write(tmp_path, "page-2.json", json.dumps({"articles": [zendesk_article(4, "Refunds", "<p>y")]}))
    found = read_articles(tmp_path)
    drafts = {(draft.language, draft.slug): draft for draft in found.drafts}
    reset = drafts["en", "reset-it"]
    assert (reset.status, reset.content.tags) == ("published", ("billing", "Mail"))
    assert reset.content.body == "See [two](/help/en/2-refunds#h)"
    assert reset.permalink == "/hc/en-us/articles/1-Reset-it"
    german = drafts["de", "reset-it"]
    assert (german.status, german.content.body) == ("draft", "[zwei](/help/en/2-refunds)")
    assert drafts["en", "2-refunds"].content.audience == "staff"
    assert ("en", "4-refunds") in drafts
    assert reasons(found) == {"page-1.json#3": "It has no body."}
    assert found.warnings[0].source == "page-1.json#2"


def test_zendesks_translations_share_the_slug_of_their_own_language(tmp_path: Path) -> None:
    english = zendesk_article(1, "Reset it", "<p>x</p>") | {"source_locale": "en-us", "locale": "en-us"}
    others = [{"source_id": 1, "locale": name, "title": name, "body": "<p>y</p>"} for name in ("fr", "de")]
    lost = zendesk_article(0, "Lost", "<p>z</p>") | {"source_locale": "fr", "locale": "en-us"}
    found = read_articles(write(tmp_path, "all.json", json.dumps({"articles": [*others, english, lost]})))
    assert {(draft.language, draft.slug) for draft in found.drafts} == {
        ("en", "reset-it"), ("fr", "reset-it"), ("de", "reset-it"), ("en", "lost"),
    }  # fmt: skip


def test_zendesks_articles_may_stay_where_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.json", json.dumps({"article": zendesk_article(1, "Reset", "<p>x")}))
    (draft,) = read_articles(path, site_url="https://fernhill.zendesk.com").drafts
    assert draft.permalink == "https://fernhill.zendesk.com/hc/en-us/articles/1-Reset"


def test_intercoms_articles_come_with_translations_and_collections(tmp_path: Path) -> None:
    translated = {
        "type": "article_translated_content",
        "en": {"title": "Billing", "body": "<p>Pay", "state": "published"},
        "fr": {"type": "article_content", "title": "Facturation", "body": "<p>Payez", "state": "draft", "url": None},
    }
    answer = {"type": "list", "pages": {"next": None}, "data": [
        intercom_article("9", "Billing", "<p class='no-margin'>Pay <b>now</b></p>", translated_content=translated)
    ]}  # fmt: skip
    write(tmp_path, "articles.json", json.dumps(answer))
    collections = {"type": "list", "data": [{"type": "collection", "id": "55", "name": "Money matters"}]}
    write(tmp_path, "collections.json", json.dumps(collections))
    english, french = read_articles(tmp_path).drafts
    assert (english.language, english.slug, english.content.body) == ("en", "billing", "Pay **now**")
    assert english.content.tags == ("money", "Money matters")
    assert (french.language, french.slug, french.status) == ("fr", "billing", "draft")


@pytest.mark.parametrize(
    "value", ["{}", "[]", "7", '{"users":[]}', '[[[[[[[{"question":"a","answer":"b"}]]]]]]]', '"x"']
)
def test_json_of_something_else_is_reported(tmp_path: Path, value: str) -> None:
    found = read_articles(write(tmp_path, "a.json", value))
    assert found.drafts == ()
    assert list(reasons(found)) == ["a.json"]


def test_hugos_pages_come_in_with_their_shortcodes(tmp_path: Path) -> None:
    front = '+++\ntitle = "Reset it"\ntags = ["mail"]\naliases = ["/old/reset/"]\ndate = 2024-01-02\n+++\n'
    body = (
        'See [it]({{< ref "other.md" >}}).\n\n'
        '{{< alert type="warning" title="Mind" >}}\nThis **too**.\n{{< /alert >}}\n\n'
        '{{< figure src="/a.png" alt="Pic" >}}\n\n{{< highlight sh >}}\nls\n{{< /highlight >}}\n\n'
        "{{% unheard %}}Inside{{% /unheard %}} {{< gone >}}\n\nWrite {{</* ref */>}} so."
    )
    write(tmp_path, "content/en/mail/reset.md", front + body)
    write(tmp_path, "content/en/mail/_index.md", "+++\ntitle = 'Mail'\n+++\n[old](/old/reset/)")
    write(tmp_path, "content/en/mail/other.md", "---\ntitle: Other\n---\nText")
    write(tmp_path, "content/fr/mail/reset.md", "+++\ntitle = 'Refaire'\ndraft = true\n+++\nTexte")
    found = read_articles(tmp_path)
    drafts = {(draft.language, draft.slug): draft for draft in found.drafts}
    assert set(drafts) == {("en", "reset"), ("fr", "reset"), ("en", "other"), ("en", "mail-index")}
    assert drafts["fr", "reset"].status == "draft"
    assert drafts["en", "mail-index"].content.body == "[old](/help/en/reset)"
    text = "\n".join(line.rstrip() for line in drafts["en", "reset"].content.body.split("\n") if line)
    assert text == (
        "See [it](/help/en/other).\n> [!WARNING] Mind\n> This **too**.\n![Pic](/a.png)\n```sh\nls\n```\n"
        "Inside\nWrite {{< ref >}} so."
    )
    assert found.warnings[0].reason == "Left out: shortcode unheard, shortcode gone"


def test_docusaurus_pages_come_in_with_their_translations(tmp_path: Path) -> None:
    mdx = (
        "---\nid: reset-it\nsidebar_label: Reset\nsidebar_position: 2\ntags:\n  - label: mail\n---\n"
        "import Tabs from '@theme/Tabs';\n\n# Reset it\n\n<Tabs>\n\nText.\n\n</Tabs>\n\n"
        ":::tip[Mind]\n\nThis.\n\n:::\n\n"
        "```jsx\nimport X from 'y';\n<Tabs/>\n```\n"
    )
    write(tmp_path, "docs/mail/reset.mdx", mdx)
    write(tmp_path, "docs/web/setup.md", "---\nslug: /web/set-up\ntitle: Set up\n---\n[r](../mail/reset.mdx)")
    plugin = "i18n/fr/docusaurus-plugin-content-docs"
    write(tmp_path, f"{plugin}/current/mail/reset.mdx", "# Refaire\n\n[s](/web/set-up)")
    write(tmp_path, "versioned_docs/version-1.0/mail/reset.mdx", "# Old\n\nText")
    found = read_articles(tmp_path)
    drafts = {(draft.language, draft.slug): draft for draft in found.drafts}
    assert set(drafts) == {("en", "reset-it"), ("fr", "reset-it"), ("en", "set-up")}
    english = drafts["en", "reset-it"].content
    assert (english.title, english.tags) == ("Reset it", ("mail",))
    assert ":::tip[Mind]\n\nThis.\n\n:::" in english.body
    assert "```jsx\nimport X from 'y';\n<Tabs/>\n```" in english.body
    assert "Tabs>" not in english.body.replace("<Tabs/>", "")
    assert drafts["en", "set-up"].content.body == "[r](/help/en/reset-it)"
    assert drafts["fr", "reset-it"].content.body == "[s](/help/en/set-up)"
    assert "older version" in reasons(found)["versioned_docs/version-1.0/mail/reset.mdx"]


def test_an_archive_is_read_like_the_folder_that_it_holds(tmp_path: Path) -> None:
    files = {"en/a.md": "# A\n\n[b](b.html)", "en/b.html": "<h1>B</h1><p>x", "faq.csv": "question,answer\nHow?,So.\n"}
    for name, text in files.items():
        write(tmp_path / "folder", name, text)
    packed = read_articles(write(tmp_path, "all.zip", build_zip({**files, "__MACOSX/en/._a.md": "x"})))
    assert packed == read_articles(tmp_path / "folder")
    assert len(packed.drafts) == 3


def test_one_kind_alone_can_be_asked_for(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "# A\n\nText")
    write(tmp_path, "b.html", "<h1>B</h1><p>x")
    assert [draft.slug for draft in read_articles(tmp_path, kind="html").drafts] == ["b"]
    named = write(tmp_path, "notes.txt", "# C\n\nText")
    assert [draft.slug for draft in read_articles(named, kind="markdown").drafts] == ["notes"]
    with pytest.raises(InvalidInputError, match="holds nothing"):
        read_articles(named)


def test_links_out_and_special_files_of_a_folder_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.md", "# Secret\n\nText")
    write(tmp_path, "in/good.md", "# Good\n\nText")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "in" / "pipe.md")
    found = read_articles(tmp_path / "in")
    assert [draft.slug for draft in found.drafts] == ["good"]
    assert set(reasons(found)) == {"folder", "pipe.md"}


@pytest.mark.parametrize("kind", ["html", "rst", "docx", "csv", "json", "md"])
def test_a_second_import_of_the_same_changes_nothing(base: KnowledgeBase, tmp_path: Path, kind: str) -> None:
    contents: dict[str, str | bytes] = {
        "html": PAGE % "<p>Text",
        "rst": RST,
        "docx": build_docx(paragraph("T", "Title"), paragraph("Text")),
        "csv": "question,answer,status\nHow?,So.,published\nWhy?,Because.,draft\n",
        "json": json.dumps(
            {"articles": [zendesk_article(1, "A", "<p>x"), zendesk_article(2, "B", "<p>y", draft=True)]}
        ),
        "md": "---\ntitle: T\nstatus: archived\n---\nText",
    }
    path = write(tmp_path, f"a.{kind}", contents[kind])
    first = base.import_articles(read_articles(path).drafts, "Ada")
    second = base.import_articles(read_articles(path).drafts, "Ada")
    assert first.created
    assert second.unchanged == first.created
    for draft in first.created:
        assert [r.revision for r in base.articles.list_revisions(draft.language, draft.slug)] == [1]
        assert base.articles.get(draft.language, draft.slug).status == (draft.status or "published")
