"""Passages and embeddings in the database.

Owns the caches that make a restart cheap: how each published revision was cut, and the vector and token vectors
of every text that was ever encoded, keyed by (content hash, model). All of them can be thrown away and built again.
"""

import hashlib
import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType

import numpy as np
import numpy.typing as npt

from knowledge_base.article import ArticleId
from knowledge_base.chunking import Passage
from knowledge_base.late_interaction import TOKEN_DIMENSION, TokenVectors
from knowledge_base.store import Database

PassageId = NewType("PassageId", int)
Matrix = npt.NDArray[np.float32]

# SQLite's limit of bound values is 32,766; smaller statements are as fast.
_HASHES_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with the id under which an answer names it."""

    id: PassageId
    passage: Passage


class PassageStore:
    """Passages and vectors in a `Database`. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_passages(
        self, revisions: Sequence[tuple[ArticleId, int]], cut_by: str
    ) -> dict[ArticleId, tuple[StoredPassage, ...]]:
        """Return the passages of (article, revision) pairs as `cut_by` cut them, in reading order.

        What it never cut is missing. An article may be asked for at one revision only.
        """
        found: dict[ArticleId, list[StoredPassage]] = {}
        for start in range(0, len(revisions), _HASHES_PER_STATEMENT):
            part = revisions[start : start + _HASHES_PER_STATEMENT]
            rows = self._database.read().execute(
                f"""
                select id, article_id, position, headings, markdown, text, continues from passages
                where (article_id, revision) in (values {",".join(["(?, ?)"] * len(part))}) and cut_by = ?
                order by article_id, position
                """,
                [*itertools.chain.from_iterable(part), cut_by],
            )
            for row in rows:
                passage = Passage(
                    row["position"],
                    tuple(json.loads(row["headings"])),
                    row["markdown"],
                    row["text"],
                    bool(row["continues"]),
                )
                stored = StoredPassage(PassageId(row["id"]), passage)
                found.setdefault(ArticleId(row["article_id"]), []).append(stored)
        return {article: tuple(passages) for article, passages in found.items()}

    def record_passages(self, article_id: ArticleId, revision: int, cut_by: str, passages: Sequence[Passage]) -> None:
        """Store how a revision was cut; a second time changes nothing."""
        with self._database.write() as connection:
            connection.executemany(
                """
                insert or ignore into passages
                    (article_id, revision, cut_by, position, headings, markdown, text, continues)
                values (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    (article_id, revision, cut_by, p.position, json.dumps(p.headings), p.markdown, p.text, p.continues)
                    for p in passages
                ],
            )

    def load_vectors(self, texts: Iterable[str], model: str) -> dict[str, Matrix]:
        """Return the known vectors of these texts, by text."""
        by_hash = {hash_text(text): text for text in texts}
        rows = self._select("select content_hash, vector from embeddings", list(by_hash), model)
        return {by_hash[row["content_hash"]]: np.frombuffer(row["vector"], dtype=np.float32) for row in rows}

    def load_tokens(self, texts: Iterable[str], model: str) -> dict[str, TokenVectors]:
        """Return the known token vectors of these texts, by text."""
        by_hash = {hash_text(text): text for text in texts}
        return {by_hash[key]: tokens for key, tokens in self.load_tokens_by_hash(list(by_hash), model).items()}

    def load_tokens_by_hash(self, hashes: Sequence[str], model: str) -> dict[str, TokenVectors]:
        """Return the known token vectors of texts, by the hash of the text."""
        rows = self._select("select content_hash, ids, vectors from token_vectors", hashes, model)
        return {
            row["content_hash"]: TokenVectors(
                np.frombuffer(row["ids"], dtype=np.int32),
                np.frombuffer(row["vectors"], dtype=np.int8).reshape(-1, TOKEN_DIMENSION),
            )
            for row in rows
        }

    def list_token_hashes(self, model: str) -> set[bytes]:
        """Return the hashes of all texts whose token vectors are known."""
        rows = self._database.read().execute("select content_hash from token_vectors where model = ?", (model,))
        return {bytes.fromhex(row["content_hash"]) for row in rows}

    def _select(self, columns: str, hashes: Sequence[str], model: str) -> Iterator[sqlite3.Row]:
        for start in range(0, len(hashes), _HASHES_PER_STATEMENT):
            part = hashes[start : start + _HASHES_PER_STATEMENT]
            marks = ",".join("?" * len(part))
            yield from self._database.read().execute(
                f"{columns} where model = ? and content_hash in ({marks})", [model, *part]
            )

    def record_vectors(self, vectors: Mapping[str, Matrix], model: str) -> None:
        """Store vectors by their text; those that are known already stay as they are."""
        with self._database.write() as connection:
            connection.executemany(
                "insert or ignore into embeddings (content_hash, model, vector) values (?, ?, ?)",
                [
                    (hash_text(text), model, np.ascontiguousarray(vector, dtype=np.float32).tobytes())
                    for text, vector in vectors.items()
                ],
            )

    def record_tokens(self, tokens: Mapping[str, TokenVectors], model: str) -> None:
        """Store token vectors by their text; those that are known already stay as they are."""
        with self._database.write() as connection:
            connection.executemany(
                "insert or ignore into token_vectors (content_hash, model, ids, vectors) values (?, ?, ?, ?)",
                [
                    (hash_text(text), model, found.ids.tobytes(), np.ascontiguousarray(found.vectors).tobytes())
                    for text, found in tokens.items()
                ],
            )


def hash_text(text: str) -> str:
    """Return the SHA-256 under which a text's vector is stored."""
    return hashlib.sha256(text.encode()).hexdigest()
