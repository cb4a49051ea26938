"""Given staff without RPPS, when their administrator invites them, then they sign in with a key or with codes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect
from tests.journeys.people import Person
from tests.support.local_accounts import PASSWORD
from tests.support.web import SEALING_KEY

from maillage import journeys
from maillage.doors.web import WebDoor
from maillage.kernel.clock import FixedClock
from maillage.settings import DemoSettings, IdentitySettings, ServerSettings, Settings
from maillage.store import Database

LOGIN = "regis.taillefer"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasResidentKey": False,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


class NamedHost(Running):
    """The pages under a host name: keys are not bound to addresses in numbers."""

    def application(self, database: Database) -> Any:
        self.address = self.address.replace("127.0.0.1", "localhost")
        settings = Settings(
            demo=DemoSettings(enabled=True), server=ServerSettings(base_url=self.address), identity=IdentitySettings(key=SEALING_KEY)
        )
        return WebDoor(database, operations=journeys.OPERATIONS, settings=settings)


@pytest.fixture
def server(cluster: Any, clock: FixedClock) -> Iterator[Running]:
    with NamedHost(cluster, clock).running() as running:
        yield running


class Newcomer(Person):
    """Somebody who is nobody yet."""

    def sign_in(self) -> None:
        """Not before the invitation."""


@pytest.fixture
def newcomer(browser: Browser, server: Running) -> Iterator[Callable[..., Newcomer]]:
    people: list[Newcomer] = []

    def arrive(*, javascript: bool = True) -> Newcomer:
        people.append(Newcomer(browser, server.address, "", javascript=javascript))
        return people[-1]

    yield arrive
    for one in people:
        one.leave()


@contextmanager
def with_key(page: Page) -> Iterator[None]:
    """A security key that its owner touches at once."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": made["authenticatorId"]})


def invited(person: Callable[..., Person]) -> str:
    """The link that an administrator makes."""
    administrator = person("gestionnaire-clamart")
    administrator.goes_to("/comptes")
    inspect(administrator)
    administrator.clicks("Donner un accès")
    inspect(administrator, "donner-un-acces")
    form = administrator.page.locator("form[action='/comptes/invitation']")
    form.get_by_label("Personne").select_option(label="Régis Taillefer, secrétaire")
    form.get_by_label("Identifiant").fill(LOGIN)
    form.get_by_role("button").click()
    administrator.sees_title("Invitation prête")
    inspect(administrator)
    link = administrator.page.locator("code").inner_text()
    administrator.goes_to("/comptes")
    administrator.sees("Invitation envoyée")
    inspect(administrator, "comptes")
    return link


def gives_password(somebody: Person, password: str = PASSWORD) -> None:
    somebody.goes_to("/connexion")
    somebody.page.locator("summary", has_text="Compte local").click()
    somebody.writes("Identifiant", LOGIN)
    somebody.writes("Mot de passe", password)
    somebody.page.get_by_role("button", name="Se connecter").click()


def leaves(somebody: Person) -> None:
    somebody.clicks("Quitter")
    somebody.sees_title("Se connecter")


@pytest.mark.browser
def test_a_key_opens_the_door_from_the_invitation_on(
    person: Callable[..., Person], newcomer: Callable[..., Newcomer], clock: FixedClock
) -> None:
    link, regis = invited(person), newcomer()
    regis.page.goto(link)
    inspect(regis, "invitation")
    regis.writes("Mot de passe", "motdepasse2026")
    regis.clicks("Continuer")
    regis.sees("connu des pirates")
    inspect(regis)
    regis.writes("Mot de passe", PASSWORD)
    regis.clicks("Continuer")
    regis.sees_title("Votre second facteur")
    inspect(regis, "second-facteur-a-choisir")
    with with_key(regis.page):
        regis.writes("Nom de la clé", "clé du bureau")
        regis.clicks("Créer la clé")
        regis.sees_title("Vos codes de secours")
        inspect(regis, "codes-de-secours")
        regis.clicks("J’ai gardé ces codes")
        regis.sees_title("Mes listes")
        leaves(regis)
        gives_password(regis, "not the password at all")
        regis.sees("ne vont pas ensemble")
        inspect(regis)
        gives_password(regis)
        regis.sees_title("Second facteur")
        inspect(regis, "second-facteur")
        regis.clicks("Utiliser ma clé")
        regis.sees_title("Mes listes")
        manages_factors(regis, clock)


def manages_factors(regis: Person, clock: FixedClock) -> None:
    """A grave act asks for the key again, a quarter of an hour later; then an application is added."""
    clock.advance(timedelta(minutes=15))
    regis.goes_to("/compte")
    inspect(regis, "mon-compte")
    regis.clicks("Mes sessions")
    inspect(regis, "mes-sessions")
    regis.goes_to("/compte/facteurs")
    inspect(regis, "mes-moyens-de-connexion")
    regis.clicks("Ajouter une clé ou une application")
    regis.sees_title("Confirmer votre identité")
    inspect(regis, "confirmer")
    regis.clicks("Utiliser ma clé")
    regis.sees_title("Ajouter un moyen de connexion")
    inspect(regis, "ajouter-un-moyen-de-connexion")
    adds_application(regis, clock)
    regis.sees("Second facteur ajouté")
    regis.clicks("Retirer cette clé")
    regis.sees("Second facteur retiré")
    regis.clicks("Retirer l’application")
    regis.sees("Gardez au moins un second facteur")
    regis.goes_to("/compte/mot-de-passe")
    inspect(regis, "mot-de-passe")


def adds_application(somebody: Person, clock: FixedClock) -> str:
    secret = somebody.page.locator("code.m-secret").inner_text().replace(" ", "")
    somebody.writes("Code à six chiffres", pyotp.TOTP(secret).at(clock.now()))
    somebody.clicks("Ajouter l’application")
    return secret


@pytest.mark.browser
def test_codes_open_it_without_javascript(person: Callable[..., Person], newcomer: Callable[..., Newcomer], clock: FixedClock) -> None:
    link, regis = invited(person), newcomer(javascript=False)
    regis.page.goto(link)
    regis.writes("Mot de passe", PASSWORD)
    regis.clicks("Continuer")
    regis.sees("La clé d’accès demande JavaScript")
    expect(regis.page.get_by_role("button", name="Créer la clé")).to_be_hidden()
    secret = adds_application(regis, clock)
    regis.sees_title("Vos codes de secours")
    assert len(re.findall(r"[A-Z2-7]{6}(?:-[A-Z2-7]{6}){3}", regis.page.content())) == 8
    regis.clicks("J’ai gardé ces codes")
    leaves(regis)
    clock.advance(timedelta(minutes=1))
    gives_password(regis)
    regis.writes("Code à six chiffres", pyotp.TOTP(secret).at(clock.now()))
    regis.clicks("Valider le code")
    regis.sees_title("Mes listes")
    assert regis.messages == []


@pytest.mark.browser
def test_the_place_of_work_changes_on_one_s_own_page(person: Callable[..., Person]) -> None:
    specialist = person("hge-percy")
    specialist.goes_to("/compte")
    inspect(specialist)
    specialist.page.get_by_role("button", name=re.compile("travailler ici")).click()
    specialist.sees("Vous travaillez maintenant dans ce lieu")
    expect(specialist.page.locator(".m-me")).to_contain_text("Clamart")
