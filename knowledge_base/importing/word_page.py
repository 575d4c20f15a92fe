"""One Word document as a page, read by mammoth: headings, lists, tables, links and emphasis; looks go."""

import io
import re
import zipfile
import zlib

import mammoth

from knowledge_base.article import build_content
from knowledge_base.errors import InvalidInputError
from knowledge_base.importing.files import check_zip_parts
from knowledge_base.importing.html_markdown import convert_html, parse_html
from knowledge_base.importing.pages import Page, locate
from knowledge_base.importing.word_numbers import mark_numbers, read_numbers

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Code'] => pre:separator('\\n')
p[style-name='Quote'] => blockquote:fresh
"""
# Office never writes a document type; entities in one are how a small file becomes a huge one.
_DOCUMENT_TYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.I)


def read_word_page(source: str, data: bytes, language: str) -> Page:
    """Read a .docx file; `language` is the one of files whose path does not tell.

    Raises:
        InvalidInputError: if it cannot be an article.
    """
    _check_document(data)
    converted = mammoth.convert_to_html(
        io.BytesIO(mark_numbers(data)),
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda _: {"src": ""}),
    )
    soup = parse_html(converted.value)
    read_numbers(soup)
    heading = soup.find(["h1", "h2"])
    title = " ".join(heading.get_text(" ").split()) if heading is not None else ""
    if heading is None or not title:
        raise InvalidInputError("title_missing", "It has neither a title nor a heading (styles Title or Heading 1).")
    pictures = len(soup.find_all("img"))
    heading.decompose()
    place, language = locate(source, "", language)
    return Page(
        source=source,
        place=place,
        language=language,
        content=build_content(title, convert_html(soup)),
        warnings=(f"Left out: {pictures} pictures; put them on a page of yours and link to them.",) if pictures else (),
    )


def _check_document(data: bytes) -> None:
    """Refuse what is no Word document, unpacks to too much, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_zip_parts(archive)
            for entry in archive.infolist():
                # Read as if it were UTF-8 too when it is UTF-16: the NULs between the letters go.
                if entry.filename.endswith((".xml", ".rels")) and _DOCUMENT_TYPE.search(
                    archive.read(entry).replace(b"\0", b"")
                ):
                    raise InvalidInputError(
                        "file_unsafe", "It declares a document type, which no word processor writes; save it anew."
                    )
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as exc:
        raise InvalidInputError("file_broken", "It is not a Word document (.docx) that can be read.") from exc
