"""The error-level invariants of R4: for each key, what breaks it and what keeps it; none of the published ones is forgotten."""

from decimal import Decimal
from typing import Any

import pytest

from maillage.codes.r4 import validate
from maillage.codes.r4.invariants import IN_THE_WALK, NOT_CHECKED, PLACES, TESTS
from maillage.codes.r4.tables import invariant_paths, invariants_of

UCUM = "http://unitsofmeasure.org"
THO = "http://terminology.hl7.org/CodeSystem/"

# (path, key, parts that break it, parts that keep it): the parts are those of the node, whatever else it requires.
CASES: list[tuple[str, str, list[dict[str, Any]], list[dict[str, Any]]]] = [
    ("Patient.contact", "pat-1", [{"gender": "male"}], [{"name": {"text": "x"}}, {"organization": {"display": "x"}}]),
    ("Appointment", "app-2", [{"start": "a"}, {"end": "b"}], [{}, {"start": "a", "end": "b"}]),
    ("Appointment", "app-3", [{"status": "booked"}, {"status": "booked", "start": "a"}], [{"status": "proposed"}, {"start": "a", "end": "b"}]),
    ("Appointment", "app-4", [{"status": "booked", "cancelationReason": {}}], [{"status": "noshow", "cancelationReason": {}}, {"status": "booked"}]),
    ("Appointment.participant", "app-1", [{"status": "accepted"}], [{"actor": {}}, {"type": []}]),
    ("AppointmentResponse", "apr-1", [{}], [{"actor": {}}, {"participantType": []}]),
    ("Attachment", "att-1", [{"data": "SGVs"}], [{"data": "SGVs", "contentType": "text/plain"}, {"url": "x"}]),
    ("ContactPoint", "cpt-2", [{"value": "01"}], [{"value": "01", "system": "phone"}, {"use": "home"}]),
    ("Period", "per-1", [{"start": "2026-11-23", "end": "2026-11-22"}, {"start": "2026-12", "end": "2026-11-30"}], [
        {"start": "2026-11-22", "end": "2026-11-22"}, {"start": "2026-11-22T10:00:00Z", "end": "2026-11-22"}, {"start": "2026"}, {"start": "x", "end": "y"},
        {"start": "2026-11-22T09:30:00+01:00", "end": "2026-11-22T08:30:00Z"}]),
    ("Quantity", "qty-3", [{"code": "mm"}], [{"code": "mm", "system": UCUM}, {"unit": "mm"}]),
    ("SimpleQuantity", "qty-3", [{"code": "mm"}], [{}]),
    ("SimpleQuantity", "sqty-1", [{"comparator": "<"}], [{"value": 1}]),
    ("MoneyQuantity", "qty-3", [{"code": "EUR"}], [{}]),
    ("MoneyQuantity", "mqty-1",
        [{"value": 1}, {"value": 1, "code": "EUR", "system": UCUM}],
        [{"value": 1, "code": "EUR", "system": "urn:iso:std:iso:4217"}]),
    ("Age", "qty-3", [{"code": "a"}], [{}]),
    ("Age", "age-1",
        [{"value": 1}, {"value": 0, "code": "a", "system": UCUM}, {"code": "a", "value": 1, "system": "x"}],
        [{"value": 1, "code": "a", "system": UCUM}]),
    ("Count", "qty-3", [{"code": "1"}], [{}]),
    ("Count", "cnt-3",
        [{"value": Decimal("1.5"), "code": "1"}, {"value": 1}, {"value": 1, "code": "2"}],
        [{"value": 2, "code": "1", "system": UCUM}]),
    ("Distance", "qty-3", [{"code": "m"}], [{}]),
    ("Distance", "dis-1", [{"value": 1}], [{"value": 1, "code": "m", "system": UCUM}]),
    ("Duration", "qty-3", [{"code": "min"}], [{}]),
    ("Duration", "drt-1",
        [{"code": "min", "value": 1}, {"code": "min", "system": UCUM}],
        [{"value": 1}, {"value": 15, "code": "min", "system": UCUM}]),
    ("DataRequirement.codeFilter", "drq-1", [{}, {"path": "a", "searchParam": "b"}], [{"path": "a"}]),
    ("DataRequirement.dateFilter", "drq-2", [{}, {"path": "a", "searchParam": "b"}], [{"searchParam": "b"}]),
    ("Expression", "exp-1", [{"language": "text/cql"}], [{"expression": "x"}, {"reference": "http://x"}]),
    ("Range", "rng-2",
        [{"low": {"value": 3}, "high": {"value": 2}}],
        [{"low": {"value": 2}, "high": {"value": 2}}, {"low": {"value": 3, "code": "m"}, "high": {"value": 2, "code": "km"}}]),
    ("Ratio", "rat-1", [{"numerator": {}}, {"denominator": {}}, {}], [{"numerator": {}, "denominator": {}}, {"extension": []}]),
    ("Timing.repeat", "tim-1", [{"duration": 1}], [{"duration": 1, "durationUnit": "h"}]),
    ("Timing.repeat", "tim-2", [{"period": 1}], [{"period": 1, "periodUnit": "h"}]),
    ("Timing.repeat", "tim-4", [{"duration": -1}], [{"duration": 0}]),
    ("Timing.repeat", "tim-5", [{"period": Decimal("-0.1")}], [{"period": Decimal("0.1")}]),
    ("Timing.repeat", "tim-6", [{"periodMax": 1}], [{"periodMax": 1, "period": 1}]),
    ("Timing.repeat", "tim-7", [{"durationMax": 1}], [{"durationMax": 1, "duration": 1}]),
    ("Timing.repeat", "tim-8", [{"countMax": 1}], [{"countMax": 2, "count": 1}]),
    ("Timing.repeat", "tim-9", [{"offset": 1}, {"offset": 1, "when": ["CM"]}], [{"offset": 1, "when": ["MORN"]}]),
    ("Timing.repeat", "tim-10", [{"timeOfDay": ["08:00:00"], "when": ["MORN"]}], [{"when": ["MORN"]}]),
    ("TriggerDefinition", "trd-1", [{"data": [], "timingDate": "2026"}], [{"data": []}]),
    ("TriggerDefinition", "trd-2", [{"condition": {}}], [{"condition": {}, "data": []}]),
    ("TriggerDefinition", "trd-3", [{"type": "named-event"}, {"type": "periodic"}, {"type": "data-added"}], [
        {"type": "named-event", "name": "x"}, {"type": "periodic", "timingDate": "2026"}, {"type": "data-added", "data": []}]),
    ("AllergyIntolerance", "ait-1",
        [{}],
        [{"clinicalStatus": {}},
        {"verificationStatus": {"coding": [{"system": THO + "allergyintolerance-verification", "code": "entered-in-error"}]}}]),
    ("AllergyIntolerance", "ait-2",
        [{"clinicalStatus": {}, "verificationStatus": {"coding": [{"system": THO + "allergyintolerance-verification",
        "code": "entered-in-error"}]}}],
        [{"clinicalStatus": {}}]),
    ("AuditEvent.entity", "sev-1", [{"name": "x", "query": "eA=="}], [{"name": "x"}, {"query": "eA=="}]),
    ("CarePlan.activity", "cpl-3", [{"detail": {}, "reference": {}}], [{"detail": {}}]),
    ("CareTeam.participant", "ctm-1",
        [{"onBehalfOf": {}, "member": {"reference": "Patient/1"}}],
        [{"onBehalfOf": {}, "member": {"reference": "Practitioner/1"}}, {"onBehalfOf": {}, "member": {"display": "x"}}]),
    ("CodeSystem", "csd-1", [{"concept": [{"code": "a", "concept": [{"code": "a"}]}]}], [{"concept": [{"code": "a", "concept": [{"code": "b"}]}]}]),
    ("Composition.section", "cmp-1", [{"title": "x"}], [{"entry": []}, {"text": {}}, {"section": []}]),
    ("Composition.section", "cmp-2", [{"emptyReason": {}, "entry": []}], [{"emptyReason": {}}]),
    ("Condition", "con-4",
        [{"abatementDateTime": "2026"}],
        [{"abatementDateTime": "2026", "clinicalStatus": {"coding": [{"system": THO + "condition-clinical", "code": "resolved"}]}}, {}]),
    ("Condition", "con-5",
        [{"clinicalStatus": {}, "verificationStatus": {"coding": [{"system": THO + "condition-ver-status", "code": "entered-in-error"}]}}],
        [{"clinicalStatus": {}}]),
    ("Condition.evidence", "con-2", [{}], [{"code": []}, {"detail": []}]),
    ("Condition.stage", "con-1", [{"type": {}}], [{"summary": {}}, {"assessment": []}]),
    ("Consent", "ppc-1", [{}], [{"policy": []}, {"policyRule": {}}]),
    ("CoverageEligibilityResponse.insurance.item", "ces-1", [{}, {"category": {}, "productOrService": {}}], [{"category": {}}]),
    ("EvidenceVariable.characteristic", "evv-1", [{"definitionReference": {}, "definitionCanonical": "x"}], [{"definitionCanonical": "x"}]),
    ("FamilyMemberHistory", "fhs-1", [{"ageString": "x", "bornString": "y"}], [{"ageString": "x"}]),
    ("FamilyMemberHistory", "fhs-2", [{"estimatedAge": True}], [{"estimatedAge": True, "ageString": "x"}]),
    ("Goal.target", "gol-1", [{"detailString": "x"}], [{"detailString": "x", "measure": {}}]),
    ("Group", "grp-1", [{"member": [], "actual": False}], [{"member": [], "actual": True}]),
    ("Immunization.education", "imm-1", [{}], [{"reference": "x"}]),
    ("ImmunizationRecommendation.recommendation", "imr-1", [{}], [{"targetDisease": {}}]),
    ("InsurancePlan", "ipn-1", [{}], [{"name": "x"}]),
    ("Linkage", "lnk-1", [{"item": [1]}], [{"item": [1, 2]}]),
    ("List", "lst-1", [{"emptyReason": {}, "entry": []}], [{"emptyReason": {}}]),
    ("List", "lst-2", [{"mode": "working", "entry": [{"deleted": True}]}], [{"mode": "changes", "entry": [{"deleted": True}]}]),
    ("List", "lst-3", [{"mode": "changes", "entry": [{"date": "2026"}]}], [{"mode": "working", "entry": [{"date": "2026"}]}]),
    ("MedicationAdministration.dosage", "mad-1", [{"text": "x"}], [{"dose": {}}, {"rateRatio": {}}]),
    ("MedicationDispense", "mdd-1",
        [{"whenPrepared": "2026-11-23", "whenHandedOver": "2026-11-22"}],
        [{"whenPrepared": "2026-11-22", "whenHandedOver": "2026-11-22"}]),
    ("MessageDefinition.focus", "md-1", [{"max": "0"}, {"max": "x"}], [{"max": "*"}, {"max": "3"}]),
    ("MolecularSequence", "msq-3", [{"coordinateSystem": 2}], [{"coordinateSystem": 0}]),
    ("MolecularSequence.referenceSeq", "msq-5", [{"chromosome": {}}], [{"chromosome": {}, "genomeBuild": "x"}]),
    ("MolecularSequence.referenceSeq", "msq-6", [{}, {"referenceSeqId": {}, "referenceSeqString": "x"}], [{"referenceSeqId": {}}]),
    ("NamingSystem", "nsd-1", [{"kind": "root", "uniqueId": [{"type": "uuid"}]}], [{"kind": "root", "uniqueId": [{"type": "uri"}]}]),
    ("NamingSystem", "nsd-2",
        [{"uniqueId": [{"type": "uri", "preferred": True}] * 2}],
        [{"uniqueId": [{"type": "uri", "preferred": True}, {"type": "oid", "preferred": True}]}]),
    ("Observation", "obs-6", [{"valueString": "x", "dataAbsentReason": {}}], [{"dataAbsentReason": {}}]),
    ("Observation", "obs-7", [{"valueString": "x", "code": {"coding": [{"code": "a"}]}, "component": [{"code": {"coding": [{"code": "a"}]}}]}], [
        {"valueString": "x", "code": {"coding": [{"code": "a"}]}, "component": [{"code": {"coding": [{"code": "b"}]}}]}]),
    ("Observation.referenceRange", "obs-3", [{"type": {}}], [{"text": "x"}, {"low": {}}]),
    ("OperationDefinition.parameter", "opd-1", [{}], [{"type": "code"}]),
    ("OperationDefinition.parameter", "opd-2", [{"searchType": "token", "type": "code"}], [{"searchType": "token", "type": "string"}]),
    ("OperationDefinition.parameter", "opd-3", [{"targetProfile": [], "type": "code"}], [{"targetProfile": [], "type": "Reference"}]),
    ("Organization", "org-1", [{"active": True}], [{"name": "x"}, {"identifier": []}]),
    ("Organization.address", "org-2", [{"address": [{"use": "home"}]}], [{"address": [{"use": "work"}]}]),
    ("Organization.telecom", "org-3", [{"telecom": [{"use": "home"}]}], [{"telecom": [{"use": "work"}]}]),
    ("Parameters.parameter", "inv-1", [{"name": "a"}, {"valueCode": "a", "part": []}], [{"valueCode": "a"}, {"resource": {}}, {"part": []}]),
    ("RequestGroup.action", "rqg-1", [{}, {"resource": {}, "action": []}], [{"resource": {}}, {"action": []}]),
    ("RiskAssessment.prediction", "ras-2", [{"probabilityDecimal": Decimal("100.1")}], [{"probabilityDecimal": 100}]),
    ("RiskAssessment.prediction.probability[x]", "ras-1", [{"probabilityRange": {"low": {"value": 1, "code": "1"}}}], [
        {"probabilityRange": {"low": {"value": 1, "code": "%", "system": UCUM}}}]),
    ("SearchParameter", "spd-1", [{"xpath": "x"}], [{"xpath": "x", "xpathUsage": "normal"}]),
    ("SearchParameter", "spd-2", [{"chain": ["x"], "type": "token"}], [{"chain": ["x"], "type": "reference"}]),
    ("ServiceRequest", "prr-1", [{"orderDetail": []}], [{"orderDetail": [], "code": {}}]),
    ("Task", "inv-1",
        [{"authoredOn": "2026-11-22T10:00:00Z", "lastModified": "2026-11-22T09:00:00Z"}],
        [{"authoredOn": "2026-11-22", "lastModified": "2026-11-22T09:00:00Z"}]),
    ("Bundle", "bdl-1", [{"type": "batch", "total": 1}], [{"type": "searchset", "total": 1}]),
    ("Bundle", "bdl-2", [{"type": "batch", "entry": [{"search": {}}]}], [{"type": "searchset", "entry": [{"search": {}}]}]),
    ("Bundle", "bdl-3",
        [{"type": "transaction", "entry": [{}]}, {"type": "searchset", "entry": [{"request": {}}]}],
        [{"type": "transaction", "entry": [{"request": {}}]}]),
    ("Bundle", "bdl-4",
        [{"type": "batch-response", "entry": [{}]}, {"type": "batch", "entry": [{"response": {}}]}],
        [{"type": "batch-response", "entry": [{"response": {}}]}]),
    ("Bundle", "bdl-7",
        [{"type": "collection", "entry": [{"fullUrl": "a"}] * 2}],
        [{"type": "history", "entry": [{"fullUrl": "a"}] * 2}, {"type": "collection", "entry": [{"fullUrl": "a"},
        {"fullUrl": "a", "resource": {"meta": {"versionId": "2"}}}, {}, {}]}]),
    ("Bundle", "bdl-9",
        [{"type": "document", "identifier": {"value": "x"}}, {"type": "document"}],
        [{"type": "document", "identifier": {"system": "a", "value": "b"}}, {"type": "message"}]),
    ("Bundle", "bdl-10", [{"type": "document"}], [{"type": "document", "timestamp": "x"}]),
    ("Bundle", "bdl-11",
        [{"type": "document"}, {"type": "document", "entry": [{"resource": {"resourceType": "Patient"}}]}],
        [{"type": "document", "entry": [{"resource": {"resourceType": "Composition"}}]}]),
    ("Bundle", "bdl-12",
        [{"type": "message", "entry": [{"resource": {"resourceType": "Patient"}}]}],
        [{"type": "message", "entry": [{"resource": {"resourceType": "MessageHeader"}}]}]),
    ("Bundle.entry", "bdl-5", [{"fullUrl": "a"}], [{"resource": {}}, {"request": {}}]),
    ("Bundle.entry", "bdl-8", [{"fullUrl": "http://a/Patient/1/_history/2"}], [{"fullUrl": "http://a/Patient/1"}]),
    ("Questionnaire", "que-2", [{"item": [{"linkId": "a", "item": [{"linkId": "a"}]}]}], [{"item": [{"linkId": "a"}, {"linkId": "b"}]}]),
    ("Questionnaire.item", "que-1",
        [{"type": "group"}, {"type": "display", "item": []}],
        [{"type": "group", "item": []}, {"type": "string", "item": []}]),
    ("Questionnaire.item", "que-3", [{"type": "display", "code": []}], [{"type": "string", "code": []}]),
    ("Questionnaire.item", "que-4", [{"answerOption": [], "answerValueSet": "x"}], [{"answerOption": []}]),
    ("Questionnaire.item", "que-5", [{"type": "boolean", "answerOption": []}], [{"type": "choice", "answerOption": []}]),
    ("Questionnaire.item", "que-6", [{"type": "display", "required": True}], [{"type": "string", "required": True}]),
    ("Questionnaire.item", "que-8", [{"type": "group", "initial": []}], [{"type": "string", "initial": []}]),
    ("Questionnaire.item", "que-9", [{"type": "display", "readOnly": True}], [{"type": "string", "readOnly": True}]),
    ("Questionnaire.item", "que-10", [{"type": "choice", "maxLength": 3}], [{"type": "text", "maxLength": 3}]),
    ("Questionnaire.item", "que-11", [{"answerOption": [], "initial": []}], [{"initial": []}]),
    ("Questionnaire.item", "que-12", [{"enableWhen": [1, 2, 3]}], [{"enableWhen": [1, 2, 3], "enableBehavior": "all"}, {"enableWhen": [1, 2]}]),
    ("Questionnaire.item", "que-13", [{"initial": [1, 2]}], [{"initial": [1, 2], "repeats": True}, {"initial": [1]}]),
    ("Questionnaire.item.enableWhen", "que-7",
        [{"operator": "exists", "answerString": "x"}],
        [{"operator": "exists", "answerBoolean": True}, {"operator": "=", "answerString": "x"}]),
    ("QuestionnaireResponse.item", "qrs-1", [{"answer": [], "item": []}], [{"answer": []}]),
    ("Extension", "ext-1", [{"url": "a"}, {"valueCode": "a", "extension": []}], [{"valueCode": "a"}, {"extension": []}, {"_valueCode": {}}]),
]  # fmt: skip


