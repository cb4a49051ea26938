"""Every answer of every route carries the headers: a route that nobody listed fails here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from tests.conftest import MONDAY
from tests.support import routes
from tests.support.web import SAME_SITE, Visitor, territory

from maillage.app import Application, create_app
from maillage.doors.web.headers import CONTENT_SECURITY_POLICY
from maillage.settings import DemoSettings, EdgeSettings, FhirSettings, ServerSettings, Settings
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; trusted-types default; "
    "require-trusted-types-for 'script'"
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
ORIGIN, FOREIGN = "https://app.example", "https://evil.example"


def application(db: Database, *, base_url: str = "", edge: EdgeSettings | None = None) -> Application:
    server = ServerSettings(base_url=base_url, trusted_proxies=("10.0.0.0/8",))
    fhir = FhirSettings(cors_origins=(ORIGIN,))
    settings = Settings(demo=DemoSettings(enabled=True), server=server, fhir=fhir, edge=edge or EdgeSettings())
    return create_app(settings, db)


def client(app: Application, *, peer: str = "127.0.0.1", base_url: str = "http://127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest_asyncio.fixture
async def http(db: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client(application(db)) as made:
        yield made


def check(answer: httpx.Response, what: object, *, cache: str = "no-store") -> None:
    found = {name: answer.headers.get(name) for name in ALWAYS}
    assert found == ALWAYS, what
    assert "geolocation=()" in answer.headers["permissions-policy"], what
    assert answer.headers["cache-control"] == cache, what
    assert "strict-transport-security" not in answer.headers, "browsers are reached by http here"
    if answer.headers.get("content-type", "").startswith("text/html") or answer.status_code == 303:
        assert answer.headers.get_list("content-security-policy") == [POLICY], what


async def test_the_policy_of_contents_is_the_agreed_one() -> None:
    assert CONTENT_SECURITY_POLICY == POLICY


async def test_the_list_of_the_api_is_whole() -> None:
    assert routes.api_tables().keys() == routes.API_SHAPES.keys(), "name an address of the new shape in tests/support/routes.py"


@pytest.mark.parametrize("login", ["", "medecin-clamart"])
async def test_every_page_has_the_headers_signed_in_or_not(http: httpx.AsyncClient, login: str) -> None:
    visitor = Visitor(http)
    if login:
        assert (await visitor.sign_in(login)).status_code == 303
    seen = set()
    for method, path in sorted(routes.page_requests(), key=lambda one: one[1] == "/deconnexion"):
        for headers in (SAME_SITE, {}):
            answer = await http.request(method, path, headers=headers, data={"x": "1"} if method == "POST" else None)
            assert answer.status_code < 500, (method, path)
            check(answer, (method, path))
            seen.add(answer.status_code)
    assert {200, 303} <= seen
    for path in ("/nowhere", "/demandes/absent-0/nowhere", "/..%2f", "/fhirish"):
        lost = await http.get(path)
        assert lost.status_code == 404
        check(lost, path)
    wrong = await http.put("/patients")
    assert wrong.status_code in (404, 405)
    check(wrong, "PUT")


async def test_every_route_of_the_api_has_the_headers_with_a_token_or_not(http: httpx.AsyncClient) -> None:
    for method, path in routes.api_requests():
        for headers in ({}, {"authorization": "Bearer nothing"}):
            answer = await http.request(method, path, headers=headers)
            assert answer.status_code in ((200,) if path in routes.API_PUBLIC else (401,)), (method, path)
            public = path in routes.API_PUBLIC
            policy = answer.headers["content-security-policy"]  # the page of the API's documentation has no script at all, and says so
            assert policy.startswith("default-src 'none'; ")
            assert "frame-ancestors 'none'" in policy
            assert "script-src" not in policy
            answer.headers["content-security-policy"] = POLICY
            check(answer, (method, path), cache=answer.headers["cache-control"] if public else "no-store")


async def test_probes_files_and_refusals_have_them_too(http: httpx.AsyncClient, db: Database) -> None:
    for path in routes.PROBES:
        check(await http.get(path), path)
    check(await http.get("/", headers={"host": "evil.example"}), "unknown host")
    page = await http.get("/connexion")
    assert page.text.index("trusted_types.js") < page.text.index("stylesheet"), "the Trusted Types policy is loaded before anything else"
    file = page.text.split('<script src="', 1)[1].split('"', 1)[0]
    script = await http.get(file)
    assert 'createPolicy("default", { createHTML' in script.text
    check(script, file, cache="public, max-age=31536000, immutable")
    async with client(application(db, edge=EdgeSettings(per_address=1))) as hasty:
        for path, kind in (("/connexion", "text/html"), ("/fhir/Task", "application/fhir+json")):
            refused = [await hasty.get(path) for _ in range(2)][1]
            assert (refused.status_code, refused.headers["content-type"].partition(";")[0]) == (429, kind)
            assert int(refused.headers["retry-after"]) > 0
            check(refused, path)


async def test_researchers_find_where_to_report(db: Database, http: httpx.AsyncClient) -> None:
    assert (await http.get("/.well-known/security.txt")).status_code == 404, "nobody said who answers"
    server = ServerSettings(base_url="https://127.0.0.1", security_contact="mailto:securite@maillage.example")
    async with client(create_app(Settings(demo=DemoSettings(enabled=True), server=server), db)) as told:
        answer = await told.get("/.well-known/security.txt")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
        assert lines["Contact"] == "mailto:securite@maillage.example"
        assert lines["Canonical"] == "https://127.0.0.1/.well-known/security.txt"
        assert MONDAY < datetime.fromisoformat(lines["Expires"]) < MONDAY + timedelta(days=366)


async def test_transport_security_is_said_where_users_come_by_https(db: Database) -> None:
    async with client(application(db, base_url="https://127.0.0.1")) as http:
        for path in ("/connexion", "/nowhere", "/fhir/metadata", "/fhir/Task", "/healthz"):
            assert (await http.get(path)).headers["strict-transport-security"] == "max-age=63072000; includeSubDomains", path


async def test_a_script_of_a_named_origin_may_call_the_api_and_no_page(http: httpx.AsyncClient) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    allowed = await http.options("/fhir/Task", headers={"origin": ORIGIN, **asks})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    answer = await http.get("/fhir/metadata", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Origin" in ", ".join(answer.headers.get_list("vary"))
    for path, headers in (("/fhir/Task", {"origin": FOREIGN, **asks}), ("/connexion", {"origin": ORIGIN, **asks})):
        assert "access-control-allow-origin" not in (await http.options(path, headers=headers)).headers
    for path, origin in (("/fhir/metadata", FOREIGN), ("/fhir/metadata", "null"), ("/connexion", ORIGIN)):
        assert "access-control-allow-origin" not in (await http.get(path, headers={"origin": origin})).headers


async def test_what_a_stranger_says_of_itself_counts_for_nothing(db: Database) -> None:
    told = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.9", "x-forwarded-host": "evil.example"}
    app = application(db, edge=EdgeSettings(per_address=3))
    async with client(app, peer="198.51.100.1") as stranger:
        assert '"http://127.0.0.1/fhir' in (await stranger.get("/fhir/metadata", headers=told)).text
        codes = [
            (await stranger.get("/healthz")).status_code,
            *[(await stranger.get("/fhir/metadata", headers=told)).status_code for _ in range(3)],
        ]
        assert codes == [200, 200, 200, 429], "its own address is counted, whatever it says"
    async with client(app, peer="10.1.2.3") as proxy:
        assert '"https://127.0.0.1/fhir' in (await proxy.get("/fhir/metadata", headers=told)).text
        codes = [(await proxy.get("/fhir/docs", headers={"x-forwarded-for": f"192.0.2.{n % 2}"})).status_code for n in range(6)]
        assert codes == [200] * 6, "each caller behind our proxy is counted alone"


async def test_a_host_that_is_said_twice_is_nobodys(http: httpx.AsyncClient) -> None:
    answer = await http.get("/healthz", headers=[("host", "127.0.0.1"), ("host", "evil.example")])
    assert answer.status_code == 421
