"""Reading the choices of a patient: what the desk that recorded them, and who asks before acting, may know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maillage.access.choices.types import CONSENT, Choice, Target
from maillage.access.queries import VisibleTo
from maillage.store import Params, Transaction

_CHOICES = """SELECT c.id, c.patient_id, 'consent' AS act, c.organization_id, c.practitioner_id, c.res_type, c.res_id, c.purpose, c.said_by,
    c.starts, c.ends, c.recorded_at, c.owner_org, c.parties, e.at AS ended_at FROM consent c LEFT JOIN choice_end e ON e.choice_id = c.id
UNION ALL
SELECT o.id, o.patient_id, o.act, o.organization_id, o.practitioner_id, o.res_type, o.res_id, 'TREAT', o.said_by,
    o.starts, o.ends, o.recorded_at, o.owner_org, o.parties, e.at FROM opposition o LEFT JOIN choice_end e ON e.choice_id = o.id"""


def read(row: Any) -> Choice:
    """A row as a choice."""
    document = (row["res_type"], row["res_id"]) if row["res_id"] else None
    return Choice(
        id=row["id"],
        patient_id=row["patient_id"],
        act=row["act"],
        target=Target(row["organization_id"], row["practitioner_id"], document),
        said_by=row["said_by"],
        starts=row["starts"],
        ends=row["ends"],
        recorded_at=row["recorded_at"],
        owner_org=row["owner_org"],
        purpose=row["purpose"],
        ended_at=row["ended_at"],
    )


async def choice(tx: Transaction, id: str) -> Choice | None:
    """One choice, whoever asks: for its redrawing, and for the verb that found it visible before."""
    row = await tx.fetchrow(f"SELECT * FROM ({_CHOICES}) x WHERE x.id = $1", id)
    return read(row) if row else None


async def is_choice(tx: Transaction, id: str) -> bool:
    """Whether a Consent of this id is one that we decide on."""
    return bool(
        (await tx.peek("SELECT EXISTS (SELECT 1 FROM consent WHERE id = $1) OR EXISTS (SELECT 1 FROM opposition WHERE id = $1)", id))[0][0]
    )


async def choices_of(tx: Transaction, patient_id: str) -> Sequence[Choice]:
    """The choices of a patient that the actor may see, the newest first."""
    params = Params([patient_id])
    visible = VisibleTo(tx.actor, "Consent", tx.now).sql("x", params)
    rows = await tx.fetch(f"SELECT * FROM ({_CHOICES}) x WHERE x.patient_id = $1 AND {visible} ORDER BY x.recorded_at DESC, x.id", *params)
    return [read(row) for row in rows]


async def own_choices(tx: Transaction) -> Sequence[Choice]:
    """What the patient who asks has chosen and that counts now, whoever recorded it, the newest first; nothing for anybody else."""
    if tx.actor.kind != "patient":
        return []
    rows = await tx.fetch(
        f"""
        SELECT * FROM ({_CHOICES}) x WHERE x.patient_id = $1 AND x.ended_at IS NULL AND x.starts <= $2 AND (x.ends IS NULL OR x.ends > $2)
        ORDER BY x.recorded_at DESC, x.id
        """,
        tx.actor.id,
        tx.now,
    )
    return [read(row) for row in rows]


async def refuses(tx: Transaction, patient_id: str, act: str) -> bool:
    """Whether a general refusal of this act is in force: of messages, of emergency access, of feeding."""
    return bool(
        await tx.fetchval(
            """
            SELECT EXISTS (SELECT 1 FROM opposition o WHERE o.patient_id = $1 AND o.act = $2 AND o.scope = 'general' AND o.starts <= $3
                AND (o.ends IS NULL OR o.ends > $3) AND NOT EXISTS (SELECT 1 FROM choice_end e WHERE e.choice_id = o.id AND e.at <= $3))
            """,
            patient_id,
            act,
            tx.now,
        )
    )


async def opposed_organizations(tx: Transaction, patient_id: str, organizations: Sequence[str]) -> set[str]:
    """Those of the organisations to whom the patient refuses reading, by name or as everybody: for who is about to send something there."""
    rows = await tx.fetch(
        "SELECT o FROM unnest($2::text[]) o WHERE opposed($1, '', '', NULL, ARRAY[o], '', $3)", patient_id, list(organizations), tx.now
    )
    return {row["o"] for row in rows}


async def consents_to(tx: Transaction, patient_id: str, organization_id: str) -> bool:
    """Whether a consent of the patient opens the record to this organisation now."""
    return bool(
        await tx.fetchval(
            f"SELECT EXISTS (SELECT 1 FROM ({_CHOICES}) x WHERE x.patient_id = $1 AND x.act = '{CONSENT}' AND x.organization_id = $2 "
            "AND x.starts <= $3 AND coalesce(x.ended_at, x.ends) > $3)",
            patient_id,
            organization_id,
            tx.now,
        )
    )
