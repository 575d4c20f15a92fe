"""What a frame means: the typed, closed set of what visitors and operators may send, rung 1 of the ladder.

Frames are JSON objects with a `type`; unknown types, unknown fields, wrong types and texts out of bounds are
refused with a sentence that names them. Nothing here touches a socket. The close codes of both gateways are listed
here too.
"""

import re
from enum import IntEnum
from typing import Annotated, TypeVar

import msgspec

from handoff.errors import BadFrame, TextRefused, UnknownFrame
from handoff.events import Page

FRAME_MAX_BYTES = 65_536
"""Longest frame a client may send. A message of 4,000 characters is at most 16 kB of UTF-8, or 48 kB escaped."""

TEXT_MAX_CHARS = 4_000
HEARTBEAT_S = 25
"""Below the 30 s after which the strictest common proxies cut an idle socket."""

PROTOCOL_PAGE_EVENTS = 200
"""A connection reads the log in pages of this many events."""


class CloseCode(IntEnum):
    """Why a socket was closed, and so whether and when to come back; the table in README says it in words."""

    BAD_HELLO = 4001
    TOKEN_INVALID = 4002
    BLOCKED = 4003
    TOO_SLOW = 4008
    TOO_MANY_FRAMES = 4009
    INTERNAL = 4011
    COME_BACK = 4012
    SIGNED_OUT = 4401


ClientId = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+\Z")]
ConversationIdText = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_MAX_CHARS)]
ShortText = Annotated[str, msgspec.Meta(max_length=200)]
Url = Annotated[str, msgspec.Meta(max_length=2_000)]
Language = Annotated[str, msgspec.Meta(min_length=2, max_length=35, pattern=r"^[A-Za-z0-9]+(-[A-Za-z0-9]+)*\Z")]
Timezone = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+\Z")]
Seq = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]  # what JavaScript can count to, and every store can hold


class _Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=True):
    """Base of all frames."""


class PageFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The page of the host's site that the visitor looks at."""

    url: Url = ""
    title: Annotated[str, msgspec.Meta(max_length=500)] = ""
    referrer: Url = ""

    def as_page(self) -> Page:
        """Give it as the event's value, without control characters."""
        return Page(clean_line(self.url), clean_line(self.title), clean_line(self.referrer))


class VisitorHello(_Frame, frozen=True, tag="hello"):
    token: Annotated[str, msgspec.Meta(max_length=512)]
    cursor: Seq = 0
    log_epoch: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    page: PageFacts = PageFacts()
    language: Language = "en"
    timezone: Timezone = "UTC"


class VisitorPost(_Frame, frozen=True, tag="post"):
    client_id: ClientId
    text: Text


class GiveFeedback(_Frame, frozen=True, tag="feedback"):
    client_id: ClientId
    seq: Seq
    helpful: bool


class ChooseArticle(_Frame, frozen=True, tag="choose"):
    client_id: ClientId
    seq: Seq
    slug: ShortText


class AskPerson(_Frame, frozen=True, tag="ask_person"):
    client_id: ClientId


class LeaveContact(_Frame, frozen=True, tag="leave_contact"):
    client_id: ClientId
    email: Annotated[str, msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+\Z")]
    name: ShortText = ""
    message: Annotated[str, msgspec.Meta(max_length=TEXT_MAX_CHARS)] = ""


class Rate(_Frame, frozen=True, tag="rate"):
    client_id: ClientId
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]
    comment: Annotated[str, msgspec.Meta(max_length=1_000)] = ""


class VisitorTyping(_Frame, frozen=True, tag="typing"):
    is_typing: bool


class PageMoved(_Frame, frozen=True, tag="page"):
    url: Url
    title: Annotated[str, msgspec.Meta(max_length=500)] = ""


class VisitorBeat(_Frame, frozen=True, tag="beat"):
    cursor: Seq = 0


VisitorFrame = (
    VisitorHello
    | VisitorPost
    | GiveFeedback
    | ChooseArticle
    | AskPerson
    | LeaveContact
    | Rate
    | VisitorTyping
    | PageMoved
    | VisitorBeat
)


