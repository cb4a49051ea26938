"""Random lives of one resource against a naive model: whoever writes, every version is there, in order, and says what was written."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doors.fhir.conftest import Caller

pytestmark = pytest.mark.asyncio


@dataclass
class Model:
    """The texts of the versions, None for a deletion."""

    id: str
    versions: list[str | None] = field(default_factory=list)

    @property
    def now(self) -> str | None:
        return self.versions[-1]

    def write(self, text: str) -> int:
        """The status of a write of this text."""
        was = self.now
        if was != text:
            self.versions.append(text)
        return 200 if was is not None else 201


def basic(id: str, text: str) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": id, "identifier": [{"value": id}], "code": {"text": text}}


TEXTS = st.sampled_from(["a", "b", "c"])
STEPS = st.tuples(
    st.sampled_from(["put", "put-where", "patch", "patch-where", "delete", "delete-where", "batch"]),
    TEXTS,
    st.sampled_from([0, 0, 0, -1, 1]),
)


async def play(ours: Caller, model: Model, step: tuple[str, str, int]) -> None:
    verb, text, aside = step
    version = len(model.versions) + aside
    address, condition = f"/fhir/Basic/{model.id}", f"/fhir/Basic?identifier={model.id}"
    names = {"if-match": f'W/"{version}"'}
    patch = {
        "content": json.dumps([{"op": "replace", "path": "/code/text", "value": text}]),
        "headers": {"content-type": "application/json-patch+json", **names},
    }
    alive, right = model.now is not None, aside == 0
    if verb == "put":
        wanted = model.write(text) if right else 412
        answer = await ours.put(address, json=basic(model.id, text), headers=names)
    elif verb == "put-where":
        wanted = model.write(text) if right else 412  # a deleted resource matches no condition: its id in the body names it
        answer = await ours.put(condition, json=basic(model.id, text), headers=names)
    elif verb == "batch":
        wanted = model.write(text) if right else 412
        entry = {"request": {"method": "PUT", "url": f"Basic/{model.id}", "ifMatch": names["if-match"]}, "resource": basic(model.id, text)}
        answer = await ours.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        assert answer.json()["entry"][0]["response"]["status"] == str(wanted)
        return
    elif verb.startswith("patch"):
        gone = 404 if verb == "patch-where" else 410
        wanted = (model.write(text) if right else 412) if alive else gone
        answer = await ours.patch(condition if verb == "patch-where" else address, **patch)  # type: ignore[arg-type]
    else:
        wanted = 204 if right or not alive else 412
        if alive and right:
            model.versions.append(None)
        answer = await ours.delete(condition if verb == "delete-where" else address, headers=names)
    assert answer.status_code == wanted, (step, model, answer.text)


async def compare(ours: Caller, model: Model) -> None:
    address = f"/fhir/Basic/{model.id}"
    read = await ours.get(address)
    assert read.status_code == (410 if model.now is None else 200)
    if model.now is not None:
        assert (read.json()["code"]["text"], read.headers["etag"]) == (model.now, f'W/"{len(model.versions)}"')
    history = (await ours.get(f"{address}/_history?_count=200")).json()
    told = [(entry["response"]["etag"], entry.get("resource", {}).get("code", {}).get("text")) for entry in history["entry"]]
    assert told == [(f'W/"{number}"', text) for number, text in reversed(list(enumerate(model.versions, start=1)))]
    instants = [entry["response"]["lastModified"] for entry in history["entry"]]
    assert instants == sorted(set(instants), reverse=True)
    for number, text in enumerate(model.versions, start=1):
        version = await ours.get(f"{address}/_history/{number}")
        assert (version.status_code, version.json().get("code", {}).get("text")) == (410 if text is None else 200, text)
    found = (await ours.get(f"/fhir/Basic?identifier={model.id}")).json()["total"]
    assert found == (0 if model.now is None else 1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=8))
async def test_versions_are_what_was_written(ours: Caller, steps: list[tuple[str, str, int]]) -> None:
    made = await ours.make({"resourceType": "Basic", "code": {"text": "a"}})
    model = Model(made["id"], ["a"])
    for step in [("put", "b", 0), *steps]:
        await play(ours, model, step)
    await compare(ours, model)
