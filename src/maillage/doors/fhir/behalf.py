"""Who did it, as software that acts for several people tells it: the `X-Provenance` header (https://hl7.org/fhir/R4/provenance.html#header).

The client stays the one who acts, with its own rights; the person named is written beside it, in Provenance, audit, letters and notifications.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from maillage import directory
from maillage.doors.fhir.http import Request
from maillage.kernel.errors import Invalid, Malformed, NotFound
from maillage.store import Transaction

HEADER: Final = "x-provenance"
LONGEST: Final = 4096


async def named(tx: Transaction, request: Request) -> Transaction:
    """The transaction for the person named, at a place where the client may act; the same one when nobody is named, or a person acts.

    Raises `Malformed` (provenance-unreadable) for what is no Provenance, `Invalid` (agent-unknown) for a role that is not of the client's organisations.
    """
    text = request.header(HEADER)
    if not text or tx.actor.kind != "client":
        return tx
    reference = _agent(text)
    try:
        role = await directory.get_role(tx, reference.removeprefix("PractitionerRole/"))
    except NotFound as error:
        raise Invalid.one("agent-unknown", "Provenance.agent.who", reference) from error
    if role.organization_id not in tx.actor.organizations:
        raise Invalid.one("agent-unknown", "Provenance.agent.who", reference)
    return tx.acting_as(replace(tx.actor, role_id=role.id, display=role.display))


def _agent(text: str) -> str:
    """The first agent that is a professional at a place."""
    try:
        told: Any = msgspec.json.decode(text) if len(text) <= LONGEST else None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed.one("provenance-unreadable", HEADER) from error
    if type(told) is not dict or told.get("resourceType") != "Provenance" or type(told.get("agent")) is not list:
        raise Malformed.one("provenance-unreadable", HEADER)
    for agent in told["agent"]:
        who = agent.get("who") if type(agent) is dict else None
        reference = who.get("reference") if type(who) is dict else None
        if type(reference) is str and reference.startswith("PractitionerRole/"):
            return reference
    raise Malformed.one("provenance-unreadable", "Provenance.agent.who", "A reference to a PractitionerRole is expected.")
