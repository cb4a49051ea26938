"""What can be subscribed to: one topic for each type whose events partners follow, and the filters that it takes.

Topics are told in the CapabilityStatement, as R4 has no SubscriptionTopic
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/, capabilitystatement-subscriptiontopic-canonical).
A filter is judged on the version that the event is about, not on what the resource has become since: an event is never missed because we were late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from maillage.codes.systems import own_canonical
from maillage.messaging.subscriptions import nde
from maillage.messaging.subscriptions.types import Filter

Resource = Mapping[str, Any]
Values = Callable[[Resource], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its canonical URL, the type of its focus, its filters by name."""

    name: str
    focus_type: str
    filters: Mapping[str, Values]
    address: str = ""

    @property
    def url(self) -> str:
        """The canonical URL, without version."""
        return self.address or own_canonical("SubscriptionTopic", self.name)


def _code(name: str) -> Values:
    def values(resource: Resource) -> Iterator[str]:
        if type(resource.get(name)) is str:
            yield resource[name]

    return values


def _concepts(name: str) -> Values:
    def values(resource: Resource) -> Iterator[str]:
        for concept in _listed(resource.get(name)):
            for coding in concept.get("coding", ()):
                code = coding.get("code", "")
                yield code
                yield f"{coding.get('system', '')}|{code}"

    return values


def _references(*path: str) -> Values:
    def values(resource: Resource) -> Iterator[str]:
        found: Sequence[Any] = [resource]
        for name in path:
            found = [child for item in found for child in _listed(item.get(name))]
        for reference in found:
            text = reference.get("reference", "")
            yield text
            yield text.rpartition("/")[2]

    return values


def _listed(value: Any) -> Sequence[Any]:
    return [item for item in (value if type(value) is list else [value]) if type(item) is dict]


_PEOPLE = _references("participant", "actor")

TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        "referral",
        "ServiceRequest",
        {
            "status": _code("status"),
            "priority": _code("priority"),
            "category": _concepts("category"),
            "code": _concepts("code"),
            "patient": _references("subject"),
            "performer": _references("performer"),
            "requester": _references("requester"),
        },
    ),
    Topic(
        "task",
        "Task",
        {
            "status": _code("status"),
            "business-status": _concepts("businessStatus"),
            "priority": _code("priority"),
            "code": _concepts("code"),
            "patient": _references("for"),
            "owner": _references("owner"),
            "requester": _references("requester"),
            "focus": _references("focus"),
        },
    ),
    Topic(
        "appointment",
        "Appointment",
        {
            "status": _code("status"),
            "service-type": _concepts("serviceType"),
            "patient": _PEOPLE,
            "practitioner": _PEOPLE,
            "location": _PEOPLE,
            "actor": _PEOPLE,
            "based-on": _references("basedOn"),
        },
    ),
)
NDE: Final = Topic(
    "nde", "CommunicationRequest", {"event-type": nde.event_types, "subject": nde.subjects, "declarant": nde.declarants}, nde.ROOT
)
"""Subscriptions of the French guide have no topic: they are kept apart, and told of CommunicationRequests alone."""

BY_URL: Final = {topic.url: topic for topic in TOPICS}
BY_TYPE: Final = {topic.focus_type: topic for topic in (*TOPICS, NDE)}


def matches(topic: Topic, filters: Sequence[Filter], resource: Resource) -> bool:
    """Whether a version of the focus passes every filter: one of the values of each must be there (AND of ORs, as the guide says)."""
    return all(not set(topic.filters[one.name](resource)).isdisjoint(one.values) for one in filters)
