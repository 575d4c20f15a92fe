"""What a frame means, and which frames mean nothing: tables for both doors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handoff.errors import BadFrame, BatonError, TextRefused, UnknownFrame
from handoff.events import Page
from handoff.protocol import (
    FRAME_MAX_BYTES,
    TEXT_MAX_CHARS,
    OperatorFrame,
    PageFacts,
    VisitorFrame,
    VisitorHello,
    VisitorPost,
    check_text,
    clean_line,
    client_id_of,
    decode_operator_frame,
    decode_visitor_frame,
)

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "frames"
CLIENT_ID = "0b8f6c1e-6f5e-4d5b-9a55-3f1c2f0a7d11"

VISITOR_FRAMES: list[dict[str, Any]] = [
    {"type": "hello", "token": "t", "cursor": 7, "log_epoch": "ab12", "language": "pt-BR", "timezone": "Asia/Tokyo",
     "page": {"url": "https://a.example/", "title": "A", "referrer": ""}},
    {"type": "post", "client_id": CLIENT_ID, "text": "Hello"},
    {"type": "feedback", "client_id": CLIENT_ID, "seq": 3, "helpful": False},
    {"type": "choose", "client_id": CLIENT_ID, "seq": 3, "slug": "refunds"},
    {"type": "ask_person", "client_id": CLIENT_ID},
    {"type": "leave_contact", "client_id": CLIENT_ID, "name": "Ada", "email": "ada@example.com", "message": "Call."},
    {"type": "rate", "client_id": CLIENT_ID, "score": 5, "comment": ""},
    {"type": "typing", "is_typing": True},
    {"type": "page", "url": "https://a.example/b", "title": "B"},
    {"type": "beat", "cursor": 12},
]  # fmt: skip

_FLOOR = {"client_id": CLIENT_ID, "conversation_id": "c42", "epoch": 3}

OPERATOR_FRAMES: list[dict[str, Any]] = [
    {"type": "hello"},
    {"type": "watch", "conversation_id": "c42", "cursor": 0},
    {"type": "unwatch", "conversation_id": "c42"},
    {"type": "claim", **_FLOOR},
    {"type": "release", **_FLOOR},
    {"type": "resolve", **_FLOOR},
    {"type": "return_to_bot", **_FLOOR},
    {"type": "transfer", **_FLOOR, "to": "op-alan"},
    {"type": "post", **_FLOOR, "text": "Hello"},
    {"type": "note", "client_id": CLIENT_ID, "conversation_id": "c42", "text": "Paid by card"},
    {"type": "typing", "conversation_id": "c42", "is_typing": False},
    {"type": "set_available", "is_available": False},
    {"type": "beat"},
]

Decode = Callable[[str | bytes], object]
DOORS = [pytest.param(decode_visitor_frame, frame, id=f"visitor-{frame['type']}") for frame in VISITOR_FRAMES] + [
    pytest.param(decode_operator_frame, frame, id=f"operator-{frame['type']}") for frame in OPERATOR_FRAMES
]


def frame_of(frame_type: str, **changes: Any) -> str:
    """Give a visitor's example frame with some fields changed."""
    known = next(frame for frame in VISITOR_FRAMES if frame["type"] == frame_type)
    return json.dumps(known | changes)


@pytest.mark.parametrize("frames", [VISITOR_FRAMES, OPERATOR_FRAMES], ids=["visitor", "operator"])
def test_every_frame_type_has_an_example(frames: list[dict[str, Any]]) -> None:
    union = VisitorFrame if frames is VISITOR_FRAMES else OperatorFrame
    tags = {str(frame_type.__struct_config__.tag) for frame_type in get_args(union)}
    assert {frame["type"] for frame in frames} == tags


@pytest.mark.parametrize(("decode", "frame"), DOORS)
def test_frame_is_accepted_with_all_its_fields(decode: Decode, frame: dict[str, Any]) -> None:
    decoded = decode(json.dumps(frame))
    assert msgspec.to_builtins(decoded) == frame
    assert decode(json.dumps(frame).encode()) == decoded


@pytest.mark.parametrize(("decode", "frame"), DOORS)
def test_frame_with_an_unknown_field_is_refused(decode: Decode, frame: dict[str, Any]) -> None:
    assert decode(json.dumps(frame))
    with pytest.raises(BadFrame, match="unknown field `is_admin`"):
        decode(json.dumps(frame | {"is_admin": True}))


@pytest.mark.parametrize(("decode", "frame"), DOORS)
def test_frame_with_any_field_of_the_wrong_type_is_refused(decode: Decode, frame: dict[str, Any]) -> None:
    assert decode(json.dumps(frame))
    for name in frame.keys() - {"type"}:
        with pytest.raises(BadFrame, match=f"`\\$.{name}`"):
            decode(json.dumps(frame | {name: ["nonsense"]}))


