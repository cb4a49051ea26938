"""Given a real OpenID provider, when a professional follows the link and signs in there, then the place is chosen and the lists open."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.journeys.conftest import Running
from tests.journeys.inspection import picture
from tests.support import postgres
from tests.support.ports import free_port
from tests.support.web import SEALING_KEY

from maillage import journeys
from maillage.access import identity
from maillage.doors.connectors.pro_sante_connect import ProSanteConnect
from maillage.doors.web import WebDoor
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import SystemClock
from maillage.settings import DemoSettings, IdentitySettings, PscSettings, ServerSettings, Settings
from maillage.store import Database

RPPS, PASSWORD, SECRET = "10001234567", "not a secret outside tests", "neither-is-this-one"
CLAIMS = {"id_token": {"acr": {"essential": True}}, "userinfo": {"SubjectNameID": {"essential": True}}}
SETTINGS = """
config_version: 1
server: {{host: "127.0.0.1", port: {port}}}
oauth:
  issuer: "{issuer}"
  audience: "maillage"
  clients:
    - {{client_id: "maillage", client_secret: "{secret}", redirect_uris: ["{back}"], post_logout_redirect_uris: ["{address}/connexion"]}}
"""
USERS = """
config_version: 1
users:
  castanier:
    password: "{password}"
    attributes: {{SubjectNameID: "8{rpps}", acr: "eidas1"}}
"""


class Nano:
    """nanoidp, as a process."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder, self.issuer = folder, f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, address: str) -> None:
        back = f"{address}/connexion/psc/retour"
        told = SETTINGS.format(port=self.port, issuer=self.issuer, secret=SECRET, back=back, address=address)
        (self.folder / "settings.yaml").write_text(told, encoding="utf-8")
        (self.folder / "users.yaml").write_text(USERS.format(password=PASSWORD, rpps=RPPS), encoding="utf-8")
        words = [sys.executable, "-m", "nanoidp", "--config", str(self.folder), "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, env={**os.environ, "PYTHONPATH": ""}
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.issuer}/.well-known/openid-configuration", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError("nanoidp did not start")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(20)


class WithProvider(Running):
    """The pages, outside the demonstration, with a provider."""

    def __init__(self, cluster: postgres.TestCluster, nano: Nano) -> None:
        super().__init__(cluster, SystemClock())  # type: ignore[arg-type]  # the provider keeps real time, so must we
        self.nano = nano

    def application(self, database: Database) -> Any:
        psc = PscSettings(
            issuer=self.nano.issuer, client_id="maillage", client_secret=SECRET, scope="openid", claims=json.dumps(CLAIMS), timeout=30
        )
        settings = Settings(
            demo=DemoSettings(enabled=False),
            server=ServerSettings(base_url=self.address),
            identity=IdentitySettings(key=SEALING_KEY),
            psc=psc,
        )
        door = WebDoor(database, operations=journeys.OPERATIONS, settings=settings, provider=ProSanteConnect(psc, self.address))

        async def authorised_first(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/authorise-first":
                async with database.transaction(SYSTEM) as tx:
                    for role in ("percy-hge-castanier", "clamart-hge-castanier"):
                        await identity.authorise(tx, RPPS, role)
            await door(scope, receive, send)

        return authorised_first


@pytest.fixture
def server(cluster: postgres.TestCluster, tmp_path: Path) -> Iterator[WithProvider]:
    nano = Nano(tmp_path)
    running = WithProvider(cluster, nano)
    nano.start(running.address)
    try:
        with running.running():
            yield running
    finally:
        nano.stop()


def loopback_only(route: Route) -> None:
    """The provider's own pages ask for style sheets of the world."""
    if route.request.url.startswith("http://127.0.0.1:"):
        route.continue_()
    else:
        route.abort()


def signs_in_there(page: Page, server: WithProvider) -> None:
    page.goto(f"{server.address}/connexion?vers=/services")
    page.get_by_role("link", name="Se connecter avec Pro Santé Connect").click(no_wait_after=True)
    page.wait_for_url(f"{server.nano.issuer}/**", wait_until="domcontentloaded")
    page.locator("input[name=username]").fill("castanier")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("button[type=submit]").first.click(no_wait_after=True)


@pytest.mark.browser
def test_a_professional_comes_through_a_real_provider(browser: Browser, server: WithProvider) -> None:
    context = browser.new_context(locale="fr-FR", timezone_id="Europe/Paris")
    context.route("**/*", loopback_only)
    page = context.new_page()
    page.set_default_timeout(30_000)
    title = page.get_by_role("heading", level=1)
    signs_in_there(page, server)
    expect(title).to_have_text("Connexion impossible")
    expect(page.locator("main")).to_contain_text("aucune organisation")
    httpx.get(f"{server.address}/authorise-first", timeout=30)
    page.context.clear_cookies()
    signs_in_there(page, server)
    expect(title).to_contain_text("Où travaillez-vous")
    picture(SimpleNamespace(page=page), "choisir-son-lieu")  # type: ignore[arg-type]  # a page in front of somebody
    page.get_by_role("button", name="Clamart").click()
    expect(title).to_have_text("Services du territoire")
    assert page.url == f"{server.address}/services"
    [cookie] = [one for one in context.cookies() if one["name"] == "maillage"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    page.get_by_role("button", name="Quitter").click()
    expect(title).to_have_text("Vous êtes déconnecté")
    page.goto(f"{server.address}/services")
    expect(title).to_have_text("Se connecter")
    context.close()
