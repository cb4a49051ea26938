"""Invariants of the other resources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from maillage.codes.r4.dates import after
from maillage.codes.r4.invariants.reading import (
    UCUM,
    Place,
    Places,
    Resource,
    Test,
    codings,
    count,
    has,
    has_choice,
    number,
    objects,
    part,
    text,
)
from maillage.codes.r4.references import parse

_THO: Final = "http://terminology.hl7.org/CodeSystem/"
_ALLERGY_ERROR: Final = (_THO + "allergyintolerance-verification", "entered-in-error")
_CONDITION_ERROR: Final = (_THO + "condition-ver-status", "entered-in-error")
_ABATED: Final = {(_THO + "condition-clinical", code) for code in ("resolved", "remission", "inactive")}


def _timed(value: Resource) -> bool:
    return (has(value, "start") and has(value, "end")) or text(value, "status") in ("proposed", "cancelled", "waitlist")


def _on_behalf(value: Resource) -> bool:
    type_ = parse(text(part(value, "member"), "reference")).type
    return not has(value, "onBehalfOf") or type_ in ("", "Practitioner")


def _components(value: Resource) -> bool:
    """obs-7: no value beside a component that has the same code."""
    code = codings(value, "code")
    return not has_choice(value, "value") or not any(code & codings(c, "code") for c in objects(value, "component"))


def _at_home(name: str) -> Places:
    def places(value: Resource) -> Iterable[Place]:
        return [(name, i) for i, item in enumerate(objects(value, name)) if item.get("use") == "home"]

    return places


def _percentages(value: Resource) -> Iterable[Place]:
    given = [part(part(value, "probabilityRange"), side) for side in ("low", "high")]
    right = all(not q or (text(q, "code") == "%" and text(q, "system") == UCUM) for q in given)
    return () if right else [("probability.ofType(Range)", -1)]


def _preferred_once(value: Resource) -> bool:
    kinds = Counter(text(u, "type") for u in objects(value, "uniqueId") if u.get("preferred") is True)
    return all(n == 1 for n in kinds.values())


def _codes_once(value: Resource) -> bool:
    found, todo = [], objects(value, "concept")
    while todo:
        concept = todo.pop()
        found.append(text(concept, "code"))
        todo += objects(concept, "concept")
    return len(found) == len(set(found))


def _exactly_one(value: Resource, *names: str) -> bool:
    return sum(1 for name in names if has(value, name)) == 1


def _whole_or_star(value: Resource) -> bool:
    largest = text(value, "max")
    return not largest or largest == "*" or (largest.isdecimal() and int(largest[:10]) > 0)


_SEQUENCE: Final = ("genomeBuild", "referenceSeqId", "referenceSeqPointer", "referenceSeqString")
_DEFINITIONS: Final = ("Reference", "Canonical", "CodeableConcept", "Expression", "DataRequirement", "TriggerDefinition")

TESTS: Final[dict[tuple[str, str], Test]] = {
    ("AllergyIntolerance", "ait-1"): lambda v: _ALLERGY_ERROR in codings(v, "verificationStatus") or has(v, "clinicalStatus"),
    ("AllergyIntolerance", "ait-2"): lambda v: _ALLERGY_ERROR not in codings(v, "verificationStatus") or not has(v, "clinicalStatus"),
    ("Appointment", "app-2"): lambda v: has(v, "start") == has(v, "end"),
    ("Appointment", "app-3"): _timed,
    ("Appointment", "app-4"): lambda v: not has(v, "cancelationReason") or text(v, "status") in ("noshow", "cancelled"),
    ("Appointment.participant", "app-1"): lambda v: has(v, "type", "actor"),
    ("AppointmentResponse", "apr-1"): lambda v: has(v, "participantType", "actor"),
    ("AuditEvent.entity", "sev-1"): lambda v: not (has(v, "name") and has(v, "query")),
    ("CarePlan.activity", "cpl-3"): lambda v: not (has(v, "detail") and has(v, "reference")),
    ("CareTeam.participant", "ctm-1"): _on_behalf,
    ("CodeSystem", "csd-1"): _codes_once,
    ("Composition.section", "cmp-1"): lambda v: has(v, "text", "entry", "section"),
    ("Composition.section", "cmp-2"): lambda v: not (has(v, "emptyReason") and has(v, "entry")),
    ("Condition", "con-4"): lambda v: not has_choice(v, "abatement") or bool(_ABATED & codings(v, "clinicalStatus")),
    ("Condition", "con-5"): lambda v: _CONDITION_ERROR not in codings(v, "verificationStatus") or not has(v, "clinicalStatus"),
    ("Condition.evidence", "con-2"): lambda v: has(v, "code", "detail"),
    ("Condition.stage", "con-1"): lambda v: has(v, "summary", "assessment"),
    ("Consent", "ppc-1"): lambda v: has(v, "policy", "policyRule"),
    ("CoverageEligibilityResponse.insurance.item", "ces-1"): lambda v: _exactly_one(v, "category", "productOrService"),
    ("EvidenceVariable.characteristic", "evv-1"): lambda v: sum(1 for d in _DEFINITIONS if has(v, "definition" + d)) < 2,
    ("FamilyMemberHistory", "fhs-1"): lambda v: not (has_choice(v, "age") and has_choice(v, "born")),
    ("FamilyMemberHistory", "fhs-2"): lambda v: has_choice(v, "age") or not has(v, "estimatedAge"),
    ("Goal.target", "gol-1"): lambda v: not has_choice(v, "detail") or has(v, "measure"),
    ("Group", "grp-1"): lambda v: not has(v, "member") or v.get("actual") is True,
    ("Immunization.education", "imm-1"): lambda v: has(v, "documentType", "reference"),
    ("ImmunizationRecommendation.recommendation", "imr-1"): lambda v: has(v, "vaccineCode", "targetDisease"),
    ("InsurancePlan", "ipn-1"): lambda v: has(v, "identifier", "name"),
    ("Linkage", "lnk-1"): lambda v: count(v, "item") > 1,
    ("List", "lst-1"): lambda v: not (has(v, "emptyReason") and has(v, "entry")),
    ("List", "lst-2"): lambda v: text(v, "mode") == "changes" or not any(has(e, "deleted") for e in objects(v, "entry")),
    ("List", "lst-3"): lambda v: text(v, "mode") == "working" or not any(has(e, "date") for e in objects(v, "entry")),
    ("MedicationAdministration.dosage", "mad-1"): lambda v: has(v, "dose") or has_choice(v, "rate"),
    ("MedicationDispense", "mdd-1"): lambda v: not after(text(v, "whenPrepared"), text(v, "whenHandedOver")),
    ("MessageDefinition.focus", "md-1"): _whole_or_star,
    ("MolecularSequence", "msq-3"): lambda v: v.get("coordinateSystem") in (0, 1),
    ("MolecularSequence.referenceSeq", "msq-5"): lambda v: has(v, "chromosome") == has(v, "genomeBuild"),
    ("MolecularSequence.referenceSeq", "msq-6"): lambda v: _exactly_one(v, *_SEQUENCE),
    ("NamingSystem", "nsd-1"): lambda v: text(v, "kind") != "root" or not any(text(u, "type") == "uuid" for u in objects(v, "uniqueId")),
    ("NamingSystem", "nsd-2"): _preferred_once,
    ("Observation", "obs-6"): lambda v: not (has(v, "dataAbsentReason") and has_choice(v, "value")),
    ("Observation", "obs-7"): _components,
    ("Observation.referenceRange", "obs-3"): lambda v: has(v, "low", "high", "text"),
    ("OperationDefinition.parameter", "opd-1"): lambda v: has(v, "type", "part"),
    ("OperationDefinition.parameter", "opd-2"): lambda v: not has(v, "searchType") or text(v, "type") == "string",
    ("OperationDefinition.parameter", "opd-3"): lambda v: not has(v, "targetProfile") or text(v, "type") in ("Reference", "canonical"),
    ("Organization", "org-1"): lambda v: has(v, "identifier", "name"),
    ("Parameters.parameter", "inv-1"): lambda v: has(v, "resource") + has(v, "part") + has_choice(v, "value") == 1,
    ("Patient.contact", "pat-1"): lambda v: has(v, "name", "telecom", "address", "organization"),
    ("RequestGroup.action", "rqg-1"): lambda v: has(v, "resource") != has(v, "action"),
    ("RiskAssessment.prediction", "ras-2"): lambda v: (n := number(v, "probabilityDecimal")) is None or n <= 100,
    ("SearchParameter", "spd-1"): lambda v: not has(v, "xpath") or has(v, "xpathUsage"),
    ("SearchParameter", "spd-2"): lambda v: not has(v, "chain") or text(v, "type") == "reference",
    ("ServiceRequest", "prr-1"): lambda v: not has(v, "orderDetail") or has(v, "code"),
    ("Task", "inv-1"): lambda v: not after(text(v, "authoredOn"), text(v, "lastModified")),
}

PLACES: Final[dict[tuple[str, str], Places]] = {
    ("Organization.address", "org-2"): _at_home("address"),
    ("Organization.telecom", "org-3"): _at_home("telecom"),
    ("RiskAssessment.prediction.probability[x]", "ras-1"): _percentages,
}
