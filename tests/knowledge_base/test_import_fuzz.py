"""Files that are broken, hostile or far too big: a report each time, never a traceback, never half an import."""

import io
import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_base.errors import InvalidInputError, KnowledgeBaseError
from knowledge_base.front_matter import FRONT_MATTER_MAX_CHARS
from knowledge_base.importing import articles, files
from knowledge_base.importing.articles import read_articles
from knowledge_base.importing.reading import FILE_MAX_BYTES, ImportReading
from knowledge_base.library import KnowledgeBase
from knowledge_base.markup import render_html
from tests.knowledge_base.conftest import CENTRE, Desk
from tests.knowledge_base.files import build_docx, build_zip, intercom_article, paragraph, write, zendesk_article
from tests.knowledge_base.test_markup import ATTACKS, assert_harmless

GOOD = "---\ntitle: Good\n---\nText"
SUFFIXES = ["md", "mdx", "html", "rst", "docx", "csv", "tsv", "json", "jsonl", "zip"]

MARKDOWN = ["---\n", "+++\n", "title: x\n", "a: &a [*a]\n", "{{<", ">}}", "{%", "%}", "{{", "}}", "/", "note", "# x\n"]
HTML = ["<", ">", "<p>", "</p>", "<table>", "<td colspan=99999999>", "<ol start=99999999999999999999>", "<li>", "<!--",
        "-->", "<![CDATA[", "<h1>x</h1>", "<title>", "<svg>", "<iframe src=//x>", "\0", "&#0;", "&#xD800;", "<a href=",
        "<div class=note>", "<p class=admonition-title>", "<base href=//x>", "<?xml version='1.0' encoding='x'?>",
        "<meta charset=utf-7>"]  # fmt: skip
RST = ["Title\n=====\n\n", ".. x::\n", ".. note::\n", "   a\n", ":x:`y`", "`", "|a|", ".. |a| replace:: |a|\n", "::\n",
       "====  ====\n", "+--+\n",
       ".. include:: /etc/passwd\n", ".. _a: a_\n", "a_", "[1]_", ".. role:: x(raw)\n", "*", "**"]  # fmt: skip
TABLE = ["question", "answer", ",", ";", "\t", '"', "\n", "\r", "sep=,\n", "x", "\0"]
JSON = [
    "{",
    "}",
    "[",
    "]",
    '"articles"',
    '"body"',
    '"locale"',
    ":",
    ",",
    '"type":"article"',
    "null",
    "1e999",
    '"\\ud800"',
    "\n",
]


def read(path: Path) -> ImportReading | None:
    """Read as the command line does: a refusal in words is an answer, everything else is a fault."""
    try:
        return read_articles(path)
    except KnowledgeBaseError as exc:
        message = exc.message
    assert len(message) > 20
    return None


