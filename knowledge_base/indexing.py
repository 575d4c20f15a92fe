"""From published articles to an index that can be searched, and the swap from one index to the next.

Owns the order: cut, encode only what has no vector yet (the content hash decides), build the new index beside
the old one, swap one reference. Readers keep the index that they started with. Writers come one at a time;
`library` holds that lock.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from knowledge_base.article import Article, ArticleContent, ArticleId
from knowledge_base.chunking import CHUNKER_VERSION, Passage, build_passages, split_windows
from knowledge_base.embedding import Embedder, Matrix
from knowledge_base.late_interaction import TokenVectors, count_tokens
from knowledge_base.lexical_index import LexicalIndex
from knowledge_base.passage_store import PassageStore, StoredPassage
from knowledge_base.spelling import Speller, count_surfaces
from knowledge_base.vector_index import Target, TargetKind, VectorIndex
from knowledge_base.words import split_terms

# Between two of these an import's progress is on the disk: a crash loses half a minute of encoding at most.
_ENCODED_PER_COMMIT = 256
# What is compared token by token. A window's tokens are its passage's.
_TOKENISED = frozenset({TargetKind.TITLE, TargetKind.PHRASING, TargetKind.PASSAGE})


@dataclass(frozen=True, slots=True, eq=False)
class IndexedArticle:
    """A published article, cut, encoded and split into terms: all that an index needs of it. Equal only to itself.

    `tokens` has those of the targets that are compared token by token, by their place among the targets.
    """

    article: Article
    passages: tuple[StoredPassage, ...]
    targets: tuple[Target, ...]
    vectors: Matrix
    tokens: Mapping[int, TokenVectors]
    passage_terms: tuple[Mapping[str, int], ...]
    title_terms: frozenset[str]
    phrasing_terms: tuple[frozenset[str], ...]
    surfaces: Mapping[str, int]


class LanguageIndex:
    """Both indexes over the published articles of one language. Immutable."""

    def __init__(self, language: str, articles: Sequence[IndexedArticle], model: str, dimension: int) -> None:
        self.articles = tuple(articles)
        self.vectors = VectorIndex(model, dimension, [a.vectors for a in articles])
        self.tokens = count_tokens([tuple(a.tokens.values()) for a in articles])
        self.words = LexicalIndex([terms for a in articles for terms in a.passage_terms])
        self.speller = Speller(language, _add_up(a.surfaces for a in articles))
        self.first_passages = tuple(np.cumsum([0, *(len(a.passages) for a in articles)]).tolist())

    @cached_property
    def ordinals(self) -> dict[str, int]:
        """The articles' ordinals by slug."""
        return {entry.article.slug: n for n, entry in enumerate(self.articles)}


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What a search reads: one immutable index for each language."""

    languages: Mapping[str, LanguageIndex]
    model: str
    dimension: int

    @property
    def passage_count(self) -> int:
        return sum(index.first_passages[-1] for index in self.languages.values())


class Indexer:
    """Builds indexes out of the stored articles. Not thread-safe, but for `current`."""

    def __init__(self, passages: PassageStore, embedder: Embedder) -> None:
        self._passages = passages
        self._embedder = embedder
        # Passages are sized by a model's tokens, so another model cuts anew.
        self._cut_by = f"{CHUNKER_VERSION}:{embedder.model}"
        self._entries: dict[ArticleId, IndexedArticle] = {}
        self.current = SearchIndex({}, embedder.model, embedder.dimension)

    def prepare(self, contents: Iterable[tuple[str, ArticleContent]]) -> None:
        """Encode ahead of time what (language, content) pairs will need, so that publishing them is quick."""
        targets: dict[Target, None] = {}
        for _, content in contents:
            passages = build_passages(content.body, count_tokens=self._embedder.count_tokens)
            targets |= dict.fromkeys(build_targets(content, passages))
        self._encode(targets)

    def replace_all(self, articles: Sequence[Article]) -> None:
        """Make these articles the index; those that are in it already with the same revision are reused."""
        old = self._entries
        kept = {a.id: old[a.id] for a in articles if a.id in old and _is_same(old[a.id].article, a)}
        cut = [(a, self._cut(a)) for a in articles if a.id not in kept]
        self._encode([target for a, passages in cut for target in _targets_of(a, passages)])
        built = {a.id: self._build_entry(a, passages) for a, passages in cut}
        self._swap({a.id: kept.get(a.id) or built[a.id] for a in articles})

    def rebuild(self, articles: Sequence[Article]) -> None:
        """Make these articles the index, and reuse nothing: the database is another one than it was."""
        self._entries = {}
        self.replace_all(articles)

    def put(self, article: Article) -> None:
        """Add an article at its published revision, or replace it."""
        self._encode(_targets_of(article, self._cut(article)))
        self._swap(self._entries | {article.id: self._build_entry(article, self._cut(article))})

    def remove(self, article_id: ArticleId) -> None:
        """Take an article out; one that is not in there changes nothing."""
        self._swap({key: entry for key, entry in self._entries.items() if key != article_id})

    def _swap(self, entries: dict[ArticleId, IndexedArticle]) -> None:
        """Build what changed and replace `current` in one step; languages without a change keep their index."""
        grouped: dict[str, list[IndexedArticle]] = {}
        for entry in entries.values():
            grouped.setdefault(entry.article.language, []).append(entry)
        languages = {}
        for language, members in sorted(grouped.items()):
            known = self.current.languages.get(language)
            is_same = known is not None and known.articles == tuple(members)
            languages[language] = (
                known
                if known and is_same
                else LanguageIndex(language, members, self._embedder.model, self._embedder.dimension)
            )
        self._entries = entries
        self.current = SearchIndex(languages, self._embedder.model, self._embedder.dimension)

    def _cut(self, article: Article) -> tuple[StoredPassage, ...]:
        found = self._passages.list_passages(article.id, article.revision, self._cut_by)
        if not found:
            passages = build_passages(article.content.body, count_tokens=self._embedder.count_tokens)
            self._passages.record_passages(article.id, article.revision, self._cut_by, passages)
            found = self._passages.list_passages(article.id, article.revision, self._cut_by)
        return found

    def _encode(self, targets: Iterable[Target]) -> None:
        model = self._embedder.model
        texts = dict.fromkeys(target.text for target in targets)
        tokenised = dict.fromkeys(target.text for target in targets if target.kind in _TOKENISED)
        known_tokens = self._passages.load_tokens(tokenised, model)
        missing = [text for text in tokenised if text not in known_tokens]
        for part in _split_parts(missing):
            encoded = dict(zip(part, self._embedder.encode_tokens(part), strict=True))
            self._passages.record_vectors({text: found.vector for text, found in encoded.items()}, model)
            self._passages.record_tokens({text: found.tokens for text, found in encoded.items()}, model)
        known = self._passages.load_vectors(texts, model)
        for part in _split_parts([text for text in texts if text not in known]):
            vectors = dict(zip(part, self._embedder.encode(part), strict=True))
            self._passages.record_vectors(vectors, model)

    def _build_entry(self, article: Article, passages: tuple[StoredPassage, ...]) -> IndexedArticle:
        targets = _targets_of(article, passages)
        vectors = self._passages.load_vectors((t.text for t in targets), self._embedder.model)
        tokenised = {n: target.text for n, target in enumerate(targets) if target.kind in _TOKENISED}
        tokens = self._passages.load_tokens(tokenised.values(), self._embedder.model)
        language, content = article.language, article.content
        tags = " ".join(content.tags)
        return IndexedArticle(
            article=article,
            passages=passages,
            targets=targets,
            vectors=np.stack([vectors[target.text] for target in targets]),
            tokens={n: tokens[text] for n, text in tokenised.items()},
            passage_terms=tuple(
                Counter(split_terms(f"{stored.passage.describe(content.title)} {tags}", language))
                for stored in passages
            ),
            title_terms=frozenset(split_terms(content.title, language)),
            phrasing_terms=tuple(frozenset(split_terms(p, language)) for p in content.phrasings),
            surfaces=count_surfaces(" ".join(s.passage.describe(content.title) for s in passages), language),
        )


def build_targets(content: ArticleContent, passages: Sequence[Passage]) -> tuple[Target, ...]:
    """Return all texts of an article that a question is compared with."""
    targets = [Target(TargetKind.TITLE, content.title)]
    targets += [Target(TargetKind.PHRASING, phrasing) for phrasing in content.phrasings]
    headings: list[str] = []
    for ordinal, passage in enumerate(passages):
        targets.append(Target(TargetKind.PASSAGE, passage.describe(content.title), ordinal))
        new = [heading for heading in passage.headings if heading not in headings]
        headings += new
        targets += [Target(TargetKind.HEADING, heading, ordinal) for heading in new]
        windows = split_windows(passage.text)
        targets += [Target(TargetKind.WINDOW, f"{content.title}. {window}", ordinal) for window in windows]
    return tuple(targets)


def _add_up(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return total


def _split_parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _ENCODED_PER_COMMIT):
        yield texts[start : start + _ENCODED_PER_COMMIT]


def _targets_of(article: Article, passages: Sequence[StoredPassage]) -> tuple[Target, ...]:
    return build_targets(article.content, [stored.passage for stored in passages])


def _is_same(known: Article, article: Article) -> bool:
    return (known.revision, known.permalink) == (article.revision, article.permalink)
