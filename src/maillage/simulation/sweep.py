"""Many runs: units of (scenario, eight seeds), on one core, on all of them, or on a cluster. Reduced in the order of the units: the same bits everywhere."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, reduce
from typing import Any, Final, Protocol

from maillage.simulation import world
from maillage.simulation.desk import Desk, Same
from maillage.simulation.draws import WORD, mix
from maillage.simulation.parameters import Scenario
from maillage.simulation.tally import Tally, tally

SEEDS_OF_A_UNIT: Final = 8
_LOCAL = threading.local()


@dataclass(frozen=True, slots=True)
class Unit:
    """What one worker does at a time."""

    scenario: Scenario
    seeds: tuple[int, ...]
    days: int
    warm_up: int
    curves: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """The figures of each seed, and what adds up."""

    figures: tuple[dict[str, float], ...]
    total: Tally


class Cancelled(Exception):
    """Whoever asked does not want the answer any more."""


class Mapper(Protocol):
    """Serial, threads, or a cluster: results in the order of the units."""

    def __call__(self, work: Callable[[Unit], Done], units: Sequence[Unit], /) -> Iterable[Done]:
        """Do each unit."""
        ...


@lru_cache(maxsize=16)
def _world(digest: str, days: int, scenario: _Held) -> world.World:  # noqa: ARG001  # the digest is the key
    return world.prepare(scenario.scenario, days)


@lru_cache(maxsize=64)
def _ready(scenario: Same[Scenario], days: int) -> world.World:
    """The same scenario again: its digest need not be worked out."""
    return _world(scenario.value.digest, days, _Held(scenario.value))


class _Held:
    """A scenario that is not part of a cache's key."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)

    def __hash__(self) -> int:
        return 0


def seed_of(seed: int, number: int) -> int:
    """The seed of a replication: the first one is the seed itself."""
    return seed if number == 0 else mix((seed * 1_000_003 + number) & WORD) >> 1


def work(unit: Unit) -> Done:
    """Run the seeds of a unit."""
    figures, total = [], None
    for seed in unit.seeds:
        one = _year(unit, unit.scenario, seed) if not unit.scenario.sites else _side_by_side(unit, seed)
        figures.append(one.figures)
        if total is None:
            total = one
        else:
            total.take_in(one)
    if total is None:
        raise ValueError("a unit without a seed")
    return Done(tuple(figures), total)


def _year(unit: Unit, scenario: Scenario, seed: int) -> Tally:
    here = world.covered(_ready(Same(scenario), unit.days), seed)
    desk = _LOCAL.desk = getattr(_LOCAL, "desk", None) or Desk()
    return tally(here, world.run(here, seed, desk), warm_up=unit.warm_up, curves=unit.curves)


def _side_by_side(unit: Unit, seed: int) -> Tally:
    """The departments of a scenario, each with people of its own: figures of each, and their mean weighted by arrivals (arrivals: the sum)."""
    found = {site.name.rpartition("/")[2]: _year(unit, site, seed_of(seed, 1_000_000 + n)) for n, site in enumerate(unit.scenario.sites)}
    total = reduce(Tally.added, found.values())
    came = {name: one.figures["arrivals"] for name, one in found.items()}
    whole = sum(came.values())
    first = next(iter(found.values())).figures
    figures = {key: sum(came[name] * one.figures[key] for name, one in found.items()) / whole for key in first}
    figures["arrivals"] = whole
    figures |= {f"{key}@{name}": value for name, one in found.items() for key, value in one.figures.items()}
    return replace(total, figures=figures)


def serial(function: Callable[[Unit], Done], units: Sequence[Unit], /) -> Iterator[Done]:
    """One after the other."""
    yield from map(function, units)


def threads(function: Callable[[Unit], Done], units: Sequence[Unit], /) -> Iterator[Done]:
    """On every core: the compiled loop lets go of Python's lock."""
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1)
    try:
        yield from pool.map(function, units)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def on_cluster(client: Any) -> Mapper:
    """Over the workers of a Dask cluster: `client` is a `distributed.Client`."""

    def spread(function: Callable[[Unit], Done], units: Sequence[Unit], /) -> Iterator[Done]:
        futures = client.map(function, units, pure=False)
        try:
            for future in futures:
                yield future.result()
        finally:
            client.cancel(futures)

    return spread


def units_of(scenario: Scenario, seeds: Sequence[int], days: int, warm_up: int, *, curves: bool = True) -> list[Unit]:
    """The seeds, eight by eight."""
    return [Unit(scenario, tuple(seeds[n : n + SEEDS_OF_A_UNIT]), days, warm_up, curves) for n in range(0, len(seeds), SEEDS_OF_A_UNIT)]