def reasons(folder: Path) -> dict[str, str]:
    return {note.source: note.reason for note in read_articles(folder).skipped}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good article, which must always come in."""
    write(tmp_path, "good.md", GOOD)
    return tmp_path


def is_good_read(folder: Path) -> bool:
    return "good" in {draft.slug for draft in read_articles(folder).drafts}


def mixtures() -> st.SearchStrategy[tuple[str, bytes]]:
    """A file's suffix, and bytes that look like such a file here and there."""
    by_suffix = {
        "md": MARKDOWN,
        "mdx": MARKDOWN,
        "html": HTML,
        "rst": RST,
        "csv": TABLE,
        "tsv": TABLE,
        "json": JSON,
        "jsonl": JSON,
    }
    pieces = [
        st.tuples(st.just(suffix), st.lists(st.one_of(st.sampled_from(parts), st.text(max_size=8)), max_size=25).map(
            lambda some: "".join(some).encode("utf-8", "surrogatepass")))
        for suffix, parts in by_suffix.items()
    ]  # fmt: skip
    return st.one_of(*pieces, st.tuples(st.sampled_from(SUFFIXES), st.binary(max_size=200)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mixtures())
def test_no_mixture_raises_and_the_good_one_comes_in(folder: Path, mixture: tuple[str, bytes]) -> None:
    suffix, data = mixture
    path = write(folder, f"bad.{suffix}", data)
    try:
        found = read_articles(folder)
        assert "good" in {draft.slug for draft in found.drafts}
        for draft in found.drafts:
            render_html(draft.content.body)
        read(path)
    finally:
        path.unlink()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_to_a_real_document_raises(folder: Path, data: st.DataObject) -> None:
    whole = {
        "docx": build_docx(paragraph("T", "Title"), paragraph("Text")),
        "zip": build_zip({"a.md": GOOD, "b.html": "<h1>x</h1><p>y"}),
        "json": json.dumps({"articles": [zendesk_article(1, "A", "<p>x")]}).encode(),
    }
    suffix = data.draw(st.sampled_from(sorted(whole)))
    damaged = bytearray(whole[suffix])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = write(folder, f"bad.{suffix}", bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    try:
        read(path)
        assert is_good_read(folder)
    finally:
        path.unlink()


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("suffix", ["html", "md", "json", "csv"])
def test_no_attack_survives_the_way_through_an_import(tmp_path: Path, attack: str, suffix: str) -> None:
    contents = {
        "html": f"<h1>Title</h1><p>Text</p>{attack}",
        "md": f"# Title\n\nText\n\n{attack}",
        "json": json.dumps(zendesk_article(1, "Title", f"<p>Text</p>{attack}")),
        "csv": 'question,answer\nTitle,"Text {}"\n'.format(attack.replace('"', '""')),
    }
    found = read_articles(write(tmp_path, f"a.{suffix}", contents[suffix]))
    for draft in found.drafts:
        assert_harmless(render_html(draft.content.body))
    assert found.drafts or found.skipped


DEEP = 50_000
LAUGHS = "".join(f".. |{chr(97 + n)}| replace:: " + f"|{chr(98 + n)}|" * 10 + "\n" for n in range(9))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("aliases.md", "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\ntitle: T\n---\nText", "aliases"),
        ("deep.md", f"---\ntitle: {'[' * DEEP}\n---\nText", "nests deeper"),
        ("deep-toml.md", f"+++\ntitle = {'[' * 9_000}\n+++\nText", "not TOML"),
        ("long.md", f"---\ntitle: {'x' * FRONT_MATTER_MAX_CHARS}\n---\nText", "characters"),
        ("object.md", "---\ntitle: !!python/object/apply:os.system [ls]\n---\nText", "not YAML"),
        ("number.md", f"---\ntitle: {'9' * 5000}\n---\nText", "number of 5000 characters"),
        ("base-60.md", f"---\ntitle: {'59:' * 300_000}59\n---\nText", "number of 900002 characters"),
        ("base-16.md", f"---\ntitle: 0x{'f' * 900_000}\n---\nText", "number of 900002 characters"),
        ("merge.md", "---\n" + "<<: {a: 1}\n" * 70_000 + "title: T\n---\nText", "merge keys"),
        ("timestamp.md", "---\ntitle: !!timestamp x\n---\nText", "not YAML"),
        ("dots-toml.md", f"+++\n{'a.' * 400_000}b = 1\n+++\nText", "10000 characters"),
        ("big.md", b"# T\n\n" + b"x" * FILE_MAX_BYTES, "more than"),
        ("long-body.md", "# T\n\n" + "x " * 60_000, "100000 is the most"),
        ("bytes.md", b"# T\n\n\xff\xfe\x00", "UTF-8"),
        ("bytes.json", b"\xff\xfe", "UTF-8"),
        ("wide.md", "# Title\n\nText of it".encode("utf-16-le"), "UTF-16"),
        ("wide.json", '[{"question": "a", "answer": "b"}]'.encode("utf-16-le"), "UTF-16"),
        ("wider.md", "# Title\n\nText of it".encode("utf-32-le"), "UTF-16"),
        ("nuls.md", b"---\ntitle: a\0b\n---\nText", "not YAML"),
        ("deep.json", "[" * DEEP, "JSON"),
        ("deep-body.json", '{"articles": [{"title": "T", "body": ' + "[" * 100_000 + "]" * 100_000 + "}]}", "JSON"),
        ("big-number.json", f'{{"articles": [{{"id": {"9" * 1_000_000}}}]}}', "JSON"),
        ("flat.json", "[" + "1," * 100_000 + "1]", "100000 items"),
        ("many.jsonl", "1\n" * 100_002, "100000 lines"),
        ("many.csv", "question,answer\n" + "a,b\n" * 100_002, "100000 rows"),
        ("columns.csv", f"question,answer{',' * 1_000_000}\na,b{',' * 1_000_000}\n", ""),
        ("line.csv", "question,answer\n" + "x" * 40_000_000, "breaks off"),
        ("field.csv", f"question,answer\na,{'x' * 200_000}\n", "breaks off"),
        ("breaks.html", f"<h1>T</h1><p>{'<br>' * 1_000_000}", "more than 50000 elements"),
        ("laughs.rst", f"T\n=\n\nText |a|\n\n{LAUGHS}.. |j| replace:: lol\n", ""),
        ("nothing.docx", b"", "not a Word document"),
        ("other.docx", build_zip({"a.txt": "x"}), "damaged"),
        ("nested.zip", build_zip({"a.md": GOOD}), "archive"),
        ("nested.tar.gz", b"\x1f\x8b", "archive"),
    ],
)
def test_a_hostile_file_is_reported_and_the_good_one_comes_in(
    folder: Path, name: str, content: str | bytes, reason: str
) -> None:
    write(folder, name, content)
    assert is_good_read(folder)
    assert reason in reasons(folder).get(name, "")
    if reason:
        assert name in reasons(folder)


