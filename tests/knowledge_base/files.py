"""Files of other programs, made by hand: Word documents and the answers of other help desks' interfaces."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knowledge_base.article import ArticleDraft
from knowledge_base.importing.articles import read_articles
from knowledge_base.importing.reading import ImportReading

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read_one(folder: Path, name: str, content: str | bytes) -> ArticleDraft:
    (draft,) = read_articles(write(folder, name, content)).drafts
    return draft


def reasons(reading: ImportReading) -> dict[str, str]:
    return {note.source: note.reason for note in reading.skipped}


def build_zip(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def paragraph(text: str, style: str = "", numbering: int | None = None) -> str:
    marks = f'<w:pStyle w:val="{style}"/>' if style else ""
    if numbering is not None:
        marks += f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{numbering}"/></w:numPr>'
    return f"<w:p><w:pPr>{marks}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def bold(text: str) -> str:
    return f"<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{text}</w:t></w:r></w:p>"


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def build_docx(*blocks: str, head: str = "") -> bytes:
    """A Word document with the styles Title and Heading 1 to 2, a numbered list of id 1,
    and one of id 2 that begins at 5."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "heading 1", "heading 2")
    )
    return build_zip(
        {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            'wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_RELATIONS}">'
            f'<Relationship Id="r1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            f'<Relationship Id="r2" Type="{_OFFICE}/numbering" Target="numbering.xml"/></Relationships>',
            "word/styles.xml": f'<w:styles xmlns:w="{_WORDS}">{styles}</w:styles>',
            "word/numbering.xml": f'<w:numbering xmlns:w="{_WORDS}"><w:abstractNum w:abstractNumId="0">'
            '<w:lvl w:ilvl="0">'
            '<w:numFmt w:val="decimal"/></w:lvl><w:lvl w:ilvl="1"><w:numFmt w:val="decimal"/></w:lvl></w:abstractNum>'
            '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num></w:numbering>',
            "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?>{head}<w:document xmlns:w="{_WORDS}"><w:body>'
            + "".join(blocks)
            + "</w:body></w:document>",
        }
    )


def zendesk_article(number: int, title: str, body: str | None, locale: str = "en-us", **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "url": f"https://fernhill.zendesk.com/api/v2/help_center/{locale}/articles/{number}.json",
        "html_url": f"https://fernhill.zendesk.com/hc/{locale}/articles/{number}-{title.replace(' ', '-')}",
        "draft": False,
        "section_id": 7,
        "user_segment_id": None,
        "label_names": ["billing"],
        "locale": locale,
        "source_locale": "en-us",
        "title": title,
        "body": body,
    } | more


def intercom_article(number: str, title: str, body: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "article",
        "id": number,
        "workspace_id": "w1",
        "title": title,
        "body": body,
        "state": "published",
        "url": f"https://help.fernhill.example/en/articles/{number}-{title.lower()}",
        "parent_id": 55,
        "parent_type": "collection",
        "default_locale": "en",
        "tags": {"type": "tag.list", "tags": [{"type": "tag", "id": "1", "name": "money"}]},
        "translated_content": {"type": "article_translated_content"},
    } | more
