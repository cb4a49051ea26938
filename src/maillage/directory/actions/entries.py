"""Keeping the public entries: each is stored whole, with rows beside for what rules read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import astuple
from typing import Any

from maillage import record
from maillage.codes.json import encode_text
from maillage.directory import rules
from maillage.directory.identifiers import Mode
from maillage.directory.rows import (
    identifiers,
    rows_from_location,
    rows_from_organization,
    rows_from_practitioner,
    rows_from_role,
    rows_from_service,
)
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import Conflict, Invalid, NotAllowed
from maillage.store import Transaction, register

Resource = dict[str, Any]

register("healthcare_service_two_triagers", lambda: Invalid.one("two-triagers-needed", "HealthcareService.extension"))
register("healthcare_service_lead_apart", lambda: Invalid.one("lead-triages", "HealthcareService.extension"))
register("healthcare_service_organization", lambda: Invalid.one("unknown-organization", "HealthcareService.providedBy"))
register("healthcare_service_department", lambda: Invalid.one("unknown-organization", "HealthcareService.extension"))
register("healthcare_service_specialty", lambda: Invalid.one("specialty-missing", "HealthcareService.specialty"))
register("healthcare_service_pathway", lambda: Invalid.one("unknown-pathway", "HealthcareService.extension"))
register("healthcare_service_form", lambda: Invalid.one("unknown-form", "HealthcareService.extension"))
register("healthcare_service_lead", lambda: Invalid.one("unknown-role", "HealthcareService.extension"))
register("practitioner_role_period", lambda: Invalid.one("period-ends-before-start", "PractitionerRole.period"))
register(
    "practitioner_role_cover", lambda: Invalid.one("cover-incomplete", "PractitionerRole.period", "a cover names services and both ends")
)
register("healthcare_service_minutes", lambda: Invalid.one("minutes-out-of-range", "HealthcareService.extension"))


async def save(tx: Transaction, resource: Resource, *, mode: Mode = "production", version: int | None = None, own: bool = False) -> int:
    """Keep a public entry as received and answer its version; an unchanged one makes no new version.

    Raises `Invalid` for an identifier that the mode refuses, `Stale` when `version` is not the current one.
    """
    tx.forget()
    errors = [issue for issue in rules.check_identifiers(resource, mode, own=own) if issue.severity == "error"]
    if errors:
        raise Invalid(*errors)
    kind, id = resource["resourceType"], resource["id"]
    await record.expect_version(tx, kind, id, version)
    head = await record.lock_head(tx, kind, id)
    await _WRITERS[kind](tx, resource)
    await _put_identifiers(tx, resource)
    written = await record.photograph(tx, resource, if_changed=True)
    if head is None or written != head["version"]:
        verb = "update" if head else "create"
        await record.audit(tx, "U" if head else "C", kind, id, verb=verb)
        await record.provenance(tx, verb, [(kind, id, written)], owner=tx.actor.organization or None)
    return written


async def _upsert(tx: Transaction, table: str, key: str, values: dict[str, Any]) -> None:
    columns = ", ".join(values)
    places = ", ".join(f"${rank}" for rank in range(1, len(values) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    await tx.execute(f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({key}) DO UPDATE SET {changes}", *values.values())


def _columns(row: Any) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in zip(row.__slots__, astuple(row), strict=True)}


_ROWS: dict[str, tuple[str, Callable[[Resource], Any]]] = {
    "Organization": ("organization", rows_from_organization),
    "Location": ("location", rows_from_location),
    "Practitioner": ("practitioner", rows_from_practitioner),
    "PractitionerRole": ("practitioner_role", rows_from_role),
    "HealthcareService": ("healthcare_service", rows_from_service),
}


def row_of(resource: Resource) -> dict[str, Any] | None:
    """The row that stands beside an entry; None when its type or content asks for none."""
    row = _ROWS[resource["resourceType"]][1](resource)
    return None if row is None else _columns(row)


async def _put_row(tx: Transaction, resource: Resource) -> None:
    values = row_of(resource)
    if values is not None:
        await _upsert(tx, _ROWS[resource["resourceType"]][0], "id", values)


async def _put_role(tx: Transaction, resource: Resource) -> None:
    """A role for a service that takes requests here gives rights in it: its own organisation alone writes it."""
    row = rows_from_role(resource)
    houses = await tx.fetch("SELECT DISTINCT organization_id FROM healthcare_service WHERE id = ANY ($1::text[])", list(row.service_ids))
    if tx.actor != SYSTEM and {house["organization_id"] for house in houses} - set(tx.actor.organizations):
        raise NotAllowed("not-the-owner")
    await _put_row(tx, resource)


async def _put_service(tx: Transaction, resource: Resource) -> None:
    """Another directory's service, without an intake of ours, is kept whole and takes no request here."""
    row = rows_from_service(resource)
    triagers = list(row.triager_role_ids) if row else []
    known = await tx.fetchval("SELECT count(*) FROM practitioner_role WHERE id = ANY ($1::text[])", triagers)
    if known != len(triagers):
        raise Invalid.one("unknown-role", "HealthcareService.extension", "a triager is not in the directory")
    await _put_row(tx, resource)


async def _put_questionnaire(tx: Transaction, resource: Resource) -> None:
    url, version, content = resource.get("url"), resource.get("version"), encode_text(record.comparable(resource))
    if not url or not version:
        return  # a form without canonical and version cannot be asked for by a service
    if resource.get("status") == "active":
        published = await tx.fetchval("SELECT content FROM questionnaire WHERE url = $1 AND version = $2 FOR UPDATE", url, version)
        if published is not None and published != content:
            raise Conflict("form-version-published")
    values = {"url": url, "version": version, "id": resource["id"], "title": resource.get("title", ""), "content": content}
    await _upsert(tx, "questionnaire", "url, version", values)


async def _put_plan_definition(tx: Transaction, resource: Resource) -> None:
    if resource.get("url"):
        values = {
            "url": resource["url"],
            "id": resource["id"],
            "title": resource.get("title", ""),
            "content": encode_text(record.comparable(resource)),
        }
        await _upsert(tx, "plan_definition", "url", values)


async def _put_nothing(tx: Transaction, resource: Resource) -> None:
    """A type that no rule reads: the photograph is enough."""


async def _put_identifiers(tx: Transaction, resource: Resource) -> None:
    kind, id = resource["resourceType"], resource["id"]
    await tx.execute("DELETE FROM directory_identifier WHERE res_type = $1 AND res_id = $2", kind, id)
    found = identifiers(resource)
    if found:
        await tx.executemany(
            """
            INSERT INTO directory_identifier (res_type, res_id, rank, system, type_code, value, normalised)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            """,
            [(kind, id, rank, row.system, row.type_code, row.value, row.normalised) for rank, row in enumerate(found)],
        )


_WRITERS: dict[str, Callable[[Transaction, Resource], Awaitable[None]]] = {
    "Organization": _put_row,
    "Location": _put_row,
    "Practitioner": _put_row,
    "PractitionerRole": _put_role,
    "HealthcareService": _put_service,
    "Questionnaire": _put_questionnaire,
    "PlanDefinition": _put_plan_definition,
    "OrganizationAffiliation": _put_nothing,
    "Endpoint": _put_nothing,
}

KEPT_TYPES = frozenset(_WRITERS)
"""The public types that `save` keeps."""
