"""The FR Core 2.2.0 examples: accepted, read back equal, found by each identifier."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.doors.fhir.conftest import Caller

from maillage.codes.json import decode, encode
from maillage.record import SERVED

FOLDER = (
    Path(os.environ.get("MAILLAGE_EXAMPLES", Path(__file__).resolve().parents[3].parent / "shared" / "data")) / "fr-core-2.2.0" / "examples"
)
EXAMPLES = sorted(FOLDER.glob("*.json"))

pytestmark = pytest.mark.skipif(not EXAMPLES, reason="MAILLAGE_EXAMPLES names no folder with the FR Core examples")


def as_sent(resource: dict[str, Any]) -> dict[str, Any]:
    """The resource without what the server writes: id, version, date."""
    meta = {key: value for key, value in resource.get("meta", {}).items() if key not in ("versionId", "lastUpdated")}
    return {**{key: value for key, value in resource.items() if key not in ("id", "meta")}, **({"meta": meta} if meta else {})}


@pytest.mark.asyncio
@pytest.mark.parametrize("content", [path.read_bytes() for path in EXAMPLES], ids=[path.stem for path in EXAMPLES])
async def test_example(content: bytes, ours: Caller) -> None:
    example = decode(content)
    kind = example["resourceType"]
    assert kind in SERVED
    made = await ours.post(f"/fhir/{kind}", content=content)
    assert made.status_code == 201, made.text
    read = await ours.get(made.headers["location"].partition("/_history")[0])
    assert read.status_code == 200
    assert encode(as_sent(decode(read.content))) == encode(as_sent(example))
    for identifier in example.get("identifier", []):
        value = identifier["value"].replace(",", "\\,").replace("|", "\\|")
        for query in (f"{identifier['system']}|{value}", value):
            found = await ours.get(f"/fhir/{kind}", params={"identifier": query})
            assert [entry["resource"]["id"] for entry in found.json()["entry"]] == [decode(read.content)["id"]], query
