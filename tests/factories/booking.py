"""States of booking, reached by the real verbs of the real parties on the demonstration's own territory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from tests.support import postgres

from maillage import access, booking, directory
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import MaillageError
from maillage.kernel.period import wall_to_utc
from maillage.store import Database, Transaction

HOSPITAL, CENTRE, OTHER, PRACTICE = "hia-percy", "cms-clamart-soins", "cds-montgeron", "cabinet-creteil"
SERVICE, SPECIALTY, SITE = "percy-dermatologie", "SM15", "site-clamart-soins"
ROOM, ROOM_2 = "clamart-soins-salle-vacation-1", "clamart-soins-salle-vacation-2"
ROLE, PRACTITIONER = "clamart-dermatologie-serignac", "serignac-alienor"
COLLEAGUE, COLLEAGUE_PRACTITIONER = "percy-dermatologie-coutras", "coutras-blaise"
TUESDAY = date(2026, 12, 1)
PATIENTS = 30


def person(id: str, organization: str, *roles: str, role_id: str | None = None) -> Actor:
    return Actor("person", id, (organization,), frozenset(roles), role_id)


PLANNER = person("aumontel-delphine", HOSPITAL, "planificateur", "secretaire", role_id="percy-planification-aumontel")
HOST = person("ombredane-sylvaine", CENTRE, "gestionnaire", role_id="clamart-gestionnaire-ombredane")
NURSE = person("brossac-ludivine", CENTRE, "infirmier", role_id="clamart-infirmier-brossac")
DOCTOR = person(PRACTITIONER, CENTRE, "medecin", role_id=ROLE)
GP = person("duranton-eloi", OTHER, "medecin", role_id="montgeron-mg-duranton")
SECRETARY = person("rieutord-maite", OTHER, "secretaire", role_id="montgeron-secretaire-rieutord")
STRANGER = person("jolimont-herve", PRACTICE, "secretaire", role_id="creteil-secretaire-jolimont")


async def territory(dsn: str) -> None:
    """Fill: the territory, and patients that the hospital, the host centre and one practice know."""
    await postgres.create(dsn)
    db = await Database.open(dsn, FixedClock(datetime.fromisoformat("2026-01-05T08:00:00+00:00")))
    async with db.transaction(SYSTEM, timeout=120) as tx:
        await directory.load_territory(tx)
        for id in await directory.load_patients(tx, 7, PATIENTS):
            for organization in (HOSPITAL, CENTRE, OTHER):
                await access.link(tx, id, organization, "presence", f"Patient/{id}")
    await db.close()


async def patients(db: Database, count: int = PATIENTS) -> list[str]:
    """The ids of patients whom the three organisations know, always the same."""
    async with db.transaction(SYSTEM) as tx:
        return [row["id"] for row in await tx.fetch("SELECT id FROM patient ORDER BY id LIMIT $1", count)]


async def act(db: Database, actor: Actor, verb: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """One verb in one transaction of this actor."""
    async with db.transaction(actor) as tx:
        return await verb(tx, *args, **kwargs)


async def agreed(db: Database, *, site: str = SITE, specialty: str = SPECIALTY) -> None:
    """The convention, and the right of the two dermatologists to practise at the centre."""
    since = date(2021, 9, 15)
    parties = {"owner_org": HOSPITAL, "host_org": CENTRE}
    await act(db, PLANNER, booking.grant_clause, site=site, specialty=specialty, valid_from=since, **parties)
    for practitioner in (PRACTITIONER, COLLEAGUE_PRACTITIONER):
        await act(db, PLANNER, booking.authorise_practice, practitioner=practitioner, site=site, valid_from=since)


async def vacation(db: Database, *, agreement: bool = True, **changes: Any) -> Any:
    """A weekly vacation on Tuesdays, 14:00 to 17:00, nine slots of twenty minutes, nothing reserved."""
    if agreement:
        await agreed(db)
    usual: dict[str, Any] = {
        "practitioner_role": ROLE,
        "service": SERVICE,
        "site": SITE,
        "room": ROOM,
        "starts": time(14),
        "ends": time(17),
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "valid_from": date(2026, 1, 6),
        "slot_minutes": 20,
    }
    return await act(db, PLANNER, booking.create_vacation, **{**usual, **changes})


async def planned(db: Database, *, day: date = TUESDAY, **changes: Any) -> Any:
    """One planned session."""
    made = await vacation(db, **changes)
    return (await act(db, PLANNER, booking.plan, made["id"], start=day, end=day))[0]


async def open_session(db: Database, **changes: Any) -> Any:
    """One open session."""
    session = await planned(db, **changes)
    return await publish(db, session["id"])


async def publish(db: Database, session: str) -> Any:
    """Confirm the room and publish."""
    await act(db, HOST, booking.confirm_room, session)
    return await act(db, PLANNER, booking.publish, session)


async def slots(db: Database, session: str) -> list[Any]:
    """The slots of a session, in order."""
    return await act(db, SYSTEM, booking.session_slots, session)


async def booked(db: Database, slot: str, patient: str, *, actor: Actor = GP, **more: Any) -> Any:
    """A booked appointment."""
    return await act(db, actor, booking.book, slot=slot, patient=patient, **more)


async def held(db: Database, slot: str, patient: str, *, actor: Actor = GP, **more: Any) -> Any:
    """A pending appointment that holds a slot."""
    return await act(db, actor, booking.hold, slot=slot, patient=patient, **more)


async def waiting(db: Database, patient: str, *, actor: Actor = GP, **more: Any) -> Any:
    """A line of the waiting list of dermatology."""
    return await act(db, actor, booking.join_waitlist, service=SERVICE, patient=patient, **more)


async def tick(db: Database, clock: FixedClock, to: datetime | timedelta | None = None) -> Any:
    """Move the clock, then let the scheduler pass."""
    if isinstance(to, timedelta):
        clock.advance(to)
    elif to:
        clock.set(to)
    return await act(db, SYSTEM, booking.run_clock)


def paris(day: date, hour: int, minute: int = 0) -> datetime:
    """The instant of a wall-clock time in Paris."""
    return wall_to_utc(day, time(hour, minute))


async def invariants(tx: Transaction, *, photographs: bool = True) -> list[str]:
    """What must hold whatever was done: the list of what does not."""
    checks = {
        "live appointments and busy slots name each other": """
            SELECT a.id FROM appointment a LEFT JOIN slot s ON s.id = a.slot_id AND s.appointment_id = a.id
            WHERE a.live_id IS NOT NULL AND (s.id IS NULL OR s.status NOT IN ('busy', 'busy-tentative')) ORDER BY 1""",
        "busy slots have a live appointment": """
            SELECT s.id FROM slot s LEFT JOIN appointment a ON a.live_id = s.appointment_id AND a.slot_id = s.id
            WHERE s.status = 'busy' AND a.id IS NULL ORDER BY 1""",
        "a slot kept for the waiting list has an open refill": """
            SELECT s.id FROM slot s WHERE s.status = 'busy-tentative' AND s.appointment_id IS NULL
            AND NOT EXISTS (SELECT FROM refill r WHERE r.slot_id = s.id AND r.state = 'open') ORDER BY 1""",
        "open offers belong to pending lines": """
            SELECT o.appointment_id AS id FROM refill_offer o JOIN appointment a ON a.id = o.appointment_id
            WHERE (o.answer = 'waiting') <> (a.status = 'pending' AND a.offered_slot_id IS NOT NULL)
            AND o.offered_at = (SELECT max(offered_at) FROM refill_offer x WHERE x.appointment_id = a.id) ORDER BY 1""",
        "the last status row is the status": """
            SELECT a.id FROM appointment a WHERE a.status <> (
                SELECT h.status FROM appointment_history h WHERE h.appointment_id = a.id ORDER BY seq DESC LIMIT 1) ORDER BY 1""",
    }
    found = [f"{name}: {row['id']}" for name, sql in checks.items() for row in await tx.fetch(sql)]
    return found + (await drift(tx) if photographs else [])


async def drift(tx: Transaction) -> list[str]:
    """Rows whose last photograph is not what they draw."""
    from maillage import record
    from maillage.booking.render import RENDERERS
    from maillage.codes.json import decode, encode

    found = []
    for kind, render in RENDERERS.items():
        for head in await tx.fetch("SELECT id, version FROM resource_head WHERE res_type = $1 ORDER BY id", kind):
            drawn = await render(tx, head["id"])
            stored = await tx.fetchval(
                "SELECT content FROM resource_version WHERE res_type = $1 AND id = $2 AND version = $3", kind, head["id"], head["version"]
            )
            if drawn is not None and record.comparable(decode(encode(drawn))) != record.comparable(decode(stored)):
                found.append(f"drift: {kind}/{head['id']}")
    return found


async def check(db: Database) -> None:
    """Assert the invariants."""
    async with db.transaction(SYSTEM) as tx:
        assert await invariants(tx) == []


async def refused(family: type[MaillageError], reason: str, made: Awaitable[Any]) -> Any:
    """The error that a verb raises: of this family, for this reason."""
    with pytest.raises(family) as refusal:
        await made
    assert refusal.value.reason == reason
    return refusal.value


async def row(db: Database, table: str, id: str) -> Any:
    """One row as it stands."""
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetchrow(f"SELECT * FROM {table} WHERE id = $1", id)


async def value(db: Database, sql: str, *args: Any) -> Any:
    """One value as it stands."""
    async with db.transaction(SYSTEM) as tx:
        return await tx.fetchval(sql, *args)
