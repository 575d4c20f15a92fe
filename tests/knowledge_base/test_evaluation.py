"""Measuring, fitting, and what the real model makes of a real help centre."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.calibration import build_evidence, load_calibration
from knowledge_base.embedding import PACKAGED_MODEL, SentenceEmbedder
from knowledge_base.errors import InvalidInputError, ModelError
from knowledge_base.evaluation import Outcome, evaluate, measure, measure_coverage, read_articles, read_questions
from knowledge_base.fitting import choose_thresholds, fit, judge, observe_all
from knowledge_base.importing.markdown_folder import read_markdown_folder
from knowledge_base.library import KnowledgeBase
from tests.knowledge_base.conftest import CENTRE, REPOSITORY, KeywordEmbedder

SHARED = REPOSITORY.parent / "shared"
LOGIN_GOV = SHARED / "real-articles" / "login-gov" / "_help" / "manage-your-account"
CENTRES = SHARED / "benchmarks" / "help-centres"


def outcome(probability: float, *, is_right: bool, is_answerable: bool = True) -> Outcome:
    return Outcome(is_answerable, is_right, is_right, probability, "answer" if probability >= 0.5 else "unsure")


def write_centre(folder: Path) -> Path:
    folder.mkdir(parents=True)
    english = [draft for draft in CENTRE if draft.language == "en"]
    articles = [
        {"slug": d.slug, "title": d.content.title, "body": d.content.body, "phrasings": list(d.content.phrasings)}
        for d in english
    ]
    questions = [{"question": f"{d.content.title} please", "slugs": [d.slug]} for d in english]
    questions += [{"question": f"zebra {n} weather", "slugs": []} for n in range(6)]
    for name, rows in (("articles.jsonl", articles), ("questions.jsonl", questions)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_measures_are_what_they_say() -> None:
    measured = measure(
        [
            outcome(0.9, is_right=True),
            outcome(0.8, is_right=False),
            outcome(0.3, is_right=True),
            outcome(0.1, is_right=False, is_answerable=False),
        ]
    )
    assert measured.recall_1 == pytest.approx(2 / 3)
    assert measured.auroc == pytest.approx(3 / 4)
    assert measured.answered == pytest.approx(1 / 2)
    assert measured.answered_wrong == pytest.approx(1 / 2)
    assert math.isnan(measured.clarified_right)


def test_coverage_is_the_greatest_share_within_the_error() -> None:
    right, wrong = outcome(0.9, is_right=True), outcome(0.5, is_right=False)
    assert measure_coverage([right, right, right, right, wrong, wrong], error=0.2) == pytest.approx(5 / 6)
    assert measure_coverage([wrong, wrong]) == 0


def test_a_perfect_centre_is_measured_as_perfect(tmp_path: Path, base: KnowledgeBase) -> None:
    folder = write_centre(tmp_path / "centre")
    base.import_articles(read_articles(folder / "articles.jsonl"), "Ada")
    measured = evaluate(base, read_questions(folder / "questions.jsonl"))
    assert (measured.questions, measured.recall_1, measured.recall_3) == (12, 1.0, 1.0)
    assert measured.auroc > 0.9
    assert "right article first          1.000" in measured.describe()


@pytest.mark.parametrize("text", ["{", "\xff"])
def test_a_file_that_is_not_json_lines_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(text.encode("latin-1"))
    with pytest.raises(InvalidInputError, match=r"x\.jsonl"):
        read_questions(tmp_path / "x.jsonl")


def test_fitting_learns_to_tell_what_can_be_answered(tmp_path: Path) -> None:
    write_centre(tmp_path / "centres" / "one")
    observations = observe_all(tmp_path / "centres", KeywordEmbedder(), tmp_path)
    assert {o.variant for o in observations} == {"full", "no-phrasings", "no-bodies"}
    calibration = fit(observations)
    outcomes = judge(observations, calibration)
    assert measure(outcomes).recall_1 > 0.9
    assert measure(outcomes).auroc > 0.95


def test_thresholds_keep_the_errors_within_the_target() -> None:
    right = [outcome(0.5 + n / 4000, is_right=True) for n in range(1600)]
    wrong = [outcome(n / 2000, is_right=False) for n in range(1600)]
    answer_from, clarify_from = choose_thresholds(right + wrong)
    answered = [o for o in right + wrong if o.probability >= answer_from]
    assert sum(not o.is_first_right for o in answered) / len(answered) < 0.201
    assert 0 < clarify_from <= answer_from


def test_the_committed_weights_fit_the_evidence(centre: KnowledgeBase) -> None:
    calibration = load_calibration()
    index = centre.index.languages["en"]
    from knowledge_base.embedding import QuestionEncoder
    from knowledge_base.ranking import SIGNAL_NAMES, build_question, find_candidates
    from knowledge_base.search import rank

    question = build_question("delete account", "en", index, QuestionEncoder(KeywordEmbedder()))
    ranked, scores = rank(find_candidates(question, index, frozenset()), calibration)
    assert set(calibration.rank_weights) == set(SIGNAL_NAMES)
    assert set(calibration.probability_weights) == set(build_evidence(question, ranked, scores))


@pytest.fixture(scope="module")
def real() -> SentenceEmbedder:
    return SentenceEmbedder()


@pytest.mark.slow
def test_the_packaged_model_is_the_pinned_one_and_gives_unit_vectors(real: SentenceEmbedder) -> None:
    real.load()
    vectors = real.encode(["I forgot my password", "reset a password", "the weather in Denver"])
    assert (real.model, real.dimension, vectors.dtype) == (PACKAGED_MODEL, 384, np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
    assert real.count_tokens("password") == 1 < real.count_tokens("pasword")
    assert real.encode([]).shape == (0, 384)


@pytest.mark.slow
def test_a_model_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceEmbedder(str(tmp_path / "no-model")).load()


@pytest.fixture(scope="module")
def login_gov(real: SentenceEmbedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KnowledgeBase]:
    if not LOGIN_GOV.is_dir():
        pytest.skip(f"the real help centre is not beside the repository ({LOGIN_GOV})")
    base = KnowledgeBase(tmp_path_factory.mktemp("login") / "kb.db", real)
    drafts = [d for d in read_markdown_folder(LOGIN_GOV.parent).drafts if d.language == "en"]
    base.import_articles(drafts, "import")
    yield base
    base.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "slug"),
    [
        ("how do i delete my account", "delete-your-account"),
        ("I lost my phone and cannot get the code", "how-to-sign-in"),
        ("my account says it is locked", "why-is-my-account-locked"),
        ("which ID can I use to verify", "accepted-id-type"),
        ("change my phone number", "change-your-phone-number"),
        ("my backup codes dont work", "issues-with-backup-codes"),
        ("verify at the post office", "verify-your-identity-in-person"),
    ],
)
def test_real_questions_get_the_right_real_article(login_gov: KnowledgeBase, question: str, slug: str) -> None:
    answer = login_gov.ask(question, is_logged=False)
    assert (answer.verdict, answer.results[0].article.slug) == ("answer", slug)


@pytest.mark.slow
def test_a_misspelt_real_question_gets_the_right_real_article_first(login_gov: KnowledgeBase) -> None:
    answer = login_gov.ask("i forgot my pasword", is_logged=False)
    assert (answer.verdict != "unsure", answer.results[0].article.slug) == (True, "forgot-your-password")


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    ["what is the weather in Denver", "how do I get a refund for my pizza", "tell me a joke", "talk to a human"],
)
def test_questions_about_something_else_leave_it_unsure(login_gov: KnowledgeBase, question: str) -> None:
    assert login_gov.ask(question, is_logged=False).verdict == "unsure"


@pytest.mark.slow
def test_quality_on_a_labelled_help_centre_does_not_fall(real: SentenceEmbedder, tmp_path: Path) -> None:
    """The committed numbers were fitted on this centre too; the held-out figures are in the README."""
    if not CENTRES.is_dir():
        pytest.skip(f"the labelled help centres are not beside the repository ({CENTRES})")
    base = KnowledgeBase(tmp_path / "kb.db", real)
    base.import_articles(read_articles(CENTRES / "alderbrook-it" / "articles.jsonl"), "Ada")
    measured = evaluate(base, read_questions(CENTRES / "alderbrook-it" / "questions.jsonl"))
    base.close()
    assert measured.recall_1 > 0.78
    assert measured.recall_3 > 0.9
    assert measured.auroc > 0.78
    assert measured.answered_wrong < 0.25
