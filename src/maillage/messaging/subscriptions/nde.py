"""The French Subscription to events of a person's care (Notification d'Événements 3.0.0, https://interop.esante.gouv.fr/ig/fhir/nde): who subscribes, to what
kind of event, about whom, declared by whom, each in its extension, the people as contained resources.

The event is a CommunicationRequest that a partner declares here; the order that is sent is another one, `basedOn` the Subscription. It says only what the
subscriber said itself, and the address of the event: what is there is read here, with the right to it. No handshake: the guide has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from maillage.messaging.subscriptions.types import Filter, Told

Resource = Mapping[str, Any]
ROOT: Final = "https://interop.esante.gouv.fr/ig/fhir/nde"
EXTENSION: Final = f"{ROOT}/StructureDefinition/"
NEEDED: Final = {
    "start": "valueDateTime",
    "subject": "valueReference",
    "declarant": "valueReference",
    "event-type": "valueCodeableConcept",
    "subscriber": "valueReference",
}
PEOPLE: Final = ("subject", "declarant")
WRITTEN: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode", "code": "ONLINEWRIT"}


def is_nde(resource: Resource) -> bool:
    """Whether a Subscription is one of the French guide: it has one of its extensions, or claims its profile."""
    claimed = resource.get("meta", {}).get("profile", ())
    return any(url.startswith(EXTENSION) for url in (*claimed, *(one.get("url", "") for one in resource.get("extension", ()))))


def told(resource: Resource, name: str) -> list[Any]:
    """The values of one extension of the guide."""
    key = NEEDED.get(name, "valueDateTime")
    return [one[key] for one in resource.get("extension", ()) if one.get("url") == EXTENSION + name and key in one]


def missing(resource: Resource) -> list[str]:
    """The extensions that are not there once, as the profile demands."""
    return [name for name in NEEDED if len(told(resource, name)) != 1]


def unidentified(resource: Resource) -> list[str]:
    """Those of the people whom nothing identifies: no event could ever be told to be about them."""
    return [name for name in PEOPLE if not _identities(told(resource, name)[0], resource)]


def filters(resource: Resource) -> tuple[Filter, ...]:
    """What an event must be: of this kind, about this person, declared by this one."""
    kinds = _codings(told(resource, "event-type")[0])
    people = [Filter(name, _identities(told(resource, name)[0], resource)) for name in PEOPLE]
    return (Filter("event-type", tuple(kinds)), *people)


def event_types(event: Resource) -> Iterator[str]:
    """The kinds of an event; none of an order, which is no event."""
    if not event.get("basedOn"):
        for concept in told(event, "event-type"):
            yield from _codings(concept)


def subjects(event: Resource) -> Iterator[str]:
    """Whom an event is about: `subject`, or `about`."""
    for reference in (event.get("subject"), *event.get("about", ())):
        yield from _identities(reference, event)


def declarants(event: Resource) -> Iterator[str]:
    """Who declared it."""
    yield from _identities(event.get("requester"), event)


def _codings(concept: Mapping[str, Any]) -> Sequence[str]:
    return [f"{coding.get('system', '')}|{coding['code']}" for coding in concept.get("coding", ()) if "code" in coding]


def _identities(reference: Any, resource: Resource) -> tuple[str, ...]:
    """By what somebody is known: the identifiers of the contained resource or of the reference, else the reference itself."""
    if type(reference) is not dict:
        return ()
    target = reference.get("reference", "")
    people = [one for one in resource.get("contained", ()) if target == f"#{one.get('id')}"]
    identifiers = [one for person in people for one in person.get("identifier", ())] + [reference.get("identifier", {})]
    found = [f"{one.get('system', '')}|{one['value']}" for one in identifiers if one.get("value")]
    return tuple(dict.fromkeys(text for text in (*found, "" if target.startswith("#") else target) if text and "," not in text))


def order(subscription: Resource, event: Told, base: str, at: datetime) -> dict[str, Any]:
    """The order to notify (profile nde-notificationrequest)."""
    address = f"{base}/{event.kind}/{event.id}"
    subscriber = told(subscription, "subscriber")[0]
    endpoint = {"url": EXTENSION + "recipient-endpoint", "valueUrl": subscription["channel"]["endpoint"]}
    return {
        "resourceType": "CommunicationRequest",
        "meta": {"profile": [EXTENSION + "nde-notificationrequest"]},
        "contained": [dict(one) for one in subscription.get("contained", ())],
        "extension": [
            {"url": EXTENSION + "event-emission-time", "valueDateTime": at.isoformat(timespec="seconds")},
            {"url": EXTENSION + "event-time", "valueDateTime": event.at.isoformat(timespec="seconds")},
            {"url": EXTENSION + "event-type", "valueCodeableConcept": told(subscription, "event-type")[0]},
        ],
        "basedOn": [{"reference": f"{base}/Subscription/{subscription['id']}"}],
        "status": "active",
        "medium": [{"coding": [WRITTEN]}],
        "subject": told(subscription, "subject")[0],
        "payload": [{"contentReference": {"reference": address}}],
        "requester": told(subscription, "declarant")[0],
        "recipient": [{**subscriber, "extension": [endpoint]}],
    }
