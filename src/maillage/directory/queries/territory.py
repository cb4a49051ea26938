"""Communes, the communities and basins that cover them, and who lives there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from maillage.codes.json import decode
from maillage.directory.contours import Contour
from maillage.directory.queries.places import as_organization
from maillage.directory.types import Commune, Covered, Organization, PopulationCount
from maillage.store import Transaction


async def communes(tx: Transaction) -> list[Commune]:
    """Every commune of the territory, by name."""
    rows = await tx.fetch("SELECT * FROM commune ORDER BY name, insee")
    return [
        Commune(row["insee"], row["name"], row["departement"], tuple(row["postal_codes"]), row["latitude"], row["longitude"])
        for row in rows
    ]


async def contours(tx: Transaction) -> tuple[list[Contour], tuple[str, ...]]:
    """The contours that were loaded, and where they come from."""
    rows = await tx.fetch("SELECT insee, polygons, source FROM commune_contour ORDER BY insee")
    found = [Contour(row["insee"], _polygons(row["polygons"])) for row in rows]
    return found, tuple(sorted({row["source"] for row in rows}))


def _polygons(text: str) -> tuple[tuple[tuple[tuple[float, float], ...], ...], ...]:
    return tuple(tuple(tuple((float(x), float(y)) for x, y in ring) for ring in polygon) for polygon in decode(text))


_GROUPS = {
    "cpts": "SELECT insee, part FROM cpts_commune WHERE cpts_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)",
    "hospital": "SELECT insee, part FROM basin_commune WHERE hospital_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)",
}


async def cpts_of(tx: Transaction, insee: str, on: date) -> list[Organization]:
    """The communities that cover a commune on a day: none, one or several."""
    return await _linked(tx, "cpts_commune m JOIN organization o ON o.id = m.cpts_id WHERE m.insee = $1", insee, on)


async def basins_of(tx: Transaction, insee: str, on: date) -> list[Organization]:
    """The hospitals to whose basin a commune belongs on a day."""
    return await _linked(tx, "basin_commune m JOIN organization o ON o.id = m.hospital_id WHERE m.insee = $1", insee, on)


async def cpts_of_basin(tx: Transaction, hospital_id: str, on: date) -> list[Organization]:
    """The communities of a hospital's basin on a day."""
    return await _linked(tx, "basin_cpts m JOIN organization o ON o.id = m.cpts_id WHERE m.hospital_id = $1", hospital_id, on)


async def _linked(tx: Transaction, links: str, id: str, on: date) -> list[Organization]:
    """The organisations at the other end of the links that hold on a day, by name."""
    held = "m.since <= $2 AND (m.until IS NULL OR m.until > $2)"
    return [as_organization(row) for row in await tx.fetch(f"SELECT o.* FROM {links} AND {held} ORDER BY o.name, o.id", id, on)]


async def population(tx: Transaction, groups: Sequence[tuple[str, str]], on: date, *, vintage: int | None = None) -> PopulationCount:
    """The population of the communes of several (`cpts` | `hospital`, id) groups, each commune once; the latest vintage unless given.

    `parts` names the communes that some group covers in part only: their whole population is counted, and said to be.
    """
    covered: dict[str, bool] = {}
    for kind, id in groups:
        for row in await tx.fetch(f"{_GROUPS[kind]} ORDER BY insee", id, on):
            covered[row["insee"]] = covered.get(row["insee"], False) or row["part"]
    if vintage is None:
        vintage = int(await tx.fetchval("SELECT coalesce(max(vintage), 0) FROM commune_population"))
    counted = await tx.fetch(
        "SELECT population, source FROM commune_population WHERE vintage = $1 AND insee = ANY ($2::text[]) ORDER BY insee",
        vintage,
        list(covered),
    )
    source = ", ".join(sorted({row["source"] for row in counted}))
    parts = tuple(sorted(insee for insee, part in covered.items() if part))
    return PopulationCount(sum(row["population"] for row in counted), tuple(sorted(covered)), vintage, source, parts)


_COVER = """
    SELECT m.insee, m.part, o.* FROM {table} m JOIN organization o ON o.id = m.{key}
    WHERE m.since <= $1 AND (m.until IS NULL OR m.until > $1) ORDER BY o.name, o.id
"""


async def coverage(tx: Transaction, on: date) -> list[Covered]:
    """Every commune by name, with who covers it on a day: many communities, one, or none; and its latest population with its source."""
    groups: list[dict[str, list[tuple[Organization, bool]]]] = []
    for table, key in (("cpts_commune", "cpts_id"), ("basin_commune", "hospital_id")):
        found: dict[str, list[tuple[Organization, bool]]] = {}
        for row in await tx.fetch(_COVER.format(table=table, key=key), on):
            found.setdefault(row["insee"], []).append((as_organization(row), row["part"]))
        groups.append(found)
    counted = {
        row["insee"]: row for row in await tx.fetch("SELECT DISTINCT ON (insee) * FROM commune_population ORDER BY insee, vintage DESC")
    }
    covered = []
    for commune in await communes(tx):
        cpts, hospitals = (tuple(group.get(commune.insee, ())) for group in groups)
        count = counted.get(commune.insee, {"population": None, "vintage": None, "source": ""})
        covered.append(Covered(commune, cpts, hospitals, count["population"], count["vintage"], count["source"]))
    return covered
