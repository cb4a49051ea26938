"""« Il me manque... »: the letter is owed again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import NotAllowed
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio


async def test_disputed_and_written_again(db: Database, clock: FixedClock) -> None:
    task = await make.letter_sent(db, clock, recommendations=[{"text": "Coloscopie", "due": make.SLOT["end"] + timedelta(days=90)}])
    first = (await make.look(db, task))["document_id"]
    await make.refused(db, make.NURSE, referrals.dispute, task, NotAllowed, reason="no-conclusion")
    await make.act(db, make.GP, referrals.dispute, task, reason="who-does-what", comment="Qui programme la coloscopie ?")
    row = await make.look(db, task)
    assert (row["state"], row["business"], row["turn"], row["reason"]) == ("seen", "5.1.4", "PC", "who-does-what")
    assert [child["state"] for child in await make.children(db, task, "follow-up")] == ["cancelled"]
    await make.act(db, make.TRIAGER, referrals.send_outcome, task, text="Nous programmons la coloscopie.")
    second = (await make.look(db, task))["document_id"]
    assert (await make.photograph(db, "DocumentReference", first))["status"] == "superseded"
    shown = await make.photograph(db, "DocumentReference", second)
    assert shown["relatesTo"] == [{"code": "replaces", "target": {"reference": f"DocumentReference/{first}"}}]
