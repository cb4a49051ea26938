"""The audit trail: one row for each patient and act, written in the transaction of the act; no row, no act and no answer."""

from __future__ import annotations

from collections.abc import Iterable

from maillage.kernel.ids import new_id
from maillage.store import Into, Transaction

LONGEST_QUERY = 16_000
BY_ACTION = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "operation"}
BY_VERB = {
    "search": ("E", "search-type"),
    "search-system": ("E", "search-system"),
    "vread": ("R", "vread"),
    "history": ("R", "history-instance"),
    "history-type": ("R", "history-type"),
    "history-system": ("R", "history-system"),
    "patch": ("U", "patch"),
    "login": ("E", "login"),
    "logout": ("E", "logout"),
    "export": ("R", "export"),
    "print": ("R", "print"),
    "break-glass": ("E", "break-glass"),
    "audit-read": ("R", "audit-log-used"),
    "administration": ("E", "administration"),
}
"""Verb -> action and subtype, where the action alone does not tell the interaction (https://hl7.org/fhir/R4/valueset-audit-event-sub-type.html)."""


async def audit(
    tx: Transaction,
    action: str,
    kind: str,
    id: str = "",
    *,
    patient: str | None = None,
    verb: str = "",
    outcome: str = "0",
    query: str = "",
    act: str = "",
) -> None:
    """Write one audit row: `action` is C, R, U, D or E as in FHIR AuditEvent; `outcome` 0 success, 4 minor, 8 serious failure.

    `act` names what is not told by the verb: `login`, `export`, `print`, `break-glass`, `administration`, `audit-read`.
    """
    await audit_many(tx, action, [(kind, id, patient)], verb=verb, outcome=outcome, query=query, act=act)


async def audit_many(
    tx: Transaction,
    action: str,
    shown: Iterable[tuple[str, str, str | None]],
    *,
    verb: str = "",
    outcome: str = "0",
    query: str = "",
    act: str = "",
) -> None:
    """Write one row for each (type, id, patient): who acts and from where is the transaction's to say."""
    actor, origin = tx.actor, tx.origin
    action, subtype = BY_VERB.get(act or verb) or (action, BY_ACTION[action])
    who = (verb, outcome, actor.kind, actor.id, actor.display, actor.role_id, " ".join(sorted(actor.roles)))
    why = (actor.organization, actor.purpose, origin.software, origin.address, origin.server)
    rest = (query[:LONGEST_QUERY], tx.request_id)
    tx.append(
        _TABLE,
        [(new_id(), tx.now, action, _of_own(kind, verb) or subtype, *who, *why, kind, id, patient, *rest) for kind, id, patient in shown],
        shared=True,
    )


def _of_own(kind: str, verb: str) -> str:
    """What is done to things that FHIR does not know: sessions and accounts."""
    if kind == "Session":
        return "logout" if verb == "logout" else "login" if verb.startswith("login") else "administration"
    return "administration" if kind == "Account" else ""


_WHO = ("actor_kind", "actor_id", "actor_name", "role_id", "roles", "organization", "purpose", "software", "address", "server")
_COLUMNS = ("id", "at", "action", "subtype", "verb", "outcome", *_WHO, "res_type", "res_id", "patient_id", "query", "request_id")
_TABLE = Into("audit_event", tuple((name, "timestamptz" if name == "at" else "text") for name in _COLUMNS))