class OperatorHello(_Frame, frozen=True, tag="hello"):
    pass


class Watch(_Frame, frozen=True, tag="watch"):
    conversation_id: ConversationIdText
    cursor: Seq = 0


class Unwatch(_Frame, frozen=True, tag="unwatch"):
    conversation_id: ConversationIdText


class _FloorFrame(_Frame, frozen=True):
    """A command about the floor: `epoch` is the one that the operator believes in."""

    client_id: ClientId
    conversation_id: ConversationIdText
    epoch: Seq


class Claim(_FloorFrame, frozen=True, tag="claim"):
    pass


class Release(_FloorFrame, frozen=True, tag="release"):
    pass


class Resolve(_FloorFrame, frozen=True, tag="resolve"):
    pass


class ReturnToBot(_FloorFrame, frozen=True, tag="return_to_bot"):
    pass


class Transfer(_FloorFrame, frozen=True, tag="transfer"):
    to: ShortText


class OperatorPost(_FloorFrame, frozen=True, tag="post"):
    text: Text


class AddNote(_Frame, frozen=True, tag="note"):
    client_id: ClientId
    conversation_id: ConversationIdText
    text: Text


class OperatorTyping(_Frame, frozen=True, tag="typing"):
    conversation_id: ConversationIdText
    is_typing: bool


class SetAvailable(_Frame, frozen=True, tag="set_available"):
    is_available: bool


class OperatorBeat(_Frame, frozen=True, tag="beat"):
    pass


OperatorFrame = (
    OperatorHello
    | Watch
    | Unwatch
    | Claim
    | Release
    | Resolve
    | ReturnToBot
    | Transfer
    | OperatorPost
    | AddNote
    | OperatorTyping
    | SetAvailable
    | OperatorBeat
)

_visitor_decoder: msgspec.json.Decoder[VisitorFrame] = msgspec.json.Decoder(VisitorFrame)
_operator_decoder: msgspec.json.Decoder[OperatorFrame] = msgspec.json.Decoder(OperatorFrame)

T = TypeVar("T")


def decode_visitor_frame(raw: str | bytes) -> VisitorFrame:
    """Decode a visitor's frame.

    Raises:
        UnknownFrame: its type is not one of a visitor's.
        BadFrame: it is no JSON object, or a field is missing, unknown, of the wrong type or out of bounds.
    """
    return _decode(_visitor_decoder, raw)


def decode_operator_frame(raw: str | bytes) -> OperatorFrame:
    """Decode an operator's frame; raises as `decode_visitor_frame` does."""
    return _decode(_operator_decoder, raw)


def client_id_of(raw: str | bytes) -> str | None:
    """Find the `client_id` of a frame that was refused, so that its sender knows which one it was."""
    try:
        frame = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    client_id = frame.get("client_id") if isinstance(frame, dict) else None
    return client_id if isinstance(client_id, str) and len(client_id) <= 64 else None


def _decode(decoder: msgspec.json.Decoder[T], raw: str | bytes) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as exc:
        if "Invalid value" in str(exc) and str(exc).endswith("`$.type`"):
            raise UnknownFrame(f"This door does not know this frame: {exc}.") from exc
        raise BadFrame(f"The frame was refused: {exc}.") from exc
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise BadFrame(f"The frame is not JSON in UTF-8: {exc}.") from exc


# Control characters but tab and newline; the bidirectional overrides, which can make a text read as another one.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def check_text(text: str) -> str:
    """Give the text as it will be recorded: line ends unified, outer blanks gone.

    Raises:
        TextRefused: nothing is left, or it holds a control character (named by its code point).
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not unified:
        raise TextRefused("The message is empty. Write something first.", field="text")
    found = _FORBIDDEN.search(unified)
    if found:
        raise TextRefused(
            f"The message holds the control character U+{ord(found.group()):04X} at position {found.start()}. "
            "Remove it.",
            field="text",
        )
    return unified


def clean_line(text: str) -> str:
    """Give the text as one line without control characters: for facts that a browser reports, which nobody can mend."""
    return _FORBIDDEN.sub("", text.replace("\r", " ").replace("\n", " ").replace("\t", " ")).strip()