BAD_FRAMES: list[tuple[str, str | bytes, type[BatonError]]] = [
    ("nothing", "", BadFrame),
    ("no JSON", "hello", BadFrame),
    ("cut off", '{"type": "post"', BadFrame),
    ("two values", '{"type": "beat"} {"type": "beat"}', BadFrame),
    ("null", "null", BadFrame),
    ("a number", "5", BadFrame),
    ("a list", '[{"type": "beat"}]', BadFrame),
    ("no type", "{}", BadFrame),
    ("a type that is a number", '{"type": 5}', BadFrame),
    ("an unknown type", '{"type": "shout"}', UnknownFrame),
    ("an empty type", '{"type": ""}', UnknownFrame),
    ("an operator's frame", '{"type": "claim", "client_id": "abcdefgh", "conversation_id": "c", "epoch": 1}',
     UnknownFrame),
    ("NaN", '{"type": "beat", "cursor": NaN}', BadFrame),
    ("a fraction", '{"type": "beat", "cursor": 1.5}', BadFrame),
    ("a number in a string", '{"type": "beat", "cursor": "1"}', BadFrame),
    ("a negative cursor", frame_of("beat", cursor=-1), BadFrame),
    ("a cursor beyond 64 bits", frame_of("beat", cursor=2**64), BadFrame),
    ("a seq beyond what a log can hold", frame_of("feedback", seq=2**63), BadFrame),
    ("bytes that are no UTF-8", b'{"type": "post", "client_id": "abcdefgh", "text": "\xff"}', BadFrame),
    ("a surrogate in bytes", b'{"type": "post", "client_id": "abcdefgh", "text": "\xed\xa0\x80"}', BadFrame),
    ("an escaped lone surrogate", '{"type": "post", "client_id": "abcdefgh", "text": "a\\ud800b"}', BadFrame),
    ("a lone surrogate in the string itself", '{"type": "post", "client_id": "abcdefgh", "text": "\ud800"}', BadFrame),
    ("deep nesting", "[" * FRAME_MAX_BYTES, BadFrame),
    ("deep nesting inside a field", '{"type": "post", "text": ' + "[" * 60_000, BadFrame),
    ("deep nesting before the type", '{"client_id": ' + "[" * 60_000, BadFrame),
    ("no client_id", '{"type": "post", "text": "Hello"}', BadFrame),
    ("a short client_id", frame_of("post", client_id="short"), BadFrame),
    ("a long client_id", frame_of("post", client_id="x" * 65), BadFrame),
    ("a client_id with blanks", frame_of("post", client_id="abcd efgh"), BadFrame),
    ("a client_id with a line end", frame_of("post", client_id="abcdefgh\n"), BadFrame),
    ("an empty text", frame_of("post", text=""), BadFrame),
    ("4,001 characters", frame_of("post", text="x" * 4_001), BadFrame),
    ("a yes that is a string", frame_of("feedback", helpful="true"), BadFrame),
    ("a long slug", frame_of("choose", slug="x" * 201), BadFrame),
    ("no stars", frame_of("rate", score=0), BadFrame),
    ("six stars", frame_of("rate", score=6), BadFrame),
    ("a long comment", frame_of("rate", comment="x" * 1_001), BadFrame),
    ("an e-mail without an @", frame_of("leave_contact", email="ada.example.com"), BadFrame),
    ("an e-mail with two lines", frame_of("leave_contact", email="ada@example.com\nBcc:x@y"), BadFrame),
    ("an e-mail with a line end", frame_of("leave_contact", email="ada@example.com\n"), BadFrame),
    ("an endless e-mail", frame_of("leave_contact", email="a" * 250 + "@b.example"), BadFrame),
    ("a long token", frame_of("hello", token="t" * 513), BadFrame),
    ("a language with markup", frame_of("hello", language="<b>"), BadFrame),
    ("a language of dashes", frame_of("hello", language="--"), BadFrame),
    ("a time zone with markup", frame_of("hello", timezone="<script>"), BadFrame),
    ("a time zone with a line end", frame_of("hello", timezone="UTC\n"), BadFrame),
    ("an endless address", frame_of("page", url="https://a.example/" + "x" * 2_000), BadFrame),
    ("a page with an unknown field", frame_of("hello", page={"url": "", "cookies": ""}), BadFrame),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "error"), [pytest.param(raw, error, id=name) for name, raw, error in BAD_FRAMES])
def test_bad_frame_is_refused_with_its_code(raw: str | bytes, error: type[BatonError]) -> None:
    with pytest.raises(BatonError) as refusal:
        decode_visitor_frame(raw)
    assert type(refusal.value) is error
    assert refusal.value.message


