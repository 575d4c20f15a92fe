"""The models of `calibration`, fitted and written as numbers, and the thresholds that keep a promise.

Everything is judged held out: the probability and the thresholds see only what the fit says of families that it was
not fitted on.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_base.calibration import Calibration, Linear, build_evidence
from knowledge_base.embedding import Matrix
from knowledge_base.evaluation.measures import Outcome
from knowledge_base.fitting.observations import Observation

Array = npt.NDArray[np.float64]
# How sure the thresholds are: the true share of wrong answers exceeds the target once in twenty such fits.
CONFIDENCE = 0.95
TARGET_ERRORS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
# How right "probably among the first three" has to be.
CLARIFY_RIGHT_MIN = 0.5
_NEIGHBOURS = 501
# Real help centres matter most; sets of intents keep the models honest where there are no bodies.
_HELP_CENTRE_WEIGHT, _INTENTS_WEIGHT = 1.0, 0.25
# The greatest that costs nothing on held-out families; other sorts of help centres gain by it.
_RANK_PENALTY = 0.05
_RANK_STEPS_MAX = 120
_STEADY_STRENGTH = 0.05
_TREES = {"max_iter": 50, "max_leaf_nodes": 5, "min_samples_leaf": 80, "l2_regularization": 30.0, "max_features": 0.5}


def fit_fit(observations: Sequence[Observation]) -> Linear:
    """Fit a conditional logit (McFadden 1974): the right article's sum against those of all candidates."""
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    usable = [n for n, o in enumerate(observations) if o.is_right.any()]
    chosen = [observations[n] for n in usable]
    sizes = np.array([len(o.is_right) for o in chosen])
    starts = np.cumsum([0, *sizes[:-1]])
    rows = np.concatenate([o.features for o in chosen])
    spread = rows.std(axis=0) + 1e-6
    rows = rows / spread
    wanted = np.concatenate([o.is_right / o.is_right.sum() for o in chosen])
    weights = weigh(observations)[usable]
    weights = np.repeat(weights / weights.sum(), sizes)

    def lose(slopes: Array) -> tuple[float, Array]:
        sums = rows @ slopes.astype(np.float32)
        shares = np.exp(sums - np.repeat(np.maximum.reduceat(sums, starts), sizes))
        shares /= np.repeat(np.add.reduceat(shares, starts), sizes)
        loss = -(weights * wanted * np.log(shares + 1e-12)).sum() + _RANK_PENALTY * slopes @ slopes
        gradient = rows.T @ ((shares - wanted) * weights).astype(np.float32)
        return float(loss), gradient.astype(np.float64) + 2 * _RANK_PENALTY * slopes

    options = {"maxiter": _RANK_STEPS_MAX}
    fitted = minimize(lose, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options=options).x
    return Linear(0.0, (fitted / spread).astype(np.float32))


def fit_probability(observations: Sequence[Observation], fits: Sequence[Linear]) -> tuple[Linear, Any]:
    """Fit how probably the best article answers, as a sum and as trees.

    Each observation brings the fit of a model that has not seen its family.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    rows, right = [], []
    for observation, fit in zip(observations, fits, strict=True):
        sums, order = order_by(observation, fit)
        rows.append(build_evidence(observation.features, sums, order))
        right.append(bool(observation.is_right[order[0]]))
    evidence, weights = np.stack(rows), weigh(observations)
    mean, spread = evidence.mean(axis=0), evidence.std(axis=0) + 1e-6
    logistic = LogisticRegression(C=_STEADY_STRENGTH, max_iter=200)
    logistic.fit((evidence - mean) / spread, right, sample_weight=weights)
    slopes = logistic.coef_[0] / spread
    steady = Linear(float(logistic.intercept_[0] - slopes @ mean), slopes.astype(np.float32))
    trees = HistGradientBoostingClassifier(**_TREES, learning_rate=0.08, early_stopping=False, random_state=0)
    return steady, trees.fit(evidence, right, sample_weight=weights)


def order_by(observation: Observation, fit: Linear) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Return the candidates' fits, and their places, best first."""
    sums = fit.predict(observation.features)
    return sums, np.argsort(-sums, kind="stable")


