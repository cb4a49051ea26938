"""Refusals in a hurry, of every route that there is: they say what the layer would say, and of nothing that is more urgent."""

from __future__ import annotations

import pytest
from tests.support import routes
from tests.support.web import territory

from maillage.app import Application, create_app
from maillage.doors.edge.routes import Lane
from maillage.doors.web.areas import PAGES
from maillage.settings import DemoSettings, EdgeSettings, Settings
from maillage.store import Database

FILL = territory
pytestmark = pytest.mark.asyncio
NOBODY = EdgeSettings(running=1, kept_for_emergencies=0, kept_for_people=0, wait_interactive=0.0, wait_batch=0.0)


def crowded(db: Database) -> Application:
    """Its only turn is taken, and nobody has the patience to wait."""
    app = create_app(Settings(demo=DemoSettings(enabled=True), edge=NOBODY), db)
    app.edge.admission.running = 1
    return app


def refused(app: Application, method: str, path: str) -> bytes | None:
    """What the bytes of a request hear, taken apart and not."""
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nupgrade-insecure-requests: 1\r\n\r\n".encode()
    glance = app.edge.hurry.glance(head, 1.0)
    answer = app.edge.hurry(method.encode(), path.encode(), [])
    assert method not in ("GET", "POST") or glance == answer, path
    return answer


async def test_each_page_is_refused_with_a_page_but_the_urgent_ones(db: Database) -> None:
    app = crowded(db)
    for page in PAGES:
        path = routes.filled(page.path)
        for address in (path, f"{path}?suite=%2Fdemandes"):
            answer = refused(app, page.method, address)
            if page.lane is Lane.INTERACTIVE:
                assert answer is not None, page
                assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
                assert b"\r\nretry-after: 2\r\n" in answer
                assert answer.endswith(b"</html>")
            else:
                assert answer is None, page
    assert {page.lane for page in PAGES} == {Lane.EMERGENCY, Lane.INTERACTIVE}


async def test_what_machines_ask_is_refused_with_an_outcome_but_operations(db: Database) -> None:
    app = crowded(db)
    for method, path in routes.api_requests():
        answer = refused(app, method, path)
        if "$" in path or method == "HEAD":
            assert answer is None, path
        else:
            assert answer is not None, (method, path)
            assert b"\r\nretry-after: 2\r\n" in answer
            assert b'"resourceType":"OperationOutcome"' in answer


@pytest.mark.parametrize(
    "path",
    [
        *routes.PROBES,
        "/healthz?x=1",
        "/static/abc/maillage.css",
        "/static",
        "/healthz#",
        "/fhir#a",
        "/patients/p1/urgence#a",
        "/patients/p1/urgence?x=1",
        "/patients/p%31/urgence",
    ],
)
async def test_probes_files_and_what_is_not_plain_are_looked_at_closer(db: Database, path: str) -> None:
    assert refused(crowded(db), "GET", path) is None


@pytest.mark.parametrize("path", ["/demandes", "/fhir/Task"])
async def test_nobody_hears_it_while_there_are_turns(db: Database, path: str) -> None:
    app = crowded(db)
    app.edge.admission.running = 0
    assert refused(app, "GET", path) is None


async def test_people_do_not_hear_it_for_the_sake_of_machines(db: Database) -> None:
    app = create_app(
        Settings(demo=DemoSettings(enabled=True), edge=EdgeSettings(running=2, kept_for_emergencies=0, kept_for_people=1, wait_batch=0.0)),
        db,
    )
    app.edge.admission.running = 1
    assert refused(app, "GET", "/fhir/Task") is not None
    assert refused(app, "GET", "/demandes") is None
