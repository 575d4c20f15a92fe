"""When the desk is open and when it opens next: tables, the changes of the clock among them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from handoff.business_hours import BusinessHours, describe_opening, parse_hours
from handoff.errors import SettingsError

OFFICE = parse_hours("Mon-Fri 09:00-17:00, Sat 10:00-14:00", zone="Europe/London", holidays="2026-12-25, 2026-12-26")
NIGHT = parse_hours("Fri-Sat 22:00-02:00", zone="Europe/Berlin")
SPLIT = parse_hours("Mon 13:00-17:00, Mon 08:00-12:00", zone="America/New_York")
ROUND = parse_hours("Mon-Sun 00:00-24:00", zone="Asia/Tokyo")
EARLY = parse_hours("Sun 01:30-04:00", zone="Europe/London")


def at(text: str, zone: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


# Hours, the moment on their own clock, and when they open next on it (None: they are open).
TABLE: list[tuple[str, BusinessHours, str, str | None]] = [
    ("in the morning", OFFICE, "2026-11-23T08:59", "2026-11-23T09:00"),
    ("at the opening", OFFICE, "2026-11-23T09:00", None),
    ("before the end", OFFICE, "2026-11-23T16:59", None),
    ("at the end", OFFICE, "2026-11-23T17:00", "2026-11-24T09:00"),
    ("on Friday night", OFFICE, "2026-11-27T20:00", "2026-11-28T10:00"),
    ("on Sunday", OFFICE, "2026-11-29T12:00", "2026-11-30T09:00"),
    ("over the holidays", OFFICE, "2026-12-24T18:00", "2026-12-28T09:00"),
    ("on a holiday", OFFICE, "2026-12-25T10:00", "2026-12-28T09:00"),
    ("late on Friday", NIGHT, "2026-11-27T23:00", None),
    ("after midnight", NIGHT, "2026-11-28T01:59", None),
    ("after the late hours", NIGHT, "2026-11-28T02:00", "2026-11-28T22:00"),
    ("from Saturday into Sunday", NIGHT, "2026-11-29T01:00", None),
    ("at noon between two spans", SPLIT, "2026-11-23T12:30", "2026-11-23T13:00"),
    ("before both spans", SPLIT, "2026-11-23T07:00", "2026-11-23T08:00"),
    ("round the clock at midnight", ROUND, "2026-11-23T00:00", None),
    ("round the clock at the last minute", ROUND, "2026-11-22T23:59", None),
    # London: the clock goes forward on 2026-03-29 at 01:00, back on 2026-10-25 at 02:00.
    ("the night before summer time", OFFICE, "2026-03-28T15:00", "2026-03-30T09:00"),
    ("the night before winter time", OFFICE, "2026-10-24T15:00", "2026-10-26T09:00"),
    ("an opening that summer time skips", EARLY, "2026-03-29T00:30", "2026-03-29T02:30"),
    ("in what is left of such hours", EARLY, "2026-03-29T03:59", None),
    ("after such hours", EARLY, "2026-03-29T04:00", "2026-04-05T01:30"),
]


@pytest.mark.parametrize(("hours", "now", "opens"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_desk_opens_when_the_table_says(hours: BusinessHours, now: str, opens: str | None) -> None:
    now_s = at(now, hours.zone)
    assert hours.is_open(now_s) is (opens is None)
    assert hours.next_opening(now_s) == (None if opens is None else at(opens, hours.zone))


def test_hours_that_a_change_of_the_clock_makes_longer_last_longer() -> None:
    night = parse_hours("Sat 22:00-06:00", zone="Europe/Berlin")
    opened, ends = at("2026-10-24T22:00", night.zone), at("2026-10-25T06:00", night.zone)
    assert ends - opened == 9 * 3600
    assert night.is_open(ends - 1)
    assert not night.is_open(ends)


def test_week_of_summer_time_opens_an_hour_earlier_in_utc() -> None:
    def opening(day: int) -> datetime:
        return datetime.fromtimestamp(OFFICE.next_opening(at(f"2026-03-{day}T00:00", "UTC")) or 0, UTC)

    assert (opening(27).hour, opening(30).hour) == (9, 8)


def test_desk_without_hours_is_always_open() -> None:
    assert BusinessHours().is_open(0.0)
    assert BusinessHours().next_opening(0.0) is None


def test_desk_that_does_not_open_within_a_year_has_no_expected_time() -> None:
    days = ", ".join(f"{year}-12-25" for year in range(2020, 2030))
    hours = parse_hours("Fri 09:00-10:00", zone="UTC", holidays=days)
    never = BusinessHours(hours.spans, "UTC", frozenset(datetime(2026, 1, d, tzinfo=UTC).date() for d in range(1, 3)))
    assert never.next_opening(at("2025-12-31T00:00", "UTC")) == at("2026-01-09T09:00", "UTC")
    assert hours.next_opening(at("2026-12-20T00:00", "UTC")) == at("2027-01-01T09:00", "UTC")


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"text": "Mon-Fri 9-17"}, "BATON_BUSINESS_HOURS holds 'Mon-Fri 9-17'"),
    ({"text": "Mon 09:00-17:00, Moo 09:00-17:00"}, "holds 'Moo 09:00-17:00'"),
    ({"text": "Mon 25:00-26:00"}, "BATON_BUSINESS_HOURS"),
    ({"text": "Mon 09:60-17:00"}, "BATON_BUSINESS_HOURS"),
    ({"text": "Mon 24:00-24:00"}, "BATON_BUSINESS_HOURS"),
    ({"text": "Mon", "zone": "UTC"}, "BATON_BUSINESS_HOURS"),
    ({"text": "", "zone": "Mars/Olympus"}, "BATON_TIME_ZONE is 'Mars/Olympus'"),
    ({"text": "", "zone": "../etc/passwd"}, "BATON_TIME_ZONE"),
    ({"text": "", "holidays": "2026-12-25, Boxing Day"}, "BATON_HOLIDAYS holds 'Boxing Day'"),
]


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_setting_that_cannot_be_read_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_hours(**given)


def test_days_may_be_written_in_small_letters_and_go_round_the_week() -> None:
    assert [span.day for span in parse_hours("sat-mon 09:00-10:00").spans] == [5, 6, 0]


MONDAY = at("2026-11-23T09:00", "Europe/London")


@pytest.mark.parametrize(
    ("zone", "language", "text"),
    [
        ("Europe/London", "en", "Mon, Nov 23, 9:00\xa0AM"),
        ("America/New_York", "en", "Mon, Nov 23, 4:00\xa0AM"),
        ("Asia/Tokyo", "de", "Mo., 23. Nov., 18:00"),
        ("Pacific/Auckland", "fr", "lun. 23 nov., 22:00"),
        ("Europe/Madrid", "es", "lun, 23 nov, 10:00"),
        ("Europe/Madrid", "tlh", "Mon, Nov 23, 10:00\xa0AM"),
        ("Nowhere/Town", "en", "Mon, Nov 23, 9:00\xa0AM UTC"),
    ],
)
def test_opening_is_told_on_the_visitors_clock_in_the_visitors_language(zone: str, language: str, text: str) -> None:
    assert describe_opening(MONDAY, zone=zone, language=language) == text
