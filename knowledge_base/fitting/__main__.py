"""Fit, print what was measured on held-out families, and write the file.

The shipped adapter has learnt from the families that are fitted on. What the probability is fitted to must look as it
will at a help centre that the adapter does not know, so each quarter of the families is seen through the mean of the
adapters that have not seen it.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from knowledge_base.adapter import load_adapter
from knowledge_base.calibration import (
    CALIBRATION_FILE,
    DEFAULT_TARGET_ERROR,
    EVIDENCE_NAMES,
    FIT_NAMES,
    Linear,
    read_calibration,
)
from knowledge_base.evaluation.measures import Outcome, measure, measure_coverage
from knowledge_base.fitting.adapter import average_unseen, learn_halves, list_quarters, open_adapted
from knowledge_base.fitting.models import (
    choose_answer_from,
    choose_clarify_from,
    describe_linear,
    describe_trees,
    fit_fit,
    fit_probability,
    judge,
)
from knowledge_base.fitting.observations import (
    Observation,
    list_own,
    observe,
    read_help_centres,
    read_intent_centres,
    read_kept_out,
    read_obvious,
)

_FOLDS = 4
_KEPT_OF_FIVE = (0, 2)
_SHOWN = ("recall_at_1", "recall_at_3", "auroc", "calibration_error", "answered", "answered_wrong")


def fit_held_out(
    observations: Sequence[Observation], judged: Sequence[Observation], folds: int = _FOLDS
) -> tuple[dict[str, Any], list[Outcome]]:
    """Return the models fitted on everything, as numbers, and what came of each judged observation held out.

    The probability is fitted on those that are judged. A family's outcomes come from models that never saw it; so do
    the fits that the probability is learnt from.
    """
    families = sorted({o.family for o in observations})
    fold_of = {family: n % folds for n, family in enumerate(families)}
    fold_fits = [fit_fit([o for o in observations if fold_of[o.family] != fold]) for fold in range(folds)]
    places = [fold_of[o.family] for o in judged]
    fits = [fold_fits[place] for place in places]
    outcomes: dict[int, Outcome] = {}
    for fold in range(folds):
        others = [n for n, place in enumerate(places) if place != fold]
        models = fit_probability([judged[n] for n in others], [fits[n] for n in others])
        judging = read_calibration(_describe(fold_fits[fold], models) | {"answer_from": {}, "clarify_from": 0.0})
        outcomes |= {n: judge(o, fits[n], judging) for n, o in enumerate(judged) if places[n] == fold}
    numbers = _describe(fit_fit(observations), fit_probability(judged, fits))
    return numbers, [outcomes[n] for n in range(len(judged))]


def thin_own(observations: Sequence[Observation]) -> list[Observation]:
    """Leave out of Baton's own centres' questions with an answer so many that the others' share is a real one.

    A promise about wrong answers is worth as much as the share of questions that nothing answers is like life: it is
    37 % in the benchmarks and in a live bot's log, and less than a fifth of what was written for Baton.
    """
    own = {centre.name for centre in list_own()}
    kept, count = [], 0
    for observation in observations:
        if observation.family in own and observation.is_answerable:
            count += 1
            if count % 5 not in _KEPT_OF_FIVE:
                continue
        kept.append(observation)
    return kept


def _describe(fit: Linear, probability: tuple[Linear, Any]) -> dict[str, Any]:
    return {
        "fit": describe_linear(fit, FIT_NAMES),
        "steady": describe_linear(probability[0], EVIDENCE_NAMES),
        "branching": describe_trees(probability[1], EVIDENCE_NAMES),
    }


def main() -> int:
    """Fit, report and write; exit status 1 if no threshold keeps to the usual target error."""
    parser = argparse.ArgumentParser(prog="python -m knowledge_base.fitting", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder with help-centres, banking77 and clinc150")
    parser.add_argument("--output", type=Path, default=CALIBRATION_FILE)
    parser.add_argument("--work", type=Path, help="keep adapters and databases here, so that the next run is short")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        work: Path = options.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        status = write_calibration(observe_fitted(options.folder, work), options.output)
        kept_out = observe(list(read_kept_out(options.folder)), open_adapted(load_adapter()), work)
    report_kept_out(kept_out, options.output)
    return status


def observe_fitted(folder: Path, work: Path) -> list[Observation]:
    """Ask every help centre through an adapter that has not seen it, and the sets of intents, which none has seen."""
    observations = observe(list(read_intent_centres(folder)), open_adapted(load_adapter()), work)
    learn_halves(folder, work)
    for number, quarter in enumerate(list_quarters(folder)):
        centres = [*read_help_centres(quarter), *read_obvious(quarter)]
        observations += observe(centres, open_adapted(average_unseen(work, number)), work)
    return observations


def write_calibration(observations: Sequence[Observation], output: Path) -> int:
    """Fit, print what was measured held out, write the file; 1 if no threshold keeps to the usual target error."""
    judged = thin_own(observations)
    fitted, outcomes = fit_held_out(observations, judged)
    groups: dict[str, list[Outcome]] = {}
    own = {centre.name for centre in list_own()}
    for observation, outcome in zip(judged, outcomes, strict=True):
        origin = "Baton's own" if observation.family in own else "benchmarks"
        for name in (observation.group, f"{observation.group}, {origin}"):
            groups.setdefault(name, []).append(outcome)
    answer_from = choose_answer_from([groups["full"], groups["no-bodies"]])
    numbers = {
        "note": f"written by knowledge_base.fitting from {len(observations)} observations",
        "answer_from": {str(error): start for error, start in answer_from.items()},
        "clarify_from": choose_clarify_from(groups["full"]),
        **fitted,
    }
    output.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    for variant, found in groups.items():
        _print(f"{variant}, held out by family", found, answer_from.get(DEFAULT_TARGET_ERROR, 1.0))
    return 0 if DEFAULT_TARGET_ERROR in answer_from else 1


def report_kept_out(observations: Sequence[Observation], calibration: Path) -> None:
    """Print how good the written file is on help centres that nothing was fitted on, each, and all by variant."""
    numbers = json.loads(calibration.read_text(encoding="utf-8"))
    judging = read_calibration(numbers)
    groups: dict[str, list[Outcome]] = {}
    for observation in observations:
        outcome = judge(observation, judging.fit, judging)
        groups.setdefault(observation.variant, []).append(outcome)
        groups.setdefault(f"{observation.family} {observation.variant}", []).append(outcome)
    for name, outcomes in groups.items():
        _print(f"kept out, {name}", outcomes, numbers["answer_from"].get(str(DEFAULT_TARGET_ERROR), 1.0))


def _print(name: str, outcomes: Sequence[Outcome], answer_from: float) -> None:
    judged = [replace(o, verdict="answer") if o.probability >= answer_from else o for o in outcomes]
    measured = measure(judged, target_error=DEFAULT_TARGET_ERROR)
    figures = [f"{shown} {getattr(measured, shown):.3f}" for shown in _SHOWN]
    figures += [f"coverage at {error:.0%} {measure_coverage(outcomes, error=error):.3f}" for error in (0.05, 0.1, 0.2)]
    print(f"{name}: {len(outcomes)} questions; " + ", ".join(figures))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
