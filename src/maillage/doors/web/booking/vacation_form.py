"""The form of a vacation: who, where, when, how slots are cut, for whom some are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from maillage import booking, directory
from maillage.booking import Share
from maillage.codes.specialties import specialties
from maillage.directory import Place, Role, Service
from maillage.doors.web.booking import recurrence
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.forms import Choice, Field, Reader
from maillage.doors.web.view import View
from maillage.kernel.errors import Issue
from maillage.store import Transaction

SHARES = 3
_NUMBERS = ("slot-minutes", "buffer-before", "buffer-after", "reserved-asap", "reserved-urgent")
_HINTS = {
    "buffer-before": "Salle et praticien gardés.",
    "buffer-after": "Salle et praticien gardés.",
    "reserved-asap": "Gardés dans chaque vacation, ouverts à tous 24 heures avant.",
    "reserved-urgent": "Gardés dans chaque vacation, ouverts à tous 3 jours ouvrés avant.",
    "valid-to": "Vide : sans fin prévue.",
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What a vacation keeps for life: its service and its place, with who may hold it and in which rooms."""

    service: Service
    site: Place
    people: tuple[Role, ...]
    rooms: tuple[Place, ...]


async def frame(tx: Transaction, service_id: str, site_id: str) -> Frame:
    """The practitioners of the service who have a role at the site, and the rooms of the site. Raises `NotFound`."""
    service, site = await directory.get_service(tx, service_id), await directory.place(tx, site_id)
    everybody = await directory.roles_of_service(tx, service.id, code="medecin")
    here = tuple(
        role for role in everybody if role.organization_id == site.organization_id and set(role.specialties) & set(service.specialties)
    )
    return Frame(service, site, here, tuple(await directory.rooms(tx, site.id)))


def _titled(row: str, *fields: Field) -> list[Field]:
    return [replace(field, row=row) for field in fields]


def _asked(name: str, kind: str, *, required: bool = False, **more: Any) -> Field:
    return Field(name, word("field", name), kind, required, _HINTS.get(name, ""), **more)


def fields(found: Frame, organizations: list[Choice], row: Any | None = None, promised: Sequence[Share] = ()) -> list[Field]:
    """The questions of a vacation; from `row` and `promised` the present answers."""
    rooms = tuple(Choice(room.id, room.name) for room in found.rooms)
    made = [*_titled("Qui et où", *_who(found, row), _asked("room", "radio", required=True, choices=rooms))]
    made += _titled("Quand", *_when(row))
    made += _titled(
        "Créneaux", *(_asked(name, "number", required=name == "slot-minutes", inputmode="numeric", marked=False) for name in _NUMBERS)
    )
    for number in range(max(SHARES, len(promised))):
        made += _share(number + 1, organizations)
    shown = {f"share-{n}-{name}": value for n, share in enumerate(promised, 1) for name, value in _promised(share).items()}
    return [field.started(shown.get(field.name, _known(field.name, found, row))) for field in made]


def _promised(share: Share) -> dict[str, Any]:
    return {"organization": share.organization, "slots": share.slots, "at-most": share.at_most}


def _who(found: Frame, row: Any | None) -> list[Field]:
    if row is not None:
        return []
    people = tuple(Choice(role.id, role.display, role.organization_name) for role in found.people)
    asked = [Field("practitioner-role", "Praticien", "radio", required=True, choices=people)]
    if len(found.service.specialties) > 1:
        names = specialties()
        choices = tuple(Choice(code, names.get(code, code)) for code in found.service.specialties)
        asked.append(_asked("specialty", "radio", required=True, choices=choices))
    return asked


