"""A map from positions: flat coordinates, and around each commune the part of a disc that is nearer to it than to any other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

Point = tuple[float, float]
Polygon = list[Point]
WIDTH = 1000.0
SIDES = 40
LETTER, LINE = 8.0, 17.0
"""What a letter of a name and its line take on the sheet, about."""
REACH = 2.6
"""Kilometres around a commune's position that its cell may take."""
_KILOMETRES = 111.32
"""Length of a degree of latitude."""


class Projection:
    """Longitude and latitude on a sheet of `WIDTH`, north up, without distortion at the middle of the territory (equirectangular)."""

    def __init__(self, points: Sequence[Point], margin: float = REACH) -> None:
        longitudes, latitudes = [x for x, _ in points], [y for _, y in points]
        self._flat = math.cos(math.radians((min(latitudes) + max(latitudes)) / 2))
        pad = margin / _KILOMETRES
        self._west, self._north = min(longitudes) - pad / self._flat, max(latitudes) + pad
        east, south = max(longitudes) + pad / self._flat, min(latitudes) - pad
        self._scale = WIDTH / ((east - self._west) * self._flat)
        self.height = round((self._north - south) * self._scale, 1)

    def __call__(self, longitude: float, latitude: float) -> Point:
        """Where a position stands on the sheet."""
        return (longitude - self._west) * self._flat * self._scale, (self._north - latitude) * self._scale

    def length(self, kilometres: float) -> float:
        """A length on the sheet."""
        return kilometres / _KILOMETRES * self._scale


def cells(points: Sequence[Point], reach: float) -> list[Polygon]:
    """For each point the part of a disc around it that is nearer to it than to any other point (G. Voronoi, 1908)."""
    return [_cell(at, points, reach) for at in range(len(points))]


def _cell(at: int, points: Sequence[Point], reach: float) -> Polygon:
    x, y = points[at]
    cell = [(x + reach * math.cos(2 * math.pi * n / SIDES), y + reach * math.sin(2 * math.pi * n / SIDES)) for n in range(SIDES)]
    for other, (ox, oy) in enumerate(points):
        if other != at and (ox, oy) != (x, y) and math.hypot(ox - x, oy - y) < 2 * reach:
            cell = nearer(cell, (x, y), (ox, oy))
    return cell


def nearer(cell: Polygon, to: Point, than: Point) -> Polygon:
    """The part of a convex polygon that is nearer to one point than to another (Sutherland and Hodgman, 1974)."""
    (ax, ay), (bx, by) = to, than
    middle, normal = ((ax + bx) / 2, (ay + by) / 2), (bx - ax, by - ay)
    sides = [(x - middle[0]) * normal[0] + (y - middle[1]) * normal[1] for x, y in cell]
    kept: Polygon = []
    for number, (point, side) in enumerate(zip(cell, sides, strict=True)):
        before, past = cell[number - 1], sides[number - 1]
        if (side <= 0) != (past <= 0):
            part = past / (past - side)
            kept.append((before[0] + part * (point[0] - before[0]), before[1] + part * (point[1] - before[1])))
        if side <= 0:
            kept.append(point)
    return kept


def path(polygons: Sequence[Sequence[Point]]) -> str:
    """The rings as the `d` of an SVG path."""
    return "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in polygons if ring)


def beside(points: Sequence[Point], names: Sequence[str]) -> list[Point]:
    """Where the middle of each name is written: at its place, or as little above or below it as it takes for no two names to lie on one another."""
    found: dict[int, Point] = {}
    for at in sorted(range(len(points)), key=lambda number: (points[number][1], number)):
        x, y = points[at]
        near = [there for number, there in found.items() if abs(there[0] - x) < LETTER * (len(names[number]) + len(names[at])) / 2]
        free = (y + way for way in _ways(len(near)) if all(abs(other - y - way) >= LINE for _, other in near))
        found[at] = x, next(free)
    return [found[number] for number in range(len(points))]


def _ways(others: int) -> Iterator[float]:
    """How far from its place, by quarters of a line; so many others leave a gap before the last."""
    yield 0.0
    for quarters in range(1, 8 * others + 2):
        yield LINE / 4 * quarters
        yield -LINE / 4 * quarters
