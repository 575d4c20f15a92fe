"""Every article as a Markdown file below front matter: what goes out comes in again unchanged.

Owns the layout, `<language>/<slug>.md`, beside it `<slug>.draft.md` where something newer than the published
article was written. A folder appears complete or not at all.
"""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from knowledge_base.article import Article, ArticleDraft
from knowledge_base.errors import InvalidInputError
from knowledge_base.front_matter import write_markdown_file


def build_export(articles: Iterable[Article]) -> list[ArticleDraft]:
    """Return articles, each at one of its revisions, as an import takes them."""
    return [
        ArticleDraft(
            language=article.language,
            slug=article.slug,
            content=article.content,
            source=article.source,
            permalink=article.permalink,
            status=article.status
            if article.status != "published" or article.revision == article.published_revision
            else "draft",
        )
        for article in articles
    ]


def write_articles(drafts: Sequence[ArticleDraft], folder: Path, *, is_dry_run: bool = False) -> list[str]:
    """Write the files into a new or empty folder and return their paths within it; a dry run only names them.

    Raises:
        InvalidInputError: if the folder holds something already, or cannot be written; nothing is left then.
    """
    published = {(draft.language, draft.slug) for draft in drafts if draft.status == "published"}
    files = {_choose_name(draft, published): draft for draft in drafts}
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidInputError("folder_not_empty", f"{folder} is not empty: name a new or an empty folder.")
        if not is_dry_run:
            _write_whole(files, folder)
    except OSError as exc:
        raise InvalidInputError(
            "folder_unusable", f"{folder} cannot be written ({exc.strerror}): check the path and its rights."
        ) from exc
    return sorted(files)


def _choose_name(draft: ArticleDraft, published: set[tuple[str, str]]) -> str:
    is_beside = draft.status == "draft" and (draft.language, draft.slug) in published
    return f"{draft.language}/{draft.slug}{'.draft' if is_beside else ''}.md"


def _write_whole(files: dict[str, ArticleDraft], folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, draft in files.items():
            path = partial / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(write_markdown_file(draft), encoding="utf-8", newline="\n")
        partial.chmod(0o755)
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
