"""Articles, revisions and the log of questions in the database."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_base.article import ArticleDraft, build_content, build_draft
from knowledge_base.article_rows import ArticleFilter
from knowledge_base.article_store import ArticleStore
from knowledge_base.errors import ConflictError, InvalidInputError, NotFoundError
from knowledge_base.gaps import BestArticle, QuestionLog, normalise_wording
from knowledge_base.store import Database
from tests.knowledge_base.conftest import CENTRE, Clock, draft


@pytest.fixture
def database(tmp_path: Path):
    opened = Database(tmp_path / "store.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database, clock: Clock) -> ArticleStore:
    return ArticleStore(database, clock)


@pytest.fixture
def log(database: Database, clock: Clock):
    opened = QuestionLog(database, clock, max_rows=5)
    yield opened
    opened.close()


def test_a_new_article_is_a_draft_at_revision_one(store: ArticleStore) -> None:
    article = store.create(draft("a", "Title", "Body"), "Ada")
    assert (article.status, article.revision, article.published_revision) == ("draft", 1, None)
    assert article.has_draft


def test_a_slug_is_taken_once_in_each_language(store: ArticleStore) -> None:
    store.create(draft("a", "Title", "Body"), "Ada")
    store.create(draft("a", "Titel", "Text", language="de"), "Ada")
    with pytest.raises(ConflictError) as refused:
        store.create(draft("a", "Other", "Body"), "Grace")
    assert refused.value.code == "slug_taken"


def test_revisions_keep_everything_that_was_ever_written(store: ArticleStore, clock: Clock) -> None:
    store.create(draft("a", "First", "One"), "Ada")
    clock.tick(60)
    store.revise("en", "a", build_content("Second", "Two"), author="Grace", base_revision=1)
    assert store.get("en", "a", 1).content.body == "One"
    assert [(r.revision, r.title, r.author, r.created_at) for r in store.list_revisions("en", "a")] == [
        (2, "Second", "Grace", clock.now),
        (1, "First", "Ada", clock.now - 60),
    ]


def test_saving_the_same_content_makes_no_revision(store: ArticleStore) -> None:
    first = store.create(draft("a", "Title", "Body"), "Ada")
    assert store.revise("en", "a", first.content, author="Grace", base_revision=1) == first


def test_an_edit_of_an_old_revision_is_refused_and_names_who_was_faster(store: ArticleStore) -> None:
    store.create(draft("a", "Title", "Body"), "Ada")
    store.revise("en", "a", build_content("Title", "Grace's"), author="Grace", base_revision=1)
    with pytest.raises(ConflictError, match="Grace has saved revision 2") as refused:
        store.revise("en", "a", build_content("Title", "Alan's"), author="Alan", base_revision=1)
    assert refused.value.code == "revision_conflict"
    assert store.get("en", "a").content.body == "Grace's"


def test_of_two_editors_at_the_same_moment_one_wins(store: ArticleStore) -> None:
    store.create(draft("a", "Title", "Body"), "Ada")
    barrier, outcomes = threading.Barrier(4), []

    def save(name: str) -> None:
        barrier.wait()
        try:
            store.revise("en", "a", build_content("Title", name), author=name, base_revision=1)
            outcomes.append("saved")
        except ConflictError:
            outcomes.append("refused")

    threads = [threading.Thread(target=save, args=(f"editor {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["saved"]
    assert store.get("en", "a").revision == 2


def test_publishing_shows_one_revision_while_a_newer_draft_waits(store: ArticleStore) -> None:
    article = store.create(draft("a", "Title", "Old"), "Ada")
    store.mark_published(article.id, 1)
    store.revise("en", "a", build_content("Title", "New"), author="Ada", base_revision=1)
    assert store.get_published("en", "a").content.body == "Old"
    assert store.get("en", "a").has_draft
    assert [a.content.body for a in store.list_published()] == ["Old"]


def test_an_archived_article_is_not_published_but_still_there(store: ArticleStore) -> None:
    article = store.create(draft("a", "Title", "Body"), "Ada")
    store.mark_published(article.id, 1)
    assert store.archive("en", "a").status == "archived"
    assert store.archive("en", "a").status == "archived"
    with pytest.raises(NotFoundError):
        store.get_published("en", "a")
    assert store.get("en", "a").content.body == "Body"


@pytest.mark.parametrize("slug", ["nobody", "a' or '1'='1"])
def test_an_unknown_article_is_not_found(store: ArticleStore, slug: str) -> None:
    store.create(draft("a", "Title", "Body"), "Ada")
    for call in (store.get, store.archive, store.list_revisions, store.get_published):
        with pytest.raises(NotFoundError):
            call("en", slug)
    with pytest.raises(NotFoundError, match="no revision 9"):
        store.get("en", "a", 9)


def test_an_import_says_what_it_created_updated_and_left_alone(store: ArticleStore) -> None:
    store.apply_import(CENTRE[:3], "Ada", is_published=True)
    changed = draft("delete-account", "Delete your account", "It is final, and takes a day.")
    outcome = store.apply_import([CENTRE[0], changed, CENTRE[3]], "Ada", is_published=True)
    assert [[d.slug for d in group] for group in (outcome.created, outcome.updated, outcome.unchanged)] == [
        ["export-photos"],
        ["delete-account"],
        ["reset-password"],
    ]
    assert store.get("en", "delete-account").published_revision == 2


def test_an_import_of_drafts_leaves_the_address_of_what_is_published(store: ArticleStore) -> None:
    def build(body: str, address: str, status: str | None = None) -> ArticleDraft:
        return build_draft(
            "en", "a", build_content("Title", body), source=f"{body}.md", permalink=address, status=status
        )

    old, new = build("Old", "https://old.example/a"), build("New", "https://new.example/a")
    store.apply_import([old], "Ada", is_published=True)
    moved = replace(old, permalink="https://new.example/a")
    for again, is_published in ((moved, False), (new, False), (replace(new, status="draft"), True)):
        store.apply_import([again], "Ada", is_published=is_published)
        published = store.get_published("en", "a")
        assert (published.content.body, published.source, published.permalink) == ("Old", old.source, old.permalink)
    assert store.get("en", "a").content.body == "New"
    assert store.apply_import([new], "Ada", is_published=False).unchanged == (new,)
    store.apply_import([new], "Ada", is_published=True)
    assert store.get_published("en", "a").permalink == new.permalink


def test_an_import_of_drafts_moves_what_is_not_published(store: ArticleStore) -> None:
    one = build_draft("en", "a", build_content("Title", "Body"), permalink="https://old.example/a")
    store.apply_import([one], "Ada", is_published=False)
    moved = replace(one, permalink="https://new.example/a")
    assert store.apply_import([moved], "Ada", is_published=False).updated == (moved,)
    assert store.get("en", "a").permalink == moved.permalink


def test_a_dry_run_tells_the_same_and_stores_nothing(store: ArticleStore) -> None:
    outcome = store.apply_import(CENTRE, "Ada", is_published=True, is_dry_run=True)
    assert len(outcome.created) == len(CENTRE)
    assert store.count() == (0, 0)


def test_an_import_that_fails_half_way_leaves_nothing(store: ArticleStore, database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            "create trigger stop before insert on articles when new.slug = 'opening-hours' "
            "begin select raise(abort, 'disk full'); end"
        )
    with pytest.raises(sqlite3.IntegrityError, match="disk full"):
        store.apply_import(CENTRE, "Ada", is_published=True)
    assert store.count() == (0, 0)


def test_articles_are_listed_by_status_language_and_words(store: ArticleStore) -> None:
    store.apply_import(CENTRE, "Ada", is_published=True)
    store.create(draft("new", "Über uns", "Straßenfest"), "Ada")

    def slugs(**wanted: str) -> list[str]:
        return sorted(a.slug for a in store.list_articles(ArticleFilter(**wanted), limit=50)[0])

    assert slugs(status="draft") == ["new"]
    assert slugs(language="de") == ["export-photos", "reset-password"]
    assert slugs(words="FORGOT password") == ["reset-password"]
    assert slugs(words="strassenfest ÜBER") == ["new"]
    assert slugs(words="100%") == []
    page, total = store.list_articles(ArticleFilter(), limit=2, offset=8)
    assert (len(page), total) == (1, 9)


def test_words_are_looked_for_in_tags_and_phrasings_not_in_how_they_are_stored(store: ArticleStore) -> None:
    content = build_content("Racks", "Steel.", ['19" rack', "größe"], ["how wide?", "C:\\racks"])
    store.create(build_draft("en", "racks", content), "Ada")
    store.create(draft("bare", "Bare", "Nothing else."), "Ada")

    def slugs(words: str) -> list[str]:
        return [article.slug for article in store.list_articles(ArticleFilter(words=words), limit=50)[0]]

    for words in ('19"', '19" RACK', "GRÖSSE", "wide? steel", "c:\\racks", '"'):
        assert slugs(words) == ["racks"]
    for words in ("[", "]", ",", "[]", 'rack"', '"]', "\\\\"):
        assert slugs(words) == []


def test_the_file_is_durable_and_readers_do_not_wait(database: Database) -> None:
    assert database.read().execute("pragma journal_mode").fetchone()[0] == "wal"
    with database.write() as connection:
        assert connection.execute("pragma synchronous").fetchone()[0] == 2
        connection.execute("insert into dismissed_questions values ('x', 0)")
        assert database.read().execute("select count(*) from dismissed_questions").fetchone()[0] == 0
    assert database.read().execute("select count(*) from dismissed_questions").fetchone()[0] == 1


def count_open(path: Path) -> int:
    """Return how often this process has a file open."""
    names = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            names.append(descriptor.readlink())
    return names.count(path)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only Linux lists open files")
def test_a_thread_that_ends_leaves_no_connection_behind(store: ArticleStore, tmp_path: Path) -> None:
    before = count_open(tmp_path / "store.db")
    assert before
    during = []
    for _ in range(20):
        thread = threading.Thread(target=lambda: during.append((store.count(), count_open(tmp_path / "store.db"))))
        thread.start()
        thread.join()
    # One that was joined may be closing its own still.
    assert {count for _, count in during} <= {before + 1, before + 2}


def test_a_thread_reads_the_same_file_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(Path("here.db"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert ArticleStore(database).count() == (0, 0)
    assert list(Path().iterdir()) == []
    database.close()


def test_a_new_file_may_be_opened_by_several_at_once(tmp_path: Path) -> None:
    for name in "abc":
        barrier = threading.Barrier(4)

        def open_(path: Path = tmp_path / f"{name}.db", barrier: threading.Barrier = barrier) -> Database:
            barrier.wait()
            return Database(path)

        with ThreadPoolExecutor(4) as threads:
            for opened in [threads.submit(open_) for _ in "1234"]:
                assert ArticleStore(opened.result()).count() == (0, 0)
                opened.result().close()


def test_a_file_that_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "photo.db").write_bytes(b"not a database" * 100)
    with pytest.raises(InvalidInputError, match=r"photo\.db"):
        Database(tmp_path / "photo.db")


def test_questions_of_the_same_wording_are_one_line(log: QuestionLog, clock: Clock) -> None:
    log.record_question("Where is my INVOICE??", "en", "answer", BestArticle("a", "en", "A", 0.9))
    clock.tick(5)
    log.record_question("where is my  invoice", "en", "unsure", None)
    log.record_question("pizza", "en", "unsure", None)
    first, second = log.list_questions(limit=10)
    assert (first.question, first.times) == ("pizza", 1)
    assert (second.question, second.times, second.verdict, second.best) == ("where is my  invoice", 2, "unsure", None)
    assert [q.question for q in log.list_questions(verdict="unsure", limit=1)] == ["pizza"]


def test_a_dismissed_question_does_not_come_back(log: QuestionLog) -> None:
    log.record_question("pizza?", "en", "unsure", None)
    assert log.list_questions(limit=10)
    log.dismiss("Pizza")
    log.dismiss("Pizza")
    log.record_question("PIZZA!", "en", "unsure", None)
    assert log.list_questions(limit=10) == []


def test_the_log_drops_its_oldest_beyond_the_limit(log: QuestionLog) -> None:
    for number in range(12):
        log.record_question(f"question {number}", "en", "unsure", None)
    assert [q.question for q in log.list_questions(limit=50)][-1] == "question 5"


def test_who_asks_does_not_wait_for_who_writes(log: QuestionLog, database: Database) -> None:
    with database.write():
        for number in range(3):
            log.record_question(f"question {number}", "en", "unsure", None)
        assert database.read().execute("select count(*) from questions").fetchone()[0] == 0
    assert [q.question for q in log.list_questions(limit=9)] == ["question 2", "question 1", "question 0"]


def test_what_could_not_be_written_is_written_later(
    log: QuestionLog, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as connection:
        connection.execute("alter table questions rename to hidden")
    log.record_question("early", "en", "unsure", None)
    with pytest.raises(sqlite3.OperationalError):
        log.list_questions(limit=9)
    assert "could not be written (1 wait)" in caplog.text
    with database.write() as connection:
        connection.execute("alter table hidden rename to questions")
    log.record_question("late", "en", "unsure", None)
    assert [q.question for q in log.list_questions(limit=9)] == ["late", "early"]


def test_closing_writes_what_could_not_be_written_before(database: Database, clock: Clock) -> None:
    log = QuestionLog(database, clock)
    with database.write() as connection:
        connection.execute("alter table questions rename to hidden")
    log.record_question("early", "en", "unsure", None)
    with pytest.raises(sqlite3.OperationalError):
        log.list_questions(limit=9)
    with database.write() as connection:
        connection.execute("alter table hidden rename to questions")
    log.close()
    assert database.read().execute("select question from questions").fetchone()[0] == "early"


def test_wordings_differ_by_letters_not_by_looks() -> None:
    assert normalise_wording("ＷＨＡＴ’s  up?!") == normalise_wording("what s up")
    assert normalise_wording("我的账户") == "我的账户"
    assert normalise_wording("???") == "???"
