"""The closed loop over FHIR: a municipal centre refers, the hospital answers, the visit takes place in town, the letter is acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from maillage.cli.scenario import invariants, session
from maillage.cli.scenario.client import Client, Journal, Resource, state_of
from maillage.cli.scenario.server import HOSPITAL, STRANGER, TOWN
from maillage.cli.scenario.session import SERVICE
from maillage.codes import systems
from maillage.demonstration.forms import fill
from maillage.kernel.clock import SystemClock
from maillage.kernel.ids import new_id

REQUESTER = "clamart-mg-isambert"
QUESTION = "Douleurs épigastriques depuis deux mois malgré un traitement bien pris : faut-il une endoscopie ?"
LETTER = "Vu ce jour en consultation au centre. Pas de signe d'alarme. Fibroscopie non indiquée ; traitement poursuivi quatre semaines."
PAIRS = {
    "sent_to_opened": ("sent", "opened"),
    "sent_to_decision": ("sent", "to-book"),
    "decision_to_booking": ("to-book", "booked"),
    "first_sent_to_seen": ("sent", "seen"),
    "seen_to_letter": ("seen", "letter-sent"),
    "letter_to_acknowledgement": ("letter-sent", "closed"),
}


def play(address: str, tokens: dict[str, str]) -> dict[str, Any]:
    """Play it; answers the report: `steps`, `delays` in seconds, `invariants`, `closed`."""
    journal = Journal()
    with httpx.Client(base_url=address, timeout=30) as http:
        town = Client(http, tokens[TOWN], "centre de santé de Clamart", journal)
        hospital = Client(http, tokens[HOSPITAL], "HIA Percy", journal)
        stranger = Client(http, tokens[STRANGER], "centre de santé de Montgeron", journal)
        patient = refer(town)
        triage(town, hospital)
        appointment = book(town, hospital, patient)
        see(town, hospital, appointment)
        close(town)
        checks = invariants.check(invariants.Loop(town, hospital, stranger, journal.task, patient, appointment))
        history = town.get(f"Task/{journal.task}/_history")
    task = history["entry"][0]["resource"]
    state = state_of(task)
    return {
        "steps": journal.steps,
        "delays": delays(history),
        "invariants": checks,
        "closed": state == "closed",
        "state": state,
        "task": journal.task,
    }


def refer(town: Client) -> str:
    """One transaction: the patient, the request, its form and its Task; answers the patient's id."""
    service = town.get(f"HealthcareService/{SERVICE}")
    plan = next(
        extension["valueCanonical"]
        for extension in service["extension"]
        if "valueCanonical" in extension and "Questionnaire" in extension["valueCanonical"]
    )
    url, _, version = plan.partition("|")
    form = town.get(f"Questionnaire?url={url}&version={version}")["entry"][0]["resource"]
    answer = town.step(
        "la demande part : patient, demande, formulaire et tâche en une transaction", "POST", "", referral_bundle(plan, form)
    )
    made = {entry["response"]["location"].split("/")[-4]: entry["response"]["location"].split("/")[-3] for entry in answer["entry"]}
    town.journal.task = made["Task"]
    town.journal.steps.pop()
    town.note(
        "la demande part : patient, demande, formulaire et tâche en une transaction", "POST", "", 200, town.get(f"Task/{made['Task']}")
    )
    return str(made["Patient"])


def referral_bundle(questionnaire: str, form: Resource) -> Resource:
    """The transaction Bundle of a whole referral, for an invented patient of the test domain."""
    patient, request, answers, task = (f"urn:uuid:{new_id()}" for _ in range(4))
    resources = {
        patient: invented_patient(),
        request: _request(patient, answers),
        answers: {
            "resourceType": "QuestionnaireResponse",
            "questionnaire": questionnaire,
            "status": "completed",
            "subject": {"reference": patient},
            "basedOn": [{"reference": request}],
            "item": fill(form, "urgent", question=QUESTION),
        },
        task: {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "code": {"coding": [{"system": systems.TASK_CODE, "code": "fulfill"}]},
            "focus": {"reference": request},
            "for": {"reference": patient},
            "owner": {"reference": f"HealthcareService/{SERVICE}"},
        },
    }
    entries = [
        {"fullUrl": url, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        for url, resource in resources.items()
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _request(patient: str, answers: str) -> Resource:
    flags = ("identity-confirmed", "patient-informed")
    return {
        "resourceType": "ServiceRequest",
        "extension": [{"url": systems.own_extension(flag), "valueBoolean": True} for flag in flags],
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "subject": {"reference": patient},
        "requester": {"reference": f"PractitionerRole/{REQUESTER}"},
        "performer": [{"reference": f"HealthcareService/{SERVICE}"}],
        "reasonCode": [{"text": "Épigastralgies persistantes"}],
        "supportingInfo": [{"reference": answers}],
    }


def invented_patient() -> Resource:
    """A person who does not exist, registered at the centre, without an INS yet."""
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "https://essai.example/patients", "value": new_id()}],
        "name": [{"use": "official", "family": "Essaiscenario", "given": ["Camille"]}],
        "gender": "female",
        "birthDate": "1971-04-02",
        "telecom": [{"system": "phone", "value": "06 39 98 00 01"}],
        "managingOrganization": {"reference": f"Organization/{TOWN}"},
    }


