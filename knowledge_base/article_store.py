"""Articles and their revisions in the database.

Owns what may happen to an article: written, revised on top of the newest revision only, published,
archived, imported all or nothing. Never touches an index; `library` does both in the right order.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from knowledge_base.article import (
    Article,
    ArticleContent,
    ArticleDraft,
    ArticleId,
    ArticleStatus,
    Revision,
)
from knowledge_base.article_rows import (
    ARTICLE_COLUMNS,
    ArticleFilter,
    build_article,
    build_where,
    fetch,
    find_id,
    get_id,
)
from knowledge_base.errors import ConflictError, NotFoundError
from knowledge_base.store import Database

_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did, or would do: the articles by what happened to them."""

    created: tuple[ArticleDraft, ...]
    updated: tuple[ArticleDraft, ...]
    unchanged: tuple[ArticleDraft, ...]


class ArticleStore:
    """Articles in a `Database`. Thread-safe; every method that changes something is one transaction."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def create(self, draft: ArticleDraft, author: str) -> Article:
        """Store a new article as a draft at revision 1.

        Raises:
            ConflictError: if the language has an article with this slug.
        """
        with self._database.write() as connection:
            if find_id(connection, draft.language, draft.slug) is not None:
                raise ConflictError(
                    "slug_taken",
                    f'There is an article "{draft.slug}" in "{draft.language}": choose another slug.',
                    field="slug",
                )
            article_id = self._insert(connection, draft, author)
            return fetch(connection, article_id)

    def revise(self, language: str, slug: str, content: ArticleContent, *, author: str, base_revision: int) -> Article:
        """Store a new revision on top of `base_revision`; equal content leaves the article as it is.

        Raises:
            NotFoundError: if there is no such article.
            ConflictError: if somebody stored a newer revision meanwhile.
        """
        with self._database.write() as connection:
            article = fetch(connection, get_id(connection, language, slug))
            if article.revision != base_revision:
                raise ConflictError(
                    "revision_conflict",
                    f"{article.author} has saved revision {article.revision} meanwhile; this edit is based on "
                    f"{base_revision}. Load the newest revision and repeat the edit.",
                    field="base_revision",
                )
            if content != article.content:
                self._add_revision(connection, article.id, article.revision + 1, content, author)
            return fetch(connection, article.id)

    def mark_published(self, article_id: ArticleId, revision: int) -> None:
        """Make a revision the one that visitors get."""
        with self._database.write() as connection:
            self._mark_published(connection, article_id, revision)

    def archive(self, language: str, slug: str) -> Article:
        """Take an article out of sight; its revisions stay. Doing it twice changes nothing.

        Raises:
            NotFoundError: if there is no such article.
        """
        with self._database.write() as connection:
            article_id = get_id(connection, language, slug)
            self._mark_archived(connection, article_id)
            return fetch(connection, article_id)

    def apply_import(
        self, drafts: Sequence[ArticleDraft], author: str, *, is_published: bool, is_dry_run: bool = False
    ) -> ImportOutcome:
        """Create and revise articles in one transaction; a dry run does the same and undoes it."""
        created: list[ArticleDraft] = []
        updated: list[ArticleDraft] = []
        unchanged: list[ArticleDraft] = []
        kinds = {"created": created, "updated": updated, "unchanged": unchanged}
        try:
            with self._database.write() as connection:
                for draft in drafts:
                    kinds[self._import_one(connection, draft, author, is_published)].append(draft)
                if is_dry_run:
                    raise _DryRunError
        except _DryRunError:
            pass  # everything is known, and nothing is stored
        return ImportOutcome(tuple(created), tuple(updated), tuple(unchanged))

    def get(self, language: str, slug: str, revision: int | None = None) -> Article:
        """Return an article at its newest or at the given revision; raise `NotFoundError` if there is none."""
        connection = self._database.read()
        return fetch(connection, get_id(connection, language, slug), revision)

    def get_published(self, language: str, slug: str) -> Article:
        """Return what answers; raise `NotFoundError` if the article is not published."""
        article = self.get(language, slug)
        if article.published_revision is None:
            raise NotFoundError("article_not_found", f'The article "{slug}" in "{language}" is not published.')
        return self.get(language, slug, article.published_revision)

    def get_public(self, language: str, slug: str) -> Article:
        """Return what visitors read; raise `NotFoundError` if the article is not published, or for staff only."""
        article = self.get_published(language, slug)
        if article.content.audience != "everyone":
            raise NotFoundError("article_not_found", f'The article "{slug}" in "{language}" is for staff only.')
        return article

    def list_all(self) -> Iterator[Article]:
        """Give every article as visitors read it and, where it is newer or the only one, as editors left it."""
        statement = f"""
            select {ARTICLE_COLUMNS} from articles join revisions on revisions.article_id = articles.id
            and revisions.revision in (articles.published_revision, articles.newest_revision)
            order by articles.language, articles.slug, revisions.revision
        """
        for row in self._database.read().execute(statement):
            yield build_article(row)

    def list_published(self, language: str = "") -> Iterator[Article]:
        """Give every article as visitors read it, or those of one language, by language and age.

        Read a page at a time, so that what is written meanwhile can be seen meanwhile.
        """
        connection = self._database.read()
        wanted = """
            select id from articles where published_revision is not null and (language = ? or ? = '')
            order by language, id
        """
        ids = [row["id"] for row in connection.execute(wanted, (language, language))]
        for start in range(0, len(ids), _PAGE_SIZE):
            part = ids[start : start + _PAGE_SIZE]
            statement = f"""
                select {ARTICLE_COLUMNS} from articles join revisions
                on revisions.article_id = articles.id and revisions.revision = articles.published_revision
                where articles.id in ({",".join("?" * len(part))}) order by articles.language, articles.id
            """
            yield from [build_article(row) for row in connection.execute(statement, part).fetchall()]

    def list_contents(self) -> dict[tuple[ArticleId, int], tuple[str, str, str]]:
        """Return language, slug and content hash of every revision, by article and revision."""
        rows = self._database.read().execute(
            """
            select revisions.article_id, revisions.revision, articles.language, articles.slug, revisions.content_hash
            from revisions join articles on articles.id = revisions.article_id
            """
        )
        return {(ArticleId(row[0]), row[1]): (row[2], row[3], row[4]) for row in rows}

    def list_articles(self, wanted: ArticleFilter, *, limit: int, offset: int = 0) -> tuple[list[Article], int]:
        """Return a page of articles, latest change first, and how many match."""
        where, values = build_where(wanted)
        revision = "published_revision" if wanted.is_public else "newest_revision"
        source = f"""
            from articles join revisions
            on revisions.article_id = articles.id and revisions.revision = articles.{revision}
            where {where}
        """
        connection = self._database.read()
        total = connection.execute(f"select count(*) {source}", values).fetchone()[0]
        rows = connection.execute(
            f"""
            select {ARTICLE_COLUMNS} {source}
            order by articles.updated_at desc, articles.id desc limit ? offset ?
            """,
            [*values, limit, offset],
        )
        return [build_article(row) for row in rows], int(total)

    def list_revisions(self, language: str, slug: str) -> list[Revision]:
        """Return an article's history, newest first; raise `NotFoundError` if there is no such article."""
        article = self.get(language, slug)
        rows = self._database.read().execute(
            """
            select revision, title, author, created_at from revisions
            where article_id = ? order by revision desc
            """,
            (article.id,),
        )
        return [
            Revision(
                r["revision"],
                r["title"],
                r["author"],
                r["created_at"],
                r["revision"] == article.published_revision,
            )
            for r in rows
        ]

    def list_translations(self, slug: str, *, is_public: bool = False) -> list[tuple[str, str, ArticleStatus]]:
        """Return (language, title, status) of every article with this slug, by language; or of those visitors read."""
        newest, published = "articles.newest_revision", "articles.published_revision"
        rows = self._database.read().execute(
            f"""
            select articles.language, revisions.title, articles.status from articles join revisions
            on revisions.article_id = articles.id and revisions.revision = {published if is_public else newest}
            where articles.slug = ? and (revisions.audience = 'everyone' or not ?) order by articles.language
            """,
            (slug, is_public),
        )
        return [(row["language"], row["title"], row["status"]) for row in rows]

    def list_languages(self, *, is_public: bool = False) -> list[str]:
        """Return the languages that have an article, sorted; `is_public`: one that visitors read."""
        return self._list_distinct("articles.language", "", is_public=is_public)

    def list_tags(self, *, is_public: bool = False) -> list[str]:
        """Return the tags that an article has, sorted; `is_public`: one that visitors read."""
        return self._list_distinct("tag.value", "join json_each(revisions.tags) as tag", is_public=is_public)

    def _list_distinct(self, column: str, join: str, *, is_public: bool) -> list[str]:
        where, _ = build_where(ArticleFilter(is_public=is_public))
        revision = "published_revision" if is_public else "newest_revision"
        rows = self._database.read().execute(
            f"""
            select distinct {column} as found from articles join revisions
            on revisions.article_id = articles.id and revisions.revision = articles.{revision}
            {join} where {where} order by found
            """
        )
        return [row["found"] for row in rows]

    def count(self) -> tuple[int, int]:
        """Return how many articles there are, and how many of them are published."""
        row = self._database.read().execute("select count(*), count(published_revision) from articles").fetchone()
        return int(row[0]), int(row[1])

    def _import_one(self, connection: sqlite3.Connection, draft: ArticleDraft, author: str, is_published: bool) -> str:
        """Store one article; what is there already gets no new revision, so that a second import changes nothing."""
        wanted = draft.status or "published"
        if wanted == "published" and not is_published:
            wanted = "draft"
        article_id = find_id(connection, draft.language, draft.slug)
        if article_id is None:
            article_id = self._insert(connection, draft, author)
            kind, revision = "created", 1
        else:
            newest = fetch(connection, article_id)
            base = newest
            if wanted == "published" and newest.published_revision is not None:
                published = fetch(connection, article_id, newest.published_revision)
                base = published if published.content == draft.content else newest
            revision = base.revision
            if base.content != draft.content:
                revision = newest.revision + 1
                self._add_revision(connection, article_id, revision, draft.content, author)
            # No revision has its own: a draft's would be the published one's at once.
            may_move = wanted != "draft" or newest.published_revision is None
            is_moved = may_move and (base.source, base.permalink) != (draft.source, draft.permalink)
            if is_moved:
                connection.execute(
                    "update articles set source = ?, permalink = ? where id = ?",
                    (draft.source, draft.permalink, article_id),
                )
            is_same = base.content == draft.content and not is_moved
            is_standing = (
                newest.published_revision == revision if wanted == "published" else wanted in ("draft", newest.status)
            )
            kind = "unchanged" if is_same and is_standing else "updated"
        if wanted == "published":
            self._mark_published(connection, article_id, revision)
        elif wanted == "archived":
            self._mark_archived(connection, article_id)
        return kind

    def _insert(self, connection: sqlite3.Connection, draft: ArticleDraft, author: str) -> ArticleId:
        cursor = connection.execute(
            """
            insert into articles
                (language, slug, status, newest_revision, published_revision, source, permalink, updated_at)
            values (?, ?, 'draft', 0, null, ?, ?, ?)
            """,
            (draft.language, draft.slug, draft.source, draft.permalink, self._clock()),
        )
        article_id = ArticleId(int(cursor.lastrowid or 0))
        self._add_revision(connection, article_id, 1, draft.content, author)
        return article_id

    def _add_revision(
        self,
        connection: sqlite3.Connection,
        article_id: ArticleId,
        revision: int,
        content: ArticleContent,
        author: str,
    ) -> None:
        now = self._clock()
        connection.execute(
            """
            insert into revisions
                (article_id, revision, title, body, tags, phrasings, audience, author, created_at, content_hash)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            (
                article_id,
                revision,
                content.title,
                content.body,
                json.dumps(content.tags, ensure_ascii=False),
                json.dumps(content.phrasings, ensure_ascii=False),
                content.audience,
                author,
                now,
                content.content_hash,
            ),
        )
        connection.execute(
            "update articles set newest_revision = ?, updated_at = ? where id = ?",
            (revision, now, article_id),
        )

    def _mark_published(self, connection: sqlite3.Connection, article_id: ArticleId, revision: int) -> None:
        connection.execute(
            """
            update articles set status = 'published', published_revision = ?, updated_at = ?
            where id = ? and (status != 'published' or published_revision is not ?)
            """,
            (revision, self._clock(), article_id, revision),
        )

    def _mark_archived(self, connection: sqlite3.Connection, article_id: ArticleId) -> None:
        connection.execute(
            """
            update articles set status = 'archived', published_revision = null, updated_at = ?
            where id = ? and status != 'archived'
            """,
            (self._clock(), article_id),
        )


class _DryRunError(Exception):
    """Undoes the transaction of a dry run."""
