"""Dates in searches: one table of values against questions, at the edges of days, zones, precisions and open periods (R4, 3.1.1.4.6)."""

from __future__ import annotations

from typing import Any

import pytest

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Malformed
from maillage.record import photograph
from maillage.record.bounds import date_span
from maillage.record.search import search
from maillage.store import Database, Transaction

ACTOR = Actor(kind="client", id="t", organizations=("org-a",), roles=frozenset({"logiciel"}))

VALUES: dict[str, Any] = {
    "year": "2026",
    "month": "2026-11",
    "day": "2026-11-22",
    "paris-midnight": "2026-11-22T00:00:00+01:00",
    "utc-midnight": "2026-11-22T00:00:00Z",
    "last-second": "2026-11-22T23:59:59Z",
    "next-midnight": "2026-11-23T00:00:00Z",
    "millisecond": "2026-11-22T23:59:59.999Z",
    "from": {"start": "2026-11-22"},
    "until": {"end": "2026-11-22"},
    "inside": {"start": "2026-11-21", "end": "2026-11-22"},
}
QUESTIONS = {
    "2026-11-22": {"day", "utc-midnight", "last-second", "millisecond"},
    "eq2026-11": {"month", "day", "paris-midnight", "utc-midnight", "last-second", "next-midnight", "millisecond", "inside"},
    "2026": set(VALUES) - {"from", "until"},
    "2026-11-22T00:00:00Z": {"utc-midnight"},
    "2026-11-22T01:00:00+01:00": {"utc-midnight"},
    "2026-11-21T23:00:00Z": {"paris-midnight"},
    "2026-11-22T00:00Z": {"utc-midnight"},
    "2026-11-22T23:59:59Z": {"last-second", "millisecond"},
    "2026-11-22T23:59:59.999Z": {"millisecond"},
    "gt2026-11-22": {"year", "month", "next-midnight", "from"},
    "ge2026-11-22": {"year", "month", "next-midnight", "from", "day", "utc-midnight", "last-second", "millisecond"},
    "lt2026-11-22": {"year", "month", "paris-midnight", "until", "inside"},
    "le2026-11-22": {"year", "month", "paris-midnight", "until", "inside", "day", "utc-midnight", "last-second", "millisecond"},
    "sa2026-11-22": {"next-midnight"},
    "eb2026-11-22": {"paris-midnight"},
    "sa2026-11-21": {"day", "utc-midnight", "last-second", "millisecond", "next-midnight", "from"},
    "eb2026-11-23": {"day", "paris-midnight", "utc-midnight", "last-second", "millisecond", "until", "inside"},
    "ne2026-11-22": set(VALUES) - {"day", "utc-midnight", "last-second", "millisecond"},
    "ge2026-11-22,lt2020": {"year", "month", "next-midnight", "from", "day", "utc-midnight", "last-second", "millisecond", "until"},
}


async def found(tx: Transaction, kind: str, code: str, value: str) -> set[str]:
    page = await search(tx, kind, [(code, value), ("_count", "100")], lambda type_: visible_to(tx.actor, type_), key=b"k" * 32)
    return {match.id for match in page.matches}


@pytest.mark.asyncio
async def test_the_table(db: Database) -> None:
    async with db.transaction(ACTOR) as tx:
        for id, value in VALUES.items():
            key = "effectivePeriod" if isinstance(value, dict) else "effectiveDateTime"
            await photograph(
                tx, {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"}, key: value}, owner="org-a"
            )
        answers = {question: await found(tx, "Observation", "date", question) for question in QUESTIONS}
    assert answers == QUESTIONS


@pytest.mark.asyncio
async def test_each_of_several_dates_counts_by_itself(db: Database) -> None:
    """Two reactions, in 2020 and 2026: nothing happened in 2023."""
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "patient": {"reference": "Patient/p"},
        "reaction": [{"manifestation": [{"text": "m"}], "onset": year} for year in ("2020", "2026")],
    }
    async with db.transaction(ACTOR) as tx:
        await photograph(tx, allergy, owner="org-a")
        answers = {
            value: bool(await found(tx, "AllergyIntolerance", "onset", value)) for value in ("2020", "2026", "2023", "lt2020", "sa2026")
        }
    assert answers == {"2020": True, "2026": True, "2023": False, "lt2020": False, "sa2026": False}


@pytest.mark.asyncio
async def test_about_a_date_is_a_tenth_of_the_way_to_now(db: Database) -> None:
    """On Monday 16 November 2026, about 1 November 2025 (380 days ago) is 38 days around it."""
    async with db.transaction(ACTOR) as tx:
        for day in ("2025-09-20", "2025-09-27", "2025-12-06", "2025-12-12"):
            resource = {"resourceType": "Observation", "id": day, "status": "final", "code": {"text": "x"}, "effectiveDateTime": day}
            await photograph(tx, resource, owner="org-a")
        assert await found(tx, "Observation", "date", "ap2025-11-01") == {"2025-09-27", "2025-12-06"}


REFUSED = ["2016-12-31T23:59:60Z", "2026-13", "2026-02-30", "26", "2026-11-22T25:00Z", "2026-11-22T08Z", "today", "ge", "xx2026", "2026-11-22T08:00:00+25:00",
           "2026-11-22T08:00:00.Z", "2026-1-1", "٢٠٢٦", "9" * 65, "", "2026,"]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
@pytest.mark.asyncio
async def test_what_is_no_date_is_refused(db: Database, text: str) -> None:
    async with db.transaction(ACTOR) as tx:
        for kind, code in (("Observation", "date"), ("Slot", "start"), ("Patient", "_lastUpdated"), ("AllergyIntolerance", "onset")):
            with pytest.raises(Malformed):
                await found(tx, kind, code, text)


def test_a_blank_before_the_zone_is_a_plus() -> None:
    assert date_span("2026-11-22T08:00:00 01:00") == date_span("2026-11-22T08:00:00+01:00")
