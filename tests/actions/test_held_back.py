"""What waits to be announced to its patient: thirty days at most, with what hangs on it, and told when nobody announced it (CSP L1111-2, L1111-7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asyncpg import CheckViolationError
from tests.factories import referrals as make

from maillage import journeys
from maillage.access import labels
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Conflict
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
HELD = "INVISIBLE_PATIENT"


async def held(db: Database, clock: FixedClock) -> tuple[str, str]:
    """A letter that its author holds back; with its patient."""
    task = await make.letter_sent(db, clock)
    row = await make.look(db, task)
    await make.act(db, make.TRIAGER, journeys.put_label, "DocumentReference", row["document_id"], HELD)
    return str(row["document_id"]), str(row["patient_id"])


async def rows(db: Database) -> list[Any]:
    async with db.transaction(SYSTEM) as tx:
        return list(await tx.fetch("SELECT * FROM security_label ORDER BY starts, id"))


async def test_it_names_its_owner_and_ends_in_thirty_days(db: Database, clock: FixedClock) -> None:
    letter, patient = await held(db, clock)
    [row] = await rows(db)
    assert (row["res_id"], row["set_by"], row["ends"]) == (letter, make.TRIAGER.id, clock.now() + timedelta(days=30))
    async with db.transaction(make.TRIAGER) as tx:
        [shown] = await labels.labels_of(tx, patient)
    assert shown.until == row["ends"]


@pytest.mark.parametrize(("code", "days"), [(HELD, 31), (HELD, None), ("V", 5)])
async def test_the_database_holds_the_thirty_days(db: Database, clock: FixedClock, code: str, days: int | None) -> None:
    _, patient = await held(db, clock)
    ends = clock.now() + timedelta(days=days) if days else None
    with pytest.raises(CheckViolationError, match="security_label_announced"):
        async with db.transaction(SYSTEM) as tx:
            await tx.conn.execute(
                """
                INSERT INTO security_label (id, patient_id, code, starts, ends, set_by, owner_org, parties)
                VALUES ('x', $1, $2, $3, $4, 'x', 'x', '{x}')
                """,
                *(patient, code, clock.now(), ends),
            )


async def test_behind_the_second_wall_alone_the_patient_does_not_see_it_and_the_doctors_do(db: Database, clock: FixedClock) -> None:
    letter, patient = await held(db, clock)
    seen = {}
    for name, actor in (("patient", Actor("patient", patient, ())), ("author", make.TRIAGER), ("requester", make.GP)):
        async with db.transaction(actor) as tx:
            seen[name] = await tx.fetchval("SELECT count(*) FROM referral_letter WHERE id = $1", letter)
            seen[name] += await tx.fetchval("SELECT count(*) FROM resource_head WHERE id = $1", letter)
    assert seen == {"patient": 0, "author": 2, "requester": 2}


async def test_its_end_is_told_once_and_it_may_not_be_held_for_ever(db: Database, clock: FixedClock) -> None:
    letter, _ = await held(db, clock)
    with pytest.raises(Conflict, match="label-there"):
        await make.act(db, make.TRIAGER, journeys.put_label, "DocumentReference", letter, HELD)
    clock.advance(timedelta(days=30))
    for _ in range(2):
        await db.run(SYSTEM, journeys.release_late)
    async with db.transaction(SYSTEM) as tx:
        told = await tx.fetch("SELECT focus_type, focus_id, role FROM notification WHERE event = 'released-late'")
        ended = await tx.fetchval("SELECT count(*) FROM security_label_end")
    assert [tuple(row) for row in told] == [("DocumentReference", letter, "referent")]
    assert ended == 1
