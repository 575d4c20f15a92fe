"""The packaged model on onnxruntime, beside PyTorch, its reference; and what happens where onnxruntime does not run."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from knowledge_base import quantisation
from knowledge_base.adapter import load_adapter
from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder
from knowledge_base.errors import ModelError
from knowledge_base.importing.articles import read_articles
from knowledge_base.library import KnowledgeBase
from knowledge_base.onnx_embedder import OnnxEmbedder
from knowledge_base.packaged_model import ADAPTED_MODEL, PACKAGED_MODEL, check_model_file, find_packaged_model
from knowledge_base.quantisation import make_quantised_file, name_model, read_quantised_file
from knowledge_base.torch_embedder import SentenceEmbedder
from tests.knowledge_base.conftest import REPOSITORY

ARTICLES = REPOSITORY / "knowledge_base" / "articles" / "en"
QUESTIONS = [
    "how do i set up mail on my iphone",
    "my site shows a certificate warning",
    "where do i find my invoices",
    "i forgot the password of the panel",
    "how long until a dns change works",
    "mail to gmail lands in spam",
    "can I get my money back?",
    "restore yesterday's backup",
]
ODD_TEXTS = ["", "?", "naïve café", "密码 忘记了", "👩‍💻 emoji", "[MASK] [SEP]", "a\x00b\ufffd", "word " * 400, "don't"]


@pytest.fixture(scope="module")
def int8() -> OnnxEmbedder:
    embedder = open_embedder()
    if not isinstance(embedder, OnnxEmbedder):
        pytest.skip("onnxruntime does not run here")
    return embedder


@pytest.fixture(scope="module")
def reference() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in which no file was made yet."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "share" / "baton"


def read_titles_and_passages() -> list[str]:
    drafts = read_articles(ARTICLES).drafts
    return [draft.content.title for draft in drafts] + [draft.content.body[:600] for draft in drafts[:12]]


@pytest.mark.slow
def test_both_ways_give_the_same_vectors_but_for_rounding(int8: OnnxEmbedder, reference: SentenceEmbedder) -> None:
    texts = [*QUESTIONS, *ODD_TEXTS, *read_titles_and_passages()]
    cosines = (int8.encode(texts) * reference.encode(texts)).sum(axis=1)
    assert cosines.mean() > 0.999
    assert cosines.min() > 0.995
    assert (int8.space, int8.dimension) == (reference.space, reference.dimension)
    assert int8.space == ADAPTED_MODEL
    assert int8.model != reference.model
    assert [int8.count_tokens(text) for text in texts] == [reference.count_tokens(text) for text in texts]


@pytest.mark.slow
def test_the_plain_model_is_one_setting_away(reference: SentenceEmbedder) -> None:
    plain = open_embedder(PACKAGED_MODEL)
    assert (plain.space, reference.space) == (PACKAGED_MODEL, ADAPTED_MODEL)
    assert plain.model != reference.model
    untouched = SentenceTransformer(str(find_packaged_model()), device="cpu")
    expected = untouched.encode(QUESTIONS, normalize_embeddings=True)
    assert (plain.encode(QUESTIONS) * expected).sum(axis=1).min() > 0.99999
    cosines = (reference.encode(QUESTIONS) * expected).sum(axis=1)
    assert (cosines > 0.5).all()
    assert cosines.max() < 0.9999


@pytest.mark.slow
def test_both_ways_give_the_same_tokens_but_for_rounding(int8: OnnxEmbedder, reference: SentenceEmbedder) -> None:
    texts = [*QUESTIONS, *ODD_TEXTS]
    for one, other in zip(int8.encode_tokens(texts), reference.encode_tokens(texts), strict=True):
        assert one.tokens.ids.tolist() == other.tokens.ids.tolist()
        likeness = (one.tokens.vectors / 127.0 * (other.tokens.vectors / 127.0)).sum(axis=1)
        assert (likeness > 0.97).all()


@pytest.mark.slow
def test_both_ways_find_the_same_articles(int8: OnnxEmbedder, reference: SentenceEmbedder, tmp_path: Path) -> None:
    found = [ask_all(tmp_path / f"{embedder.model}.db", embedder) for embedder in (int8, reference)]
    for (slugs, probability), (other_slugs, other_probability) in zip(*found, strict=True):
        assert slugs[0] == other_slugs[0]
        assert len(set(slugs[:3]) & set(other_slugs[:3])) >= 2
        assert probability == pytest.approx(other_probability, abs=0.08)


def ask_all(path: Path, embedder: Embedder) -> list[tuple[list[str], float]]:
    base = KnowledgeBase(path, embedder)
    try:
        base.import_articles(read_articles(ARTICLES).drafts[::6], "Ada")
        answers = [base.ask(question) for question in QUESTIONS]
        return [([r.article.slug for r in a.results], a.results[0].probability) for a in answers]
    finally:
        base.close()


@pytest.mark.slow
def test_a_text_has_one_vector_alone_in_a_batch_and_beside_other_threads(int8: OnnxEmbedder) -> None:
    texts = [*QUESTIONS, *read_titles_and_passages()]
    alone = np.stack([int8.encode([text])[0] for text in texts])
    assert np.array_equal(int8.encode(texts), alone)
    assert np.array_equal(int8.encode(texts[::-1])[::-1], alone)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: int8.encode_tokens([text, "another"])[0].vector, texts * 3))
    assert np.array_equal(np.stack(found), np.concatenate([alone] * 3))


@pytest.mark.slow
def test_nothing_to_encode_gives_no_rows(int8: OnnxEmbedder) -> None:
    assert int8.encode([]).shape == (0, 384)
    assert int8.encode_tokens([]) == []


@pytest.mark.slow
def test_a_truncated_file_is_made_anew_and_a_foreign_one_is_left_alone(int8: OnnxEmbedder, prefix: Path) -> None:
    assert read_quantised_file() is None
    made = make_quantised_file()
    content = made.read_bytes()
    assert read_quantised_file() == content
    foreign = prefix / "other-model.onnx"
    foreign.write_bytes(b"another's")
    made.write_bytes(content[: len(content) // 2])
    stale = made.with_name(f"{name_model(load_adapter())}-{'0' * 64}.onnx")
    stale.write_bytes(content)
    assert read_quantised_file() is None
    assert make_quantised_file() == made
    assert made.read_bytes() == content
    assert sorted(prefix.iterdir()) == sorted([made, foreign])


@pytest.mark.slow
def test_a_file_that_is_missing_is_made_when_the_model_is_opened(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that makes it has the real prefix, so a script takes the file from there."""
    real = quantisation.make_quantised_file
    monkeypatch.setattr("knowledge_base.embedders._make_file", real)
    assert open_embedder().model == name_model(load_adapter())
    assert read_quantised_file() is not None


