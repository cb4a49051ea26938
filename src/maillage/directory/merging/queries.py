"""Files and merges: found, locked in one order, and those that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from maillage.directory.matching import Traits, known_gender, known_place
from maillage.directory.merging import rules
from maillage.directory.merging.types import File, Merge, Moved, Suspects
from maillage.kernel.errors import NotFound
from maillage.record import Visible
from maillage.store import Params, Transaction

_COLUMNS = "p.id, p.owner_org, p.ins, p.qualified, p.active, p.replaced_by"


def _file(row: Any) -> File:
    return File(row["id"], row["owner_org"] or "", row["ins"], row["qualified"], row["active"], row["replaced_by"])


async def files(tx: Transaction, ids: Sequence[str], visible: Visible) -> list[File]:
    """These files, in the order asked. Raises `NotFound` for one that is absent or invisible."""
    params = Params([list(ids)])
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM patient p WHERE p.id = ANY ($1::text[]) AND {visible.sql('p', params)} ORDER BY p.id", *params
    )
    found = {row["id"]: _file(row) for row in rows}
    for id in ids:
        if id not in found:
            raise NotFound("Patient", id)
    return [found[id] for id in ids]


async def lock_pair(tx: Transaction, first: str, second: str) -> tuple[File, File]:
    """Both files, locked in the order of their ids, so that nobody can begin anything for either."""
    rows = await tx.beyond().fetch(
        f"SELECT {_COLUMNS} FROM patient p WHERE p.id = ANY ($1::text[]) ORDER BY p.id FOR UPDATE", sorted({first, second})
    )
    found = {row["id"]: _file(row) for row in rows}
    return found[first], found[second]


async def survivor_of(tx: Transaction, id: str) -> str:
    """The file that is used today for a patient: its own, or the last of those that replaced it."""
    found: str | None = await tx.fetchval(
        """
        WITH RECURSIVE way AS (
            SELECT p.id, p.replaced_by, 0 AS step FROM patient p WHERE p.id = $1
            UNION ALL SELECT p.id, p.replaced_by, w.step + 1 FROM way w JOIN patient p ON p.id = w.replaced_by WHERE w.step < 20)
        SELECT id FROM way ORDER BY step DESC LIMIT 1
        """,
        id,
    )
    return found or id


def _merge(row: Any) -> Merge:
    told = (row["merged_at"], row["merged_by"], row["comment"], row["undone_at"])
    return Merge(row["id"], row["source_id"], row["target_id"], row["owner_org"], *told)


async def last_merge(tx: Transaction, source: str) -> Merge | None:
    """The last merge that closed a file."""
    row = await tx.fetchrow("SELECT * FROM patient_merge WHERE source_id = $1 ORDER BY merged_at DESC, id DESC LIMIT 1", source)
    return _merge(row) if row else None


async def merges(tx: Transaction, organizations: Sequence[str]) -> list[Merge]:
    """The merges of these organisations that stand, the newest first."""
    rows = await tx.fetch(
        "SELECT * FROM patient_merge WHERE owner_org = ANY ($1::text[]) AND undone_at IS NULL ORDER BY merged_at DESC, id LIMIT $2",
        list(organizations),
        MOST,
    )
    return [_merge(row) for row in rows]


async def moved(tx: Transaction, merge_id: str) -> list[Moved]:
    """The ledger of a merge."""
    rows = await tx.fetch("SELECT kind, row_id, was FROM patient_move WHERE merge_id = $1 ORDER BY kind, row_id", merge_id)
    return [Moved(row["kind"], row["row_id"], row["was"]) for row in rows]


# --- files that look alike ------------------------------------------------------
MOST, MOST_KEPT, MOST_FOUND = 50, 1000, 2000
"""Pairs that are shown, those that are kept, and those of one kind that are looked at: files that were entered with one date for all would make millions."""

_PAIRS = f"""
    WITH f AS MATERIALIZED (
        SELECT p.id, p.owner_org, p.birth_date, p.given_folded, p.birth_insee, p.gender, x.family
        FROM patient p LEFT JOIN LATERAL unnest(p.families_folded) AS x (family) ON true WHERE p.owner_org = ANY ($1::text[]) AND p.active)
    (SELECT p.id AS first, q.id AS second FROM f p JOIN f q ON q.owner_org = p.owner_org AND q.birth_date = p.birth_date
        AND q.given_folded = p.given_folded AND q.id > p.id LIMIT {MOST_FOUND})
    UNION (SELECT p.id, q.id FROM f p JOIN f q ON q.owner_org = p.owner_org AND q.birth_date = p.birth_date AND q.family = p.family
        AND q.id > p.id WHERE p.family <> '' LIMIT {MOST_FOUND})
    UNION (SELECT p.id, q.id FROM f p JOIN f q ON q.owner_org = p.owner_org AND q.family = p.family AND q.given_folded = p.given_folded
        AND q.birth_insee = p.birth_insee AND q.gender = p.gender AND q.id > p.id WHERE p.family <> '' LIMIT {MOST_FOUND})
    UNION (SELECT p.id, q.id FROM patient_identifier i JOIN patient_identifier j ON j.system = i.system AND j.normalised = i.normalised
            AND j.patient_id > i.patient_id
        JOIN patient p ON p.id = i.patient_id JOIN patient q ON q.id = j.patient_id
        WHERE i.system LIKE 'urn:oid:1.2.250.1.213.1.4.%' AND i.use <> 'old' AND j.use <> 'old'
        AND p.owner_org = ANY ($1::text[]) AND q.owner_org = p.owner_org AND p.active AND q.active LIMIT {MOST_FOUND})"""
"""Pairs worth comparing: born on one day with a name in common, namesakes born in one place, or the same INS. Each part joins by equality alone."""

_KEPT = """
    SELECT x.first, x.second, x.rank FROM patient_alike a, unnest(a.firsts, a.seconds) WITH ORDINALITY AS x (first, second, rank)
    WHERE a.owner_org = ANY ($1::text[])"""
_NOW = f"SELECT z.first, z.second, 0 AS rank FROM ({_PAIRS}) z"

LASTS = timedelta(minutes=30)
"""Pairs that were found longer ago are looked for again before they are shown."""


async def keep_alike(tx: Transaction) -> None:
    """Look for the pairs of every organisation that keeps files, and keep the likeliest, in that order: the worker's turn."""
    for row in await tx.fetch("SELECT DISTINCT owner_org FROM patient WHERE active AND owner_org IS NOT NULL ORDER BY owner_org"):
        found = await tx.fetch(f"SELECT x.first, x.second FROM ({_PAIRS}) x ORDER BY x.first, x.second", [row["owner_org"]])
        ranked = (await _judged(tx, found))[:MOST_KEPT]
        await tx.execute(
            """
            INSERT INTO patient_alike (owner_org, at, firsts, seconds) VALUES ($1, $2, $3, $4)
            ON CONFLICT (owner_org) DO UPDATE SET at = excluded.at, firsts = excluded.firsts, seconds = excluded.seconds
            """,
            row["owner_org"],
            tx.now,
            [pair.first for pair in ranked],
            [pair.second for pair in ranked],
        )


