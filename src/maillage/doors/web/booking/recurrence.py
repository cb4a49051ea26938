"""When a vacation comes back, in French words and as two questions: a rhythm and days."""

from __future__ import annotations

from collections.abc import Sequence

from maillage.doors.web.forms import Choice

DAYS = {"MO": "lundi", "TU": "mardi", "WE": "mercredi", "TH": "jeudi", "FR": "vendredi", "SA": "samedi", "SU": "dimanche"}
_WEEKS = {"1": "Chaque semaine", "2": "Une semaine sur deux", "3": "Une semaine sur trois", "4": "Une semaine sur quatre"}
_RANKS = {"1": "premier", "2": "deuxième", "3": "troisième", "4": "quatrième", "-1": "dernier"}
AS_IT_IS = "as-it-is"

RHYTHMS = (
    *(Choice(f"WEEKLY/{number}", label) for number, label in _WEEKS.items()),
    *(Choice(f"MONTHLY/{rank}", f"Chaque mois, le {word}") for rank, word in _RANKS.items()),
)


def parts(rrule: str) -> dict[str, str]:
    """The parts of a rule that the room wrote."""
    return dict(part.split("=", 1) for part in rrule.split(";"))


def words(rrule: str) -> str:
    """`chaque mardi`, `mercredi, une semaine sur deux`, `premier lundi du mois`."""
    read = parts(rrule)
    days, interval = read["BYDAY"].split(","), read.get("INTERVAL", "1")
    if read["FREQ"] == "MONTHLY":
        named = _listed([f"{_RANKS[day[:-2]]} {DAYS[day[-2:]]}" for day in days])
        return f"{named} du mois" if interval == "1" else f"{named}, un mois sur {interval}"
    if interval == "1":
        return f"chaque {_listed([DAYS[day] for day in days])}"
    return f"{_listed([DAYS[day] for day in days])}, {_WEEKS.get(interval, f'une semaine sur {interval}').lower()}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} et {names[-1]}" if len(names) > 1 else names[0]


def answers(rrule: str) -> tuple[str, list[str]]:
    """The rhythm and the days that the form shows for a rule; a rule that it can't say stays as it is."""
    read = parts(rrule)
    days = read["BYDAY"].split(",")
    ranks = {day[:-2] for day in days}
    rhythm = f"WEEKLY/{read.get('INTERVAL', '1')}" if read["FREQ"] == "WEEKLY" else f"MONTHLY/{min(ranks)}"
    plain = len(ranks) == 1 and (read["FREQ"] == "WEEKLY" or read.get("INTERVAL", "1") == "1")
    if not plain or rhythm not in {choice.value for choice in RHYTHMS}:
        return AS_IT_IS, [day[-2:] for day in days]
    return rhythm, [day[-2:] for day in days]


def rule(rhythm: str, days: Sequence[str]) -> str:
    """The rule of the two answers, in RFC 2445 words."""
    frequency, _, number = rhythm.partition("/")
    if frequency == "WEEKLY":
        return f"FREQ=WEEKLY;INTERVAL={number};BYDAY={','.join(days)}"
    return f"FREQ=MONTHLY;INTERVAL=1;BYDAY={','.join(number + day for day in days)}"
