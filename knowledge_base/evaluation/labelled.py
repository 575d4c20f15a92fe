"""Labelled articles and questions from JSON lines.

Articles are {slug, title, body, phrasings, language}, all but the slug optional as long as there is some text;
questions are {question, slugs, kind}, where no slugs mean that nothing answers it. A line that cannot be used
is refused by its number; what had to be changed or is odd is noted.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from knowledge_base.article import (
    BODY_MAX_CHARS,
    PHRASING_MAX_CHARS,
    PHRASINGS_MAX_COUNT,
    TITLE_MAX_CHARS,
    ArticleDraft,
    build_content,
    build_draft,
    build_slug,
    check_language,
)
from knowledge_base.errors import InvalidInputError
from knowledge_base.language import guess_language
from knowledge_base.search import QUESTION_MAX_CHARS

_EXAMPLES_MAX = 3
# An article is taken to be in another language than most only where the detector can be sure: it is often wrong
# about a title alone.
_SURE_FROM_CHARS = 120
_SURE_FROM = 0.8
_GUESSED_CHARS = 20_000
_HOST = re.compile(r"^[a-z][a-z0-9+.-]*://[^/]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LabelledQuestion:
    """A question and the articles that answer it; none means that it cannot be answered."""

    text: str
    slugs: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class LabelledArticles:
    """Articles ready for import. `labels` gives, for each draft's slug, the slug that questions know it by."""

    drafts: tuple[ArticleDraft, ...]
    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_articles(path: Path, *, language: str | None = None) -> LabelledArticles:
    """Read labelled articles; `language` None means the line's own, or else what the texts look like.

    Raises:
        InvalidInputError: if the file cannot be read, holds no article, or a line is not an article.
    """
    lines = list(_read_lines(path))
    if not lines:
        raise InvalidInputError("file_empty", f"{path} holds no article.")
    notes: list[str] = []
    texts = [_read_article(path, number, line, notes) for number, line in lines]
    languages = _find_languages(path, lines, texts, language)
    drafts: list[ArticleDraft] = []
    labels: dict[str, str] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for (number, line), (title, body, phrasings), own in zip(lines, texts, languages, strict=True):
        label = normalise_slug(str(line["slug"]))
        seen[label, own] += 1
        slug = _choose_slug(label, seen[label, own], labels)
        labels[slug] = label
        try:
            drafts.append(build_draft(own, slug, build_content(title, body, (), phrasings)))
        except InvalidInputError as exc:
            raise _refuse(path, number, exc.message) from exc
    repeated = [label for (label, _), count in seen.items() if count > 1]
    if repeated:
        notes.append(f"{len(repeated)} slugs stand for more than one article ({_list(repeated)}); any of them counts")
    return LabelledArticles(tuple(drafts), labels, tuple(notes))


def read_questions(path: Path) -> list[LabelledQuestion]:
    """Read labelled questions.

    Raises:
        InvalidInputError: if the file cannot be read, holds no question, or a line is not a question.
    """
    questions = [_read_question(path, number, line) for number, line in _read_lines(path)]
    if not questions:
        raise InvalidInputError("file_empty", f"{path} holds no question.")
    return questions


def drop_unknown_slugs(
    questions: Sequence[LabelledQuestion], known: frozenset[str]
) -> tuple[list[LabelledQuestion], list[str]]:
    """Return the questions with the known slugs only, and a note on what was dropped."""
    kept = [LabelledQuestion(q.text, tuple(s for s in q.slugs if s in known), q.kind) for q in questions]
    unknown = Counter(slug for q in questions for slug in q.slugs if slug not in known)
    if not unknown:
        return kept, []
    orphans = sum(bool(q.slugs) and not k.slugs for q, k in zip(questions, kept, strict=True))
    return kept, [
        f"{len(unknown)} slugs that no article has ({_list(list(unknown))}); "
        f"{orphans} questions named nothing else and count as answered by no article"
    ]


def normalise_slug(text: str) -> str:
    """Return a slug, permalink or address in one form: its path without host, outer slashes and file ending.

    A permalink's path and the same path written as a slug are then equal.
    """
    # Not every host that people write is one; here none counts.
    path = _HOST.sub("", _clean(text).strip().split("#")[0].split("?")[0])
    path = unquote(path).strip("/").casefold()
    for ending in ("/index", ".html", ".htm", ".mdx", ".md"):
        path = path.removesuffix(ending)
    return path or "/"


