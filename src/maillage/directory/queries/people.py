"""Who works where, in which service, and who stands in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.json import decode
from maillage.directory.types import COVER, Cover, Member, Role, Service
from maillage.kernel.errors import NotFound
from maillage.store import Transaction

_ROLE = """
    SELECT r.*, coalesce(p.display, '') AS display, coalesce(nullif(o.short_name, ''), o.name, '') AS organization_name
    FROM practitioner_role r LEFT JOIN practitioner p ON p.id = r.practitioner_id LEFT JOIN organization o ON o.id = r.organization_id
"""


def _role(row: Any) -> Role:
    arrays: dict[str, Any] = {name: tuple(row[name]) for name in ("codes", "specialties", "service_ids", "location_ids")}
    plain: dict[str, Any] = {
        name: row[name] for name in ("id", "practitioner_id", "organization_id", "active", "display", "organization_name")
    }
    return Role(**plain, **arrays)


async def get_role(tx: Transaction, id: str) -> Role:
    """One person in one place. Raises `NotFound`."""
    row = await tx.recall(("role", id), lambda: tx.fetchrow(f"{_ROLE} WHERE r.id = $1", id))
    if row is None:
        raise NotFound("PractitionerRole", id)
    return _role(row)


async def get_roles(tx: Transaction, ids: Iterable[str]) -> dict[str, Role]:
    """The named people at their places, by id, in one statement; one that is no longer there is left out."""
    wanted = sorted(set(ids))
    new = [id for id in wanted if not tx.known(("role", id))]
    for row in await tx.fetch(f"{_ROLE} WHERE r.id = ANY ($1::text[]) ORDER BY r.id", new) if new else ():
        tx.keep(("role", row["id"]), row)
    rows = {id: tx.known(("role", id)) for id in wanted}
    return {id: _role(row) for id, row in rows.items() if row}


async def roles_of(tx: Transaction, practitioner_id: str) -> list[Role]:
    """Every active place where a professional works."""
    rows = await tx.fetch(f"{_ROLE} WHERE r.practitioner_id = $1 AND r.active ORDER BY r.id", practitioner_id)
    return [_role(row) for row in rows]


async def roles_in(tx: Transaction, organization_id: str, *, code: str = "") -> list[Role]:
    """The active roles of an organisation, or of all when none is named, of one role code when given."""
    rows = await tx.fetch(
        f"{_ROLE} WHERE ($1 = '' OR r.organization_id = $1) AND r.active AND ($2 = '' OR $2 = ANY (r.codes)) ORDER BY r.id",
        organization_id,
        code,
    )
    return [_role(row) for row in rows]


async def roles_beside(tx: Transaction, role_id: str, codes: Iterable[str]) -> list[Role]:
    """Who of these role codes works with somebody: in the services of that role, or, for one that serves no service, in none either."""
    rows = await tx.fetch(
        f"""
        {_ROLE} JOIN practitioner_role me ON me.organization_id = r.organization_id
        WHERE me.id = $1 AND r.active AND r.codes && $2::text[] AND (r.service_ids && me.service_ids OR r.service_ids = me.service_ids)
        ORDER BY p.display, r.id
        """,
        role_id,
        sorted(codes),
    )
    return [_role(row) for row in rows]


async def roles_of_service(tx: Transaction, service_id: str, *, code: str = "") -> list[Role]:
    """The active roles that work for a service, wherever they sit."""
    rows = await tx.fetch(
        f"{_ROLE} WHERE r.service_ids @> ARRAY[$1] AND r.active AND ($2 = '' OR $2 = ANY (r.codes)) ORDER BY r.id", service_id, code
    )
    return [_role(row) for row in rows]


async def usual_doctor(tx: Transaction, patient_id: str) -> list[Role]:
    """The places where a patient's usual doctor works: the one that is named, or all of a doctor who is named alone; none when not ours."""
    rows = await tx.fetch(
        f"""
        {_ROLE} JOIN patient t ON t.general_practitioner IN (r.id, r.practitioner_id)
        WHERE t.id = $1 AND t.general_practitioner <> '' AND r.active AND NOT ($2 = ANY (r.codes)) ORDER BY r.id
        """,
        patient_id,
        COVER,
    )
    return [_role(row) for row in rows]


async def team(tx: Transaction, service: Service) -> tuple[Member, ...]:
    """Who works for a service: its named senior, its triagers, whose role names it, and its covers, past and to come."""
    sql = """
        SELECT practitioner_id, id AS role_id, organization_id, $1 = ANY (codes) AS cover, starts, ends FROM practitioner_role
        WHERE active AND (service_ids @> ARRAY[$2] OR id = ANY ($3::text[])) ORDER BY id
        """
    named = [service.lead_role_id, *service.triager_role_ids]
    rows = await tx.recall(("team", service.id), lambda: tx.fetch(sql, COVER, service.id, named))
    return tuple(Member(**row) for row in rows)


async def covers(tx: Transaction, service_id: str) -> list[Cover]:
    """Who covers a service now and later, the first one first; why, as the entry says it."""
    rows = await tx.fetch(
        """
        SELECT r.id, r.practitioner_id, coalesce(p.display, '') AS display, r.starts, r.ends, v.content
        FROM practitioner_role r LEFT JOIN practitioner p ON p.id = r.practitioner_id
            JOIN resource_head h ON h.res_type = 'PractitionerRole' AND h.id = r.id
            JOIN resource_version v ON v.res_type = h.res_type AND v.id = h.id AND v.version = h.version
        WHERE r.service_ids @> ARRAY[$1] AND $2 = ANY (r.codes) AND r.active AND r.ends > $3 ORDER BY r.starts, r.id
        """,
        service_id,
        COVER,
        tx.now,
    )
    return [_cover(dict(row)) for row in rows]


def _cover(row: dict[str, Any]) -> Cover:
    codes = decode(row.pop("content")).get("code", [])
    return Cover(**row, why=next((str(code["text"]) for code in codes if code.get("text")), ""))