def judge(observation: Observation, fit: Linear, calibration: Calibration) -> Outcome:
    """Return what would have come of a question; the verdict is still open."""
    sums, order = order_by(observation, fit)
    places = np.flatnonzero(observation.is_right[order])
    probability = calibration.estimate(build_evidence(observation.features, sums, order))
    return Outcome(
        observation.is_answerable, int(places[0]) + 1 if len(places) else 0, probability, "unsure", observation.kind
    )


def weigh(observations: Sequence[Observation]) -> Array:
    """Return a weight for each question: families of one sort weigh the same together, however many they are."""
    is_intents = np.array([o.kind in ("in", "out") for o in observations])
    weights = np.where(
        is_intents, _INTENTS_WEIGHT / max(1, is_intents.sum()), _HELP_CENTRE_WEIGHT / (~is_intents).sum()
    )
    scaled: Array = weights * len(observations) / weights.sum()
    return scaled


def choose_answer_from(groups: Sequence[Sequence[Outcome]]) -> dict[float, float]:
    """Return for each target error the probability from which on the groups keep to it, with `CONFIDENCE`.

    A group in which nothing can be promised has no say, but for what it needs at laxer targets; a target that none
    can keep to is left out.
    """
    found: dict[float, float] = {}
    for error in reversed(TARGET_ERRORS):
        starts = [start for outcomes in groups if (start := _choose_start(outcomes, error)) is not None]
        if starts:
            # Rounded up: rounding must not let more through.
            found[error] = max([math.ceil(max(starts) * 1000) / 1000, *found.values()])
    return dict(sorted(found.items()))


def choose_clarify_from(outcomes: Sequence[Outcome]) -> float:
    """Return the probability from which on the right article is among the first three often enough."""
    ordered = sorted(outcomes, key=lambda outcome: -outcome.probability)
    right = np.array([o.is_one_of_three for o in ordered], dtype=float)
    # Judged by neighbours in probability, not by all above: a hopeless question must not live on better ones.
    around = np.convolve(right, np.ones(_NEIGHBOURS) / _NEIGHBOURS, mode="same")
    return math.ceil(ordered[int(np.flatnonzero(around >= CLARIFY_RIGHT_MIN)[-1])].probability * 1000) / 1000


def describe_linear(model: Linear, names: Sequence[str]) -> dict[str, Any]:
    """Return a sum as numbers by name."""
    weights = {name: round(float(weight), 5) for name, weight in zip(names, model.weights, strict=True)}
    return {"start": round(model.start, 5), "weights": weights}


def describe_trees(model: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return fitted trees as numbers: a node is [feature, split, at most, above], a leaf its value."""
    trees = [_describe_node(stage[0].nodes, 0, names) for stage in model._predictors]
    return {"start": round(float(model._baseline_prediction.item()), 4), "trees": trees}


def _describe_node(nodes: Any, place: int, names: Sequence[str]) -> Any:
    node = nodes[place]
    if node["is_leaf"]:
        return round(float(node["value"]), 4)
    below, above = (_describe_node(nodes, int(node[side]), names) for side in ("left", "right"))
    return [names[int(node["feature_idx"])], round(float(node["num_threshold"]), 5), below, above]


def _choose_start(outcomes: Sequence[Outcome], error: float) -> float | None:
    """Return the lowest probability from which on the Clopper-Pearson bound of the share of wrong ones holds."""
    from scipy.stats import beta  # type: ignore[import-untyped]

    ordered = sorted(outcomes, key=lambda outcome: -outcome.probability)
    counts = np.arange(1, len(ordered) + 1)
    wrong = np.cumsum([not outcome.is_first_right for outcome in ordered])
    bound = beta.ppf(CONFIDENCE, wrong + 1, np.maximum(counts - wrong, 1e-9))
    kept = np.flatnonzero((bound <= error) & (wrong < counts))
    return ordered[int(kept[-1])].probability if len(kept) else None
