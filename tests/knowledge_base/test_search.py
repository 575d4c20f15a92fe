"""Searching: languages, exclusions, misspellings, verdicts and the log."""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from knowledge_base.article import build_content, build_draft
from knowledge_base.calibration import CALIBRATION_FILE, EVIDENCE_NAMES, load_calibration, read_calibration
from knowledge_base.embedding import Matrix, QuestionEncoder
from knowledge_base.errors import InvalidInputError
from knowledge_base.library import KnowledgeBase
from knowledge_base.ranking import SIGNAL_NAMES, build_question, find_candidates
from tests.knowledge_base.conftest import KeywordEmbedder, draft


def slugs(base: KnowledgeBase, question: str, **options: object) -> list[tuple[str, str]]:
    answer = base.ask(question, is_logged=False, **options)
    return [(result.article.language, result.article.slug) for result in answer.results]


def test_the_article_that_says_it_comes_first(centre: KnowledgeBase) -> None:
    assert slugs(centre, "where can i change the address on my invoice")[0] == ("en", "change-invoice")


def test_a_phrasing_leads_to_its_article(centre: KnowledgeBase) -> None:
    assert slugs(centre, "cannot sign in any more")[0] == ("en", "reset-password")


class Blind(KeywordEmbedder):
    """To a model that does not know the language all texts are alike."""

    def _count(self, texts: Sequence[str]) -> Matrix:
        return super()._count(["the same"] * len(texts))


def test_who_asks_for_an_article_by_its_title_or_a_phrasing_gets_it_first(
    open_base: Callable[..., KnowledgeBase],
) -> None:
    base = open_base(Blind())
    louder = draft("louder", "Parcel, parcel", "Parcel price. A parcel. The price of a parcel. A late parcel, late.")
    named = draft("named", "Parcel price", "Look it up.", phrasings=["Is it late, my parcel?"])
    base.import_articles([louder, named], "Ada")
    assert base.ask("price").results[0].article.slug == "louder"
    for question in ("parcel price", "The parcel: price?", "is it late my parcel"):
        assert base.ask(question).results[0].article.slug == "named"


def test_what_phrasings_do_not_say_a_passage_may(base: KnowledgeBase) -> None:
    phrasings = [f"change my booking {n}" for n in range(6)]
    drafts = [
        draft(slug, "Change a booking", f"On the page of your trips. {detail}", phrasings=phrasings)
        for slug, detail in (("ferry", "Cars may be added."), ("train", "Bicycles may be added."))
    ]
    base.import_articles(drafts, "Ada")
    index = base.index.languages["en"]
    question = build_question("change my booking bicycles", "en", index, QuestionEncoder(KeywordEmbedder()))
    candidates = find_candidates(question, index, frozenset())
    met = dict(zip(candidates.articles, candidates.signals[:, SIGNAL_NAMES.index("late_all")], strict=True))
    assert met[index.slugs["train"]] > met[index.slugs["ferry"]] + 0.1


def test_an_article_counts_once_however_many_passages_match(base: KnowledgeBase) -> None:
    body = "\n\n".join(f"## Folder {n}\n\nA folder is shared by link {n}." for n in range(6))
    base.import_articles([draft("folders", "Share a folder", body), draft("other", "Other", "Text.")], "Ada")
    found = slugs(base, "share a folder by link 4", limit=20)
    assert len(found) == len(set(found))
    assert base.ask("share a folder by link 4").results[0].passage.passage.heading == "Folder 4"


def test_long_steps_are_found_by_any_and_shown_from_the_first(
    base: KnowledgeBase, open_base: Callable[..., KnowledgeBase]
) -> None:
    steps = "\n".join(f"{n}. Turn wheel{n} until it stops, {'and wait, ' * 12}then look at it." for n in range(1, 60))
    base.import_articles([draft("wheels", "Set up", f"Take a spanner.\n\n{steps}"), draft("other", "O", "T.")], "Ada")
    for opened in (base, open_base()):
        (found, *_) = opened.ask("turn wheel44").results
        assert "wheel44" in found.passage.passage.text
        assert "wheel1 " not in found.passage.passage.text
        assert found.shown.text.startswith("Take a spanner.")
        assert re.findall(r"1\. Turn wheel1 |44\. Turn wheel44 ", found.shown.text)[:2] == [
            "1. Turn wheel1 ",
            "44. Turn wheel44 ",
        ]


def test_misspelt_words_still_find_the_article(centre: KnowledgeBase) -> None:
    assert slugs(centre, "adress on invoyce")[0] == ("en", "change-invoice")


def test_the_visitors_language_goes_first(centre: KnowledgeBase) -> None:
    assert slugs(centre, "reset password", language="de")[0] == ("de", "reset-password")
    assert slugs(centre, "reset password", language="en")[0] == ("en", "reset-password")


def test_english_helps_out_where_the_visitors_language_has_no_article(centre: KnowledgeBase) -> None:
    assert ("en", "opening-hours") in slugs(centre, "opening hours friday", language="de", limit=20)


def test_an_english_match_is_given_in_its_translation(centre: KnowledgeBase) -> None:
    found = slugs(centre, "i forgot my password", language="de", limit=20)
    assert ("de", "reset-password") in found
    assert ("en", "reset-password") not in found


def test_a_language_without_articles_falls_back_to_english(centre: KnowledgeBase) -> None:
    assert slugs(centre, "opening hours", language="ja")[0] == ("en", "opening-hours")


def test_a_base_without_english_still_answers(base: KnowledgeBase) -> None:
    base.import_articles([draft("a", "Kennwort", "Das Kennwort.", language="de")], "Ada")
    assert slugs(base, "kennwort", language="fr") == [("de", "a")]


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("ich habe mein Kennwort vergessen", "de"),
        ("kennwort vergessen", "de"),
        ("I forgot my password", "en"),
        ("password", "en"),
        ("???", "en"),
        ("我的账户被锁定了", "en"),
    ],
)
def test_the_language_is_detected_among_those_that_have_articles(
    centre: KnowledgeBase, question: str, language: str
) -> None:
    assert centre.ask(question).language == language


