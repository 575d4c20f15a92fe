"""Sockets for networks that block them: frames by POST, answers by long polling."""

from typing import Annotated

import msgspec
from flask import Blueprint, Response, jsonify, request

from handoff.auth import Accounts
from handoff.errors import BadFrame, BatonError, TooManyTries
from handoff.gateway.connection import FRAMES_BURST, FRAMES_PER_SECOND
from handoff.gateway.poll import POLL_FRAMES_MAX, POLL_WAIT_MAX_S, Departures, PollConnection
from handoff.gateway.sessions import Sessions
from handoff.limits import Throttle
from handoff.protocol import FRAME_MAX_BYTES, VisitorHello, decode_visitor_frame
from handoff.visitors import Visitors
from handoff.web.border import SESSION_COOKIE, json_body, signed_in


class _Poll(msgspec.Struct, forbid_unknown_fields=True):
    frames: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=POLL_FRAMES_MAX)]
    seen: Annotated[str, msgspec.Meta(max_length=64)] = ""
    wait_s: Annotated[float, msgspec.Meta(ge=0, le=POLL_WAIT_MAX_S)] = 0.0


def build_polls_blueprint(
    sessions: Sessions, *, visitors: Visitors, accounts: Accounts, departures: Departures
) -> Blueprint:
    """Build the blueprint of /api/visitor/poll and /api/operator/poll."""
    blueprint = Blueprint("polls", __name__, url_prefix="/api")
    # What a socket allows itself; by visitor and by staff session, since a poll alone has no past.
    throttle = Throttle(limit=FRAMES_BURST, window_s=FRAMES_BURST / FRAMES_PER_SECOND)

    def read_poll() -> tuple[_Poll, list[bytes]]:
        poll = json_body(_Poll)
        frames = [bytes(raw) for raw in poll.frames]
        for number, frame in enumerate(frames):
            if len(frame) > FRAME_MAX_BYTES:
                raise BadFrame(f"Frame {number} has {len(frame)} bytes; {FRAME_MAX_BYTES} are allowed.", field="frames")
        return poll, frames

    def open_peer(poll: _Poll, frames: list[bytes], caller: str) -> PollConnection:
        retry_after_s = throttle.take(caller, count=len(frames))
        if retry_after_s > 0:
            raise TooManyTries("Too many frames. Slow down.", retry_after_s=retry_after_s)
        return PollConnection(frames, seen=poll.seen, wait_s=poll.wait_s, departures=departures)

    @blueprint.post("/visitor/poll")
    def poll_as_visitor() -> Response:
        poll, frames = read_poll()
        peer = open_peer(poll, frames, f"visitor {_visitor_of(visitors, frames[0]) or request.remote_addr}")
        sessions.serve_visitor(peer, user_agent=request.headers.get("User-Agent", ""))
        return jsonify(peer.answer())

    @blueprint.post("/operator/poll")
    def poll_as_operator() -> Response:
        record = signed_in(accounts)
        token = request.cookies.get(SESSION_COOKIE)
        poll, frames = read_poll()
        peer = open_peer(poll, frames, f"staff {token}")
        sessions.serve_operator(peer, record, token=token)
        return jsonify(peer.answer())

    return blueprint


def _visitor_of(visitors: Visitors, hello: bytes) -> str | None:
    """Name the visitor who says hello; None if the session will refuse it."""
    try:
        frame = decode_visitor_frame(hello)
        return visitors.check_token(frame.token) if isinstance(frame, VisitorHello) else None
    except BatonError:
        return None
