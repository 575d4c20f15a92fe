"""Who a visitor is: tokens that only this server signs, and what a browser says of itself."""

from typing import ClassVar

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from handoff.errors import TokenExpired, TokenInvalid
from handoff.events import Page, VisitorId
from handoff.store.sqlite import SqliteDatabase
from handoff.store.visitors import SqlVisitorStore
from handoff.visitors import TOKEN_MAX_AGE_S, Visitors
from tests.conftest import Clock

SECRET = "a secret of this desk"
PAGE = Page("https://www.example.com/", "Home", "")


class AgedSigner(TimestampSigner):
    """Signs as if it were so many seconds ago."""

    age_s: ClassVar[int] = 0

    def get_timestamp(self) -> int:
        return super().get_timestamp() - self.age_s


def token_of_age(age_s: int) -> str:
    """Sign a visitor's token as this desk would have, `age_s` seconds ago."""
    signer = type("Signer", (AgedSigner,), {"age_s": age_s})
    token = URLSafeTimedSerializer(SECRET, salt="baton.visitor", signer=signer).dumps("visitor-ada")
    return token if isinstance(token, str) else token.decode()


@pytest.fixture
def visitors(database: SqliteDatabase, clock: Clock) -> Visitors:
    return Visitors(SqlVisitorStore(database), secret=SECRET, now=clock)


def test_token_tells_the_visitor_again(visitors: Visitors) -> None:
    token = visitors.issue_token()
    visitor_id = visitors.check_token(token)
    assert len(visitor_id) == 16
    assert visitors.check_token(token) == visitor_id
    assert visitors.check_token(visitors.issue_token()) != visitor_id


def test_token_fits_the_hello_frame(visitors: Visitors) -> None:
    assert len(visitors.issue_token()) <= 512


def test_token_of_another_secret_is_invalid(visitors: Visitors, database: SqliteDatabase) -> None:
    elsewhere = Visitors(SqlVisitorStore(database), secret="a secret of another desk")
    token = elsewhere.issue_token()
    assert elsewhere.check_token(token)
    with pytest.raises(TokenInvalid):
        visitors.check_token(token)


def test_token_that_was_signed_for_something_else_is_invalid(visitors: Visitors) -> None:
    token = URLSafeTimedSerializer(SECRET, salt="baton.other").dumps("visitor-ada")
    with pytest.raises(TokenInvalid):
        visitors.check_token(token)


def test_forged_token_is_invalid_wherever_it_was_changed(visitors: Visitors) -> None:
    token = visitors.issue_token()
    assert visitors.check_token(token)
    for position in range(0, len(token) - 1, 3):
        changed = "A" if token[position] != "A" else "B"
        with pytest.raises(TokenInvalid):
            visitors.check_token(token[:position] + changed + token[position + 1 :])


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 512, "visitor-ada", "\x00", "é.ü.ß", "∕"])
def test_nonsense_is_an_invalid_token(visitors: Visitors, token: str) -> None:
    with pytest.raises(TokenInvalid) as refusal:
        visitors.check_token(token)
    assert refusal.value.code == "token_invalid"


def test_token_expires_after_half_a_year(visitors: Visitors) -> None:
    assert visitors.check_token(token_of_age(TOKEN_MAX_AGE_S - 60)) == "visitor-ada"
    with pytest.raises(TokenExpired) as refusal:
        visitors.check_token(token_of_age(TOKEN_MAX_AGE_S + 60))
    assert refusal.value.code == "token_expired"


def test_token_is_good_on_a_server_whose_clock_was_put_back(visitors: Visitors) -> None:
    assert visitors.check_token(token_of_age(-7200)) == "visitor-ada"


def test_greeting_keeps_what_the_browser_says_and_when_they_first_came(visitors: Visitors, clock: Clock) -> None:
    first_at = clock()
    visitors.greet(VisitorId("v"), language="pt-BR", timezone="America/Lima", user_agent="B" * 900, page=PAGE)
    clock.tick(3600)
    visitor = visitors.greet(VisitorId("v"), language="ES", timezone="Europe/Madrid", user_agent="C", page=Page())
    assert (visitor.language, visitor.timezone, visitor.user_agent) == ("es", "Europe/Madrid", "C")
    assert (visitor.created_at, visitor.seen_at) == (first_at, first_at + 3600)


def test_language_is_its_primary_subtag_and_the_user_agent_is_cut(visitors: Visitors) -> None:
    visitor = visitors.greet(VisitorId("v"), language="pt-BR", timezone="UTC", user_agent="B" * 900, page=PAGE)
    assert (visitor.language, len(visitor.user_agent)) == ("pt", 300)


def test_move_to_another_page_is_kept(visitors: Visitors, database: SqliteDatabase, clock: Clock) -> None:
    page = Page("https://www.example.com/", "Home", "https://search.example/")
    visitor = visitors.greet(VisitorId("v"), language="en", timezone="UTC", user_agent="B", page=page)
    clock.tick(5)
    moved = visitors.moved(visitor, url="https://www.example.com/prices", title="Prices")
    assert moved.page == Page("https://www.example.com/prices", "Prices", "https://search.example/")
    assert SqlVisitorStore(database).visitor(VisitorId("v")) == moved
    assert moved.seen_at == clock()


def test_unknown_visitor_is_nobody(database: SqliteDatabase) -> None:
    assert SqlVisitorStore(database).visitor(VisitorId("v-nobody")) is None