@pytest.mark.parametrize(
    "opening", ["<div>", "<ul><li>", "<b>", "<blockquote>", "<table><tr><td>", "<span class=note>"]
)
def test_html_that_nests_without_end_ends(folder: Path, opening: str) -> None:
    write(folder, "deep.html", f"<h1>T</h1><p>x</p>{opening * (DEEP // 10)}text")
    assert is_good_read(folder)
    body = zendesk_article(1, "Deep", f"<p>x</p>{opening * (DEEP // 10)}text")
    write(folder, "deep.json", json.dumps(body))
    assert is_good_read(folder)


@pytest.mark.parametrize(
    ("line", "count"),
    [("> " * 500, 50), ("- " * 500, 50), ("{{< a >}}", 1_400), ("{{< a >}}", 50_000), ("{% if a %}", 2_900),
     ("{% raw %}", 2_900), ("{% capture x %}", 2_900), ("{{ a", 2_900), ("<div>\n\n", 2_900), ("<div>\n\n", 50_000),
     ("[a](", 20_000), ("```\n", 2_000), ("*a **b ", 5_000), ("`" * 50 + " ", 500)],
)  # fmt: skip
def test_markdown_that_blows_up_parsers_ends(folder: Path, line: str, count: int) -> None:
    write(folder, "deep.md", f"# T\n\n{line * count}")
    assert is_good_read(folder)


def test_entities_in_a_word_document_are_never_expanded(folder: Path) -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE x [<!ENTITY l0 "lol"><!ENTITY f SYSTEM "file:///etc/passwd">{entities}]>'
    write(folder, "laughs.docx", build_docx(paragraph("T", "Title"), paragraph("&l9;&f;"), head=head))
    plain = zipfile.ZipFile(io.BytesIO(build_docx(paragraph("T", "Title"), paragraph("&l9;"), head=head)))
    parts: dict[str, str | bytes] = {name: plain.read(name) for name in plain.namelist()}
    parts["word/document.xml"] = bytes(parts["word/document.xml"]).decode().replace("UTF-8", "UTF-16").encode("utf-16")
    write(folder, "wide.docx", build_zip(parts))
    assert set(reasons(folder)) == {"laughs.docx", "wide.docx"}
    assert all("document type" in reason for reason in reasons(folder).values())


