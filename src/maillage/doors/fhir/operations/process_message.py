"""`$process-message` (https://hl7.org/fhir/R4/messageheader-operation-process-message.html): a partner's admissions, discharges and appointments.

What a verb of ours means is played; an Encounter of the partner's own is kept in the record; everything else is kept whole in the ledger of messages
with its reason, and a person looks. Nothing that was acknowledged is lost, and the same message again gets the same answer.
"""

from __future__ import annotations

import hashlib
from typing import Any

from maillage import directory, record
from maillage.codes.json import encode
from maillage.doors.fhir import conditions, intake
from maillage.doors.fhir.bodies import check, read_bundle
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.journeys import messages_in
from maillage.kernel.errors import Conflict, Invalid, MaillageError, Malformed, NotAllowed, NotFound, Stale
from maillage.kernel.ids import new_id
from maillage.messaging import incoming
from maillage.messaging.incoming import DONE, KEPT, Outcome, Told

Resource = dict[str, Any]
TYPES = ("Encounter", "Appointment")
_REFUSALS = (NotFound, Invalid, Conflict, NotAllowed, Stale, Malformed)


async def process_message(context: Context, request: Request) -> Response:
    """A Bundle of type message with what became of it: `ok`, and a warning for what a person will have to look at."""
    header, by_url = _read(read_bundle(request))
    for kind in TYPES:
        context.require(kind, "cu", "write")
    content = [header, *by_url.values()]
    digest = hashlib.sha256(encode(content)).digest()
    told = await incoming.already(context.tx, header["id"], digest)
    if told is None:
        told = await _take(context, request, header, by_url, digest)
    return json_response(_answer(request, told, header))


def _read(bundle: Resource) -> tuple[Resource, dict[str, Resource]]:
    """The header, and the other resources by the address that the message gives them. Raises `Malformed`."""
    if bundle.get("type") != "message":
        raise Malformed.one("bundle-type", "Bundle.type", "A message is expected here.")
    entries = [(str(one.get("fullUrl", "")), one.get("resource")) for one in bundle.get("entry", [])]
    resources = [(url, one) for url, one in entries if type(one) is dict]
    if not resources or resources[0][1].get("resourceType") != "MessageHeader":
        raise Malformed.one("required", "Bundle.entry[0]", "The first entry of a message is its MessageHeader.")
    header = resources[0][1]
    check(header, "MessageHeader")
    if type(header.get("id")) is not str:
        raise Malformed.one("required", "Bundle.entry[0].resource.id", "A message has a number: the id of its MessageHeader.")
    return header, {url or f"{one.get('resourceType')}/{one.get('id')}": one for url, one in resources[1:]}


async def _take(context: Context, request: Request, header: Resource, by_url: dict[str, Resource], digest: bytes) -> Told:
    outcomes, patient = [], None
    for reference in header.get("focus", ()):
        outcome, about = await _focus(context, request, str(reference.get("reference", "")), by_url)
        outcomes.append(outcome)
        patient = patient or about
    found = tuple(outcomes) or (Outcome("", KEPT, reason="message-without-focus"),)
    event = header.get("eventUri") or "|".join(str(header.get("eventCoding", {}).get(key, "")) for key in ("system", "code"))
    told = Told(new_id(), context.tx.actor.id, header["id"], event, context.tx.now, found)
    content = encode([header, *by_url.values()]).decode()
    await incoming.keep(context.tx, told, digest=digest, content=content, patient=patient)
    await record.audit(context.tx, "E", "MessageHeader", told.id, patient=patient, verb="process-message")
    return told


async def _focus(context: Context, request: Request, named: str, by_url: dict[str, Resource]) -> tuple[Outcome, str | None]:
    """What becomes of one thing that the message is about: its own part of the transaction, so that a refusal undoes it alone."""
    resource = _named(named, by_url)
    if resource is None or resource.get("resourceType") not in TYPES:
        return Outcome(named, KEPT, reason="focus-not-understood"), None
    patient: str | None = None
    try:
        async with context.tx.savepoint():
            check(resource, resource["resourceType"])
            patient = await _patient(context, resource, by_url)
            made = await _play(context, request, resource, patient, by_url)
    except _REFUSALS as error:
        return Outcome(named, KEPT, reason=_reason(error)), patient
    return Outcome(named, DONE, made=made), patient


def _reason(error: MaillageError) -> str:
    issues = getattr(error, "issues", ())
    return str(issues[0].reason) if issues else str(error.reason)


def _named(reference: str, by_url: dict[str, Resource]) -> Resource | None:
    """The entry that a reference means: by its address, or by its type and id."""
    found = by_url.get(reference)
    if found is not None:
        return found
    return next((one for one in by_url.values() if reference and f"{one.get('resourceType')}/{one.get('id')}" == reference), None)


async def _play(context: Context, request: Request, resource: Resource, patient: str | None, by_url: dict[str, Resource]) -> str:
    appointment = await _appointment(context, request, resource, by_url)
    if appointment is not None:
        return f"Appointment/{await messages_in.tell_appointment(context.tx, appointment, resource, patient)}"
    if resource["resourceType"] == "Appointment":
        raise NotFound("Appointment")
    if patient is None:
        raise Invalid.one("patient-unknown", "Encounter.subject")
    return await _keep_stay(context, request, resource, patient, by_url)


