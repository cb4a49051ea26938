"""Roles x actions x types: what each may do, read from one table; what is not written there is refused."""

from __future__ import annotations

from typing import Any

import pytest

from maillage.access import policy
from maillage.access.policy import rules
from maillage.access.types import DIRECTORY_TYPES
from maillage.codes import labels, systems
from maillage.codes.r4 import resource_types, structure
from maillage.directory import demo_people
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.answers import Allowed, Refused
from maillage.record import SERVED

CARERS = ("medecin", "sage-femme", "dentiste", "biologiste", "infirmier")
DESKS = ("secretaire", "planificateur", "gestionnaire-lits", "gestionnaire", "coordinateur")
CLINICAL = ("AllergyIntolerance", "Condition", "DiagnosticReport", "Media", "MedicationStatement", "Observation", "Procedure")
EXCHANGE = ("Basic", "Communication", "Composition", "DocumentReference", "List", "QuestionnaireResponse", "ServiceRequest", "Task")
PATIENT_TYPES = tuple(kind for kind in SERVED if kind not in DIRECTORY_TYPES)
ASKED = {
    *("medecin", "sage-femme", "infirmier", "biologiste", "regulateur", "assistant-social", "secretaire", "gestionnaire-lits"),
    *("coordinateur", "chercheur", "patient", "administrateur", "dpo", "gestionnaire", "referent", "planificateur", "logiciel", "systeme"),
}


def actor(*roles: str, assurance: str = "eidas2") -> Actor:
    return Actor("person", "p", ("org",), frozenset(roles), assurance=assurance)


def may(role: str, action: str, kind: str) -> bool:
    return isinstance(policy.may(actor(role), action, kind), Allowed)


# --- the table --------------------------------------------------------------------


def test_every_type_that_is_served_and_every_role_that_exists_has_its_line() -> None:
    assert {*SERVED, "AuditEvent"} <= policy.policy().types
    assert policy.policy().roles >= ASKED | {code for person in demo_people() for code in person.codes}
    assert [role for role in sorted(policy.policy().roles) if not labels.entry("role", role)] == []


def test_what_the_matrix_speaks_of_is_a_resource_or_is_said_to_be_none() -> None:
    assert policy.policy().types - set(resource_types()) == rules.OWN_WORDS


def test_elements_of_an_administrative_part_exist() -> None:
    for kind, names in policy.policy().administrative.items():
        assert names <= {key for element in structure(kind).elements for key, _ in element.json_keys()}, kind


@pytest.mark.parametrize("role", ["", "visiteur", "MEDECIN"])
@pytest.mark.parametrize("kind", ["Patient", "Task", "Organization"])
@pytest.mark.parametrize("action", ["read", "write", "verb"])
def test_an_unknown_role_may_nothing(role: str, action: str, kind: str) -> None:
    assert policy.may(actor(role), action, kind) == Refused("role")
    assert policy.may(actor(), action, kind) == Refused("role")


@pytest.mark.parametrize("role", sorted(ASKED))
def test_an_unknown_type_is_open_to_nobody(role: str) -> None:
    assert [action for action in ("read", "write", "verb") if may(role, action, "Nothing")] == []
    assert policy.view(actor(role), "Nothing") == policy.NOTHING


@pytest.mark.parametrize("role", CARERS)
def test_who_cares_reads_the_whole_record(role: str) -> None:
    assert {policy.view(actor(role), kind) for kind in (*CLINICAL, *EXCHANGE, "Patient", "Consent")} == {policy.WHOLE}


@pytest.mark.parametrize("role", DESKS)
def test_a_desk_reads_no_clinical_text(role: str) -> None:
    assert {policy.view(actor(role), kind) for kind in CLINICAL} == {policy.NOTHING}
    assert {policy.view(actor(role), kind) for kind in EXCHANGE} == {policy.ADMINISTRATIVE}
    assert not any(may(role, "write", kind) for kind in (*CLINICAL, *EXCHANGE))


@pytest.mark.parametrize("role", ["administrateur", "chercheur", "garde", "referent"])
def test_who_has_no_part_in_care_sees_no_patient(role: str) -> None:
    assert {policy.view(actor(role), kind) for kind in PATIENT_TYPES} == {policy.NOTHING}


def test_the_dpo_reads_choices_and_traces_alone() -> None:
    assert {kind for kind in PATIENT_TYPES if policy.view(actor("dpo"), kind) != policy.NOTHING} == {"Consent", "Provenance"}
    assert may("dpo", "verb", "AuditEvent")


def test_roles_add_up_and_none_takes_away() -> None:
    assert policy.view(actor("referent", "medecin"), "Observation") == policy.WHOLE
    assert policy.view(actor("secretaire", "medecin"), "Task") == policy.WHOLE
    assert isinstance(policy.may(actor("secretaire", "medecin"), "write", "Task"), Allowed)


