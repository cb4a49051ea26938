"""Promise 10: photos carry no place. Uploaded, downloaded and parsed in a real browser: no GPS, no thumbnail, orientation kept (H11)."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.journeys.inspection import inspect, picture
from tests.journeys.people import Person, patient_of
from tests.support import hostile_files as files

pytestmark = pytest.mark.browser
HGE = "Hépato-gastro-entérologie, HIA Percy"
Everybody = Callable[..., Person]
Patient = dict[str, Any]


def test_promise_10_a_photo_reaches_the_specialist_upright_and_without_its_place(person: Everybody) -> None:
    patient = patient_of("cms-clamart-soins")
    the_doctor_asks_with_a_photo(person, patient)
    the_specialist_looks_at_it(person, patient)


def the_doctor_asks_with_a_photo(person: Everybody, patient: Patient) -> None:
    """Given a doctor with a photo on her telephone, turned, and with the place where it was taken."""
    photo = files.gps_photo(orientation=6)
    assert Image.open(io.BytesIO(photo)).getexif().get_ifd(files.GPS_IFD)
    doctor = person("medecin-clamart")
    doctor.begins_request(patient, HGE)
    doctor.answers_hge_form()
    # When what she joins is not what it says, the page says so beside the question, and nothing written is lost
    doctor.field("Fichiers à joindre").set_input_files({"name": "lettre.pdf", "mimeType": "application/pdf", "buffer": files.HTML})
    doctor.clicks("Vérifier la demande")
    doctor.sees("que son nom annonce")
    inspect(doctor, "fichier-refuse")
    doctor.field("Prendre une photo").set_input_files({"name": "genou.jpg", "mimeType": "image/jpeg", "buffer": photo})
    doctor.clicks("Vérifier la demande")
    doctor.sees("genou.jpg")
    inspect(doctor, "demande-avec-photo")
    doctor.ticks("J'ai vérifié ces cinq traits")
    doctor.ticks("Le patient est informé")
    doctor.clicks("Envoyer la demande")
    doctor.sees("Demande envoyée")


def the_specialist_looks_at_it(person: Everybody, patient: Patient) -> None:
    """Then the specialist sees it upright in the thread, and the file that leaves tells nothing of where it was taken."""
    specialist = person("hge-percy")
    specialist.opens_from("À trier", patient)
    shown = specialist.page.get_by_role("img", name="genou.jpg")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [20, 40]
    inspect(specialist, "fil-avec-photo")
    picture(specialist, "fil-avec-photo-320", 320)
    with specialist.page.expect_download() as coming:
        specialist.page.get_by_role("link", name="genou.jpg").last.click()
    assert coming.value.suggested_filename == "genou.jpg"
    data = coming.value.path().read_bytes()
    made = Image.open(io.BytesIO(data))
    assert (made.size, dict(made.getexif())) == ((20, 40), {})
    assert data.count(b"\xff\xd8\xff") == 1, "no thumbnail"
    assert files.SECRET not in data
    pixel = made.getpixel((10, 3))
    assert isinstance(pixel, tuple)
    assert pixel[0] > 150 > pixel[2], "what was on the left is on top"
