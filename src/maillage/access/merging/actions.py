"""Copies of links, refusals and labels, made by a merge and ended by its undoing. Every statement reaches beyond the actor's own wall."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maillage import record
from maillage.access.choices import fhir, queries
from maillage.kernel.ids import new_id
from maillage.store import Transaction

LINK, OPPOSITION, LABEL = "care_link", "opposition", "security_label"

_LINKS = f"""INSERT INTO {LINK} (id, patient_id, organization_id, practitioner_id, basis, source, res_type, res_id, starts, ends, parties)
SELECT gen_random_uuid()::text, $2, c.organization_id, c.practitioner_id, c.basis, c.source, c.res_type, c.res_id, c.starts, c.ends, c.parties
FROM {LINK} c WHERE c.patient_id = $1 AND c.basis <> 'bris-de-glace' AND (c.ends IS NULL OR c.ends > $3)
ON CONFLICT ON CONSTRAINT care_link_once DO NOTHING RETURNING id"""
"""A broken glass opens what it was broken for, and nothing else."""

_LABELS = """INSERT INTO security_label (id, patient_id, res_type, res_id, code, starts, ends, set_by, owner_org, parties)
SELECT gen_random_uuid()::text, $2, s.res_type, s.res_id, s.code, s.starts, s.ends, s.set_by, s.owner_org, s.parties FROM security_label s
WHERE s.patient_id = $1 AND (s.res_id IS NULL) = $3 AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = s.id)
AND NOT EXISTS (SELECT FROM security_label t WHERE t.patient_id = $2 AND t.code = s.code AND t.res_type IS NOT DISTINCT FROM s.res_type
    AND t.res_id IS NOT DISTINCT FROM s.res_id AND NOT EXISTS (SELECT FROM security_label_end e WHERE e.label_id = t.id)) RETURNING id"""


async def share(tx: Transaction, first: str, second: str) -> list[tuple[str, str]]:
    """Let what opens and closes each of two files count for the other; answers (kind, id) of each copy."""
    eyes, made = tx.beyond(), list[tuple[str, str]]()
    for mine, other in ((first, second), (second, first)):
        made += [(LINK, row["id"]) for row in await eyes.fetch(_LINKS, mine, other, tx.now)]
        made += [(LABEL, row["id"]) for row in await eyes.fetch(_LABELS, mine, other, True)]
    for mine, other in ((first, second), (second, first)):
        made += [(OPPOSITION, id) for id in await _repeat_refusals(eyes, mine, other, {id for _, id in made})]
    await labels_follow(tx, first, second)
    return made


async def labels_follow(tx: Transaction, before: str, after: str) -> None:
    """What is closed resource by resource stays closed when the resource goes to another file: a label names both."""
    await tx.beyond().fetch(_LABELS, before, after, False)


async def _repeat_refusals(eyes: Transaction, mine: str, other: str, copies: set[str]) -> list[str]:
    """The refusals of one file in force, said again for the other one with a Consent each."""
    rows = await eyes.fetch(
        """
        SELECT o.id FROM opposition o WHERE o.patient_id = $1 AND (o.ends IS NULL OR o.ends > $2) AND NOT o.id = ANY ($3::text[])
            AND NOT EXISTS (SELECT FROM choice_end e WHERE e.choice_id = o.id) ORDER BY o.id
        """,
        *(mine, eyes.now, sorted(copies)),
    )
    made = []
    for row in rows:
        id = new_id()
        await eyes.execute(
            """
            INSERT INTO opposition (id, patient_id, act, scope, organization_id, practitioner_id, res_type, res_id, said_by, starts, ends,
                recorded_at, recorded_by, owner_org, parties)
            SELECT $2, $3, act, scope, organization_id, practitioner_id, res_type, res_id, said_by, starts, ends, recorded_at, recorded_by,
                owner_org, parties FROM opposition WHERE id = $1
            """,
            *(row["id"], id, other),
        )
        await _show(eyes, id, "merge")
        made.append(id)
    return made


async def _show(eyes: Transaction, id: str, verb: str) -> None:
    """The Consent of a refusal, as its rows have it now."""
    choice = await queries.choice(eyes, id)
    if choice is None:
        raise LookupError("choice-gone")
    owner = choice.owner_org or None
    version = await record.photograph(eyes, fhir.render(choice), patient=choice.patient_id, owner=owner)
    await record.provenance(eyes, verb, [("Consent", id, version)], patient=choice.patient_id, owner=owner)
    await record.audit(eyes, "E", "Consent", id, patient=choice.patient_id, verb=verb)


async def links_return(tx: Transaction, source: str, target: str, things: Sequence[str]) -> None:
    """What the things that go back opened meanwhile on the survivor's file is open on theirs again, as long; there it ends."""
    eyes = tx.beyond()
    await eyes.execute(
        f"""
        INSERT INTO {LINK} (id, patient_id, organization_id, practitioner_id, basis, source, res_type, res_id, starts, ends, parties)
        SELECT gen_random_uuid()::text, $1, c.organization_id, c.practitioner_id, c.basis, c.source, c.res_type, c.res_id, c.starts, c.ends, c.parties
        FROM {LINK} c WHERE c.patient_id = $2 AND c.source = ANY ($3::text[])
        ON CONFLICT ON CONSTRAINT care_link_once DO UPDATE SET ends = excluded.ends
        """,
        *(source, target, list(things)),
    )
    await eyes.execute(
        f"UPDATE {LINK} SET ends = greatest($3, starts) WHERE patient_id = $1 AND source = ANY ($2::text[]) AND (ends IS NULL OR ends > $3)",
        *(target, list(things), tx.now),
    )