def test_nobody_but_the_server_writes_traces() -> None:
    assert {role for role in policy.policy().roles for kind in ("Provenance", "AuditEvent") if may(role, "write", kind)} == set()
    assert "Provenance" not in policy.policy().written
    assert "Task" in policy.policy().written


def test_only_a_machine_writes_a_consent_as_a_resource() -> None:
    assert {role for role in policy.policy().roles if may(role, "write", "Consent")} == {"logiciel", "systeme"}
    assert may("secretaire", "verb", "Consent")


# --- reading the file ---------------------------------------------------------------


def made(letters: str, administrative: tuple[str, ...] = ("Task",)) -> rules.Policy:
    data: dict[str, Any] = {
        "groups": {"work": ["Task"]},
        "roles": {"one": {"work": letters}},
        "labels": {},
        "emergency": {"roles": []},
        "administrative": {kind: ["status"] for kind in administrative},
        "floors": {},
        "assurances": {},
    }
    return rules.read(data)


@pytest.mark.parametrize("letters", ["r", "a", "rw", "rv", "rwv", "av"])
def test_a_cell_is_letters_that_go_together(letters: str) -> None:
    assert made(letters).cells == {("one", "Task"): letters}


@pytest.mark.parametrize("letters", ["", "x", "ra", "aw", "w", "wv", "rr", "r "])
def test_a_cell_that_means_nothing_stops_the_start(letters: str) -> None:
    with pytest.raises(ValueError, match="one, work"):
        made(letters)


def test_an_administrative_part_must_be_described() -> None:
    with pytest.raises(ValueError, match="no administrative part of Task"):
        made("a", ())


def test_a_group_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(KeyError):
        rules.read({"groups": {}, "roles": {"one": {"work": "r"}}, "administrative": {}})


# --- assurance ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("assurance", "open_to"),
    [("", ()), ("password", ()), ("eidas1", ("read", "write", "verb")), ("eidas2", ("read", "write", "verb", "emergency")),
     ("eidas3", ("read", "write", "verb", "emergency")), ("demo", ("read", "write", "verb", "emergency"))],
)  # fmt: skip
def test_each_action_has_its_floor_and_nothing_proved_opens_nothing(assurance: str, open_to: tuple[str, ...]) -> None:
    found = tuple(
        a for a in ("read", "write", "verb", "emergency") if policy.assured(actor("medecin", assurance=assurance), a) == Allowed()
    )
    assert found == open_to


def test_the_decision_asks_the_assurance_first_and_the_system_nothing() -> None:
    assert policy.decide(actor("medecin", assurance=""), "read", "Task") == Refused("assurance")
    assert policy.decide(actor("chercheur"), "read", "Task") == Refused("role")
    assert policy.decide(actor("medecin"), "read", "Task") == Allowed()
    assert policy.decide(SYSTEM, "write", "Task") == Allowed()


# --- what is shown -------------------------------------------------------------------


REQUEST = {
    "resourceType": "ServiceRequest",
    "id": "1",
    "meta": {"versionId": "3", "security": [{"code": "R"}]},
    "language": "fr",
    "text": {"div": "douleurs"},
    "status": "active",
    "_authoredOn": {"extension": []},
    "subject": {"reference": "Patient/1"},
    "reasonCode": [{"text": "douleurs"}],
    "note": [{"text": "douleurs"}],
    "extension": [{"url": "x", "valueString": "douleurs"}],
    "contained": [{"resourceType": "Condition", "code": {"text": "douleurs"}}],
}


def test_a_desk_is_shown_the_administrative_part_and_told_so() -> None:
    shown = policy.masked(REQUEST, actor("secretaire"))
    assert set(shown) == {"resourceType", "id", "meta", "language", "status", "_authoredOn", "subject"}
    assert shown["meta"] == {"versionId": "3", "security": [{"code": "R"}, policy.SUBSETTED]}
    assert policy.masked(shown, actor("secretaire")) == shown
    assert policy.masked(REQUEST, actor("medecin")) == REQUEST


def test_resources_are_cut_wherever_they_stand() -> None:
    patient = {"resourceType": "Patient", "id": "1", "contained": [REQUEST]}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": REQUEST}, {"resource": patient}, {"response": {"status": "200"}}]}
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": bundle}]}
    shown = policy.masked(wrapped, actor("secretaire"))
    assert "douleurs" not in str(shown)
    assert shown["parameter"][0]["resource"]["entry"][2] == {"response": {"status": "200"}}


def test_a_type_that_is_not_shown_keeps_its_name_only() -> None:
    observation = {"resourceType": "Observation", "id": "1", "meta": {}, "valueString": "positif"}
    assert policy.masked(observation, actor("secretaire")) == {
        "resourceType": "Observation",
        "id": "1",
        "meta": {"security": [policy.SUBSETTED]},
    }


