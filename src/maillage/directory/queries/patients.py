"""Patients: every SELECT starts from what the actor may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from maillage.directory import rules
from maillage.directory.identifiers import normalise
from maillage.directory.matching import Candidate, Traits, known_gender, known_place
from maillage.directory.rows import fold
from maillage.directory.types import Patient
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Invalid, NotFound
from maillage.record import Visible
from maillage.store import Params, Transaction


def _patient(row: Any) -> Patient:
    names = ("id", "family", "given", "birth_date", "gender", "birth_insee", "identity_status", "qualified", "ins", "phone")
    more = ("general_practitioner", "deceased", "active", "version", "owner_org")
    values = {name: row[name] for name in (*names, *more)}
    told = {"owner_org": row["owner_org"] or "", "replaced_by": row["replaced_by"] or ""}
    return Patient(**{**values, **told}, homonym=bool(row.get("homonym", False)))


async def get_patient(tx: Transaction, id: str, visible: Visible) -> Patient:
    """One patient. Raises `NotFound` when absent or invisible."""
    params = Params([id])
    row = await tx.fetchrow(f"SELECT * FROM patient p WHERE p.id = $1 AND {visible.sql('p', params)}", *params)
    if row is None:
        raise NotFound("Patient", id)
    return _patient(row)


async def get_patients(tx: Transaction, ids: Collection[str], visible: Visible) -> dict[str, Patient]:
    """Those of these patients who are there and visible, by id, in one statement."""
    params = Params([sorted(ids)])
    rows = await tx.fetch(f"SELECT * FROM patient p WHERE p.id = ANY ($1::text[]) AND {visible.sql('p', params)} ORDER BY p.id", *params)
    return {row["id"]: _patient(row) for row in rows}


async def find_patients(
    tx: Transaction,
    visible: Visible,
    *,
    ins: str = "",
    family: str = "",
    given: str = "",
    birth_date: date | None = None,
    gender: str = "",
    birth_insee: str = "",
    limit: int = 20,
) -> list[Patient]:
    """The active patients who match the INS, or at least three strict traits; none is pre-selected, namesakes are flagged.

    Raises `Invalid("too-few-traits")`: the directory is not browsed.
    """
    traits = (fold(family), fold(given), birth_date, gender, birth_insee)
    answer = rules.may_look_up(ins, traits)
    if isinstance(answer, Refused):
        raise Invalid.one(answer.reason, "Patient", "give the INS, or three of: family, given, birth date, gender, commune of birth")
    params = Params()
    where = _trait_clauses(params, normalise("", ins), traits)
    seen, seen_too = visible.sql("p", params), visible.sql("q", params)
    rows = await tx.fetch(
        f"""
        SELECT p.*, EXISTS (
            SELECT 1 FROM patient q WHERE q.id <> p.id AND q.active AND q.families_folded && p.families_folded
                AND q.given_folded = p.given_folded AND {seen_too}) AS homonym
        FROM patient p WHERE p.active AND {where} AND {seen}
        ORDER BY p.family, p.given, p.birth_date, p.id LIMIT {params.add(limit)}
        """,
        *params,
    )
    return [_patient(row) for row in rows]


def _trait_clauses(params: Params, ins: str, traits: Sequence[Any]) -> str:
    family, given, birth_date, gender, birth_insee = traits
    clauses = []
    if ins:
        value = params.add(ins)
        clauses.append(
            f"""EXISTS (SELECT 1 FROM patient_identifier i WHERE i.patient_id = p.id AND i.normalised = {value}
                AND i.system LIKE 'urn:oid:1.2.250.1.213.1.4.%')"""
        )
    if family:
        clauses.append(f"p.families_folded @> ARRAY[{params.add(family)}]")
    named = (("given_folded", given), ("birth_date", birth_date), ("gender", gender), ("birth_insee", birth_insee))
    clauses += [f"p.{column} = {params.add(value)}" for column, value in named if value]
    return " AND ".join(clauses)


async def match_candidates(tx: Transaction, visible: Visible, asked: Traits, limit: int = 200) -> list[Candidate]:
    """The active patients who share an INS with `asked`, or its name or birth date and three strict traits in all.

    Raises `Invalid("too-few-traits")`, as `find_patients` does.
    """
    answer = rules.may_look_up("".join(value for _, value in asked.ins), ["given"] * asked.named)
    if isinstance(answer, Refused):
        raise Invalid.one(answer.reason, "Patient", "give the INS, or three of: family, given, birth date, gender, commune of birth")
    params = Params([list(asked.families), asked.given, asked.birth_date, asked.gender, asked.birth_insee])
    ins = [params.add([part[place] for part in sorted(asked.ins)]) for place in (0, 1)]
    rows = await tx.fetch(
        f"""
        SELECT p.*, i.systems, i.numbers FROM patient p LEFT JOIN LATERAL (
            SELECT array_agg(n.system) AS systems, array_agg(n.normalised) AS numbers FROM patient_identifier n
            WHERE n.patient_id = p.id AND n.use <> 'old' AND n.system LIKE 'urn:oid:1.2.250.1.213.1.4.%') i ON true
        WHERE p.active AND {visible.sql("p", params)} AND (
            p.id IN (SELECT n.patient_id FROM patient_identifier n
                JOIN unnest({ins[0]}::text[], {ins[1]}::text[]) AS u (system, number) ON n.system = u.system AND n.normalised = u.number)
            OR ((p.families_folded && $1::text[] OR p.birth_date = $3::date)
                AND (p.families_folded && $1::text[])::int + ($2 <> '' AND p.given_folded = $2)::int
                    + coalesce(p.birth_date = $3::date, false)::int + ($4 <> '' AND p.gender = $4)::int
                    + ($5 <> '' AND p.birth_insee = $5)::int >= 3))
        ORDER BY p.id LIMIT {params.add(limit)}
        """,
        *params,
    )
    return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:
    ins = frozenset(zip(row["systems"] or (), row["numbers"] or (), strict=True))
    families = frozenset(filter(None, row["families_folded"]))
    place = known_place(row["birth_insee"])
    traits = Traits(ins, families, row["given_folded"], row["birth_date"], known_gender(row["gender"]), place)
    return Candidate(row["id"], traits, row["qualified"])
