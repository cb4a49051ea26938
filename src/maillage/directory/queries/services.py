"""Services, their delays, and what they ask: forms and pathways."""

from __future__ import annotations

from typing import Any

from maillage.codes.json import decode
from maillage.directory.identifiers import normalise
from maillage.directory.types import Service
from maillage.kernel.errors import NotFound
from maillage.store import Transaction


def _service(row: Any) -> Service:
    arrays = ("specialties", "criteria", "triager_role_ids", "site_ids")
    values: dict[str, Any] = {name: tuple(value) if name in arrays else value for name, value in row.items()}
    return Service(**values)


async def get_service(tx: Transaction, id: str) -> Service:
    """One service that takes requests here. Raises `NotFound`."""
    row = await _service_row(tx, id)
    if row is None:
        raise NotFound("HealthcareService", id)
    return _service(row)


async def has_service(tx: Transaction, id: str) -> bool:
    """Whether a service of this id takes requests here."""
    return await _service_row(tx, id) is not None


async def _service_row(tx: Transaction, id: str) -> Any:
    rows = await tx.recall(("service", id), lambda: tx.peek("SELECT * FROM healthcare_service WHERE id = $1", id))
    return rows[0] if rows else None


async def services(
    tx: Transaction, *, organization_id: str = "", specialty: str = "", site_id: str = "", intake: str = "", closed: bool = False
) -> list[Service]:
    """The services, by name; open ones unless `closed`."""
    rows = await tx.fetch(
        """
        SELECT * FROM healthcare_service
        WHERE (active OR $1) AND ($2 = '' OR organization_id = $2) AND ($3 = '' OR $3 = ANY (specialties))
            AND ($4 = '' OR $4 = ANY (site_ids)) AND ($5 = '' OR intake = $5)
        ORDER BY name, id
        """,
        closed,
        organization_id,
        specialty,
        site_id,
        intake,
    )
    return [_service(row) for row in rows]


async def deadlines(tx: Transaction, key: str) -> dict[tuple[str, str], tuple[int, str]]:
    """(step, priority) -> (amount, unit) of a service's `deadlines` key."""
    sql = "SELECT step, priority, amount, unit FROM service_deadline WHERE key = $1 ORDER BY step, priority"
    rows = await tx.recall(("deadlines", key), lambda: tx.fetch(sql, key))
    return {(row["step"], row["priority"]): (row["amount"], row["unit"]) for row in rows}


async def get_questionnaire(tx: Transaction, canonical: str) -> dict[str, Any]:
    """A version of a form by `url|version`, whole. Raises `NotFound`."""
    url, _, version = canonical.partition("|")
    sql = "SELECT content FROM questionnaire WHERE url = $1 AND version = $2"
    content = await tx.recall(("questionnaire", canonical), lambda: tx.fetchval(sql, url, version))
    if content is None:
        raise NotFound("Questionnaire", canonical)
    form: dict[str, Any] = decode(content)
    return form


async def get_plan_definition(tx: Transaction, url: str) -> dict[str, Any]:
    """A pathway by canonical, whole. Raises `NotFound`."""
    content = await tx.fetchval("SELECT content FROM plan_definition WHERE url = $1", url.partition("|")[0])
    if content is None:
        raise NotFound("PlanDefinition", url)
    plan: dict[str, Any] = decode(content)
    return plan


async def identified(tx: Transaction, res_type: str, system: str, value: str) -> list[str]:
    """The ids of the resources of one type (not Patient) that carry an identifier, however it was spelt."""
    rows = await tx.fetch(
        "SELECT DISTINCT res_id FROM directory_identifier WHERE res_type = $1 AND system = $2 AND normalised = $3 ORDER BY res_id",
        res_type,
        system,
        normalise(system, value),
    )
    return [row["res_id"] for row in rows]
