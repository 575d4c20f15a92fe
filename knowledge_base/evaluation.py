"""How good the answers are, measured on labelled questions: `python -m knowledge_base.evaluation --help`.

Articles and questions are JSON lines: {slug, title, body, phrasings} and {question, slugs}; no slugs means that
no article answers. The same path is taken as for a visitor: import, index, ask.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from knowledge_base.article import ArticleDraft, build_content, build_draft, build_slug
from knowledge_base.errors import InvalidInputError, KnowledgeBaseError
from knowledge_base.library import KnowledgeBase

# "Answers with at most this share wrong" is what the thresholds were chosen for.
TARGET_ERROR = 0.2


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and the articles that answer it, best first; none means that it cannot be answered."""

    text: str
    slugs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares from 0 to 1. Recall is over answerable questions, everything else over all of them."""

    questions: int
    recall_1: float
    recall_3: float
    auroc: float
    coverage: float
    answered: float
    answered_wrong: float
    clarified: float
    clarified_right: float

    def describe(self) -> str:
        return "\n".join(
            [
                f"{self.questions} questions",
                f"right article first          {self.recall_1:.3f}",
                f"right article in first three {self.recall_3:.3f}",
                f"AUROC of answered rightly    {self.auroc:.3f}",
                f"coverage at {TARGET_ERROR:.0%} wrong      {self.coverage:.3f}",
                f"verdict answer               {self.answered:.3f}, of these wrong {self.answered_wrong:.3f}",
                f"verdict clarify              {self.clarified:.3f}, of these offering the right one "
                f"{self.clarified_right:.3f}",
            ]
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question: whether the first or one of three was right, and how sure Baton was."""

    is_answerable: bool
    is_first_right: bool
    is_one_of_three: bool
    probability: float
    verdict: str


def evaluate(base: KnowledgeBase, questions: Sequence[LabelledQuestion]) -> Measured:
    """Ask every question and measure the answers."""
    return measure([_ask(base, question) for question in questions])


def measure(outcomes: Sequence[Outcome]) -> Measured:
    """Measure what came of some questions."""
    answerable = [outcome for outcome in outcomes if outcome.is_answerable]
    answered = [outcome for outcome in outcomes if outcome.verdict == "answer"]
    clarified = [outcome for outcome in outcomes if outcome.verdict == "clarify"]
    return Measured(
        questions=len(outcomes),
        recall_1=_share(outcome.is_first_right for outcome in answerable),
        recall_3=_share(outcome.is_one_of_three for outcome in answerable),
        auroc=measure_auroc(outcomes),
        coverage=measure_coverage(outcomes),
        answered=len(answered) / (len(outcomes) or 1),
        answered_wrong=_share(not outcome.is_first_right for outcome in answered),
        clarified=len(clarified) / (len(outcomes) or 1),
        clarified_right=_share(outcome.is_one_of_three for outcome in clarified),
    )


def measure_auroc(outcomes: Sequence[Outcome]) -> float:
    """Return how often a right first article was given more probability than a wrong one; 0.5 is chance."""
    right = np.array([o.probability for o in outcomes if o.is_first_right])
    wrong = np.array([o.probability for o in outcomes if not o.is_first_right])
    if not len(right) or not len(wrong):
        return float("nan")
    better = (right[:, None] > wrong).mean() + (right[:, None] == wrong).mean() / 2
    return float(better)


def measure_coverage(outcomes: Sequence[Outcome], *, error: float = TARGET_ERROR) -> float:
    """Return the greatest share that could be answered, surest first, with at most `error` of it wrong."""
    ordered = sorted(outcomes, key=lambda outcome: -outcome.probability)
    wrong = np.cumsum([not outcome.is_first_right for outcome in ordered]) / np.arange(1, len(ordered) + 1)
    fitting = np.flatnonzero(wrong <= error)
    return float(fitting[-1] + 1) / len(ordered) if len(fitting) else 0.0


def read_articles(path: Path, *, language: str = "en") -> list[ArticleDraft]:
    """Read labelled articles; one without a body gets its title as body."""
    drafts = []
    for line in _read_lines(path):
        title = str(line["title"])[:200]
        content = build_content(title, line.get("body") or title, (), line.get("phrasings") or ())
        drafts.append(build_draft(language, build_slug(str(line["slug"])), content))
    return drafts


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Read labelled questions."""
    return [
        LabelledQuestion(str(line["question"]), tuple(build_slug(slug) for slug in line["slugs"]))
        for line in _read_lines(path)
    ]


def _read_lines(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as exc:
        raise InvalidInputError("file_unreadable", f"{path} cannot be read as JSON lines ({exc}).") from exc


def _ask(base: KnowledgeBase, question: LabelledQuestion) -> Outcome:
    answer = base.ask(question.text, language="en", limit=3, is_logged=False)
    found = [result.article.slug for result in answer.results]
    return Outcome(
        is_answerable=bool(question.slugs),
        is_first_right=bool(found) and found[0] in question.slugs,
        is_one_of_three=bool(set(found) & set(question.slugs)),
        probability=answer.results[0].probability if answer.results else 0.0,
        verdict=answer.verdict,
    )


def _share(flags: Iterable[bool]) -> float:
    collected = list(flags)
    return sum(collected) / len(collected) if collected else float("nan")


def main() -> int:
    """Measure and print; a file that cannot be read is one line and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m knowledge_base.evaluation", description=__doc__)
    parser.add_argument("--articles", type=Path, required=True, help="JSON lines of slug, title, body, phrasings")
    parser.add_argument("--questions", type=Path, required=True, help="JSON lines of question, slugs")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            base = KnowledgeBase(Path(folder) / "evaluation.db")
            base.import_articles(read_articles(options.articles), "evaluation")
            print(evaluate(base, read_questions(options.questions)).describe())  # noqa: T201
            base.close()
    except KnowledgeBaseError as exc:
        print(f"evaluation: {exc.message}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
