"""A patient with a telephone: few taps, plain words, no account; with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.journeys.conftest import Running
from tests.journeys.inspection import inspect, picture
from tests.journeys.people import Person, french, patient_of

pytestmark = pytest.mark.browser
DERMATOLOGY = "Dermatologie, HIA Percy"


class Patient:
    """Somebody who holds a link, on a telephone; taps are counted."""

    login = ""

    def __init__(self, browser: Browser, address: str, *, javascript: bool = True) -> None:
        self.address, self.taps = address, 0
        self.context = browser.new_context(
            locale="fr-FR", timezone_id="Europe/Paris", viewport={"width": 390, "height": 800}, java_script_enabled=javascript
        )
        self.page: Page = self.context.new_page()
        self.messages: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("request", lambda request: None if request.url.startswith(address) else self.messages.append(request.url))

    def opens(self, link: str, born: str, code: str) -> None:
        """Follow the link, answer the two questions."""
        self.page.goto(link)
        self.page.get_by_label(french("Votre date de naissance")).fill(born)
        self.page.get_by_label(french("Votre code à 6 chiffres")).fill(code)
        self.taps = 0
        self.taps_on("Ouvrir")

    def taps_on(self, name: str) -> None:
        """One tap, by its words."""
        said = self.page.get_by_role("button", name=french(name), exact=True).or_(
            self.page.get_by_role("link", name=french(name), exact=True)
        )
        said.click()
        self.taps += 1

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(french(text))

    def leave(self) -> None:
        self.context.close()


@pytest.fixture
def patient(browser: Browser, server: Running) -> Iterator[Callable[..., Patient]]:
    made: list[Patient] = []

    def come(**options: Any) -> Patient:
        made.append(Patient(browser, server.address, **options))
        return made[-1]

    yield come
    for one in made:
        one.leave()


def books(secretary: Person, known: dict[str, Any]) -> None:
    """A secretary sends a request and books its visit."""
    secretary.begins_request(known, DERMATOLOGY)
    secretary.page.get_by_label("Médecin demandeur").select_option(label="Dr Maud Isambert")
    secretary.answers_form("dermatologie")
    secretary.sends()
    secretary.clicks("Réserver")
    secretary.page.get_by_role("radio").first.check()
    secretary.clicks("Réserver")
    secretary.sees("Rendez-vous confirmé")
    secretary.clicks("Accès du patient")
    secretary.sees_title("Accès du patient")


def gives(secretary: Person, what: str) -> str:
    """Give a link by hand: where it leads."""
    secretary.clicks(what)
    link = secretary.page.locator(".m-link").inner_text()
    return f"{secretary.address}/p/{link.rsplit('/', 1)[1]}"


def looks_at(one: Patient, name: str = "") -> None:
    """The page in front of a patient: sound as every page, and no word under 16 px."""
    inspect(one)  # type: ignore[arg-type]  # has all that is looked at: a page, its messages
    assert one.page.evaluate(SMALL) == []
    if name:
        picture(one, name, 390)  # type: ignore[arg-type]  # the same


SMALL = """() => [...document.querySelectorAll('main *, footer *')].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())
    && parseFloat(getComputedStyle(e).fontSize) < 16).map(e => e.outerHTML.slice(0, 80))"""


def confirms(one: Patient, link: str, born: str, code: str) -> None:
    """A wrong code first: the error has the focus. Then two taps say that the patient comes."""
    one.opens(link, born, "000 000")
    expect(one.page.get_by_role("alert")).to_be_focused()
    looks_at(one, "patient-ouvrir")
    one.opens(link, born, code)
    one.sees("C’est à vous : dites si vous venez.")
    looks_at(one)
    one.taps_on("Je viens")
    assert one.taps == 2
    one.sees("Vous avez dit que vous venez.")


def chooses_and_asks(one: Patient) -> None:
    """Yes and no have the same size, one tap each; and who looked is one tap away."""
    one.taps_on("Mes choix : messages, partage")
    looks_at(one)
    for pair in one.page.locator(".m-own-pair").all():
        sizes = pair.get_by_role("button").evaluate_all("all => all.map(one => [one.offsetWidth, one.offsetHeight, one.className])")
        assert len(sizes) == 2
        assert sizes[0] == sizes[1]
    one.page.get_by_role("region", name=french("Voulez-vous recevoir des messages ?")).get_by_role("button", name="Non").click()
    one.sees("Votre choix : non.")
    one.taps_on("Mon suivi")
    one.taps_on("Qui a regardé ma demande")
    looks_at(one)
    one.taps_on("Mon suivi")


def cancels(one: Patient) -> None:
    """Two taps from the tracker."""
    before = one.taps
    one.taps_on("Annuler le rendez-vous")
    looks_at(one)
    one.taps_on("Je suis malade")
    assert one.taps - before == 2
    one.sees("Il faut une nouvelle date.")


def moves_without_javascript(one: Patient, link: str, born: str, code: str) -> None:
    """Three taps, and one closes the page."""
    one.opens(link, born, code)
    one.taps_on("Changer de date")
    one.page.locator("form#dates button").first.click()
    one.taps += 1
    assert one.taps == 3
    one.sees("La date est changée.")
    one.taps_on("Fermer")
    one.sees("Pour revenir, utilisez le prochain lien")


def test_a_patient_comes_moves_chooses_and_cancels_in_few_taps(person: Callable[..., Person], patient: Callable[..., Patient]) -> None:
    known, secretary = patient_of("cms-clamart-soins"), person("secretaire-clamart")
    born = str(known["birthDate"])
    # Given a request that the secretary booked, with a link and a code given by hand, and another link
    books(secretary, known)
    link = gives(secretary, "Donner un lien et un code")
    code = secretary.page.locator(".m-code").inner_text()
    inspect(secretary, "acces-du-patient")
    secretary.clicks("Retour")
    secretary.clicks("Accès du patient")
    inspect(secretary)
    second = gives(secretary, "Donner un lien")
    # When a telephone without JavaScript opens one of them, the date moves
    moves_without_javascript(patient(javascript=False), second, born, code)
    # And the other one opens the page once: come, choose, ask, cancel
    one = patient()
    confirms(one, link, born, code)
    chooses_and_asks(one)
    cancels(one)
    one.page.goto(link)
    one.sees("Un lien sert une seule fois.")
    looks_at(one)
