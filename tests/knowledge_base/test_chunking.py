"""Cutting articles into passages."""

import re

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.chunking import (
    PASSAGE_MAX_TOKENS,
    WHOLE_MAX_TOKENS,
    build_passages,
    split_windows,
    widen_passage,
)
from knowledge_base.markup import render_html


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


@given(st.lists(st.sampled_from(["# A", "## B", "text.", "- x", "1. y", "", "| a |", "|---|", "> q", "```", "    c"])))
def test_no_word_is_lost_and_nothing_raises(lines: list[str]) -> None:
    body = "\n".join(lines)
    passages = cut(body or "x", max_tokens=8)
    assert passages
    said = " ".join(" ".join(p.headings) + " " + p.text for p in passages)
    for word in ("text", "x", "y", "q", "c"):
        assert not re.search(rf"(?m)^\W*{word}\b", body) or word in said


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
