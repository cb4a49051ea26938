"""What people do on the pages, in the words of the house."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect

from maillage import directory
from maillage.demonstration.forms import fill
from maillage.directory import pathways
from maillage.doors.web.referrals.questionnaire import answers_of
from maillage.doors.web.typography import french

expect.set_options(timeout=20_000)  # a machine that runs the whole suite is slow; what is looked at is not speed
QUESTION = "Rectorragies depuis six semaines : faut-il une coloscopie, et dans quel délai ?"


def patient_of(organization: str, rank: int = 0) -> dict[str, Any]:
    """An invented patient who is registered at a place."""
    home = f"Organization/{organization}"
    return [one for one in directory.generate_patients(2026, 40) if one["managingOrganization"]["reference"] == home][rank]


def name_of(patient: dict[str, Any]) -> str:
    """FAMILY Given, as pages write it."""
    return f"{patient['name'][0]['family'].upper()} {patient['name'][0]['given'][0]}"


def words(text: str, *, end: bool = False) -> re.Pattern[str]:
    """What a page says, whatever the kind of its spaces."""
    parts = [re.escape(part) for part in french(text).split()]
    return re.compile(r"^\s*" + r"\s+".join(parts) + (r"\s*$" if end else ""))


class Person:
    """Somebody signed in, and the page in front of them. Any console message or request to another origin is kept."""

    def __init__(self, browser: Browser, address: str, login: str, *, javascript: bool = True, at: str = "Mes listes") -> None:
        self.address, self.login, self.at = address, login, at
        self.context = browser.new_context(
            locale="fr-FR", timezone_id="Europe/Paris", viewport={"width": 1280, "height": 900}, java_script_enabled=javascript
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.messages: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: None if request.url.startswith(address) else self.messages.append(request.url))
        self.sign_in()

    def sign_in(self) -> None:
        self.goes_to("/connexion")
        self.page.locator(f'form:has(input[value="{self.login}"]) button').click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.at)

    def goes_to(self, path: str) -> None:
        self.page.goto(self.address + path)

    def leave(self) -> None:
        self.context.close()

    def clicks(self, name: str) -> None:
        """Press a button or follow a link, by its words."""
        said = words(name, end=True)
        self.page.get_by_role("button", name=said).or_(self.page.get_by_role("link", name=said)).first.click()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(french(label), exact=False).first

    def writes(self, label: str, text: str) -> None:
        self.field(label).fill(text)

    def chooses(self, question: str, answer: str) -> None:
        group = self.page.get_by_role("group", name=words(question)).first
        group.get_by_label(french(answer), exact=True).check()

    def ticks(self, label: str) -> None:
        self.page.get_by_role("checkbox", name=re.compile(re.escape(french(label)))).check()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(french(text))

    def sees_title(self, text: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(french(text))

    # --- domain words ---------------------------------------------------------
    def finds(self, patient: dict[str, Any]) -> None:
        """Look a patient up by the strict traits, and open the record."""
        self.goes_to("/patients")
        self.writes("Nom de naissance", patient["name"][0]["family"])
        self.writes("Premier prénom", patient["name"][0]["given"][0])
        self.writes("Date de naissance", patient["birthDate"])
        self.clicks("Chercher")
        self.page.get_by_role("link", name=name_of(patient)).click()
        self.sees_title("Dossier du patient")

    def begins_request(self, patient: dict[str, Any], service: str) -> None:
        self.finds(patient)
        self.clicks("Adresser ce patient")
        self.clicks(service)
        self.clicks("Adresser un patient")
        self.sees_title(f"Demande à {service}")

    def answers_hge_form(self) -> None:
        """Everything that the digestive pathway asks."""
        self.chooses("Acte demandé", "Consultation")
        self.chooses("Priorité", "Standard")
        self.writes("Question posée", QUESTION)
        self.writes("Problème, antécédents utiles", "Anémie ferriprive, pas d'antécédent.")
        self.writes("Traitements en cours", "aucun")
        self.chooses("Traitement antithrombotique", "Non")
        self.chooses("Allergies", "Aucune connue")
        self.chooses("Signes d'alarme", "Anémie")
        self.chooses("Hémorragie digestive active", "Non")
        self.writes("Dernière endoscopie", "aucune")
        self.chooses("Test immunologique fécal", "Non fait")
        self.writes("Médecin traitant", "Dr Maud Isambert")
        self.chooses("Numéro vérifié avec le patient", "Oui")
        self.chooses("Moyen préféré", "Téléphone")
        self.chooses("Réorienter vers un autre service", "Oui")
        self.chooses("Répondre sans rendez-vous", "Oui")
        self.chooses("Transformer en téléconsultation", "Non")

    def answers_form(self, pathway: str) -> None:
        """Every question of a pathway, by the names of its items."""
        for name, answers in answers_of(fill(pathways.questionnaire(pathway), "routine")).items():
            for answer in answers:
                choice = self.page.locator(f'input[name="{name}"][value="{answer}"]')
                if choice.count():
                    choice.check()
                else:
                    self.page.locator(f'[name="{name}"]').fill(answer)

    def sends(self) -> None:
        self.clicks("Vérifier la demande")
        self.ticks("J'ai vérifié ces cinq traits")
        self.ticks("Le patient est informé")
        self.clicks("Envoyer la demande")

    def opens_from(self, worklist: str, patient: dict[str, Any]) -> None:
        """Open the request of a patient from one of the lists of the home page."""
        self.goes_to("/")
        section = self.page.get_by_role("region", name=words(worklist))
        name = name_of(patient)
        section.get_by_role("link", name=name).or_(section.get_by_role("button", name=name)).first.click()

    def has_nothing_in(self, worklist: str) -> None:
        self.goes_to("/")
        expect(self.page.get_by_role("region", name=words(worklist))).to_have_count(0)

    def unfolds(self, verb: str) -> Locator:
        """Open the form of a verb on the page."""
        summary = self.page.locator("summary", has_text=words(verb, end=True))
        summary.click()
        return summary.locator("xpath=..")

    def acts(self, verb: str, **answers: str) -> None:
        """Fill the form of a verb that stands on the page and play it."""
        form = self.unfolds(verb)
        for label, text in answers.items():
            form.get_by_label(french(label)).first.fill(text)
        form.get_by_role("button", name=french(verb), exact=True).click()