def triage(town: Client, hospital: Client) -> None:
    """The hospital finds the request on its list, asks one thing, has the answer, accepts."""
    task = f"Task/{town.journal.task}"
    path = f"Task?owner=HealthcareService/{SERVICE}&status=received&_include=Task:focus&_id={town.journal.task}"
    hospital.step("le service trouve la demande sur sa liste", "GET", path)
    hospital.verb("le service la lit", f"{task}/$open")
    hospital.verb("il demande une pièce", f"{task}/$ask-info", items=["Dernier bilan hépatique, avec sa date"])
    answer = {"number": 1, "answer": "ASAT, ALAT, GGT normales le mois dernier."}
    town.verb("le centre répond", f"{task}/$answer-info", answers=[answer])
    hospital.verb("le service accepte", f"{task}/$accept")


def book(town: Client, hospital: Client, patient: str) -> str:
    """The first free slot of today's vacation in the centre, booked as any FHIR client books; answers the Appointment id."""
    slot = session.slot_of_today(town, hospital)
    task = hospital.get(f"Task/{hospital.journal.task}")
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": f"Slot/{slot['id']}"}],
        "start": slot["start"],
        "end": slot["end"],
        "basedOn": [task["focus"]],
        "supportingInformation": [{"reference": f"Task/{task['id']}"}],
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }
    booked: str = hospital.step("la visite est prise", "POST", "Appointment", appointment)["id"]
    return booked


def see(town: Client, hospital: Client, appointment: str) -> None:
    """The patient comes to the centre, is seen, and the letter is sent with two follow-ups."""
    task = f"Task/{town.journal.task}"
    town.verb("le patient arrive au centre, identité vérifiée", f"Appointment/{appointment}/$arrive", **{"identity-confirmed": True})
    hospital.verb("le patient est vu", f"{task}/$mark-seen")
    due = (_now() + timedelta(days=30)).isoformat()
    advice = [{"text": text, "due": due, "owner": "requester"} for text in ("Revoir à un mois", "Programmer le dépistage familial")]
    hospital.verb("le compte rendu part, avec deux suites", f"{task}/$send-outcome", text=LETTER, recommendations=advice)


def close(town: Client) -> None:
    """The requester reads the letter, takes one follow-up, hands the other back, and closes the loop."""
    task = f"Task/{town.journal.task}"
    document = next(
        output["valueReference"]["reference"]
        for output in town.get(task)["output"]
        if output.get("valueReference", {}).get("reference", "").startswith("DocumentReference/")
    )
    town.step("le médecin lit le compte rendu", "GET", document)
    children = town.get(f"Task?part-of={task}&status=requested,accepted")["entry"]
    owed = [entry["resource"]["id"] for entry in children if _code(entry["resource"]) == "follow-up"]
    settled = [
        {"id": owed[0], "decision": "accept"},
        {"id": owed[1], "decision": "hand-back", "comment": "Relève de la consultation d'oncogénétique"},
    ]
    town.verb("il accuse réception, prend une suite et rend l'autre", f"{task}/$acknowledge", follow_ups=settled)


def delays(history: Resource) -> dict[str, float]:
    """Seconds between the first time in one state and the first time in another, as the versions of the Task tell."""
    first: dict[str, datetime] = {}
    for entry in reversed(history["entry"]):
        task = entry["resource"]
        first.setdefault(state_of(task), datetime.fromisoformat(task["meta"]["lastUpdated"]))
    return {name: (first[b] - first[a]).total_seconds() for name, (a, b) in PAIRS.items() if a in first and b in first}


def _code(task: Resource) -> str:
    return str(task["code"]["coding"][0]["code"])


def _now() -> datetime:
    return SystemClock().now().astimezone(UTC)
