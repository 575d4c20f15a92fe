"""From published articles to an index that can be searched, and the swap from one index to the next.

Owns the order: cut, encode only what has no vector yet (the content hash decides), build what changed beside the
old index, swap one reference. Readers keep the index that they started with. Writers come one at a time; `library`
holds that lock. When much has changed, and when there are too many vectors to do without a graph, a thread builds the
next large segment meanwhile. All of it is memory: the database is the truth, and enough to build it again.
"""

import itertools
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from knowledge_base.article import Article, ArticleContent, ArticleId
from knowledge_base.article_store import ArticleStore
from knowledge_base.chunking import CHUNKER_VERSION, Passage, build_passages, split_windows
from knowledge_base.embedding import Embedder
from knowledge_base.index_file import IndexFiles
from knowledge_base.language_index import LanguageIndex
from knowledge_base.late_interaction import TokenVectors
from knowledge_base.passage_store import PassageStore, StoredPassage
from knowledge_base.segment import TOKENISED, PreparedArticle, Segment, prepare_article, split_parts
from knowledge_base.token_reader import TokenReader
from knowledge_base.vector_index import Matrix, Target, TargetKind, check_dimension

# Between two of these an import's progress is on the disk: a crash loses half a minute of encoding at most.
_ENCODED_PER_COMMIT = 256
_PREPARED_AT_ONCE = 256
# Articles that may differ from the large segment before it is built anew: each change costs as much as these.
CHANGED_MAX = 256


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """What a search reads: one immutable index for each language."""

    languages: Mapping[str, LanguageIndex]
    model: str
    dimension: int

    @property
    def passage_count(self) -> int:
        return sum(index.passage_count for index in self.languages.values())


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """One language: its large segment, what is not in there, and what is in there and no longer published."""

    base: Segment
    changed: Mapping[ArticleId, PreparedArticle]
    dead: Mapping[ArticleId, PreparedArticle]

    @property
    def is_worn(self) -> bool:
        return len(self.changed) + len(self.dead) > CHANGED_MAX


