"""The waiting list: who waits for each service, in the order in which they are served, who is being asked, what became of freed slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from maillage import booking
from maillage.directory import Place, Service
from maillage.doors.web import places
from maillage.doors.web.booking.desk import patient_names
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field
from maillage.doors.web.pages import get
from maillage.doors.web.presenters import aware
from maillage.doors.web.view import View

BOARD = timedelta(days=14)
TONES = {"open": "wait", "filled": "good", "unfilled": "off", "withdrawn": "off"}


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody who waits, with the rank in the queue of the service."""

    id: str
    rank: int
    patient: str
    priority: str
    waits: timedelta
    since: datetime
    removed: int
    target: datetime | None
    wish: str
    manual: str
    referral: str
    requester: str


@dataclass(frozen=True, slots=True)
class Queue:
    """The lines of one service."""

    service: str
    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """A freed slot that a patient is being asked about."""

    id: str
    version: int
    patient: str
    service: str
    at: datetime
    site: str
    expires_at: datetime
    answers: tuple[str, ...]


async def show(view: View) -> Response:
    """The queues, the offers that wait for an answer, and for a hospital the board of freed slots."""
    services, sites, organizations = await places.services(view.tx), await places.sites(view.tx), await places.organizations(view.tx)
    chosen = view.query("service") if view.query("service") in services else ""
    rows = await booking.waiting_list(view.tx, [chosen] if chosen else list(services))
    asked = [row for row in await booking.appointments(view.tx, statuses=["pending"]) if row["offered_slot_id"]]
    asked = [row for row in asked if not chosen or row["healthcare_service_id"] == chosen]
    names = await patient_names(view, [*rows, *asked], "waiting-list")
    hospital = organizations[view.actor.organization].kind == "hospital"
    freed = await booking.refills(view.tx, owner=view.actor.organization, since=view.tx.now - BOARD) if hospital else []
    labels = {id: found.label for id, found in organizations.items()}
    choices = [Choice(s.id, s.name) for s in services.values() if not hospital or s.organization_id == view.actor.organization]
    return view.page(
        "booking/templates/waiting.html",
        "Liste d’attente",
        queues=_queues(rows, names, services, sites, labels, view.tx.now),
        total=len(rows),
        offers=[_offer(view, row, names, services, sites) for row in asked],
        freed=[_freed(row, services, sites) for row in freed],
        hospital=hospital,
        service=Field("service", "Service", "select", choices=tuple(choices), chosen=(chosen,), empty="Tous les services", marked=False),
    )


def _queues(
    rows: Sequence[Any],
    names: dict[str, str],
    services: dict[str, Service],
    sites: dict[str, Place],
    organizations: dict[str, str],
    now: datetime,
) -> list[Queue]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["healthcare_service_id"], []).append(row)
    return [
        Queue(
            id,
            services[id].name,
            tuple(_line(rank, row, names, sites, organizations, now) for rank, row in enumerate(found[id], 1)),
        )
        for id in sorted(found, key=lambda id: services[id].name)
    ]


def _line(rank: int, row: Any, names: dict[str, str], sites: dict[str, Place], organizations: dict[str, str], now: datetime) -> Line:
    place = sites.get(row["wait_location_id"] or "")
    wish = [say("wait.at", place=place.name)] if place else []
    wish += [say("wait.notice", hours=row["wait_notice_hours"])] if row["wait_notice_hours"] else []
    return Line(
        row["id"],
        rank,
        names.get(row["patient_id"], ""),
        row["priority"],
        max(now - aware(row["wait_since"]) - row["wait_removed"], timedelta()),
        row["wait_since"],
        row["wait_removed"].days,
        row["wait_target"],
        ", ".join(wish),
        row["wait_boost_reason"] or "" if row["wait_boost"] else "",
        row["task_id"] or "",
        organizations.get(row["requester_org"], ""),
    )


def _offer(view: View, row: Any, names: dict[str, str], services: dict[str, Service], sites: dict[str, Place]) -> Offer:
    place, service = sites.get(row["location_id"] or ""), services.get(row["healthcare_service_id"])
    legal = booking.legal_verbs(view.tx, row)
    return Offer(
        row["id"],
        row["version"],
        names.get(row["patient_id"], ""),
        service.name.partition(",")[0] if service else "",
        row["starts_at"],
        place.name if place else "",
        row["expires_at"],
        tuple(verb for verb in ("accept-refill", "refuse-refill") if verb in legal),
    )


@dataclass(frozen=True, slots=True)
class Freed:
    """A slot that was freed, and what became of it."""

    at: datetime
    service: str
    site: str
    cause: str
    late: bool
    asked: int
    waves: int
    label: str
    tone: str


def _freed(row: Any, services: dict[str, Service], sites: dict[str, Place]) -> Freed:
    place, service = sites.get(row["location_id"]), services.get(row["healthcare_service_id"])
    return Freed(
        row["starts_at"],
        service.name.partition(",")[0] if service else "",
        place.name if place else "",
        say(f"refill.{row['cause']}"),
        row["late"],
        row["asked"],
        row["waves"],
        say(f"refill.{row['state']}"),
        TONES[row["state"]],
    )


PAGES = (get("/attente", show, on="Appointment"),)
