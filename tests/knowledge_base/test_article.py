"""Articles as values: slugs, limits, languages, and files with front matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.article import (
    BODY_MAX_CHARS,
    PHRASINGS_MAX_COUNT,
    TITLE_MAX_CHARS,
    build_content,
    build_draft,
    build_slug,
    check_language,
    check_slug,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.front_matter import parse_markdown_file, write_markdown_file


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Reset your password", "reset-your-password"),
        ("  What's new?  ", "whats-new"),
        ("Straße & Müll – Öffnungszeiten", "strasse-mull-offnungszeiten"),
        ("Où est ma facture ?", "ou-est-ma-facture"),
    ],
)
def test_a_slug_is_made_of_the_titles_words(title: str, slug: str) -> None:
    assert build_slug(title) == slug


def test_a_title_without_latin_letters_still_gets_a_valid_and_stable_slug() -> None:
    assert check_slug(build_slug("我的账户被锁定了")) == build_slug("我的账户被锁定了")


@given(st.text(max_size=300))
def test_every_title_makes_a_valid_slug(title: str) -> None:
    try:
        title.encode()
    except UnicodeEncodeError:
        return
    check_slug(build_slug(title))


@pytest.mark.parametrize("slug", ["", "Upper", "a b", "a--b", "-a", "a-", "../etc", "ä", "x" * 121, 7, None])
def test_a_bad_slug_is_refused(slug: object) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_slug(slug)
    assert refused.value.field == "slug"


@pytest.mark.parametrize(("given_", "kept"), [("en", "en"), ("pt-BR", "pt"), (" DE ", "de"), ("zh_Hans", "zh")])
def test_a_language_is_its_primary_subtag(given_: str, kept: str) -> None:
    assert check_language(given_) == kept


@pytest.mark.parametrize("language", ["", "english", "e", "../x", None, 3])
def test_a_bad_language_is_refused(language: object) -> None:
    with pytest.raises(InvalidInputError):
        check_language(language)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        (("", "Body"), "title_empty"),
        ((" \n ", "Body"), "title_empty"),
        (("x" * (TITLE_MAX_CHARS + 1), "Body"), "title_too_long"),
        ((7, "Body"), "title_not_text"),
        (("Title", "  \n"), "body_empty"),
        (("Title", "x" * (BODY_MAX_CHARS + 1)), "body_too_long"),
        (("Title", None), "body_not_text"),
        (("Title", "half \ud800 a character"), "body_not_text"),
        (("Title", "Body", "not a list"), "tags_not_list"),
        (("Title", "Body", [1]), "tags_not_text"),
        (("Title", "Body", [], ["x"] * (PHRASINGS_MAX_COUNT + 1)), "phrasings_too_many"),
    ],
)
def test_content_beyond_the_limits_is_refused_with_a_code(parts: tuple, code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        build_content(*parts)
    assert refused.value.code == code
    assert refused.value.message.endswith((".", ")."))


def test_content_at_the_limits_is_accepted() -> None:
    content = build_content("x" * TITLE_MAX_CHARS, "y" * BODY_MAX_CHARS, [], ["z"] * PHRASINGS_MAX_COUNT)
    assert len(content.title) == TITLE_MAX_CHARS


def test_content_is_tidied() -> None:
    content = build_content("  Two\nlines ", "\r\nText\x00\r\n", ["a", "a", " "], ["  how   so "])
    assert (content.title, content.body, content.tags, content.phrasings) == (
        "Two lines",
        "Text",
        ("a",),
        ("how so",),
    )


def test_an_absolute_permalink_is_the_articles_address(base) -> None:
    content = build_content("Title", "Body")
    own = base.create(build_draft("en", "a", content, permalink="https://help.example/a"), "Ada")
    relative = base.create(build_draft("en", "b", content, permalink="/help/b/"), "Ada")
    assert own.url == "https://help.example/a"
    assert relative.url == "/help/en/b"


def test_a_file_is_read_back_as_it_was_written() -> None:
    content = build_content("Mail: an overview", "First line\n\n---\n\nlast", ["a b", "yes"], ["what's: this", "# no"])
    file = parse_markdown_file(write_markdown_file(build_draft("en", "mail", content)))
    assert build_content(file.fields["title"], file.body, file.fields["tags"], file.fields["phrasings"]) == content


def test_a_file_without_front_matter_is_all_body() -> None:
    file = parse_markdown_file("# Title\n\n---\nText")
    assert (dict(file.fields), file.body) == ({}, "# Title\n\n---\nText")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---\ntitle: x\nno end", "never closed"),
        ("---\ntags: []\ntitle: a: b\n---\nBody", "line 3"),
        ("---\n- a list\n---\nBody", "name: value"),
        ("---\na: &a [1]\nb: *a\n---\nBody", "aliases"),
        ("---\nx: !!python/object/apply:os.system [ls]\n---\nBody", "not YAML"),
        ("---\nwhen: 2024-99-99\n---\nBody", "not YAML"),
    ],
)
def test_broken_front_matter_is_refused_and_says_where(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        parse_markdown_file(text)
