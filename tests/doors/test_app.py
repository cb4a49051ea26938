"""The whole application: health, readiness, whose host it answers for, and where each path goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from tests.factories import referrals as make
from tests.support import postgres

from maillage import access
from maillage.app import Application, create_app
from maillage.doors.web.sessions import COOKIE
from maillage.kernel.actor import SYSTEM
from maillage.settings import DemoSettings, ServerSettings, Settings
from maillage.store import Database

FILL = make.territory
pytestmark = pytest.mark.asyncio
SETTINGS = Settings(demo=DemoSettings(enabled=True), server=ServerSettings(allowed_hosts=("maillage.example",)))


@pytest_asyncio.fixture
async def app(db: Database) -> Application:
    return create_app(SETTINGS, db)


@pytest_asyncio.fixture
async def http(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
        yield client


async def sign_in(db: Database, http: httpx.AsyncClient) -> None:
    async with db.transaction(SYSTEM) as tx:
        place = {"practitioner_id": make.GP.id, "role_id": str(make.GP.role_id), "organization_id": make.CENTRE}
        await access.put_account(tx, "medecin", **place, roles=["medecin"], display="Maud Isambert", demo=True)
        secret, _ = await access.sign_in_demo(tx, "medecin")
    http.cookies.set(COOKIE, secret)


async def test_it_is_alive_and_ready(http: httpx.AsyncClient) -> None:
    alive, ready = await http.get("/healthz"), await http.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert set(ready.json()["audit"]) == {"lag", "waiting", "uncovered", "problems"}
    assert ready.headers["cache-control"] == "no-store"


async def test_it_is_alive_but_not_ready_while_the_database_is_away(
    dsn: str, cluster: postgres.TestCluster, http: httpx.AsyncClient
) -> None:
    name = urlsplit(dsn).path.strip("/")
    admin = await asyncpg.connect(cluster.owner("postgres"))
    try:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1", name)
        away, alive = await http.get("/readyz"), await http.get("/healthz")
        assert (away.status_code, away.json()) == (503, {"status": "not-ready", "reason": "database-away"})
        assert alive.status_code == 200
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
    again = await http.get("/readyz")
    assert (again.status_code, again.json().get("reason")) == (200, None)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1].evil.example"])
@pytest.mark.parametrize("path", ["/", "/fhir/metadata", "/readyz"])
async def test_an_unknown_host_is_misdirected_wherever_it_goes(http: httpx.AsyncClient, host: str, path: str) -> None:
    answer = await http.get(path, headers={"host": host})
    assert (answer.status_code, answer.json()) == (421, {"status": "unknown-host"})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]", "maillage.example", "maillage.example:443"]
)
async def test_the_loopback_and_the_hosts_of_the_settings_are_ours(http: httpx.AsyncClient, host: str) -> None:
    assert (await http.get("/healthz", headers={"host": host})).status_code == 200


async def test_fhir_goes_to_its_door(http: httpx.AsyncClient) -> None:
    statement, refusal, lookalike = await http.get("/fhir/metadata"), await http.get("/fhir/Task"), await http.get("/fhirish")
    assert statement.json()["resourceType"] == "CapabilityStatement"
    assert (refusal.status_code, refusal.json()["resourceType"]) == (401, "OperationOutcome")
    assert not lookalike.headers["content-type"].startswith("application/fhir+json")


async def test_everything_else_is_a_page(http: httpx.AsyncClient) -> None:
    page = await http.get("/connexion")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


async def test_the_page_of_a_service_shows_its_waits_and_its_next_places(db: Database, http: httpx.AsyncClient) -> None:
    await make.sent(db)
    await sign_in(db, http)
    page = await http.get(f"/services/{make.SERVICE}")
    text = " ".join(page.text.replace("\u00a0", " ").replace("\u202f", " ").split())
    assert page.status_code == 200
    for shown in (
        "délai net",
        "délai brut",
        "Trop peu de cas",
        "moins de 11 visites",
        "Attendent une visite</dt><dd>Moins de 11 demandes",
        "Attendent une réponse</dt><dd>Moins de 11 demandes",
        "Du 18 mai 2026 au 16 novembre 2026",
        "Définition 2026-1",
        "Prochaines places libres",
    ):
        assert shown in text, shown


async def test_the_lifespan_begins_and_ends(app: Application) -> None:
    asked, said = ["lifespan.startup", "lifespan.shutdown"], []

    async def receive() -> dict[str, Any]:
        return {"type": asked.pop(0)}

    async def send(message: dict[str, Any]) -> None:
        said.append(message["type"])

    await app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
