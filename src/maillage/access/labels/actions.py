"""Set a label and end it: by who sees the whole resource, in the organisation that keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from maillage import record
from maillage.access.labels.fhir import CODES
from maillage.access.policy.rules import may, sees_whole
from maillage.access.queries import VisibleTo
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.kernel.ids import new_id
from maillage.record import Stored
from maillage.store import Transaction

HELD_BACK: Final = "INVISIBLE_PATIENT"
ANNOUNCED: Final = timedelta(days=30)
"""How long a document may be held back from its patient; it is announced meanwhile, by whoever held it back."""


async def put_label(tx: Transaction, kind: str, id: str, code: str) -> Stored:
    """Close one resource by a label from now on; answers what it is about. A Patient is closed with all that is known of the person.

    Raises `NotFound`, `NotAllowed("not-the-owner")`, `Invalid("label-unknown")`, `Conflict("label-there")`.
    """
    found = await _owned(tx, kind, id, code)
    if await _label_of(tx, found, code):
        raise Conflict("label-there")
    who = tx.actor.id
    named = (None, None) if kind == "Patient" else (kind, id)
    await tx.execute(
        """
        INSERT INTO security_label (id, patient_id, res_type, res_id, code, starts, ends, set_by, owner_org, parties)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, ARRAY[$9])
        """,
        *(new_id(), found.patient_id, *named, code, tx.now, tx.now + ANNOUNCED if code == HELD_BACK else None, who, found.owner_org),
    )
    await record.audit(tx, "E", kind, id, patient=found.patient_id, verb=f"label-{code}")
    return found


async def end_label(tx: Transaction, kind: str, id: str, code: str) -> Stored:
    """Take a label away: announced, no longer secret. Raises as `put_label` does, and `Conflict("label-absent")`."""
    found = await _owned(tx, kind, id, code)
    label = await _label_of(tx, found, code)
    if label is None:
        raise Conflict("label-absent")
    await tx.execute(
        """
        INSERT INTO security_label_end (label_id, patient_id, at, ended_by, owner_org, parties) VALUES ($1, $2, $3, $4, $5, ARRAY[$5])
        """,
        *(label, found.patient_id, tx.now, tx.actor.id, found.owner_org),
    )
    await record.audit(tx, "E", kind, id, patient=found.patient_id, verb=f"unlabel-{code}")
    return found


async def _owned(tx: Transaction, kind: str, id: str, code: str) -> Stored:
    found = await record.read(tx, kind, id, VisibleTo(tx.actor, kind, tx.now))
    if code not in CODES:
        raise Invalid.one("label-unknown", "code")
    if isinstance(may(tx.actor, "verb", kind), Refused) or not sees_whole(tx.actor, kind):
        raise NotAllowed("role")
    if not found.patient_id or found.owner_org not in tx.actor.organizations:
        raise NotAllowed("not-the-owner")
    return found


async def _label_of(tx: Transaction, found: Stored, code: str) -> str | None:
    """The label of this code that a resource has now."""
    label: str | None = await tx.fetchval(
        """
        SELECT s.id FROM security_label s WHERE s.patient_id = $1 AND s.code = $2
            AND CASE WHEN $3 = 'Patient' THEN s.res_id IS NULL ELSE s.res_type = $3 AND s.res_id = $4 END
            AND (s.ends IS NULL OR s.ends > $5) AND NOT EXISTS (SELECT 1 FROM security_label_end e WHERE e.label_id = s.id)
        """,
        *(found.patient_id, code, found.type, found.id, tx.now),
    )
    return label


async def keeps_a_secret(tx: Transaction, patient: str) -> bool:
    """Whether something of a minor's is hidden from the legal representatives (CSP L1111-5): a message to the family's telephone would tell of it."""
    return bool(
        await tx.beyond().fetchval(
            """
            SELECT EXISTS (SELECT 1 FROM security_label s WHERE s.patient_id = $1 AND s.code = 'INVISIBLE_REPRESENTANTS_LEGAUX' AND s.starts <= $2
                AND NOT EXISTS (SELECT 1 FROM security_label_end e WHERE e.label_id = s.id AND e.at <= $2))
            """,
            patient,
            tx.now,
        )
    )


async def follow(tx: Transaction, kind: str, id: str, after: str) -> None:
    """What replaces a resource that is held back from its patient, or hangs on it, is held back as long: a wrong letter corrected tells the same."""
    await tx.beyond().execute(
        """
        INSERT INTO security_label (id, patient_id, res_type, res_id, code, starts, ends, set_by, owner_org, parties)
        SELECT gen_random_uuid()::text, s.patient_id, s.res_type, $3, s.code, s.starts, s.ends, s.set_by, s.owner_org, s.parties
        FROM security_label s WHERE s.res_type = $1 AND s.res_id = $2 AND s.code = $4 AND s.ends > $5
            AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = s.id)
        """,
        *(kind, id, after, HELD_BACK, tx.now),
    )


async def release(tx: Transaction, kind: str, ids: Sequence[str]) -> None:
    """Give these resources back to their patient."""
    await tx.beyond().execute(
        """
        INSERT INTO security_label_end (label_id, patient_id, at, ended_by, owner_org, parties)
        SELECT s.id, s.patient_id, $4, $5, s.owner_org, s.parties FROM security_label s
        WHERE s.res_type = $1 AND s.res_id = ANY ($2::text[]) AND s.code = $3 ON CONFLICT DO NOTHING
        """,
        *(kind, list(ids), HELD_BACK, tx.now, tx.actor.id),
    )


async def announced_too_late(tx: Transaction) -> list[Any]:
    """End what was held back until its last day; answers its rows, for whoever has to know of it."""
    rows = await tx.fetch(
        """
        SELECT s.id, s.patient_id, s.res_type, s.res_id, s.owner_org FROM security_label s WHERE s.code = $1 AND s.ends <= $2
            AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = s.id) ORDER BY s.ends, s.id LIMIT 100
        """,
        *(HELD_BACK, tx.now),
    )
    for row in rows:
        await tx.execute(
            """
            INSERT INTO security_label_end (label_id, patient_id, at, ended_by, owner_org, parties) VALUES ($1, $2, $3, $4, $5, ARRAY[$5])
            """,
            *(row["id"], row["patient_id"], tx.now, tx.actor.id, row["owner_org"]),
        )
    return rows
