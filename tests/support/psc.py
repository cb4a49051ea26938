"""Through Pro Santé Connect without a browser: our pages, the provider's, and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
from tests.support.lying_provider import CLIENT, RPPS, SECRET, Provider
from tests.support.web import ORIGIN, Visitor, make_door

from maillage.access import identity
from maillage.doors.web import WebDoor
from maillage.kernel.actor import SYSTEM
from maillage.settings import PscSettings
from maillage.store import Database

HOSPITAL_ROLE, TOWN_ROLE = "percy-hge-castanier", "clamart-hge-castanier"


def door_for(db: Database, provider: Provider, *, timeout: float = 10.0) -> WebDoor:
    settings = PscSettings(issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET, timeout=timeout)
    return make_door(db, demo=False, base_url=ORIGIN, psc=settings)


async def authorise(db: Database, *roles: str, rpps: str = RPPS) -> None:
    async with db.transaction(SYSTEM) as tx:
        for role in roles:
            await identity.authorise(tx, rpps, role)


async def asked(visitor: Visitor, path: str = "/connexion/psc") -> tuple[str, dict[str, str]]:
    """Where the link leads, and what it asks for."""
    address = (await visitor.get(path)).headers["location"]
    return address, {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def way_back(address: str) -> str:
    """What the provider's page answers once somebody has signed in there: an address of ours."""
    async with httpx.AsyncClient() as client:
        back = (await client.get(address)).headers["location"]
    parts = urlsplit(back)
    assert parts.path == "/connexion/psc/retour"
    return f"{parts.path}?{parts.query}"


async def through(visitor: Visitor, path: str = "/connexion/psc") -> httpx.Response:
    """The whole way."""
    address, _ = await asked(visitor, path)
    return await visitor.get(await way_back(address))


async def inside(visitor: Visitor) -> bool:
    return (await visitor.get("/")).status_code == 200