@pytest.mark.parametrize("raw", [raw for _, raw, _ in BAD_FRAMES], ids=[name for name, _, _ in BAD_FRAMES])
def test_client_id_of_a_bad_frame_is_found_or_none_but_never_fails(raw: str | bytes) -> None:
    found = client_id_of(raw)
    assert found is None or len(found) <= 64


@pytest.mark.parametrize(
    ("raw", "client_id"),
    [
        ('{"type": "post", "client_id": "abcdefgh", "text": ""}', "abcdefgh"),
        (b'{"type": "shout", "client_id": "abcdefgh"}', "abcdefgh"),
        ('{"type": "post", "client_id": 5}', None),
        ('{"type": "post", "client_id": "' + "x" * 65 + '"}', None),
        ('["client_id"]', None),
        ("no JSON", None),
    ],
)
def test_client_id_of_tells_which_frame_was_refused(raw: str | bytes, client_id: str | None) -> None:
    assert client_id_of(raw) == client_id


def test_longest_message_is_accepted_and_fits_a_frame_however_it_is_escaped() -> None:
    for text in ("x" * TEXT_MAX_CHARS, "é" * TEXT_MAX_CHARS, "😀" * TEXT_MAX_CHARS):
        raw = frame_of("post", text=text)
        assert len(raw.encode()) <= FRAME_MAX_BYTES
        frame = decode_visitor_frame(raw)
        assert isinstance(frame, VisitorPost)
        assert frame.text == text


def test_hello_needs_nothing_but_a_token() -> None:
    assert decode_visitor_frame('{"type": "hello", "token": ""}') == VisitorHello("")


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_input_makes_a_decoder_fail_in_another_way_than_refusal(raw: str | bytes) -> None:
    for decode in (decode_visitor_frame, decode_operator_frame):
        with pytest.raises((BadFrame, UnknownFrame)):
            decode(raw)
    client_id_of(raw)


# --- texts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "recorded"),
    [
        ("Hello", "Hello"),
        ("  Hello\n ", "Hello"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tab\there", "tab\there"),
        ("emoji 👩‍💻 and ḁ̈", "emoji 👩‍💻 and ḁ̈"),
        ("עברית with \u200fa mark", "עברית with \u200fa mark"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_text_is_recorded_as_written_but_for_line_ends_and_outer_blanks(text: str, recorded: str) -> None:
    assert check_text(text) == recorded
    assert check_text(recorded) == recorded


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\n", "\u2003\u3000"])
def test_text_of_blanks_is_refused_as_empty(text: str) -> None:
    with pytest.raises(TextRefused, match="empty") as refusal:
        check_text(text)
    assert refusal.value.field == "text"


FORBIDDEN = [
    *(chr(code) for code in range(0x20) if chr(code) not in "\t\n\r"),
    *(chr(code) for code in range(0x7F, 0xA0)),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffe\uffff",
]


@pytest.mark.parametrize("character", FORBIDDEN, ids=lambda c: f"U+{ord(c):04X}")
def test_text_with_a_forbidden_character_is_refused_by_its_code_point(character: str) -> None:
    assert check_text("pay10USD")
    with pytest.raises(TextRefused, match=f"U\\+{ord(character):04X} at position 3") as refusal:
        check_text(f"pay{character}10USD")
    assert refusal.value.field == "text"


@given(st.text())
def test_text_is_either_refused_or_stays_as_it_is_when_checked_again(text: str) -> None:
    try:
        once = check_text(text)
    except TextRefused:
        return
    assert check_text(once) == once
    assert not set(once) & {*FORBIDDEN, "\r"}


@given(st.text())
def test_clean_line_is_one_line_without_control_characters(text: str) -> None:
    line = clean_line(text)
    assert not set(line) & {*FORBIDDEN, "\r", "\n", "\t"}
    assert clean_line(line) == line


def test_page_facts_are_cleaned() -> None:
    facts = PageFacts("https://a.example/\x00", "A\n\u202etitle", "")
    assert facts.as_page() == Page("https://a.example/", "A title", "")


# --- the frames that the front ends are tested with ---------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*_sends_*.json")), ids=lambda path: path.stem)
def test_frames_that_the_front_ends_send_are_accepted(path: Path) -> None:
    decode = decode_visitor_frame if path.stem.startswith("visitor_") else decode_operator_frame
    assert decode(path.read_text())


def test_there_are_front_end_frames_for_both_doors() -> None:
    stems = {path.stem for path in FIXTURES.glob("*_sends_*.json")}
    assert {f"visitor_sends_{frame['type']}" for frame in VISITOR_FRAMES} <= stems
    assert {f"operator_sends_{frame['type']}" for frame in OPERATOR_FRAMES} <= stems
