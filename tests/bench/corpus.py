"""As many articles as a measurement needs, that lie as real ones do.

Vectors of real help centres have clusters (an article's texts are alike, articles of one company too), and labelled
questions lie near them in a way of their own. Random vectors have none of it. So each synthetic article is a real one
that was moved, as a whole, part of the way to another real one and a little in a random direction; each of its texts is
moved a little more. A question is moved along with an article that answers it. Words are the real article's, and two
that few others have.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from knowledge_base.article import Article, ArticleContent, ArticleId
from knowledge_base.chunking import build_passages
from knowledge_base.embedding import Embedder, Encoded, Matrix
from knowledge_base.evaluation.labelled import read_articles, read_questions
from knowledge_base.indexing import build_targets
from knowledge_base.passage_store import PassageId, StoredPassage
from knowledge_base.segment import PreparedArticle, prepare_article
from knowledge_base.vector_index import TargetKind

HELP_CENTRES = Path(__file__).resolve().parents[3] / "shared" / "benchmarks" / "help-centres"
QUESTIONS = 200
# Titles and passages, about three vectors to two passages: articles with phrasings and long passages have more.
_KINDS = (TargetKind.TITLE, TargetKind.PASSAGE)
_NOISE = 0.2


class AskedOf(NamedTuple):
    """A labelled question, and the real article that answers it."""

    text: str
    encoded: Encoded
    article: int


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Real articles and questions, encoded."""

    articles: tuple[PreparedArticle, ...]
    questions: tuple[AskedOf, ...]

    def list_moves(self, passages: int) -> Iterator[tuple[int, Matrix]]:
        """Give for each synthetic article the real one it comes from, and how far it is moved."""
        generator = np.random.default_rng(1)
        means = np.stack([article.vectors.mean(axis=0) for article in self.articles])
        count = 0
        while count < passages:
            source, other = generator.integers(len(self.articles), size=2).tolist()
            move = generator.uniform(0.3, 1) * (means[other] - means[source]) + _noise(generator, means.shape[1])
            yield source, move.astype(np.float32)
            count += len(self.articles[source].passage_terms)

    def build_articles(self, passages: int) -> Iterator[PreparedArticle]:
        """Give synthetic articles with so many passages in all, the same ones each time."""
        for number, (real, vectors, own) in enumerate(self._vary(passages), start=1):
            yield replace(
                real,
                entry=replace(real.entry, id=ArticleId(number), slug=f"{real.entry.slug}-{number}"),
                vectors=vectors,
                passage_terms=tuple({**terms, **own} for terms in real.passage_terms),
                surfaces={**real.surfaces, **own},
            )

    def build_vectors(self, passages: int) -> Iterator[Matrix]:
        """Give the vectors of `build_articles` alone."""
        return (vectors for _, vectors, _ in self._vary(passages))

    def _vary(self, passages: int) -> Iterator[tuple[PreparedArticle, Matrix, dict[str, int]]]:
        """Give for each synthetic article the real one, its own vectors, and two words of its own."""
        generator = np.random.default_rng(2)
        for source, move in self.list_moves(passages):
            real = self.articles[source]
            own = {f"word{generator.integers(passages)}": 1, f"term{generator.integers(passages)}": 1}
            yield real, normalise(real.vectors + move + _noise(generator, real.vectors.shape)), own

    def move_questions(self, passages: int) -> list[AskedOf]:
        """Return the questions, each near one of so many synthetic articles."""
        moves: dict[int, list[Matrix]] = {}
        for source, move in self.list_moves(passages):
            moves.setdefault(source, []).append(move)
        chosen = random.Random(3)
        return [
            asked._replace(
                encoded=replace(
                    asked.encoded,
                    vector=normalise(asked.encoded.vector + chosen.choice(moves[asked.article])[np.newaxis])[0],
                )
            )
            for asked in self.questions
            if asked.article in moves
        ]


def read_corpus(embedder: Embedder) -> Corpus:
    """Encode the labelled help centres: titles and passages."""
    articles: list[PreparedArticle] = []
    asked: list[tuple[str, int]] = []
    for centre in sorted(HELP_CENTRES.iterdir()):
        places = {}
        for draft in read_articles(centre / "articles.jsonl", language="en").drafts:
            places[draft.slug] = len(articles)
            articles.append(_prepare(len(articles) + 1, draft.slug, draft.content, embedder))
        for question in read_questions(centre / "questions.jsonl"):
            asked += [(question.text, places[slug]) for slug in question.slugs[:1] if slug in places]
    asked = random.Random(0).sample(asked, QUESTIONS)
    encoded = embedder.encode_tokens([text for text, _ in asked])
    return Corpus(tuple(articles), tuple(AskedOf(t, e, a) for (t, a), e in zip(asked, encoded, strict=True)))


def normalise(rows: Matrix) -> Matrix:
    scaled: Matrix = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def _prepare(number: int, slug: str, content: ArticleContent, embedder: Embedder) -> PreparedArticle:
    article = Article(ArticleId(number), "en", slug, content, "published", 1, 1, 1, 0.0, "", "", "")
    passages = build_passages(content.body, count_tokens=lambda text: len(text.split()) * 4 // 3)
    stored = tuple(StoredPassage(PassageId(number * 1000 + p.position), p) for p in passages)
    targets = tuple(t for t in build_targets(content, passages) if t.kind in _KINDS)
    texts = [target.text for target in targets]
    encoded = dict(zip(texts, embedder.encode_tokens(texts), strict=True))
    return prepare_article(
        article,
        stored,
        targets,
        {text: found.vector for text, found in encoded.items()},
        {text: found.tokens for text, found in encoded.items()},
    )


def _noise(generator: np.random.Generator, shape: int | Sequence[int]) -> Matrix:
    """Return vectors of about a fifth of a unit vector's length, in random directions."""
    size = shape if isinstance(shape, int) else shape[-1]
    return (generator.normal(size=shape) * _NOISE / size**0.5).astype(np.float32)
