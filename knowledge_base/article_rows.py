"""How an article lies in its two tables: the columns, the row as a value, the filter as SQL.

The lower half of `article_store`; nothing else uses it.
"""

import json
import sqlite3
from dataclasses import dataclass

from knowledge_base.article import Article, ArticleContent, ArticleId
from knowledge_base.errors import NotFoundError

ARTICLE_COLUMNS = """
    articles.id, articles.language, articles.slug, articles.status, articles.newest_revision,
    articles.published_revision, articles.source, articles.permalink, articles.updated_at,
    revisions.revision, revisions.title, revisions.body, revisions.tags, revisions.phrasings, revisions.audience,
    revisions.author
"""


# SQLite's integers end; a request's do not.
_REVISION_LIMIT = 1 << 31


@dataclass(frozen=True, slots=True)
class ArticleFilter:
    """Which articles a list shall hold; empty means any. `words` must all occur, in title, body, tags or phrasings.

    `is_public` lists what visitors read, as they read it; else articles are as editors left them.
    """

    status: str = ""
    language: str = ""
    audience: str = ""
    words: str = ""
    is_public: bool = False


def find_id(connection: sqlite3.Connection, language: str, slug: str) -> ArticleId | None:
    row = connection.execute("select id from articles where language = ? and slug = ?", (language, slug)).fetchone()
    return ArticleId(row["id"]) if row else None


def get_id(connection: sqlite3.Connection, language: str, slug: str) -> ArticleId:
    article_id = find_id(connection, language, slug)
    if article_id is None:
        raise NotFoundError("article_not_found", f'There is no article "{slug}" in "{language}".')
    return article_id


def fetch(connection: sqlite3.Connection, article_id: ArticleId, revision: int | None = None) -> Article:
    if revision is not None and not 0 < revision < _REVISION_LIMIT:
        raise NotFoundError("revision_not_found", f"The article has no revision {revision}.")
    row = connection.execute(
        f"""
        select {ARTICLE_COLUMNS} from articles join revisions
        on revisions.article_id = articles.id
        and revisions.revision = coalesce(?, articles.newest_revision)
        where articles.id = ?
        """,
        (revision, article_id),
    ).fetchone()
    if row is None:
        raise NotFoundError("revision_not_found", f"The article has no revision {revision}.")
    return build_article(row)


def build_article(row: sqlite3.Row) -> Article:
    return Article(
        id=ArticleId(row["id"]),
        language=row["language"],
        slug=row["slug"],
        content=ArticleContent(
            row["title"],
            row["body"],
            tuple(json.loads(row["tags"])),
            tuple(json.loads(row["phrasings"])),
            row["audience"],
        ),
        status=row["status"],
        revision=row["revision"],
        newest_revision=row["newest_revision"],
        published_revision=row["published_revision"],
        updated_at=row["updated_at"],
        author=row["author"],
        source=row["source"],
        permalink=row["permalink"],
    )


def build_where(wanted: ArticleFilter) -> tuple[str, list[object]]:
    clauses, values = ["1 = 1"], list[object]()
    if wanted.is_public:
        clauses.append("revisions.audience = 'everyone'")
    if wanted.status:
        clauses.append("articles.status = ?")
        values.append(wanted.status)
    if wanted.language:
        clauses.append("articles.language = ?")
        values.append(wanted.language)
    if wanted.audience:
        clauses.append("revisions.audience = ?")
        values.append(wanted.audience)
    for word in wanted.words.split():
        clauses.append(
            """
            instr(casefold(revisions.title || ' ' || revisions.body || ' ' || articles.slug || ' '
                  || (select ifnull(group_concat(value, ' '), '') from json_each(revisions.tags)) || ' '
                  || (select ifnull(group_concat(value, ' '), '') from json_each(revisions.phrasings))), casefold(?))
            """
        )
        values.append(word)
    return " and ".join(clauses), values