async def unshare(tx: Transaction, copies: Iterable[tuple[str, str]]) -> None:
    """End the copies that a merge made: links, refusals, labels on the whole person."""
    eyes, by_kind = tx.beyond(), dict[str, list[str]]()
    for kind, id in copies:
        by_kind.setdefault(kind, []).append(id)
    await eyes.execute(
        f"UPDATE {LINK} SET ends = greatest($2, starts) WHERE id = ANY ($1::text[]) AND (ends IS NULL OR ends > $2)",
        *(by_kind.get(LINK, []), tx.now),
    )
    await eyes.execute(
        """
        INSERT INTO security_label_end (label_id, patient_id, at, ended_by, owner_org, parties)
        SELECT s.id, s.patient_id, $2, $3, s.owner_org, s.parties FROM security_label s WHERE s.id = ANY ($1::text[])
        ON CONFLICT DO NOTHING
        """,
        *(by_kind.get(LABEL, []), tx.now, tx.actor.id),
    )
    for id in sorted(by_kind.get(OPPOSITION, [])):
        await _end_refusal(eyes, id)


async def _end_refusal(eyes: Transaction, id: str) -> None:
    ended = await eyes.fetchval(
        """
        INSERT INTO choice_end (choice_id, patient_id, at, said_by, recorded_by, owner_org, parties)
        SELECT o.id, o.patient_id, $2, o.said_by, $3, o.owner_org, o.parties FROM opposition o WHERE o.id = $1
        ON CONFLICT DO NOTHING RETURNING choice_id
        """,
        *(id, eyes.now, eyes.actor.role_id or eyes.actor.id),
    )
    if ended:
        await _show(eyes, id, "unmerge")


async def holders(tx: Transaction, patients: Sequence[str]) -> list[str]:
    """The organisations that a live link lets see one of these patients."""
    rows = await tx.beyond().fetch(
        f"SELECT DISTINCT organization_id FROM {LINK} WHERE patient_id = ANY ($1::text[]) AND (ends IS NULL OR ends > $2) ORDER BY organization_id",
        *(list(patients), tx.now),
    )
    return [row["organization_id"] for row in rows]
