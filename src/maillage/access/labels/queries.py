"""The labels in force that an organisation set, for the page that sets and lifts them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from maillage import record
from maillage.access.queries import VisibleTo
from maillage.store import Params, Transaction


@dataclass(frozen=True, slots=True)
class Label:
    """One label in force: on which resource, since when, until when at most; on a Patient it closes all that is known."""

    id: str
    kind: str
    resource: str
    code: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What the actor sees and its organisation keeps: what it may close."""

    seen: VisibleTo

    def sql(self, alias: str, params: Params) -> str:
        """Boolean SQL over an alias with the visibility columns."""
        seen = self.seen.sql(alias, params)
        return f"(({seen}) AND {alias}.owner_org = ANY ({params.add(list(self.seen.actor.organizations))}::text[]))"


def kept_by(tx: Transaction, kind: str) -> Kept:
    """The predicate of what the actor's organisation keeps of one type."""
    return Kept(VisibleTo(tx.actor, kind, tx.now))


async def labels_of(tx: Transaction, patient_id: str) -> Sequence[Label]:
    """The labels that the actor's organisation keeps about a patient, each on a resource that the actor sees; the newest first."""
    rows = await tx.fetch(
        """
        SELECT s.id, coalesce(s.res_type, 'Patient') AS kind, coalesce(s.res_id, s.patient_id) AS resource, s.code, s.starts, s.ends
        FROM security_label s WHERE s.patient_id = $1 AND s.owner_org = ANY ($2::text[]) AND s.starts <= $3 AND (s.ends IS NULL OR s.ends > $3)
            AND NOT EXISTS (SELECT 1 FROM security_label_end e WHERE e.label_id = s.id AND e.at <= $3)
        ORDER BY s.starts DESC, s.id
        """,
        *(patient_id, list(tx.actor.organizations), tx.now),
    )
    found = [Label(row["id"], row["kind"], row["resource"], row["code"], row["starts"], row["ends"]) for row in rows]
    seen: set[tuple[str, str]] = set()
    for kind in dict.fromkeys(label.kind for label in found):
        ids = [label.resource for label in found if label.kind == kind]
        seen |= {(kind, id) for id in await record.existing(tx, kind, ids, VisibleTo(tx.actor, kind, tx.now))}
    return [label for label in found if (label.kind, label.resource) in seen]
