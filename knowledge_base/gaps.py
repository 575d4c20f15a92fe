"""The log of questions, and the gaps in the articles that it shows.

Owns what was asked, grouped by wording, with the verdict that it got. Written after every visitor's search;
knows nothing of who asked.
"""

import logging
import sqlite3
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from knowledge_base.store import Database, delete_oldest

logger = logging.getLogger(__name__)

# About 60 MB of the database. Beyond it the oldest questions go.
LOG_MAX_ROWS = 200_000
# While an import has the database, so many questions wait; of more some are forgotten.
_WAITING_MAX = 10_000
# What is asked within this time is written together: a transaction takes as long as finding an answer.
_GATHERED_S = 0.2
# So long a reader waits for what was asked a moment ago.
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class BestArticle:
    """The best article that a search found, however bad."""

    slug: str
    language: str
    title: str
    probability: float


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question in its latest wording, with how often it was asked and what came of it last."""

    question: str
    language: str
    verdict: str
    asked_at: float
    times: int
    best: BestArticle | None


class QuestionLog:
    """The questions in a `Database`. Thread-safe; close it before the database."""

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, *, max_rows: int = LOG_MAX_ROWS
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_rows = max_rows
        self._waiting: deque[AskedQuestion] = deque(maxlen=_WAITING_MAX)
        self._writer = ThreadPoolExecutor(1, "question-log")
        self._is_wanted = threading.Event()

    def close(self) -> None:
        """Write what waits to be written, also what could not be written before."""
        self._is_wanted.set()
        self._writer.shutdown()
        self._write()

    def record_question(self, question: str, language: str, verdict: str, best: BestArticle | None) -> None:
        """Note that a question was asked, and what the search made of it.

        A visitor waits neither for the disk nor for an import that has the database: a thread writes it, with what
        else was asked meanwhile.
        """
        self._waiting.append(AskedQuestion(question, language, verdict, self._clock(), 1, best))
        self._writer.submit(self._write)

    def list_questions(self, *, verdict: str = "", limit: int) -> list[AskedQuestion]:
        """Return groups of equal wording, newest first, without the dismissed; `verdict` is the newest one's."""
        self._is_wanted.set()
        wait([self._writer.submit(self._write)], _PATIENCE_S)
        self._is_wanted.clear()
        rows = self._database.read().execute(
            """
            select newest.question, newest.language, newest.verdict, newest.asked_at, grouped.times,
                newest.best_slug, newest.best_language, newest.best_title, newest.best_probability
            from (
                select max(id) as newest_id, count(*) as times from questions
                where wording not in (select wording from dismissed_questions)
                group by wording, language
            ) as grouped
            join questions as newest on newest.id = grouped.newest_id
            where ? = '' or newest.verdict = ?
            order by newest.id desc limit ?
            """,
            (verdict, verdict, limit),
        )
        return [_build_question(row) for row in rows]

    def dismiss(self, question: str) -> None:
        """Leave a wording out of the list from now on; doing it twice changes nothing."""
        with self._database.write() as connection:
            connection.execute(
                "insert or ignore into dismissed_questions (wording, dismissed_at) values (?, ?)",
                (normalise_wording(question), self._clock()),
            )

    def _write(self) -> None:
        """Write what waits, in one transaction; if that fails it waits for the next time."""
        if not self._waiting:
            return
        self._is_wanted.wait(_GATHERED_S)
        asked = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with self._database.write() as connection:
                for one in asked:
                    self._insert(connection, one)
        except sqlite3.Error:
            logger.exception("the log of questions could not be written (%d wait)", len(asked))
            self._waiting.extendleft(reversed(asked))

    def _insert(self, connection: sqlite3.Connection, asked: AskedQuestion) -> None:
        best = asked.best
        cursor = connection.execute(
            """
            insert into questions
                (question, wording, language, verdict, asked_at,
                 best_slug, best_language, best_title, best_probability)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                *(asked.question, normalise_wording(asked.question), asked.language, asked.verdict, asked.asked_at),
                *((best.slug, best.language, best.title, best.probability) if best else (None, None, None, None)),
            ),
        )
        delete_oldest(connection, "questions", int(cursor.lastrowid or 0), max_rows=self._max_rows)


def normalise_wording(question: str) -> str:
    """Fold case, width, punctuation and spaces, so that the same words are the same question."""
    folded = unicodedata.normalize("NFKC", question).casefold()
    words = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else " " for c in folded).split()
    return " ".join(words) or " ".join(question.split())


def _build_question(row: sqlite3.Row) -> AskedQuestion:
    best = None
    if row["best_slug"] is not None:
        best = BestArticle(row["best_slug"], row["best_language"], row["best_title"], row["best_probability"])
    return AskedQuestion(row["question"], row["language"], row["verdict"], row["asked_at"], row["times"], best)
