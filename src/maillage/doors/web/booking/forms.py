"""What the verbs of sessions and appointments ask, beyond what their Operation says: rooms, substitutes, free slots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Any

from maillage import booking, directory
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field, day_of_address
from maillage.doors.web.presenters import clock, long_date
from maillage.doors.web.verbs import Asked
from maillage.doors.web.view import View
from maillage.kernel.period import wall_to_utc

_NO_QUESTIONS = frozenset({"kind", "priority", "requester-org", "based-on", "task", "first-visit", "side"})


YES_NO = (Choice("true", "Oui"), Choice("false", "Non"))


SLOTS_SHOWN = 30
"""How many free slots one form shows; the page says so, and leads on."""


def day(text: str, today: date) -> date:
    """The day that an address names, today for anything else."""
    return day_of_address(text) or today


async def asked(view: View, verb: str, row: Any) -> Asked:
    """The lists of choices of a verb on this session or appointment."""
    if verb == "confirm-room":
        rooms = await directory.rooms(view.tx, row["location_id"])
        choices = {"room": [Choice(room.id, room.name) for room in rooms], "kit": YES_NO, "helper": YES_NO}
        return Asked(choices, {"room": row["room_id"]}, hidden=_NO_QUESTIONS, required=frozenset({"kit", "helper"}))
    if verb == "substitute":
        roles = [
            role
            for role in await directory.roles_of_service(view.tx, row["healthcare_service_id"], code="medecin")
            if role.id != row["practitioner_role_id"]
        ]
        return Asked({"practitioner-role": [Choice(role.id, role.display, role.organization_name) for role in roles]})
    if verb == "move":
        slots = await slot_choices(view, [row["healthcare_service_id"]], row["priority"], start=slots_from(view))
        return Asked({"slot": slots}, required=frozenset({"slot"}))
    if verb == "settle-session":
        return await _figures(view, row)
    if verb == "prioritise":
        ranks = [Choice(str(boost), say(f"rank.{boost}")) for boost in (2, 1, 0, -1)]
        return Asked({"boost": ranks}, labels={"boost": say("label.rank"), "reason": say("label.rank-reason")})
    if verb == "cancel":
        return Asked(hidden=_NO_QUESTIONS - {"side"}, required=frozenset({"side"}))
    return Asked(hidden=_NO_QUESTIONS)


def slots_from(view: View) -> date | None:
    """The first day of the slots that are shown: the page names it in its address, and its form in its own."""
    return day_of_address(view.query("des"))


def later_slots(view: View, fields: Sequence[Field]) -> tuple[Field, bool] | None:
    """For a form of slots: the question of the first day, and whether slots beyond those shown may follow."""
    slot = next((field for field in fields if field.name == "slot"), None)
    if slot is None:
        return None
    first = slots_from(view)
    return Field("des", "À partir du", "date", value=first.isoformat() if first else "", marked=False), len(slot.choices) >= SLOTS_SHOWN


async def _figures(view: View, row: Any) -> Asked:
    """What the two sides sign: the figures of the other side when it has signed, else those that the slots give."""
    visits = await booking.appointments(view.tx, session=row["id"], statuses=["fulfilled"])
    minutes = int((row["ends_at"] - row["starts_at"]).total_seconds() // 60)
    given = {"minutes": row["settled_minutes"], "patients": row["settled_patients"], "cost-cents": row["settled_cost_cents"]}
    usual = {"minutes": minutes, "patients": len(visits)}
    shown = {name: usual.get(name) if value is None else value for name, value in given.items()}
    return Asked(proposed=shown, hidden=_NO_QUESTIONS, labels={"cost-cents": say("label.cost")})


async def slot_choices(
    view: View, services: list[str], priority: str, *, limit: int = SLOTS_SHOWN, requester: str = "", start: date | None = None
) -> list[Choice]:
    """The first free slots over every site, in order of time, with their place; from `start` on when it is given."""
    sites = {place.id: place.name for place in await directory.sites(view.tx)}
    organizations = [requester] if requester else None
    first = wall_to_utc(start, time()) if start else None
    found = await booking.find_slots(view.tx, services=services, priority=priority, limit=limit, organizations=organizations, start=first)
    return [Choice(slot["id"], clock(slot["starts_at"]), group=_group(slot, sites)) for slot in found]


def _group(slot: Any, sites: dict[str, str]) -> str:
    """The title above the places of one day at one site."""
    day = long_date(slot["starts_at"])
    return f"{day[0].upper()}{day[1:]}, {sites.get(slot['location_id'], '')}"
