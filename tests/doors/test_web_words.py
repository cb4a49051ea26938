"""How pages write dates, ages, numbers and reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from maillage.doors.web import presenters
from maillage.doors.web.assets import Assets
from maillage.doors.web.catalogue import explain
from maillage.doors.web.rendering import make_environment
from maillage.doors.web.typography import french

F, N = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Vraiment ?", f"Vraiment{N}?"),
        ("Attention !", f"Attention{N}!"),
        ("un ; deux", f"un{N}; deux"),
        ("Site : Percy", f"Site{F}: Percy"),
        ("« oui »", f"«{F}oui{F}»"),
        ("1 152 lits", f"1{N}152 lits"),
        ("100 000 €", f"100{N}000{F}€"),
        ("l'hôpital", "l’hôpital"),
        ("01 99 00 92 11", "01 99 00 92 11"),
        ("12:30", "12:30"),
    ],
)
def test_french_printing(written: str, printed: str) -> None:
    assert french(written) == printed
    assert french(printed) == printed


def test_a_moment_is_said_in_paris_with_its_weekday() -> None:
    assert presenters.moment(datetime(2026, 3, 12, 13, 30, tzinfo=UTC)) == f"jeudi{F}12{F}mars{F}2026 à{F}14{F}h{F}30"
    assert presenters.moment(datetime(2026, 7, 14, 22, 0, tzinfo=UTC)).startswith(f"mercredi{F}15{F}juillet")


def test_the_hour_that_exists_twice_says_which() -> None:
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert presenters.clock(first) == f"2{F}h{F}30{F}(UTC+2)"
    assert presenters.clock(second) == f"2{F}h{F}30{F}(UTC+1)"
    assert presenters.clock(second + timedelta(hours=1)) == f"3{F}h{F}30"


@pytest.mark.parametrize(
    ("born", "said"),
    [
        (date(1959, 3, 13), f"66{F}ans"),
        (date(1959, 3, 12), f"67{F}ans"),
        (date(2024, 3, 12), f"24{F}mois"),
        (date(2026, 3, 10), f"2{F}jours"),
        (date(2026, 3, 12), f"0{F}jour"),
    ],
)
def test_age(born: date, said: str) -> None:
    assert presenters.age(born, date(2026, 3, 12)) == said


def test_delays_and_counts() -> None:
    assert presenters.span(timedelta(days=3, hours=4)) == f"3{F}jours"
    assert presenters.span(timedelta(hours=-5)) == f"5{F}h"
    assert presenters.span(timedelta(seconds=20)) == f"1{F}min"
    assert presenters.days(12.5) == f"12,5{F}jours"
    assert presenters.days(None) == "–"
    assert presenters.count(0, "patient") == f"0{F}patient"
    assert presenters.count(1152, "lit") == f"1{N}152{F}lits"
    assert presenters.initials("Dr Maud Isambert") == "MI"


def test_a_reason_without_sentence_still_says_what_to_do() -> None:
    assert "20" in explain("too-short:20")
    assert explain("no-such-reason").endswith("réessayez.")


@pytest.mark.parametrize("due", [datetime.min, datetime.max, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])  # noqa: DTZ901  # as the database gives them
def test_a_date_that_cannot_be_true_takes_no_page_down(due: datetime) -> None:
    now = datetime(2026, 11, 16, 8, tzinfo=UTC)
    deadline = make_environment(Assets.load()).from_string(
        "{{ ui.deadline(due, now) }}{{ due|moment }}{{ due|short_moment }}{{ due|day_at }}"
    )
    assert "Date à vérifier" in deadline.render(due=due, now=now)
    assert not presenters.meant(due)


def test_an_instant_without_offset_is_compared_all_the_same() -> None:
    now = datetime(2026, 11, 16, 8, tzinfo=UTC)
    deadline = make_environment(Assets.load()).from_string("{{ ui.deadline(due, now) }}")
    assert "En retard" in deadline.render(due=now.replace(tzinfo=None) - timedelta(days=3), now=now)
