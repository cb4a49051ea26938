"""Every page that looks, found from the routes and by the links of each role: what it asks of the database, its weight, how it stands in a browser.

In the browser each page is opened once, by the first role that reaches it: with JavaScript at 1280, 390 and 320 px (axe in light, in dark and in forced colours),
without JavaScript at 390 px.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, replace
from html import unescape

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route
from tests.conftest import LIMITS
from tests.journeys.conftest import Running
from tests.journeys.inspection import AXE, FOUND, TAGS
from tests.journeys.people import Person
from tests.journeys.test_pages_that_follow import elsewhere
from tests.journeys.test_patient_by_hand import Patient
from tests.support import postgres, screens
from tests.support.furnished import furnish, patients_link, starts
from tests.support.walking import LOOKING, Counted, walk
from tests.support.web import Visitor, make_door, visiting

pytestmark = pytest.mark.browser
LIGHT, PATIENT = 60_000, "patient"
ROLES = ("planification-percy", "medecin-clamart", "hge-percy", "referent-hge", "gestionnaire-clamart", "")
"""Each sees pages, or parts of pages, that the others do not; nobody sees the public ones."""
OTHER_TESTS = {
    "test_pro_sante_connect_by_hand": ("/connexion/psc", "/connexion/psc/retour", "/connexion/exercice"),
    "test_sign_in_by_hand": (
        *("/connexion/second-facteur", "/invitation/{token:id}", "/invitation/second/facteur"),
        *("/compte/facteurs/ajouter", "/compte/mot-de-passe"),
    ),
    "test_photo_without_its_place": (
        *("/demandes/{id:id}/pieces/{piece:id}", "/demandes/{id:id}/pieces/{piece:id}/apercu", "/pieces/{token:seal}"),
    ),
    "test_simulation_by_hand": ("/simulation/{id:id}/rapport.html", "/simulation/{id:id}/rapport.pdf", "/simulation/{id:id}/resultats.csv"),
    "test_web_simulation": ("/simulation/{id:id}/scenario/{side:id}",),
    "test_web_identities": ("/patients/identites", "/patients/identites/{first:id}/{second:id}"),
    "test_web_desk_papers": ("/agenda/{token:seal}/vacations.ics",),
    "test_smart_clients": ("/oauth/authorize", "/ouvrir/{handle:id}"),
    "test_web_local_sign_in": ("/.well-known/security.txt",),
    "test_referral_by_hand": ("/patients/{id:id}/adresser",),
    "test_patient_by_hand": ("/suivi/{visit:id}/non",),
    "test_own_record_by_hand": (
        *("/mon-dossier", "/mon-dossier/connexion", "/mon-dossier/retour", "/mon-dossier/cles"),
        *("/suivi/{visit:id}/dossier/{document:id}", "/suivi/{visit:id}/dossier/{document:id}/fichier", "/mes-documents/{token:seal}"),
    ),
    "test_asking_why_pages": ("/suivi/{visit:id}/acces/{look:id}", "/questions/{id:id}"),
}
"""What takes more steps than links (another server, a file, a result, a state), and the test that takes them."""
OFTEN = frozenset({"/", "/demandes/{id:id}", "/rendez-vous/{id:id}", "/patients/{id:id}", "/services/{id:id}", "/vacations/{id:id}"})
"""Pages that each role sees otherwise: looked at by every one."""
MOST = {
    "/": 10,
    "/accessibilite": 3,
    "/accueil": 6,
    "/accueil/secours": 9,
    "/affichage": 3,
    "/agenda": 5,
    "/attente": 11,
    "/components": 3,
    "/compte": 5,
    "/compte/applications": 4,
    "/compte/confirmer": 5,
    "/compte/facteurs": 5,
    "/compte/notifications": 4,
    "/compte/sessions": 5,
    "/comptes": 4,
    "/comptes/acces": 4,
    "/connexion": 5,
    "/demandes/nouvelle": 12,
    "/demandes/{id:id}": 19,
    "/demandes/{id:id}/actes/{verb:id}": 19,
    "/demandes/{id:id}/lien": 10,
    "/demandes/{id:id}/remplir": 14,
    "/demandes/{id:id}/verifier": 27,
    "/licences": 3,
    "/listes/{name:id}": 6,
    "/notifications": 4,
    "/p/{token:link}": 3,
    "/partenaires": 6,
    "/partenaires/{client}": 9,
    "/patients": 3,
    "/patients/nouveau": 4,
    "/patients/{id:id}": 15,
    "/patients/{id:id}/acces": 9,
    "/patients/{id:id}/acces/papier": 9,
    "/patients/{id:id}/choix": 12,
    "/patients/{id:id}/rendez-vous": 8,
    "/patients/{id:id}/restrictions": 8,
    "/patients/{id:id}/urgence": 3,
    "/pilotage": 15,
    "/pilotage/pilotage.xlsx": 9,
    "/pilotage/{name:id}/csv": 9,
    "/planification": 18,
    "/planification/nouvelle": 5,
    "/planification/{id:id}": 13,
    "/planification/{id:id}/modifier": 10,
    "/rendez-vous/{id:id}": 15,
    "/rendez-vous/{id:id}/convocation.pdf": 10,
    "/rendez-vous/{id:id}/lien": 10,
    "/services": 6,
    "/services/{id:id}": 13,
    "/services/{id:id}/relais": 7,
    "/simulation": 5,
    "/simulation/scenario": 4,
    "/simulation/{id:id}": 4,
    "/suivi/{visit:id}": 15,
    "/suivi/{visit:id}/absence": 8,
    "/suivi/{visit:id}/acces": 10,
    "/suivi/{visit:id}/accord": 7,
    "/suivi/{visit:id}/annuler": 10,
    "/suivi/{visit:id}/choix": 12,
    "/suivi/{visit:id}/dates": 12,
    "/suivi/{visit:id}/dossier": 6,
    "/territoire": 7,
    "/urgences": 6,
    "/urgences/{id:id}": 5,
    "/vacations": 7,
    "/vacations/{id:id}": 12,
    "/vacations/{id:id}/actes/{verb:id}": 4,
    "/vacations/{id:id}/vacation.ics": 6,
}
"""Statements of each page, the most that any role asks; a list that grows asks no more. A change is written here with its reason in the commit."""
AXE_RUN = f"() => axe.run(document, {{runOnly: {TAGS}}}){FOUND}"
FITS = "() => document.documentElement.scrollWidth <= document.documentElement.clientWidth"
SAID = "main h1, main h2, main legend, main label, main thead th, main summary"
WIDTHS = (1280, 390, 320)
LOOKS: tuple[tuple[dict[str, str], str], ...] = (
    ({"color_scheme": "light", "forced_colors": "none"}, AXE_RUN),
    ({"color_scheme": "dark", "forced_colors": "none"}, AXE_RUN),
    ({"color_scheme": "light", "forced_colors": "active"}, AXE_RUN.replace("]}}", "]}, rules: {'color-contrast': {enabled: false}}}")),
)
"""What is emulated and what axe is asked; where colours are forced they are the reader's own."""
TITLE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
OWN = ("", "/dates", "/annuler", "/absence", "/choix", "/accord", "/acces", "/dossier")


