"""Published articles made ready to be searched: what an index takes from each, and many of them side by side.

A segment never changes. Articles that change go into a small second segment, and the old ones count as dead:
`language_index` joins them.
"""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from knowledge_base.arrays import Array, Arrays, prefix, select
from knowledge_base.article import Article, ArticleId, Audience
from knowledge_base.late_interaction import TokenStatistics, TokenVectors, count_tokens
from knowledge_base.lexical_index import Postings
from knowledge_base.passage_store import StoredPassage, hash_text
from knowledge_base.spelling import Vocabulary, count_stems, count_surfaces
from knowledge_base.vector_index import Matrix, Target, TargetKind, VectorIndex
from knowledge_base.words import split_terms

_Item = TypeVar("_Item")
Places = npt.NDArray[np.int64]

# What is compared token by token. A window's tokens are its passage's.
TOKENISED = frozenset({TargetKind.TITLE, TargetKind.PHRASING, TargetKind.PASSAGE})
_IS_TOKENISED = np.array([kind in TOKENISED for kind in TargetKind])
_PACKED = msgspec.msgpack.Decoder(tuple[Article, tuple[StoredPassage, ...]])
_OWN_ARRAYS = ("first_targets", "first_passages", "target_kinds", "target_is_question", "target_passages")
_ADDED_AT_ONCE = 256
_HASH_BYTES = 32
# A few megabytes. What is asked today is about few articles.
_UNPACKED_MAX = 256


@dataclass(frozen=True, slots=True, eq=False)
class IndexedArticle:
    """What a search needs of a published article at once; `unpack` gives the rest. Kept small: there may be many."""

    id: ArticleId
    slug: str
    revision: int
    content_hash: str
    permalink: str
    audience: Audience
    has_body: bool
    title_terms: str
    phrasing_terms: str
    """Line by line, one for each phrasing."""
    hashes: bytes
    """Of the texts that are compared token by token, one after the other."""
    packed: bytes

    def unpack(self) -> tuple[Article, tuple[StoredPassage, ...]]:
        """Return the article as it was published, and its passages in reading order."""
        return _unpack(self.packed)

    def find_hash(self, place: int) -> bytes:
        """Return the hash of one of the texts that are compared token by token, counted from 0."""
        return self.hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES]

    def is_like(self, other: "IndexedArticle | Article | None") -> bool:
        """Return whether both are the same revision, under the same address."""
        return other is not None and (self.id, self.revision, self.permalink) == (
            other.id,
            other.revision,
            other.permalink,
        )


@dataclass(frozen=True, slots=True, eq=False)
class PreparedArticle:
    """A published article, cut, encoded and split into terms: all that a segment is built from."""

    entry: IndexedArticle
    targets: tuple[Target, ...]
    vectors: Matrix
    tokens: tuple[TokenVectors, ...]
    passage_terms: tuple[Mapping[str, int], ...]
    surfaces: Mapping[str, int]


