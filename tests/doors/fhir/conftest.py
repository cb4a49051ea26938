"""A FHIR door on a database of its own, and callers of two organisations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio

from maillage.access import issue_token
from maillage.doors.fhir import FhirDoor
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FHIR = "application/fhir+json"


class Caller(httpx.AsyncClient):
    """A client of one organisation; `make` creates a resource and answers it."""

    async def make(self, resource: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = await self.post(f"/fhir/{resource['resourceType']}", json=resource, headers=headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest_asyncio.fixture
async def door(db: Database) -> FhirDoor:
    return FhirDoor(db, mode="test")


async def token(db: Database, client: str, organization: str, *scopes: str) -> str:
    async with db.transaction(SYSTEM) as tx:
        return await issue_token(tx, client, scopes or ("system/*.cruds",), [organization], timedelta(hours=1))


def caller(door: FhirDoor, secret: str) -> Caller:
    transport = httpx.ASGITransport(door, raise_app_exceptions=True)
    return Caller(transport=transport, base_url="http://testserver", headers={"authorization": f"Bearer {secret}", "content-type": FHIR})


@pytest_asyncio.fixture
async def ours(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "ours", "org-a")) as made:
        yield made


@pytest_asyncio.fixture
async def theirs(door: FhirDoor) -> AsyncIterator[Caller]:
    async with caller(door, await token(door.db, "theirs", "org-b")) as made:
        yield made
