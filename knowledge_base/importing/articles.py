"""The one front of all importers: a path in, articles and a report out.

Everything is read before anything is returned, so that an import is whole or does not happen. A file that cannot
be an article is reported with the reason; nothing that a file holds raises.
"""

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.drafts import build_drafts
from knowledge_base.importing.files import ARCHIVE_SUFFIXES, SourceFile, describe_ignored, open_files
from knowledge_base.importing.help_centre import Export, build_export_pages, collect_items
from knowledge_base.importing.html_page import read_html_page
from knowledge_base.importing.markdown_page import read_markdown_page
from knowledge_base.importing.pages import Page, find_site
from knowledge_base.importing.question_table import read_question_table
from knowledge_base.importing.reading import (
    COLLECTION_MAX_BYTES,
    FILE_MAX_BYTES,
    HTML_MAX_BYTES,
    WORD_MAX_BYTES,
    FileNote,
    ImportReading,
)
from knowledge_base.importing.rst_page import read_rst_page
from knowledge_base.importing.word_page import read_word_page

logger = logging.getLogger(__name__)

Kind = Literal["markdown", "html", "rst", "word", "table", "json"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SUFFIXES: dict[str, Kind] = {
    ".md": "markdown", ".markdown": "markdown", ".mdx": "markdown",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".rst": "rst", ".rst.txt": "rst",
    ".docx": "word",
    ".csv": "table", ".tsv": "table",
    ".json": "json", ".jsonl": "json", ".ndjson": "json",
}  # fmt: skip
# Where Jekyll and Hugo keep what is around the pages. Only Hugo's own folders below `layouts`: it may be a topic, too.
_TEMPLATE_FOLDER = re.compile(r"/_(?:layouts|includes)/|/layouts/(?:_\w+|partials|shortcodes)/|/layouts/\w+\.html$")
_MAX_BYTES: dict[Kind, int] = {
    "markdown": FILE_MAX_BYTES,
    "html": HTML_MAX_BYTES,
    "rst": FILE_MAX_BYTES,
    "word": WORD_MAX_BYTES,
    "table": COLLECTION_MAX_BYTES,
    "json": COLLECTION_MAX_BYTES,
}
_READERS: dict[Kind, Callable[[str, bytes, str], Page]] = {
    "markdown": read_markdown_page,
    "html": read_html_page,
    "rst": read_rst_page,
    "word": read_word_page,
}


def read_articles(
    path: Path | str, *, kind: Kind | None = None, language: str = "en", site_url: str = ""
) -> ImportReading:
    """Read a folder, a zip archive or a single file: Markdown, HTML, reStructuredText, Word, tables and JSON.

    `kind` reads files of this kind only, and a single file as this kind whatever its name; `language` is the one
    of files that do not tell; with `site_url` the pages keep their own address.

    Raises:
        InvalidInputError: if the path is missing, or holds nothing or far too much to import.
    """
    with open_files(Path(path)) as source:
        collected = _Collected(kind, language)
        is_single = Path(path).is_file() and len(source.files) == 1 and not source.refused
        site = find_site([file.name for file in source.files])
        for file in source.files:
            collected.read(replace(file, name=file.name.removeprefix(site)), is_single=is_single)
    refused = [replace(note, source=note.source.removeprefix(site)) for note in source.refused]
    return collected.finish(refused, Path(path), site_url)


class _Collected:
    """What the files read so far hold."""

    def __init__(self, kind: Kind | None, language: str) -> None:
        self._kind = kind
        self._language = language
        self._pages: list[Page] = []
        self._export = Export()
        self._skipped: list[FileNote] = []
        self._ignored: list[str] = []

    def read(self, file: SourceFile, *, is_single: bool) -> None:
        """Read one file; whatever is wrong with it becomes a line of the report."""
        found = find_kind(file.name)
        kind = self._kind if self._kind and (is_single or found == self._kind) else found
        if file.name.lower().endswith(ARCHIVE_SUFFIXES):
            self._skipped.append(FileNote(file.name, "It is an archive; zip archives are imported one by one."))
        elif kind is None or (self._kind and kind != self._kind):
            self._ignored.append(file.name)
        elif _TEMPLATE_FOLDER.search(f"/{file.name}"):
            self._skipped.append(FileNote(file.name, "It is a template of the site, not a page."))
        else:
            try:
                self._read_as(kind, file)
            except InvalidInputError as exc:
                self._skipped.append(FileNote(file.name, exc.message))
            except RecursionError:
                self._skipped.append(FileNote(file.name, "It nests too deep to be read."))
            except Exception:  # a border: foreign parsers raise whatever they like on hostile files
                logger.debug("import_failed", extra={"source": file.name}, exc_info=True)
                self._skipped.append(FileNote(file.name, f"It is damaged: its {kind} cannot be read."))

    def finish(self, refused: Sequence[FileNote], path: Path, site_url: str) -> ImportReading:
        """Turn the pages into articles, now that all are known."""
        exported, bad = build_export_pages(self._export, self._language)
        pages = self._pages + exported
        drafts, clashing, warnings = build_drafts(pages, language=self._language, site_url=site_url)
        skipped = [*refused, *self._skipped, *bad, *clashing]
        if not drafts and not skipped:
            raise InvalidInputError(
                "nothing_to_import",
                f"{path} holds nothing that can be imported: Markdown, HTML, reStructuredText, Word (.docx), "
                "CSV, JSON or JSON Lines.",
            )
        ignored = describe_ignored(self._ignored)
        return ImportReading(tuple(drafts), tuple(skipped), (*warnings, *([ignored] if ignored else ())))

    def _read_as(self, kind: Kind, file: SourceFile) -> None:
        data = file.read(_MAX_BYTES[kind])
        if kind == "json":
            collect_items(file.name, data, self._export)
        elif kind == "table":
            pages, skipped = read_question_table(file.name, data, self._language)
            self._pages += pages
            self._skipped += skipped
        else:
            self._pages.append(_READERS[kind](file.name, data, self._language))


def find_kind(name: str) -> Kind | None:
    """Return what a file is by its name; None if it is nothing to import."""
    lowered = name.lower()
    return next((kind for suffix, kind in _SUFFIXES.items() if lowered.endswith(suffix)), None)
