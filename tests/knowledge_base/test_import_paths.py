"""What the paths of a site's files say: slugs, and which articles are translations of each other."""

from pathlib import Path

import pytest

from knowledge_base.importing.articles import read_articles
from tests.knowledge_base.files import build_zip, write


def read_slugs(folder: Path, files: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Import files, of which none may be skipped; return the articles' language and slug by their source."""
    for name, text in files.items():
        write(folder, name, text)
    found = read_articles(folder)
    assert found.skipped == ()
    return {draft.source: (draft.language, draft.slug) for draft in found.drafts}


@pytest.mark.parametrize(
    ("files", "slugs"),
    [
        (
            {"docs/account/overview.md": "id: overview", "docs/billing/overview.md": "id: overview"},
            ["account-overview", "billing-overview"],
        ),
        ({"docs/a.md": "slug: /account/faq", "docs/b.md": "slug: /billing/faq"}, ["account-faq", "billing-faq"]),
        (
            {"x/a/mail/b.md": "slug: same", "x/b/mail/b.md": "slug: same", "c.md": "slug: same"},
            ["same", "x-a-mail-same", "x-b-mail-same"],
        ),
        ({"docs/a.md": "slug: /account/faq", "docs/b.md": "slug: /billing/pay"}, ["faq", "pay"]),
        ({"a.md": "slug: same\nlang: en", "x/b.md": "slug: same\nlang: de"}, ["same", "same"]),
        ({"docs/faq.md": "id: 1", "faq.md": "id: 2"}, ["docs-faq", "faq"]),
        ({"content/reset.md": "id: 1", "docs/reset.md": "id: 2"}, ["content-reset", "docs-reset"]),
    ],
)
def test_places_that_want_one_slug_are_told_apart_by_their_folders(
    tmp_path: Path, files: dict[str, str], slugs: list[str]
) -> None:
    found = read_slugs(tmp_path, {name: f"---\ntitle: T\n{front}\n---\nText" for name, front in files.items()})
    assert [found[name][1] for name in sorted(found)] == slugs


def test_translations_share_the_slug_that_tells_their_places_apart(tmp_path: Path) -> None:
    page, plugin = "---\nid: overview\n---\n# T\n\nText", "i18n/fr/docusaurus-plugin-content-docs/current"
    files = [f"{root}/{name}/overview.md" for root in ("docs", plugin) for name in ("account", "billing")]
    assert set(read_slugs(tmp_path, dict.fromkeys(files, page)).values()) == {
        (language, slug) for language in ("en", "fr") for slug in ("account-overview", "billing-overview")
    }


def test_a_folder_around_a_site_counts_for_nothing(tmp_path: Path) -> None:
    plugin = "i18n/fr/docusaurus-plugin-content-docs/current"
    names = ["docs/reset.md", f"{plugin}/reset.md", "docs/mail/index.md"]
    expected = {names[0]: ("en", "reset"), names[1]: ("fr", "reset"), names[2]: ("en", "mail-index")}
    packed = write(tmp_path, "site.zip", build_zip({f"help-main/{name}": "# T\n\nText" for name in names}))
    drafts = read_articles(packed).drafts
    assert {draft.source: (draft.language, draft.slug) for draft in drafts} == expected
    assert read_slugs(tmp_path / "unpacked", {f"a/b/{name}": "# T\n\nText" for name in names}) == expected
    languages = {"site/en/a.md": "# T\n\nText", "site/de/a.md": "# T\n\nText"}
    assert read_slugs(tmp_path / "languages", languages) == {"en/a.md": ("en", "a"), "de/a.md": ("de", "a")}
    assert read_slugs(tmp_path / "topic", {"mail/index.md": "# T\n\nText"}) == {"mail/index.md": ("en", "mail-index")}


@pytest.mark.parametrize(
    ("names", "languages"),
    [
        (("HR/contact.md", "IT/contact.md", "sales/contact.md"), "en en en"),
        (("guide/id/card.md", "guide/start.md"), "en en"),
        (("docs/de/a.md", "de/b.md", "src/content/fr/c.md", "help/pt-BR/d.md", "help/zh_Hans/e.md"), "de de fr pt zh"),
        (("mail/en/a.md", "mail/de/a.md", "web/de/b.md"), "en de de"),
        (("mail/a.md", "mail/de/a.md"), "en de"),
    ],
)
def test_a_folder_is_a_language_only_where_languages_stand(tmp_path: Path, names: list[str], languages: str) -> None:
    found = read_slugs(tmp_path, dict.fromkeys(names, "# T\n\nText"))
    assert [found[name][0] for name in names] == languages.split()


def test_departments_keep_their_folder_in_the_slug(tmp_path: Path) -> None:
    found = read_slugs(tmp_path, dict.fromkeys(("HR/contact.md", "IT/contact.md"), "# T\n\nText"))
    assert {slug for _, slug in found.values()} == {"hr-contact", "it-contact"}


def test_a_folder_that_may_be_no_language_is_named(tmp_path: Path) -> None:
    for name in ("it/contact.md", "it/phone.md", "de/contact.md", "contact.md"):
        write(tmp_path, name, "# T\n\nText")
    found = read_articles(tmp_path)
    assert [(note.source, note.reason) for note in found.warnings] == [
        ("it/", 'Its articles (2) were read as language "it"; write the folder in capitals if it is none.')
    ]
    assert read_articles(tmp_path, language="it").warnings == ()


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "Zahlung-ändern.md"), ("cp437", "Zahlung-ändern.md")])
def test_names_in_an_archive_that_does_not_say_their_encoding_are_read(
    tmp_path: Path, encoding: str, name: str
) -> None:
    # The standard library writes the name as ASCII here; the letter is put in afterwards, as other programs do it.
    plain = name.encode(encoding).replace("ä".encode(encoding), b"x" * len("ä".encode(encoding)))
    packed = build_zip({plain.decode(): "# T\n\nText"}).replace(plain, name.encode(encoding))
    (draft,) = read_articles(write(tmp_path, "all.zip", packed)).drafts
    assert (draft.source, draft.slug) == (name, "zahlung-andern")
