"""Class 21: another site makes a browser write, or a GET writes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from tests.factories import referrals as make
from tests.support import routes
from tests.support.web import SAME_SITE, Visitor, hidden, make_door, territory, visiting

from maillage import directory, referrals
from maillage.doors.web.pages import Page
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
LOOKED = {"audit_event", "web_session", "audit_chain", "audit_checkpoint", "audit_read", "login_attempt", "patient_look", "browsing_alert"}
"""Tables that may grow when somebody only looks: who looked, and whether their session is in use."""

POSTS = routes.pages("POST")
CROSS = [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}, {"origin": "null"}, {}]


async def counts(db: Database) -> dict[str, int]:
    async with db.transaction(SYSTEM) as tx:
        names = await tx.fetch(
            "SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
        )
        kept = [row["name"] for row in names if row["name"] not in LOOKED and not row["name"].startswith("audit")]
        return {name: await tx.fetchval(f'SELECT count(*) + coalesce(sum(hashtext(t::text)::bigint), 0) FROM "{name}" t') for name in kept}


@pytest_asyncio.fixture
async def visitor(db: Database) -> AsyncIterator[Visitor]:
    async with visiting(make_door(db), "medecin-clamart") as made:
        yield made


def refusal(page: Page) -> int:
    """A colleague is nobody on a patient's own pages."""
    return 401 if page.patient and not page.public else 403


async def test_no_form_is_taken_from_another_site(db: Database, visitor: Visitor) -> None:
    fields = hidden(await visitor.get("/patients"))
    before = await counts(db)
    for page in POSTS:
        for headers in CROSS:
            answer = await visitor.client.post(routes.filled(page.path), data=fields, headers=headers)
            assert (answer.status_code, page.path, headers) == (refusal(page), page.path, headers)
    assert await counts(db) == before
    assert (await visitor.get("/")).status_code == 200, "nobody was signed out"


async def test_no_form_is_taken_without_the_token_of_the_session(db: Database, visitor: Visitor) -> None:
    fields = hidden(await visitor.get("/patients"))
    before = await counts(db)
    for page in POSTS:
        for token in ("", "x", fields["_csrf"][:-1], fields["_csrf"].swapcase()):
            answer = await visitor.client.post(routes.filled(page.path), data={**fields, "_csrf": token}, headers=SAME_SITE)
            assert (answer.status_code, page.path, token) == (refusal(page), page.path, token)
    assert await counts(db) == before


async def test_nobody_is_signed_in_by_another_site(db: Database) -> None:
    async with visiting(make_door(db)) as visitor:
        token = hidden(await visitor.get("/connexion"))["_csrf"]
        for data, headers in (({"_csrf": token}, CROSS[0]), ({"_csrf": ""}, SAME_SITE), ({"_csrf": "x"}, SAME_SITE)):
            answer = await visitor.client.post("/connexion", data={**data, "login": "medecin-clamart"}, headers=headers)
            assert answer.status_code == 403
            assert "maillage" not in visitor.client.cookies


async def test_the_api_takes_no_cookie(db: Database) -> None:
    from maillage.app import create_app
    from maillage.settings import DemoSettings, Settings

    app = create_app(Settings(demo=DemoSettings(enabled=True)), db)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        assert (await Visitor(client).sign_in("medecin-clamart")).status_code == 303
        for method, path in routes.api_requests():
            if path not in routes.API_PUBLIC:
                assert (await client.request(method, path, headers=SAME_SITE)).status_code == 401, (method, path)


async def sent(db: Database) -> dict[str, str]:
    """A request that somebody may read: ids for the places of the addresses."""
    home = f"Organization/{make.CENTRE}"
    patient = next(one["id"] for one in directory.generate_patients(2026, 16) if one["managingOrganization"]["reference"] == home)
    async with db.transaction(make.GP) as tx:
        request = await referrals.create_request(tx, patient_id=patient, service_ids=[make.SERVICE], requester_role_id=make.GP.role_id)
        await referrals.save_form(tx, request, items=await make.form(tx, make.SERVICE), status="completed")
        [task] = await referrals.tasks_of(tx, request)
        await referrals.send(tx, task["id"], **make.SEND)
    return {"demandes": task["id"], "patients": patient, "services": make.SERVICE}


@pytest.mark.parametrize("login", ["medecin-clamart", "hge-percy"])
async def test_no_get_writes(db: Database, login: str) -> None:
    ids, seen = await sent(db), []
    async with visiting(make_door(db), login) as visitor:
        for page in routes.pages("GET"):
            id = ids.get(page.path.split("/")[1], routes.ABSENT)
            path = routes.filled(page.path, id=id, verb="accept", name="a-trier")
            before = await counts(db)
            answer = await visitor.client.get(path)
            assert await counts(db) == before, path
            seen.append(answer.status_code)
    assert seen.count(200) > 12
