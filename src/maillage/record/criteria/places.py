"""`Location?near=latitude|longitude|distance|unit` (https://hl7.org/fhir/R4/location.html#positional)."""

from __future__ import annotations

import math
import re
from typing import Any

from maillage.record import index
from maillage.record.criteria.notation import either, refuse, refuse_modifier, split_escaped, split_values
from maillage.record.criteria.query import Criterion, Query

KILOMETRES = {"km": 1.0, "m": 0.001, "[mi_i]": 1.609344, "mi": 1.609344, "[mi_us]": 1.609347, "[nmi_i]": 1.852}
RADIUS = 6371.0088
USUAL_DISTANCE = 25.0
_NUMBER = re.compile(r"[+-]?\d{1,8}(?:\.\d{1,15})?", re.ASCII)


def place(kind: str, parameter: Any, modifier: str) -> Criterion:
    """A criterion on a position: no farther than a distance, 25 km where none is said."""
    code = parameter.code
    if modifier:
        raise refuse_modifier(code, modifier)
    latitude, longitude = index.column(kind, code, "latitude"), index.column(kind, code, "longitude")

    def near(query: Query, alias: str, value: str) -> str:
        return either(
            [_circle(query, f"{alias}.{latitude}", f"{alias}.{longitude}", *_read(code, one)) for one in split_values(code, value)]
        )

    return near


def _read(code: str, text: str) -> tuple[float, float, float]:
    """Latitude, longitude, and a distance in kilometres."""
    parts = split_escaped(text, "|")
    numbers = parts[:3]
    unit = parts[3] if len(parts) == 4 else "km"
    if not 2 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(number) for number in numbers) or unit not in KILOMETRES:
        raise refuse(code, "written latitude|longitude|distance|unit, the unit km, m, [mi_i] or [nmi_i]")
    latitude, longitude = float(numbers[0]), float(numbers[1])
    distance = float(numbers[2]) * KILOMETRES[unit] if len(numbers) == 3 else USUAL_DISTANCE
    if abs(latitude) > 90 or abs(longitude) > 180 or distance < 0:
        raise refuse(code, "not a place on earth")
    return latitude, longitude, distance


def _circle(query: Query, latitude: str, longitude: str, north: float, east: float, distance: float) -> str:
    """A band of latitudes that an index serves, then the distance along the great circle."""
    band = math.degrees(distance / RADIUS)
    low, high = query.params.add(north - band), query.params.add(north + band)
    lat, lon, most = query.params.add(north), query.params.add(east), query.params.add(distance)
    chord = (
        f"power(sin(radians({latitude} - {lat}::float8) / 2), 2) + "
        f"cos(radians({lat}::float8)) * cos(radians({latitude})) * power(sin(radians({longitude} - {lon}::float8) / 2), 2)"
    )
    inside = f"2 * {RADIUS} * asin(sqrt(least(1, {chord}))) <= {most}::float8"
    return f"({latitude} >= {low}::float8 AND {latitude} <= {high}::float8 AND {inside})"
