"""Care links made by events, tokens of machine clients."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from maillage.kernel.ids import new_id
from maillage.store import Block, Transaction


async def link(
    tx: Transaction,
    patient_id: str,
    organization_id: str,
    basis: str,
    source: str,
    *,
    ends: datetime | None = None,
    person: str | None = None,
    only: tuple[str, str] | None = None,
    outlives: bool = False,
    parties: Sequence[str] = (),
    first: bool = False,
) -> None:
    """Open or extend the link of `basis` that the event `source` (such as `Task/1`) creates; nobody types one (CSP L1110-4).

    `person` narrows it to one practitioner of the organisation, `only` to one resource (type, id). With `outlives` it stays after `ends` for as
    long as links of its basis do (`care_link_delay`). `parties` are the organisations whose later events may extend or end it, beside this one
    and the actor's. `first`: the patient was made by this transaction, so that nothing can be there to extend.
    """
    narrowed = (person, *(only or (None, None)))
    told = sorted({organization_id, *parties, *tx.actor.organizations[:1]})
    values = (new_id(), patient_id, organization_id, basis, source, tx.now, ends, *narrowed, outlives, told)
    row = (*values[:10], told) if first and not outlives else None
    rows = (lambda: [(_LINKS, row)]) if row else None
    await tx.write(("care_link", f"{patient_id} {organization_id} {basis} {source}"), (_LINK,), values, rows=rows)


_LINKS = Block(
    "care_link",
    ("id", "patient_id", "organization_id", "basis", "source", "starts", "ends", "practitioner_id", "res_type", "res_id", "parties"),
)

_LINK = """INSERT INTO care_link (id, patient_id, organization_id, basis, source, starts, ends, practitioner_id, res_type, res_id, parties)
VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz + CASE WHEN $11 THEN (SELECT outlives FROM care_link_delay WHERE basis = $4) ELSE '0' END,
    $8, $9, $10, $12)
ON CONFLICT ON CONSTRAINT care_link_once DO UPDATE SET ends = excluded.ends"""


async def end_links(tx: Transaction, source: str, at: datetime, *, outlives: bool = False) -> None:
    """Let the links made by `source` end at `at`; with `outlives`, after the delay of their basis."""
    await tx.execute(
        """
        UPDATE care_link c SET ends = greatest(e.at, c.starts)
        FROM (SELECT d.basis, $2::timestamptz + CASE WHEN $3 THEN d.outlives ELSE '0' END AS at FROM care_link_delay d) e
        WHERE c.source = $1 AND e.basis = c.basis AND (c.ends IS NULL OR c.ends > e.at)
        """,
        *(source, at, outlives),
    )


async def has_link(tx: Transaction, patient_id: str, organizations: Sequence[str]) -> bool:
    """Whether one of these organisations, as a whole, has a live link to the patient; a rule may ask it of others than the actor's."""
    eyes = tx if set(organizations) <= set(tx.actor.organizations) else tx.beyond()
    return bool(await eyes.fetchval("SELECT linked($1, '', '', NULL, $2::text[], '', $3)", patient_id, list(organizations), tx.now))
