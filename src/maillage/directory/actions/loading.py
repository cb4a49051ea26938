"""Loading the territory from the data files: the same twice writes nothing the second time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from maillage import record
from maillage.directory import fhir, pathways, territory
from maillage.directory.actions.entries import save
from maillage.directory.actions.patients import create_patient
from maillage.directory.generator import generate_patients
from maillage.directory.identifiers import Mode
from maillage.store import Transaction


def resources() -> Iterator[dict[str, Any]]:
    """Every public entry of the territory, in the order of its references."""
    yield from map(fhir.render_organization, territory.structures())
    yield from map(fhir.render_location, territory.places())
    yield from map(fhir.render_commune, territory.communes())
    yield from map(fhir.render_membership, territory.memberships())
    yield from map(fhir.render_practitioner, territory.people())
    yield from map(fhir.render_practitioner_role, territory.role_entries())
    yield from map(pathways.questionnaire, pathways.names())
    yield from map(pathways.plan_definition, pathways.names())
    for entry in territory.service_entries():
        form, plan = pathways.questionnaire_canonical(entry.pathway), pathways.plan_definition_url(entry.pathway)
        yield fhir.render_healthcare_service(entry, form, plan)


async def load_territory(tx: Transaction) -> dict[str, int]:
    """Keep every entry of the data files; answers how many of each type there are."""
    await _put_communes(tx)
    counts = Counter[str]()
    for resource in resources():
        await save(tx, resource)
        counts[resource["resourceType"]] += 1
    await _put_memberships(tx)
    await _put_deadlines(tx)
    return dict(counts)


async def load_patients(tx: Transaction, seed: int, n: int, *, mode: Mode = "test") -> list[str]:
    """Keep `n` invented patients of a seed; answers the ids of those that were not there yet."""
    return [
        await create_patient(tx, resource, mode=mode, patient_id=resource["id"])
        for resource in generate_patients(seed, n)
        if await record.lock_head(tx, "Patient", resource["id"]) is None
    ]


async def _put_communes(tx: Transaction) -> None:
    await tx.executemany(
        """
        INSERT INTO commune (insee, name, departement, postal_codes, latitude, longitude) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (insee) DO UPDATE SET name = excluded.name, departement = excluded.departement,
            postal_codes = excluded.postal_codes, latitude = excluded.latitude, longitude = excluded.longitude
        """,
        [
            (item.insee, item.name, item.departement, list(item.postal_codes), item.latitude, item.longitude)
            for item in territory.communes()
        ],
    )
    await tx.executemany(
        """
        INSERT INTO commune_population (insee, vintage, population, source) VALUES ($1, $2, $3, $4)
        ON CONFLICT (insee, vintage) DO UPDATE SET population = excluded.population, source = excluded.source
        """,
        list(territory.populations()),
    )


_MEMBERSHIP_TABLES = {
    "cpts-commune": ("cpts_commune", "cpts_id", "insee"),
    "basin-commune": ("basin_commune", "hospital_id", "insee"),
    "basin-cpts": ("basin_cpts", "hospital_id", "cpts_id"),
}


async def _put_memberships(tx: Transaction) -> None:
    for kind, (table, group, member) in _MEMBERSHIP_TABLES.items():
        await tx.executemany(
            f"""
            INSERT INTO {table} ({group}, {member}, part, since, source) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT ({group}, {member}, since) DO UPDATE SET part = excluded.part, source = excluded.source
            """,
            [(item.group, item.member, item.part, item.since, item.source) for item in territory.memberships() if item.kind == kind],
        )


async def _put_deadlines(tx: Transaction) -> None:
    await tx.executemany(
        """
        INSERT INTO service_deadline (key, step, priority, amount, unit) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (key, step, priority) DO UPDATE SET amount = excluded.amount, unit = excluded.unit
        """,
        list(territory.deadline_rows()),
    )
