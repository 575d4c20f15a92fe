"""All that is published in one language, as it is searched.

What was published long ago lies in a large segment, what changed since in a small one. What of the large one was
replaced or archived is in a third one, of the dead, whose counts are taken off again. So a search finds and weighs the
same as in an index that was built whole, and a change costs as much as what changed before it, not as much as all.
"""

from collections.abc import Iterable, Sequence, Set
from functools import cached_property

import numpy as np

from knowledge_base.article import ArticleId
from knowledge_base.errors import ModelError
from knowledge_base.lexical_index import LexicalIndex, QueryTerm, Scores
from knowledge_base.segment import IndexedArticle, Places, Segment
from knowledge_base.spelling import Speller
from knowledge_base.token_reader import TokenReader
from knowledge_base.vector_index import Matrix, Rows, mean_of

# Targets to look at for each article that is wanted, at first: an article has about twenty.
_TARGETS_PER_ARTICLE = 16
# Targets or passages that score the same but for rounding are in the order of their articles.
SCORE_DECIMALS = 5


class LanguageIndex:
    """The published articles of one language. Immutable."""

    def __init__(
        self, language: str, model: str, *, base: Segment, delta: Segment, dead: Segment, token_reader: TokenReader
    ) -> None:
        """Join segments; every article in `dead` must be one of `base`, at the same revision."""
        self.model = model
        self.parts = (base, delta)
        self.articles: dict[ArticleId, IndexedArticle] = dict(base.entries)
        for article in dead.entries:
            del self.articles[article]
        self.articles |= delta.entries
        self.token_reader = token_reader
        self.tokens = base.tokens + delta.tokens - dead.tokens
        self.words = LexicalIndex([part.postings for part in self.parts], dead.postings)
        self.speller = Speller(language, [part.vocabulary for part in self.parts], dead.vocabulary)
        self.passage_count = len(base.postings) + len(delta.postings) - len(dead.postings)
        self._dead = dead.ids
        self._dead_passages = np.concatenate(
            [np.arange(0), *(np.arange(rows.start, rows.stop) for rows in map(base.list_passages, dead.entries))]
        )
        total = base.vectors.total + delta.vectors.total - dead.vectors.total
        self._mean = mean_of(total, len(base.vectors) + len(delta.vectors) - len(dead.vectors))

    @cached_property
    def slugs(self) -> dict[str, ArticleId]:
        """The articles by slug."""
        return {entry.slug: entry.id for entry in self.articles.values()}

    def check_question(self, vector: Matrix, model: str) -> None:
        """Raise `ModelError` unless this index was built with the model that encoded the question."""
        dimension = self.parts[0].vectors.dimension
        if model != self.model or vector.shape != (dimension,):
            raise ModelError(
                "index_mismatch",
                f'The index was built with "{self.model}" ({dimension} dimensions), the question was encoded '
                f'with "{model}" ({vector.shape[-1]}): restart the knowledge base to build the index anew.',
            )

    def group_by_part(self, articles: Iterable[ArticleId]) -> dict[int, list[ArticleId]]:
        """Return articles by the number of the segment where they lie, without segments that hold none of them."""
        grouped: dict[int, list[ArticleId]] = {}
        for article in articles:
            grouped.setdefault(int(article in self.parts[1].entries), []).append(article)
        return grouped

    def find_by_meaning(
        self, vector: Matrix, *, articles: int, barred: Set[ArticleId] = frozenset()
    ) -> list[ArticleId]:
        """Return the owners of the nearest targets, nearest first, one for each target; barred ones own nothing.

        Deep enough to name `articles` different ones, if there are so many.
        """
        wanted = min(articles, len(self.articles) - len(barred))
        out = np.array(list(barred), dtype=np.int64)
        depth = _TARGETS_PER_ARTICLE * articles
        deepest = max(len(part.vectors) for part in self.parts)
        while True:
            scores, owners = self._search(vector, depth, out)
            if depth >= deepest or len(set(owners.tolist())) >= wanted:
                order = np.lexsort((owners, -scores))
                return [ArticleId(owner) for owner in owners[order].tolist()]
            depth *= 4

    def score_words(self, looked_up: Sequence[QueryTerm]) -> list[Scores]:
        """Return the BM25 scores of each segment's passages; dead ones have 0."""
        scores = [self.words.score(looked_up, part) for part in range(len(self.parts))]
        scores[0][self._dead_passages] = 0
        return scores

    def find_by_words(self, scores: Sequence[Scores], *, passages: int) -> list[ArticleId]:
        """Return the owners of the passages that score best, best first, one for each passage with a word in common."""
        found, owners = [], []
        for part, part_scores in zip(self.parts, scores, strict=True):
            rows = np.flatnonzero(part_scores > 0)
            if len(rows) > passages:
                worst = -np.partition(-part_scores[rows], passages - 1)[passages - 1]
                rows = rows[part_scores[rows] >= worst]
            found.append(part_scores[rows])
            owners.append(part.find_passage_owners(rows))
        joined = np.concatenate(owners)
        order = np.lexsort((joined, -np.round(np.concatenate(found), SCORE_DECIMALS)))[:passages]
        return [ArticleId(owner) for owner in joined[order].tolist()]

    def compare(self, vector: Matrix, part: int, targets: Places) -> Matrix:
        """Return how alike the question and each of some targets of a segment are, above what is usual here.

        0 is as alike as any text of this language is on average: a model finds everything alike in a language
        that it was not made for, and that must not pass for likeness.
        """
        likeness: Matrix = self.parts[part].vectors.read(targets) @ vector - float(self._mean @ vector)
        return likeness

    def _search(self, vector: Matrix, depth: int, barred: Rows) -> tuple[Matrix, Rows]:
        """Return rounded scores and owners of the nearest targets that are neither dead nor barred, in no order."""
        found, owners = [], []
        floor = -np.inf
        for part, gone in zip(self.parts, (self._dead, self._dead[:0]), strict=True):
            scores, rows = part.vectors.search(vector, depth)
            if len(rows) < len(part.vectors):
                # Others that are as near as the last one may be missing.
                floor = max(floor, float(scores.min()))
            own = part.find_target_owners(rows)
            out = np.concatenate([gone, barred])
            is_kept = ~np.isin(own, out) if len(out) else slice(None)
            found.append(scores[is_kept])
            owners.append(own[is_kept])
        joined = np.round(np.concatenate(found), SCORE_DECIMALS)
        is_whole = joined > np.round(floor, SCORE_DECIMALS)
        return joined[is_whole], np.concatenate(owners)[is_whole]
