"""The whole knowledge base behind one object: store, indexes, search and the log, kept in step.

Owns the one lock that serialises writers and the order of their steps. A method returns when what it did is
durable and can be searched. The service and the command line are thin layers over this class.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from knowledge_base.article import Article, ArticleContent, ArticleDraft, ArticleId, Audience
from knowledge_base.article_store import ArticleStore, ImportOutcome
from knowledge_base.calibration import digest_calibration, load_calibration
from knowledge_base.embedders import open_embedder
from knowledge_base.embedding import Embedder, Matrix, QuestionEncoder
from knowledge_base.errors import ConflictError
from knowledge_base.gaps import BestArticle, QuestionLog
from knowledge_base.indexing import Indexer, SearchIndex
from knowledge_base.labels import LabelSource, LabelStore
from knowledge_base.passage_store import PassageStore
from knowledge_base.recalibration import JudgedAnswer, Refit, refit
from knowledge_base.replay import replay
from knowledge_base.search import Answer, check_question, search
from knowledge_base.store import Database

logger = logging.getLogger(__name__)

# So many labels change a fit noticeably; fewer are not worth the work.
REFIT_EVERY_LABELS = 50
# So many may change articles or refit at a time, those who wait for each other counted: the server has twice as many
# threads, and visitors need some.
CHANGES_MAX = 4
# Who publishes waits so long for what others change; the desk gives up after ten seconds.
_PATIENCE_S = 5.0
# Between two questions of a fit that nobody waits for: visitors' questions go first.
_REFIT_PAUSE_S = 0.02


class KnowledgeBase:
    """Articles that can be asked. Thread-safe; close it once."""

    def __init__(
        self,
        path: Path | str,
        embedder: Embedder | None = None,
        *,
        target_error: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or create the database and load the index; texts that were encoded before are not encoded again.

        `target_error` is the greatest share of answers that may be wrong; None for the usual one.

        Raises:
            InvalidInputError: if the database cannot be used, or the share is out of bounds.
            ModelError: if the embedding model cannot be used.
        """
        path = Path(path).absolute()
        self._embedder = embedder or open_embedder()
        self._encoder = QuestionEncoder(self._embedder)
        calibration = load_calibration()
        self._shipped = calibration if target_error is None else calibration.aim(target_error)
        self._database = Database(path)
        self._turns = threading.BoundedSemaphore(CHANGES_MAX)
        self._write_lock = threading.Lock()
        self._refit_lock = threading.Lock()
        self._refits_asked_for = 0
        self._refitter = ThreadPoolExecutor(1, "refit")
        self._is_refit_due = threading.Event()
        self._closing = threading.Event()
        self.articles = ArticleStore(self._database, clock)
        self.questions = QuestionLog(self._database, clock)
        self.labels = LabelStore(self._database, clock)
        self._take_recalibration()
        passages = PassageStore(self._database)
        self._indexer = Indexer(self.articles, passages, self._embedder, database=path, write_lock=self._write_lock)
        with self._write_lock:
            self._indexer.open()
        self._for_staff: tuple[SearchIndex | None, frozenset[ArticleId]] = (None, frozenset())

    def close(self) -> None:
        """Close the database; nobody may be using it."""
        self._closing.set()
        self._refitter.shutdown(cancel_futures=True)
        self._indexer.close()
        self.questions.close()
        self._database.close()

    @property
    def index(self) -> SearchIndex:
        """The index as it is now; it never changes, the next one replaces it."""
        return self._indexer.current

    @property
    def space(self) -> str:
        """The name of the model whose vectors `encode` gives, but for rounding."""
        return self._embedder.space

    def ask(
        self,
        question: str,
        *,
        language: str | None = None,
        limit: int = 5,
        excluded: Collection[str] = (),
        audience: Audience = "everyone",
        is_logged: bool = True,
    ) -> Answer:
        """Find the articles that answer a question; `is_logged` notes it for the editors.

        With the audience "staff" the articles that visitors must not read are found too.

        Raises:
            InvalidInputError: if the question is empty or too long.
        """
        text = check_question(question)
        index = self.index
        answer = search(
            index,
            text,
            self._encoder,
            calibration=self._calibration,
            language=language,
            limit=limit,
            excluded=excluded,
            barred=self._list_for_staff(index) if audience == "everyone" else frozenset(),
        )
        if is_logged:
            self._record(answer)
        return answer

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Return one unit vector for each text, from the model and the memory that the search uses.

        Raises:
            InvalidInputError: if a text is empty or longer than a question may be.
        """
        return self._encoder.encode_all([check_question(text, f"texts[{number}]") for number, text in enumerate(texts)])

    def create(self, draft: ArticleDraft, author: str) -> Article:
        """Store a new article as a draft; raise `ConflictError` if its slug is taken."""
        return self.articles.create(draft, author)

    def revise(self, language: str, slug: str, content: ArticleContent, *, author: str, base_revision: int) -> Article:
        """Store a new revision; what visitors get does not change before it is published."""
        return self.articles.revise(language, slug, content, author=author, base_revision=base_revision)

    def restore(self, language: str, slug: str, revision: int, *, author: str, base_revision: int) -> Article:
        """Store an earlier revision's content as the newest one; it answers once it is published."""
        content = self.articles.get(language, slug, revision).content
        return self.articles.revise(language, slug, content, author=author, base_revision=base_revision)

    def publish(self, language: str, slug: str, revision: int | None = None) -> Article:
        """Make a revision (the newest by default) the one that answers.

        Raises:
            NotFoundError: if there is no such article or revision.
            ConflictError: if others are changing articles, and go on.
        """
        with _hold(self._turns):
            wanted = self.articles.get(language, slug, revision)
            self._indexer.prepare([(language, wanted.content)])
            with _hold(self._write_lock, _PATIENCE_S):
                article = self.articles.get(language, slug, wanted.revision)
                self.articles.mark_published(article.id, article.revision)
                self._indexer.put(self.articles.get_published(language, slug))
                return self.articles.get(language, slug)

    def archive(self, language: str, slug: str) -> Article:
        """Take an article out of sight and out of the answers.

        Raises:
            NotFoundError: if there is no such article.
            ConflictError: if others are changing articles, and go on.
        """
        with _hold(self._turns), _hold(self._write_lock, _PATIENCE_S):
            article = self.articles.archive(language, slug)
            self._indexer.remove(article.id)
            return article

    def import_articles(
        self,
        drafts: Sequence[ArticleDraft],
        author: str,
        *,
        is_published: bool = True,
        is_dry_run: bool = False,
    ) -> ImportOutcome:
        """Create or revise many articles, all or none; encoding comes first, and nobody waits for that.

        Raises:
            ConflictError: if too many others are changing articles.
        """
        is_indexed = is_published and not is_dry_run
        with _hold(self._turns):
            if is_indexed:
                wanted = (draft for draft in drafts if draft.status in (None, "published"))
                self._indexer.prepare((draft.language, draft.content) for draft in wanted)
            with self._write_lock:
                outcome = self.articles.apply_import(drafts, author, is_published=is_published, is_dry_run=is_dry_run)
                if is_indexed:
                    self._indexer.update()
                return outcome

    def reload(self) -> None:
        """Build the index anew from a database whose content somebody replaced; until then the old one answers."""
        with self._write_lock:
            self._indexer.load()
        self._take_recalibration()

    def label(
        self,
        question: str,
        *,
        language: str,
        slug: str,
        is_right: bool,
        source: LabelSource,
        author: str,
        revision: int | None = None,
    ) -> None:
        """Note whether a published article answers a question; `revision` None is the one that answers now.

        Every `REFIT_EVERY_LABELS` a thread does what `refit` does.

        Raises:
            InvalidInputError: if the question is empty or too long.
            NotFoundError: if there is no such published article or revision.
        """
        text = check_question(question)
        published = self.articles.get_published(language, slug)
        said_of = published if revision is None else self.articles.get(language, slug, revision)
        count = self.labels.put(
            text,
            language=language,
            slug=slug,
            revision=said_of.revision,
            is_right=is_right,
            source=source,
            author=author,
        )
        if count % REFIT_EVERY_LABELS == 0:
            self._is_refit_due.set()
            self._refitter.submit(self._refit_slowly)

    def refit(self) -> Refit:
        """Fit the probability to the labels; from then on it is used, if there are enough of them and it pays.

        If not, the shipped probability is used: an earlier fit goes.

        Raises:
            ConflictError: if too many others are changing something.
        """
        with _hold(self._turns), self._refit_lock:
            self._refits_asked_for += 1
            return self._use(refit(list(self._replay_labels())))

    def forget_labels(self) -> int:
        """Delete all labels and what was fitted to them; return how many there were.

        Raises:
            ConflictError: if too many others are changing something.
        """
        with _hold(self._turns), self._refit_lock:
            self._refits_asked_for += 1
            count = self.labels.clear()
            self._take_recalibration()
            return count

    def _refit_slowly(self) -> None:
        """Refit beside the work; given up when the base closes, and when somebody refits or forgets the labels."""
        if not self._is_refit_due.is_set():
            return
        self._is_refit_due.clear()
        judged: list[JudgedAnswer] = []
        asked_for = self._refits_asked_for
        try:
            for one in self._replay_labels():
                judged.append(one)
                if self._closing.wait(_REFIT_PAUSE_S) or self._refits_asked_for != asked_for:
                    return
            with self._refit_lock:
                if self._refits_asked_for == asked_for:
                    self._use(refit(judged))
        except Exception:  # a border (job runner): what was in use stays, the next labels try again
            logger.exception("refit failed")

    def _replay_labels(self) -> Iterator[JudgedAnswer]:
        index = self.index
        # With a memory of its own: visitors keep theirs.
        encoder = QuestionEncoder(self._embedder)
        labels, barred = self.labels.list_newest(), self._list_for_staff(index)
        return replay(labels, index, encoder, self._shipped, barred=barred)

    def _use(self, done: Refit) -> Refit:
        if done.recalibration != self._calibration.recalibration:
            logger.info("the fit of the probability changed: %s", done.recalibration)
        self.labels.save_recalibration(done.recalibration, model=self.space, calibration=digest_calibration())
        self._take_recalibration()
        return done

    def _take_recalibration(self) -> None:
        found = self.labels.read_recalibration(model=self.space, calibration=digest_calibration())
        self._calibration = replace(self._shipped, recalibration=found)

    def _list_for_staff(self, index: SearchIndex) -> frozenset[ArticleId]:
        """Return the articles that are for staff only; worked out once for each index."""
        known, articles = self._for_staff
        if known is not index:
            articles = frozenset(
                entry.id
                for language in index.languages.values()
                for entry in language.articles.values()
                if entry.audience != "everyone"
            )
            self._for_staff = (index, articles)
        return articles

    def _record(self, answer: Answer) -> None:
        best = None
        if answer.results:
            first = answer.results[0]
            best = BestArticle(first.article.slug, first.article.language, first.article.title, first.probability)
        self.questions.record_question(answer.question, answer.language, answer.verdict, best)


@contextmanager
def _hold(lock: "threading.Lock | threading.Semaphore", patience_s: float = 0) -> Iterator[None]:
    """Hold a lock, or one of the few turns of those who change something that takes long.

    Raises:
        ConflictError: if others hold it, and go on.
    """
    if not lock.acquire(timeout=patience_s):
        raise ConflictError(
            "changes_under_way", "Others are changing articles now, by an import perhaps: try again in a moment."
        )
    try:
        yield
    finally:
        lock.release()
