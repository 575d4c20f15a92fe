"""Labels in the database, what they are worth, and the probability that is fitted to them."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from knowledge_base import library
from knowledge_base.article import build_content, build_draft
from knowledge_base.calibration import digest_calibration
from knowledge_base.errors import InvalidInputError, NotFoundError
from knowledge_base.labels import LabelStore
from knowledge_base.library import KnowledgeBase
from knowledge_base.recalibration import LABELS_MIN_OF_EACH, Recalibration
from knowledge_base.store import Database
from tests.conftest import PATIENCE_S
from tests.knowledge_base.conftest import CENTRE, Clock, Desk, HeldEmbedder, KeywordEmbedder

LABEL = {"question": "hours?", "language": "en", "slug": "opening-hours", "right": True, "source": "visitor"}


@pytest.fixture
def database(tmp_path: Path):
    opened = Database(tmp_path / "labels.db")
    yield opened
    opened.close()


def put(store: LabelStore, question: str = "where is it", *, author: str = "ada", is_right: bool = True) -> None:
    store.put(question, language="en", slug="a", revision=1, is_right=is_right, source="visitor", author=author)


def test_one_author_has_one_say_on_one_wording(database: Database) -> None:
    store = LabelStore(database)
    put(store, "Where is it?")
    put(store, "where  is it", is_right=False)
    put(store, "where is it", author="grace")
    assert [(label.wording, label.is_right) for label in store.list_newest()] == [
        ("where is it", True),
        ("where is it", False),
    ]


def test_authors_are_not_kept(database: Database, tmp_path: Path) -> None:
    put(LabelStore(database), author="ada@fernhill.example")
    with closing(sqlite3.connect(tmp_path / "labels.db")) as connection:
        (author,) = connection.execute("select author from labels").fetchone()
    assert "ada" not in author


def test_the_oldest_labels_go_beyond_the_limit(database: Database) -> None:
    store = LabelStore(database, max_rows=5)
    for number in range(12):
        put(store, f"question {number}")
    assert [label.question for label in store.list_newest()][-1] == "question 5"


def test_a_recalibration_holds_for_its_model_and_its_shipped_numbers_only(database: Database, clock: Clock) -> None:
    store = LabelStore(database, clock)
    store.save_recalibration(Recalibration(0.5, -1.0), model="m", calibration="c")
    assert store.read_recalibration(model="m", calibration="c") == Recalibration(0.5, -1.0)
    assert store.read_recalibration(model="other", calibration="c") is None
    assert store.read_recalibration(model="m", calibration="other") is None
    store.save_recalibration(None, model="m", calibration="c")
    assert store.read_recalibration(model="m", calibration="c") is None


# --- what labels are worth ----------------------------------------------------------------------------------------


def say(
    base: KnowledgeBase, question: str, slug: str, is_right: bool, source: str = "editor", who: str = "ada"
) -> None:
    base.label(question, language="en", slug=slug, is_right=is_right, source=source, author=who)  # type: ignore[arg-type]


def count(base: KnowledgeBase) -> tuple[float, float]:
    done = base.refit()
    return done.right, done.wrong


def test_an_editors_word_counts_whole_and_a_visitors_half(centre: KnowledgeBase) -> None:
    say(centre, "share a folder", "shared-folders", True)
    say(centre, "delete account", "delete-account", False, "visitor")
    assert count(centre) == (1, 0.5)


def test_visitors_who_agree_count_as_one_at_most_and_those_who_differ_are_shared_out(centre: KnowledgeBase) -> None:
    for who in range(5):
        say(centre, "share a folder", "shared-folders", True, "visitor", f"v{who}")
    assert count(centre) == (1, 0)
    for who in range(5):
        say(centre, "share a folder", "shared-folders", False, "visitor", f"w{who}")
    assert count(centre) == (0.5, 0.5)


def test_staff_overrule_visitors(centre: KnowledgeBase) -> None:
    for who in range(5):
        say(centre, "share a folder", "shared-folders", False, "visitor", f"v{who}")
    say(centre, "share a folder", "shared-folders", True, "operator")
    assert count(centre) == (1, 0)


def test_another_article_that_is_right_makes_the_first_one_wrong(centre: KnowledgeBase) -> None:
    say(centre, "share a folder", "export-photos", True, "operator")
    assert count(centre) == (0, 1)


def test_another_article_that_is_wrong_says_nothing_of_the_first_one(centre: KnowledgeBase) -> None:
    say(centre, "share a folder", "export-photos", False)
    assert count(centre) == (0, 0)


def test_a_question_that_became_a_phrasing_says_nothing(centre: KnowledgeBase) -> None:
    say(centre, "I forgot my password!", "reset-password", True)
    assert count(centre) == (0, 0)


def test_what_was_said_of_an_earlier_revision_does_not_count(centre: KnowledgeBase) -> None:
    say(centre, "share a folder", "shared-folders", False)
    centre.revise("en", "shared-folders", build_content("Share a folder", "New"), author="Ada", base_revision=1)
    assert count(centre) == (0, 1)
    centre.publish("en", "shared-folders")
    assert count(centre) == (0, 0)


def test_articles_for_staff_are_not_in_the_way(centre: KnowledgeBase) -> None:
    secret = build_content("Share a folder with strangers", "Never.", audience="staff")
    centre.import_articles([build_draft("en", "secret", secret)], "Ada")
    say(centre, "share a folder with strangers", "shared-folders", True)
    assert count(centre) == (1, 0)


# --- the fit in use -----------------------------------------------------------------------------------------------


def distort(base: KnowledgeBase) -> None:
    """Have many questions labelled that are answered with confidence, half of them wrongly."""
    for number in range(6 * LABELS_MIN_OF_EACH):
        say(base, f"share a folder {number}", "shared-folders", number % 4 == 0)


def test_enough_labels_change_the_probability_at_once_for_good_and_until_they_are_forgotten(
    centre: KnowledgeBase, open_base: Callable[..., KnowledgeBase]
) -> None:
    def probability(base: KnowledgeBase) -> float:
        return base.ask("share a folder 1", is_logged=False).results[0].probability

    before = probability(centre)
    distort(centre)
    done = centre.refit()
    assert done.recalibration is not None
    assert done.loss_after < done.loss_before  # type: ignore[operator]
    after = probability(centre)
    assert after == pytest.approx(done.recalibration.apply(before), abs=1e-6)
    assert abs(after - 0.25) < abs(before - 0.25)
    # Fitted to the shipped probability again, not on top of itself.
    assert centre.refit().recalibration == done.recalibration
    again = open_base(KeywordEmbedder())
    assert probability(again) == after
    assert probability(open_base(KeywordEmbedder("another model"))) == pytest.approx(before, abs=1e-6)
    assert again.forget_labels() == 6 * LABELS_MIN_OF_EACH
    assert probability(again) == before
    centre.reload()
    assert probability(centre) == before


def test_labels_are_fitted_by_themselves_every_fifty(centre: KnowledgeBase) -> None:
    distort(centre)
    for _ in range(600):
        if centre.labels.read_recalibration(model=centre.space, calibration=digest_calibration()):
            break
        time.sleep(0.05)
    else:
        pytest.fail("192 labels were never fitted")


@pytest.mark.parametrize("verb", ["refit", "forget_labels"])
def test_nobody_waits_for_the_fit_beside_the_work_nor_is_overruled_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    embedder = HeldEmbedder()
    base = KnowledgeBase(tmp_path / "kb.db", embedder)
    base.import_articles(CENTRE, "Ada")
    monkeypatch.setattr(library, "REFIT_EVERY_LABELS", 6 * LABELS_MIN_OF_EACH + 1)
    distort(base)
    say(base, "this is held", "shared-folders", True)
    assert embedder.holding.acquire(timeout=PATIENCE_S)
    if verb == "refit":
        # Of what is asked for now nothing is held.
        base.labels.clear()
    with ThreadPoolExecutor(1) as threads:
        try:
            threads.submit(getattr(base, verb)).result(PATIENCE_S)
        finally:
            embedder.let_go.set()
    # What comes next in that thread comes after it.
    base._refitter.submit(int).result(PATIENCE_S)
    assert base.labels.read_recalibration(model=base.space, calibration=digest_calibration()) is None
    base.close()


def test_a_fit_whose_labels_are_gone_is_dropped(centre: KnowledgeBase) -> None:
    centre.labels.save_recalibration(Recalibration(1.0, -2.0), model=centre.space, calibration=digest_calibration())
    centre.reload()
    sure = centre.ask("share a folder", is_logged=False).results[0].probability
    done = centre.refit()
    assert (done.missing_right, done.missing_wrong, done.recalibration) == (32, 32, None)
    assert centre.ask("share a folder", is_logged=False).results[0].probability > sure


def test_a_label_for_what_is_not_published_is_refused(centre: KnowledgeBase) -> None:
    with pytest.raises(NotFoundError):
        say(centre, "x", "none", True)
    with pytest.raises(NotFoundError):
        centre.label("x", language="en", slug="opening-hours", is_right=True, source="editor", author="a", revision=7)
    with pytest.raises(InvalidInputError):
        say(centre, " ", "opening-hours", True)
    assert centre.labels.list_newest() == []


def test_labels_and_fits_over_http(desk: Desk, centre: KnowledgeBase) -> None:
    assert desk.post("/labels", {**LABEL, "author": "v1"}) == {}
    (label,) = centre.labels.list_newest()
    assert (label.slug, label.revision, label.is_right, label.source) == ("opening-hours", 1, True, "visitor")
    assert desk.post("/labels", {**LABEL, "author": " "}, 400)["error"]["code"] == "author_empty"
    assert desk.post("/labels", {**LABEL, "author": "x", "right": 1}, 400)["error"]["field"] == "right"
    distort(centre)
    done = desk.post("/refit", {})
    assert done["recalibration"].keys() == {"slope", "shift"}
    assert (done["missing_right"], done["missing_wrong"]) == (0, 0)
