"""Questions and answers as articles: comma- or tab-separated files, one pair a row; JSON Lines use the same names.

The first question of an answer becomes the title, the others its phrasings; a row's number is its source.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge_base.article import (
    PHRASINGS_MAX_COUNT,
    TITLE_MAX_CHARS,
    ArticleStatus,
    build_content,
    build_slug,
    check_language,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.answers import convert_answer, read_answer
from knowledge_base.importing.markdown_page import read_audience, read_tags
from knowledge_base.importing.pages import Page, clean_slug, locate, path_of
from knowledge_base.importing.reading import FileNote, decode_text
from knowledge_base.importing.standing import read_status

ROWS_MAX = 100_000
_ALIASES = {
    "question": ("question", "questions", "q", "title", "query", "prompt", "frage", "pregunta", "user", "input"),
    "answer": ("answer", "answers", "a", "body", "content", "response", "reply", "text", "antwort", "respuesta",
               "reponse", "réponse", "output"),
    "phrasings": ("phrasings", "phrasing", "variants", "variant", "alternatives", "similar questions", "paraphrases",
                  "alternative questions", "utterances", "examples"),
    "language": ("language", "lang", "locale"),
    "tags": ("tags", "tag", "labels", "category", "categories", "topic", "section", "intent", "kategorie", "catégorie",
             "categoría"),
    "slug": ("slug", "key"),
    "url": ("url", "link", "permalink"),
    "status": ("status", "state"),
    "draft": ("draft", "is draft", "entwurf"),
    "published": ("published", "is published", "public", "is public", "visible", "active", "is active", "live",
                  "veröffentlicht", "aktiv"),
    "unlisted": ("unlisted", "hidden", "private"),
    "audience": ("audience",),
}  # fmt: skip
_NAMES = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
# What a longer name of a column holds: "Kundenfrage", "FAQ Answer". Names of more words are sentences of the first row.
_WORDS = {
    "question": ("question", "frage", "pregunta", "domanda", "vraag"),
    "answer": ("answer", "antwort", "respuesta", "response", "réponse", "reponse", "risposta", "antwoord"),
}
_HEADER_MAX_WORDS = 3
# A "question id" is no question.
_BESIDES = {
    "id", "nr", "no", "number", "date", "time", "type", "count", "category", "author", "by", "url", "link", "status",
}  # fmt: skip
_SEPARATOR = re.compile(r"\s*(?:\n|\||;;)\s*")
_DELIMITERS = ",;\t|"
# What the delimiter is looked for in.
_SAMPLE_CHARS = 10_000


@dataclass(slots=True)
class _Entry:
    """An answer, and all questions that it was given to."""

    row: str
    fields: Mapping[str, Any]
    language: str
    questions: list[str] = field(default_factory=list)


def read_question_table(source: str, data: bytes, language: str) -> tuple[list[Page], list[FileNote]]:
    """Read a file of pairs with columns; `language` is the one of rows that do not tell.

    Raises:
        InvalidInputError: if it is no such file, or breaks off in the middle: nothing of it is used then.
    """
    text, guessed = decode_text(data)
    rows, warnings = _read_rows(text)
    if not rows:
        raise InvalidInputError("rows_missing", "It holds no rows.")
    pages, skipped = build_pair_pages(source, rows, language)
    if guessed:
        warnings = (f"It is not UTF-8 and was read as {guessed}: look at the accents.", *warnings)
    if pages:
        pages[0] = replace(pages[0], warnings=(*warnings, *pages[0].warnings))
    return pages, skipped


def is_pair(row: Mapping[str, Any]) -> bool:
    """Whether a row has a question and an answer, by any of their usual names."""
    return {"question", "answer"} <= _name_fields(row).keys()


def build_pair_pages(
    source: str, rows: Sequence[tuple[str, Mapping[str, Any]]], language: str
) -> tuple[list[Page], list[FileNote]]:
    """Turn rows (where they stand, and their values by any usual name) into pages."""
    entries: dict[tuple[str, str, ArticleStatus | None, str], _Entry] = {}
    skipped: list[FileNote] = []
    _, language = locate(source, "", language)
    for place, row in rows:
        row_source = f"{source}#{place}"
        try:
            fields = _name_fields(row)
            questions, answer = _read_questions(fields), read_answer(fields.get("answer"))
            if not questions or not answer:
                raise InvalidInputError("row_incomplete", "It has no question, or no answer.")
            told = check_language(str(fields.get("language") or language))
        except InvalidInputError as exc:
            skipped.append(FileNote(row_source, exc.message))
            continue
        # A question to which not everybody may read the answer must not become a phrasing of one that is public.
        key = (told, answer, read_status(fields)[0], read_audience(fields))
        entries.setdefault(key, _Entry(row_source, fields, told)).questions += questions
    pages: list[Page] = []
    for (_, answer, _, _), entry in entries.items():
        try:
            pages.append(_build_page(entry, convert_answer(answer)))
        except (InvalidInputError, RecursionError) as exc:
            skipped.append(FileNote(entry.row, getattr(exc, "message", "Its HTML nests too deep.")))
    return pages, skipped


def _build_page(entry: _Entry, answer: str) -> Page:
    questions = list(dict.fromkeys(entry.questions))
    title = questions[0]
    if len(title) > TITLE_MAX_CHARS:
        title = title[: TITLE_MAX_CHARS - 1].rsplit(" ", 1)[0] + "…"
    phrasings = [question for question in questions if question != title]
    url, fields = str(entry.fields.get("url") or ""), entry.fields
    content = build_content(title, answer, read_tags(fields), phrasings[:PHRASINGS_MAX_COUNT], read_audience(fields))
    slug = clean_slug(fields.get("slug"))
    status, warnings = read_status(fields)
    if len(phrasings) > PHRASINGS_MAX_COUNT:
        warnings += (f"{len(phrasings)} questions; the first {PHRASINGS_MAX_COUNT} are kept.",)
    return Page(
        source=entry.row,
        place=slug or f"{entry.row}/{build_slug(title)}",
        language=entry.language,
        content=content,
        slug=slug,
        permalink=path_of(url),
        addresses=(url,) if url else (),
        status=status,
        warnings=warnings,
    )


def _read_questions(fields: Mapping[str, Any]) -> list[str]:
    """Return a row's questions, the first one first: several may stand in one cell, or in one of their own."""
    found: list[str] = []
    for name in ("question", "phrasings"):
        value = fields.get(name)
        if isinstance(value, Mapping):
            raise InvalidInputError("question_not_text", "Its question is an object with names; write it as text.")
        texts = value if isinstance(value, list) else _SEPARATOR.split(str(value or ""))
        found += [" ".join(str(text).split()) for text in texts if isinstance(text, str | int | float)]
    return [text for text in dict.fromkeys(found) if text]


