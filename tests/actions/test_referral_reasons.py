"""The lists of reasons are the same in the rules and in the database."""

from __future__ import annotations

import pytest
from tests.factories import referrals as make

from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_same_reasons(db: Database) -> None:
    from maillage.referrals.types import REASONS, REASONS_VERSION

    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT list, code, axis, version FROM referral_reason ORDER BY list, code")
    kept = {(row["list"], row["code"], row["axis"]) for row in rows}
    assert kept == {(name, reason.code, reason.axis) for name, reasons in REASONS.items() for reason in reasons}
    assert {row["version"] for row in rows} == {REASONS_VERSION}


async def test_a_reason_keeps_its_axis(db: Database) -> None:
    import asyncpg

    task = await make.opened(db)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction(SYSTEM) as tx:
            await tx.execute(
                "UPDATE referral_task SET reason_list = 'decline', reason = 'age', reason_axis = 'clinical' WHERE id = $1", task
            )