@dataclass(frozen=True, slots=True)
class Looked:
    """A page as the first role that reaches it sees it; the most statements and bytes that any role's look took."""

    role: str
    address: str
    statements: int
    size: int
    html: bool
    title: str


async def look_at_everything(server: Running) -> dict[str, Looked]:
    """Every page of every role, and of a patient who holds a link, by its route."""
    found: dict[str, Looked] = {}
    database = await postgres.open_both(server.dsn, server.clock, limits=LIMITS, connection_class=Counted)
    try:
        first, door = await starts(database), make_door(database)
        for role in ROLES:
            async with visiting(door, role) as visitor:
                merge(found, await look_as(visitor, role, first if role else ["/connexion"], found.keys() - OFTEN))
        opened = await patients_link(database)
        async with visiting(door) as visitor:
            page = {opened.link: await look_once(visitor, PATIENT, opened.link)}
            given = {"naissance": opened.born, "code": opened.code}
            answer = await visitor.post(opened.link, given, shown=opened.link)
            own = [answer.headers["location"] + end for end in OWN]
            merge(found, {"/p/{token:link}": page[opened.link]} | await look_as(visitor, PATIENT, own))
    finally:
        await database.close()
    return found


def merge(found: dict[str, Looked], more: dict[str, Looked]) -> None:
    """Keep the first role that reached a page, and the most that any look took."""
    for pattern, one in more.items():
        before = found.get(pattern, one)
        most = (max(before.statements, one.statements), max(before.size, one.size))
        found[pattern] = replace(before, statements=most[0], size=most[1])


async def look_as(visitor: Visitor, role: str, first: list[str], known: Container[str] = ()) -> dict[str, Looked]:
    """Every page that one role reaches, but for those that are known."""
    told: dict[str, Looked] = {}

    async def look(address: str) -> httpx.Response:
        answer, told[address] = await looked(visitor, role, address)
        return answer

    if role and role != PATIENT:
        await visitor.get("/compte")  # what is read once for each organisation
    return {pattern: told[address] for pattern, address in (await walk(look, first, known)).items()}


async def look_once(visitor: Visitor, role: str, address: str) -> Looked:
    return (await looked(visitor, role, address))[1]


