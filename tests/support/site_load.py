"""What a site sends to the server, as it goes over the wire: records opened, worklists looked at, people looked for, and what is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from tests.support.serving import Server
from tests.support.web import SAME_SITE, hidden

Lanes = dict[str, tuple[float, list[str]]]
"""The share and the requests of each kind."""

UNCOUNTED = {
    f"MAILLAGE_EDGE__{name}": "0"
    for name in (
        "PER_ADDRESS",
        "PER_PERSON",
        "PER_CLIENT",
        "PER_ORGANIZATION",
        "BREAK_GLASS",
        "LOGIN_PER_ADDRESS",
        "PATIENT_SEARCH_BY_CLIENT",
    )
}
"""The load is one client at one address, far above what one may ask."""

SHARES = {"read": 0.45, "worklist": 0.28, "identifier": 0.15, "create": 0.10, "emergency": 0.02}
"""Of what is sent. One request in ten writes; two in a hundred are emergencies, more than there are, so that a run holds enough of them to judge."""

SYSTEM = "https://essai.example/overload"
PEOPLE, TASKS = 40, 200
CALLERS = [f"198.51.100.{number}" for number in range(1, 41)]
"""Where requests come from, as the proxy before the server tells."""


def wire(
    server: Server, headers: Mapping[str, str], method: str = "GET", path: str = "/fhir/HealthcareService?_count=1", body: Any = None
) -> str:
    """A request as it goes over the wire."""
    content = json.dumps(body) if body is not None else ""
    told = {"host": f"127.0.0.1:{server.port}", **headers, **({"content-length": str(len(content))} if method != "GET" else {})}
    return "\r\n".join([f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items()), "", content])


def forwarded(texts: list[str]) -> list[str]:
    """The same as a proxy hands them on, in turn for each of its callers."""
    told = zip(texts * (len(CALLERS) // len(texts) + 1), CALLERS, strict=False)
    return [text.replace("\r\n\r\n", f"\r\nx-forwarded-for: {caller}\r\n\r\n", 1) for text, caller in told]


def furnish(client: httpx.Client) -> list[str]:
    """People and tasks to ask for; the ids of the people."""
    people = [_made(client, "Patient", _patient(number)) for number in range(PEOPLE)]
    for number in range(TASKS):
        _made(client, "Task", _task(people[number % PEOPLE]))
    return people


def lanes(server: Server, headers: Mapping[str, str], people: list[str]) -> Lanes:
    """What machines ask for."""
    asked = {
        "read": [wire(server, headers, path=f"/fhir/Patient/{person}") for person in people],
        "worklist": [wire(server, headers, path="/fhir/Task?status=requested&_count=20&_sort=-_lastUpdated")],
        "identifier": [wire(server, headers, path=f"/fhir/Patient?identifier={SYSTEM}|{number}") for number in range(PEOPLE)],
        "create": [wire(server, headers, "POST", "/fhir/ServiceRequest", _request(person)) for person in people],
        "emergency": [wire(server, headers, "POST", "/fhir/Patient/absent-0/$break-glass")],
    }
    return {name: (SHARES[name], forwarded(texts)) for name, texts in asked.items()}


def pages(server: Server) -> Lanes:
    """What a city doctor looks at: what waits, requests, records, and the page that breaks the glass."""
    with httpx.Client(base_url=server.base, timeout=30) as client:
        form = hidden(client.get("/connexion"))
        client.post("/connexion", data={"_csrf": form["_csrf"], "login": "medecin-creteil"}, headers=SAME_SITE)
        home = client.get("/").text
        seen = {path: client.get(path) for path in sorted(set(re.findall(r'href="(/demandes/[0-9a-f-]{36})"', home)))}
        requests = [path for path, page in seen.items() if page.status_code == 200]  # a draft leads to its form
        people = sorted({found for path in requests for found in re.findall(r'href="(/patients/[0-9a-f-]{36})"', seen[path].text)})
        cookie = {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}
    assert requests
    assert people
    asked = {
        "home": (0.3, ["/"]),
        "request": (0.4, requests),
        "record": (0.28, people),
        "emergency": (0.02, [f"{person}/urgence" for person in people]),
    }
    return {name: (share, forwarded([wire(server, cookie, path=path) for path in paths])) for name, (share, paths) in asked.items()}


def _made(client: httpx.Client, kind: str, resource: dict[str, Any]) -> str:
    answer = client.post(f"/fhir/{kind}", json={"resourceType": kind, **resource})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _patient(number: int) -> dict[str, Any]:
    named = {"name": [{"family": "Essai", "given": ["Un"]}], "gender": "female", "birthDate": "1959-03-02"}
    return {"identifier": [{"system": SYSTEM, "value": str(number)}], **named}


def _task(person: str) -> dict[str, Any]:
    about = {"for": {"reference": f"Patient/{person}"}, "description": "x" * 300, "authoredOn": "2026-11-16T08:00:00+01:00"}
    return {"status": "requested", "intent": "order", "code": {"text": "Consultation"}, **about}


def _request(person: str) -> dict[str, Any]:
    about = {"subject": {"reference": f"Patient/{person}"}, "code": {"text": "Consultation"}, "note": [{"text": "n" * 1500}]}
    return {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "authoredOn": "2026-11-16T08:00:00+01:00", **about}
