"""The adapter: its file, what merging it does, and that it can be learnt."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_base.adapter import ADAPTER_FILE, load_adapter, read_adapter, write_adapter
from knowledge_base.evaluation.labelled import LabelledQuestion
from knowledge_base.fitting.adapter import (
    HALVES,
    average,
    average_unseen,
    find_axes,
    fit_axes,
    list_quarters,
    locate,
)
from knowledge_base.fitting.contrastive import TrainingCentre, learn
from knowledge_base.fitting.low_rank import RANK, LowRankEncoder
from knowledge_base.fitting.observations import Centre, list_fitted
from knowledge_base.importing.articles import read_articles
from knowledge_base.late_interaction import TOKEN_DIMENSION
from knowledge_base.packaged_model import PACKAGED_MODEL
from knowledge_base.torch_embedder import SentenceEmbedder
from tests.knowledge_base.conftest import REPOSITORY

BENCHMARKS = REPOSITORY.parent / "shared" / "benchmarks"
ARTICLES = REPOSITORY / "knowledge_base" / "articles" / "en"


def test_the_shipped_file_corrects_every_linear_layer_and_stays_small() -> None:
    adapter = load_adapter()
    assert len(adapter.corrections) == 6 * 6
    for down, up in adapter.corrections.values():
        assert (down.shape[0], up.shape[1]) == (RANK, RANK)
        assert np.isfinite(down).all()
        assert np.abs(up).max() > 0
    assert adapter.projection.shape == (384, TOKEN_DIMENSION)
    assert ADAPTER_FILE.stat().st_size < 1_500_000


def test_a_written_adapter_is_read_back_and_merged(tmp_path: Path) -> None:
    down, up = (np.arange(6, dtype=np.float32).reshape(shape) for shape in ((2, 3), (3, 2)))
    axes = np.eye(3, dtype=np.float32)[:, :2]
    write_adapter(tmp_path / "one", {"layer": (down, up)}, axes)
    write_adapter(tmp_path / "other", {"layer": (down, up * 2)}, axes)
    one, other = (read_adapter(tmp_path / name) for name in ("one", "other"))
    assert one.sha256 != other.sha256
    assert np.array_equal(one.projection, axes)
    weights = {"layer.weight": np.ones((3, 3), dtype=np.float32), "layer.bias": np.ones(3, dtype=np.float32)}
    merged = one.merge(weights)
    assert np.array_equal(merged["layer.weight"], 1 + up @ down)
    assert merged["layer.bias"] is weights["layer.bias"]
    assert weights["layer.weight"].max() == 1
    with pytest.raises(KeyError, match="layer"):
        one.merge({"another.weight": weights["layer.weight"]})


def test_the_axes_of_vectors_in_a_plane_span_it() -> None:
    plane = np.random.default_rng(3).normal(size=(50, 2)).astype(np.float32) @ np.eye(2, 5, dtype=np.float32)
    axes = fit_axes(plane, 2)
    assert np.allclose(plane @ axes @ axes.T, plane, atol=1e-5)


def test_the_mean_of_adapters_that_start_alike_does_on_average_what_they_do(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    down = chance.normal(size=(RANK, 40)).astype(np.float32)
    ups = chance.normal(size=(2, 30, RANK)).astype(np.float32)
    axes = fit_axes(chance.normal(size=(200, 128)).astype(np.float32))
    for name, up in zip("ab", ups, strict=True):
        write_adapter(tmp_path / name, {"layer": (down, up)}, axes)
    one, other = (read_adapter(tmp_path / name) for name in "ab")
    mean = average([one, other], tmp_path / "mean")
    down, up = mean.corrections["layer"]
    assert (down.shape, up.shape) == ((RANK, 40), (30, RANK))
    wanted = sum(a.corrections["layer"][1] @ a.corrections["layer"][0] for a in (one, other)) / 2
    assert np.allclose(up @ down, wanted, atol=0.05)
    assert np.allclose(mean.projection @ mean.projection.T, axes @ axes.T, atol=0.01)


def test_no_quarter_is_judged_by_what_has_seen_it(tmp_path: Path) -> None:
    empty = np.zeros((RANK, 3), dtype=np.float32)
    axes = np.eye(TOKEN_DIMENSION, dtype=np.float32)
    for number, half in enumerate(HALVES):
        # Each leaves its own mark, in a place of its own.
        up = np.zeros((len(HALVES), RANK), dtype=np.float32)
        up[number, 0] = 1
        down = empty.copy()
        down[0] = 1
        write_adapter(locate(tmp_path, half), {"layer": (down, up)}, axes)
    for quarter in range(4):
        down, up = average_unseen(tmp_path, quarter).corrections["layer"]
        marks = np.abs(up @ down).max(axis=1) > 0.1
        assert marks.tolist() == [quarter not in half for half in HALVES]
        assert marks.sum() == 2


@pytest.mark.skipif(not BENCHMARKS.exists(), reason=f"the benchmarks are not in {BENCHMARKS}")
def test_every_help_centre_is_in_one_quarter() -> None:
    dealt = [centre for quarter in list_quarters(BENCHMARKS) for centre in quarter]
    assert sorted(dealt) == sorted(list_fitted(BENCHMARKS))


@pytest.fixture(scope="module")
def centre() -> Centre:
    """A few of the demo articles, asked by their own phrasings, and two questions that nothing answers."""
    drafts = [draft for draft in read_articles(ARTICLES).drafts if draft.content.phrasings][:6]
    questions = [LabelledQuestion(text, (d.slug,)) for d in drafts for text in d.content.phrasings[:3]]
    questions += [LabelledQuestion("do you sell bicycles?", ()), LabelledQuestion("tell me a joke", ())]
    return Centre("demo", "full", tuple(drafts), tuple(questions))


@pytest.mark.slow
def test_an_encoder_that_learnt_nothing_is_the_plain_model(centre: Centre) -> None:
    encoder = LowRankEncoder(find_axes([centre]))
    texts = [question.text for question in centre.questions]
    vectors, batches = encoder(texts)
    plain = SentenceEmbedder(PACKAGED_MODEL).encode(texts)
    assert (vectors.detach().numpy() * plain).sum(axis=1).min() > 0.999
    assert sorted(place for batch in batches for place in batch.places) == list(range(len(texts)))
    assert sum(int(batch.is_word.sum()) for batch in batches) == sum(len(encoder.split(text)) - 2 for text in texts)


@pytest.mark.slow
def test_a_few_steps_tell_what_is_answered_from_what_is_not(centre: Centre, tmp_path: Path) -> None:
    encoder = LowRankEncoder(find_axes([centre]))
    before = TrainingCentre(centre.drafts, centre.questions, encoder)
    learn(encoder, [before], seed=0, steps=6)
    after = TrainingCentre(centre.drafts, centre.questions, encoder)
    assert measure_gap(after) > measure_gap(before)
    write_adapter(tmp_path / "adapter", *encoder.describe(0.5))
    learnt = read_adapter(tmp_path / "adapter")
    assert all(np.abs(up).max() > 0 for _, up in learnt.corrections.values())


def measure_gap(centre: TrainingCentre) -> float:
    """How much nearer the nearest text of all is to questions with an answer than to those without, on average."""
    nearest = centre.cosines.max(1).values.numpy()
    is_answerable = np.array([bool(right) for right in centre.right])
    return float(nearest[is_answerable].mean() - nearest[~is_answerable].mean())
