"""Links between imported pages: which article each leads to."""

from pathlib import Path

import pytest

from knowledge_base.importing.articles import read_articles
from tests.knowledge_base.files import write


def read_bodies(folder: Path, files: dict[str, str], **options: str) -> dict[str, str]:
    """Import files; return the articles' bodies by their source."""
    for name, text in files.items():
        write(folder, name, text)
    return {draft.source: draft.content.body for draft in read_articles(folder, **options).drafts}  # type: ignore[arg-type]


def test_a_relative_link_leads_to_the_page_beside_and_a_slash_to_the_root(tmp_path: Path) -> None:
    bodies = read_bodies(
        tmp_path,
        {
            "faq.md": "# FAQ\n\nText",
            "billing/faq.md": "# Billing FAQ\n\nText",
            "other/terms.md": "# Terms\n\nText",
            "billing/pay.md": (
                "# Pay\n\n[1](faq.md) [2](/faq.md) [3](../faq.md) [4]({% link faq.md %}) [5](other/terms.md)"
            ),
        },
    )
    assert bodies["billing/pay.md"] == (
        "[1](/help/en/billing-faq) [2](/help/en/faq) [3](/help/en/faq) [4](/help/en/faq) [5](/help/en/terms)"
    )


@pytest.mark.parametrize(
    ("link", "resolved"),
    [
        ("[a](Reset%20password.md)", "[a](/help/en/reset-password)"),
        ("[a](<Reset password.md>)", "[a](/help/en/reset-password)"),
        ("[a](<Reset password.md#x> 'T')", "[a](/help/en/reset-password#x 'T')"),
        ("[a][b]\n\n[b]: ../terms.md 'T'", "[a][b]\n\n[b]: /help/en/terms 'T'"),
        ("[a](pay)", "[a](/help/en/pay)"),
        ("[a](./pay#x)", "[a](/help/en/pay#x)"),
        ("[a](/docs/billing/pay)", "[a](/help/en/pay)"),
        ("[a](/billing/pay/)", "[a](/help/en/pay)"),
        ("[a](billing/pay.html?x=1#x)", "[a](/help/en/pay#x)"),
        ("[a](../acc/)", "[a](/help/en/acc-index)"),
        ('<a class="x" href="pay.md">a</a>', '<a class="x" href="/help/en/pay">a</a>'),
        ("[a](Zahlung-a\u0308ndern.md)", "[a](/help/en/zahlung-andern)"),
        ("[a](gone.md) [b](mailto:x@y.example) [^c]", "[a](gone.md) [b](mailto:x@y.example) [^c]"),
        ("[a](?x=1) [b](#x) [c]() [d](<>) [e](/)", "[a](?x=1) [b](#x) [c]() [d](<>) [e](/help/en/home)"),
        ("x[^c]\n\n[^c]: pay.md", "x[^c]\n\n[^c]: pay.md"),
    ],
)
def test_a_link_is_followed_in_whatever_way_it_is_written(tmp_path: Path, link: str, resolved: str) -> None:
    pages = ["docs/billing/pay.md", "docs/billing/Reset password.md", "docs/acc/README.md", "docs/acc/index.md"]
    files = dict.fromkeys([*pages, "docs/terms.md", "docs/billing/Zahlung-ändern.md"], "# T\n\nText")
    files["index.md"] = "---\ntitle: T\nslug: home\n---\nText"
    bodies = read_bodies(tmp_path, {**files, "docs/billing/from.md": f"# From\n\n{link}"})
    assert bodies["docs/billing/from.md"] == resolved


PICTURES = "![p](img/a.png) ![q](img/b%20c.JPG) [pdf](files/a.pdf) <img src='d.gif'> ![again](img/a.png) [page](x.md)"


def test_what_lies_beside_a_page_and_is_not_imported_is_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.md", f"---\ntitle: A\npermalink: /help/a/\n---\n{PICTURES}")
    write(tmp_path, "b.md", "# B\n\n![p](https://x.example/a.png)")
    found = read_articles(tmp_path)
    assert [(note.source, note.reason) for note in found.warnings] == [
        (
            "a.md",
            "3 pictures and 1 file beside it: not imported (img/a.png, img/b c.JPG, d.gif, …). "
            "Put what is needed on a web site, and link to it there.",
        )
    ]


def test_what_lies_beside_a_page_is_found_at_its_own_address(tmp_path: Path) -> None:
    write(tmp_path, "a.md", f"---\ntitle: A\npermalink: /help/a/\n---\n{PICTURES}")
    found = read_articles(tmp_path, site_url="https://s.example")
    own = "https://s.example/help/a/"
    assert found.warnings == ()
    assert found.drafts[0].content.body == (
        f"![p]({own}img/a.png) ![q]({own}img/b%20c.JPG) [pdf]({own}files/a.pdf) <img src='{own}d.gif'> "
        f"![again]({own}img/a.png) [page]({own}x.md)"
    )