@pytest.mark.slow
def test_without_onnxruntime_there_is_pytorch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    check_fall_back(caplog)


@pytest.mark.slow
def test_where_onnxruntime_refuses_the_file_there_is_pytorch(prefix: Path, caplog: pytest.LogCaptureFixture) -> None:
    prefix.mkdir(parents=True)
    content = b"no model at all"
    (prefix / quantisation._name_file(content)).write_bytes(content)
    check_fall_back(caplog)


@pytest.mark.slow
@pytest.mark.usefixtures("prefix")
def test_where_making_the_file_kills_its_process_there_is_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As a processor would that lacks an instruction."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -ILL $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    check_fall_back(caplog)


def check_fall_back(caplog: pytest.LogCaptureFixture) -> None:
    """What is opened is PyTorch's and works; one line says why."""
    embedder = open_embedder()
    assert (type(embedder), embedder.space) == (SentenceEmbedder, ADAPTED_MODEL)
    assert embedder.encode(["it works"]).shape == (1, 384)
    lines = [record.getMessage() for record in caplog.records if record.name == "knowledge_base.embedders"]
    assert len(lines) == 1
    assert lines[0].startswith("The embedding model runs on PyTorch, more slowly: ")


def test_an_altered_model_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match="install"):
        check_model_file(file, "0" * 64)
    file.write_bytes(b"weights")
    with pytest.raises(ModelError, match="is not the file") as refused:
        check_model_file(file, "0" * 64)
    assert refused.value.code == "model_altered"