async def suspects(tx: Transaction, organizations: Sequence[str], visible: Visible) -> list[Suspects]:
    """The pairs of active files of these organisations that may be of one person and that nobody has found to be of two, the likeliest first.

    As they were kept lately; where nobody has looked for half an hour, as they are now.
    """
    params = Params([list(organizations)])
    lately = await tx.fetchval(
        "SELECT count(*) FROM patient_alike WHERE owner_org = ANY ($1::text[]) AND at > $2 AND at <= $3", *params, tx.now - LASTS, tx.now
    )
    kept = lately == len(set(organizations))
    # What was kept is read in its order until a page is full: no other file is asked whether it may be seen.
    rows = await tx.fetch(
        f"""
        SELECT x.first, x.second FROM (SELECT * FROM ({_KEPT if kept else _NOW}) y ORDER BY y.rank, y.first, y.second OFFSET 0) x,
            LATERAL (SELECT p.owner_org FROM patient p WHERE p.id = x.first AND p.active AND {visible.sql("p", params)} OFFSET 0) p,
            LATERAL (SELECT 1 FROM patient q WHERE q.id = x.second AND q.active AND {visible.sql("q", params)} OFFSET 0) q
        WHERE NOT EXISTS (
            SELECT FROM patient_apart a WHERE a.owner_org = p.owner_org AND a.patient_id = x.first AND a.other_id = x.second)
        ORDER BY x.rank, x.first, x.second LIMIT {params.add(2 * MOST if kept else 10 * MOST)}
        """,
        *params,
    )
    return (await _judged(tx, rows))[:MOST]


async def _judged(tx: Transaction, rows: Sequence[Any]) -> list[Suspects]:
    """Those of these pairs that may be of one person, the likeliest first."""
    traits = await _traits(tx, sorted({row[key] for row in rows for key in ("first", "second")}))
    found = [rules.suspect(row["first"], row["second"], traits[row["first"]], traits[row["second"]]) for row in rows]
    return sorted(
        (pair for pair in found if pair), key=lambda pair: (not pair.same_ins, -pair.agree, pair.disagree, pair.first, pair.second)
    )


async def _traits(tx: Transaction, ids: Sequence[str]) -> dict[str, Traits]:
    """The strict traits of files that the caller sees."""
    rows = await tx.fetch(
        """
        SELECT p.*, i.systems, i.numbers FROM patient p LEFT JOIN LATERAL (
            SELECT array_agg(n.system) AS systems, array_agg(n.normalised) AS numbers FROM patient_identifier n
            WHERE n.patient_id = p.id AND n.use <> 'old' AND n.system LIKE 'urn:oid:1.2.250.1.213.1.4.%') i ON true
        WHERE p.id = ANY ($1::text[]) ORDER BY p.id
        """,
        list(ids),
    )
    return {row["id"]: _trait_row(row) for row in rows}


def _trait_row(row: Any) -> Traits:
    ins = frozenset(zip(row["systems"] or (), row["numbers"] or (), strict=True))
    families = frozenset(filter(None, row["families_folded"]))
    return Traits(ins, families, row["given_folded"], row["birth_date"], known_gender(row["gender"]), known_place(row["birth_insee"]))
