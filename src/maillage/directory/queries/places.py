"""Organisations and their places."""

from __future__ import annotations

from typing import Any

from maillage.directory.types import Organization, Place
from maillage.kernel.errors import NotFound
from maillage.store import Transaction


def as_organization(row: Any) -> Organization:
    """From its row."""
    return Organization(row["id"], row["name"], row["kind"], row["part_of"], row["active"], row["short_name"])


def _place(row: Any) -> Place:
    return Place(row["id"], row["name"], row["organization_id"], row["part_of"], row["type"], row["insee"], row["active"])


async def organization(tx: Transaction, id: str) -> Organization:
    """One structure. Raises `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM organization WHERE id = $1", id)
    if row is None:
        raise NotFound("Organization", id)
    return as_organization(row)


async def organizations(tx: Transaction, kind: str = "") -> list[Organization]:
    """The structures of a kind, or all, by name."""
    rows = await tx.fetch("SELECT * FROM organization WHERE ($1 = '' OR kind = $1) ORDER BY name, id", kind)
    return [as_organization(row) for row in rows]


async def establishments(tx: Transaction) -> tuple[str, ...]:
    """The ids of the structures for which a client may act: all but departments and groups."""
    rows = await tx.fetch(
        "SELECT id FROM organization WHERE kind IN ('hospital', 'town', 'centre', 'practice', 'cpts') AND active ORDER BY id"
    )
    return tuple(row["id"] for row in rows)


async def place(tx: Transaction, id: str) -> Place:
    """One site or room. Raises `NotFound`."""
    row = await tx.fetchrow("SELECT * FROM location WHERE id = $1", id)
    if row is None:
        raise NotFound("Location", id)
    return _place(row)


async def sites(tx: Transaction, *, organization_id: str = "") -> list[Place]:
    """The places that are part of no other."""
    rows = await tx.fetch(
        "SELECT * FROM location WHERE part_of IS NULL AND active AND ($1 = '' OR organization_id = $1) ORDER BY name, id", organization_id
    )
    return [_place(row) for row in rows]


async def rooms(tx: Transaction, site_id: str) -> list[Place]:
    """The rooms of a site."""
    rows = await tx.fetch("SELECT * FROM location WHERE part_of = $1 AND active ORDER BY name, id", site_id)
    return [_place(row) for row in rows]
