"""What the demonstration shows conforms to the profiles of FR Core that it claims, so that others may check it."""

from __future__ import annotations

import pytest
from tests.journeys.conftest import opened_territory
from tests.support.packages import fr_core

from maillage.codes.json import decode
from maillage.codes.r4 import validate
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

pytestmark = pytest.mark.asyncio

FILL = opened_territory


async def test_every_resource_of_the_territory_conforms_to_what_it_claims(db: Database) -> None:
    known = fr_core()
    found: dict[str, list[str]] = {}
    claiming = 0
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch(
            "SELECT content FROM resource_head JOIN resource_version USING (res_type, id, version) WHERE NOT resource_head.deleted"
        )
    for row in rows:
        resource = decode(row["content"])
        issues = [*validate(resource), *(known.profiles.validate_claims(resource) if known else ())]
        claiming += bool(resource.get("meta", {}).get("profile"))
        if errors := [f"{i.reason} {i.expression} {i.details}" for i in issues if i.severity == "error"]:
            found.setdefault(resource["resourceType"], []).extend(errors)
    assert {kind: errors[:3] for kind, errors in found.items()} == {}
    assert claiming > 100
