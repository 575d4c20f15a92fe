"""Staff accounts over HTTP: sign-in, sign-out, joining through a link, and the administrator's list of people."""

from contextlib import suppress
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, request

from handoff.auth import SESSION_MAX_AGE_S, Accounts, Role
from handoff.errors import SignedOut, TooManyTries
from handoff.limits import Throttle
from handoff.presence import Presence
from handoff.store.staff import StaffRecord
from handoff.web.border import SESSION_COOKIE, json_body, signed_in


class _SignIn(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    password: str


class _Join(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    email: str
    password: str


class _Invite(msgspec.Struct, forbid_unknown_fields=True):
    email: str
    name: str
    role: Role


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    role: Role | None = None
    is_active: bool | None = None


def build_staff_blueprint(
    accounts: Accounts, presence: Presence, *, public_url: str, is_cookie_secure: bool
) -> Blueprint:
    """Build the blueprint of /api/staff."""
    blueprint = Blueprint("staff", __name__, url_prefix="/api/staff")
    # By address of origin, beside the limit by e-mail in `Accounts`: a list of addresses cannot be tried out either.
    throttle = Throttle(limit=40, window_s=900.0)

    def with_session(record: StaffRecord, token: str) -> Response:
        response = jsonify(operator=_describe(record))
        response.set_cookie(
            SESSION_COOKIE,
            token,
            max_age=int(SESSION_MAX_AGE_S),
            httponly=True,
            samesite="Lax",
            secure=is_cookie_secure,
        )
        return response

    def check_throttle() -> None:
        retry_after_s = throttle.take(request.remote_addr or "")
        if retry_after_s > 0:
            raise TooManyTries("Too many tries from your network. Wait a while.", retry_after_s=retry_after_s)

    @blueprint.post("/sign-in")
    def sign_in() -> Response:
        check_throttle()
        body = json_body(_SignIn)
        return with_session(*accounts.sign_in(body.email, body.password))

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        token = request.cookies.get(SESSION_COOKIE)
        if token:
            with suppress(SignedOut):  # the session has ended by itself: there is nobody to take away
                presence.end(accounts.whoever_has(token).id)
            accounts.sign_out(token)
        response = jsonify({})
        response.delete_cookie(SESSION_COOKIE)
        return response

    @blueprint.get("/me")
    def me() -> Response:
        return jsonify(operator=_describe(signed_in(accounts)))

    @blueprint.get("/join/<token>")
    def look_at_link(token: str) -> Response:
        record = accounts.account_of_link(token)
        return jsonify(email=record.email, name=record.name, role=record.role)

    @blueprint.post("/join/<token>")
    def join(token: str) -> Response:
        check_throttle()
        body = json_body(_Join)
        return with_session(*accounts.join(token, name=body.name, email=body.email, password=body.password))

    @blueprint.get("/people")
    def people() -> Response:
        signed_in(accounts, Role.ADMIN)
        return jsonify(people=[_describe(record) for record in accounts.people()])

    @blueprint.post("/people")
    def invite() -> tuple[Response, int]:
        signed_in(accounts, Role.ADMIN)
        body = json_body(_Invite)
        record, token = accounts.invite(role=body.role, email=body.email, name=body.name)
        return jsonify(person=_describe(record), join_url=f"{public_url}/join/{token}"), 201

    @blueprint.post("/people/<staff_id>/link")
    def new_link(staff_id: str) -> Response:
        signed_in(accounts, Role.ADMIN)
        return jsonify(join_url=f"{public_url}/join/{accounts.new_link(staff_id)}")

    @blueprint.patch("/people/<staff_id>")
    def change(staff_id: str) -> Response:
        admin = signed_in(accounts, Role.ADMIN)
        body = json_body(_Change)
        record = accounts.change(staff_id, by=admin, role=body.role, is_active=body.is_active)
        return jsonify(person=_describe(record))

    return blueprint


def _describe(record: StaffRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "email": record.email,
        "role": record.role,
        "is_active": record.is_active,
        "is_invited": record.password_hash is None,
        "last_seen_at": record.seen_at,
    }
