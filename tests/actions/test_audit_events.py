"""An audit row as an AuditEvent: valid R4, in the shape of IHE BALP; who, from where, why, about whom; found by R4's search parameters."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support import balp

from maillage import record
from maillage.codes import r4
from maillage.kernel.actor import SYSTEM, Actor, Origin
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import Malformed
from maillage.record.audit import BY_VERB
from maillage.record.balp import SECURITY
from maillage.store import Database

pytestmark = pytest.mark.asyncio

DOCTOR = Actor("person", "practitioner-1", ("org-a",), frozenset({"medecin"}), "role-1", display="Élodie Un")
CLERK = replace(DOCTOR, id="practitioner-2", role_id=None, roles=frozenset({"secretaire", "dpo"}), display="Jean Deux", purpose="HOPERAT")
SOFTWARE = Actor("client", "labo", ("org-b",), frozenset({"logiciel"}))
PATIENT = Actor("patient", "patient-1", ())
HERE = Origin("192.0.2.7", "maillage.example:8443", "web")
ACTORS = [DOCTOR, CLERK, SOFTWARE, PATIENT, SYSTEM]


async def written(db: Database, actor: Actor, action: str, *, origin: Origin = HERE, id: str = "task-1", **told: Any) -> dict[str, Any]:
    """One row, as an event."""
    async with db.transaction(actor, request_id="request-1", origin=origin) as tx:
        await record.audit(tx, action, "Task", id, **told)
    async with db.trail.transaction(SYSTEM) as tx:
        return (await record.search_trail(tx, SYSTEM)).events[0]


async def trail(db: Database, actor: Actor = SYSTEM, *asked: tuple[str, str], **named: str) -> list[str]:
    """The ids that an answer holds, without order."""
    async with db.trail.transaction(actor) as tx:
        return [row["res_id"] for row in (await record.search_trail(tx, actor, [*asked, *named.items()], strict=True)).rows]


PATTERNS = [
    ("C", "", "Create"),
    ("R", "", "Read"),
    ("R", "vread", "Read"),
    ("U", "", "Update"),
    ("U", "patch", "Update"),
    ("D", "", "Delete"),
]


EACH = [(actor, patient) for actor in ACTORS for patient in ("patient-1", None)]


@pytest.mark.parametrize(("action", "verb", "pattern"), PATTERNS)
async def test_what_succeeded_follows_its_pattern(db: Database, action: str, verb: str, pattern: str) -> None:
    for actor, patient in EACH:
        event = await written(db, actor, action, verb=verb, patient=patient)
        assert r4.validate(event) == []
        assert balp.pattern_of(event) == ("Patient" if patient else "") + pattern
        assert balp.faults(event) == []


async def test_a_search_tells_its_question_and_each_patient_shown(db: Database) -> None:
    for actor, patient in EACH:
        event = await written(db, actor, "R", id="", verb="search", patient=patient, query="code=42&_count=3")
        assert (r4.validate(event), balp.faults(event)) == ([], [])
        assert balp.pattern_of(event) == ("PatientQuery" if patient else "Query")
        [asked] = [entity["query"] for entity in event["entity"] if "query" in entity]
        assert base64.b64decode(asked) == b"Task?code=42&_count=3"
    system = await written(db, DOCTOR, "R", id="", verb="search-system", query="_type=Task")
    assert base64.b64decode(next(e["query"] for e in system["entity"] if "query" in e)) == b"?_type=Task"
    assert system["subtype"][0]["code"] == "search-system"


@pytest.mark.parametrize("act", sorted(SECURITY))
async def test_what_is_no_interaction_has_dicom_s_code(db: Database, act: str) -> None:
    named = next(name for name, (_, subtype) in BY_VERB.items() if subtype == act)
    event = await written(db, DOCTOR, "E", act=named, patient="patient-1")
    assert r4.validate(event) == []
    assert event["type"]["system"] == balp.DCM
    assert "profile" not in event["meta"]
    assert await trail(db, type=f"{balp.DCM}|{event['type']['code']}") == ["task-1"]
    assert await trail(db, type="rest") == []
    assert await trail(db, subtype=event["subtype"][0]["code"]) == ["task-1"]


OWN = [
    *(("Session", "login-demo", "110122"), ("Session", "login-refused", "110122"), ("Session", "logout", "110123")),
    *(("Session", "session-revoked", "110137"), ("Account", "password-set", "110137")),
]


async def test_sessions_and_accounts_are_told_as_dicom_tells_them(db: Database) -> None:
    for kind, verb, code in OWN:
        async with db.transaction(DOCTOR, origin=HERE) as tx:
            await record.audit(tx, "E", kind, "it", verb=verb)
        async with db.trail.transaction(DOCTOR) as tx:
            event = (await record.search_trail(tx, SYSTEM)).events[0]
        assert (r4.validate(event), event["subtype"][0]["code"]) == ([], code)
        assert event["entity"][0]["what"] == {"identifier": {"value": "it"}, "display": kind}


@pytest.mark.parametrize("outcome", ["4", "8", "12"])
async def test_a_failure_claims_no_pattern_of_success(db: Database, outcome: str) -> None:
    event = await written(db, DOCTOR, "R", outcome=outcome, verb="not-found", patient="patient-1")
    assert (r4.validate(event), event["outcome"], event["outcomeDesc"]) == ([], outcome, "not-found")
    assert "profile" not in event["meta"]
    assert [*await trail(db, outcome=outcome), *await trail(db, outcome="0")] == ["task-1"]


async def test_what_comes_from_nowhere_claims_nothing(db: Database) -> None:
    event = await written(db, SYSTEM, "U", origin=Origin())
    assert r4.validate(event) == []
    assert "profile" not in event["meta"]
    assert all("network" not in agent for agent in event["agent"])


async def test_the_agents_say_who_from_where_with_which_role_and_why(db: Database) -> None:
    client, server, user, organization = (await written(db, replace(DOCTOR, purpose="ETREAT"), "R", verb="accept"))["agent"]
    assert client["network"] == {"address": "192.0.2.7", "type": "2"}
    assert (client["who"]["identifier"]["value"], client["requestor"]) == ("web", False)
    assert server["network"] == {"address": "maillage.example:8443", "type": "1"}
    assert user["who"] == {"reference": "PractitionerRole/role-1", "display": "Élodie Un"}
    assert (user["name"], user["role"], user["requestor"]) == ("Élodie Un", [{"coding": [{"code": "medecin"}]}], True)
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "ETREAT"
    assert (organization["who"], organization["requestor"]) == ({"reference": "Organization/org-a"}, False)
    machine, *others = (await written(db, SOFTWARE, "R"))["agent"]
    assert (machine["who"]["identifier"]["value"], machine["requestor"]) == ("labo", True)
    assert [agent["requestor"] for agent in others] == [False, False]


FINDS = [
    *(("action", "R", 2), ("action", "R,C", 3), ("action", "http://hl7.org/fhir/audit-event-action|C", 1), ("action", "D", 0)),
    *(("agent", "PractitionerRole/role-1", 2), ("agent", "Practitioner/practitioner-2", 1), ("agent", "Organization/org-b", 1)),
    *(("agent", "Patient/patient-1", 0), ("agent", "Device/x", 0), ("agent", "PractitionerRole/role-1,Organization/org-b", 3)),
    *(("agent-name", "elo", 2), ("agent-name", "UN", 2), ("agent-name", "lodie", 0), ("agent-name", "jean,elodie u", 3)),
    *(("agent-role", "medecin", 2), ("agent-role", "dpo", 1), ("agent-role", "medecin,logiciel", 3), ("agent-role", "dp", 0)),
    *(("agent-role", "https://example.org/roles|medecin", 2), ("agent-role", "medecin|dpo", 1)),
    *(("entity", "Task/one", 1), ("entity", "Patient/patient-1", 2), ("entity", "Task/one,Task/two", 2), ("entity", "Basic/one", 0)),
    *(("patient", "patient-1", 2), ("patient", "Patient/patient-2", 1), ("patient", "Group/patient-1", 0)),
    *(("address", "192.0.2", 3), ("address", "maillage.ex", 3), ("address", "2.7", 0), ("address", "198,127", 1)),
    *(("subtype", "read", 2), ("subtype", "accept", 1), ("subtype", "http://hl7.org/fhir/restful-interaction|create", 1)),
    *(("type", "rest", 4), ("type", "110114", 0), ("outcome", "0", 4), ("_id", "nothing", 0)),
    *(
        ("date", "2026-11-16", 4),
        ("date", "ge2026-11-16T08:02:00Z", 2),
        ("date", "gt2026-11-16T08:02:00Z", 1),
        ("date", "lt2026-11-16T08:02:00Z", 2),
    ),
    *(("date", "le2026-11-16T08:02:00Z", 3), ("date", "sa2026-11-15", 4), ("date", "eb2026-11-16", 0), ("date", "2026-11-15", 0)),
]


async def test_search_parameters_find_what_they_name(db: Database, clock: FixedClock) -> None:
    acts = [
        (DOCTOR, "R", "one", "patient-1", "accept"),
        (DOCTOR, "C", "two", "patient-1", ""),
        (CLERK, "R", "three", "patient-2", ""),
        (SOFTWARE, "U", "four", None, ""),
    ]
    for actor, action, id, patient, verb in acts:
        origin = HERE if actor is not SOFTWARE else Origin("198.51.100.1", "other.example")
        async with db.transaction(actor, origin=origin) as tx:
            await record.audit(tx, action, "Task", id, patient=patient, verb=verb)
        clock.advance(timedelta(minutes=1))
    found = [(name, value, len(await trail(db, SYSTEM, (name, value)))) for name, value, _ in FINDS]
    assert found == FINDS
    assert len(await trail(db, SYSTEM, ("_count", "2"))) == 2


REFUSED = [
    *(("entity", "one"), ("date", "ne2026"), ("date", "soon"), ("patient:exact", "x"), ("agent", "Nobody/1/2/3"), ("colour", "red")),
    *(("action", ""), ("action", ",")),
]


async def test_what_cannot_be_understood_is_refused(db: Database) -> None:
    for name, value in REFUSED:
        with pytest.raises(Malformed):
            await trail(db, SYSTEM, (name, value))


async def test_a_reader_knows_the_acts_of_his_organisations_and_a_patient_those_on_his_record(db: Database) -> None:
    for actor, id, patient in ((DOCTOR, "one", "patient-1"), (SOFTWARE, "two", "patient-1"), (SOFTWARE, "three", "patient-2")):
        async with db.transaction(actor) as tx:
            await record.audit(tx, "R", "Task", id, patient=patient)
    assert await trail(db, CLERK) == ["one"]
    assert sorted(await trail(db, SOFTWARE)) == ["three", "two"]
    assert sorted(await trail(db, PATIENT)) == ["one", "two"]
    assert await trail(db, replace(CLERK, organizations=())) == []
    assert await trail(db, CLERK, patient="patient-2") == []


async def test_pages_follow_each_other_without_hole_nor_double(db: Database, clock: FixedClock) -> None:
    async with db.transaction(DOCTOR) as tx:  # one instant: the order of writing decides
        await record.audit_many(tx, "R", [("Task", f"t{number}", None) for number in range(7)])
    seen: list[str] = []
    position = None
    for _ in range(4):
        async with db.trail.transaction(SYSTEM) as tx:
            page = await record.search_trail(tx, SYSTEM, [("_count", "2")], after=position)
        seen += [row["res_id"] for row in page.rows]
        position = page.position
    assert (seen, position) == ([f"t{number}" for number in reversed(range(7))], None)


async def test_a_long_question_is_cut_not_lost(db: Database) -> None:
    event = await written(db, DOCTOR, "R", id="", verb="search", query="x" * 20_000)
    [asked] = [base64.b64decode(e["query"]) for e in event["entity"] if "query" in e]
    assert asked == b"Task?" + b"x" * 16_000
