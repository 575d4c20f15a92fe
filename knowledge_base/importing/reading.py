"""What a reader of files gives back: articles, what is none and why, and what to look at.

Also the few things that all readers share: limits, and the way from bytes to text.
"""

import codecs
from dataclasses import dataclass

from charset_normalizer import from_bytes

from knowledge_base.article import ArticleDraft
from knowledge_base.errors import InvalidInputError

FILES_MAX = 20_000
# A page of text; the longest real help article that we met has 36,000 characters. The largest that Baton takes fits.
FILE_MAX_BYTES = 2_500_000
# A saved web page carries its menus and inline pictures along.
HTML_MAX_BYTES = 5_000_000
# A Word document carries its pictures along.
WORD_MAX_BYTES = 30_000_000
# A list of questions, or the articles of a whole help centre, in one file.
COLLECTION_MAX_BYTES = 50_000_000

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Guessing looks at this much of a file: a page is enough.
_GUESSED_FROM_BYTES = 64_000
# Latin letters with a few accents; guesses on so little go wrong, and what old spreadsheets write is known.
_ACCENTS_SHARE_MAX = 0.2
# In UTF-16 nearly every second byte of Latin letters is nul; in UTF-8 none is.
_NULS_SHARE_MIN = 0.2


@dataclass(frozen=True, slots=True)
class FileNote:
    """Something to know about one file or one line of it, by its path within what was read."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReading:
    """What was found: articles ready to be stored, what is none and why, and what was left out of articles."""

    drafts: tuple[ArticleDraft, ...]
    skipped: tuple[FileNote, ...]
    warnings: tuple[FileNote, ...]


def decode_utf8(data: bytes) -> str:
    """Return the text; raise `InvalidInputError` unless it is UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInputError(
            "file_encoding", f"It is not UTF-8 (byte {exc.start}); save it in that encoding."
        ) from exc
    if _has_nuls(data):
        raise InvalidInputError("file_encoding", "It is not UTF-8 but UTF-16, it seems; save it as UTF-8.")
    return text


def decode_text(data: bytes) -> tuple[str, str]:
    """Return the text and, where its encoding had to be guessed, the name of that encoding.

    Raises:
        InvalidInputError: if no encoding fits.
    """
    name = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    try:
        if name or not _has_nuls(data):
            return data.decode(name or "utf-8"), ""
        guessed = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    except UnicodeDecodeError:
        guessed = _guess_encoding(data[:_GUESSED_FROM_BYTES])
    try:
        return data.decode(guessed), guessed
    except (UnicodeDecodeError, LookupError) as exc:
        raise InvalidInputError("file_encoding", "No known encoding fits it; save it as UTF-8.") from exc


def _has_nuls(data: bytes) -> bool:
    return data.count(0) > _NULS_SHARE_MIN * len(data)


def _guess_encoding(data: bytes) -> str:
    letters = [byte for byte in data if byte >= 0x80 or chr(byte).isalpha()]
    if sum(byte >= 0x80 for byte in letters) < _ACCENTS_SHARE_MAX * len(letters):
        return "cp1252"
    best = from_bytes(data).best()
    return best.encoding if best is not None else "cp1252"
