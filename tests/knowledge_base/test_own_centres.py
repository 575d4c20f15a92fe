"""The labelled help centres that Baton brings along to be fitted on are what their README says."""

from collections import Counter
from pathlib import Path

import pytest

from knowledge_base.evaluation.labelled import LabelledQuestion, read_articles, read_questions
from knowledge_base.fitting.observations import KEPT_OUT, list_fitted, list_own
from tests.knowledge_base.conftest import REPOSITORY

BENCHMARKS = REPOSITORY.parent / "shared" / "benchmarks"
ANSWERED = {"plain": 4, "indirect": 4, "typo": 1, "keyword": 1, "long": 1}
UNANSWERED = {"near_miss": 45, "account_specific": 5, "ask_human": 5, "off_topic": 5}
CENTRES = list_own()


def test_there_are_thirty_one() -> None:
    assert len(CENTRES) == 31


@pytest.mark.parametrize("centre", CENTRES, ids=lambda centre: centre.name)
def test_every_article_has_its_questions_and_each_question_its_article(centre: Path) -> None:
    drafts = read_articles(centre / "articles.jsonl", language="en").drafts
    questions: list[LabelledQuestion] = list(read_questions(centre / "questions.jsonl"))
    assert len({draft.slug for draft in drafts}) == 24
    asked = Counter((slug, question.kind) for question in questions for slug in question.slugs)
    assert asked == {(draft.slug, kind): times for draft in drafts for kind, times in ANSWERED.items()}
    assert Counter(question.kind for question in questions if not question.slugs) == UNANSWERED
    texts = [question.text.lower() for question in questions]
    assert len(set(texts)) == len(texts)
    assert not set(texts) & {phrasing.lower() for draft in drafts for phrasing in draft.content.phrasings}


@pytest.mark.skipif(not BENCHMARKS.exists(), reason=f"the benchmarks are not in {BENCHMARKS}")
def test_what_is_kept_out_is_not_fitted_on() -> None:
    fitted = [centre.name for centre in list_fitted(BENCHMARKS)]
    assert not set(fitted) & set(KEPT_OUT)
    assert {centre.name for centre in CENTRES} < set(fitted)
