"""Names of organisations, sites, services and people for the pages: read once per page."""

from __future__ import annotations

from collections.abc import Iterable

from maillage import directory
from maillage.directory import Organization, Place, Role, Service
from maillage.store import Transaction


async def organizations(tx: Transaction) -> dict[str, Organization]:
    """Every structure, by id."""
    return {found.id: found for found in await directory.organizations(tx)}


async def services(tx: Transaction) -> dict[str, Service]:
    """Every service, closed ones too, by id."""
    return {found.id: found for found in await directory.services(tx, closed=True)}


async def sites(tx: Transaction) -> dict[str, Place]:
    """Every site, by id."""
    return {found.id: found for found in await directory.sites(tx)}


async def roles(tx: Transaction, ids: Iterable[str | None]) -> dict[str, Role]:
    """The named people at their places, by id; one that is no longer there is left out."""
    return await directory.get_roles(tx, (id for id in ids if id))
