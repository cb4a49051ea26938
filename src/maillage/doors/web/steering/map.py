"""The territory as a drawing: one link for each commune, tinted by hospital basin, hatched where no community of professionals is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maillage.directory import Contour, Covered, Organization, Place
from maillage.doors.web.catalogue import say
from maillage.doors.web.presenters import count
from maillage.doors.web.steering.geometry import REACH, Projection, beside, cells, path

TINTS = 4
"""Basins that have a tint of their own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One commune on the sheet, its name in the middle of `x` and `y`; `words` is all that the colour says."""

    insee: str
    name: str
    words: str
    outline: str
    x: str
    y: str
    tint: str
    hatched: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A hospital or a health centre; `x` and `y` are its corner or its middle."""

    name: str
    kind: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The drawing, with what is needed to read it."""

    height: str
    shapes: tuple[Shape, ...]
    marks: tuple[Mark, ...]
    tints: tuple[tuple[str, str], ...]
    hatched: bool
    drawn: bool
    source: str


def draw(
    covered: Sequence[Covered],
    contours: Sequence[Contour],
    sources: Sequence[str],
    sites: Mapping[str, Place],
    organizations: Mapping[str, Organization],
) -> Sheet | None:
    """The sheet of a territory; None for one without a commune."""
    if not covered:
        return None
    known = {one.insee: one for one in contours}
    spread = [(one.commune.longitude, one.commune.latitude) for one in covered]
    spread += [point for one in contours for polygon in one.polygons for ring in polygon for point in ring]
    project = Projection(spread, margin=0.6 if len(known) == len(covered) else REACH)
    places = [project(one.commune.longitude, one.commune.latitude) for one in covered]
    basins = sorted({organization.label for one in covered for organization, _ in one.hospitals})
    tints = {name: str(rank + 1) if rank < TINTS else "other" for rank, name in enumerate(basins)}
    outlines = [path([cell]) for cell in cells(places, project.length(REACH))]
    shapes = []
    written = beside(places, [one.commune.name for one in covered])
    for one, place, cell in zip(covered, written, outlines, strict=True):
        contour = known.get(one.commune.insee)
        outline = path([[project(*point) for point in ring] for polygon in contour.polygons for ring in polygon]) if contour else cell
        shapes.append(_shape(one, outline, place, tints))
    return Sheet(
        f"{project.height:.0f}",
        tuple(shapes),
        tuple(_marks({one.commune.insee: place for one, place in zip(covered, places, strict=True)}, sites, organizations)),
        tuple(tints.items()),
        any(not one.cpts for one in covered),
        bool(known),
        say("map.contours", source=", ".join(sources)) if known else say("map.cells"),
    )


def _shape(one: Covered, outline: str, place: tuple[float, float], tints: Mapping[str, str]) -> Shape:
    hospitals = [organization.label for organization, _ in one.hospitals]
    cpts = [f"{organization.label} ({say('map.part')})" if part else organization.label for organization, part in one.cpts]
    people = count(one.population, "habitant") if one.population is not None else say("map.unknown-population")
    parts = (one.commune.name, ", ".join(cpts) or say("map.no-cpts"), ", ".join(hospitals) or say("map.no-basin"), people)
    tint = tints[hospitals[0]] if hospitals else "none"
    return Shape(one.commune.insee, one.commune.name, ". ".join(parts), outline, f"{place[0]:.0f}", f"{place[1]:.0f}", tint, not one.cpts)


def _marks(places: Mapping[str, tuple[float, float]], sites: Mapping[str, Place], organizations: Mapping[str, Organization]) -> list[Mark]:
    """Sites of one commune stand side by side under its name."""
    found: list[Mark] = []
    taken: dict[str, int] = {}
    for site in sites.values():
        organization, at = organizations.get(site.organization_id), places.get(site.insee)
        if at is None or organization is None or organization.kind not in ("hospital", "centre"):
            continue
        rank = taken[site.insee] = taken.get(site.insee, -1) + 1
        found.append(Mark(site.name, organization.kind, f"{at[0] + 16 * rank:.0f}", f"{at[1] + 14:.0f}"))
    return found
