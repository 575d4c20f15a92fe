"""The local fit: it finds a distortion, wants enough labels of both kinds, and leaves good probabilities alone."""

import numpy as np
import pytest

from knowledge_base.recalibration import LABELS_MIN_OF_EACH, JudgedAnswer, Recalibration, refit


def simulate(seed: int, count: int, truth: Recalibration, *, weight: float = 1.0) -> list[JudgedAnswer]:
    """Draw answers whose true probability is what `truth` makes of the one that is stated."""
    random = np.random.default_rng(seed)
    stated = random.beta(2, 1.5, count)
    return [JudgedAnswer(p, float(random.random() < truth.apply(p)), weight) for p in stated.tolist()]


def mean_loss(answers: list[JudgedAnswer], recalibration: Recalibration | None) -> float:
    stated = np.array([a.probability for a in answers])
    if recalibration:
        stated = np.array([recalibration.apply(p) for p in stated.tolist()])
    right = np.array([a.share_right for a in answers])
    return float(-(right * np.log(stated) + (1 - right) * np.log(1 - stated)).mean())


def test_nothing_changes_with_slope_one_and_no_shift() -> None:
    for probability in (0.001, 0.3, 0.5, 0.99):
        assert Recalibration(1.0, 0.0).apply(probability) == pytest.approx(probability)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, -1.2), (0.6, 0.8), (1.6, -0.5)])
def test_a_known_distortion_is_recovered_from_many_labels(slope: float, shift: float) -> None:
    found = refit(simulate(1, 8000, Recalibration(slope, shift))).recalibration
    assert found is not None
    assert (found.slope, found.shift) == (pytest.approx(slope, abs=0.12), pytest.approx(shift, abs=0.12))


def test_two_hundred_labels_mend_a_bad_distortion() -> None:
    truth = Recalibration(1.0, -1.2)
    fresh = simulate(99, 20_000, truth)
    for seed in range(20):
        done = refit(simulate(seed, 200, truth))
        assert mean_loss(fresh, done.recalibration) < mean_loss(fresh, None) - 0.1
        assert done.loss_after < done.loss_before  # type: ignore[operator]


def test_true_probabilities_are_left_alone() -> None:
    """Chance may have a fit taken about once in twenty sites; more often would mean that the decision is broken."""
    taken = [refit(simulate(seed, 200, Recalibration(1.0, 0.0))).recalibration for seed in range(60)]
    assert sum(one is not None for one in taken) <= 3


def test_too_few_labels_are_counted_and_not_fitted() -> None:
    answers = [JudgedAnswer(0.9, 1.0, 1.0)] * 40 + [JudgedAnswer(0.9, 0.0, 0.5)] * 50
    done = refit(answers)
    assert (done.right, done.wrong, done.missing_right, done.missing_wrong) == (40, 25, 0, LABELS_MIN_OF_EACH - 25)
    assert (done.recalibration, done.loss_before, done.loss_after) == (None, None, None)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_labels_of_one_kind_are_never_enough(share: float) -> None:
    done = refit([JudgedAnswer(0.8, share, 1.0)] * 5000)
    assert done.recalibration is None
    assert LABELS_MIN_OF_EACH in (done.missing_right, done.missing_wrong)


def test_no_labels_at_all_are_no_error() -> None:
    done = refit([])
    assert (done.missing_right, done.missing_wrong) == (LABELS_MIN_OF_EACH, LABELS_MIN_OF_EACH)


def test_labels_against_all_reason_do_not_turn_the_order_around() -> None:
    random = np.random.default_rng(3)
    stated = random.random(4000).tolist()
    answers = [JudgedAnswer(p, float(random.random() > p), 1.0) for p in stated]
    assert refit(answers).recalibration is None


def test_certain_probabilities_and_certain_labels_stay_finite() -> None:
    answers = [JudgedAnswer(1.0, 1.0, 1.0)] * 100 + [JudgedAnswer(0.0, 0.0, 1.0)] * 100
    done = refit(answers)
    assert np.isfinite([done.loss_before, done.loss_after]).all()
    if done.recalibration:
        assert 0 < done.recalibration.apply(0.5) < 1
