"""What the figures of a service may tell outside the care team (workflow rule book 0.9): no cell under 11."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from maillage.indicators import CELL_FLOOR, OpenRequests, ServiceWaits, Wait, in_care_team, outside
from maillage.kernel.actor import SYSTEM, Actor

AT = datetime(2026, 11, 22, tzinfo=UTC)
HIDDEN_WAIT, HIDDEN_REQUESTS = Wait(None, None, None, None, None, None), OpenRequests(None, None, None)


def found(n: int) -> ServiceWaits:
    wait, waiting = Wait(n, 4.0, 9.0, 3.0, 8.0, 0.3), OpenRequests(n, 2.0, 5.0)
    return ServiceWaits("s", wait, wait, waiting, waiting, AT, AT)


@pytest.mark.parametrize("n", [0, 1, 6, 10])
def test_a_small_cell_is_left_out_with_every_figure_made_from_it(n: int) -> None:
    told = outside(found(n))
    assert (told.appointment, told.decision, told.open, told.undecided) == (HIDDEN_WAIT, HIDDEN_WAIT, HIDDEN_REQUESTS, HIDDEN_REQUESTS)
    assert not told.appointment.flagged


@pytest.mark.parametrize("n", [11, 12, 400])
def test_a_cell_of_eleven_is_told_whole(n: int) -> None:
    assert CELL_FLOOR == 11
    assert outside(found(n)) == found(n)


def test_each_cell_is_judged_alone_and_twice_changes_nothing() -> None:
    whole = found(11)
    mixed = ServiceWaits("s", whole.appointment, found(3).decision, whole.open, found(3).undecided, AT, AT)
    told = outside(mixed)
    assert (told.appointment, told.decision) == (whole.appointment, HIDDEN_WAIT)
    assert (told.open, told.undecided) == (whole.open, HIDDEN_REQUESTS)
    assert outside(told) == told


def test_the_care_team_is_the_organisation_that_gives_the_care() -> None:
    town = Actor("person", "p", ("cms-clamart-soins",), frozenset({"medecin"}))
    both = Actor("person", "p", ("cms-clamart-soins", "hia-percy"), frozenset({"medecin"}))
    assert not in_care_team(town, "hia-percy")
    assert in_care_team(both, "hia-percy")
    assert in_care_team(SYSTEM, "hia-percy")
