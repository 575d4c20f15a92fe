"""Published articles made ready to be searched: what an index takes from each, and many of them side by side.

A segment never changes. Articles that change go into a small second segment, and the old ones count as dead:
`language_index` joins them.
"""

import pickle
import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from knowledge_base.article import Article, ArticleId, Audience
from knowledge_base.late_interaction import TokenStatistics, TokenVectors, count_tokens
from knowledge_base.lexical_index import Postings
from knowledge_base.passage_store import StoredPassage, hash_text
from knowledge_base.spelling import Vocabulary, count_surfaces
from knowledge_base.vector_index import Matrix, Target, TargetKind, VectorIndex
from knowledge_base.words import split_terms

_Item = TypeVar("_Item")

# What is compared token by token. A window's tokens are its passage's.
TOKENISED = frozenset({TargetKind.TITLE, TargetKind.PHRASING, TargetKind.PASSAGE})
_ADDED_AT_ONCE = 256
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True, eq=False)
class IndexedArticle:
    """What a search needs of a published article at once; `unpack` gives the rest. Kept small: there may be many."""

    id: ArticleId
    slug: str
    revision: int
    permalink: str
    audience: Audience
    has_body: bool
    title_terms: str
    phrasing_terms: str
    tokenised: npt.NDArray[np.int32]
    """The places, among its targets, of those that are compared token by token."""
    hashes: bytes
    """Of the texts of these, one after the other."""
    packed: bytes

    def unpack(self) -> tuple[Article, tuple[StoredPassage, ...]]:
        """Return the article as it was published, and its passages in reading order."""
        article, passages = pickle.loads(zlib.decompress(self.packed))
        return article, passages

    def read_term_sets(self) -> tuple[set[str], list[set[str]]]:
        """Return the title's terms and those of each phrasing."""
        return set(self.title_terms.split()), [set(line.split()) for line in self.phrasing_terms.split("\n")]

    def list_hashes(self, places: Iterable[int]) -> list[bytes]:
        """Return the hashes of some of the texts that are compared token by token, by place in `tokenised`."""
        return [self.hashes[place * _HASH_BYTES : (place + 1) * _HASH_BYTES] for place in places]

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
        permalink=article.permalink,
        audience=content.audience,
        has_body=content.body.strip() != article.title,
        title_terms=_join_terms(content.title, language),
        phrasing_terms="\n".join(_join_terms(phrasing, language) for phrasing in content.phrasings),
        tokenised=np.array(tokenised, dtype=np.int32),
        hashes=b"".join(bytes.fromhex(hash_text(targets[n].text)) for n in tokenised),
        packed=zlib.compress(pickle.dumps((article, passages))),
    )
    return PreparedArticle(
        entry=entry,
        targets=targets,
        vectors=np.stack([vectors[target.text] for target in targets]),
        tokens=tuple(tokens[targets[n].text] for n in tokenised),
        passage_terms=tuple(Counter(split_terms(f"{text} {tags}", language)) for text in described),
        surfaces=count_surfaces(" ".join(described), language),
    )


class Segment:
    """Both indexes, and all counts, over some articles of one language. Immutable.

    Articles are addressed by ordinal, their targets and passages by row: an article's are next to each other.
    """

    def __init__(self, language: str, model: str, dimension: int, articles: Iterable[PreparedArticle]) -> None:
        self.vectors = VectorIndex(dimension)
        self.postings = Postings()
        self.entries: dict[ArticleId, IndexedArticle] = {}
        self.tokens: TokenStatistics = count_tokens([])
        surfaces: Counter[str] = Counter()
        kinds, questions, passages = array("b"), array("b"), array("i")
        first_targets, first_passages = array("q", [0]), array("q", [0])
        for part in split_parts(articles, _ADDED_AT_ONCE):
            self.vectors.add(np.concatenate([article.vectors for article in part]), model)
            self.tokens = self.tokens + count_tokens(article.tokens for article in part)
            for article in part:
                self.entries[article.entry.id] = article.entry
                kinds.extend([target.kind for target in article.targets])
                questions.extend([target.is_question for target in article.targets])
                passages.extend([target.passage for target in article.targets])
                first_targets.append(first_targets[-1] + len(article.targets))
                first_passages.append(first_passages[-1] + len(article.passage_terms))
                for terms in article.passage_terms:
                    self.postings.add(terms)
                surfaces.update(article.surfaces)
        self.postings.finish()
        self.vocabulary = Vocabulary(language, surfaces)
        self.ids = np.array(list(self.entries), dtype=np.int64)
        self.ordinals = {article: ordinal for ordinal, article in enumerate(self.entries)}
        self.first_targets = np.array(first_targets)
        self.first_passages = np.array(first_passages)
        self.target_kinds = np.array(kinds)
        self.target_is_question = np.array(questions, dtype=bool)
        self.target_passages = np.array(passages)
        """The passage of each target as its ordinal within the article; -1 for titles and phrasings."""
        self._target_owners = np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.first_targets))
        self._passage_owners = np.repeat(np.arange(len(self.ids), dtype=np.int32), np.diff(self.first_passages))

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

    def list_targets(self, article: ArticleId) -> slice:
        """Return the rows of an article's targets."""
        return _slice(self.first_targets, self.ordinals[article])

    def list_passages(self, article: ArticleId) -> slice:
        """Return the rows of an article's passages."""
        return _slice(self.first_passages, self.ordinals[article])


def _slice(firsts: npt.NDArray[np.int64], ordinal: int) -> slice:
    return slice(int(firsts[ordinal]), int(firsts[ordinal + 1]))


def _join_terms(text: str, language: str) -> str:
    return " ".join(dict.fromkeys(split_terms(text, language)))


def split_parts(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield the items in order, `size` at a time; the last part may be shorter."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part