def test_most_callers_need_no_cutting() -> None:
    assert [role for role in sorted(policy.policy().roles) if policy.is_narrowed(actor(role))] == sorted({*DESKS, "assistant-social"})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("ServiceRequest", "status", "active"),
        ("ServiceRequest", "patient", "Patient/1"),
        ("ServiceRequest", "patient.identifier", "x|1"),
        ("ServiceRequest", "_id", "1"),
        ("ServiceRequest", "_sort", "-authored,_id"),
        ("ServiceRequest", "_include", "ServiceRequest:patient"),
        ("ServiceRequest", "_elements", "reasonCode"),
        *(("ServiceRequest", name, "x") for name in ("_count", "_total", "_summary", "_elements", "_cursor", "_format", "_pretty")),
        ("Patient", "_revinclude", "ServiceRequest:patient"),
        ("Task", "_include", "Task:patient:Patient"),
        ("Patient", "_has:Task:patient:status", "ready"),
        ("Task", "patient.family", "x"),
        ("Task", "patient:Patient.family", "x"),
        ("ServiceRequest", "made-up", "x"),
        ("Task", "_has:Task:part-of:status", "ready"),
        ("Patient", "family", "x"),
    ],
)
def test_a_desk_searches_by_what_it_is_shown(kind: str, name: str, value: str) -> None:
    assert policy.withheld_parameters(actor("secretaire"), [kind], [(name, value)]) == ()


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("ServiceRequest", "body-site", "x"),
        ("ServiceRequest", "body-site:missing", "true"),
        ("ServiceRequest", "specimen.type", "x"),
        ("Encounter", "reason-code:text", "x"),
        ("Encounter", "_sort", "status,reason-code"),
        ("Encounter", "_sort", "status, -reason-code"),
        ("Encounter", "diagnosis.code", "x"),
        ("Patient", "_has:Encounter:patient:reason-code", "x"),
        ("Patient", "_has:Condition:patient:code", "x"),
        ("Task", "focus:ServiceRequest.body-site", "x"),
        ("Encounter", "_include", "Encounter:diagnosis"),
        ("Encounter", "_include", "Encounter:diagnosis:Condition"),
        ("Encounter", "_include:iterate", "Encounter:diagnosis"),
        ("Task", "_include", "*"),
        ("Task", "_include", "Task:*"),
        ("Task", "_include", "Task:*:Patient"),
        ("Patient", "_revinclude", "Condition:patient"),
        ("Patient", "_has:Encounter:patient:_has:Condition:encounter:code", "x"),
        ("Patient", "_has:broken", "x"),
        ("Observation", "code", "x"),
        ("Observation", "made-up", "x"),
    ],
)
def test_a_desk_does_not_search_by_what_is_withheld(kind: str, name: str, value: str) -> None:
    assert policy.withheld_parameters(actor("secretaire"), [kind], [("status", "x"), (name, value)])[-1:] == (name,)
    assert policy.withheld_parameters(actor("medecin"), [kind], [(name, value)]) in (
        (),
        (name,) if "broken" in name or "*" in value else (),
    )


def test_what_is_cut_says_so_in_the_words_of_hl7() -> None:
    assert policy.SUBSETTED == {"system": systems.OBSERVATION_VALUE, "code": "SUBSETTED", "display": "subsetted"}


def test_a_label_closes_to_the_roles_that_it_names_or_to_all_but_those() -> None:
    assert rules.closing_labels(frozenset({"medecin"})) == ("MASQUE_PS", "V")
    assert rules.closing_labels(frozenset({"infirmier"})) == ("CEL", "MASQUE_PS", "PSY", "SEX", "V")
    assert "INVISIBLE_PATIENT" in rules.closing_labels(frozenset({"patient"}))
    assert "INVISIBLE_REPRESENTANTS_LEGAUX" not in rules.closing_labels(frozenset({"patient"}))
    assert {"INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"} <= set(rules.closing_labels(frozenset({"representant"})))


@pytest.mark.parametrize("rule", [{}, {"open_to": [], "closed_to": []}, {"opened_to": []}])
def test_a_label_is_open_to_some_or_closed_to_some(rule: dict[str, Any]) -> None:
    data: dict[str, Any] = {"groups": {}, "roles": {}, "administrative": {}, "floors": {}, "assurances": {}, "emergency": {"roles": []}}
    with pytest.raises(ValueError, match="X: open_to or closed_to"):
        rules.read({**data, "labels": {"X": rule}})


def test_a_parameter_must_be_shown_in_each_type_that_is_searched() -> None:
    assert policy.withheld_parameters(actor("secretaire"), ["Task", "Encounter"], [("reason-code", "x")]) == ("reason-code",)


def test_only_listed_people_break_the_glass() -> None:
    assert {role for role in policy.policy().roles if policy.may_break_the_glass(actor(role))} == {
        "medecin",
        "sage-femme",
        "infirmier",
        "regulateur",
    }
    assert not policy.may_break_the_glass(Actor("client", "c", ("org",), frozenset({"medecin"})))
