"""The audit trail: one event for each patient and act, written in the transaction of the act; no row, no act and no answer.

What one act showed of a type is one row, told as an event for each patient when it is read (ADR 0026).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from maillage.kernel.ids import new_id
from maillage.store import Into, Transaction

LONGEST_QUERY = 16_000
MOST_IN_A_ROW = 200
Shown = tuple[str, str | None]
"""A thing and its patient: `id` or nothing, patient or None."""
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
    "backup": ("R", "export"),
    "restore": ("E", "restore"),
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

    `act` names what is not told by the verb: `login`, `export`, `print`, `break-glass`, `administration`, `audit-read`, `backup`, `restore`.
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
    """Write an event for each (type, id, patient), those of a type in one row: who acts and from where is the transaction's to say."""
    actor, origin = tx.actor, tx.origin
    action, subtype = BY_VERB.get(act or verb) or (action, BY_ACTION[action])
    who = (verb, outcome, actor.kind, actor.id, actor.display, actor.role_id, " ".join(sorted(actor.roles)))
    why = (actor.organization, actor.purpose, origin.software, origin.address, origin.server)
    rest = (query[:LONGEST_QUERY], tx.request_id)
    tx.append(
        _TABLE,
        [(new_id(), tx.now, action, _of_own(kind, verb) or subtype, *who, *why, kind, *named, *rest) for kind, named in _rows(shown)],
        shared=True,
    )


def _rows(shown: Iterable[tuple[str, str, str | None]]) -> Iterator[tuple[str, tuple[str, str | None, str, str]]]:
    """Each row as its type and what it names: a thing and its patient, or patients and things one after the other."""
    by_kind: dict[str, list[Shown]] = defaultdict(list)
    for kind, id, patient in shown:
        by_kind[kind].append((id, patient))
    for kind, all_ in by_kind.items():
        for n in range(0, len(all_), MOST_IN_A_ROW):
            yield kind, _named(all_[n : n + MOST_IN_A_ROW])


def _named(some: list[Shown]) -> tuple[str, str | None, str, str]:
    if len(some) == 1:
        return (*some[0], "", "")
    things = " ".join(id for id, _ in some) if any(id for id, _ in some) else ""
    return "", None, " ".join(patient or "" for _, patient in some), things


def _of_own(kind: str, verb: str) -> str:
    """What is done to things that FHIR does not know: sessions and accounts."""
    if kind == "Session":
        return "logout" if verb == "logout" else "login" if verb.startswith("login") else "administration"
    return "administration" if kind == "Account" else ""


_WHO = ("actor_kind", "actor_id", "actor_name", "role_id", "roles", "organization", "purpose", "software", "address", "server")
_COLUMNS = (
    "id",
    "at",
    "action",
    "subtype",
    "verb",
    "outcome",
    *_WHO,
    "res_type",
    "res_id",
    "patient_id",
    "patients",
    "things",
    "query",
    "request_id",
)
_TABLE = Into("audit_event", tuple((name, "timestamptz" if name == "at" else "text") for name in _COLUMNS))
