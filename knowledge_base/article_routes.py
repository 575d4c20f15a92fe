"""The service's routes about articles: list, read, write, publish, import, render."""

from http import HTTPStatus

from flask import Blueprint, request

from knowledge_base.article import (
    Article,
    ArticleDraft,
    build_content,
    build_draft,
    check_audience,
    check_author,
    check_language,
    check_status,
)
from knowledge_base.article_rows import ArticleFilter
from knowledge_base.errors import InvalidInputError
from knowledge_base.exporting import build_export
from knowledge_base.library import KnowledgeBase
from knowledge_base.markup import render_html
from knowledge_base.requests import (
    IMPORT_MAX_ARTICLES,
    ArchiveRequest,
    CreateRequest,
    ImportRequest,
    PublishRequest,
    RenderRequest,
    RestoreRequest,
    ReviseRequest,
    build_imported,
    check_range,
    read_body,
)
from knowledge_base.responses import (
    Json,
    describe_article,
    describe_diff,
    describe_draft,
    describe_line,
    describe_revision,
)
from knowledge_base.revision_diff import compare_contents

LIST_MAX = 500
_OFFSET_MAX = 1_000_000


def build_article_routes(base: KnowledgeBase) -> Blueprint:
    """Build the routes over one knowledge base."""
    routes = Blueprint("articles", __name__)

    def describe(article: Article) -> Json:
        return describe_article(article, base.articles.list_translations(article.slug))

    @routes.get("/articles")
    def list_articles() -> Json:
        articles, total = base.articles.list_articles(
            _read_filter(),
            limit=read_number("limit", default=50, least=1, most=LIST_MAX),
            offset=read_number("offset", default=0, least=0, most=_OFFSET_MAX),
        )
        return {
            "articles": [describe_line(article) for article in articles],
            "total": total,
            "languages": base.articles.list_languages(is_public=_is_public()),
            "tags": base.articles.list_tags(is_public=_is_public()),
        }

    @routes.get("/articles/<language>/<slug>")
    def read_article(language: str, slug: str) -> Json:
        if _is_public():
            article = base.articles.get_public(language, slug)
            return describe_article(article, base.articles.list_translations(slug, is_public=True))
        return describe(base.articles.get(language, slug))

    @routes.post("/articles")
    def create_article() -> tuple[Json, HTTPStatus]:
        wanted = read_body(CreateRequest)
        content = build_content(wanted.title, wanted.body, wanted.tags, wanted.phrasings, wanted.audience)
        draft = build_draft(wanted.language, wanted.slug, content)
        return describe(base.create(draft, check_author(wanted.author))), HTTPStatus.CREATED

    @routes.put("/articles/<language>/<slug>")
    def revise_article(language: str, slug: str) -> Json:
        wanted = read_body(ReviseRequest)
        content = build_content(wanted.title, wanted.body, wanted.tags, wanted.phrasings, wanted.audience)
        author = check_author(wanted.author)
        return describe(base.revise(language, slug, content, author=author, base_revision=wanted.base_revision))

    @routes.post("/articles/<language>/<slug>/publish")
    def publish_article(language: str, slug: str) -> Json:
        wanted = read_body(PublishRequest)
        check_author(wanted.author)
        return describe(base.publish(language, slug, wanted.revision))

    @routes.post("/articles/<language>/<slug>/archive")
    def archive_article(language: str, slug: str) -> Json:
        check_author(read_body(ArchiveRequest).author)
        return describe(base.archive(language, slug))

    _add_revision_routes(routes, base)
    _add_transfer_routes(routes, base)
    return routes


def _add_revision_routes(routes: Blueprint, base: KnowledgeBase) -> None:
    def describe(article: Article) -> Json:
        return describe_article(article, base.articles.list_translations(article.slug))

    @routes.get("/articles/<language>/<slug>/revisions")
    def list_revisions(language: str, slug: str) -> Json:
        return {"revisions": [describe_revision(r) for r in base.articles.list_revisions(language, slug)]}

    @routes.get("/articles/<language>/<slug>/revisions/<int:revision>")
    def read_revision(language: str, slug: str, revision: int) -> Json:
        return describe(base.articles.get(language, slug, revision))

    @routes.get("/articles/<language>/<slug>/revisions/<int:revision>/diff")
    def compare_revisions(language: str, slug: str, revision: int) -> Json:
        after = base.articles.get(language, slug, revision)
        against = read_number("against", default=revision - 1, least=0, most=after.newest_revision)
        before = base.articles.get(language, slug, against).content if against else None
        return describe_diff(revision, against, compare_contents(before, after.content))

    @routes.post("/articles/<language>/<slug>/revisions/<int:revision>/restore")
    def restore_revision(language: str, slug: str, revision: int) -> Json:
        wanted = read_body(RestoreRequest)
        author = check_author(wanted.author)
        return describe(base.restore(language, slug, revision, author=author, base_revision=wanted.base_revision))


def _add_transfer_routes(routes: Blueprint, base: KnowledgeBase) -> None:
    @routes.post("/render")
    def render() -> Json:
        wanted = read_body(RenderRequest)
        return {"html": render_html(wanted.body, check_language(wanted.language))}

    @routes.post("/import")
    def import_articles() -> Json:
        wanted = read_body(ImportRequest)
        check_range(len(wanted.articles), "articles", least=1, most=IMPORT_MAX_ARTICLES)
        author = check_author(wanted.author)
        drafts, skipped = _build_drafts(wanted)
        outcome = base.import_articles(drafts, author, is_published=wanted.publish, is_dry_run=wanted.dry_run)
        return {
            "created": len(outcome.created),
            "updated": len(outcome.updated),
            "unchanged": len(outcome.unchanged),
            "skipped": skipped,
        }

    @routes.get("/export")
    def export_articles() -> Json:
        return {"articles": [describe_draft(draft) for draft in build_export(base.articles.list_all())]}


def read_number(name: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number from the query string; raise `InvalidInputError` if it is none or out of bounds."""
    text = request.args.get(name, "")
    try:
        number = int(text) if text else default
    except ValueError as exc:
        raise InvalidInputError(f"{name}_not_number", f"The {name} must be a whole number.", field=name) from exc
    return check_range(number, name, least=least, most=most)


def _is_public() -> bool:
    return request.args.get("published", "") in ("1", "true")


def _read_filter() -> ArticleFilter:
    status, language, audience = (request.args.get(name, "") for name in ("status", "language", "audience"))
    return ArticleFilter(
        status=check_status(status) if status else "",
        language=check_language(language) if language else "",
        audience=check_audience(audience) if audience else "",
        words=request.args.get("q", "")[:200],
        is_public=_is_public(),
    )


def _build_drafts(wanted: ImportRequest) -> tuple[list[ArticleDraft], list[Json]]:
    """Return the articles that can be stored, and why the others cannot."""
    drafts: dict[tuple[str, str, bool], ArticleDraft] = {}
    skipped: list[Json] = []
    for imported in wanted.articles:
        try:
            draft = build_imported(imported)
        except InvalidInputError as exc:
            skipped.append({"source": str(imported.source), "reason": exc.message})
            continue
        # A published article may come with a newer draft of itself.
        key = (draft.language, draft.slug, draft.status == "draft")
        if key in drafts:
            reason = f'"{draft.slug}" in "{draft.language}" occurs twice; the first one ({drafts[key].source}) counts.'
            skipped.append({"source": draft.source, "reason": reason})
        else:
            drafts[key] = draft
    return list(drafts.values()), skipped
