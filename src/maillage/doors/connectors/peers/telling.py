"""One step at the peer's public door: what the Task is about, its files, the verb. Told twice it is played once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from maillage.doors.connectors.peers.client import Away, PeerClient, Refused
from maillage.journeys import exchange
from maillage.journeys.exchange import Parcel

Content = Callable[[str], Awaitable[Mapping[str, Any]]]
"""The bytes of a file, as `$attach` takes them."""

TRIES = 3
"""How often a verb is decided anew when somebody was faster there."""


@dataclass(frozen=True, slots=True)
class _Call:
    """An operation on a Task, by whom, and the key under which it is done once."""

    target: str
    operation: str
    body: Mapping[str, Any]
    key: str
    role: str


async def tell(http: PeerClient, parcel: Parcel, content: Content) -> None:
    """Play one step at the peer. Raises `Away`, `Refused`."""
    if parcel.request:
        await _bring(http, parcel)
    for file in parcel.files:
        await _decide(http, _Call(parcel.task, "attach", await content(file), f"{parcel.key}.{file}", parcel.role))
    if parcel.verb != "attach":
        await _decide(http, _Call(parcel.target, parcel.verb, parcel.parameters, parcel.key, parcel.role))


async def _bring(http: PeerClient, parcel: Parcel) -> None:
    """What the Task is about, unless the peer has it: the patient once, then the request with its answers in one transaction."""
    status, _, _ = await http.ask("GET", f"Task/{parcel.task}")
    if status == 200:
        return
    patient, condition = exchange.named_patient(parcel.patient)
    _, there, _ = await http.ask("POST", "Patient", patient, if_none_exist=condition)
    package = exchange.bundle(parcel.request, parcel.form, parcel.services, str(there.get("id", "")))
    try:
        await http.ask("POST", "", package, idempotency_key=f"{parcel.key}.request")
    except Refused as error:
        _unless_done(error)


async def _decide(http: PeerClient, call: _Call) -> None:
    """On the version that stands there; anew when somebody was faster."""
    for _ in range(TRIES):
        status, _, headers = await http.ask("GET", f"Task/{call.target}")
        if status != 200:
            raise Refused("not-found")
        try:
            status = await _play(http, call, headers.get("etag", ""))
        except Refused as error:
            _unless_done(error)
            return
        if status < 300:
            return
        if status != 412:
            raise Refused("not-found")
    raise Away("busy")


def _unless_done(error: Refused) -> None:
    """A key is kept with what it did: one that was used, on the version of then, tells that the answer was lost on its way to us."""
    if str(error) != "idempotency-key-reused":
        raise error


async def _play(http: PeerClient, call: _Call, version: str) -> int:
    """With who played it here; the peer may not know the person, and takes it from us all the same."""
    path, told = f"Task/{call.target}/${call.operation}", {"if_match": version, "idempotency_key": call.key}
    if call.role:
        who = {"resourceType": "Provenance", "agent": [{"who": {"reference": f"PractitionerRole/{call.role}"}}]}
        try:
            return (await http.ask("POST", path, call.body, x_provenance=msgspec.json.encode(who).decode(), **told))[0]
        except Refused as error:
            if str(error) != "agent-unknown":
                raise
    return (await http.ask("POST", path, call.body, **told))[0]
