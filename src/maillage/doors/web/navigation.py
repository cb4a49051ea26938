"""Where one may go from every page: few places, the same for everybody but for the work of each role."""

from __future__ import annotations

from dataclasses import dataclass

from maillage.access import policy
from maillage.doors.web.steering.readers import may_steer
from maillage.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Item:
    """One place. `current` marks the area that one is in, `exact` the very page."""

    href: str
    label: str
    icon: str
    current: bool = False
    exact: bool = False


_PLACES = (
    ("/", "Mes listes", "home", ("/demandes", "/listes", "/notifications"), ""),
    ("/patients", "Patients", "person", (), "Patient"),
    ("/services", "Services", "book", (), "HealthcareService"),
    ("/vacations", "Vacations", "calendar", ("/accueil", "/rendez-vous", "/planification", "/attente"), "Schedule"),
    ("/simulation", "Simulation", "chart", (), "Simulation"),
    ("/pilotage", "Pilotage", "pin", ("/territoire",), "steering"),
)


def navigation(actor: Actor, path: str) -> tuple[Item, ...]:
    """The places for this actor, the present one marked."""
    return tuple(
        _item(href, label, icon, (href, *also), path)
        for href, label, icon, also, kind in _PLACES
        if actor.kind == "person" and _is_open(actor, kind)
    )


def _is_open(actor: Actor, kind: str) -> bool:
    if kind == "steering":
        return may_steer(actor)
    return not kind or policy.view(actor, kind) != policy.NOTHING


def _item(href: str, label: str, icon: str, roots: tuple[str, ...], path: str) -> Item:
    inside = any(path == root or (root != "/" and path.startswith(root + "/")) for root in roots)
    return Item(href, label, icon, inside, path == href)
