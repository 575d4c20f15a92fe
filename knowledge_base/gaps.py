"""The log of questions, and the gaps in the articles that it shows.

Owns what was asked, grouped by wording, with the verdict that it got. Written on every visitor's search;
knows nothing of who asked.
"""

import sqlite3
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from knowledge_base.store import Database, delete_oldest

# About 60 MB of the database. Beyond it the oldest questions go.
LOG_MAX_ROWS = 200_000


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
    """The questions in a `Database`. Thread-safe."""

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, *, max_rows: int = LOG_MAX_ROWS
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_rows = max_rows

    def record_question(self, question: str, language: str, verdict: str, best: BestArticle | None) -> None:
        """Note that a question was asked, and what the search made of it."""
        found = (best.slug, best.language, best.title, best.probability) if best else (None, None, None, None)
        # A visitor does not wait for the disk; what a power cut takes are the last few lines of this log.
        with self._database.write(is_flushed=False) as connection:
            cursor = connection.execute(
                """
                insert into questions
                    (question, wording, language, verdict, asked_at,
                     best_slug, best_language, best_title, best_probability)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (question, normalise_wording(question), language, verdict, self._clock(), *found),
            )
            last_id = int(cursor.lastrowid or 0)
            delete_oldest(connection, "questions", last_id, max_rows=self._max_rows)

    def list_questions(self, *, verdict: str = "", limit: int) -> list[AskedQuestion]:
        """Return groups of equal wording, newest first, without the dismissed; `verdict` is the newest one's."""
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
