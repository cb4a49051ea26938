"""What an app may ask a person, and in which words the person reads it."""

from __future__ import annotations

import pytest

from maillage.access.clients.authorisation import Asked, Wrong, is_own, left, of_patient, read
from maillage.access.clients.consents.actions import challenge_of
from maillage.access.clients.types import Client
from maillage.doors.web.apps.presenters import host_of, sentences

BACK = "https://app.example/back"
APP = Client("app", "public-app", "", ("org-a",), ("launch/patient", "online_access", "patient/*.rs", "user/Task.r"), "", "", (BACK,), "")
ASKED = {
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "launch/patient patient/*.rs openid",
    "state": "s",
    "aud": "https://x/fhir",
    "code_challenge": challenge_of("v" * 43),
    "code_challenge_method": "S256",
}


def asked(**changed: str) -> Asked:
    return read(APP, ASKED | changed, "https://x/fhir")


def test_what_the_record_does_not_hold_is_left_out() -> None:
    made = asked(scope="launch/patient patient/*.cruds user/*.cruds openid offline_access system/*.rs")
    assert made.scopes == ("launch/patient", "patient/*.rs", "user/Task.r")
    assert made.needs_patient


@pytest.mark.parametrize("name", ["response_type", "scope", "state", "aud", "code_challenge", "code_challenge_method"])
def test_nothing_of_it_may_be_missing(name: str) -> None:
    with pytest.raises(Wrong):
        asked(**{name: ""})


@pytest.mark.parametrize("challenge", ["short", "a" * 44, "a" * 42 + "!", "a" * 42 + "="])
def test_a_challenge_is_a_digest(challenge: str) -> None:
    with pytest.raises(Wrong):
        asked(code_challenge=challenge)


def test_the_example_of_the_specification() -> None:
    """RFC 7636, appendix B."""
    assert challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_answer_goes_to_the_address_as_it_is_registered() -> None:
    assert asked().back(code="c") == f"{BACK}?code=c&state=s"
    assert is_own(APP, BACK)
    assert not any(is_own(APP, address) for address in ("", f"{BACK}/", f"{BACK}?", BACK.upper(), "https://app.example", f"{BACK}#"))


def test_scopes_of_a_patient_stand_only_with_one() -> None:
    assert of_patient(("patient/*.rs", "user/Task.r"), "") == ("user/Task.r",)
    assert of_patient(("patient/*.rs", "user/Task.r"), "1") == ("patient/*.rs", "user/Task.r")
    assert left("launch online_access", APP.scopes, ("patient", "user"), ("launch", "online_access")) is None


def test_scopes_are_read_as_sentences() -> None:
    said = sentences(("launch", "patient/Observation.rs?category=laboratory", "user/Task.cud", "user/Basic.r"))
    assert said == (
        "Savoir de quel patient vous avez ouvert la page",
        "Lire et chercher les observations et résultats de ce patient (seulement\u00a0: category = laboratory)",
        "Créer, modifier et supprimer le suivi des demandes que vous pouvez voir",
        "Lire Basic que vous pouvez voir",
    )
    assert host_of(BACK) == "app.example"