def test_a_bomb_is_not_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = b"0" * 60_000_000
    write(folder, "bomb.docx", build_zip({"word/document.xml": zeros}))
    assert "unpacks to more" in reasons(folder)["bomb.docx"]
    monkeypatch.setattr(files, "ARCHIVE_MAX_BYTES", 2_000_000)
    packed = {"good.md": GOOD} | {f"{n}.csv": "question,answer\n" + "a,b\n" * 100_000 for n in range(20)}
    found = read_articles(write(folder, "all.zip", build_zip(packed)))
    assert sum("unpacks to more" in note.reason for note in found.skipped) >= 15


def test_a_name_that_leads_out_of_an_archive_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("../up.md", "/abs.md", "a/../../up2.md", "C:/win.md", "..\\back.md", "good.md"):
            archive.writestr(name, GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("good.md", "---\ntitle: Second\n---\nText")
        link = zipfile.ZipInfo("link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("inner.zip", build_zip({"a.md": GOOD}))
    found = read_articles(write(tmp_path, "all.zip", buffer.getvalue()))
    assert [draft.slug for draft in found.drafts] == ["good"]
    told = {note.source: note.reason for note in found.skipped}
    assert set(told) == {
        "../up.md",
        "/abs.md",
        "a/../../up2.md",
        "C:/win.md",
        "../back.md",
        "good.md",
        "link.md",
        "inner.zip",
    }
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"x" * 1000])
def test_what_is_no_archive_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInputError, match="not a zip archive"):
        read_articles(write(tmp_path, "a.zip", content))


def test_too_many_files_are_refused_before_any_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write(tmp_path, f"in/{number}.md", GOOD)
    packed = write(tmp_path, "all.zip", build_zip({f"{number}.md": GOOD for number in range(6)}))
    monkeypatch.setattr(files, "FILES_MAX", 5)
    for path in (tmp_path / "in", packed):
        with pytest.raises(InvalidInputError, match="more than 5 files"):
            read_articles(path)


def test_entries_that_share_one_packed_block_are_refused(tmp_path: Path) -> None:
    """An archive of a few kilobytes that claims four hundred files, all of them the same megabyte."""
    data = build_zip({"0.md": b"x" * 1_000_000})
    start = data.index(b"PK\x01\x02")
    names = [f"{number}.md".encode() for number in range(400)]
    directory = b"".join(
        data[start : start + 28] + struct.pack("<HH", len(name), 0) + data[start + 32 : start + 46] + name
        for name in names
    )
    finish = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(names), len(names), len(directory), start, 0)
    found = read_articles(write(tmp_path, "all.zip", data[:start] + directory + finish))
    assert not found.drafts
    assert len(found.skipped) == 400


def test_links_that_go_round_in_circles_end(folder: Path) -> None:
    (folder / "again").symlink_to(folder, target_is_directory=True)
    (folder / "self.md").symlink_to(folder / "self.md")
    assert is_good_read(folder)
    assert set(reasons(folder)) == {"again", "self.md"}


def test_names_that_are_no_text_are_mended_in_the_report(folder: Path, base: KnowledgeBase) -> None:
    for name in (b"caf\xe9.md", b"\xff.md", b"\x1b[31mred.md", b"a\nb.html", b"caf\xe9.csv"):
        (folder / os.fsdecode(name)).write_bytes(b"" if name.endswith((b"csv", b"html")) else GOOD.encode())
    (folder / os.fsdecode(b"l\xff")).symlink_to("/etc")
    found = read_articles(folder)
    assert {draft.source for draft in found.drafts} == {"good.md", "caf�.md", "�.md", "�[31mred.md"}
    assert {note.source for note in found.skipped} == {"a�b.html", "caf�.csv", "l�"}
    base.import_articles(found.drafts, "Ada")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("\x1b[31mred.md", GOOD)
    assert [draft.source for draft in read_articles(folder / "all.zip").drafts] == ["�[31mred.md"]
    assert [draft.source for draft in read_articles(folder / os.fsdecode(b"caf\xe9.md")).drafts] == ["caf�.md"]


ODD: list[object] = [None, 0, -1, 1.5, True, "x", "", "\0", "<b>", "..", "http://[", "//[x", [], {}, [1], [None], [[]],
                     [{}], {"a": 1}, {"type": "x"}, 2**63]  # fmt: skip