def prepare_article(
    article: Article,
    passages: tuple[StoredPassage, ...],
    targets: tuple[Target, ...],
    vectors: Mapping[str, Matrix],
    tokens: Mapping[str, TokenVectors],
) -> PreparedArticle:
    """Put together what is known of an article; vectors and tokens are by text."""
    language, content = article.language, article.content
    tokenised = [n for n, target in enumerate(targets) if target.kind in TOKENISED]
    tags = " ".join(content.tags)
    described = [stored.passage.describe(content.title) for stored in passages]
    entry = IndexedArticle(
        id=article.id,
        slug=article.slug,
        revision=article.revision,
        content_hash=content.content_hash,
        permalink=article.permalink,
        audience=content.audience,
        has_body=content.body.strip() != article.title,
        title_terms=_join_terms(content.title, language),
        phrasing_terms="\n".join(_join_terms(phrasing, language) for phrasing in content.phrasings),
        hashes=b"".join(bytes.fromhex(hash_text(targets[n].text)) for n in tokenised),
        packed=zlib.compress(msgspec.msgpack.encode((article, passages))),
    )
    return PreparedArticle(
        entry=entry,
        targets=targets,
        vectors=np.stack([vectors[target.text] for target in targets]),
        tokens=tuple(tokens[targets[n].text] for n in tokenised),
        passage_terms=tuple(Counter(split_terms(f"{text} {tags}", language)) for text in described),
        surfaces=count_surfaces(" ".join(described), language),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The targets and passages of some articles of a segment, one article's after the other's.

    Owners are the places of their articles among these, and rise.
    """

    targets: Places
    """Their rows in the segment; the first one of each article is its title."""
    target_owners: Places
    first_targets: Places
    """Where in here each article's begin."""
    kinds: npt.NDArray[np.int8]
    is_question: npt.NDArray[np.bool_]
    target_passages: Places
    """The passage of each target as its ordinal within the article; -1 for titles and phrasings."""
    passages: Places
    passage_owners: Places
    first_passages: Places

    @property
    def is_tokenised(self) -> npt.NDArray[np.bool_]:
        """Which targets are compared token by token."""
        return _IS_TOKENISED[self.kinds]

    def find_passages(self, chosen: Places | npt.NDArray[np.bool_]) -> Places:
        """Return where in here the passages are that some targets belong to; titles and phrasings have none."""
        passages: Places = self.first_passages[self.target_owners[chosen]] + self.target_passages[chosen]
        return passages

    def count_targets(self, chosen: Places | npt.NDArray[np.bool_]) -> Places:
        """Return how many of the chosen targets each article has."""
        return np.bincount(self.target_owners[chosen], minlength=len(self.first_targets))


class Segment:
    """Both indexes, and all counts, over some articles of one language. Immutable.

    Articles are addressed by ordinal, their targets and passages by row: an article's are next to each other.
    """

    def __init__(self, language: str, model: str, dimension: int, articles: Iterable[PreparedArticle]) -> None:
        self.vectors = VectorIndex(dimension)
        self.postings = Postings()
        self.tokens: TokenStatistics = count_tokens([])
        entries: list[IndexedArticle] = []
        surfaces: Counter[str] = Counter()
        kinds, questions, passages = array("b"), array("b"), array("i")
        first_targets, first_passages = array("q", [0]), array("q", [0])
        for part in split_parts(articles, _ADDED_AT_ONCE):
            self.vectors.add(np.concatenate([article.vectors for article in part]), model)
            self.tokens = self.tokens + count_tokens(article.tokens for article in part)
            for article in part:
                entries.append(article.entry)
                kinds.extend([target.kind for target in article.targets])
                questions.extend([target.is_question for target in article.targets])
                passages.extend([target.passage for target in article.targets])
                first_targets.append(first_targets[-1] + len(article.targets))
                first_passages.append(first_passages[-1] + len(article.passage_terms))
                for terms in article.passage_terms:
                    self.postings.add(terms)
                surfaces.update(article.surfaces)
        self.postings.finish()
        self.vocabulary = Vocabulary(surfaces, count_stems(surfaces, language))
        self.first_targets = np.array(first_targets)
        self.first_passages = np.array(first_passages)
        self.target_kinds = np.array(kinds)
        self.target_is_question = np.array(questions, dtype=bool)
        self.target_passages = np.array(passages)
        """The passage of each target as its ordinal within the article; -1 for titles and phrasings."""
        self._take_entries(entries)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> "Segment":
        """Return the segment that `to_arrays` took apart.

        Raises:
            KeyError, ValueError: if the arrays are not a segment's.
        """
        segment = cls.__new__(cls)
        for name in _OWN_ARRAYS:
            setattr(segment, name, arrays[name])
        segment.vectors = VectorIndex.from_arrays(select("vectors", arrays))
        segment.postings = Postings.from_arrays(select("postings", arrays))
        segment.vocabulary = Vocabulary.from_arrays(select("vocabulary", arrays))
        segment.tokens = TokenStatistics.from_arrays(select("tokens", arrays))
        segment._take_entries(_decode_entries(arrays["entries"]))
        return segment

    def to_arrays(self) -> Arrays:
        """Take the segment apart, for `from_arrays`."""
        return {
            **{name: getattr(self, name) for name in _OWN_ARRAYS},
            **prefix("vectors", self.vectors.to_arrays()),
            **prefix("postings", self.postings.to_arrays()),
            **prefix("vocabulary", self.vocabulary.to_arrays()),
            **prefix("tokens", self.tokens.to_arrays()),
            "entries": np.frombuffer(msgspec.msgpack.encode(list(self.entries.values())), dtype=np.uint8),
        }

    def _take_entries(self, entries: Sequence[IndexedArticle]) -> None:
        self.entries = {entry.id: entry for entry in entries}
        self.ids = np.array(list(self.entries), dtype=np.int64)
        self.ordinals = {article: ordinal for ordinal, article in enumerate(self.entries)}
        self._target_owners = np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.first_targets))
        self._passage_owners = np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.first_passages))

    @property
    def hashes(self) -> Iterator[bytes]:
        """The hashes of all texts that are compared token by token."""
        for entry in self.entries.values():
            yield from (entry.find_hash(place) for place in range(len(entry.hashes) // _HASH_BYTES))

    def __len__(self) -> int:
        """Return the number of articles."""
        return len(self.ids)

    def with_vectors(self, vectors: VectorIndex) -> "Segment":
        """Return the same segment with the same vectors in another index."""
        other = copy(self)
        other.vectors = vectors
        return other

    def find_target_owners(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the ids of the articles that own some targets."""
        owners: npt.NDArray[np.int64] = self.ids[self._target_owners[rows]]
        return owners

    def find_passage_owners(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the ids of the articles that own some passages."""
        owners: npt.NDArray[np.int64] = self.ids[self._passage_owners[rows]]
        return owners

    def list_passages(self, article: ArticleId) -> slice:
        """Return the rows of an article's passages."""
        ordinal = self.ordinals[article]
        return slice(int(self.first_passages[ordinal]), int(self.first_passages[ordinal + 1]))

    def gather(self, articles: Sequence[ArticleId]) -> Texts:
        """Return the targets and passages of some of its articles, in the order of these."""
        ordinals = np.array([self.ordinals[article] for article in articles], dtype=np.int64)
        targets, target_owners, first_targets = _gather(self.first_targets, ordinals)
        return Texts(
            targets,
            target_owners,
            first_targets,
            self.target_kinds[targets],
            self.target_is_question[targets],
            self.target_passages[targets],
            *_gather(self.first_passages, ordinals),
        )


@lru_cache(_UNPACKED_MAX)
def _unpack(packed: bytes) -> tuple[Article, tuple[StoredPassage, ...]]:
    return _PACKED.decode(zlib.decompress(packed))


def _decode_entries(packed: Array) -> list[IndexedArticle]:
    return msgspec.msgpack.decode(packed.tobytes(), type=list[IndexedArticle])


def _gather(firsts: Places, ordinals: Places) -> tuple[Places, Places, Places]:
    """Return the rows of some articles, the place of the article of each, and where each article's begin."""
    sizes = firsts[ordinals + 1] - firsts[ordinals]
    begins = np.cumsum(sizes) - sizes
    owners = np.repeat(np.arange(len(ordinals)), sizes)
    return np.arange(len(owners)) + (firsts[ordinals] - begins)[owners], owners, begins


def _join_terms(text: str, language: str) -> str:
    return " ".join(dict.fromkeys(split_terms(text, language)))


def split_parts(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield the items in order, `size` at a time; the last part may be shorter."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
