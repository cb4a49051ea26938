"""The map from positions alone, and contours as they come in files."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maillage.directory import ContourError, read_contours
from maillage.directory.contours import TOLERANCE, simplified
from maillage.doors.web.exports import guarded
from maillage.doors.web.steering.geometry import LETTER, LINE, Projection, beside, cells

POINTS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12, unique=True)


def inside(cell: list[tuple[float, float]], point: tuple[float, float], slack: float = 0.0) -> bool:
    """Whether a point is in a convex polygon that turns one way."""
    sides = [
        (bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) for (ax, ay), (bx, by) in zip(cell, [*cell[1:], cell[0]], strict=True)
    ]
    return all(side >= -slack for side in sides) or all(side <= slack for side in sides)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 24)), min_size=1, max_size=15))
@settings(max_examples=150, deadline=None)
def test_no_two_names_lie_on_one_another(told: list[tuple[int, int, int]]) -> None:
    names = ["x" * length for *_, length in told]
    written = beside([(float(x), float(y)) for x, y, _ in told], names)
    assert [x for x, _ in written] == [x for x, *_ in told]
    for (one, (ax, ay)), (other, (bx, by)) in itertools.combinations(zip(names, written, strict=True), 2):
        assert abs(ay - by) >= LINE or abs(ax - bx) >= LETTER * (len(one) + len(other)) / 2


def test_a_name_that_is_alone_stands_at_its_place() -> None:
    assert beside([(0.0, 0.0), (300.0, 4.0), (10.0, 5.0)], ["Un", "Deux", "Trois"]) == [(0.0, 0.0), (300.0, 4.0), (10.0, 17.75)]


@given(POINTS, st.tuples(st.floats(0, 30), st.floats(0, 30)))
@settings(max_examples=150, deadline=None)
def test_what_lies_in_a_cell_is_nearest_to_its_commune(points: list[tuple[int, int]], at: tuple[float, float]) -> None:
    apart = [math.dist(at, point) for point in points]
    for number, cell in enumerate(cells([(float(x), float(y)) for x, y in points], 6.0)):
        if inside(cell, at, -1e-6):
            assert apart[number] <= min(apart) + 1e-6
            assert apart[number] <= 6.0
        assert inside(cell, (float(points[number][0]), float(points[number][1])), 1e-6)


def test_north_is_up_and_lengths_agree_in_both_directions() -> None:
    project = Projection([(2.2, 48.7), (2.6, 48.9)])
    west, east, north = project(2.2, 48.8), project(2.2 + 0.1 / math.cos(math.radians(48.8)), 48.8), project(2.2, 48.9)
    assert north[1] < west[1]
    assert east[0] - west[0] == pytest.approx(west[1] - north[1], rel=1e-3)
    assert project.length(11.132) == pytest.approx(west[1] - north[1], rel=1e-3)


def square(code: str = "94028", **change: Any) -> dict[str, Any]:
    ring = [[2.4, 48.7], [2.5, 48.7], [2.5, 48.8], [2.4, 48.8], [2.4, 48.7]]
    return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}, **change}


def geo(*features: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not a JSON file"),
        (b"[" * 5000, "not a JSON file"),
        (b'{"type": "Feature"}', "FeatureCollection"),
        (geo(), "FeatureCollection"),
        (geo(square(properties={"nom": "Créteil"})), "no commune code"),
        (geo(square(properties={"code": "<script>"})), "no commune code"),
        (geo(square(), square()), "94028 stands twice"),
        (geo(square(geometry={"type": "Point", "coordinates": [2, 48]})), "neither Polygon"),
        (geo(square(geometry={"type": "Polygon", "coordinates": [[[2, 48], [3, 48], [3, 49], [2, 49]]]})), "not closed"),
        (geo(square(geometry={"type": "Polygon", "coordinates": [[[2, 480], [3, 48], [3, 49], [2, 480]]]})), "not on Earth"),
        (geo(square(geometry={"type": "Polygon", "coordinates": [[["a", 48], [3, 48], [3, 49], ["a", 48]]]})), "not two numbers"),
    ],
)
def test_a_file_that_is_no_map_is_refused_with_the_place(content: bytes, said: str) -> None:
    with pytest.raises(ContourError, match=said):
        read_contours(content)


@given(st.lists(st.floats(0.2, 0.3), min_size=12, max_size=200))
@settings(max_examples=60, deadline=None)
def test_a_contour_loses_little_when_it_is_made_lighter(rays: list[float]) -> None:
    turn = 2 * math.pi / len(rays)
    ring = [[round(2 + ray * math.cos(at * turn), 5), round(48 + ray * math.sin(at * turn), 5)] for at, ray in enumerate(rays)]
    [found] = read_contours(geo(square(geometry={"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]})))
    [[lighter]] = found.polygons
    assert lighter[0] == lighter[-1] == tuple(ring[0])
    assert set(lighter) <= {(x, y) for x, y in ring}
    assert abs(area(lighter) - area([*ring, ring[0]])) <= TOLERANCE * 2 * sum(
        math.dist(a, b) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    )


def area(ring: Any) -> float:
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in itertools.pairwise(ring))) / 2


def test_a_straight_side_keeps_its_ends_alone() -> None:
    ring = (*tuple((x / 100, 0.0) for x in range(101)), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0))
    assert simplified(ring) == ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0))


@pytest.mark.parametrize("text", ["=1+1", "+33", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_cell_never_computes(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded(f"a{text}") == f"a{text}"
