"""How dates, delays, ages and names are written on pages. Pure; every instant is shown in Paris."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from babel.dates import format_date

from maillage.doors.web.language import language, translated
from maillage.doors.web.typography import FIXED, NARROW
from maillage.kernel.period import EARLIEST, LATEST, PARIS

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def aware(instant: datetime) -> datetime:
    """An instant that may be compared: what the database gives without offset (its two infinities) is read in UTC."""
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def meant(instant: datetime) -> bool:
    """Whether somebody may have meant this instant: what cannot be true is shown as such, and takes no page down."""
    return EARLIEST <= aware(instant).date() < LATEST


def local(instant: datetime) -> datetime:
    """The instant on the clocks of Paris; the ends of the calendar have none."""
    return aware(instant).astimezone(PARIS) if meant(instant) else aware(instant)


def _written(day: date, pattern: str) -> str:
    """A date in French words; the first of a month is an ordinal."""
    if language() == "en":
        return format_date(day, pattern, locale="en_GB")
    text = format_date(day, pattern, locale="fr")
    return (re.sub(r"\b1 ", "1er ", text, count=1) if day.day == 1 else text).replace(" ", FIXED)


def long_date(day: date | datetime) -> str:
    """`mardi 12 mars 2026`."""
    shown = local(day).date() if isinstance(day, datetime) else day
    return _written(shown, "EEEE d MMMM y")


def plain_date(day: date | datetime) -> str:
    """`12 mars 2026`."""
    shown = local(day).date() if isinstance(day, datetime) else day
    return _written(shown, "d MMMM y")


def short_date(day: date | datetime) -> str:
    """`12/03/2026`."""
    shown = local(day).date() if isinstance(day, datetime) else day
    return shown.strftime("%d/%m/%Y")


def day_name(day: date) -> str:
    """`mar. 12 mars`, for column headings."""
    return _written(day, "EEE d MMM")


def clock(instant: datetime) -> str:
    """`14 h 30`; the offset is added in the hour that exists twice."""
    shown = local(instant)
    text = wall(shown.time())
    twin = shown.replace(fold=1 - shown.fold)
    if twin.utcoffset() != shown.utcoffset() and twin.astimezone(UTC).astimezone(PARIS).replace(tzinfo=None) == shown.replace(tzinfo=None):
        text += f"{FIXED}(UTC+{int((shown.utcoffset() or timedelta()) / _HOUR)})"
    return text


def wall(at: time) -> str:
    """`14 h 30`, for an hour without a day."""
    return f"{at:%H:%M}" if language() == "en" else f"{at.hour}{FIXED}h{FIXED}{at.minute:02d}"


def _at() -> str:
    """The word between a day and an hour."""
    return " at " if language() == "en" else f" à{FIXED}"


def _unit(number: float, one: str, many: str) -> str:
    """A number's noun: French counts in plural from two on, English for all but one."""
    if language() == "en":
        return translated(one if number == 1 else many)
    return many if number >= 2 else one


def moment(instant: datetime) -> str:
    """`mardi 12 mars 2026 à 14 h 30`."""
    return f"{long_date(instant)}{_at()}{clock(instant)}"


def day_at(instant: datetime) -> str:
    """`mar. 12 mars 2026 à 14 h 30`: a weekday in little room."""
    shown = local(instant).date()
    return f"{_written(shown, 'EEE d MMM y')}{_at()}{clock(instant)}"


def euros(cents: int) -> str:
    """`1 250,50 €`."""
    return f"{cents // 100:,}".replace(",", NARROW) + f",{cents % 100:02d}{FIXED}€"


def short_moment(instant: datetime) -> str:
    """`12/03/2026 à 14 h 30`, for lists."""
    return f"{short_date(instant)}{_at()}{clock(instant)}"


def span(delta: timedelta) -> str:
    """A length in the largest sensible unit: `3 jours`, `5 h`, `20 min`."""
    delta = abs(delta)
    if delta >= 2 * _DAY:
        return f"{delta // _DAY}{FIXED}{_unit(2, 'jour', 'jours')}"
    if delta >= _HOUR:
        return f"{delta // _HOUR}{FIXED}h"
    return f"{max(delta // timedelta(minutes=1), 1)}{FIXED}min"


def days(value: float | None) -> str:
    """A number of days with one decimal at most, French comma: `12,5 jours`; a dash for no value."""
    if value is None:
        return "–"
    text = f"{value:.1f}".removesuffix(".0")
    return f"{text if language() == 'en' else text.replace('.', ',')}{FIXED}{_unit(value, 'jour', 'jours')}"


def count(number: int, singular: str, plural: str = "") -> str:
    """`1 patient`, `3 patients`, `1 152 lits`; zero is singular in French."""
    digits = f"{number:,}".replace(",", NARROW)
    return f"{digits}{FIXED}{_unit(number, singular, plural or singular + 's')}"


def age(born: date, today: date) -> str:
    """Years, months under three years, days under two months."""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months >= 36:
        return f"{months // 12}{FIXED}{_unit(2, 'an', 'ans')}"
    if months >= 2:
        return f"{months}{FIXED}{_unit(2, 'mois', 'mois')}"
    return count(max((today - born).days, 0), "jour")


def initials(text: str) -> str:
    """One or two capitals for the round mark of a person; titles left out."""
    words = [part for part in text.replace("-", " ").split() if not part.endswith(".") and part[0].isupper() and part not in ("Dr", "Pr")]
    return "".join(part[0] for part in [*words[:1], *words[1:][-1:]])


def file_size(size: int) -> str:
    """The size of a file: `830 Ko`, `2,4 Mo`."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))}\u00a0Ko"
    return f"{size / 1_000_000:.1f}".replace(".", ",") + "\u00a0Mo"
