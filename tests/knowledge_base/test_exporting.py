"""Export gives back what was put in: word for word, with standing, drafts and translations, or nothing at all."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge_base.article import (
    BODY_MAX_CHARS,
    PHRASING_MAX_CHARS,
    PHRASINGS_MAX_COUNT,
    TAG_MAX_CHARS,
    TAGS_MAX_COUNT,
    TITLE_MAX_CHARS,
    URL_MAX_CHARS,
    ArticleContent,
    ArticleDraft,
    build_content,
    build_draft,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.exporting import build_export, write_articles
from knowledge_base.front_matter import write_markdown_file
from knowledge_base.importing.articles import read_articles
from knowledge_base.importing.drafts import build_drafts
from knowledge_base.importing.markdown_page import read_markdown_page
from knowledge_base.library import KnowledgeBase
from tests.knowledge_base.conftest import Desk, KeywordEmbedder, draft

# What has broken writers of front matter, Markdown or YAML before, beside any text at all.
TRAPS = [
    "---", "+++", "...", "--- x", "title: x", "# heading", "yes", "null", "~", "1.0", "0x1f", "2024-01-02", "12:30:00",
    "'", '"', "a: b", "a #b", "- a", "&a *a", "!!str x", "|", ">", "%YAML", "@x", "`x`", "{% raw %}",
    "{{ page.title }}", "{{< note >}}", "<div>x</div>", "{: .class}", "::: note", "[a](b.md)", "[a](/help/x/)", "\ttab",
    "line\u2028sep", "\x85", "\ufeffx", "\U0001f600", "e\u0301", "\u202eabc", "\\", "\\n", "import x from 'y'", "=",
    "<<", "?", "[", "]", "{", "}", "<!-- x -->", "1e3", "1:2:3", "tag, with, commas",
    "'quoted' \"twice\"", "---\ntitle: y\n---\nz", "-", "- [ ] x", "&#39;", "%20", "日本語：はい", "مرحبا", "\u200d",
    "title: |\n  x", "a: \"b", "0123", "+1", ".5", "on", "No",
]  # fmt: skip
words = st.one_of(st.sampled_from(TRAPS), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
bodies = st.lists(words, min_size=1, max_size=8).map("\n".join)


def is_content(title: str, body: str) -> bool:
    try:
        build_content(title, body)
    except InvalidInputError:
        return False
    return True


contents = st.tuples(words, bodies, st.lists(words, max_size=3), st.lists(words, max_size=3)).filter(
    lambda parts: is_content(parts[0], parts[1])
)


@settings(max_examples=400, deadline=None)
@given(
    contents,
    st.sampled_from(["everyone", "staff"]),
    st.sampled_from(["draft", "published", "archived"]),
    st.sampled_from(["en", "zh", "fil"]),
    st.sampled_from(["index", "draft", "readme", "a-b", "2024", "null", "true"]),
    words,
    words,
)
def test_a_file_is_read_back_word_for_word(
    parts: tuple[str, str, list[str], list[str]],
    audience: str,
    status: str,
    language: str,
    slug: str,
    source: str,
    permalink: str,
) -> None:
    title, body, tags, phrasings = parts
    content = build_content(title, body, [tag[:60] for tag in tags], phrasings, audience)
    written = build_draft(language, slug, content, source=source, permalink=permalink, status=status)
    page = read_markdown_page(f"{language}/{slug}.md", write_markdown_file(written).encode(), "en")
    drafts, skipped, warnings = build_drafts([page], language="en", site_url="")
    assert (drafts, skipped, warnings) == ([written], [], [])


@pytest.mark.parametrize("char", ["x", "ж", "\U0001f600", '"', "\u2028a", "\\'"])
def test_the_largest_article_comes_back(char: str, tmp_path: Path) -> None:
    def fill(count: int, start: str = "x") -> str:
        return (start + char * count)[:count]

    phrasings = [fill(PHRASING_MAX_CHARS, f"{n} ") for n in range(PHRASINGS_MAX_COUNT)]
    tags = [fill(TAG_MAX_CHARS, f"{n} ") for n in range(TAGS_MAX_COUNT)]
    content = build_content(fill(TITLE_MAX_CHARS), fill(BODY_MAX_CHARS), tags, phrasings)
    written = build_draft("en", "a", content, source=fill(URL_MAX_CHARS), permalink=fill(URL_MAX_CHARS), status="draft")
    write_articles([written], tmp_path / "out")
    reading = read_articles(tmp_path / "out")
    assert (reading.drafts, reading.skipped) == ((written,), ())


names = st.tuples(
    st.sampled_from(["en", "de", "zh"]), st.sampled_from(["index", "draft", "readme", "a", "null", "2024"])
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(names, st.tuples(contents, words, st.none() | contents), min_size=1, max_size=6))
def test_any_set_of_articles_comes_back_from_a_folder_and_changes_nothing_where_it_came_from(
    articles: dict[tuple[str, str], tuple[tuple[str, str, list[str], list[str]], str, object]],
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        first, second = (KnowledgeBase(folder / f"{n}.db", KeywordEmbedder()) for n in (1, 2))
        try:
            drafts = [
                build_draft(*name, build_content(*parts), source=source, permalink=source)
                for name, (parts, source, _) in articles.items()
            ]
            first.import_articles(drafts, "Ada")
            for name, (_, _, newer) in articles.items():
                if newer is not None:
                    first.revise(*name, build_content(*newer), author="Ada", base_revision=1)
            before = export(first)
            write_articles(before, folder / "out")
            reading = read_articles(folder / "out")
            assert (reading.skipped, reading.warnings) == ((), ())
            second.import_articles(reading.drafts, "Ada")
            assert export(second) == before
            outcome = first.import_articles(reading.drafts, "Ada")
            assert (outcome.created, outcome.updated) == ((), ())
            assert export(first) == before
        finally:
            first.close()
            second.close()


def export(base: KnowledgeBase) -> list[ArticleDraft]:
    return build_export(base.articles.list_all())


@pytest.fixture
def lived_in(base: KnowledgeBase, centre: KnowledgeBase) -> KnowledgeBase:
    """A base with everything that an article can be: revised, archived, for staff, never published, imported."""
    newer = ArticleContent("Opening hours", "Nobody answers at night.\n\n{{ x }}\n<div>kept</div>", ("hours",))
    base.revise("en", "opening-hours", newer, author="Grace", base_revision=1)
    base.archive("en", "export-photos")
    base.create(draft("new", "Not out yet", "[a](reset-password.md)"), "Grace")
    secret = build_draft("en", "secret", build_content("Refund codes", "Use 42.", ["a b"], ["how so"], "staff"),
                         source="wiki/secret.md", permalink="https://wiki.example/secret")  # fmt: skip
    base.import_articles([secret], "Ada")
    return base


def test_an_export_into_an_empty_base_gives_the_same_articles(
    lived_in: KnowledgeBase, tmp_path: Path, open_base: Callable[..., KnowledgeBase]
) -> None:
    before = export(lived_in)
    names = write_articles(before, tmp_path / "out")
    assert {"en/opening-hours.md", "en/opening-hours.draft.md", "de/reset-password.md", "en/new.md"} < set(names)
    fresh = KnowledgeBase(tmp_path / "fresh.db", KeywordEmbedder())
    try:
        reading = read_articles(tmp_path / "out")
        assert (reading.skipped, reading.warnings) == ((), ())
        fresh.import_articles(reading.drafts, "import")
        assert export(fresh) == before
        assert fresh.articles.get_published("en", "opening-hours").content.body.startswith("Somebody")
        assert fresh.articles.get("en", "opening-hours").content.body.startswith("Nobody")
        assert fresh.articles.get("en", "export-photos").status == "archived"
        assert fresh.articles.get("en", "new").status == "draft"
    finally:
        fresh.close()


def test_an_export_into_its_own_base_changes_nothing(lived_in: KnowledgeBase, tmp_path: Path) -> None:
    write_articles(export(lived_in), tmp_path / "out")
    drafts = read_articles(tmp_path / "out").drafts
    revisions = [lived_in.articles.list_revisions(d.language, d.slug) for d in drafts]
    outcome = lived_in.import_articles(drafts, "import")
    assert (outcome.created, outcome.updated, len(outcome.unchanged)) == ((), (), len(drafts))
    assert [lived_in.articles.list_revisions(d.language, d.slug) for d in drafts] == revisions


def test_a_dry_run_writes_nothing(lived_in: KnowledgeBase, tmp_path: Path) -> None:
    names = write_articles(export(lived_in), tmp_path / "out", is_dry_run=True)
    assert len(names) == 11
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_refused(lived_in: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_articles(export(lived_in), tmp_path / "out")
    with pytest.raises(InvalidInputError, match="not empty"):
        write_articles(export(lived_in), tmp_path / "out")
    with pytest.raises(InvalidInputError, match="not empty"):
        write_articles(export(lived_in), tmp_path / "kb.db")


def test_a_folder_appears_whole_or_not_at_all(lived_in: KnowledgeBase, tmp_path: Path) -> None:
    broken = [*export(lived_in), ArticleDraft("en", "x" * 300, ArticleContent("T", "B"))]
    (tmp_path / "place").mkdir()
    with pytest.raises(InvalidInputError, match="cannot be written"):
        write_articles(broken, tmp_path / "place" / "out")
    assert list((tmp_path / "place").iterdir()) == []


def test_the_service_exports_in_the_shape_that_it_imports(desk: Desk, lived_in: KnowledgeBase) -> None:
    articles = desk.get("/export")["articles"]
    report = desk.post("/import", {"articles": articles, "author": "Ada"})
    assert report == {"created": 0, "updated": 0, "unchanged": len(articles), "skipped": []}


def test_what_is_for_staff_is_found_and_read_by_staff_only(desk: Desk, lived_in: KnowledgeBase) -> None:
    question = {"question": "Refund codes", "limit": 20}
    assert "secret" not in {result["slug"] for result in desk.post("/search", question)["results"]}
    found = desk.post("/search", {**question, "audience": "staff"})["results"]
    assert found[0]["slug"] == "secret"
    assert desk.get("/articles/en/secret")["audience"] == "staff"
    desk.get("/articles/en/secret?published=1", 404)
    public = {line["slug"] for line in desk.get("/articles?published=1&limit=50")["articles"]}
    assert public == {
        "reset-password",
        "delete-account",
        "change-invoice",
        "opening-hours",
        "shared-folders",
        "export-photos",
    }
    assert [line["slug"] for line in desk.get("/articles?audience=staff")["articles"]] == ["secret"]
    assert desk.get("/articles?audience=nobody", status=400)["error"]["code"] == "audience_invalid"


def test_a_translation_for_staff_is_not_named_to_visitors(desk: Desk, lived_in: KnowledgeBase) -> None:
    german = build_draft("de", "opening-hours", build_content("Geheim", "Text", (), (), "staff"))
    lived_in.import_articles([german], "Ada")
    assert [t["language"] for t in desk.get("/articles/en/opening-hours")["translations"]] == ["de"]
    assert desk.get("/articles/en/opening-hours?published=1")["translations"] == []
