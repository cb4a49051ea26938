"""Contours of communes from a GeoJSON file (RFC 7946): read, checked, made lighter. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from maillage.codes.json import decode
from maillage.kernel.errors import Malformed

Point = tuple[float, float]
Ring = tuple[Point, ...]
MOST_POINTS: Final = 2_000_000
TOLERANCE: Final = 0.0003
"""Degrees, about thirty metres: what no map of a territory shows."""
_CODES: Final = ("code", "insee", "INSEE_COM", "code_insee", "codgeo")
_INSEE: Final = re.compile(r"([0-9]{2}|2[AB])[0-9]{3}")


class ContourError(ValueError):
    """The file is not a map of communes; the text says where."""


@dataclass(frozen=True, slots=True)
class Contour:
    """One commune: its polygons, each an outer ring and its holes, of (longitude, latitude)."""

    insee: str
    polygons: tuple[tuple[Ring, ...], ...]


def read_contours(content: bytes) -> list[Contour]:
    """The communes of a FeatureCollection of polygons, lighter by what is under thirty metres. Raises `ContourError`."""
    try:
        value = decode(content)
    except Malformed as error:
        raise ContourError("not a JSON file") from error
    features = value.get("features") if isinstance(value, dict) and value.get("type") == "FeatureCollection" else None
    if not isinstance(features, list) or not features:
        raise ContourError("not a GeoJSON FeatureCollection with features")
    left = [MOST_POINTS]
    found = [_contour(feature, number, left) for number, feature in enumerate(features, 1)]
    if twice := [insee for insee, times in Counter(one.insee for one in found).items() if times > 1]:
        raise ContourError(f"{min(twice)} stands twice")
    return found


def _contour(feature: Any, number: int, left: list[int]) -> Contour:
    geometry, told = (feature.get("geometry"), feature.get("properties")) if isinstance(feature, dict) else (None, None)
    if not isinstance(geometry, dict) or not isinstance(told, dict):
        raise ContourError(f"feature {number}: no geometry or no properties")
    insee = next((str(told[name]) for name in _CODES if told.get(name)), "")
    if not _INSEE.fullmatch(insee):
        raise ContourError(f"feature {number}: no commune code in {', '.join(_CODES)}")
    kind, parts = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon") or not isinstance(parts, list) or not parts:
        raise ContourError(f"feature {number}: {kind} is neither Polygon nor MultiPolygon")
    polygons = [parts] if kind == "Polygon" else parts
    return Contour(insee, tuple(tuple(_ring(ring, number, left) for ring in _rings(polygon, number)) for polygon in polygons))


def _rings(polygon: Any, number: int) -> list[Any]:
    if not isinstance(polygon, list) or not polygon:
        raise ContourError(f"feature {number}: an empty polygon")
    return polygon


def _ring(ring: Any, number: int, left: list[int]) -> Ring:
    if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
        raise ContourError(f"feature {number}: a ring is not closed")
    left[0] -= len(ring)
    if left[0] < 0:
        raise ContourError(f"more than {MOST_POINTS} points")
    return simplified(tuple(_point(point, number) for point in ring))


def _point(point: Any, number: int) -> Point:
    if not isinstance(point, list) or len(point) < 2:
        raise ContourError(f"feature {number}: a point is not two numbers")
    try:
        longitude, latitude = float(point[0]), float(point[1])
    except (TypeError, ValueError) as error:
        raise ContourError(f"feature {number}: a point is not two numbers") from error
    if not (math.isfinite(longitude) and math.isfinite(latitude) and abs(longitude) <= 180 and abs(latitude) <= 90):
        raise ContourError(f"feature {number}: a point is not on Earth")
    return round(longitude, 5), round(latitude, 5)


def simplified(ring: Ring, tolerance: float = TOLERANCE) -> Ring:
    """The ring without the points that lie nearer than `tolerance` to the line between those kept (Douglas and Peucker, 1973); closed as before."""
    if len(ring) < 6:
        return ring
    far = max(range(len(ring)), key=lambda at: _apart(ring[0], ring[at]))
    kept = {0, far, len(ring) - 1}
    todo = [(0, far), (far, len(ring) - 1)]
    while todo:
        first, last = todo.pop()
        at, distance = _farthest(ring, first, last)
        if distance > tolerance:
            kept.add(at)
            todo += [(first, at), (at, last)]
    found = tuple(ring[at] for at in sorted(kept))
    return found if len(found) >= 4 else ring


def _apart(one: Point, other: Point) -> float:
    return math.hypot(one[0] - other[0], one[1] - other[1])


def _farthest(ring: Sequence[Point], first: int, last: int) -> tuple[int, float]:
    """The point between two others that lies farthest from their line."""
    (ax, ay), (bx, by) = ring[first], ring[last]
    length = math.hypot(bx - ax, by - ay)
    found, most = first, 0.0
    for at in range(first + 1, last):
        x, y = ring[at]
        distance = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length if length else math.hypot(x - ax, y - ay)
        if distance > most:
            found, most = at, distance
    return found, most
