"""The territory over FHIR: communes, communities with their communes, basins; searched as any directory is."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from tests.doors.fhir.conftest import Caller

from maillage import directory
from maillage.codes import systems
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

pytestmark = pytest.mark.asyncio
CODE = systems.OWN_TERRITORY_LINK


@pytest_asyncio.fixture(autouse=True)
async def territory(db: Database) -> None:
    async with db.transaction(SYSTEM) as tx:
        await directory.load_territory(tx)


async def found(ours: Caller, query: str) -> list[dict[str, Any]]:
    answer = await ours.get(f"/fhir/{query}&_count=200")
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def part(resource: dict[str, Any]) -> bool:
    return next(ext["valueBoolean"] for ext in resource["extension"] if ext["url"] == systems.own_extension("part"))


async def test_a_community_with_its_communes(ours: Caller) -> None:
    entries = await found(
        ours, f"OrganizationAffiliation?primary-organization=cpts-octav&role={CODE}|coverage&_include=OrganizationAffiliation:location"
    )
    links = [one for one in entries if one["resourceType"] == "OrganizationAffiliation"]
    communes = {one["id"]: one for one in entries if one["resourceType"] == "Location"}
    assert set(communes) == {"commune-94001", "commune-94022", "commune-94054", "commune-94073", "commune-94077"}
    assert [part(link) for link in links] == [False] * 5
    orly = communes["commune-94054"]
    assert orly["address"]["extension"][0]["valueCoding"] == {"system": systems.COMMUNE, "code": "94054", "display": "Orly"}
    assert orly["meta"]["profile"] == [systems.PROFILE_LOCATION]


async def test_a_commune_in_two_communities_is_in_each_in_part(ours: Caller) -> None:
    links = await found(ours, f"OrganizationAffiliation?location=Location/commune-94068&role={CODE}|coverage")
    assert sorted((link["organization"]["reference"], part(link)) for link in links) == [
        ("Organization/cpts-boucles-de-marne", True),
        ("Organization/cpts-saint-maur", True),
    ]


async def test_a_commune_may_be_in_no_community(ours: Caller) -> None:
    assert await found(ours, f"OrganizationAffiliation?location=Location/commune-94078&role={CODE}|coverage") == []
    [basin] = await found(ours, f"OrganizationAffiliation?location=Location/commune-94078&role={CODE}|basin")
    assert basin["organization"]["reference"] == "Organization/chiv"


async def test_the_basin_of_a_hospital(ours: Caller) -> None:
    links = await found(ours, f"OrganizationAffiliation?primary-organization=chic&role={CODE}|basin")
    members = {link["participatingOrganization"]["reference"] for link in links if "participatingOrganization" in link}
    assert members == {f"Organization/cpts-{name}" for name in ("boucles-de-marne", "champigny", "saint-maur", "sucy-noiseau")}
    assert len([link for link in links if "location" in link]) == 7
    assert {link["period"]["start"] for link in links} == {"2024-03-01"}


async def test_communities_of_the_territory(ours: Caller) -> None:
    cpts = await found(ours, f"Organization?type={systems.CATEGORIE_ETABLISSEMENT}|604")
    assert len(cpts) == 7
