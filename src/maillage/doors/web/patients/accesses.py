"""« Qui a consulté ce dossier » : who looked at a patient's record, when, for which structure and why; on screen, and on paper for the patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from starlette.responses import Response

from maillage import record
from maillage.codes import labels
from maillage.directory import Organization
from maillage.doors.web import places
from maillage.doors.web.catalogue import role_words, say, word
from maillage.doors.web.pages import get
from maillage.doors.web.patients.presenters import load_identity
from maillage.doors.web.view import View

ON_SCREEN, ON_PAPER = 100, 1000


@dataclass(frozen=True, slots=True)
class Access:
    """One visit to the record: everything that was done in one request."""

    at: datetime
    who: str
    role: str
    organization: str
    acts: tuple[str, ...]
    why: str
    refused: bool
    urgent: bool
    id: str
    """The first of its events in the trail."""
    actor: str
    house: str
    """The id of the organisation, when it is one that we know: it can be asked why."""


async def show(view: View) -> Response:
    """What the caller's own structures did with this record; looking at it is written down too."""
    return await _page(view, ON_SCREEN, paper=False)


async def show_on_paper(view: View) -> Response:
    """The same to be printed and handed to the patient (CSP L1111-7, GDPR 15)."""
    return await _page(view, ON_PAPER, paper=True)


async def _page(view: View, limit: int, *, paper: bool) -> Response:
    """The data protection officer answers for the trail without seeing the record: the list alone, the same whether the patient is known or not."""
    patient = view.path("id")
    identity = None if view.actor.is_one_of("dpo") else await load_identity(view.tx, patient)
    async with view.door.trail.transaction(view.actor, request_id=view.tx.request_id, lazy=True, origin=view.tx.origin) as reading:
        found = await record.accesses(reading, view.actor, patient, after=_position(view.query("avant")), limit=limit)
    act = "print" if paper else "audit-read"
    await record.audit(view.tx, "R", "Patient", patient, patient=patient, verb="accesses", act=act)
    names = await places.organizations(view.tx)
    return view.page(
        "patients/templates/accesses.html",
        say("accesses.title"),
        patient=identity,
        address=f"/patients/{patient}",
        accesses=accesses(found.rows, names),
        following="_".join([found.position[0].isoformat(), *map(str, found.position[1:])]) if found.position and not paper else "",
        cut=bool(found.position) and paper,
        paper=paper,
    )


def _position(text: str) -> record.Position | None:
    """Where the page begins; anything that is no position is the first page."""
    at, *places = text.replace(" ", "+").split("_")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        return None
    if len(places) != 2 or not instant.tzinfo or not all(one.isascii() and one.isdigit() and len(one) < 19 for one in places):
        return None
    return instant, int(places[0]), int(places[1])


def accesses(rows: Sequence[Any], names: Mapping[str, Organization]) -> list[Access]:
    """The rows of one request are one visit."""
    visits = groupby(rows, key=lambda row: (row["request_id"] or row["id"], row["actor_id"], row["at"]))
    return [_access(list(visit), names) for _, visit in visits]


def _access(visit: list[Any], names: Mapping[str, Organization]) -> Access:
    first = visit[0]
    organization = names.get(first["organization"])
    return Access(
        at=first["at"],
        who=first["actor_name"] or say("accesses.unknown"),
        role=_role(first),
        organization=organization.label if organization else first["organization"],
        acts=tuple(dict.fromkeys(_acts(visit))),
        why=word("purpose", first["purpose"]) if labels.entry("purpose", first["purpose"]) else first["purpose"],
        refused=all(row["outcome"] != "0" for row in visit),
        urgent=any(row["subtype"] == "break-glass" or row["purpose"] in ("ETREAT", "BTG") for row in visit),
        id=first["id"],
        actor=first["actor_id"],
        house=first["organization"] if organization else "",
    )


def _role(row: Any) -> str:
    roles = [code for code in row["roles"].split() if labels.entry("role", code)]
    return role_words(roles) if roles else say("accesses.software") if row["actor_kind"] == "client" else ""


def _acts(visit: Iterable[Any]) -> list[str]:
    """In words: the verb of a workflow when it has one, else what kind of look it was."""
    found = []
    for row in visit:
        kind = "verb" if row["action"] != "R" and labels.entry("verb", row["verb"]) else "act"
        code = row["verb"] if kind == "verb" else row["subtype"]
        found.append(word(kind, code) if labels.entry(kind, code) else word("act", "operation"))
    return found


PAGES = (
    get("/patients/{id:id}/acces", show, on="AuditEvent", to="read"),
    get("/patients/{id:id}/acces/papier", show_on_paper, on="AuditEvent", to="read"),
)
