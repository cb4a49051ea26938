"""When a vacation comes back, in words and as two questions: a rhythm and days."""

from __future__ import annotations

from collections.abc import Sequence

from maillage.doors.web.catalogue import listed, say
from maillage.doors.web.forms import Choice

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEKS = ("1", "2", "3", "4")
_RANKS = ("1", "2", "3", "4", "-1")
AS_IT_IS = "as-it-is"


def rhythms() -> tuple[Choice, ...]:
    """The rhythms that the form offers, in the language of the page."""
    weekly = (Choice(f"WEEKLY/{number}", _first(say(f"recurrence.weeks.{number}"))) for number in _WEEKS)
    monthly = (Choice(f"MONTHLY/{rank}", say("recurrence.monthly", rank=say(f"recurrence.rank.{rank}"))) for rank in _RANKS)
    return (*weekly, *monthly)


def day_choices() -> tuple[Choice, ...]:
    """The days of a week."""
    return tuple(Choice(code, _first(say(f"recurrence.{code}"))) for code in DAYS)


def _first(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def parts(rrule: str) -> dict[str, str]:
    """The parts of a rule that the room wrote."""
    return dict(part.split("=", 1) for part in rrule.split(";"))


def words(rrule: str) -> str:
    """`chaque mardi`, `mercredi, une semaine sur deux`, `premier lundi du mois`, in the language of the page."""
    read = parts(rrule)
    days, interval = read["BYDAY"].split(","), read.get("INTERVAL", "1")
    if read["FREQ"] == "MONTHLY":
        named = listed(say("recurrence.ranked", rank=say(f"recurrence.rank.{day[:-2]}"), day=say(f"recurrence.{day[-2:]}")) for day in days)
        return say("recurrence.of-month", days=named) if interval == "1" else say("recurrence.months", days=named, number=interval)
    named = listed(say(f"recurrence.{day}") for day in days)
    if interval == "1":
        return say("recurrence.each", days=named)
    key = f"recurrence.weeks.{interval}" if interval in _WEEKS else "recurrence.weeks"
    return f"{named}, {say(key, number=interval)}"


def answers(rrule: str) -> tuple[str, list[str]]:
    """The rhythm and the days that the form shows for a rule; a rule that it can't say stays as it is."""
    read = parts(rrule)
    days = read["BYDAY"].split(",")
    ranks = {day[:-2] for day in days}
    rhythm = f"WEEKLY/{read.get('INTERVAL', '1')}" if read["FREQ"] == "WEEKLY" else f"MONTHLY/{min(ranks)}"
    plain = len(ranks) == 1 and (read["FREQ"] == "WEEKLY" or read.get("INTERVAL", "1") == "1")
    if not plain or rhythm not in {choice.value for choice in rhythms()}:
        return AS_IT_IS, [day[-2:] for day in days]
    return rhythm, [day[-2:] for day in days]


def rule(rhythm: str, days: Sequence[str]) -> str:
    """The rule of the two answers, in RFC 2445 words."""
    frequency, _, number = rhythm.partition("/")
    if frequency == "WEEKLY":
        return f"FREQ=WEEKLY;INTERVAL={number};BYDAY={','.join(days)}"
    return f"FREQ=MONTHLY;INTERVAL=1;BYDAY={','.join(number + day for day in days)}"
