"""The territory as `make demo` shows it, and something on each page that its past does not reach: what the pictures of the documentation are taken of."""

from __future__ import annotations

from datetime import timedelta

from tests.conftest import LIMITS, MONDAY
from tests.doors.fhir.conftest import caller, token
from tests.doors.fhir.test_partner_messages import message, numbered, visit
from tests.doors.test_web_identities import twin_of
from tests.factories import referrals as make
from tests.journeys.whole import Whole
from tests.simulation.test_outlook import quiet_department
from tests.support import postgres
from tests.support.following import set_aside
from tests.support.furnished import DIRECTOR, HOME, furnish, request
from tests.support.receiver import Receiver

from maillage import demonstration, directory, experiments, journeys
from maillage.access import choices
from maillage.doors.fhir import FhirDoor
from maillage.kernel.clock import FixedClock
from maillage.simulation import counts, shipped, text_of
from maillage.store import Database

SEED, PAST, PATIENTS = 2026, 200, 300
CLIENT = "gam-clamart"
CENTRE = [one for one in directory.generate_patients(SEED, PATIENTS) if one["managingOrganization"]["reference"] == HOME]
NEW = [one for one in directory.generate_patients(SEED, PATIENTS)[PAST:] if one in CENTRE]
"""Patients of the centre about whom the past says nothing; the first two are those of `furnish`."""
SEEN = CENTRE[2]["id"]
"""A patient of the centre who has a past."""


async def demonstrated(dsn: str) -> None:
    """Fill: the demonstration on a Monday morning, its past played; then what is under way."""
    await postgres.create(dsn)
    database = await postgres.open_both(dsn, FixedClock(MONDAY), limits=LIMITS)
    before = FixedClock(MONDAY - timedelta(days=2))
    earlier = await postgres.open_both(dsn, before, limits=LIMITS)
    try:
        await demonstration.load(database, patients=PATIENTS, seed=SEED)
        await demonstration.play(database, patients=PAST, seed=SEED)
        async with Receiver() as receiver:
            await set_aside(earlier, before, receiver)
        await furnish(database, NEW)
        await opposed(database, NEW[2]["id"])
        await twin_of(database, NEW[3]["id"])
        await messages_of(database, NEW[0]["id"])
        await simulated(database)
    finally:
        await earlier.close()
        await database.close()


async def opposed(db: Database, patient: str) -> None:
    """A request under way whose patient refuses afterwards that anybody reads: its line has no name at the hospital."""
    await request(db, patient, make.SERVICE)
    async with db.transaction(make.GP) as tx:
        await choices.oppose(tx, patient, act=choices.READING, said_by="patient")


async def messages_of(db: Database, patient: str) -> None:
    """What the administration software of the centre told: one message that was taken, one that is kept for somebody."""
    door = FhirDoor(db, mode="test", operations=journeys.OPERATIONS, intake=journeys.INTAKE)
    async with caller(door, await token(db, CLIENT, make.CENTRE)) as theirs:
        for number, about in (("m-1", patient), ("m-2", "inconnu")):
            answer = await theirs.post("/fhir/$process-message", json=message(visit(about, "in-progress", **numbered()), number=number))
            assert answer.status_code == 200, answer.text


async def simulated(db: Database) -> None:
    """Two organisations compared, and forecasts, both played; one more that waits."""
    pair = [experiments.Text(name, text_of(shipped(name))) for name in ("percy-35000-rebuilt", "percy-35000-overflow")]
    async with db.transaction(DIRECTOR) as tx:
        await experiments.ask(tx, pair[0], pair[1], replications=6)
        await experiments.ask(tx, experiments.Text("comptes.json", counts.text_of(quiet_department())), kind="forecast")
    runner = experiments.Runner(db)
    try:
        while await runner.round():
            pass
    finally:
        await runner.close()
    async with db.transaction(DIRECTOR) as tx:
        await experiments.ask(tx, pair[1])


class Demonstrated(Whole):
    """Everything that `maillage serve` serves, on that territory."""

    template, fill = "demonstrated_territory", staticmethod(demonstrated)
    seconds = 600
    """Its past and two simulations are played first."""
