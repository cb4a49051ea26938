"""Each form about patients, their choices, restrictions, emergency access and identities, refused with a bad answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.doors.test_web_identities import twin_of
from tests.factories import booking as diary
from tests.factories import referrals as make
from tests.support.known_patients import known_patients
from tests.support.refusals import Refused, all_refused
from tests.support.web import patient_of

from maillage import journeys
from maillage.store import Database

FILL = known_patients
pytestmark = pytest.mark.asyncio
ROUTES = (
    "/patients",
    "/patients/nouveau",
    "/patients/{id:id}/choix/opposition",
    "/patients/{id:id}/choix/consentement",
    "/patients/{id:id}/choix/{choice:id}/fin",
    "/patients/{id:id}/restrictions",
    "/patients/{id:id}/urgence",
    "/urgences/{id:id}/revue",
    "/patients/identites/{first:id}/{second:id}/fusion",
)
DOCTOR, DESK, SENIOR = "medecin-clamart", "secretaire-clamart", "referent-hge"
SAID = "Un mot que l’on garde."
TRAITS = {
    "family": "Lormeau",
    "given": "Zoé Anne",
    "used_name": "Vasseur",
    "sex": "female",
    "birth_date": "31/02/1980",
    "birth_insee": "75115",
}


async def test_the_forms_of_a_search_and_of_a_new_patient(db: Database) -> None:
    rows = [
        (DOCTOR, Refused("/patients", "/patients", {"family": "Lormeau", "birth_date": "hier"}, ("birth_date",))),
        (DOCTOR, Refused("/patients", "/patients", {"given": "Zoé"}, ("ins",))),
        (DOCTOR, Refused("/patients", "/patients", {"ins": "1" * 40, "given": "Zoé", "family": "Lormeau"}, ("ins",))),
        (DESK, Refused("/patients/nouveau", "/patients/nouveau", TRAITS, ("birth_date",))),
        (DESK, Refused("/patients/nouveau", "/patients/nouveau", TRAITS | {"birth_date": "1980-02-28", "ins": "12"}, ("ins",))),
        (DESK, Refused("/patients/nouveau", "/patients/nouveau", TRAITS | {"birth_date": "1850-02-28"}, ("birth_date",))),
        (DESK, Refused("/patients/nouveau", "/patients/nouveau", {"family": "", "given": "", "phone": "12"},
                       ("family", "given", "sex", "birth_date", "birth_commune", "phone"))),
    ]  # fmt: skip
    assert await all_refused(db, rows) == {}


async def test_the_forms_of_choices_and_restrictions(db: Database) -> None:
    patient = patient_of(make.CENTRE)
    page, closed = f"/patients/{patient}/choix", f"/patients/{patient}/restrictions"
    choice = await diary.act(db, make.NURSE, journeys.oppose, patient, act="reading", said_by="patient", organization=make.OTHER_HOSPITAL)
    rows = [
        (DESK, Refused(page, f"{page}/opposition", {"act": (), "target": "tous", "said-by": "patient"}, ("act",))),
        (
            DESK,
            Refused(
                page, f"{page}/consentement", {"organization": make.OTHER_HOSPITAL, "until": "2020-01-01", "said-by": "patient"}, ("until",)
            ),
        ),
        (DESK, Refused(page, f"{page}/{choice}/fin", {"said-by": ()}, ("said-by",))),
        (DOCTOR, Refused(closed, closed, {"what": "", "code": "R"}, ("what",))),
    ]
    assert await all_refused(db, rows) == {}


async def test_the_forms_of_an_emergency_access_and_of_its_review(db: Database) -> None:
    [patient] = await diary.patients(db, 1)
    glass = await make.act(
        db, replace(make.TRIAGER, assurance="eidas2"), journeys.break_glass, patient, reason="emergency", explanation=make.LONG
    )
    rows = [
        (
            "hge-percy",
            Refused(
                f"/patients/{patient}/urgence",
                f"/patients/{patient}/urgence",
                {"reason": "emergency", "explanation": "Court"},
                ("explanation",),
            ),
        ),
        (
            "hge-percy",
            Refused(f"/patients/{patient}/urgence", f"/patients/{patient}/urgence", {"reason": (), "explanation": make.LONG}, ("reason",)),
        ),
        (SENIOR, Refused(f"/urgences/{glass.id}", f"/urgences/{glass.id}/revue", {"decision": (), "comment": SAID}, ("decision",))),
    ]
    assert await all_refused(db, rows) == {}


async def test_the_form_of_two_files_of_one_person(db: Database) -> None:
    patient = patient_of(make.CENTRE)
    page = "/patients/identites/" + "/".join(sorted((patient, await twin_of(db, patient))))
    rows = [(DESK, Refused(page, f"{page}/fusion", {"kept": patient, "comment": SAID, "confirmed": ()}, ("confirmed",)))]
    assert await all_refused(db, rows) == {}
