"""Questions and answers in tables and in JSON: columns, delimiters, standing, and what is no text."""

import json
from pathlib import Path

import pytest

from knowledge_base.importing.articles import read_articles
from tests.knowledge_base.files import read_one, reasons, write


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8-sig", ","), ("cp1252", ";"), ("utf-16", "\t"), ("utf-8", "|"), ("utf-16-le", ","), ("utf-16-be", ";")],
)
def test_a_table_is_read_in_any_encoding_with_any_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = f"Frage{delimiter}Antwort\r\nKennwort ändern?{delimiter}Über das Konto.\r\n"
    found = read_articles(write(tmp_path, "faq.de.csv", text.encode(encoding)))
    (draft,) = found.drafts
    assert (draft.language, draft.content.title, draft.content.body) == ("de", "Kennwort ändern?", "Über das Konto.")
    is_guessed = encoding in ("cp1252", "utf-16-le", "utf-16-be")
    assert [note.source for note in found.warnings] == (["faq.de.csv#2"] if is_guessed else [])


def test_questions_with_one_answer_are_one_article(tmp_path: Path) -> None:
    text = (
        'question,answer,tags,slug,audience\nReset?|Forgot it?,"Do, so.","mail, web",reset,staff\n'
        '"How?\nHow so?",Like this.,,,\n'
        "Why?,Like this.,,,\nNo answer,,,,\n,No question,,,\n\n"
    )
    found = read_articles(write(tmp_path, "faq.csv", text))
    reset, how = found.drafts
    assert (reset.slug, reset.content.title, reset.content.phrasings) == ("reset", "Reset?", ("Forgot it?",))
    assert (reset.content.body, reset.content.tags, reset.content.audience) == ("Do, so.", ("mail", "web"), "staff")
    assert (how.slug, how.content.title, how.content.phrasings) == ("how", "How?", ("How so?", "Why?"))
    assert reasons(found) == dict.fromkeys(["faq.csv#6", "faq.csv#7"], "It has no question, or no answer.")


def test_rows_with_one_answer_are_apart_if_not_everybody_may_read_them(tmp_path: Path) -> None:
    text = "question,answer,status,audience\nHow?,So.,,\nSecret?,So.,draft,\nStaff?,So.,,staff\nWhy?,So.,,\n"
    found = read_articles(write(tmp_path, "faq.csv", text))
    assert {(d.content.title, d.status, d.content.audience): d.content.phrasings for d in found.drafts} == {
        ("How?", None, "everyone"): ("Why?",),
        ("Secret?", "draft", "everyone"): (),
        ("Staff?", None, "staff"): (),
    }


def test_equal_questions_with_different_answers_are_told_apart(tmp_path: Path) -> None:
    found = read_articles(write(tmp_path, "faq.csv", "question,answer\nHow?,One way.\nHow?,Another way.\n"))
    assert {draft.slug for draft in found.drafts} == {"faq-csv-2-how", "faq-csv-3-how"}


def test_a_table_without_a_header_is_question_and_answer(tmp_path: Path) -> None:
    found = read_articles(write(tmp_path, "faq.tsv", "How so?\tLike this.\t\n"))
    assert [(draft.content.title, draft.content.body) for draft in found.drafts] == [("How so?", "Like this.")]
    assert [(note.source, note.reason) for note in found.warnings] == [
        ("faq.tsv#1", "Its first line names no columns: the first one was read as questions, the second as answers.")
    ]


def test_the_delimiter_is_the_sign_that_cuts_every_line_alike(tmp_path: Path) -> None:
    found = read_articles(write(tmp_path, "faq.csv", "Wie, und wann?;Mit Karte, sofort.\nWo?;Hier, dort.\n"))
    assert [draft.content.body for draft in found.drafts] == ["Mit Karte, sofort.", "Hier, dort."]


@pytest.mark.parametrize(
    "header",
    [
        "ID,Kundenfrage,Unsere Antwort",
        "x,FAQ Question,FAQ Answer",
        "Question ID,Question text,Answer text",
        "Title,Question,Answer",
        "Answered by,Question,Our answer",
    ],
)
def test_columns_are_found_by_a_word_in_their_names(tmp_path: Path, header: str) -> None:
    found = read_articles(write(tmp_path, "faq.csv", f"{header}\nBilling,How?,So.\n"))
    assert [(draft.content.title, draft.content.body) for draft in found.drafts] == [("How?", "So.")]
    assert found.warnings == ()