def test_excluded_articles_are_left_out_and_others_take_their_place(centre: KnowledgeBase) -> None:
    first, second = slugs(centre, "delete account password")[:2]
    assert slugs(centre, "delete account password", excluded=[first[1]])[0] == second
    everything = [article.slug for article in centre.articles.list_published()]
    answer = centre.ask("delete account", excluded=everything)
    assert (answer.results, answer.verdict) == ((), "unsure")


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_translation_for_staff_hides_itself_only(centre: KnowledgeBase, language: str) -> None:
    content = build_content("Konto löschen", "Nur für das Team: der Schalter heißt Zebra.", audience="staff")
    centre.import_articles([build_draft("de", "delete-account", content)], "Ada")
    found = slugs(centre, "delete account", language=language, limit=20)
    assert ("en", "delete-account") in found
    assert ("de", "delete-account") not in found
    assert (language, "delete-account") in slugs(centre, "delete account", language=language, audience="staff")


def test_labels_are_replayed_in_spite_of_a_translation_for_staff(centre: KnowledgeBase) -> None:
    content = build_content("Konto löschen", "Nur für das Team.", audience="staff")
    centre.import_articles([build_draft("de", "delete-account", content)], "Ada")
    centre.label("delete account", language="en", slug="delete-account", is_right=True, source="editor", author="Ada")
    assert centre.refit().right == 1


def test_an_empty_base_is_unsure(base: KnowledgeBase) -> None:
    answer = base.ask("anything?")
    assert (answer.results, answer.verdict, answer.language) == ((), "unsure", "en")


def test_the_limit_is_kept(centre: KnowledgeBase) -> None:
    assert len(slugs(centre, "your account password invoice photos", limit=2)) == 2


@pytest.mark.parametrize("question", ["", "  ", "x" * 2001, None, 7])
def test_what_is_no_question_is_refused(centre: KnowledgeBase, question: object) -> None:
    with pytest.raises(InvalidInputError):
        centre.ask(question)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", ["x" * 2000, "🙂", "?!", "\ud800", "a\nb\tc", "' or 1=1 --", "%s{}{{x}}"])
def test_odd_questions_are_answered_all_the_same(centre: KnowledgeBase, question: str) -> None:
    answer = centre.ask(question)
    assert all(0 <= result.probability <= 1 for result in answer.results)


def test_probabilities_fall_along_the_results(centre: KnowledgeBase) -> None:
    for question in ("delete account", "password invoice", "zebra", "open the link"):
        found = [result.probability for result in centre.ask(question, limit=20).results]
        assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("probability", "verdict"), [(0.0, "unsure"), (0.29, "unsure"), (0.3, "clarify"), (0.6, "answer"), (1.0, "answer")]
)
def test_the_verdict_follows_from_the_probability(probability: float, verdict: str) -> None:
    calibration = replace(load_calibration(), answer_from={0.1: 0.8, 0.2: 0.6}, clarify_from=0.3)
    assert calibration.decide_verdict(probability) == verdict


@pytest.mark.parametrize(
    ("target_error", "verdict"),
    [(0.01, "clarify"), (0.1, "clarify"), (0.15, "clarify"), (0.2, "answer"), (0.5, "answer")],
)
def test_a_smaller_target_error_answers_less_and_one_that_was_never_kept_answers_nothing(
    target_error: float, verdict: str
) -> None:
    calibration = replace(load_calibration(), answer_from={0.1: 0.8, 0.2: 0.6}, clarify_from=0.3).aim(target_error)
    assert calibration.decide_verdict(0.7) == verdict
    assert calibration.decide_verdict(0.99) == ("clarify" if target_error < 0.1 else "answer")


@pytest.mark.parametrize("target_error", [0.0, -1, 0.6, math.nan])
def test_a_target_error_out_of_bounds_is_refused(target_error: float) -> None:
    with pytest.raises(InvalidInputError, match=r"from 0\.01 to 0\.5"):
        load_calibration().aim(target_error)


def test_the_committed_numbers_are_in_order() -> None:
    calibration = load_calibration()
    starts = [start for _, start in sorted(calibration.answer_from.items())]
    assert starts == sorted(starts, reverse=True)
    assert 0 < calibration.clarify_from < calibration.answer_from[calibration.target_error] < 1


def test_trees_are_walked_to_the_leaf_that_the_numbers_name() -> None:
    numbers = json.loads(CALIBRATION_FILE.read_text())
    tree = ["fit", 1.5, 10.0, ["share", 0.5, 20.0, 30.0]]
    forest = read_calibration(numbers | {"branching": {"start": 0.5, "trees": [tree, 2.0]}}).branching
    rows = np.zeros((3, len(EVIDENCE_NAMES)), dtype=np.float32)
    rows[1:, EVIDENCE_NAMES.index("fit")] = 2.0
    rows[2, EVIDENCE_NAMES.index("share")] = 1.0
    assert forest.predict(rows).tolist() == [12.5, 22.5, 32.5]


def test_a_search_is_noted_for_the_editors_unless_it_is_their_own(centre: KnowledgeBase) -> None:
    centre.ask("pizza", is_logged=False)
    assert centre.questions.list_questions(limit=10) == []
    answer = centre.ask("pizza")
    (asked,) = centre.questions.list_questions(limit=10)
    assert (asked.question, asked.verdict) == ("pizza", answer.verdict)
    assert asked.best is not None
    assert asked.best.slug == answer.results[0].article.slug
