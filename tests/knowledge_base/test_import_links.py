"""Links between imported pages: which article each leads to."""

from pathlib import Path

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
