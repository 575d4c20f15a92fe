"""When somebody can be reached: the week's opening hours in one time zone, pure, rung 1 of the ladder.

Hours are read off a clock on the wall, so that nine o'clock is nine o'clock in summer and in winter; everything is
compared in UTC seconds. An opening time that a change of the clock skips is
counted by the clock as it was before the change.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time

from handoff.errors import SettingsError

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60

LOOK_AHEAD_DAYS = 366
"""A desk that does not open within a year has no expected time."""

_PART = re.compile(r"(\w{3})(?:-(\w{3}))? (\d\d):(\d\d)-(\d\d):(\d\d)")


class Span(NamedTuple):
    """Opening hours of one weekday (0: Monday), in minutes after its midnight; `end` may lie in the next day."""

    day: int
    start: int
    end: int


class BusinessHours(msgspec.Struct, frozen=True):
    """The opening hours; without spans the desk is always open."""

    spans: tuple[Span, ...] = ()
    zone: str = "UTC"
    holidays: frozenset[date] = frozenset()

    def is_open(self, now_s: float) -> bool:
        """Tell whether `now_s` (UTC seconds) lies in the hours."""
        return not self.spans or any(start <= now_s < end for start, end in self._openings(now_s, days=1))

    def next_opening(self, now_s: float) -> float | None:
        """Give when the desk opens next, in UTC seconds; None if it is open, or does not open within a year."""
        if self.is_open(now_s):
            return None
        return min((start for start, _ in self._openings(now_s, days=LOOK_AHEAD_DAYS) if start > now_s), default=None)

    def _openings(self, now_s: float, *, days: int) -> Iterator[tuple[float, float]]:
        """Yield start and end of all hours from yesterday's on, which may last until today, in the order of days."""
        zone = ZoneInfo(self.zone)
        today = datetime.fromtimestamp(now_s, zone).date()
        for offset in range(-1, days + 1):
            day = today + timedelta(days=offset)
            if day in self.holidays:
                continue
            for span in self.spans:
                if span.day == day.weekday():
                    yield _moment(day, span.start, zone), _moment(day, span.end, zone)


def parse_hours(text: str, *, zone: str = "UTC", holidays: str = "") -> BusinessHours:
    """Read "Mon-Fri 09:00-17:00, Sat 10:00-14:00" in an IANA time zone; holidays as "2026-12-25, 2026-12-26".

    Hours that end at or before they start last until the next day. An empty text is a desk that is always open.

    Raises:
        SettingsError: a part cannot be read; the message names the part and its setting.
    """
    parts = [" ".join(part.split()) for part in text.split(",") if part.strip()]
    spans = tuple(span for part in parts for span in _parse_part(part))
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError) as exc:
        raise SettingsError(
            f"BATON_TIME_ZONE is {zone!r}; it must be an IANA time zone such as Europe/London."
        ) from exc
    return BusinessHours(spans, zone, frozenset(_parse_holidays(holidays)))


def describe_opening(opens_at_s: float, *, zone: str, language: str) -> str:
    """Say a moment in the words of a language and on the clock of a time zone: "Mon, Nov 23, 9:00 AM".

    Unknown zones are read as UTC, and said so; unknown languages as English.
    """
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    try:
        known, suffix = ZoneInfo(zone), ""
    except (OSError, ValueError, KeyError):
        known, suffix = ZoneInfo("UTC"), " UTC"
    at = datetime.fromtimestamp(opens_at_s, known)
    day = format_skeleton("MMMEd", at, locale=locale)
    return f"{day}, {format_time(at, 'short', locale=locale)}{suffix}".replace("\u202f", "\u00a0")


def _moment(day: date, minutes: int, zone: ZoneInfo) -> float:
    """Give the UTC seconds at which the clock on the wall shows so many minutes after the midnight of `day`."""
    days, rest = divmod(minutes, DAY_MINUTES)
    wall = datetime(day.year, day.month, day.day, rest // 60, rest % 60, tzinfo=zone) + timedelta(days=days)
    return wall.astimezone(UTC).timestamp()


def _parse_part(part: str) -> Iterator[Span]:
    found = _PART.fullmatch(part)
    if found is None:
        raise _refused_part(part)
    first, last = found[1].title(), (found[2] or found[1]).title()
    start, end = _minutes(found[3], found[4]), _minutes(found[5], found[6])
    if first not in DAYS or last not in DAYS or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise _refused_part(part)
    count = (DAYS.index(last) - DAYS.index(first)) % 7 + 1
    for offset in range(count):
        yield Span((DAYS.index(first) + offset) % 7, start, end if end > start else end + DAY_MINUTES)


def _minutes(hours: str, minutes: str) -> int:
    return int(hours) * 60 + int(minutes) if int(minutes) < 60 else DAY_MINUTES + 1


def _refused_part(part: str) -> SettingsError:
    return SettingsError(
        f"BATON_BUSINESS_HOURS holds {part!r}; each part must look like Mon-Fri 09:00-17:00 or Sat 10:00-14:00, with "
        "commas between."
    )


def _parse_holidays(text: str) -> Iterator[date]:
    for part in (part.strip() for part in text.split(",") if part.strip()):
        try:
            yield date.fromisoformat(part)
        except ValueError as exc:
            raise SettingsError(
                f"BATON_HOLIDAYS holds {part!r}; each must be a date such as 2026-12-25, with commas between."
            ) from exc