def _when(row: Any | None) -> list[Field]:
    days, rhythms = recurrence.day_choices(), recurrence.rhythms()
    if row is not None and recurrence.answers(row["rrule"])[0] == recurrence.AS_IT_IS:
        rhythms = (Choice(recurrence.AS_IT_IS, say("recurrence.as-today", words=recurrence.words(row["rrule"]))), *rhythms)
    asked = [
        Field("rhythm", "Rythme", "select", required=True, choices=rhythms),
        Field("days", "Jours", "checks", required=True, choices=days, inline=True),
        _asked("starts", "time", required=True),
        _asked("ends", "time", required=True),
        Field("valid-from", "Premier jour", "date", required=True),
        Field("valid-to", "Dernier jour", "date", hint=_HINTS["valid-to"]),
        Field("closed-on-holidays", "Fermée les jours fériés", "checkbox"),
    ]
    return [field for field in asked if row is None or field.name != "valid-from"]


def _share(number: int, organizations: list[Choice]) -> list[Field]:
    title = say("row.share", number=number)
    return _titled(
        title,
        Field(f"share-{number}-organization", "Centre", "select", choices=tuple(organizations), empty="Aucun", marked=False),
        Field(
            f"share-{number}-slots", "Créneaux gardés", "number", hint="Ouverts à tous 10 jours avant.", inputmode="numeric", marked=False
        ),
        Field(
            f"share-{number}-at-most", "Pas plus de", "number", hint="Son plafond jusqu’à cette date.", inputmode="numeric", marked=False
        ),
    )


def _known(name: str, found: Frame, row: Any | None) -> Any:
    if row is None:
        only = {"practitioner-role": [role.id for role in found.people], "room": [room.id for room in found.rooms]}.get(name, [])
        usual = {"slot-minutes": found.service.minutes, "closed-on-holidays": True, "buffer-before": 0, "buffer-after": 0}
        return only[0] if len(only) == 1 else usual.get(name, 0 if name.startswith("reserved") else None)
    rhythm, days = recurrence.answers(row["rrule"])
    other = {"rhythm": rhythm, "days": days, "room": row["room_id"]}
    other |= {name: row[name].strftime("%H:%M") for name in ("starts", "ends")}
    column = name.replace("-", "_")
    return other[name] if name in other else row[column] if column in row.keys() else None  # noqa: SIM118  # a Record iterates over its values


def read(values: Any, asked: list[Field]) -> dict[str, Any]:
    """The answers by the names of the room. Raises `Invalid` with every error."""
    reader = Reader(values)
    found = {field.name: reader.read(field) for field in asked}
    rhythm, days = found.pop("rhythm"), found.pop("days")
    reader.done()
    facts = {name.replace("-", "_"): value for name, value in found.items() if not name.startswith("share-")}
    facts = {name: value for name, value in facts.items() if value is not None or name == "valid_to"}
    facts["closed_on_holidays"] = bool(found["closed-on-holidays"])
    return facts if rhythm == recurrence.AS_IT_IS else {**facts, "rrule": recurrence.rule(rhythm, days)}


def shares(values: Any, asked: list[Field]) -> list[Share]:
    """What each organisation is promised in each session. A line without an organisation, or an organisation without slots, is an error."""
    reader = Reader(values)
    found = {field.name: reader.read(field) for field in asked if field.name.startswith("share-")}
    kept = []
    for number in range(1, 1 + sum(name.endswith("-organization") for name in found)):
        organization, slots, most = (found.get(f"share-{number}-{name}") for name in ("organization", "slots", "at-most"))
        if organization is None and slots is None and most is None:
            continue
        if organization is None:
            reader.fail(f"share-{number}-organization", "required-choice")
        elif slots is None:
            reader.fail(f"share-{number}-slots", "required")
        else:
            kept.append(Share(organization, slots, most))
    if len({share.organization for share in kept}) < len(kept):
        reader.issues.append(Issue("error", "business-rule", "share-twice"))
    reader.done()
    return kept


async def partners(view: View) -> list[Choice]:
    """The structures of the town that may be promised slots."""
    kinds = ("town", "centre", "practice")
    return [Choice(one.id, one.name) for one in await directory.organizations(view.tx) if one.active and one.kind in kinds]


def may_plan(view: View, owner: str) -> bool:
    """Whether the table of the room gives this actor the planning of a hospital's vacations."""
    whose = {"status": "none", "owner_org": owner, "host_org": None, "practitioner_id": None}
    return "plan" in booking.legal_verbs(view.tx, whose)
