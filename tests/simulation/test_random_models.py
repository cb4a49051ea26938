"""Rung 12 on models that nobody wrote: random pathways, played by the engine, by its twin and by SimPy; every stamp equal."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulation.networks import run
from tests.simulation.walker import Walk

from maillage.simulation.place import Station
from maillage.simulation.twin import Twin

RESOURCES = ("a", "b", "c")
ROWS, HORIZON = 150, 400.0
STEP = st.sampled_from(["serve", "held", "delay", "skip", "patient"])


@st.composite
def pathways(draw: Any) -> tuple[str, dict[str, int], list[str]]:
    """A pathway of two to six parts; what is held is asked for in the order of names, so that nobody can wait in a circle."""
    orders = {name: draw(st.sampled_from(["class", "rank", "class rank"])) for name in RESOURCES}
    lines, columns = ["path p", " mark arrive"], list[str]()
    for n, kind in enumerate(draw(st.lists(STEP, min_size=2, max_size=6))):
        first, second = draw(st.sampled_from([("a", "b"), ("a", "c"), ("b", "c")]))
        columns += [f"d{n}", f"p{n}"]
        if kind == "serve":
            lines.append(f" serve {second} by {orders[second]} for d{n} first seen")
        elif kind == "held":
            lines += [
                f" seize {first} by {orders[first]}",
                f" serve {second} by {orders[second]} for d{n}",
                f" delay p{n}",
                f" release {first}",
            ]
        elif kind == "delay":
            lines.append(f" delay d{n}")
        elif kind == "skip":
            lines += [f" if yes goto l{n}", f" delay d{n}", f"l{n}:", f" mark m{n}"]
        else:
            lines.append(f" serve {first} by {orders[first]} for d{n} within p{n} else gone")
    lines += [" exit done", *(["gone:", " exit gone"] if any(" gone" in line for line in lines) else [])]
    return "\n".join(lines), {name: draw(st.integers(1, 3)) for name in RESOURCES}, columns


@settings(max_examples=25, deadline=None)
@given(pathways(), st.integers(0, 2**32))
def test_engine_twin_and_simpy_agree_to_the_last_bit(model: tuple[str, dict[str, int], list[str]], seed: int) -> None:
    text, servers, names = model
    rng = np.random.default_rng(seed)
    start = np.cumsum(rng.exponential(1.5, ROWS))
    columns = {name: rng.exponential(2.5, ROWS) for name in names}
    columns["yes"] = (rng.uniform(size=ROWS) < 0.4).astype(float)
    cls = rng.integers(0, 3, ROWS)
    stations = [Station(name, ((0.0, count),)) for name, count in servers.items()]
    played = run(text, stations, start, columns, cls=cls, classes=("1", "2", "3"), horizon=HORIZON)
    walked = Walk(text, servers, start.tolist(), columns, cls.tolist(), ["p"] * ROWS).run(HORIZON)
    for mark in played.program.marks:
        assert np.array_equal(played.mark(mark), walked.mark(mark), equal_nan=True), (mark, text)
    assert [played.program.exits[code] if code >= 0 else "" for code in played.trace.exits] == walked.exits
    from maillage.simulation.place import build

    twin = Twin(build(played.program, stations), played.rows, played.program).run(HORIZON)
    assert twin.exits == played.trace.exits.tolist()
    for row, said in enumerate(twin.marks):
        assert all(played.trace.marks[row, mark] == when for mark, when in said.items())