def _read_article(
    path: Path, number: int, line: Mapping[str, Any], notes: list[str]
) -> tuple[str, str, tuple[str, ...]]:
    slug = line.get("slug")
    if not isinstance(slug, str | int) or not str(slug).strip():
        raise _refuse(path, number, 'an article needs a "slug".')
    slug = _clean(str(slug))
    title, body = (_read_text(path, number, line, field).strip() for field in ("title", "body"))
    phrasings = line.get("phrasings") or []
    if not isinstance(phrasings, list) or not all(isinstance(phrasing, str) for phrasing in phrasings):
        raise _refuse(path, number, '"phrasings" must be a list of texts.')
    phrasings = [_clean(phrasing) for phrasing in phrasings if phrasing.strip()]
    if not title and not body and not phrasings:
        raise _refuse(path, number, f'the article "{slug}" has no title, no body and no phrasings.')
    title = " ".join((title or (phrasings[0] if phrasings else body.splitlines()[0])).split())
    is_cut = (
        len(title) > TITLE_MAX_CHARS
        or len(body) > BODY_MAX_CHARS
        or len(phrasings) > PHRASINGS_MAX_COUNT
        or any(len(phrasing) > PHRASING_MAX_CHARS for phrasing in phrasings)
    )
    if is_cut:
        notes.append(f'line {number}: the article "{slug}" was cut to the sizes that Baton takes')
    short = tuple(" ".join(phrasing.split())[:PHRASING_MAX_CHARS] for phrasing in phrasings[:PHRASINGS_MAX_COUNT])
    return title[:TITLE_MAX_CHARS], (body or title)[:BODY_MAX_CHARS], short


def _read_question(path: Path, number: int, line: Mapping[str, Any]) -> LabelledQuestion:
    text = _read_text(path, number, line, "question").strip()
    if not text:
        raise _refuse(path, number, 'a question needs a "question" that is not empty.')
    slugs = line.get("slugs")
    if not isinstance(slugs, list) or not all(isinstance(slug, str | int) for slug in slugs):
        raise _refuse(path, number, 'a question needs "slugs", a list: empty if no article answers it.')
    kind = line.get("kind")
    return LabelledQuestion(
        text[:QUESTION_MAX_CHARS],
        tuple(dict.fromkeys(normalise_slug(str(slug)) for slug in slugs)),
        _clean(str(kind)) if kind else "",
    )


def _read_text(path: Path, number: int, line: Mapping[str, Any], field: str) -> str:
    text = line.get(field)
    if text is not None and not isinstance(text, str):
        raise _refuse(path, number, f'"{field}" must be text.')
    return _clean(text or "")


def _clean(text: str) -> str:
    """Return a text without halves of characters, which JSON can write and nothing can store or print."""
    return text.encode(errors="replace").decode()


def _read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInputError(
            "file_unreadable", f"{path} cannot be read ({exc}): give a file of JSON lines in UTF-8."
        ) from exc
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise _refuse(path, number, f"this is not JSON ({exc}).") from exc
        if not isinstance(line, dict):
            raise _refuse(path, number, "each line must be a JSON object.")
        yield number, line


def _find_languages(
    path: Path,
    lines: Sequence[tuple[int, Mapping[str, Any]]],
    texts: Sequence[tuple[str, str, tuple[str, ...]]],
    wanted: str | None,
) -> list[str]:
    if wanted:
        return [check_language(wanted)] * len(lines)
    whole = [f"{title}. {body[:500]} {' '.join(phrasings[:5])}" for title, body, phrasings in texts]
    usual, _ = guess_language(" ".join(whole)[:_GUESSED_CHARS])
    languages = []
    for (number, line), text in zip(lines, whole, strict=True):
        guess, likelihood = guess_language(text)
        is_sure = len(text) >= _SURE_FROM_CHARS and likelihood >= _SURE_FROM
        try:
            languages.append(check_language(line.get("language") or (guess if is_sure else usual)))
        except InvalidInputError as exc:
            raise _refuse(path, number, exc.message) from exc
    return languages


def _choose_slug(label: str, turn: int, taken: Mapping[str, str]) -> str:
    slug = base = build_slug(label) if turn == 1 else f"{build_slug(label)}-{turn}"
    count = 1
    while taken.get(slug, label) != label or (turn > 1 and slug in taken):
        count += 1
        slug = f"{base}-{count}"
    return slug


def _refuse(path: Path, number: int, reason: str) -> InvalidInputError:
    return InvalidInputError("line_invalid", f"{path}, line {number}: {reason}")


def _list(names: Sequence[str]) -> str:
    more = f", and {len(names) - _EXAMPLES_MAX} more" if len(names) > _EXAMPLES_MAX else ""
    return ", ".join(names[:_EXAMPLES_MAX]) + more
