"""Reading links and the pages that they opened; run as the system, before anybody is known."""

from __future__ import annotations

from maillage.access.identity.secret import digest
from maillage.access.patient_link.types import KEPT, Focus, Link, PatientVisit
from maillage.store import Transaction


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
    """The open page of this address, for the browser that holds its secret."""
    row = await tx.fetchrow(
        """
        SELECT id, patient_id, res_type, res_id, csrf, began_at, ends_at FROM patient_visit
        WHERE id = $1 AND secret_hash = $2 AND ended_at IS NULL AND ends_at > $3
        """,
        id,
        digest(secret),
        tx.now,
    )
    if row is None:
        return None
    return PatientVisit(row["id"], row["patient_id"], (row["res_type"], row["res_id"]), row["csrf"], row["began_at"], row["ends_at"])


async def has_code(tx: Transaction, patient: str) -> bool:
    """Whether a patient was given a code that still counts."""
    return bool(
        await tx.beyond().fetchval("SELECT EXISTS (SELECT 1 FROM patient_code WHERE patient_id = $1 AND code_hash IS NOT NULL)", patient)
    )
