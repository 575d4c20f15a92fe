"""What a file or a row says of its standing: published, a draft, or archived.

What is said but not understood is a draft: an editor publishes it in a minute, while visitors have read what was
published by mistake.
"""

import re
from collections.abc import Mapping
from typing import Any

from knowledge_base.article import ArticleStatus

_STATUSES: dict[str, ArticleStatus] = {
    "published": "published", "publish": "published", "public": "published", "live": "published",
    "active": "published", "veröffentlicht": "published", "publié": "published", "publicado": "published",
    "draft": "draft", "unpublished": "draft", "inactive": "draft", "private": "draft", "hidden": "draft",
    "unlisted": "draft", "pending": "draft", "entwurf": "draft", "brouillon": "draft", "borrador": "draft",
    "archived": "archived", "archive": "archived", "archiviert": "archived",
}  # fmt: skip
_YES = {"true", "yes", "y", "1", "1.0", "x", "on", "ja", "oui", "sí", "si", "wahr", "vrai"}
_NO = {"false", "no", "n", "0", "0.0", "off", "nein", "non", "falsch", "faux"}
# Whether the name means that everybody may read it.
_MARKS = {"draft": False, "unlisted": False, "published": True}
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?|\d\d?[./]\d\d?[./]\d{2,4}")


def read_status(fields: Mapping[str, Any]) -> tuple[ArticleStatus | None, tuple[str, ...]]:
    """Return what a file says of its standing (None if nothing), and what to look at."""
    status, warnings = _read_named(fields.get("status"))
    for name, is_public in _MARKS.items():
        value = fields.get(name)
        answer = _read_answer(value)
        if answer is None and _is_said(value):
            warnings += (f'"{name}" is "{_shorten(value)}", neither yes nor no: imported as a draft.',)
        is_hidden = _is_said(value) and answer is not is_public
        if is_hidden and status != "archived":
            status = "draft"
    return status, warnings


def _read_named(value: object) -> tuple[ArticleStatus | None, tuple[str, ...]]:
    if not _is_said(value):
        return None, ()
    known = _STATUSES.get(_fold(value))
    answer = _read_answer(value)
    if known is None and answer is not None:
        known = "published" if answer else "draft"
    if known is not None:
        return known, ()
    return "draft", (
        f'Its status "{_shorten(value)}" is not known: imported as a draft. Write published, draft or archived.',
    )


def _read_answer(value: object) -> bool | None:
    """Return whether a value says yes or no; None if neither. A date says since when."""
    text = _fold(value)
    if text in _NO:
        return False
    return True if text in _YES or _DATE.match(text) else None


def _is_said(value: object) -> bool:
    return value is not None and _fold(value) != ""


def _fold(value: object) -> str:
    return str(value).strip().lower()


def _shorten(value: object) -> str:
    return " ".join(str(value).split())[:40]
