"""The index: what is encoded, when, and how one index gives way to the next."""

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.article import build_content
from knowledge_base.embedding import QuestionEncoder
from knowledge_base.errors import ModelError
from knowledge_base.lexical_index import LexicalIndex, Postings
from knowledge_base.library import KnowledgeBase
from knowledge_base.words import split_terms
from tests.knowledge_base.conftest import CENTRE, KeywordEmbedder, draft


def build_words(*documents: Mapping[str, int]) -> LexicalIndex:
    postings = Postings()
    for document in documents:
        postings.add(document)
    return LexicalIndex([postings.finish()], Postings().finish())


def test_a_restart_encodes_nothing(open_base: Callable[..., KnowledgeBase]) -> None:
    first = KeywordEmbedder()
    open_base(first).import_articles(CENTRE, "Ada")
    assert first.encoded
    second = KeywordEmbedder()
    base = open_base(second)
    assert base.index.passage_count >= len(CENTRE)
    assert second.encoded == []


def test_only_what_changed_is_encoded(centre: KnowledgeBase, embedder: KeywordEmbedder) -> None:
    article = centre.articles.get("en", "reset-password")
    embedder.encoded.clear()
    content = build_content(article.title, article.content.body, (), [*article.content.phrasings, "lost my password"])
    centre.revise("en", "reset-password", content, author="Ada", base_revision=1)
    assert embedder.encoded == []
    centre.publish("en", "reset-password")
    assert embedder.encoded == ["lost my password"]


def test_importing_the_same_again_encodes_nothing(centre: KnowledgeBase, embedder: KeywordEmbedder) -> None:
    embedder.encoded.clear()
    outcome = centre.import_articles(CENTRE, "Ada")
    assert len(outcome.unchanged) == len(CENTRE)
    assert embedder.encoded == []


def test_another_model_encodes_anew_and_keeps_the_old_vectors(open_base: Callable[..., KnowledgeBase]) -> None:
    open_base(KeywordEmbedder()).import_articles(CENTRE, "Ada")
    other = KeywordEmbedder(model="other", dimension=64)
    assert open_base(other).index.dimension == 64
    assert other.encoded
    again = KeywordEmbedder()
    open_base(again)
    assert again.encoded == []


def test_a_model_that_changed_its_size_under_the_same_name_is_refused(
    open_base: Callable[..., KnowledgeBase], tmp_path: Path
) -> None:
    first = open_base(KeywordEmbedder())
    first.import_articles(CENTRE, "Ada")
    first.close()
    for rows in ("rowid % 2 = 0", "true"):
        with pytest.raises(
            ModelError, match=r"two models go by this name.*all rows of the tables embeddings and token"
        ):
            open_base(KeywordEmbedder(dimension=64))
        with closing(sqlite3.connect(tmp_path / "kb.db")) as connection, connection:
            for table in ("embeddings", "token_vectors"):
                connection.execute(f"delete from {table} where {rows}")
    base = open_base(KeywordEmbedder(dimension=64))
    assert base.ask("reset my password").results[0].article.slug == "reset-password"


def test_a_question_encoded_by_another_model_is_refused(centre: KnowledgeBase) -> None:
    index = centre.index.languages["en"]
    vector = np.zeros(256, dtype=np.float32)
    index.check_question(vector, "keywords")
    for wrong, model in ((vector, "other"), (vector[:3], "keywords")):
        with pytest.raises(ModelError, match="restart"):
            index.check_question(wrong, model)


def test_what_is_published_is_answered_within_a_second(centre: KnowledgeBase) -> None:
    assert centre.ask("how do i mute a channel", is_logged=False).results[0].article.slug != "mute-channel"
    centre.create(draft("mute-channel", "Mute a channel", "Open the channel and choose Mute."), "Ada")
    started = time.monotonic()
    centre.publish("en", "mute-channel")
    answer = centre.ask("how do i mute a channel", is_logged=False)
    assert time.monotonic() - started < 1
    assert answer.results[0].article.slug == "mute-channel"


