"""What changed between revisions, and the way back to any state that was ever published."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge_base.article import ArticleContent, build_content
from knowledge_base.library import KnowledgeBase
from knowledge_base.revision_diff import compare_contents
from tests.knowledge_base.conftest import Desk

texts = st.lists(st.sampled_from(["a", "b", "c", "", "1. a"]), max_size=12).map("\n".join)


def test_only_fields_that_differ_are_told() -> None:
    before = ArticleContent("Title", "one\ntwo\nthree", ("a",), ("how",))
    after = ArticleContent("Title", "one\n2\nthree", ("a", "b"), ("how",), "staff")
    assert {change.field: change.lines for change in compare_contents(before, after)} == {
        "body": (("same", "one"), ("removed", "two"), ("added", "2"), ("same", "three")),
        "tags": (("same", "a"), ("added", "b")),
        "audience": (("removed", "everyone"), ("added", "staff")),
    }
    assert compare_contents(after, after) == ()


def test_the_first_revision_added_everything() -> None:
    changes = compare_contents(None, build_content("T", "a\nb"))
    assert {kind for change in changes for kind, _ in change.lines} == {"added"}


@given(texts, texts)
def test_both_sides_can_be_read_off_a_diff(old: str, new: str) -> None:
    for change in compare_contents(ArticleContent("T", old), ArticleContent("T", new)):
        assert "\n".join(text for kind, text in change.lines if kind != "added") == old
        assert "\n".join(text for kind, text in change.lines if kind != "removed") == new


def test_every_published_state_can_be_restored(desk: Desk, centre: KnowledgeBase) -> None:
    place = "/articles/en/opening-hours"
    first = desk.get(place)
    for number, words in enumerate(("Second.", "Third."), 1):
        desk.put(
            place, {"title": words, "body": words, "audience": "staff", "author": "Grace", "base_revision": number}
        )
        desk.post(f"{place}/publish", {"author": "Grace"})
    desk.post(f"{place}/archive", {"author": "Grace"})
    restored = desk.post(f"{place}/revisions/1/restore", {"author": "Ada", "base_revision": 3})
    assert (restored["revision"], restored["author"], restored["status"]) == (4, "Ada", "archived")
    desk.post(f"{place}/publish", {"author": "Ada"})
    now = desk.get(f"{place}?published=1")
    assert {name: now[name] for name in ("title", "body", "tags", "phrasings", "audience")} == {
        name: first[name] for name in ("title", "body", "tags", "phrasings", "audience")
    }
    assert desk.get(f"{place}/revisions/4/diff?against=1")["changes"] == []
    assert [c["field"] for c in desk.get(f"{place}/revisions/2/diff")["changes"]] == ["title", "body", "audience"]
    assert desk.post("/search", {"question": "Opening hours"})["results"][0]["revision"] == 4


def test_an_answer_keeps_the_passage_that_it_showed(desk: Desk, centre: KnowledgeBase) -> None:
    shown = desk.post("/search", {"question": "Opening hours"})["results"][0]
    place = "/articles/en/opening-hours"
    desk.put(place, {"title": "Opening hours", "body": "Closed.", "author": "Grace", "base_revision": 1})
    desk.post(f"{place}/publish", {"author": "Grace"})
    later = desk.post("/search", {"question": "Opening hours"})["results"][0]
    assert (later["revision"], later["passage"]["text"]) == (2, "Closed.")
    assert desk.get(f"{place}/revisions/{shown['revision']}")["body"] == shown["passage"]["text"]
    assert later["passage"]["id"] != shown["passage"]["id"]
