"""Search over photographs: what each kind of parameter finds."""

from __future__ import annotations

from typing import Any

import pytest

from maillage.access import visible_to
from maillage.kernel.actor import Actor
from maillage.record import photograph
from maillage.record.search import search
from maillage.store import Database

ACTOR = Actor(kind="client", id="t", organizations=("org-a",))


async def fill(db: Database, *resources: dict[str, Any], owner: str = "org-a") -> None:
    async with db.transaction(ACTOR) as tx:
        for resource in resources:
            await photograph(tx, resource, owner=owner)


async def ids(db: Database, kind: str, query: str, **options: Any) -> list[str]:
    pairs = [(part.partition("=")[0], part.partition("=")[2]) for part in query.split("&") if part]
    async with db.transaction(ACTOR) as tx:
        page = await search(tx, kind, pairs, lambda type_: visible_to(tx.actor, type_), key=b"k" * 32, **options)
    return [match.id for match in page.matches]


@pytest.mark.asyncio
async def test_patient(db: Database) -> None:
    await fill(
        db,
        {
            "resourceType": "Patient",
            "id": "p1",
            "identifier": [{"system": "urn:oid:1", "value": "ab 12"}],
            "name": [{"family": "Lefèvre", "given": ["Élodie"]}],
            "birthDate": "1974-12-25",
            "gender": "female",
        },
    )
    for query in (
        "family=lefev",
        "family:exact=Lefèvre",
        "family:contains=FEV",
        "birthdate=1974",
        "birthdate=ge1974-12",
        "gender=female",
        "identifier=ab 12",
        "identifier=urn:oid:1|AB12",
        "identifier=urn:oid:1|",
        "name=elodie",
        "_id=p1",
        "gender:not=male",
        "birthdate:missing=false",
        "address:missing=true",
        "gender=http://hl7.org/fhir/administrative-gender|female",
    ):
        assert await ids(db, "Patient", query) == ["p1"], query
    for query in (
        "family=fev",
        "family:exact=lefèvre",
        "birthdate=1975",
        "birthdate=gt1974",
        "gender=male",
        "identifier=urn:oid:2|",
        "identifier=|AB12",
    ):
        assert await ids(db, "Patient", query) == [], query
