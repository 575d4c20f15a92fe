"""The one HTTP call that a widget makes before its socket: a token for a visitor."""

import msgspec
from flask import Blueprint, Response, jsonify, request

from handoff.errors import Forbidden, TooManyTries
from handoff.limits import Throttle
from handoff.visitors import Visitors
from handoff.web.border import json_body


class _Session(msgspec.Struct):
    token: str | None = None
    site: str = ""


def build_visitor_blueprint(visitors: Visitors, *, widget_origins: tuple[str, ...]) -> Blueprint:
    """Build the blueprint of /api/visitor."""
    blueprint = Blueprint("visitor", __name__, url_prefix="/api/visitor")
    # New visitors only: an office behind one address opens a few hundred at most in a quarter of an hour.
    throttle = Throttle(limit=600, window_s=900.0)

    @blueprint.post("/session")
    def session() -> Response:
        body = json_body(_Session)
        if "*" not in widget_origins and body.site not in widget_origins:
            raise Forbidden(f"The site {body.site!r} may not show this widget. Add it to BATON_WIDGET_ORIGINS.")
        if body.token:
            visitors.check_token(body.token)
            return jsonify(token=body.token, is_new=False)
        retry_after_s = throttle.take(request.remote_addr or "")
        if retry_after_s > 0:
            raise TooManyTries("Too many new visitors from your network. Wait a while.", retry_after_s=retry_after_s)
        return jsonify(token=visitors.issue_token(), is_new=True)

    return blueprint