HELP_CENTRES = (
    {
        "articles": [
            {
                **zendesk_article(1, "A", "<p>x</p>"),
                "translations": [{"locale": "fr", "title": "F", "body": "y", "draft": False}],
                "label_names": ["a"],
                "section_id": 5,
                "source_locale": "en-us",
            }
        ],
        "sections": [{"id": 5, "name": "S"}],
        "translations": [{"source_id": 1, "source_type": "Article", "locale": "de", "title": "D", "body": "z"}],
    },
    {"type": "list", "data": [intercom_article(1, "T", "<p>x</p>"), {"type": "collection", "id": 1, "name": "C"}]},
    [{"question": "q", "answer": "a", "phrasings": ["b"], "language": "en", "tags": ["t"], "slug": "s", "url": "/x"}],
)


def odd_versions(value: object) -> st.SearchStrategy[object]:
    """The same value, with values of other types in a few places."""
    if isinstance(value, dict):
        same: st.SearchStrategy[object] = st.fixed_dictionaries({name: odd_versions(v) for name, v in value.items()})
    elif isinstance(value, list):
        same = st.tuples(*map(odd_versions, value)).map(list)
    else:
        same = st.just(value)
    return st.integers(0, 5).flatmap(lambda n: same if n else st.sampled_from(ODD))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of([odd_versions(export) for export in HELP_CENTRES]))
def test_an_export_with_wrong_types_everywhere_is_reported(folder: Path, export: object) -> None:
    write(folder, "odd.json", json.dumps(export))
    assert is_good_read(folder)


def test_a_slug_that_occurs_twice_is_reported(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        write(tmp_path, name, f"---\ntitle: {name}\nslug: same\n---\nText")
    write(tmp_path, "c.md", "---\ntitle: c\nslug: same\nlang: de\n---\nText")
    found = read_articles(tmp_path)
    assert [(draft.language, draft.source) for draft in found.drafts] == [("en", "a.md"), ("de", "c.md")]
    assert [(note.source, note.reason) for note in found.skipped] == [
        ("b.md", 'a.md has the slug "same" in the same language; give one of them another.')
    ]


def test_a_parser_that_fails_unforeseen_costs_its_own_file_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(articles._READERS, "html", fail)
    write(folder, "bad.html", "<h1>x</h1>")
    assert is_good_read(folder)
    assert reasons(folder) == {"bad.html": "It is damaged: its html cannot be read."}


def test_an_import_that_fails_in_the_middle_leaves_nothing(
    base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.import_articles(CENTRE[:2], "Ada")
    before = [(line.slug, line.revision) for line in base.articles.list_published()]
    insert = base.articles._insert
    calls = iter(range(100))

    def fail_third(*arguments: object) -> object:
        if next(calls) == 2:
            raise OSError("the disk is full")
        return insert(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(base.articles, "_insert", fail_third)
    with pytest.raises(OSError, match="disk"):
        base.import_articles(CENTRE, "Ada")
    assert [(line.slug, line.revision) for line in base.articles.list_published()] == before
    assert base.ask("export my photos").results == () or base.articles.count() == (2, 2)


@pytest.mark.parametrize(
    "body", ['{"articles": [', '{"articles": [{"title": 7}], "author": "Ada"}', "[" * DEEP, '{"articles": 7}']
)
def test_a_broken_import_request_changes_nothing(desk: Desk, centre: KnowledgeBase, body: str) -> None:
    before = centre.articles.count()
    response = desk._client.post("/import", data=body, headers=desk.headers)
    assert response.status_code in (200, 400)
    assert centre.articles.count() == before
    if response.status_code == 200:
        assert len(response.get_json()["skipped"]) == 1


def test_the_cases_here_are_hostile(tmp_path: Path, open_base: Callable[..., KnowledgeBase]) -> None:
    """The parsers behind do break on these when nothing stands in front: the tests above prove something."""
    import yaml

    with pytest.raises(RecursionError):
        yaml.load("[" * DEEP, Loader=yaml.SafeLoader)
    assert len(zipfile.ZipFile(io.BytesIO(build_zip({"a": b"0" * 1_000_000}))).read("a")) == 1_000_000
