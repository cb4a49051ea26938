"""What a main task costs in gestures, counted; typing is not one. By hand, by keyboard alone, and while somebody types."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect
from tests.factories import referrals as make
from tests.journeys.conftest import Running
from tests.journeys.inspection import AXE, inspect
from tests.journeys.people import QUESTION, Person, name_of, patient_of
from tests.journeys.test_pages_that_follow import elsewhere, send

from maillage import referrals
from maillage.doors.web.typography import french
from maillage.kernel.clock import FixedClock
from maillage.store import Database

pytestmark = pytest.mark.browser
DERMATOLOGY = "percy-dermatologie"


class Hand:
    """A hand that counts."""

    def __init__(self, person: Person) -> None:
        self.person, self.gestures = person, 0

    def clicks(self, what: Locator) -> None:
        what.click()
        self.gestures += 1

    def fills(self, what: Locator, text: str) -> None:
        """Free text: no gesture."""
        what.fill(text)

    def writes(self, name: str, text: str) -> None:
        self.fills(self.person.page.locator(f'[name="{name}"]').first, text)

    def answers(self, question: str, answer: str) -> None:
        group = self.person.page.get_by_role("group", name=french(question)).first
        self.clicks(group.locator("label", has_text=french(answer)).first)

    def presses(self, name: str) -> None:
        page = self.person.page
        self.clicks(
            page.get_by_role("button", name=french(name), exact=True).or_(page.get_by_role("link", name=french(name), exact=True)).first
        )


async def known_patient(db: Database) -> None:
    """A request of last month for the same patient, whose telephone was verified, and which has ended."""
    patient = patient_of("cms-clamart-soins")
    phone = patient["telecom"][0]["value"]
    async with db.transaction(make.GP) as tx:
        request = await referrals.create_request(
            tx, patient_id=patient["id"], service_ids=[make.OTHER_SERVICE], requester_role_id="clamart-mg-isambert"
        )
        items = make.with_answer(await make.form(tx, make.OTHER_SERVICE), "phone", {"valueString": phone})
        await referrals.save_form(tx, request, items=items, status="completed")
        [task] = await referrals.tasks_of(tx, request)
        await referrals.send(tx, task["id"], **make.SEND)


def test_a_request_for_a_known_patient_takes_nine_gestures(person: Callable[..., Person], server: Running) -> None:
    elsewhere(server, known_patient)
    patient, doctor = patient_of("cms-clamart-soins"), person("medecin-clamart")
    doctor.goes_to(f"/patients/{patient['id']}")  # as the practice software opens it
    hand = Hand(doctor)
    asks_for_a_known_patient(hand, look=lambda: inspect(doctor, "demande-preremplie"))
    assert hand.gestures <= 9


def asks_for_a_known_patient(hand: Hand, look: Callable[[], None] = lambda: None) -> None:
    """From the record to the request that is sent."""
    doctor = hand.person
    hand.presses("Adresser ce patient")
    hand.clicks(doctor.page.locator(f'a[href*="/demandes/nouvelle?service={DERMATOLOGY}&"][href*="acte=visit"]'))
    doctor.sees("Repris de votre demande")
    look()
    for name, text in (("question", QUESTION), ("problem", "Lésion pigmentée."), ("lesion-site", "dos"), ("lesion-since", "six mois")):
        hand.writes(name, text)
    hand.answers("Priorité", "Standard")
    hand.answers("Lésion suspecte de mélanome", "Non")
    hand.answers("Photographie datée", "Non fait")
    hand.writes("photograph-reason", "lésion vue ce jour")
    hand.presses("Vérifier la demande")
    hand.clicks(doctor.page.locator('label[for="f-identity-confirmed"]'))
    hand.clicks(doctor.page.locator('label[for="f-patient-informed"]'))
    hand.presses("Envoyer la demande")
    doctor.sees("Demande envoyée")


def tab_to(person: Person, what: Locator, *, most: int = 120) -> None:
    """Go to a control by the keyboard alone."""
    for _ in range(most):
        if what.evaluate("one => one === document.activeElement"):
            return
        person.page.keyboard.press("Tab")
    raise AssertionError(f"{what} is not reached in {most} tabulations")


def books(hand: Hand, patient: str) -> None:
    """From the list to the visit."""
    page = hand.person.page
    hand.clicks(page.get_by_role("region", name="À programmer").get_by_role("link", name=patient))
    hand.clicks(page.get_by_role("button", name="Réserver").first)
    hand.person.sees("Rendez-vous confirmé")


def test_the_office_books_in_three_gestures_and_by_keyboard_alone(person: Callable[..., Person], server: Running) -> None:
    planner = person("planification-percy")
    for rank in (0, 1):
        task = elsewhere(server, lambda db, rank=rank: send(db, rank))
        elsewhere(server, lambda db, task=task: make.act(db, make.TRIAGER, referrals.open_, task))
        elsewhere(server, lambda db, task=task: make.act(db, make.TRIAGER, referrals.accept, task))
    waiting = planner.page.get_by_role("region", name="À programmer")
    first, second = (name_of(patient_of("cms-clamart-soins", rank)) for rank in (0, 1))
    # By hand: open the request, take one of the next places
    planner.goes_to("/")
    hand = Hand(planner)
    books(hand, first)
    assert hand.gestures <= 3
    # By keyboard alone: from the top of the page to the place, nothing else
    planner.goes_to("/")
    tab_to(planner, waiting.get_by_role("link", name=second))
    planner.page.keyboard.press("Enter")
    planner.page.wait_for_url("**/demandes/*")
    tab_to(planner, planner.page.get_by_role("button", name="Réserver").first)
    planner.page.keyboard.press("Enter")
    planner.sees("Rendez-vous confirmé")


def answers_without_a_visit(hand: Hand) -> None:
    """From the list to the answer that is sent."""
    page = hand.person.page
    hand.clicks(page.get_by_role("region", name="À trier").get_by_role("button").first)
    summary = page.locator("summary", has_text="Répondre sans rendez-vous").first
    hand.clicks(summary)
    form = summary.locator("xpath=..")
    hand.clicks(form.locator("label", has_text="Traiter et surveiller"))
    hand.fills(form.locator("textarea").first, "Traitement d’épreuve quatre semaines, puis nous en reparlons.")
    hand.clicks(form.get_by_role("button"))
    hand.person.sees("Réponse envoyée")


def test_a_specialist_answers_in_five_taps_on_a_phone(person: Callable[..., Person], server: Running) -> None:
    elsewhere(server, send)
    specialist = person("hge-percy")
    specialist.page.set_viewport_size({"width": 390, "height": 844})
    specialist.goes_to("/")
    hand = Hand(specialist)
    answers_without_a_visit(hand)
    assert hand.gestures <= 5
    assert specialist.messages == []


def test_a_search_answers_and_a_draft_is_kept_while_one_types(person: Callable[..., Person], clock: FixedClock) -> None:
    doctor, patient = person("medecin-clamart"), patient_of("cms-clamart-soins")
    page = doctor.page
    # Two traits are not enough to ask: nobody is leafed through
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    doctor.goes_to("/patients")
    page.locator('[name="family"]').press_sequentially(patient["name"][0]["family"])
    page.locator('[name="given"]').press_sequentially(patient["name"][0]["given"][0])
    page.wait_for_timeout(600)
    assert asked == []
    page.locator('[name="birth_date"]').fill(patient["birthDate"])
    expect(page.get_by_role("link", name=name_of(patient))).to_be_visible()
    expect(page.locator("#annonce")).to_contain_text("trouvé")
    expect(page.locator('[name="birth_date"]')).to_be_focused()
    # A draft gets its address by itself, and is there again
    doctor.goes_to(f"/demandes/nouvelle?service={DERMATOLOGY}&patient={patient['id']}")
    page.locator('[name="question"]').fill(QUESTION)
    expect(page.locator("[data-autosave-said]")).to_contain_text("Brouillon enregistré à")
    page.wait_for_url("**/remplir")
    with page.expect_response(lambda answer: answer.request.method == "GET" and "fait=saved" in answer.url):
        page.locator('[name="lesion-site"]').fill("dos, sous l’omoplate gauche")
    page.reload()
    expect(page.locator('[name="question"]')).to_have_value(QUESTION)
    expect(page.locator('[name="lesion-site"]')).to_have_value("dos, sous l’omoplate gauche")
    # When the session ends, what is typed stays and the page says so
    clock.advance(timedelta(minutes=21))
    page.locator('[name="lesion-since"]').fill("six mois")
    expect(page.locator("[data-autosave-said]")).to_contain_text("Votre session a pris fin")
    expect(page.locator('[name="lesion-since"]')).to_have_value("six mois")
    # When the form is sent all the same, the sign-in leads back to it, and what was not saved stands in it again
    page.get_by_role("button", name="Vérifier la demande").click()
    page.locator('form:has(input[value="medecin-clamart"]) button').click()
    doctor.sees("Ce que vous aviez écrit est repris ici")
    expect(page.locator('[name="lesion-since"]')).to_have_value("six mois")
    inspect(doctor, "demande-reprise")
    assert doctor.messages == []


def test_who_coordinates_has_the_figures_of_the_territory_in_one_gesture(person: Callable[..., Person]) -> None:
    coordinator = person("coordination-seine", at="Pilotage du territoire")
    hand = Hand(coordinator)
    with coordinator.page.expect_download() as download:
        hand.presses("Tout en XLSX")
    assert download.value.suggested_filename.endswith(".xlsx")
    assert hand.gestures == 1


def test_the_pages_of_who_coordinates_and_plans_are_sound(person: Callable[..., Person]) -> None:
    planner = person("planification-percy")
    for path in ("/pilotage", "/agenda", "/affichage", "/accueil/secours"):
        planner.goes_to(path)
        inspect(planner)
    # Forced colours and print keep the map and its words; the keys lead, and can be switched off
    page = planner.page
    planner.goes_to("/pilotage")
    page.emulate_media(forced_colors="active")
    page.evaluate(AXE)
    assert (
        page.evaluate("() => axe.run({rules: {'color-contrast': {enabled: false}}}).then(found => found.violations.map(one => one.id))")
        == []
    )
    page.emulate_media(forced_colors="none")
    commune = page.get_by_role("link", name="Créteil.")
    commune.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#c-94028")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    planner.sees_title("Services du territoire")
    page.keyboard.press("/")
    expect(page.get_by_label("Besoin")).to_be_focused()
    planner.goes_to("/affichage")
    planner.chooses("Raccourcis à une touche", "Non")
    planner.clicks("Garder ces choix")
    planner.sees("gardé dans ce navigateur")
    page.keyboard.press("g")
    page.keyboard.press("s")
    planner.sees_title("Affichage et clavier")
    assert planner.messages == []