async def _appointment(context: Context, request: Request, resource: Resource, by_url: dict[str, Resource]) -> str | None:
    """The appointment of ours that a message tells of: the one that it names, or the one that bears one of its numbers."""
    named = [str(one.get("reference", "")) for one in resource.get("appointment", ())]
    if resource["resourceType"] == "Appointment":
        named.append(f"Appointment/{resource.get('id', '')}")
    numbers = [one for url in named for one in _numbers(_named(url, by_url))]
    numbers += _numbers(resource) if resource["resourceType"] == "Appointment" else []
    ids = [one.removeprefix("Appointment/") for one in named if one.startswith("Appointment/")]
    for id in await record.existing(context.tx, "Appointment", ids, context.visible("Appointment")):
        return id
    for number in numbers:
        found = await conditions.find_one(context, "Appointment", encode_query([("identifier", number)]), request.base)
        if found is not None:
            return found.id
    return None


def _numbers(resource: Resource | None) -> list[str]:
    identifiers: list[Resource] = resource.get("identifier", []) if resource else []
    return [f"{one['system']}|{one['value']}" for one in identifiers if one.get("system") and one.get("value")]


async def _patient(context: Context, resource: Resource, by_url: dict[str, Resource]) -> str | None:
    """The patient of ours whom the message is surely about: named by our own number, or by a qualified INS with nothing against it."""
    references = [resource.get("subject"), *(one.get("actor") for one in resource.get("participant", ()) if type(one) is dict)]
    for reference in [str(one["reference"]) for one in references if type(one) is dict and "reference" in one]:
        told = _named(reference, by_url)
        if told is None and reference.startswith("Patient/"):
            id = await directory.merging.survivor_of(context.tx, reference.removeprefix("Patient/"))
            return id if await record.existing(context.tx, "Patient", [id], context.visible("Patient")) else None
        if told is not None and told.get("resourceType") == "Patient":
            return await _matched(context, told)
    return None


async def _matched(context: Context, told: Resource) -> str | None:
    traits = directory.traits_of(told)
    try:
        candidates = await directory.match_candidates(context.tx, context.visible("Patient"), traits)
    except Invalid:  # too few traits to look anybody up
        return None
    found = directory.matches(traits, candidates, only_certain=True)
    return found[0].id if found else None


async def _keep_stay(context: Context, request: Request, resource: Resource, patient: str, by_url: dict[str, Resource]) -> str:
    """A stay of the partner's own: made, or told again by its number; the link of the patient follows it."""
    content = {key: value for key, value in _resolved(resource, by_url).items() if key != "id"}
    content["subject"] = {"reference": f"Patient/{patient}"}
    before = None
    for number in _numbers(resource):
        before = before or await conditions.find_one(
            context, "Encounter", encode_query([("identifier", number)]), request.base, locked=True
        )
    if before is None:
        _, id, _ = await intake.create(context, content, request.base)
    else:
        id = before.id
        whole = await record.read(context.tx, "Encounter", id, context.visible("Encounter", "u"))
        await intake.update(context, whole, {**content, "id": id}, request.base, None)
    await messages_in.note_stay(context.tx, id, patient, str(resource.get("status")))
    return f"Encounter/{id}"


def _resolved(value: Any, by_url: dict[str, Resource]) -> Any:
    """The same with references to other entries of the message told by their numbers: those entries are not taken into the record."""
    if type(value) is list:
        return [_resolved(one, by_url) for one in value]
    if type(value) is not dict:
        return value
    other = _named(value["reference"], by_url) if type(value.get("reference")) is str else None
    if other is None:
        return {key: _resolved(one, by_url) for key, one in value.items()}
    rest = {key: one for key, one in value.items() if key != "reference"}
    numbers = [one for one in other.get("identifier", ()) if one.get("value")]
    return {**rest, "type": other["resourceType"], **({"identifier": numbers[0]} if numbers else {"display": other["resourceType"]})}


def _answer(request: Request, told: Told, header: Resource) -> Resource:
    """The answer to a message, the same however often it comes: made from the ledger alone."""
    issues = [
        {
            "severity": "information" if one.verdict == DONE else "warning",
            "code": "informational" if one.verdict == DONE else "incomplete",
            "details": {"text": one.made or one.reason},
            "expression": [one.focus or "MessageHeader.focus"],
        }
        for one in told.outcomes
    ]
    outcome = {"resourceType": "OperationOutcome", "id": f"{told.id}-outcome", "issue": issues}
    event: Resource = {key: header[key] for key in ("eventCoding", "eventUri") if key in header}
    answer: Resource = {
        "resourceType": "MessageHeader",
        "id": told.id,
        **event,
        "source": {"endpoint": request.base},
        "response": {
            "identifier": told.message_id,
            "code": "ok",
            "details": {"reference": f"{request.base}/OperationOutcome/{outcome['id']}"},
        },
    }
    return {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": told.received_at.isoformat(timespec="milliseconds"),
        "entry": [
            {"fullUrl": f"{request.base}/MessageHeader/{told.id}", "resource": answer},
            {"fullUrl": f"{request.base}/OperationOutcome/{outcome['id']}", "resource": outcome},
        ],
    }
