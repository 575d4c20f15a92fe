"""`POST /embed`: vectors for the bot, from the model and the memory that the search uses."""

import pytest

from knowledge_base.library import KnowledgeBase
from knowledge_base.requests import EMBED_MAX_TEXTS
from knowledge_base.search import QUESTION_MAX_CHARS
from tests.knowledge_base.conftest import Desk, KeywordEmbedder


def test_each_text_gets_a_unit_vector_in_order(desk: Desk, embedder: KeywordEmbedder) -> None:
    body = desk.post("/embed", {"texts": ["my card", "a parcel", "my card"]})
    assert (body["model"], body["dimension"]) == ("keywords", embedder.dimension)
    assert [len(vector) for vector in body["vectors"]] == [embedder.dimension] * 3
    assert body["vectors"][0] == body["vectors"][2] != body["vectors"][1]
    assert sum(x * x for x in body["vectors"][0]) == pytest.approx(1, abs=1e-5)


def test_a_message_that_was_understood_is_not_encoded_again_for_its_search(
    desk: Desk, centre: KnowledgeBase, embedder: KeywordEmbedder
) -> None:
    embedder.encoded.clear()
    desk.post("/embed", {"texts": [" reset my password "]})
    assert embedder.encoded == ["reset my password"]
    assert desk.post("/search", {"question": "reset my password"})["results"]
    desk.post("/embed", {"texts": ["reset my password", "mute it", "mute it"]})
    assert embedder.encoded == ["reset my password", "mute it"]


@pytest.mark.parametrize(
    ("texts", "code", "field"),
    [
        ([], "texts_out_of_range", "texts"),
        (["x"] * (EMBED_MAX_TEXTS + 1), "texts_out_of_range", "texts"),
        (["x", " "], "question_invalid", "texts[1]"),
        (["x" * (QUESTION_MAX_CHARS + 1)], "question_invalid", "texts[0]"),
        ("x", "request_invalid", "texts"),
    ],
)
def test_what_cannot_be_encoded_is_refused(desk: Desk, texts: object, code: str, field: str) -> None:
    error = desk.post("/embed", {"texts": texts}, 400)["error"]
    assert (error["code"], error["field"]) == (code, field)


def test_the_most_that_is_allowed_is_encoded(desk: Desk) -> None:
    texts = [f"{number} ".ljust(QUESTION_MAX_CHARS - 1, "é") + "x" for number in range(EMBED_MAX_TEXTS)]
    assert len(desk.post("/embed", {"texts": texts})["vectors"]) == EMBED_MAX_TEXTS
