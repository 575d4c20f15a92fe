"""The closed set of events: what goes into the log comes out of it, and nothing else comes in."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from handoff.events import FLOOR_BODIES, PRIVATE_BODIES, AnyBody, Author, Draft, Event, kind_of
from tests.handoff.cast import BODIES, BODY_TYPES, BY_GRACE, example

README = Path(__file__).resolve().parents[2] / "handoff" / "README.md"

decode_body = msgspec.json.Decoder(AnyBody).decode


def test_every_kind_has_an_example() -> None:
    assert [type(body) for body in BODIES] == list(BODY_TYPES)
    assert len({kind_of(body) for body in BODIES}) == len(BODIES)


@pytest.mark.parametrize("body", BODIES, ids=kind_of)
def test_body_comes_out_of_json_as_it_went_in(body: AnyBody) -> None:
    raw = msgspec.json.encode(body)
    assert msgspec.json.decode(raw)["kind"] == kind_of(body)
    assert decode_body(raw) == body


@pytest.mark.parametrize("body", BODIES, ids=kind_of)
def test_body_with_an_unknown_field_is_refused(body: AnyBody) -> None:
    known = msgspec.to_builtins(body)
    assert decode_body(msgspec.json.encode(known)) == body
    with pytest.raises(msgspec.ValidationError, match="unknown field `extra`"):
        decode_body(msgspec.json.encode(known | {"extra": 1}))


@pytest.mark.parametrize("body", [b for b in BODIES if b.__struct_fields__], ids=kind_of)
def test_body_without_a_required_field_is_refused(body: AnyBody) -> None:
    known = msgspec.to_builtins(body)
    known.pop(body.__struct_fields__[0])
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        decode_body(msgspec.json.encode(known))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="Invalid value 'visitor_shouted'"):
        decode_body(b'{"kind": "visitor_shouted", "text": "HELLO"}')


def test_author_with_an_unknown_kind_or_field_is_refused() -> None:
    decode = msgspec.json.Decoder(Author).decode
    assert decode(msgspec.json.encode(BY_GRACE)) == BY_GRACE
    for raw in (b'{"kind": "robot"}', b'{"kind": "operator", "role": "admin"}'):
        with pytest.raises(msgspec.ValidationError):
            decode(raw)


@pytest.mark.parametrize("body", BODIES, ids=kind_of)
def test_bodies_and_events_cannot_be_changed(body: AnyBody) -> None:
    event = Event("c1", 1, 0, 0.0, BY_GRACE, body)
    with pytest.raises(AttributeError):
        event.seq = 2
    with pytest.raises(AttributeError):
        Draft(BY_GRACE, body).client_id = "other"
    for field in body.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(body, field, None)


def test_floor_and_private_kinds_are_kinds_and_apart() -> None:
    assert set(FLOOR_BODIES) <= set(get_args(AnyBody))
    assert set(PRIVATE_BODIES) <= set(get_args(AnyBody))
    assert not set(FLOOR_BODIES) & set(PRIVATE_BODIES)


def test_readme_lists_exactly_the_kinds_of_the_code() -> None:
    section = re.search(r"^## Events\n(.*?)(?=^## |\Z)", README.read_text(), re.MULTILINE | re.DOTALL)
    assert section, "handoff/README.md needs a section '## Events'"
    listed = re.findall(r"`([a-z_]+)`", section.group(1))
    assert sorted(set(listed)) == sorted(kind_of(example(body_type)) for body_type in BODY_TYPES)
