"""The data files: whole, consistent, fictional where they must be; the pathways ask for what the work needs."""

from __future__ import annotations

import json
import re

import pytest

from maillage.codes import systems
from maillage.codes.specialties import specialties
from maillage.directory import fhir, pathways, territory
from maillage.directory.actions import resources
from maillage.directory.identifiers import check, commune_ok

RESOURCES = list(resources())
PERCY = {
    "percy-medecine-interne": {"SM27"},
    "percy-mpr": {"SM29"},
    "percy-hge": {"SM24"},
    "percy-vasculaire-thoracique": {"SM13", "SM11"},
    "percy-biologie": {"SM03"},
    "percy-dermatologie": {"SM15"},
}
COMMON = {
    "priority",
    "question",
    "problem",
    "treatments",
    "antithrombotic",
    "allergies",
    "usual-doctor",
    "phone",
    "channel",
    "may-redirect",
}


def test_every_reference_leads_somewhere() -> None:
    known = {f"{item['resourceType']}/{item['id']}" for item in RESOURCES}
    pointed = set(re.findall(r'"reference": "([^"]+)"', json.dumps(RESOURCES)))
    assert pointed <= known


def test_ids_are_unique_and_legal() -> None:
    keys = [(item["resourceType"], item["id"]) for item in RESOURCES]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", id) for _, id in keys)


def test_the_territory_counts() -> None:
    assert len(territory.communes()) == 25
    assert all(commune_ok(commune.insee) for commune in territory.communes())
    assert sum(entry.kind == "cpts" for entry in territory.structures()) == 7
    parts = [item for item in territory.memberships() if item.part]
    assert sorted((item.group, item.member) for item in parts) == [("cpts-boucles-de-marne", "94068"), ("cpts-saint-maur", "94068")]
    assert "94078" not in {item.member for item in territory.memberships() if item.kind == "cpts-commune"}


def test_the_second_clamart_centre_has_its_team() -> None:
    own = [role for role in territory.role_entries() if role.organization == "cms-clamart-soins" and not role.services]
    gps = [role for role in own if role.specialty in ("SM53", "SM54")]
    specialists = [role for role in own if "medecin" in role.codes and role not in gps]
    assert (len(gps), len(specialists), sum("infirmier" in role.codes for role in own)) == (5, 3, 3)


@pytest.mark.parametrize("specialty", ["SM15", "SM24", "SM13"])
def test_vacations_are_held_by_doctors_with_two_roles(specialty: str) -> None:
    roles = [role for role in territory.role_entries() if role.specialty == specialty]
    at = {org: {role.practitioner for role in roles if role.organization == org} for org in ("hia-percy", "cms-clamart-soins")}
    assert at["hia-percy"] & at["cms-clamart-soins"]


def test_invented_professionals_have_a_fictive_rpps_with_a_true_key() -> None:
    numbers = [person.rpps for person in territory.people() if person.rpps]
    assert len(set(numbers)) == len(numbers)
    assert all(
        number.startswith(territory.RPPS_FICTIVE_PREFIX) and check(systems.RPPS, number, "production", own=True) == [] for number in numbers
    )


def test_telephones_and_mail_boxes_are_fictional() -> None:
    telecoms = [item for resource in RESOURCES for item in resource.get("telecom", [])]
    phones = [item["value"] for item in telecoms if item["system"] == "phone"]
    mails = [item["value"] for item in telecoms if item["system"] == "email"]
    assert all(value.startswith("01 99 00 ") and len(value) == 14 for value in phones)
    assert all(value.endswith(".mssante.example") for value in mails)


@pytest.mark.parametrize("entry", territory.service_entries(), ids=lambda entry: entry.id)
def test_a_service_has_what_it_needs_to_open(entry: territory.ServiceEntry) -> None:
    roles = {role.id: role for role in territory.role_entries()}
    assert len(set(entry.triagers)) == 2
    assert entry.lead not in entry.triagers
    assert "referent" in roles[entry.lead].codes
    assert all(entry.id in roles[id].services for id in (entry.lead, *entry.triagers))
    assert set(entry.specialties) <= set(specialties())
    offices = [role for role in roles.values() if entry.id in role.services and "planificateur" in role.codes]
    assert offices
    assert entry.criteria