class Indexer:
    """Builds indexes out of the stored articles. Not thread-safe, but for `current` and `prepare`."""

    def __init__(
        self,
        articles: ArticleStore,
        passages: PassageStore,
        embedder: Embedder,
        *,
        database: Path,
        write_lock: threading.Lock,
    ) -> None:
        """Begin with an empty index. Whoever calls a method that changes it must hold `write_lock`."""
        self._articles = articles
        self._passages = passages
        self._embedder = embedder
        self._write_lock = write_lock
        self._token_reader = TokenReader(passages, embedder.model)
        # Passages are sized by a model's tokens, so another model cuts anew.
        self._cut_by = f"{CHUNKER_VERSION}:{embedder.model}"
        self._files = IndexFiles(database, self._cut_by)
        self._states: dict[str, _State] = {}
        self._builder: threading.Thread | None = None
        self._is_closed = False
        self.current = SearchIndex({}, embedder.model, embedder.dimension)

    def close(self) -> None:
        """Stop building in the background, and wait until it has stopped."""
        with self._write_lock:
            self._is_closed = True
            builder = self._builder
        if builder:
            builder.join()

    def prepare(self, contents: Iterable[tuple[str, ArticleContent]]) -> None:
        """Encode ahead of time what (language, content) pairs will need, so that publishing them is quick.

        Thread-safe, and needs no lock: it only fills what is remembered of texts.
        """
        for part in split_parts(contents, _PREPARED_AT_ONCE):
            targets: list[Target] = []
            for _, content in part:
                passages = build_passages(content.body, count_tokens=self._embedder.count_tokens)
                targets += build_targets(content, passages)
            self._encode(targets)

    def open(self) -> None:
        """Make what is published the index, at the start: begin with what an earlier process left in files."""
        stored = list(self._files.read_all(self._articles.list_contents()))
        # What a file does not hold somebody may have thrown away.
        known = self._passages.list_token_hashes(self._embedder.model) if stored else set()
        self._states = {language: _State(base, {}, {}) for language, base in stored if known.issuperset(base.hashes)}
        if self._states:
            languages = {language: self._join(language, state) for language, state in self._states.items()}
            self.current = SearchIndex(languages, self._embedder.model, self._embedder.dimension)
            self.update()
        else:
            self.load()

    def load(self) -> None:
        """Make what is published the index, and reuse nothing: whatever else there is may be of another database."""
        self._swap({language: _State(base, {}, {}) for language, base in self._build_bases()})

    def update(self) -> None:
        """Make what is published the index; what is in it already is not prepared anew unless most has changed."""
        entries = {key: entry for index in self.current.languages.values() for key, entry in index.articles.items()}
        published: set[ArticleId] = set()
        changed = []
        for article in self._articles.list_published():
            published.add(article.id)
            entry = entries.get(article.id)
            if entry is None or not entry.is_like(article):
                changed.append(article)
                if len(changed) > CHANGED_MAX:
                    self.load()
                    return
        self._change(changed, [key for key in entries if key not in published])

    def put(self, article: Article) -> None:
        """Add an article at its published revision, or replace it."""
        self._change([article], [])

    def remove(self, article_id: ArticleId) -> None:
        """Take an article out; one that is not in there changes nothing."""
        self._change([], [article_id])

    def _change(self, put: Sequence[Article], removed: Sequence[ArticleId]) -> None:
        states = dict(self._states)
        for prepared, language in zip(self._prepare(put), [article.language for article in put], strict=True):
            state = states.get(language) or _State(self._build_segment(language, ()), {}, {})
            key = prepared.entry.id
            states[language] = _State(state.base, {**state.changed, key: prepared}, self._bury(state, [key]))
        for language, state in states.items():
            gone = [key for key in removed if key in state.base.entries or key in state.changed]
            if gone:
                changed = {key: article for key, article in state.changed.items() if key not in gone}
                states[language] = _State(state.base, changed, self._bury(state, gone))
        self._swap(states)

    def _bury(self, state: _State, articles: Sequence[ArticleId]) -> dict[ArticleId, PreparedArticle]:
        """Return the dead of a state's large segment when these articles are no longer what it holds."""
        new = [state.base.entries[key] for key in articles if key in state.base.entries and key not in state.dead]
        prepared = self._prepare([entry.unpack()[0] for entry in new])
        return {**state.dead, **{article.entry.id: article for article in prepared}}

    def _swap(self, states: Mapping[str, _State]) -> None:
        """Build what changed and replace `current` in one step; languages without a change keep their index."""
        languages = {}
        for language, state in sorted(states.items()):
            known = self.current.languages.get(language)
            index = known if known and self._states.get(language) is state else self._join(language, state)
            if index.articles:
                languages[language] = index
        self._states = {language: states[language] for language in languages}
        self.current = SearchIndex(languages, self._embedder.model, self._embedder.dimension)
        self._build_in_background()

    def _join(self, language: str, state: _State) -> LanguageIndex:
        return LanguageIndex(
            language,
            self._embedder.model,
            base=state.base,
            delta=self._build_segment(language, state.changed.values()),
            dead=self._build_segment(language, state.dead.values()),
            token_reader=self._token_reader,
        )

    def _build_bases(self) -> Iterator[tuple[str, Segment]]:
        published = self._articles.list_published()
        for language, articles in itertools.groupby(published, key=lambda article: article.language):
            yield language, self._build_segment(language, self._prepare(articles))

    def _build_segment(self, language: str, articles: Iterable[PreparedArticle]) -> Segment:
        return Segment(language, self._embedder.model, self._embedder.dimension, articles)

    def _build_in_background(self) -> None:
        """Start the thread that builds large segments, if there is anything to build and it does not run."""
        if self._find_due() and not self._builder and not self._is_closed:
            self._builder = threading.Thread(target=self._build_all_due, name="index-builder", daemon=True)
            self._builder.start()

    def _find_due(self) -> tuple[str, _State] | None:
        return next(
            ((name, state) for name, state in self._states.items() if state.is_worn or state.base.vectors.is_graph_due),
            None,
        )

    def _build_all_due(self) -> None:
        is_anything_due = True
        try:
            while is_anything_due:
                is_anything_due = self._build_next_due()
        finally:
            # After a failure the old index goes on answering; the next change tries again.
            with self._write_lock:
                if self._builder is threading.current_thread():
                    self._builder = None

    def _build_next_due(self) -> bool:
        """Build a large segment and swap it in; return whether there was any to build."""
        with self._write_lock:
            due = None if self._is_closed else self._find_due()
            if due is None:
                self._builder = None
                return False
        language, state = due
        base = self._rebuild(language, state)
        with self._write_lock:
            known = self._states.get(language)
            if base and known and known.base is state.base and not self._is_closed:
                self._swap({**self._states, language: self._move(language, known, base)})
        if base and base.vectors.has_graph:
            self._files.write(language, base)
        return True

    def _rebuild(self, language: str, state: _State) -> Segment | None:
        """Return the next large segment of a language; None if it is no longer wanted."""

        def is_wanted() -> bool:
            known = self._states.get(language)
            return known is not None and known.base is state.base and not self._is_closed

        base = state.base
        if state.is_worn:
            published = self._articles.list_published(language)
            wanted = itertools.takewhile(lambda _: is_wanted(), self._prepare(published))
            base = self._build_segment(language, wanted)
        if not base.vectors.is_graph_due:
            return base
        vectors = base.vectors.link(is_wanted)
        return base.with_vectors(vectors) if vectors else None

    def _move(self, language: str, state: _State, base: Segment) -> _State:
        """Return the same state on top of a newer large segment: what changed while that one was built is kept."""
        if base.entries is state.base.entries:
            return _State(base, state.changed, state.dead)
        live = self.current.languages[language].articles
        changed = {
            key: article for key, article in state.changed.items() if not article.entry.is_like(base.entries.get(key))
        }
        gone = [key for key in base.entries if key in changed or key not in live]
        return _State(base, changed, self._bury(_State(base, changed, {}), gone))

    def _prepare(self, articles: Iterable[Article]) -> Iterator[PreparedArticle]:
        for part in split_parts(articles, _PREPARED_AT_ONCE):
            cut = self._cut(part)
            targets = [build_targets(a.content, [s.passage for s in cut[a.id]]) for a in part]
            vectors, tokens = self._encode(itertools.chain.from_iterable(targets))
            for article, own in zip(part, targets, strict=True):
                yield prepare_article(article, cut[article.id], own, vectors, tokens)

    def _cut(self, articles: Sequence[Article]) -> dict[ArticleId, tuple[StoredPassage, ...]]:
        revisions = [(article.id, article.revision) for article in articles]
        found = self._passages.list_passages(revisions, self._cut_by)
        missing = [article for article in articles if article.id not in found]
        for article in missing:
            passages = build_passages(article.content.body, count_tokens=self._embedder.count_tokens)
            self._passages.record_passages(article.id, article.revision, self._cut_by, passages)
        if missing:
            found |= self._passages.list_passages([(a.id, a.revision) for a in missing], self._cut_by)
        return found

    def _encode(self, targets: Iterable[Target]) -> tuple[dict[str, Matrix], dict[str, TokenVectors]]:
        """Return the targets' vectors, and the tokens of those that are compared by them; encode what has none yet."""
        model = self._embedder.model
        kinds = [(target.text, target.kind in TOKENISED) for target in targets]
        tokens = self._passages.load_tokens({text: None for text, is_tokenised in kinds if is_tokenised}, model)
        missing = dict.fromkeys(text for text, is_tokenised in kinds if is_tokenised and text not in tokens)
        for part in split_parts(missing, _ENCODED_PER_COMMIT):
            encoded = dict(zip(part, self._embedder.encode_tokens(part), strict=True))
            self._passages.record_vectors({text: found.vector for text, found in encoded.items()}, model)
            new = {text: found.tokens for text, found in encoded.items()}
            self._passages.record_tokens(new, model)
            tokens |= new
        vectors = self._passages.load_vectors({text: None for text, _ in kinds}, model)
        for vector in vectors.values():
            check_dimension(len(vector), self._embedder.dimension, model)
        missing = dict.fromkeys(text for text, _ in kinds if text not in vectors)
        for part in split_parts(missing, _ENCODED_PER_COMMIT):
            encoded_vectors = dict(zip(part, self._embedder.encode(part), strict=True))
            self._passages.record_vectors(encoded_vectors, model)
            vectors |= encoded_vectors
        return vectors, tokens


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
