"""A large segment in a file beside the database, so that the next start need not build it nor its graph.

The file is a cache: all of it can be built again from the database, and deleting it loses nothing. It belongs to one
embedding model, one way of cutting, one state of this package's code, and articles of known content. Any other file
counts as none, and so does one that is damaged. A new one takes the place of the old one in one step.
"""

import hashlib
import importlib.metadata
import logging
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from knowledge_base.arrays import Arrays, pack_texts, unpack_texts
from knowledge_base.article import ArticleId
from knowledge_base.segment import Segment

logger = logging.getLogger(__name__)

Contents = Mapping[tuple[ArticleId, int], tuple[str, str, str]]
"""Language, slug and content hash by article and revision."""

_PACKAGE = Path(__file__).parent


class IndexFiles:
    """The files of one database, one for each language. Not thread-safe."""

    def __init__(self, database: Path, cut_by: str) -> None:
        """`cut_by` names the embedding model and how articles are cut."""
        self._database = database
        self._made_by = f"{cut_by} {_digest_code()}"

    def read_all(self, contents: Contents) -> Iterator[tuple[str, Segment]]:
        """Give the language and the segment of each file whose articles all have these contents."""
        for path in sorted(self._database.parent.glob(f"{self._database.name}.*.index")):
            try:
                with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                    language, made_by, digest = unpack_texts(stored["about"])
                    if made_by != self._made_by:
                        continue
                    segment = Segment.from_arrays({name: stored[name] for name in stored.files})
            except Exception as exc:  # noqa: BLE001 - a border: a damaged or foreign file raises whatever it likes
                logger.warning("the index file %s cannot be used and is built anew: %r", path, exc)
                continue
            if digest == _digest_contents(segment, contents):
                yield language, segment

    def write(self, language: str, segment: Segment) -> None:
        """Put a segment in the place of the language's file; if that cannot be written, the next start takes longer."""
        contents = {
            (entry.id, entry.revision): (language, entry.slug, entry.content_hash) for entry in segment.entries.values()
        }
        about = pack_texts([language, self._made_by, _digest_contents(segment, contents)])
        path = self._database.with_name(f"{self._database.name}.{language}.index")
        part = path.with_name(f"{path.name}.part")
        try:
            with part.open("wb") as file:
                arrays: Arrays = {"about": about, **segment.to_arrays()}
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as exc:
            logger.warning("the index file %s cannot be written: %s", path, exc)


def _digest_contents(segment: Segment, contents: Contents) -> str:
    """Return the digest of what the articles of a segment consist of; one that is not known has a digest, too."""
    digest = hashlib.sha256()
    for entry in segment.entries.values():
        known = contents.get((entry.id, entry.revision))
        digest.update(repr((entry.id, entry.revision, known)).encode())
    return digest.hexdigest()


@lru_cache
def _digest_code() -> str:
    """Return the digest of all that has a say in what a segment holds: this package's code, and the stemmer's version.

    Coarse on purpose: a version that somebody has to raise is forgotten one day, and building anew takes a minute.
    """
    digest = hashlib.sha256(importlib.metadata.version("snowballstemmer").encode())
    for path in sorted([*_PACKAGE.glob("*.py"), *_PACKAGE.glob("stop_words.json")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