def test_a_draft_is_not_answered_before_it_is_published(centre: KnowledgeBase) -> None:
    article = centre.articles.get("en", "export-photos")
    content = build_content(article.title, "Now it is done with the zebra button.")
    centre.revise("en", "export-photos", content, author="Ada", base_revision=1)
    assert "zebra" not in centre.ask("export photos").results[0].passage.passage.text
    centre.publish("en", "export-photos")
    best = centre.ask("export photos").results[0]
    assert "zebra" in best.passage.passage.text
    assert best.article.revision == 2


def test_an_older_revision_can_be_published_again(centre: KnowledgeBase) -> None:
    content = build_content("Export your photos", "With the zebra button.")
    centre.revise("en", "export-photos", content, author="Ada", base_revision=1)
    centre.publish("en", "export-photos")
    assert centre.publish("en", "export-photos", 1).published_revision == 1
    assert "zebra" not in centre.ask("export photos").results[0].passage.passage.text


def test_an_archived_article_is_no_longer_answered(centre: KnowledgeBase) -> None:
    assert centre.ask("delete account").results[0].article.slug == "delete-account"
    centre.archive("en", "delete-account")
    assert "delete-account" not in {r.article.slug for r in centre.ask("delete account", limit=20).results}


def test_a_reader_finishes_on_the_index_it_started_with(centre: KnowledgeBase) -> None:
    before = centre.index
    centre.archive("en", "delete-account")
    assert "delete-account" in before.languages["en"].slugs
    assert "delete-account" not in centre.index.languages["en"].slugs


def test_a_language_without_a_change_keeps_its_index(centre: KnowledgeBase) -> None:
    before = centre.index.languages["de"]
    centre.archive("en", "delete-account")
    assert centre.index.languages["de"] is before


def test_searches_never_see_half_an_index_while_articles_come_and_go(centre: KnowledgeBase) -> None:
    stop, seen = threading.Event(), set()

    def ask() -> None:
        while not stop.is_set():
            results = centre.ask("delete my account for good", is_logged=False).results
            seen.add(results[0].article.slug if results else None)
            assert all(r.passage.passage.text for r in results)

    readers = [threading.Thread(target=ask) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(15):
        centre.archive("en", "delete-account")
        centre.publish("en", "delete-account")
    stop.set()
    for reader in readers:
        reader.join()
    assert "delete-account" in seen
    assert None not in seen


def test_a_passage_keeps_its_id_over_a_restart(open_base: Callable[..., KnowledgeBase]) -> None:
    first = open_base()
    first.import_articles(CENTRE, "Ada")
    before = first.ask("export photos").results[0].passage.id
    assert open_base().ask("export photos").results[0].passage.id == before


def test_questions_are_remembered_up_to_a_limit(embedder: KeywordEmbedder) -> None:
    encoder = QuestionEncoder(embedder, cache_size=2)
    for question in ("a", "b", "a", "c", "a", "b"):
        encoder.encode(question)
    assert embedder.encoded == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "resetting passwords", "reset password"),
        ("de", "Rechnungen ändern", "rechnung andern"),
        ("es", "contraseñas olvidadas", "contrasena olvidada"),
        ("fr", "mots de passe oubliés", "mot de passé oublié"),
        ("en", "e-mail AL-10", "email al10"),
        ("en", "don't", "dont"),
    ],
)
def test_words_meet_in_spite_of_endings_and_accents(language: str, one: str, other: str) -> None:
    assert set(split_terms(other, language)) <= set(split_terms(one, language))


def test_scripts_without_spaces_are_split_into_pairs() -> None:
    assert split_terms("账户被锁定 VPN", "zh") == ["账户", "户被", "被锁", "锁定", "vpn"]
    assert split_terms("ค่าVPN", "th") == ["ค่", "่า", "vpn"]
    assert len(split_terms("पासवर्ड रीसेट करें", "hi")) == 3


def test_only_words_that_some_passage_holds_are_looked_up() -> None:
    index = build_words({"account": 1, "mail": 2}, {"mail": 1})
    assert [known.term for known in index.look_up(["mail", "acount", "account", "mail"])] == ["mail", "account"]
