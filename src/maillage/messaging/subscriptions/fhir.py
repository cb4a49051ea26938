"""How a subscriber is told, in R4: a Bundle of type history whose first entry is the status as Parameters.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription-notification-r4.html
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from maillage.codes.systems import OWN_ISSUE
from maillage.kernel.ids import new_id
from maillage.messaging.subscriptions.rules import BACKPORT
from maillage.messaging.subscriptions.types import Subscription, Told

PROFILE: Final = BACKPORT + "backport-subscription"
REQUESTS: Final = {"create": ("POST", "201"), "update": ("PUT", "200"), "delete": ("DELETE", "204")}


def rendered(resource: dict[str, Any], status: str, error: str) -> dict[str, Any]:
    """The Subscription as it stands: what was asked, and what only the server says."""
    rest = {key: value for key, value in resource.items() if key not in ("status", "error", "meta")}
    meta = {key: value for key, value in resource.get("meta", {}).items() if key in ("profile", "tag")}
    told = {"error": error} if error else {}
    return {"resourceType": "Subscription", "id": resource["id"], **({"meta": meta} if meta else {}), **rest, "status": status, **told}


def status_of(subscription: Subscription, base: str, kind: str, events: Sequence[Told] = ()) -> dict[str, Any]:
    """What R5 calls SubscriptionStatus. With content `empty` neither topic nor focus is told (payloads of the guide)."""
    shown = subscription.content != "empty"
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{subscription.id}"}},
        *([{"name": "topic", "valueCanonical": subscription.topic}] if shown else ()),
        {"name": "status", "valueCode": subscription.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(subscription.events)},
        *(_event(one, base, shown=shown) for one in events),
    ]
    if subscription.error:
        coding = {"system": OWN_ISSUE, "code": subscription.error}
        parameters.append({"name": "error", "valueCodeableConcept": {"coding": [coding]}})
    meta = {"profile": [BACKPORT + "backport-subscription-status-r4"]}
    return {"resourceType": "Parameters", "id": new_id(), "meta": meta, "parameter": parameters}


def _event(one: Told, base: str, *, shown: bool) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(one.number)},
        {"name": "timestamp", "valueInstant": one.at.isoformat(timespec="milliseconds")},
    ]
    if shown:
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{one.kind}/{one.id}", "type": one.kind}})
    return {"name": "notification-event", "part": parts}


def notification(subscription: Subscription, base: str, at: datetime, kind: str, events: Sequence[Told] = ()) -> dict[str, Any]:
    """The Bundle that is sent, or answered to `$events`: the status, then for `id-only` one entry without resource for each focus."""
    status = status_of(subscription, base, kind, events)
    first = {
        "fullUrl": f"urn:uuid:{status['id']}",
        "resource": status,
        "request": {"method": "GET", "url": f"{base}/Subscription/{subscription.id}/$status"},
        "response": {"status": "200"},
    }
    shown = subscription.content != "empty" and bool(events)
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [BACKPORT + "backport-subscription-notification-r4"]},
        "type": "history",
        "timestamp": at.isoformat(timespec="milliseconds"),
        "entry": [first, *([_focus(one, base) for one in events] if shown else ())],
    }


def _focus(one: Told, base: str) -> dict[str, Any]:
    method, status = REQUESTS[one.act]
    place = one.kind if method == "POST" else f"{one.kind}/{one.id}"
    return {"fullUrl": f"{base}/{one.kind}/{one.id}", "request": {"method": method, "url": place}, "response": {"status": status}}


__all__ = ["PROFILE", "notification", "rendered", "status_of"]
