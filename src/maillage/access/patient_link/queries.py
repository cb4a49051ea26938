"""Reading links and the pages that they opened; run as the system, before anybody is known."""

from __future__ import annotations

from typing import Any

from maillage.access.identity.secret import digest
from maillage.access.identity.types import TOUCH
from maillage.access.patient_link.types import ASSURANCE, KEPT, RECORD_IDLE, Focus, Link, PatientVisit
from maillage.store import Transaction

_VISIT = """
    SELECT id, patient_id, res_type, res_id, csrf, began_at, seen_at, ends_at, assurance, provider_token FROM patient_visit
    WHERE id = $1 AND ended_at IS NULL AND ends_at > $2 AND (assurance = 'lien' OR seen_at > $2::timestamptz - $4::interval)
"""


async def live_link(tx: Transaction, secret: str) -> Link | None:
    """The link of this secret when it can still open its page; None for one that is unknown, used, old or taken back: all the same."""
    row = await tx.fetchrow(
        """
        SELECT l.patient_id, l.res_type, l.res_id, c.code_hash, p.birth_date FROM patient_link l
        JOIN patient_code c ON c.patient_id = l.patient_id JOIN patient p ON p.id = l.patient_id
        WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.revoked_at IS NULL AND l.expires_at > $2 AND p.active AND NOT p.deceased
        """,
        digest(secret),
        tx.now,
    )
    return Link(row["patient_id"], (row["res_type"], row["res_id"]), row["code_hash"], row["birth_date"]) if row else None


async def old_link(tx: Transaction, secret: str) -> tuple[str, Focus] | None:
    """Whose and about what a link was that was not taken back, used and old ones too; None when it is unknown or long forgotten."""
    row = await tx.fetchrow(
        "SELECT patient_id, res_type, res_id FROM patient_link WHERE token_hash = $1 AND revoked_at IS NULL AND made_at > $2",
        digest(secret),
        tx.now - KEPT,
    )
    return (row["patient_id"], (row["res_type"], row["res_id"])) if row else None


async def visit_of(tx: Transaction, id: str, secret: str) -> PatientVisit | None:
    """The open page of this address, for the browser that holds its secret; the use of an own record is noted."""
    row = await tx.fetchrow(f"{_VISIT} AND secret_hash = $3", id, tx.now, digest(secret), RECORD_IDLE)
    if row is None:
        return None
    if row["assurance"] != ASSURANCE and tx.now - row["seen_at"] >= TOUCH:
        await tx.execute("UPDATE patient_visit SET seen_at = greatest(seen_at, $2) WHERE id = $1", id, tx.now)
    return _visit(row)


async def visit_of_id(tx: Transaction, id: str) -> PatientVisit | None:
    """An open page by the id that is no secret: for a link that was made within it. Its use is not noted."""
    row = await tx.fetchrow(_VISIT.replace("$4", "$3"), id, tx.now, RECORD_IDLE)
    return _visit(row) if row else None


def _visit(row: Any) -> PatientVisit:
    focus = (row["res_type"], row["res_id"]) if row["res_id"] else None
    told = {name: row[name] for name in ("id", "patient_id", "csrf", "began_at", "ends_at", "assurance", "provider_token")}
    return PatientVisit(focus=focus, **told)


async def has_code(tx: Transaction, patient: str) -> bool:
    """Whether a patient was given a code that still counts."""
    return bool(
        await tx.beyond().fetchval("SELECT EXISTS (SELECT 1 FROM patient_code WHERE patient_id = $1 AND code_hash IS NOT NULL)", patient)
    )
