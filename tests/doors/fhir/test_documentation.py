"""What describes the interface: valid OpenAPI made of what is served, and a page in French that fetches nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_asyncio
from jsonschema_rs import validator_for
from tests.doors.fhir.conftest import caller
from tests.support.packages import package

from maillage import journeys
from maillage.codes.definitions import Definitions
from maillage.codes.packages import read_package
from maillage.doors.fhir import FhirDoor
from maillage.doors.fhir.operations.table import OPERATIONS
from maillage.store import Database

pytestmark = pytest.mark.asyncio

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    added = Definitions([read_package(package([], name="added.package", version="9.9.9"))])
    return FhirDoor(db, operations=journeys.OPERATIONS, intake=journeys.INTAKE, mode="test", definitions=added)


async def fetched(door: FhirDoor, path: str, **headers: str) -> Any:
    async with caller(door, "none") as anybody:
        answer = await anybody.get(f"/fhir/{path}", headers={"authorization": "", **headers})
        assert answer.status_code == 200
        return answer


async def test_the_description_is_valid_openapi_and_its_schemas_are_json_schema(door: FhirDoor) -> None:
    described = (await fetched(door, "openapi.json")).json()
    assert described["openapi"].startswith("3.1.")
    ids = [one["operationId"] for path in described["paths"].values() for method, one in path.items() if method in METHODS]
    assert len(ids) == len(set(ids))
    for path, item in described["paths"].items():
        named = set(re.findall(r"{(\w+)}", path))
        for one in item.values():
            given = [(p["name"], p["in"]) for p in one.get("parameters", [])]
            assert {name for name, where in given if where == "path"} == named, path
            assert len(given) == len(set(given)), path
            for parameter in one.get("parameters", []):
                validator_for(parameter["schema"])
            for content in one.get("requestBody", {}).get("content", {}).values():
                validator_for({**content["schema"], "components": described["components"]})


async def test_every_interaction_and_every_operation_is_described(door: FhirDoor) -> None:
    paths = (await fetched(door, "openapi.json")).json()["paths"]
    statement = (await fetched(door, "metadata")).json()
    for resource in statement["rest"][0]["resource"]:
        kind, served = resource["type"], {one["code"] for one in resource["interaction"]}
        assert ("post" in paths[f"/{kind}"]) == ("create" in served), kind
        assert ("put" in paths[f"/{kind}/{{id}}"]) == ("update" in served), kind
        assert ("patch" in paths[f"/{kind}/{{id}}"]) == ("patch" in served), kind
        for operation in resource.get("operation", ()):
            assert {f"/{kind}/${operation['name']}", f"/{kind}/{{id}}/${operation['name']}"} & set(paths), (kind, operation["name"])
    for verb in journeys.OPERATIONS:
        assert "post" in paths[f"/{verb.type}/{'{id}/' if verb.on_instance else ''}${verb.name}"]


async def test_each_definition_named_by_the_capabilities_can_be_read(door: FhirDoor, ours: Any) -> None:
    statement = (await fetched(door, "metadata")).json()
    own = [
        o["definition"] for r in statement["rest"][0]["resource"] for o in r.get("operation", ()) if "maillage.invalid" in o["definition"]
    ]
    assert len(own) == len(journeys.OPERATIONS) + 2  # and $open-context and $attach, which are of the door
    for url in own:
        found = (await ours.get("/fhir/OperationDefinition", params={"url": url})).json()
        assert found["total"] == 1, url
        assert (await ours.get(f"/fhir/OperationDefinition/{found['entry'][0]['resource']['id']}")).status_code == 200


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


async def test_the_page_fetches_nothing_and_says_everything(door: FhirDoor) -> None:
    answer = await fetched(door, "docs", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.text)
    assert page.tags[0] == ("html", {"lang": "fr"})
    assert not {"script", "img", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for verb in journeys.OPERATIONS:
        assert f"${verb.name}</code>" in answer.text
    for operation in OPERATIONS:
        assert f"${operation.name}" in answer.text
    assert "added.package 9.9.9" in answer.text


async def test_a_host_that_is_written_into_the_page_is_escaped(door: FhirDoor) -> None:
    answer = await fetched(door, "docs", host="x<script>y")
    assert "<script" not in answer.text


async def test_documents_are_read_only(door: FhirDoor) -> None:
    async with caller(door, "none") as anybody:
        for path in ("docs", "openapi.json"):
            assert (await anybody.post(f"/fhir/{path}")).status_code == 405
            assert (await anybody.head(f"/fhir/{path}")).status_code == 200
