"""The pages without a browser: a signed-in client that fills the forms it is shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.support import postgres

from maillage import demonstration, directory, journeys
from maillage.doors.connectors.france_connect import FranceConnect
from maillage.doors.connectors.pro_sante_connect import ProSanteConnect
from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import (
    DataSettings,
    DemoSettings,
    DocumentSettings,
    FranceConnectSettings,
    IdentitySettings,
    PscSettings,
    ServerSettings,
    Settings,
)
from maillage.store import Database

SEALING_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
ORIGIN = "http://127.0.0.1"
SAME_SITE = {"sec-fetch-site": "same-origin"}
_HIDDEN = re.compile(r'<input type="hidden" name="(_csrf|_key|_version)" value="([^"]*)">')


async def territory(dsn: str) -> None:
    """Fill: places, people, logins and a few patients; no session, no request."""
    from tests.conftest import LIMITS, MONDAY

    await postgres.create(dsn)
    database = await postgres.open_both(dsn, FixedClock(MONDAY), limits=LIMITS)
    try:
        await demonstration.load(database, patients=16, seed=2026)
    finally:
        await database.close()


def patient_of(organization: str) -> str:
    """An invented patient who is registered at a place."""
    home = f"Organization/{organization}"
    return str(next(one["id"] for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home))


def make_door(
    db: Database,
    *,
    demo: bool = True,
    base_url: str = "",
    body_limit: int = 2_000_000,
    psc: PscSettings = PscSettings(),  # noqa: B008  # frozen
    franceconnect: FranceConnectSettings = FranceConnectSettings(),  # noqa: B008  # frozen
    data: Path = Path("data"),  # frozen
    **documents: Any,
) -> WebDoor:
    """The pages over a test database; files lie in the folder `data`, under these settings of `documents`."""
    settings = Settings(
        demo=DemoSettings(enabled=demo),
        server=ServerSettings(base_url=base_url, body_limit=body_limit),
        identity=IdentitySettings(key=SEALING_KEY),
        data=DataSettings(folder=data),
        documents=DocumentSettings(**documents),
    )
    provider = ProSanteConnect(psc, base_url) if psc.issuer else None
    citizens = FranceConnect(franceconnect, base_url) if franceconnect.issuer else None
    return WebDoor(db, operations=journeys.OPERATIONS, settings=settings, provider=provider, patient_provider=citizens)


class Visitor:
    """A browser without a screen."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def sign_in(self, login: str) -> httpx.Response:
        page = await self.get("/connexion")
        return await self.client.post("/connexion", data={"_csrf": hidden(page)["_csrf"], "login": login}, headers=SAME_SITE)

    async def post(self, path: str, data: dict[str, Any] | None = None, *, shown: str = "/patients", **headers: str) -> httpx.Response:
        """Send a form with the hidden fields of the page on which it stands."""
        fields = {**hidden(await self.get(shown)), **(data or {})}
        return await self.client.post(path, data=fields, headers={**SAME_SITE, **headers})


def hidden(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's last form that has them, and the token."""
    found = dict(_HIDDEN.findall(page.text))
    return {"_csrf": "", "_key": "a-key", **found}


@asynccontextmanager
async def visiting(door: WebDoor, login: str = "", *, origin: str = ORIGIN) -> AsyncIterator[Visitor]:
    """A visitor of the pages, signed in when a login is given."""
    transport = httpx.ASGITransport(app=door, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
        visitor = Visitor(client)
        if login:
            await visitor.sign_in(login)
        yield visitor