def broken(path: str, key: str, node: dict[str, Any]) -> bool:
    if (path, key) in TESTS:
        return not TESTS[path, key](node)
    return bool(list(PLACES[path, key](node)))


@pytest.mark.parametrize(("path", "key", "node"), [(p, k, node) for p, k, bad, _ in CASES for node in bad])
def test_a_broken_invariant_is_found(path: str, key: str, node: dict[str, Any]) -> None:
    assert broken(path, key, node)


@pytest.mark.parametrize(("path", "key", "node"), [(p, k, node) for p, k, _, good in CASES for node in good])
def test_a_kept_invariant_is_left_alone(path: str, key: str, node: dict[str, Any]) -> None:
    assert not broken(path, key, node)


def test_every_written_invariant_has_its_cases() -> None:
    assert {(path, key) for path, key, _, _ in CASES} == set(TESTS) | set(PLACES)


def test_every_published_invariant_is_written_or_listed_as_left_out() -> None:
    left_out = {name.partition(" ")[0] for name in NOT_CHECKED if " " not in name}
    keys_left_out = {(words[0], key) for name in NOT_CHECKED if len(words := name.split()) > 1 for key in words[1:]}
    published = {(path, key) for path in invariant_paths() for key, _ in invariants_of(path)}
    forgotten = published - set(TESTS) - set(PLACES) - IN_THE_WALK - keys_left_out
    assert {(path, key) for path, key in forgotten if path.partition(".")[0] not in left_out} == set()
    assert set(TESTS) | set(PLACES) <= published | {("Extension", "ext-1")}


NAMES = ("start", "item", "entry", "value", "code", "type", "when", "concept")
ODD = (None, 1, "x", [], [1], {}, [[]], [{}])


@pytest.mark.parametrize("shape", [{}, *({name: value} for name in NAMES for value in ODD)])
def test_no_shape_makes_an_invariant_fall_over(shape: dict[str, Any]) -> None:
    for test in TESTS.values():
        test(shape)
    for places in PLACES.values():
        list(places(shape))


def test_a_broken_invariant_is_told_with_its_key_its_sentence_and_its_place() -> None:
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-11-22T09:30:00Z",
        "participant": [{"status": "accepted"}],
    }
    said = {issue.reason: (issue.expression, issue.details) for issue in validate(appointment)}
    assert said["app-1"] == ("Appointment.participant[0]", "Either the type or actor on the participant SHALL be specified (app-1).")
    assert said["app-2"][0] == "Appointment"
    assert set(said) == {"app-1", "app-2", "app-3"}


def test_an_entry_of_a_bundle_is_named() -> None:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": {"resourceType": "Patient"}}]}
    assert [(issue.reason, issue.expression) for issue in validate(bundle)] == [("bdl-3", "Bundle.entry[0]")]