def test_the_percy_pathways_are_there() -> None:
    found = {entry.id: set(entry.specialties) for entry in territory.service_entries() if entry.organization == "hia-percy"}
    assert found == PERCY
    assert {entry.intake for entry in territory.service_entries()} == {"bookable", "triage", "advice-first"}


@pytest.mark.parametrize("name", pathways.names())
def test_a_form_is_whole(name: str) -> None:
    form = pathways.questionnaire(name)
    items = list(pathways.walk(form["item"]))
    links = [item["linkId"] for item in items]
    assert len(set(links)) == len(links)
    assert set(links) >= COMMON
    assert all(item["text"] for item in items)
    assert {condition["question"] for item in items for condition in item.get("enableWhen", [])} <= set(links)
    assert set(pathways.required_items(form)) >= {"act", "question", "problem", "treatments", "antithrombotic", "allergies", "phone"}
    for item in items:
        assert (item["type"] == "choice") == ("answerOption" in item), item["linkId"]
        assert len(item.get("enableWhen", [])) < 2 or "enableBehavior" in item


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("medecine-interne", {"course", "weight", "fever", "cbc-crp-creatinine"}),
        ("mpr", {"goal", "autonomy", "aids", "home-access", "past-reports"}),
        ("hge", {"red-flags", "last-endoscopy", "fit"}),
        ("vasculaire-thoracique", {"imaging", "limb-threat", "creatinine", "tobacco"}),
        ("biologie", {"tests", "sampling-place"}),
        ("dermatologie", {"lesion-site", "photograph"}),
    ],
)
def test_a_pathway_asks_its_own_items(name: str, own: set[str]) -> None:
    assert own <= set(pathways.required_items(pathways.questionnaire(name)))


def test_some_answers_mean_call_instead() -> None:
    assert pathways.call_instead_items(pathways.questionnaire("vasculaire-thoracique")) == ("limb-threat",)
    assert pathways.call_instead_items(pathways.questionnaire("mpr")) == ()


@pytest.mark.parametrize("name", pathways.names())
def test_a_form_answers_nothing_in_the_writer_s_place(name: str) -> None:
    """An emergency gate that says no by itself, a permission given by itself: nobody answered (interface rule on clinical safety)."""
    items = list(pathways.walk(pathways.questionnaire(name)["item"]))
    assert [item["linkId"] for item in items if "initial" in item] == []
    assert [item["linkId"] for item in items if any("initialSelected" in option for option in item.get("answerOption", []))] == []
    gates = [item for item in items if item["linkId"] in pathways.call_instead_items(pathways.questionnaire(name))]
    permissions = [item for item in items if item["linkId"].startswith("may-")]
    assert len(permissions) == 3
    assert all(item["required"] for item in (*gates, *permissions))


def test_answer_options_do_not_share_a_code_in_one_item() -> None:
    for name in pathways.names():
        for item in pathways.walk(pathways.questionnaire(name)["item"]):
            codes = [option["valueCoding"]["code"] for option in item.get("answerOption", [])]
            assert len(set(codes)) == len(codes)


def test_profiles_are_written_without_version() -> None:
    profiles = {profile for resource in RESOURCES for profile in resource.get("meta", {}).get("profile", [])}
    assert profiles
    assert not any("|" in profile for profile in profiles)


def test_a_copy_of_a_form_may_be_changed_safely() -> None:
    pathways.questionnaire("hge")["item"].clear()
    assert pathways.questionnaire("hge")["item"]


def test_an_organization_without_finess_has_our_identifier_only() -> None:
    percy = fhir.render_organization(next(entry for entry in territory.structures() if entry.id == "hia-percy"))
    assert [item["system"] for item in percy["identifier"]] == [systems.own_naming_system("organization")]
