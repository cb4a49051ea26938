"""To FHIR: Schedule (a vacation, or one dated session of it), Slot, Appointment, as FR Core 2.2.0 wants them.

A vacation is the Schedule with the recurrence. A dated session is a Schedule of one day: it has its own version, its own
actors (a substitute is the one who will be there), and its slots name it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from maillage.booking import rules
from maillage.booking.types import ExceptionKind, Row, SlotStatus
from maillage.codes import specialties, systems
from maillage.codes.json import decode, encode_text
from maillage.kernel.errors import Invalid
from maillage.kernel.period import PARIS, Period

Resource = dict[str, Any]

EXT_SESSION = systems.own_extension("vacation-session")
EXT_RESERVED = systems.own_extension("slot-reserved")
EXT_ATTENDANCE = systems.own_extension("appointment-attendance")
RRULE_SYSTEM = "https://www.ietf.org/rfc/rfc2445"
PRIORITY_NUMBERS = {"stat": 1, "asap": 2, "urgent": 5, "routine": 9}
"""iCal priorities: 1 is the highest, 9 the lowest."""
_CANCELLATION = {"patient": "pat", "hospital": "prov", "host": "prov"}


def priority_of(number: object) -> str:
    """The request priority of an Appointment.priority: the least pressing one when it says nothing."""
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return "routine"
    return next((code for code, most in PRIORITY_NUMBERS.items() if number <= most), "routine")


def instant(at: datetime) -> str:
    """An instant with the offset of Paris, as shared agendas write it."""
    return at.astimezone(PARIS).isoformat(timespec="milliseconds")


def render_vacation(row: Row, exceptions: Iterable[Row]) -> Resource:
    """The Schedule of a vacation: recurrence first, then one availability or unavailability for each dated exception."""
    parts = [_recurrence(row)]
    for exception in sorted(exceptions, key=lambda e: e["day"]):
        parts += _exception(row, exception)
    return {
        "resourceType": "Schedule",
        "id": row["id"],
        "meta": {"profile": [systems.PROFILE_SCHEDULE]},
        "extension": [*parts, _duration(row)],
        "identifier": [{"system": systems.OWN_SCHEDULE_NUMBER, "value": row["id"]}],
        "active": row["active"],
        "specialty": [_specialty(row)],
        "actor": _schedule_actors(row),
        "planningHorizon": _horizon(row["valid_from"], row["valid_to"]),
    }


def render_session(row: Row) -> Resource:
    """The Schedule of one dated session: one availability without recurrence, and its state."""
    free = row["status"] in ("planned", "open", "running")
    session = [
        {"url": "vacation", "valueReference": {"reference": f"Schedule/{row['vacation_id']}"}},
        {"url": "day", "valueDate": row["day"].isoformat()},
        {"url": "status", "valueCoding": {"system": systems.OWN_SESSION_STATE, "code": row["status"]}},
    ]
    number = f"{row['vacation_id']}/{row['day'].isoformat()}"
    window = Period(row["starts_at"], row["ends_at"])
    return {
        "resourceType": "Schedule",
        "id": row["id"],
        "meta": {"profile": [systems.PROFILE_SCHEDULE]},
        "extension": [{"url": EXT_SESSION, "extension": session}, _availability(number, window, free=free), _duration(row)],
        "identifier": [{"system": systems.OWN_SCHEDULE_NUMBER, "value": row["id"]}],
        "active": row["status"] in ("open", "at-risk", "running"),
        "specialty": [_specialty(row)],
        "actor": _schedule_actors(row),
        "planningHorizon": {"start": instant(row["starts_at"]), "end": instant(row["ends_at"])},
    }


def render_slot(row: Row) -> Resource:
    """One Slot. A reservation is shown until it is released, with whom it is for and until when."""
    extensions: list[Resource] = [
        {"url": systems.EXT_SLOT_SERVICE_TYPE, "valueReference": {"reference": f"HealthcareService/{row['healthcare_service_id']}"}}
    ]
    if row["reserved_for"] and row["released_at"] is None:
        reserved: list[Resource] = [{"url": "kind", "valueCode": row["reserved_for"]}]
        if row["reserved_org"]:
            reserved.append({"url": "organization", "valueReference": {"reference": f"Organization/{row['reserved_org']}"}})
        reserved.append({"url": "release", "valueInstant": instant(row["release_at"])})
        extensions.append({"url": EXT_RESERVED, "extension": reserved})
    return {
        "resourceType": "Slot",
        "id": row["id"],
        "meta": {"profile": [systems.PROFILE_SLOT], **_shown_to(row)},
        "extension": extensions,
        "specialty": [_specialty(row)],
        "appointmentType": {"coding": [{"system": systems.APPOINTMENT_TYPE, "code": "ROUTINE"}]},
        "schedule": {"reference": f"Schedule/{row['session_id']}"},
        "status": row["status"],
        "start": instant(row["starts_at"]),
        "end": instant(row["ends_at"]),
    }


def _shown_to(row: Row) -> Resource:
    """To whom the SAS may show the slot (TRE_R314): to nobody while it is reserved."""
    if not row["type_creneau"] or (row["reserved_for"] and row["released_at"] is None):
        return {}
    return {"security": [{"system": systems.TYPE_CRENEAU, "code": row["type_creneau"]}]}


def render_appointment(row: Row) -> Resource:
    """One Appointment. A line of the waiting list has no slot; a cancelled one keeps the hours that it had."""
    slot = row["slot_id"] or row["offered_slot_id"]
    resource: Resource = {
        "resourceType": "Appointment",
        "id": row["id"],
        "meta": {"profile": [systems.PROFILE_APPOINTMENT]},
        "extension": _appointment_extensions(row),
        "identifier": [{"system": systems.OWN_APPOINTMENT_NUMBER, "value": row["id"]}, *decode(row["partner_identifiers"] or "[]")],
        "status": row["status"],
        "cancelationReason": _cancellation(row),
        "specialty": [_specialty(row)],
        "priority": PRIORITY_NUMBERS[row["priority"]],
        "supportingInformation": [{"reference": f"Task/{row['task_id']}"}] if row["task_id"] else None,
        "start": instant(row["starts_at"]) if row["starts_at"] else None,
        "end": instant(row["ends_at"]) if row["starts_at"] else None,
        "minutesDuration": (row["ends_at"] - row["starts_at"]).total_seconds() // 60 if row["starts_at"] else None,
        "slot": [{"reference": f"Slot/{slot}"}] if slot else None,
        "created": instant(row["created_at"]),
        "basedOn": [{"reference": f"ServiceRequest/{row['based_on']}"}] if row["based_on"] else None,
        "participant": _participants(row),
    }
    if resource["minutesDuration"] is not None:
        resource["minutesDuration"] = int(resource["minutesDuration"])
    return {key: value for key, value in resource.items() if value is not None}


def _appointment_extensions(row: Row) -> list[Resource]:
    found: list[Resource] = [
        {"url": systems.EXT_APPOINTMENT_OPERATOR, "valueReference": {"reference": f"Organization/{row['requester_org']}"}}
    ]
    dates = {
        "expires": row["expires_at"],
        "confirm-asked": row["confirm_asked_at"],
        "to-call": row["to_call_at"],
        "confirmed": row["confirmed_at"],
        "arrived": row["arrived_at"],
        "called-in": row["called_in_at"],
        "absence-proposed": row["absence_proposed_at"],
    }
    parts = [{"url": url, "valueInstant": instant(at)} for url, at in dates.items() if at]
    return [*found, {"url": EXT_ATTENDANCE, "extension": parts}] if parts else found


def _cancellation(row: Row) -> Resource | None:
    if row["status"] == "noshow":
        return {"coding": [{"system": systems.OWN_REASON, "code": row["absence_reason"]}]}
    if row["status"] != "cancelled":
        return None
    standard = _CANCELLATION.get(row["cancel_side"], "other")
    codings = [
        {"system": systems.OWN_REASON, "code": row["cancel_reason"]},
        {"system": systems.APPOINTMENT_CANCELLATION, "code": standard},
    ]
    return {"coding": codings, **({"text": row["cancel_comment"]} if row["cancel_comment"] else {})}


def _participants(row: Row) -> list[Resource]:
    answered = row["confirmed_at"] or row["status"] in ("arrived", "checked-in", "fulfilled")
    patient = "declined" if row["status"] == "cancelled" and row["cancel_side"] == "patient" else "accepted" if answered else "needs-action"
    others = "tentative" if row["status"] in ("pending", "waitlist") else "declined" if row["status"] == "cancelled" else "accepted"
    found = [_participant("Patient", row["patient_id"], patient)]
    if row["practitioner_role_id"]:
        found.append(_participant("PractitionerRole", row["practitioner_role_id"], others))
        found.append(_participant("Practitioner", row["practitioner_id"], others))
    if row["location_id"]:
        found.append(_participant("Location", row["location_id"], others))
    return [*found, _participant("HealthcareService", row["healthcare_service_id"], others)]


def _participant(kind: str, id: str, status: str) -> Resource:
    return {"actor": {"reference": f"{kind}/{id}"}, "required": "required", "status": status}


def _specialty(row: Row) -> Resource:
    return {"coding": [specialties.coding(row["specialty"])]}


def _schedule_actors(row: Row) -> list[Resource]:
    kinds = ("PractitionerRole", "Practitioner", "HealthcareService", "Location", "Location")
    columns = ("practitioner_role_id", "practitioner_id", "healthcare_service_id", "location_id", "room_id")
    return [{"reference": f"{kind}/{row[column]}"} for kind, column in zip(kinds, columns, strict=True)]


def _horizon(first: date, last: date | None) -> Resource:
    return {"start": first.isoformat(), **({"end": last.isoformat()} if last else {})}


def _duration(row: Row) -> Resource:
    service = {"coding": [{"system": systems.own_code_system("healthcare-service"), "code": row["healthcare_service_id"]}]}
    minutes = {"value": row["slot_minutes"], "unit": "minute", "system": systems.UCUM, "code": "min"}
    return {
        "url": systems.EXT_SERVICE_TYPE_DURATION,
        "extension": [{"url": "serviceType", "valueCodeableConcept": service}, {"url": "duration", "valueDuration": minutes}],
    }


def _availability(number: str, window: Period, *, free: bool, rrule: Resource | None = None) -> Resource:
    code, display = ("free", "Disponibilité") if free else ("busy-unavailable", "Indisponibilité")
    parts: list[Resource] = [
        {"url": "identifier", "valueIdentifier": {"system": systems.OWN_SCHEDULE_NUMBER, "value": number}},
        {"url": "type", "valueCoding": {"system": systems.FR_SCHEDULE_TYPE, "code": code, "display": display}},
        *([rrule] if rrule else []),
        {"url": "start", "valueDateTime": instant(window.start)},
        {"url": "end", "valueDateTime": instant(window.end)},
    ]
    return {"url": systems.EXT_SCHEDULE_AVAILABILITY, "extension": parts}


_FREQUENCIES = {"WEEKLY": "Par semaine", "MONTHLY": "Par mois"}


def _recurrence(row: Row) -> Resource:
    parts = rules.read_rrule(row["rrule"])
    freq = {"system": RRULE_SYSTEM, "code": parts["FREQ"], "display": _FREQUENCIES[parts["FREQ"]]}
    rule: list[Resource] = [{"url": "freq", "valueCoding": freq}]
    if row["valid_to"]:
        rule.append({"url": "until", "valueDateTime": row["valid_to"].isoformat()})
    rule.append({"url": "interval", "valueInteger": int(parts["INTERVAL"])})
    rule += [{"url": "byDay", "valueString": day} for day in parts["BYDAY"].split(",")]
    window = rules.session_period(row["valid_from"], row["starts"], row["ends"])
    return _availability(row["id"], window, free=True, rrule={"url": "rrule", "extension": rule})


def _exception(row: Row, exception: Row) -> list[Resource]:
    """A closed or moved day is an unavailability; a moved or extra one is an availability of its own."""
    number = f"{row['id']}/{exception['day'].isoformat()}"
    found = []
    if exception["kind"] != ExceptionKind.EXTRA:
        found.append(_availability(number, rules.session_period(exception["day"], row["starts"], row["ends"]), free=False))
    if exception["kind"] != ExceptionKind.CLOSED:
        starts = row["starts"] if exception["starts"] is None else exception["starts"]
        ends = row["ends"] if exception["ends"] is None else exception["ends"]
        window = rules.session_period(exception["to_day"] or exception["day"], starts, ends)
        found.append(_availability(f"{number}/{exception['kind']}", window, free=True))
    return found


def slot_state(row: Row, now: datetime) -> str:
    """The state of a slot as the room speaks of it: free, reserved, held, booked, blocked."""
    if row["status"] == SlotStatus.FREE:
        kept = row["reserved_for"] and row["released_at"] is None and row["release_at"] > now
        return "reserved" if kept else "free"
    return {SlotStatus.HELD: "held", SlotStatus.BOOKED: "booked", SlotStatus.BLOCKED: "blocked"}[SlotStatus(row["status"])]


# --- from FHIR ---------------------------------------------------------------------------------------------------


def reference_id(reference: object, kind: str) -> str | None:
    """The id in a relative reference to `kind`, or None."""
    value = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(value, str) or not value.startswith(f"{kind}/"):
        return None
    return value.removeprefix(f"{kind}/").partition("/")[0] or None


def _items(resource: Resource, name: str) -> list[Any]:
    found = resource.get(name)
    return found if isinstance(found, list) else []


def first_reference(resource: Resource, name: str, kind: str) -> str | None:
    """The first reference to `kind` in a repeated element, or None."""
    return next((id for item in _items(resource, name) if (id := reference_id(item, kind))), None)


def participant_id(resource: Resource, kind: str) -> str | None:
    """The first participant of `kind`, or None."""
    actors = (item.get("actor") for item in _items(resource, "participant") if isinstance(item, dict))
    return next((id for actor in actors if (id := reference_id(actor, kind))), None)


def booking_request(resource: Resource) -> dict[str, Any]:
    """What a posted Appointment asks of us: slot, patient, priority, request and Task, as the verbs take them.

    Raises `Invalid` when the patient is missing, or when more than one slot is asked for.
    """
    patient = participant_id(resource, "Patient")
    if patient is None:
        raise Invalid.one("patient-missing", "Appointment.participant", "one participant must be a Patient of this server")
    if len(_items(resource, "slot")) > 1:
        raise Invalid.one("one-slot-only", "Appointment.slot", "an appointment takes one slot")
    return {
        "slot": first_reference(resource, "slot", "Slot"),
        "patient": patient,
        "priority": priority_of(resource.get("priority")),
        "based_on": first_reference(resource, "basedOn", "ServiceRequest"),
        "task": first_reference(resource, "supportingInformation", "Task"),
        "partner_identifiers": _partner_identifiers(resource),
    }


def _partner_identifiers(resource: Resource) -> str | None:
    """The numbers that a partner gave, as they came; none of ours."""
    told = [one for one in _items(resource, "identifier") if isinstance(one, dict) and one.get("system") != systems.OWN_APPOINTMENT_NUMBER]
    return encode_text(told) if told else None
