"""The sessions of the demonstration: conventions, rights to practise, templates, and the weeks around today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from maillage import booking
from maillage.booking import Share
from maillage.demonstration.people import actor_of
from maillage.kernel.actor import Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.period import day_in_paris
from maillage.store import Database, Transaction

PAST_WEEKS, COMING_WEEKS = 8, 6
CONVENTION = date(2021, 9, 15)


@dataclass(frozen=True, slots=True)
class Template:
    """One vacation of the demonstration."""

    id: str
    role: str
    practitioner: str
    service: str
    site: str
    room: str
    weekday: str
    starts: time
    ends: time
    minutes: int
    planner: str
    host: str
    specialty: str
    interval: int = 1


TEMPLATES = (
    Template(
        "vacation-dermatologie-clamart",
        "clamart-dermatologie-serignac",
        "serignac-alienor",
        "percy-dermatologie",
        "site-clamart-soins",
        "clamart-soins-salle-vacation-1",
        "TU",
        time(14),
        time(17),
        20,
        "planification-percy",
        "gestionnaire-clamart",
        "SM15",
    ),
    Template(
        "vacation-hge-clamart",
        "clamart-hge-castanier",
        "castanier-leo",
        "percy-hge",
        "site-clamart-soins",
        "clamart-soins-salle-vacation-1",
        "TH",
        time(9),
        time(12, 20),
        20,
        "planification-percy",
        "gestionnaire-clamart",
        "SM24",
    ),
    Template(
        "vacation-vasculaire-clamart",
        "clamart-vasculaire-amblard",
        "amblard-solveig",
        "percy-vasculaire-thoracique",
        "site-clamart-soins",
        "clamart-soins-salle-vacation-2",
        "WE",
        time(14),
        time(17),
        30,
        "planification-percy",
        "gestionnaire-clamart",
        "SM13",
        2,
    ),
    Template(
        "consultation-medecine-interne-percy",
        "percy-medecine-interne-montaignac",
        "montaignac-ulysse",
        "percy-medecine-interne",
        "site-percy",
        "percy-consultation-medecine-interne",
        "MO",
        time(9),
        time(12, 20),
        40,
        "planification-percy",
        "planification-percy",
        "SM27",
    ),
    Template(
        "consultation-mpr-percy",
        "percy-mpr-bellegarigue",
        "bellegarigue-fanny",
        "percy-mpr",
        "site-percy",
        "percy-consultation-mpr",
        "FR",
        time(9),
        time(11, 40),
        40,
        "planification-percy",
        "planification-percy",
        "SM29",
    ),
    Template(
        "consultation-cardiologie-chic",
        "chic-cardiologie-lavardac",
        "lavardac-myriam",
        "chic-cardiologie",
        "site-chic",
        "chic-consultation-cardiologie",
        "TU",
        time(9),
        time(12),
        30,
        "planification-chic",
        "planification-chic",
        "SM04",
    ),
)


async def open_sessions(database: Database, now: datetime) -> None:
    """Grant the conventions, then plan, confirm and publish the sessions of the weeks around `now`, as their planners would have."""
    first = day_in_paris(now) - timedelta(weeks=PAST_WEEKS)
    clock = FixedClock(now - timedelta(weeks=PAST_WEEKS + 1))
    for template in TEMPLATES:
        planner, host = actor_of(template.planner), actor_of(template.host)
        async with database.transaction(planner, clock=clock, timeout=60) as tx:
            sessions = await _plan(tx, template, planner, host, first)
        for session in sessions:
            async with database.transaction(host, clock=clock) as tx:
                await booking.confirm_room(tx, session)
            async with database.transaction(planner, clock=clock) as tx:
                await booking.publish(tx, session)


async def _plan(tx: Transaction, template: Template, planner: Actor, host: Actor, first: date) -> list[str]:
    if planner.organization != host.organization:
        await booking.grant_clause(
            tx,
            site=template.site,
            specialty=template.specialty,
            owner_org=planner.organization,
            host_org=host.organization,
            valid_from=CONVENTION,
            contract="Convention du 15 septembre 2021",
        )
        await booking.authorise_practice(tx, practitioner=template.practitioner, site=template.site, valid_from=CONVENTION, basis="SSA")
    vacation = await booking.create_vacation(
        tx,
        template.id,
        practitioner_role=template.role,
        service=template.service,
        site=template.site,
        room=template.room,
        starts=template.starts,
        ends=template.ends,
        rrule=f"FREQ=WEEKLY;INTERVAL={template.interval};BYDAY={template.weekday}",
        valid_from=first,
        slot_minutes=template.minutes,
        reserved_asap=1,
        reserved_urgent=1,
        quotas=(Share("cds-montgeron", 1, 2),) if planner.organization != host.organization else (),
    )
    last = first + timedelta(weeks=PAST_WEEKS + COMING_WEEKS)
    return [session["id"] for session in await booking.plan(tx, vacation["id"], start=first, end=last)]
