"""A patient's page: opened by a link or a strong sign-in, named in the address, held by a cookie of its own, closed soon."""

from __future__ import annotations

from starlette.requests import Request

from maillage import journeys
from maillage.access import WebSession
from maillage.doors.web.sessions import secret_of
from maillage.doors.web.settings import Site
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

METHOD = "patient"


def cookie(visit: str) -> str:
    """The name of the cookie of one page: two pages of two patients in one browser never cross."""
    return f"maillage-suivi-{visit}"


async def find_visit(db: Database, request: Request, site: Site) -> WebSession | None:
    """The session of the page that the address names, when this browser opened it."""
    id = str(request.path_params.get("visit", ""))
    secret = secret_of(request, site, cookie(id)) if id else ""
    if not secret:
        return None
    async with db.transaction(SYSTEM, lazy=True) as tx:
        found = await journeys.opened_page(tx, id, secret)
    if found is None:
        return None
    visit = found.visit
    return WebSession(found.actor, visit.csrf, "", visit.id, METHOD, visit.assurance, visit.began_at, visit.began_at)
