"""A worklist page by page: each page begins where the one before ended, both ways, whatever is done or refused meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.factories import referrals as make

from maillage import referrals
from maillage.access import choices
from maillage.access.choices import Target
from maillage.kernel.actor import Actor
from maillage.kernel.clock import FixedClock
from maillage.referrals import Place, Total
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
LIST, MANY = "to-triage", 6


async def several(db: Database, clock: FixedClock) -> list[str]:
    """Requests of several patients, made one after the other, the third one urgent."""
    made = []
    for rank in range(MANY):
        made.append(await make.sent(db, patient=rank, **({"priority": "urgent"} if rank == 2 else {})))
        clock.advance(timedelta(minutes=7))
    return made


def place_of(row: Any, *, back: bool = False) -> Place:
    return Place(row["rank"], row["due_at"], row["number"], back)


async def page(db: Database, place: Place | None = None, *, limit: int = 2, actor: Actor = make.TRIAGER) -> Sequence[Any]:
    async with db.transaction(actor) as tx:
        return await referrals.worklist(tx, LIST, limit=limit, place=place)


async def total(db: Database, place: Place | None = None, actor: Actor = make.TRIAGER) -> Total:
    async with db.transaction(actor) as tx:
        return (await referrals.worklist_totals(tx, (LIST,), place=place))[LIST]


async def walk(db: Database, *, limit: int = 2) -> list[str]:
    """Every line from the first page to the last."""
    seen, rows = [], await page(db, limit=limit)
    while rows:
        seen += [row["id"] for row in rows]
        rows = await page(db, place_of(rows[-1]), limit=limit)
    return seen


@pytest.mark.parametrize("limit", [1, 2, 4, 50])
async def test_the_pages_are_the_list(db: Database, clock: FixedClock, limit: int) -> None:
    made = await several(db, clock)
    assert await walk(db, limit=limit) == [made[2], *made[:2], *made[3:]], "the urgent one first, then the first due"
    assert (await total(db)).count == MANY


async def test_a_page_before_another_is_the_one_that_was_shown(db: Database, clock: FixedClock) -> None:
    await several(db, clock)
    whole = await walk(db, limit=50)
    rows = await page(db, limit=MANY)
    assert [row["id"] for row in await page(db, place_of(rows[4], back=True))] == whole[2:4]
    assert [row["id"] for row in await page(db, place_of(rows[1], back=True))] == whole[:1]
    assert await page(db, place_of(rows[0], back=True)) == []
    assert [(await total(db, place_of(row))).upto for row in rows] == list(range(1, MANY + 1))


async def test_what_was_decided_meanwhile_neither_hides_nor_repeats_a_line(db: Database, clock: FixedClock) -> None:
    await several(db, clock)
    whole, first = await walk(db, limit=50), await page(db)
    for row in first:
        await make.act(db, make.TRIAGER, referrals.accept, row["id"])
    assert [row["id"] for row in await page(db, place_of(first[-1]))] == whole[2:4]
    assert await total(db, place_of(first[-1])) == Total(MANY - 2, 0, 0)


@pytest.mark.parametrize(
    "target", [Target(organization=make.HOSPITAL), Target(practitioner=make.TRIAGER.id)], ids=["organization", "person"]
)
async def test_whom_a_patient_shuts_out_finds_the_line_on_no_page_and_in_no_count(db: Database, clock: FixedClock, target: Target) -> None:
    await several(db, clock)
    whole = await walk(db)
    hidden = whole[3]
    patient = str((await make.look(db, hidden))["patient_id"])
    before = {row["id"]: row for row in await page(db, limit=MANY)}
    async with db.transaction(make.GP) as tx:
        await choices.oppose(tx, patient, act=choices.READING, said_by="patient", target=target)
    for limit in (1, 2, 50):
        assert await walk(db, limit=limit) == [id for id in whole if id != hidden]
    assert (await total(db)).count == MANY - 1
    assert (await total(db, place_of(before[hidden]))).upto == 3, "its place counts those before it, not itself"
    assert [row["id"] for row in await page(db, place_of(before[hidden]))] == whole[4:]
    assert await page(db, place_of(before[whole[-1]])) == []


async def test_another_house_finds_nothing_at_a_place(db: Database, clock: FixedClock) -> None:
    await several(db, clock)
    [first, *_] = await page(db)
    for actor in (make.CARDIOLOGIST, make.STRANGER):
        assert await page(db, place_of(first), actor=actor) == []
        assert await total(db, place_of(first), actor) == Total()


async def test_follow_ups_are_paged_like_the_other_lists(db: Database, clock: FixedClock) -> None:
    asked = [{"text": f"Contrôle {n}", "due": make.SLOT["end"] + timedelta(days=90)} for n in range(3)]
    await make.letter_sent(db, clock, recommendations=asked)
    async with db.transaction(make.GP) as tx:
        whole = await referrals.follow_ups(tx)
        assert len(whole) == len(asked)
        places = [place_of(row) for row in whole]
        assert [row["id"] for row in await referrals.follow_ups(tx, place=places[0])] == [row["id"] for row in whole[1:]]
        back = Place(0, whole[2]["due_at"], whole[2]["number"], back=True)
        assert [row["id"] for row in await referrals.follow_ups(tx, place=back)] == [row["id"] for row in whole[:2]]
        assert [(await referrals.follow_up_total(tx, place=place)).upto for place in places] == [1, 2, 3]
