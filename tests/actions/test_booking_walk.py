"""Any verbs in any order by anybody: nothing but a named refusal, and the invariants hold after each step."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import booking as make

from maillage import booking
from maillage.booking import Share
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
ACTORS = (*[make.PLANNER] * 3, *[make.GP] * 3, make.HOST, make.NURSE, make.DOCTOR, make.SECRETARY, make.STRANGER)
STEPS = 120
RARELY = 0.15
LEAPS = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3), timedelta(hours=9), timedelta(hours=26))


class Walk:
    """A random walk over two sessions, from a printed seed."""

    def __init__(self, db: Database, clock: FixedClock, seed: int, sessions: list[str], patients: list[str]) -> None:
        self.db, self.clock, self.random = db, clock, random.Random(seed)
        self.sessions, self.patients = sessions, patients

    async def ids(self, sql: str) -> list[str]:
        async with self.db.transaction(make.SYSTEM) as tx:
            return [row["id"] for row in await tx.fetch(sql)] or ["nothing"]

    async def verb(self) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
        pick = self.random.choice
        slot = pick(await self.ids("SELECT id FROM slot ORDER BY starts_at, id"))
        appointment = pick(await self.ids("SELECT id FROM appointment WHERE turn IS NOT NULL ORDER BY created_at, id"))
        patient, priority = pick(self.patients), pick(["routine", "urgent", "asap"])
        session = pick(self.sessions)
        rare: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
            (booking.flag_absence, (session,), {}),
            (booking.start, (session,), {}),
            (booking.finish, (session,), {}),
            (booking.cancel_session, (session,), {"reason": "ill"}),
        ]
        return pick(
            [
                (booking.hold, (), {"slot": slot, "patient": patient, "kind": pick(["screen", "offer"]), "priority": priority}),
                (booking.book, (), {"slot": slot, "patient": patient, "priority": priority}),
                (booking.book, (appointment,), {}),
                (booking.join_waitlist, (), {"service": make.SERVICE, "patient": patient, "priority": priority}),
                (booking.accept_refill, (appointment,), {}),
                (booking.refuse_refill, (appointment,), {}),
                (booking.move, (appointment,), {"slot": slot}),
                (booking.confirm, (appointment,), {}),
                (booking.cancel, (appointment,), {"reason": "error"}),
                (booking.arrive, (appointment,), {"identity_confirmed": True}),
                (booking.call_in, (appointment,), {}),
                (booking.fulfil, (appointment,), {}),
                (booking.absent, (appointment,), {}),
                (booking.substitute, (session,), {"practitioner_role": pick([make.ROLE, make.COLLEAGUE])}),
                *(rare if self.random.random() < RARELY else []),
            ]
        )

    async def step(self) -> str:
        if self.random.random() < 0.2:
            await make.tick(self.db, self.clock, self.random.choice(LEAPS))
            return "tick"
        verb, args, kwargs = await self.verb()
        try:
            await make.act(self.db, self.random.choice(ACTORS), verb, *args, **kwargs)
        except (Conflict, Invalid, NotAllowed, NotFound, Stale) as refusal:
            return f"{verb.__name__}: {refusal.reason}"
        return str(verb.__name__)


@pytest.mark.parametrize("seed", [10, 11, 12])
async def test_a_random_walk_keeps_every_invariant(db: Database, clock: FixedClock, seed: int) -> None:
    clock.set(make.paris(make.TUESDAY - timedelta(days=12), 9))
    first = await make.open_session(db, reserved_asap=1, reserved_urgent=1, quotas=(Share(make.OTHER, 1, 3),))
    week = make.TUESDAY + timedelta(days=7)
    second = (await make.act(db, make.PLANNER, booking.plan, first["vacation_id"], start=week, end=week))[0]
    await make.publish(db, second["id"])
    walk = Walk(db, clock, seed, [first["id"], second["id"]], (await make.patients(db))[:14])
    done: list[str] = []
    for _ in range(STEPS):
        done.append(await walk.step())
        async with db.transaction(make.SYSTEM) as tx:
            broken = await make.invariants(tx, photographs=len(done) % 20 == 0)
        assert broken == [], done
    assert len(set(done)) > 10  # not a walk that was refused everything for one reason
