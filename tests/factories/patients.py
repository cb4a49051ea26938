"""Patients who hold a link: their code, their number, their address, and the browser in which they open it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.factories.booking import act
from tests.support.web import SAME_SITE, hidden, make_door

from maillage import directory, journeys, record
from maillage.access import patient_link, visible_to
from maillage.codes.json import decode
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.store import Database, outbox

NIGHT_ENDS = 8
LINK = re.compile(r"https?://[^\s/]+/p/([A-Za-z0-9_-]{24})")


async def born(db: Database, patient: str) -> str:
    """The birth date, as a date field sends it."""
    async with db.transaction(SYSTEM) as tx:
        return str((await directory.get_patient(tx, patient, visible_to(SYSTEM, "Patient"))).birth_date)


async def reachable(db: Database, patient: str, *, email: str = "", phone: str = "") -> None:
    """Change how a patient is reached, as the desk does: by the file."""
    async with db.transaction(SYSTEM) as tx:
        known = decode(await record.current(tx, "Patient", patient))
        telecom = [{"system": "phone", "value": phone, "use": "mobile"}] if phone else []
        telecom += [{"system": "email", "value": email}] if email else []
        await directory.update_patient(tx, patient, {**known, "telecom": telecom}, visible_to(SYSTEM, "Patient"), mode="test")


async def given(db: Database, actor: Actor, kind: str, id: str, **options: Any) -> journeys.Given:
    """A link and a code, given by the office."""
    return await act(db, actor, journeys.give_access, kind, id, **options)


async def link_to(db: Database, patient: str, kind: str, id: str) -> str:
    """A link that was sent: its secret."""
    return await act(db, SYSTEM, patient_link.give_link, patient, (kind, id))


async def carried(db: Database, handlers: Any, clock: FixedClock | None = None) -> None:
    """Let the worker carry everything that is due, and what follows from it."""
    while await outbox.drain(db, handlers, limit=1000):
        pass


def secret_in(text: str) -> str:
    """The secret of the link that a message holds."""
    found = LINK.search(text)
    assert found, text
    return found[1]


class Holder:
    """A patient in front of a browser without a screen."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page = ""

    async def opens(self, secret: str, birth: str, code: str) -> httpx.Response:
        """Open a link: the page of the two questions, then the answer to them."""
        asked = await self.client.get(f"/p/{secret}")
        fields = {"_csrf": hidden(asked)["_csrf"], "naissance": birth, "code": code}
        answer = await self.client.post(f"/p/{secret}", data=fields, headers=SAME_SITE)
        self.page = answer.headers.get("location", self.page)
        return answer

    async def sees(self, path: str = "") -> httpx.Response:
        return await self.client.get(f"{self.page}{path}")

    async def acts(self, path: str, *, shown: str = "", **fields: str) -> httpx.Response:
        """Send the form of one gesture with the hidden fields of the page on which it stands."""
        return await self.client.post(f"{self.page}{path}", data={**hidden(await self.sees(shown)), **fields}, headers=SAME_SITE)


@asynccontextmanager
async def browsing(db: Database, **settings: Any) -> AsyncIterator[Holder]:
    """A browser that nobody has used yet."""
    door = make_door(db, demo=False, base_url="https://suivi.example", **settings)
    transport = httpx.ASGITransport(app=door, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://suivi.example") as client:
        yield Holder(client)