def test_an_answer_in_html_becomes_markdown(tmp_path: Path) -> None:
    html = "<p>Go to <b>Billing</b>.</p><ul><li>Open it</li></ul>"
    assert read_one(tmp_path, "a.csv", f"question,answer\nHow?,{html}\n").content.body == (
        "Go to **Billing**.\n\n- Open it"
    )
    rows = json.dumps([{"question": "How?", "answer": f"{html}"}])
    assert read_one(tmp_path, "a.json", rows).content.body == "Go to **Billing**.\n\n- Open it"
    mixed = json.dumps([{"question": "How?", "answer": "- **one**\n\n<div>two</div>"}])
    assert read_one(tmp_path, "b.json", mixed).content.body == "- **one**\n\ntwo"
    plain = json.dumps([{"question": "How?", "answer": "**one** <b>two</b> 1 < 2"}])
    assert read_one(tmp_path, "c.json", plain).content.body == "**one** <b>two</b> 1 < 2"


def test_an_answer_in_parts_is_joined_and_an_object_is_refused(tmp_path: Path) -> None:
    rows = [
        {"question": "One?", "answer": ["Step 1", "Step 2"]},
        {"question": "Two?", "answer": {"text": "hi"}},
        {"question": "Three?", "answer": [{"text": "hi"}]},
        {"question": {"text": "Four?"}, "answer": "hi"},
        {"question": "Five?", "answer": 5},
    ]
    found = read_articles(write(tmp_path, "a.json", json.dumps(rows)))
    assert [draft.content.body for draft in found.drafts] == ["Step 1\n\nStep 2", "5"]
    objects = "is an object with names; write it as text."
    assert reasons(found) == {
        "a.json#2": f"Its answer {objects}",
        "a.json#3": f"Its answer {objects}",
        "a.json#4": f"Its question {objects}",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('question,answer\nHow?,"never closed\n', "breaks off at line 2"),
        ("question,price\nHow?,5\n", "Name two of the columns"),
        ("just one column\n", "Name two of the columns"),
        ("How?,So.,Mail\nWhy?,Because.\n", "It has 3 columns"),
        ("\n\n", "no rows"),
        ("question,answer\n", "no rows"),
    ],
)
def test_a_table_that_is_none_is_reported_whole(tmp_path: Path, text: str, reason: str) -> None:
    found = read_articles(write(tmp_path, "faq.csv", text))
    assert found.drafts == ()
    assert reason in reasons(found)["faq.csv"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("faq.csv", "question,answer,status\nHow?,So.,inactive\n"),
        ("faq.csv", "question,answer,Status\nHow?,So.,Unpublished\n"),
        ("faq.csv", "question,answer,status\nHow?,So.,whatever\n"),
        ("faq.csv", "question,answer,Published\nHow?,So.,no\n"),
        ("faq.csv", "Frage;Antwort;Entwurf\nHow?;So.;ja\n"),
        ("faq.jsonl", '{"question": "How?", "answer": "So.", "draft": true}'),
        ("faq.jsonl", '{"question": "How?", "answer": "So.", "published": false}'),
        ("faq.jsonl", '{"question": "How?", "answer": "So.", "published": 0}'),
    ],
)
def test_a_row_that_is_not_public_is_a_draft(tmp_path: Path, name: str, text: str) -> None:
    assert read_one(tmp_path, name, text).status == "draft"


def test_json_lines_are_read_one_by_one(tmp_path: Path) -> None:
    lines = ['{"question":"A?","answer":"B","phrasings":["C?"]}', "{broken", '{"a":1}', "7", '{"q":"D?","a":"E"}']
    found = read_articles(write(tmp_path, "faq.jsonl", "\n".join(lines)))
    assert [(d.content.title, d.content.phrasings) for d in found.drafts] == [("A?", ("C?",)), ("D?", ())]
    assert list(reasons(found)) == ["faq.jsonl#2", "faq.jsonl#3", "faq.jsonl#4"]