async def looked(visitor: Visitor, role: str, address: str) -> tuple[httpx.Response, Looked]:
    """One look, and what it took."""
    Counted.asked.clear()
    answer = await visitor.get(address)
    html = answer.headers.get("content-type", "").startswith("text/html")
    title = TITLE.search(answer.text) if html else None
    return answer, Looked(role, address, len(Counted.asked), len(gzip.compress(answer.content)), html, unescape(title[1]) if title else "")


@pytest.fixture
def pages(server: Running) -> dict[str, Looked]:
    """Every page of a territory in which something of everything is under way."""
    elsewhere(server, furnish)
    found: dict[str, Looked] = elsewhere(server, lambda _: look_at_everything(server), seconds=300)
    return found


def test_every_page_is_reached_light_and_asks_no_more_of_the_database(pages: dict[str, Looked]) -> None:
    # Every route that looks is reached, or another test takes its steps
    elsewhere_tested = {path for paths in OTHER_TESTS.values() for path in paths}
    assert {page.path for page in LOOKING} == pages.keys() | elsewhere_tested
    # None is heavy, none asks more of the database than it did
    assert {pattern: one.size for pattern, one in pages.items() if one.html and one.size > LIGHT} == {}
    assert {pattern: one.statements for pattern, one in pages.items()} == MOST
    # The documentation calls them as they call themselves
    routes = Counter(one.route for one in screens.screens())
    told = {one.route: screens.plain(one.title) for one in screens.screens() if routes[one.route] == 1 and one.route not in OFTEN}
    called = {route: screens.plain(one.title) for route, one in pages.items() if route in told and one.html}
    assert called == {route: told[route] for route in called}


@pytest.mark.nightly
def test_every_page_stands_in_a_browser(pages: dict[str, Looked], server: Running, browser: Browser) -> None:
    people: dict[tuple[str, bool], Person | Patient] = {}
    try:
        for pattern, one in pages.items():
            if one.html and one.role != PATIENT:
                stands(pattern, one, people, browser, server)
    finally:
        for someone in people.values():
            someone.leave()


def stands(pattern: str, one: Looked, people: dict[tuple[str, bool], Person | Patient], browser: Browser, server: Running) -> None:
    """With JavaScript: no overflow at 1280 and 320 px, no violation, no console message, no foreign request. Without it, at 390 px: the same words."""
    with_, without = (come(people, one.role, browser, server, javascript=javascript) for javascript in (True, False))
    with_.page.goto(server.address + one.address)
    assert with_.page.evaluate(FITS), (pattern, 1280)
    said = with_.page.locator(SAID).all_text_contents()
    sound(with_.page, pattern)
    assert with_.messages == [], pattern
    without.page.goto(server.address + one.address)
    assert without.page.evaluate(FITS), (pattern, 390)
    assert without.page.locator(SAID).all_text_contents() == said, pattern
    assert without.messages == [], pattern


def sound(page: Page, pattern: str) -> None:
    """On each width and in each look: no overflow, one title, one main part, no violation."""
    page.evaluate(AXE)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FITS), (pattern, width)
        assert (page.locator("h1").count(), page.locator("main").count()) == (1, 1), pattern
        for look, rules in LOOKS:
            page.emulate_media(reduced_motion="reduce", **look)  # type: ignore[arg-type]  # words that Playwright knows
            assert page.evaluate(rules) == [], (pattern, width, look)
    page.emulate_media(**LOOKS[0][0])  # type: ignore[arg-type]  # the same
    page.set_viewport_size({"width": 1280, "height": 900})


def come(
    people: dict[tuple[str, bool], Person | Patient], role: str, browser: Browser, server: Running, *, javascript: bool
) -> Person | Patient:
    """Somebody of a role, with JavaScript or without, in a browser that is opened once."""
    if (role, javascript) not in people:
        made = (
            Person(browser, server.address, role, javascript=javascript)
            if role
            else Patient(browser, server.address, javascript=javascript)
        )
        made.page.route("**/simulation/*", held)
        if not javascript:
            made.page.set_viewport_size({"width": 390, "height": 900})
        people[role, javascript] = made
    return people[role, javascript]


def held(route: Route) -> None:
    """A page that waits for a result asks for itself again each second: not while it is looked at."""
    answer = route.fetch()
    route.fulfill(response=answer, headers={name: value for name, value in answer.headers.items() if name != "refresh"})


@pytest.mark.nightly
def test_the_pages_of_a_patient_stand_on_a_telephone(server: Running, browser: Browser) -> None:
    elsewhere(server, furnish)
    opened = elsewhere(server, patients_link)
    one = Patient(browser, server.address)
    try:
        one.opens(server.address + opened.link, opened.born, opened.code)
        home = one.page.url.partition("?")[0]
        for end in OWN:
            one.page.goto(home + end)
            assert one.page.evaluate(FITS), end
            sound(one.page, end)
        assert one.messages == []
    finally:
        one.leave()
