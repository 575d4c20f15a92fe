"""Token against token: what is stored, what is met, and what counts."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from knowledge_base.adapter import load_adapter
from knowledge_base.late_interaction import (
    TOKEN_DIMENSION,
    TokenVectors,
    count_tokens,
    make_projection,
    match_texts,
    match_tokens,
    reduce_tokens,
    weigh_matches,
)
from tests.knowledge_base.conftest import REPOSITORY


def tokens(*ids: int) -> TokenVectors:
    """Tokens that are alike only if they are the same."""
    return reduce_tokens(ids, np.eye(TOKEN_DIMENSION, dtype=np.float32)[list(ids)], np.eye(TOKEN_DIMENSION))


def test_stored_tokens_keep_their_likeness_to_one_percent() -> None:
    vectors = np.random.default_rng(1).normal(size=(8, 384)).astype(np.float32)
    projection = load_adapter().projection
    assert projection.shape == (384, TOKEN_DIMENSION)
    kept = reduce_tokens(range(8), vectors, projection)
    assert kept.vectors.dtype == np.int8
    reduced = vectors @ projection
    reduced /= np.linalg.norm(reduced, axis=1, keepdims=True)
    stored = kept.vectors.astype(np.float32) / 127
    assert np.allclose(stored @ stored.T, reduced @ reduced.T, atol=0.02)


@pytest.mark.parametrize("dimension", [32, 96, 768])
def test_a_model_of_any_size_has_a_projection_that_stays_the_same(dimension: int) -> None:
    projection = make_projection(dimension)
    assert projection.shape == (dimension, TOKEN_DIMENSION)
    make_projection.cache_clear()
    assert np.array_equal(projection, make_projection(dimension))


def test_each_token_finds_its_best_match_above_what_is_usual() -> None:
    texts = [tokens(1, 2, 3), tokens(4, 5), tokens()]
    statistics = count_tokens([texts[:1], texts[1:2]])
    matches = match_tokens(tokens(1, 5), texts, statistics)
    usual = pytest.approx(1 - 1 / 5, abs=0.01)
    assert [matches[0, 0], matches[1, 1]] == [usual, usual]
    assert matches[0, 1] == pytest.approx(-1 / 5, abs=0.01)
    assert matches[:, 2].tolist() == [0, 0]
    assert weigh_matches(matches, np.array([1, 0], dtype=np.float32))[0] == matches[0, 0]


def test_a_rare_token_tells_more_than_a_common_one_and_an_unknown_one_little() -> None:
    statistics = count_tokens([[tokens(1, 2)], [tokens(1)], [tokens(1)], [tokens(1)]])
    common, rare, unknown, beyond = statistics.find_idf(np.array([1, 2, 0, 50_000], dtype=np.int32))
    assert common < unknown == beyond < rare


def test_a_text_is_met_as_far_as_its_telling_words_are_asked_for() -> None:
    texts = [tokens(1, 2), tokens(1, 2, 3), tokens(1, 3), tokens()]
    common, telling = [tokens(3, 1)], [tokens(1, 2, 4)]
    statistics = count_tokens([common, common, common, telling])
    whole, more, other, nothing = match_texts(texts, tokens(1, 2), statistics)
    assert whole > more > other
    assert nothing == 0
    assert more > match_texts([tokens(1, 2, 4)], tokens(1, 2), statistics)[0]
    assert match_texts(texts, tokens(), statistics).tolist() == [0, 0, 0, 0]
    assert match_texts([], tokens(1), statistics).shape == (0,)


def test_nothing_asked_and_nothing_known_is_no_match() -> None:
    statistics = count_tokens([])
    assert match_tokens(tokens(), [tokens(1)], statistics).shape == (0, 1)
    assert weigh_matches(np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.float32)).tolist() == [0, 0]
    assert match_tokens(tokens(1), [], statistics).shape == (1, 0)


def test_products_run_on_one_thread_for_whoever_imports_the_package_first() -> None:
    code = (
        "import knowledge_base, numpy, threadpoolctl\n"
        "print([pool['num_threads'] for pool in threadpoolctl.threadpool_info() if pool['user_api'] == 'blas'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert set(json.loads(found.stdout)) <= {1}
