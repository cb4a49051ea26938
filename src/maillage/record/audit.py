"""The audit trail: one row per patient and act, written in the transaction of the act (security.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from maillage.kernel.actor import Actor
from maillage.kernel.ids import new_id
from maillage.store import Transaction


async def audit(
    tx: Transaction,
    action: str,
    kind: str,
    id: str = "",
    *,
    patient: str | None = None,
    verb: str = "",
    outcome: str = "0",
    query_hash: str = "",
) -> None:
    """Write one audit row: `action` is C, R, U, D or E as in FHIR AuditEvent; `outcome` 0 success, 4 minor, 8 serious failure."""
    await audit_many(tx, action, [(kind, id, patient)], verb=verb, outcome=outcome, query_hash=query_hash)


async def audit_many(
    tx: Transaction,
    action: str,
    shown: Iterable[tuple[str, str, str | None]],
    *,
    verb: str = "",
    outcome: str = "0",
    query_hash: str = "",
) -> None:
    """Write one row for each (type, id, patient)."""
    actor = tx.actor
    told = (tx.now, action, verb, outcome, actor.kind, actor.id, actor.role_id, actor.organization)
    tx.append(_INSERT, [(new_id(), *told, kind, id, patient, query_hash, tx.request_id) for kind, id, patient in shown])


_INSERT = """INSERT INTO audit_event (id, at, action, verb, outcome, actor_kind, actor_id, role_id, organization,
    res_type, res_id, patient_id, query_hash, request_id)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])"""


async def audit_trail(
    tx: Transaction,
    actor: Actor,
    *,
    id: str | None = None,
    patient: str | None = None,
    focus: tuple[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
) -> Sequence[dict[str, Any]]:
    """The AuditEvents of the actor's own organisations, newest first, as FHIR resources."""
    rows = await tx.fetch(
        """
        SELECT * FROM audit_event
        WHERE organization = ANY ($1::text[])
            AND ($2::text IS NULL OR patient_id = $2) AND ($3::text IS NULL OR (res_type = $3 AND res_id = $4))
            AND ($5::timestamptz IS NULL OR at >= $5) AND ($8::timestamptz IS NULL OR at < $8) AND ($7::text IS NULL OR id = $7)
        ORDER BY seq DESC LIMIT $6
        """,
        list(actor.organizations),
        patient,
        focus[0] if focus else None,
        focus[1] if focus else None,
        since,
        limit,
        id,
        until,
    )
    return [render_audit_event(row) for row in rows]


_SUBTYPES = {"C": "create", "R": "read", "U": "update", "D": "delete", "E": "operation"}


def render_audit_event(row: Any) -> dict[str, Any]:
    """One audit row as an AuditEvent in the shape of IHE Basic Audit Log Patterns."""
    who = {"reference": f"PractitionerRole/{row['role_id']}"} if row["role_id"] else {"display": f"{row['actor_kind']} {row['actor_id']}"}
    entities: list[dict[str, Any]] = []
    if row["res_id"]:
        entities.append({"what": {"reference": f"{row['res_type']}/{row['res_id']}"}})
    if row["patient_id"]:
        entities.append({"what": {"reference": f"Patient/{row['patient_id']}"}, "role": {"code": "1", "display": "Patient"}})
    if row["request_id"]:
        entities.append({"what": {"identifier": {"value": row["request_id"]}}})
    return {
        "resourceType": "AuditEvent",
        "id": row["id"],
        "meta": {"versionId": "1", "lastUpdated": row["at"].isoformat(timespec="milliseconds")},
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [
            {"system": "http://hl7.org/fhir/restful-interaction", "code": _SUBTYPES[row["action"]]}
            | ({"display": row["verb"]} if row["verb"] else {})
        ],
        "action": row["action"],
        "recorded": row["at"].isoformat(timespec="milliseconds"),
        "outcome": row["outcome"],
        "purposeOfEvent": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": row["purpose"]}]}],
        "agent": [{"who": who, "requestor": True}, {"who": {"reference": f"Organization/{row['organization']}"}, "requestor": False}]
        if row["organization"]
        else [{"who": who, "requestor": True}],
        "source": {"observer": {"display": "maillage"}},
        **({"entity": entities} if entities else {}),
    }
