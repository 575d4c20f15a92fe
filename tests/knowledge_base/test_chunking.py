"""Cutting articles into passages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.chunking import (
    PASSAGE_MAX_TOKENS,
    WHOLE_MAX_TOKENS,
    build_passages,
    split_windows,
    widen_passage,
)
from knowledge_base.markup import parse_blocks, render_html


def count_words(text: str) -> int:
    return len(re.findall(r"\w+", text))


def cut(body: str, max_tokens: int = PASSAGE_MAX_TOKENS):
    return build_passages(body, count_tokens=count_words, max_tokens=max_tokens)


def sentences(count: int) -> str:
    return " ".join(f"This is sentence number {n} of them." for n in range(count))


def test_passages_keep_to_their_heading_and_carry_its_path() -> None:
    passages = cut("Intro.\n\n## Mail\n\nAbout mail.\n\n### Phone\n\nOn a phone.\n\n## Web\n\nAbout the web.")
    assert [(p.headings, p.text) for p in passages] == [
        ((), "Intro."),
        (("Mail",), "About mail."),
        (("Mail", "Phone"), "On a phone."),
        (("Web",), "About the web."),
    ]
    assert passages[2].describe("Set up") == "Set up. Mail. Phone\nOn a phone."


def test_a_long_section_is_cut_between_paragraphs() -> None:
    passages = cut("\n\n".join([sentences(8)] * 10), max_tokens=120)
    assert len(passages) > 3
    assert all(count_words(p.text) <= 120 for p in passages)


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    passages = cut(sentences(60), max_tokens=50)
    assert all(count_words(p.text) <= 50 for p in passages)
    assert all(p.text.endswith(".") for p in passages)
    assert " ".join(p.text for p in passages) == sentences(60)


def test_numbered_steps_are_not_cut_in_the_middle() -> None:
    steps = "\n".join(f"{n}. {sentences(3)}" for n in range(1, 13))
    assert count_words(steps) > PASSAGE_MAX_TOKENS
    passages = cut(f"{sentences(10)}\n\n{steps}\n\n{sentences(10)}")
    assert sum("1. This" in p.text and "12. This" in p.text for p in passages) == 1


def test_a_table_is_not_cut_in_the_middle() -> None:
    rows = "\n".join(f"| setting {n} | {sentences(1)} |" for n in range(30))
    passages = cut(f"{sentences(20)}\n\n| a | b |\n|---|---|\n{rows}")
    assert sum("setting 0" in p.text and "setting 29" in p.text for p in passages) == 1


def test_endless_steps_are_cut_between_two_and_keep_counting() -> None:
    passages = cut("\n".join(f"{n}. {sentences(8)}" for n in range(1, 60)))
    assert len(passages) > 2
    assert all(re.match(r"\d+\. ", p.text) for p in passages)
    numbers = [int(n) for p in passages for n in re.findall(r"(?m)^(\d+)\. ", p.text)]
    assert numbers == list(range(1, 60))


def test_an_endless_table_repeats_its_header() -> None:
    rows = "\n".join(f"| setting {n} | {sentences(5)} |" for n in range(60))
    passages = cut(f"| name | meaning |\n|---|---|\n{rows}")
    assert len(passages) > 1
    assert all(p.text.startswith("name | meaning") for p in passages)


STEPS = "Do this.\n\n1. One.\n2. Two.\n\n{}\n\n3. Three.\n4. Four."


@pytest.mark.parametrize(
    "between",
    [
        "A note.",
        "> Careful.",
        "![picture](/a.png)",
        "| a | b |\n|---|---|\n| c | d |",
        "- x\n- y",
        ":::note\nCareful.\n:::",
    ],
    ids=["paragraph", "quotation", "image", "table", "bullets", "note box"],
)
def test_steps_go_on_after_what_interrupts_them(between: str) -> None:
    (passage,) = cut(STEPS.format(between), max_tokens=5)
    assert passage.markdown == STEPS.format(between)
    assert re.findall(r"(?m)^\d\. ", passage.text) == ["1. ", "2. ", "3. ", "4. "]
    assert "<li>Four.</li>" in render_html(passage.markdown)


@pytest.mark.parametrize("below", ["  - x\n  - y", "| a | b |\n|---|---|\n| c | d |"], ids=["indented", "table"])
def test_what_stands_below_the_last_step_belongs_to_it(below: str) -> None:
    (passage,) = cut(f"1. One.\n2. Two.\n\n{below}", max_tokens=5)
    assert passage.markdown.endswith(below)
    (passage,) = cut("1. One.\n2. Type:\n\n```\nx\n```", max_tokens=2)
    assert passage.text.endswith("x")


def test_another_list_and_a_long_text_are_no_part_of_the_steps() -> None:
    assert len(cut("1. One.\n2. Two.\n\nText.\n\n1. Other.\n2. List.", max_tokens=4)) == 2
    assert len(cut(f"1. One.\n2. Two.\n\n{sentences(60)}\n\n3. Three.", max_tokens=4)) > 60
    assert [p.headings for p in cut("## A\n\n1. One.\n\n## B\n\n2. Two.")] == [("A",), ("B",)]


def test_a_short_paragraph_in_front_introduces_steps_and_tables() -> None:
    table = "| a | b |\n|---|---|\n" + "\n".join(f"| {n} | {sentences(4)} |" for n in range(9))
    steps = "\n".join(f"{n}. {sentences(4)}" for n in range(1, 10))
    for block in (table, steps):
        *_, last = cut(f"{sentences(20)}\n\nThis is what to do.\n\n{block}")
        assert last.text.startswith("This is what to do.\n")
        *_, last = cut(f"{sentences(20)}\n\n{block}")
        assert not last.text.startswith("This is")


def test_steps_that_were_cut_are_shown_from_their_beginning_with_the_one_that_was_found() -> None:
    steps = "\n".join(f"{n}. {sentences(8)}" for n in range(1, 30))
    passages = cut(f"Do this.\n\n{steps}\n\nThat is all.")
    assert [p.continues for p in passages] == [False, *[True] * (len(passages) - 1)]
    (found,) = (n for n, p in enumerate(passages) if "20. This" in p.text)
    shown = widen_passage(passages, found)
    numbers = [int(n) for n in re.findall(r"(?m)^(\d+)\. ", shown.text)]
    assert shown.text.startswith("Do this.\n")
    assert numbers[0] == 1
    assert 20 in numbers
    assert shown.text.count("\n…") == 2
    assert widen_passage(passages, len(passages) - 1).text.endswith("That is all.")


def test_a_step_that_announces_something_stays_part_of_its_steps_when_they_are_cut() -> None:
    steps = "\n".join(f"{n}. {sentences(8)} Type this:\n\n```\n{sentences(20)}\n```\n" for n in range(1, 9))
    passages = cut(f"## Other\n\nText.\n\n## Steps\n\nDo this.\n\n{steps}")
    assert len(passages) > 4
    assert [p.continues for p in passages] == [False, False, *[True] * (len(passages) - 2)]
    for passage in passages[1:]:
        assert widen_passage(passages, passage.position).text.startswith("Do this.\n")


def test_cut_steps_that_fit_are_shown_whole() -> None:
    steps = "\n".join(f"{n}. {'词' * 30}。" for n in range(1, 30))
    passages = build_passages(steps, count_tokens=len)
    assert len(passages) > 3
    for passage in passages:
        assert re.findall(r"(?m)^(\d+)\. ", widen_passage(passages, passage.position).text) == [
            str(n) for n in range(1, 30)
        ]


def test_steps_that_are_all_called_one_keep_counting_when_they_are_cut() -> None:
    steps = "\n".join(f"1. {sentences(8)}\n\n   Mind this." for _ in range(40))
    passages = cut(steps)
    assert len(passages) > 2
    numbers = [int(n) for p in passages for n in re.findall(r"(?m)^(\d+)\. ", p.text)]
    assert numbers == list(range(1, 41))
    assert all(render_html(p.markdown).count("<ol") == 1 for p in passages)
    assert all(parse_blocks(p.markdown)[-1].type == "ordered_list_close" for p in passages)


def test_every_part_of_an_endless_table_keeps_its_introduction() -> None:
    rows = "\n".join(f"| setting {n} | {sentences(5)} |" for n in range(60))
    passages = cut(f"All settings.\n\n| name | meaning |\n|---|---|\n{rows}")
    assert len(passages) > 1
    assert all(p.text.startswith("All settings.\n\nname | meaning") for p in passages)
    assert all(count_words(p.text) <= PASSAGE_MAX_TOKENS + 4 for p in passages)


def test_a_note_box_ends_where_its_author_ended_it() -> None:
    (passage,) = cut(":::note\nMind this.\n:::\n\nGo on.")
    assert render_html(passage.markdown).endswith("</blockquote>\n<p>Go on.</p>")


def test_many_lists_that_count_on_take_no_long() -> None:
    """Each is joined to the one before it in place: the time must not grow with the square of their number."""
    passages = cut("1. a\n\n" + "\n\n".join(f"note\n\n{n}. b" for n in range(2, 5_000)))
    assert passages[-1].text.endswith("4999. b")


def test_a_sentence_that_announces_a_list_stays_with_it() -> None:
    steps = "\n".join(f"- {sentences(3)}" for _ in range(8))
    passages = cut(f"{sentences(26)}\n\nYou need:\n\n{steps}")
    assert sum("You need:" in p.text and "• This" in p.text for p in passages) == 1


def test_a_list_of_related_articles_is_no_passage() -> None:
    passages = cut("Text.\n\n## Related articles\n\n* [One](/one)\n* [Two](/two)")
    assert [p.text for p in passages] == ["Text."]


def test_an_article_of_nothing_but_links_is_still_found() -> None:
    assert "One" in cut("## Links\n\n* [One](/one)")[0].text


def test_code_is_never_taken_for_a_heading() -> None:
    assert [p.headings for p in cut("```\n# not a heading\n```\n\ntext")] == [()]


def test_a_reference_link_keeps_its_target_in_every_passage() -> None:
    passages = cut("## A\n\nSee [the page][p].\n\n## B\n\nNothing.\n\n[p]: https://example.org")
    assert "https://example.org" in passages[0].markdown
    assert "https://example.org" not in passages[1].markdown


def test_short_passage_is_shown_with_what_follows_until_there_is_enough_to_act_on() -> None:
    steps = "\n".join(f"{n}. Press button number {n} and wait until its light is green." for n in range(1, 9))
    passages = cut(f"Have your badge ready.\n\n## Steps\n\n{steps}\n\n## Later\n\nPut it away.")
    assert len(passages) == 3
    shown = widen_passage(passages, 0)
    assert (shown.position, shown.headings) == (0, ())
    assert shown.markdown.startswith("Have your badge ready.\n\n**Steps**\n\n1. Press button")
    assert "Put it away" not in shown.text
    assert widen_passage(passages, 1) == passages[1]
    assert widen_passage(passages, 2) == passages[2]


def test_a_note_is_shown_with_what_it_stands_below() -> None:
    steps = "\n".join(f"{n}. Press button number {n} and wait until its light is green." for n in range(1, 9))
    passages = cut(f"## Steps\n\n{steps}\n\n> Mind the gap.\n\n## Later\n\nPut it away.", max_tokens=60)
    assert [p.text[:8] for p in passages] == ["1. Press", "Mind the", "Put it a"]
    shown = widen_passage(passages, 1)
    assert shown.position == 1
    assert shown.text.startswith("1. Press")
    assert shown.text.endswith("Mind the gap.")
    assert widen_passage(passages, 2) == passages[2]


def test_passage_is_not_widened_beyond_what_a_chat_can_show() -> None:
    long = "word " * 400
    passages = cut(f"Short.\n\n## More\n\n{long}", max_tokens=1_000)
    assert len(passages) == 2
    assert widen_passage(passages, 0) == passages[0]


def test_windows_are_two_sentences_that_overlap() -> None:
    assert split_windows("One is here. Two is there! Three?\nFour.") == (
        "One is here. Two is there!",
        "Two is there! Three?",
        "Three? Four.",
    )
    assert split_windows("One. Two.") == ()
    assert len(split_windows("第一句。第二句。第三句。")) == 2


LINES = [
    "# A",
    "## B",
    "text.",
    "- x",
    "1. y",
    "",
    "| a |",
    "|---|",
    "> q",
    "```",
    "    c",
    "3. y",
    "  - x",
    ":::note",
    ":::",
]


@given(st.lists(st.sampled_from(LINES)))
def test_no_word_is_lost_and_nothing_raises(lines: list[str]) -> None:
    body = "\n".join(lines)
    passages = cut(body or "x", max_tokens=8)
    assert passages
    said = " ".join(" ".join(p.headings) + " " + p.text for p in passages)
    for word in ("text", "x", "y", "q", "c"):
        assert not re.search(rf"(?m)^\W*{word}\b", body) or word in said
    for passage in passages:
        assert passage.text in widen_passage(passages, passage.position).text


def test_code_that_is_too_long_is_cut_between_lines_and_stays_code() -> None:
    code = "\n".join(f"word_{n} = call(number, {n})" for n in range(400))
    passages = cut(f"Before.\n\n```python\n{code}\n```\n\nAfter.")
    pieces = [p for p in passages if "word_" in p.text]
    assert len(pieces) > 2
    assert all(count_words(p.text) <= WHOLE_MAX_TOKENS + 1 for p in pieces)
    assert all(render_html(p.markdown).count("<pre>") == 1 for p in pieces)
    assert "\n".join(p.text for p in pieces) == code


def test_a_note_box_is_kept_whole_until_it_is_endless() -> None:
    box = "> [!WARNING] Mind\n" + "\n".join(f"> {sentences(5)}" for _ in range(10))
    passages = cut(f"{sentences(20)}\n\n{box}")
    assert sum("Mind" in p.text and p.text.count("sentence number 4") == 10 for p in passages) == 1
    endless = cut("\n".join(f"> {sentences(5)}" for _ in range(80)))
    assert all(count_words(p.text) <= WHOLE_MAX_TOKENS for p in endless)


def test_a_sentence_without_an_end_is_cut_where_a_word_ends() -> None:
    text = " ".join(f"word{n}" for n in range(500))
    passages = cut(text, max_tokens=60)
    assert all(count_words(p.text) <= 60 for p in passages)
    assert " ".join(p.text for p in passages) == text
