"""What the service answers: the library's values as plain JSON shapes. Pure; nothing is decided here."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from knowledge_base.article import Article, ArticleDraft, ArticleStatus, Revision
from knowledge_base.embedding import Matrix
from knowledge_base.gaps import AskedQuestion
from knowledge_base.markup import render_html, render_text
from knowledge_base.recalibration import Refit
from knowledge_base.revision_diff import FieldChange
from knowledge_base.search import Answer, SearchResult

Json = dict[str, Any]
_EXCERPT_CHARS = 180


def describe_vectors(model: str, vectors: Matrix) -> Json:
    """Seven decimals are what a float32 of a unit vector holds, in half the bytes of Python's own notation."""
    rounded = np.round(vectors.astype(np.float64), 7)
    return {"model": model, "dimension": vectors.shape[1], "vectors": rounded.tolist()}


def describe_refit(done: Refit) -> Json:
    taken = done.recalibration
    return {
        "right": done.right,
        "wrong": done.wrong,
        "missing_right": done.missing_right,
        "missing_wrong": done.missing_wrong,
        "loss_before": done.loss_before,
        "loss_after": done.loss_after,
        "recalibration": {"slope": taken.slope, "shift": taken.shift} if taken else None,
    }


def describe_answer(answer: Answer) -> Json:
    return {
        "question": answer.question,
        "language": answer.language,
        "verdict": answer.verdict,
        "results": [_describe_result(result) for result in answer.results],
    }


def describe_article(article: Article, translations: Sequence[tuple[str, str, ArticleStatus]]) -> Json:
    return {
        "slug": article.slug,
        "language": article.language,
        "title": article.title,
        "body": article.content.body,
        "tags": list(article.content.tags),
        "phrasings": list(article.content.phrasings),
        "audience": article.content.audience,
        "status": article.status,
        "revision": article.revision,
        "newest_revision": article.newest_revision,
        "published_revision": article.published_revision,
        "has_draft": article.has_draft,
        "updated_at": article.updated_at,
        "author": article.author,
        "html": render_html(article.content.body, article.language),
        "source": article.source,
        "url": article.url,
        "translations": [
            {"language": language, "title": title, "status": status}
            for language, title, status in translations
            if language != article.language
        ],
    }


def describe_line(article: Article) -> Json:
    """Return an article as one line of a list."""
    text = " ".join(render_text(article.content.body).split())
    return {
        "slug": article.slug,
        "language": article.language,
        "title": article.title,
        "status": article.status,
        "tags": list(article.content.tags),
        "audience": article.content.audience,
        "revision": article.revision,
        "published_revision": article.published_revision,
        "updated_at": article.updated_at,
        "author": article.author,
        "has_draft": article.has_draft,
        "excerpt": text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS].rsplit(" ", 1)[0] + "…",
    }


def describe_draft(draft: ArticleDraft) -> Json:
    """Return an article as an import takes it."""
    return {
        "source": draft.source,
        "slug": draft.slug,
        "language": draft.language,
        "title": draft.content.title,
        "body": draft.content.body,
        "tags": list(draft.content.tags),
        "phrasings": list(draft.content.phrasings),
        "audience": draft.content.audience,
        "permalink": draft.permalink,
        "status": draft.status,
    }


def describe_revision(revision: Revision) -> Json:
    return {
        "revision": revision.revision,
        "title": revision.title,
        "author": revision.author,
        "created_at": revision.created_at,
        "is_published": revision.is_published,
    }


def describe_diff(revision: int, against: int, changes: Sequence[FieldChange]) -> Json:
    return {
        "revision": revision,
        "against": against,
        "changes": [
            {"field": change.field, "lines": [{"kind": kind, "text": text} for kind, text in change.lines]}
            for change in changes
        ],
    }


def describe_question(asked: AskedQuestion) -> Json:
    best = asked.best
    return {
        "question": asked.question,
        "language": asked.language,
        "verdict": asked.verdict,
        "asked_at": asked.asked_at,
        "times": asked.times,
        "best": best
        and {
            "slug": best.slug,
            "language": best.language,
            "title": best.title,
            "probability": best.probability,
        },
    }


def _describe_result(result: SearchResult) -> Json:
    article, stored = result.article, result.passage
    return {
        "slug": article.slug,
        "language": article.language,
        "title": article.title,
        "revision": article.revision,
        "url": article.url,
        "tags": list(article.content.tags),
        "audience": article.content.audience,
        "passage": {
            "id": stored.id,
            "heading": result.shown.heading,
            "text": result.shown.text,
            "html": render_html(result.shown.markdown, article.language),
        },
        "score": round(result.score, 4),
        "probability": round(result.probability, 4),
    }
