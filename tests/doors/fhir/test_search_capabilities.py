"""What the CapabilityStatement says of searches is what is served, parameter by parameter and modifier by modifier."""

from __future__ import annotations

from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller

from maillage.kernel.errors import Malformed
from maillage.record import SERVED, index
from maillage.record.criteria import criterion

MODIFIERS = ("missing", "exact", "contains", "not", "text", "in", "not-in", "of-type", "identifier", "above", "below")


async def _resources(ours: Caller) -> dict[str, dict[str, Any]]:
    rest = (await ours.get("/fhir/metadata")).json()["rest"][0]
    assert len(rest["compartment"]) == 5
    assert {p["name"] for p in rest["searchParam"]} == {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"}
    return {resource["type"]: resource for resource in rest["resource"]}


def _taken(kind: str, name: str) -> bool:
    try:
        criterion(kind, name)
    except Malformed:
        return False
    return True


@pytest.mark.asyncio
async def test_every_parameter_and_modifier_told_is_taken_and_no_other(ours: Caller) -> None:
    resources = await _resources(ours)
    for kind in SERVED:
        told = {p["name"]: p for p in resources[kind]["searchParam"]}
        assert set(index.parameters(kind)) | {"_id", "_lastUpdated", "_profile", "_security", "_source", "_tag"} == set(told)
        for code, parameter in index.parameters(kind).items():
            known = set(told[code]["documentation"].removeprefix("Modifiers: ").removesuffix(".").split(", "))
            assert {m for m in MODIFIERS if _taken(kind, f"{code}:{m}")} == known, (kind, code)
            assert told[code]["definition"] == parameter.url
            assert told[code]["type"] == parameter.kind


@pytest.mark.asyncio
async def test_every_include_told_is_followed(ours: Caller) -> None:
    resources = await _resources(ours)
    assert "Slot:service-type-reference" in resources["Slot"]["searchInclude"]
    assert {"Task:patient", "Provenance:target"} <= set(resources["Patient"]["searchRevInclude"])
    for kind in ("Patient", "Slot", "Task", "Questionnaire"):
        for name in ("searchInclude", "searchRevInclude"):
            for value in resources[kind].get(name, []):
                control = "_include" if name == "searchInclude" else "_revinclude"
                answer = await ours.get(f"/fhir/{kind}", params={control: value})
                assert answer.status_code == 200, (kind, control, value)
