"""What people said of answers, and the recalibration that was fitted on it, in the database.

Owns the labels: whether an article answers a question, one for each wording, article, source and author, so that
nobody counts twice by repeating themselves. Keeps a digest of the author only.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from knowledge_base.gaps import normalise_wording
from knowledge_base.recalibration import Recalibration
from knowledge_base.store import Database, delete_oldest

LabelSource = Literal["visitor", "operator", "editor"]
LABEL_SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)
# About 6 MB of the database. Beyond it the oldest labels go.
LABELS_MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Label:
    """Somebody's word on whether a revision of an article answers a question.

    `language` is the article's; `wording` is the question without what does not tell questions apart.
    """

    question: str
    wording: str
    language: str
    slug: str
    revision: int
    is_right: bool
    source: LabelSource


class LabelStore:
    """The labels in a `Database`. Thread-safe."""

    def __init__(
        self, database: Database, clock: Callable[[], float] = time.time, *, max_rows: int = LABELS_MAX_ROWS
    ) -> None:
        self._database = database
        self._clock = clock
        self._max_rows = max_rows

    def put(
        self,
        question: str,
        *,
        language: str,
        slug: str,
        revision: int,
        is_right: bool,
        source: LabelSource,
        author: str,
    ) -> int:
        """Store a label in place of what the same author said of the same before; return how many there ever were."""
        digest = hashlib.sha256(author.encode()).hexdigest()[:32]
        said = (language, slug, revision, is_right, source, digest, self._clock())
        with self._database.write() as connection:
            cursor = connection.execute(
                """
                insert or replace into labels
                    (question, wording, language, slug, revision, is_right, source, author, labelled_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                (question, normalise_wording(question), *said),
            )
            last_id = int(cursor.lastrowid or 0)
            delete_oldest(connection, "labels", last_id, max_rows=self._max_rows)
            return last_id

    def list_newest(self) -> list[Label]:
        """Return all labels, newest first."""
        rows = self._database.read().execute(
            "select question, wording, language, slug, revision, is_right, source from labels order by id desc"
        )
        return [_build_label(row) for row in rows]

    def clear(self) -> int:
        """Delete all labels and the recalibration that was fitted to them; return how many labels there were."""
        with self._database.write() as connection:
            connection.execute("delete from recalibration")
            return connection.execute("delete from labels").rowcount

    def save_recalibration(self, recalibration: Recalibration | None, *, model: str, calibration: str) -> None:
        """Replace the recalibration in force; None for none. It holds for this model and these shipped numbers only."""
        with self._database.write() as connection:
            connection.execute("delete from recalibration")
            if recalibration:
                connection.execute(
                    "insert into recalibration (id, model, calibration, slope, shift, fitted_at)"
                    " values (1, ?, ?, ?, ?, ?)",
                    (model, calibration, recalibration.slope, recalibration.shift, self._clock()),
                )

    def read_recalibration(self, *, model: str, calibration: str) -> Recalibration | None:
        """Return the recalibration in force; None if there is none for this model and these shipped numbers."""
        row = (
            self._database.read()
            .execute("select slope, shift from recalibration where model = ? and calibration = ?", (model, calibration))
            .fetchone()
        )
        return Recalibration(row["slope"], row["shift"]) if row else None


def _build_label(row: sqlite3.Row) -> Label:
    return Label(
        row["question"],
        row["wording"],
        row["language"],
        row["slug"],
        row["revision"],
        bool(row["is_right"]),
        row["source"],
    )