def _name_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's values by our names; of several columns with one meaning the most usual name counts."""
    values: dict[str, Any] = {}
    for column, value in row.items():
        if value not in (None, ""):
            values.setdefault(_fold(column), value)
    named = {}
    for name, aliases in _ALIASES.items():
        if (alias := next((alias for alias in aliases if alias in values), None)) is not None:
            named[name] = values[alias]
    return named


def _fold(column: object) -> str:
    return re.sub(r"[\s_-]+", " ", str(column or "")).strip().lower()


def _read_rows(text: str) -> tuple[list[tuple[str, dict[str, Any]]], tuple[str, ...]]:
    """Return the rows with their line numbers, and what to look at.

    A table of two columns without a header is questions and answers.
    """
    told = re.match(r"sep=(.)\r?\n", text)  # a line that Excel writes and hides
    if told:
        text = text[told.end() :]
    delimiter = told[1] if told else _find_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[str, list[str]]] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((str(reader.line_num), cells))
            if len(rows) > ROWS_MAX:
                raise InvalidInputError("too_many_rows", f"It holds more than {ROWS_MAX} rows; import it in parts.")
    except csv.Error as exc:
        raise InvalidInputError("table_broken", f"It breaks off at line {reader.line_num}: {exc}.") from exc
    if not rows:
        return [], ()
    header = _read_header([cell.strip() for cell in rows[0][1]])
    if header:
        return [(place, dict(zip(header, cells, strict=False))) for place, cells in rows[1:]], ()
    counts = {max(number for number, cell in enumerate(cells, 1) if cell.strip()) for _, cells in rows}
    is_short = any(len(cells) < 2 for _, cells in rows)
    if max(counts) > 2 or is_short or any(_fold(cell) in _NAMES for cell in rows[0][1]):
        raise InvalidInputError(
            "columns_unknown",
            f"It has {max(counts)} columns, and it is not clear which hold the text. "
            "Name two of the columns question and answer in the first line.",
        )
    pairs: list[tuple[str, dict[str, Any]]] = [(place, {"question": one[0], "answer": one[1]}) for place, one in rows]
    return pairs, ("Its first line names no columns: the first one was read as questions, the second as answers.",)


def _read_header(cells: Sequence[str]) -> list[str]:
    """Return the columns' names if the first line has them, those of question and answer by a word in them if need be.

    Empty if it is none.
    """
    known = _name_fields(dict.fromkeys(cells, "x")).keys()
    header = list(cells)
    for name, words in _WORDS.items():
        if name not in known:
            fitting = (number for number, cell in enumerate(cells) if _has_word(_fold(cell), words))
            if (number := next(fitting, None)) is not None:
                header[number] = name
    return header if {"question", "answer"} <= _name_fields(dict.fromkeys(header, "x")).keys() else []


def _has_word(column: str, words: Sequence[str]) -> bool:
    parts = column.split()
    is_name = len(parts) <= _HEADER_MAX_WORDS and "?" not in column and not _BESIDES & set(parts)
    return is_name and column not in _NAMES and any(word in column for word in words)


def _find_delimiter(text: str) -> str:
    """Return the sign that cuts every line into as many cells, outside quotes; else the first line into most."""
    lines = re.sub(r'"(?:[^"]|"")*"', "", text[:_SAMPLE_CHARS]).split("\n")
    if len(text) > _SAMPLE_CHARS and len(lines) > 1:
        lines.pop()  # it breaks off
    lines = [line for line in lines if line.strip()] or [""]
    steady = [sign for sign in _DELIMITERS if sign in lines[0] and len({line.count(sign) for line in lines}) == 1]
    found = max(steady or _DELIMITERS, key=lines[0].count)
    return found if found in lines[0] else ","
