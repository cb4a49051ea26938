"""Who is what to an appointment: several parties at once when one organisation holds several sides."""

from __future__ import annotations

import pytest

from maillage.booking.rules.parties import Sides, parties_of
from maillage.kernel.actor import SYSTEM, Actor

SIDES = Sides("hospital", "centre", "practice", "doctor", "patient")


def person(organization: str, *roles: str, id: str = "someone") -> Actor:
    return Actor("person", id, (organization,), frozenset(roles))


@pytest.mark.parametrize(
    ("actor", "parties"),
    [
        (SYSTEM, {"SY"}),
        (person("hospital", "secretaire"), {"PO"}),
        (person("hospital", "planificateur"), {"PO"}),
        (person("hospital", "gestionnaire"), {"PO"}),
        (person("hospital", "medecin"), set()),
        (person("hospital", "medecin", id="doctor"), {"PC"}),
        (person("centre", "medecin", id="doctor"), {"PC", "HO"}),
        (person("centre", "infirmier"), {"HO"}),
        (person("practice", "secretaire"), {"RO"}),
        (person("elsewhere", "secretaire"), set()),
        (Actor("client", "robot", ("hospital",), frozenset({"logiciel"})), {"PO", "PC"}),
        (Actor("client", "robot", ("practice", "centre"), frozenset({"logiciel"})), {"RO", "HO"}),
        (Actor("person", "patient", (), frozenset({"patient"})), {"PT"}),
        (Actor("person", "other", (), frozenset({"patient"})), set()),
        (Actor("client", "nobody", ()), set()),
    ],
)
def test_parties(actor: Actor, parties: set[str]) -> None:
    assert parties_of(actor, SIDES) == parties


def test_what_is_not_known_is_nobodys() -> None:
    assert parties_of(person("", "medecin"), Sides("hospital")) == frozenset()


def test_one_organisation_may_hold_all_sides() -> None:
    assert parties_of(person("hospital", "secretaire"), Sides("hospital", "hospital", "hospital")) == {"PO", "HO", "RO"}
