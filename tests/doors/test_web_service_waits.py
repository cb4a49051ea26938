"""The waits of a service in words: never « 0 jour », never a count that would show somebody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maillage.doors.web.directory.presenters import waits_shown
from maillage.indicators import OpenRequests, ServiceWaits, Wait, outside

AT = datetime(2026, 11, 22, tzinfo=UTC)


def words(wait: Wait, waiting: OpenRequests, *, told_outside: bool = False) -> list[tuple[str, str, str]]:
    found = ServiceWaits("s", wait, wait, waiting, waiting, AT, AT)
    figures = waits_shown(outside(found) if told_outside else found).figures
    return [(f.label, _plain(f.value), _plain(f.note)) for f in figures[:3]]


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


@pytest.mark.parametrize(
    ("age", "most", "said"),
    [
        (0.01, None, "depuis moins d'un jour, médiane"),
        (0.2, 0.9, "depuis moins d'un jour, médiane ; neuf sur dix depuis moins d'un jour"),
        (0.99, 3.5, "depuis moins d'un jour, médiane ; neuf sur dix depuis moins de 3,5 jours"),
        (1.0, 12.0, "depuis 1 jour, médiane ; neuf sur dix depuis moins de 12 jours"),
    ],
)
def test_a_young_queue_is_under_a_day_old(age: float, most: float | None, said: str) -> None:
    shown = words(Wait(0, None, None, None, None, None), OpenRequests(25, age, most))
    assert shown[2] == ("Attendent une visite", "25 demandes", said)


def test_a_short_wait_is_under_a_day_long() -> None:
    net, gross, _ = words(Wait(30, 0.4, 0.8, 0.02, 2.0, 0.3), OpenRequests(0, None, None))
    assert net[1:] == ("Moins d'un jour", "médiane, 30 visites, plus d'un quart du délai retiré ; neuf sur dix en moins de 2 jours")
    assert gross[1:] == ("Moins d'un jour", "médiane, 30 visites ; neuf sur dix en moins d'un jour")


def test_too_few_cases_have_no_median_to_name() -> None:
    net, gross, waiting = words(Wait(4, None, None, None, None, None), OpenRequests(4, None, None))
    assert net[1:] == gross[1:] == ("Trop peu de cas", "4 visites")
    assert waiting[1:] == ("4 demandes", "")


def test_outside_the_care_team_a_small_count_is_said_to_be_under_eleven() -> None:
    net, gross, waiting = words(Wait(8, 4.0, None, 3.0, None, 0.5), OpenRequests(10, 2.0, None), told_outside=True)
    assert net[1:] == gross[1:] == ("Trop peu de cas", "moins de 11 visites")
    assert waiting[1:] == ("Moins de 11 demandes", "")
