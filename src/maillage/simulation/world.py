"""From a scenario to what the engine runs: the program, the place, and for a seed the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from maillage.simulation import arrivals, draws, filling
from maillage.simulation.areas import steps_area
from maillage.simulation.arrivals import Drawn, Merged
from maillage.simulation.assembly import Program, assemble
from maillage.simulation.desk import Desk
from maillage.simulation.draws import OWN, Purpose
from maillage.simulation.filling import BERNOULLI, BETWEEN, CONSTANT, EITHER, EXPONENTIAL, LOGNORMAL, RESIDUAL, UNIFORM, Drawing
from maillage.simulation.memory import Place, Rows
from maillage.simulation.parameters import Model, Scenario, load
from maillage.simulation.place import DAY, Plan, Station, Zone, build, daily, levels, names
from maillage.simulation.play import Played, play

WARM_UP, YEAR_DAYS = 28, 364
FORMS: Final = {
    "constant": CONSTANT,
    "lognormal": LOGNORMAL,
    "exponential": EXPONENTIAL,
    "bernoulli": BERNOULLI,
    "between": BETWEEN,
    "either": EITHER,
    "uniform": UNIFORM,
    "residual": RESIDUAL,
}


@dataclass(frozen=True, slots=True)
class World:
    """A scenario made ready; the same for every seed, but for the evenings that a city doctor covers."""

    scenario: Scenario
    program: Program
    stations: tuple[Station, ...]
    plan: Plan
    place: Place
    columns: Drawing
    days: int
    duty: NDArray[np.int64]
    """By station, how many are on duty by quarter of an hour (see `areas`)."""


def logarithmic(mean: float, cv: float) -> tuple[float, float]:
    """Location and scale of a lognormal by its mean and coefficient of variation."""
    variance = math.log1p(cv * cv)
    return math.log(mean) - variance / 2.0, math.sqrt(variance)


def columns_of(scenario: Scenario) -> Drawing:
    """The columns of a model with the numbers of a scenario. Classes: those of the model, then direct admissions, then those present."""
    model = load(scenario.model)
    order = list(model.columns)
    count = len(model.classes) + 2
    made = Drawing(
        form=np.array([FORMS[said["kind"]] for said in model.columns.values()], np.int32),
        purpose=np.array([_purpose(said.get("draw", name), n) for n, (name, said) in enumerate(model.columns.items())], np.uint64),
        value=np.zeros((len(order), count, 3)),
        when=np.array([order.index(said["when"]) if "when" in said else -1 for said in model.columns.values()], np.int32),
        other=np.array([said.get("other", 0.0) for said in model.columns.values()], np.float64),
        same=np.zeros(len(order), np.bool_),
    )
    for n, said in enumerate(model.columns.values()):
        if "switch" in said and not scenario.number(said["switch"]):
            made.form[n], made.value[n], made.when[n] = CONSTANT, said["other"], -1
        elif "columns" in said:
            made.value[n, :, :2] = [order.index(name) for name in said["columns"]]
        else:
            made.value[n] = [_values(scenario, model, said, c) for c in range(count)]
            if "only" in said:  # drawn for those present at the start alone
                made.value[n, : count - 1, 2] = 0.0
    made.same[:] = (made.value == made.value[:, :1]).all(axis=(1, 2))
    return made


def _purpose(name: str, number: int) -> int:
    return Purpose[name.upper()] if name.upper() in Purpose.__members__ else OWN + number


def _of_class(scenario: Scenario, model: Model, key: str, cls: int) -> float:
    """A parameter for one class; a direct admission is like one class but for what the model says."""
    if cls == len(model.classes) and key in model.direct:
        return float(model.direct[key])
    numbers = scenario.numbers(key)
    return float(numbers[min(cls, len(model.classes) - 1) if cls < len(model.classes) else model.classes.index(model.direct["like"])]) if (
        len(numbers) > 1
    ) else float(numbers[0])  # fmt: skip


def _values(scenario: Scenario, model: Model, said: dict[str, Any], cls: int) -> tuple[float, float, float]:
    """The three numbers of a column for one class."""
    kind, of = said["kind"], [_of_class(scenario, model, key, cls) for key in said["of"]]
    scale = said.get("scale", 1.0)
    if kind in {"lognormal", "residual"}:
        most = _of_class(scenario, model, said["most"], cls) if "most" in said else math.inf
        location, spread = logarithmic(of[0] * scale, of[1])
        return location + (spread**2 if kind == "residual" else 0.0), spread, most
    if kind == "bernoulli":
        return of[0] / 100.0, 0.0, 0.0
    if kind == "between":
        low = _of_class(scenario, model, said["above"], cls) / 100.0 if "above" in said else 0.0
        return low, low + of[0] / 100.0, 0.0
    return (of[0] * scale, (of[1] if len(of) > 1 else 0.0) * scale, 0.0)


def _team(scenario: Scenario, name: str, days: int) -> list[tuple[float, int]]:
    """The shifts of a resource: so many at all hours, so many more in the hours said."""
    base = int(scenario.number(f"{name}.base"))
    if f"{name}.extra" not in scenario.values:
        return [(0.0, base)]
    begin, end = scenario.numbers(f"{name}.hours")
    return daily([(0, 24, base), (begin, end, int(scenario.number(f"{name}.extra")))], days)


def stations_of(scenario: Scenario, days: int) -> tuple[Station, ...]:
    """The resources of the emergency department."""
    second = ("contact2",) if scenario.number("doctor.second_first") else ()
    slopes = tuple(scenario.numbers("doctor.ageing"))
    kept = int(scenario.number("box.reserve"))
    order = scenario.word("bed.order")
    policy = scenario.word("doctor.policy")
    return (
        Station("ioa", _team(scenario, "ioa", days)),
        Station("nurse", _team(scenario, "nurse", days)),
        Station(
            "doctor",
            _team(scenario, "doctor", days),
            policy,
            scenario.number("doctor.hand_over") if policy == "hand-over" else 0.0,
            ageing=slopes if any(slopes) else (),
            ahead=second,
        ),
        Station("box", _team(scenario, "box", days), reserve=(0, 0, kept, kept, kept, kept), leaves_zone=True),
        Station("imaging", _team(scenario, "imaging", days)),
        Station(
            "og",
            _team(scenario, "og", days),
            "wind-down",
            scenario.number("og.wind_down"),
            longest_list=int(scenario.number("og.longest")),
            leaves_zone=True,
        ),
        Station("uhcd", _team(scenario, "uhcd", days)),
        Station(
            "bed",
            _team(scenario, "bed", days),
            groups=("direct", "ed") if order != "ed-first" else ("ed", "direct"),
            longest_wait=order == "longest-wait",
        ),
    )


def zones_of(scenario: Scenario, days: int) -> Plan:
    """Where to wait: stretchers and near in the triage nurse's sight at all hours, remote with its watch. Plan of each class, then of the lying."""
    if not scenario.number("zones.on"):
        return Plan()
    begin, end = scenario.numbers("remote.watch")
    watch = daily([(begin, end, 1)], days) if begin != end else [(0.0, 0)]
    zones = (
        Zone("stretchers", int(scenario.number("stretchers.places")), scenario.number("near.walk")),
        Zone("near", int(scenario.number("near.places")), scenario.number("near.walk")),
        Zone("remote", int(scenario.number("remote.places")), scenario.number("remote.walk"), watch),
    )
    return Plan(zones, ((0, 1), (0, 1), (0, 1), (1, 2), (2, 1), (2, 1), (0, 1)))


@lru_cache(maxsize=64)
def _program(path: str, classes: tuple[str, ...], columns: tuple[str, ...], shape: tuple[Any, ...]) -> Program:
    return assemble(path, names(classes, [Station(*said) for said in shape], columns, zones=True))


def prepare(scenario: Scenario, days: int = WARM_UP + YEAR_DAYS) -> World:
    """Everything that does not depend on the seed."""
    model = load(scenario.model)
    stations, plan = stations_of(scenario, days), zones_of(scenario, days)
    shape = tuple(
        (s.name, (), s.policy, 0.0, 0, (), (), s.groups, s.ahead, s.leaves_zone, s.longest_wait) for s in stations
    )  # what the assembler sees of them: shifts and numbers make no other program
    program = _program(model.path, model.classes, tuple(model.columns), shape)
    duty = np.stack([steps_area(station.shifts, days * DAY) for station in stations])
    return World(scenario, program, stations, plan, build(program, stations, plan), columns_of(scenario), days, duty)


def covered(world: World, seed: int) -> World:
    """The world with a city doctor on the evenings that are covered: one draw for each."""
    share = world.scenario.number("og.covered") / 100.0
    if share >= 1.0:
        return world
    drawn = draws.drawn(seed, np.arange(world.days, dtype=np.uint64), Purpose.OG_COVER)
    begin, end = (hour * 60.0 for hour in world.scenario.numbers("og.hours"))
    number = int(world.scenario.number("og.extra"))
    steps: dict[float, int] = {0.0: int(world.scenario.number("og.base"))}
    for day in np.flatnonzero(drawn < share):
        start, stop = day * DAY + begin, day * DAY + (end if end > begin else end + DAY)
        steps[start] = steps.get(start, 0) + number
        steps[stop] = steps.get(stop, 0) - number
    stations = tuple(
        Station("og", levels(steps), s.policy, s.minutes, s.longest_list, leaves_zone=True) if s.name == "og" else s for s in world.stations
    )
    [number] = [number for number, station in enumerate(stations) if station.name == "og"]
    duty = world.duty.copy()
    duty[number] = steps_area(stations[number].shifts, world.days * DAY)
    return replace(world, stations=stations, place=build(world.program, stations, world.plan), duty=duty)


def people(world: World, seed: int, came: NDArray[np.float64] | None = None, desk: Desk | None = None) -> Rows:
    """The rows of one seed; those who come by the door come at these times when they are given (real days replace drawn ones)."""
    scenario, program = world.scenario, world.program
    desk = desk or Desk()
    times, ids, cls = (
        arrivals.patients(scenario, seed, world.days, desk) if came is None else arrivals.given(scenario, seed, world.days, came, desk)
    )
    direct_times, direct_ids = arrivals.direct(scenario, seed, world.days, desk)
    classes = len(program.names.classes)
    like = program.names.classes.index(load(scenario.model).direct["like"])
    present = round(scenario.number("bed.base") * scenario.number("bed.filled") / 100.0)
    count = present + len(times) + len(direct_times)
    rows = Merged(
        desk.take("start", (count,)),
        desk.take("ids", (count,), np.uint64),
        desk.take("cls", (count,), np.int32),
        desk.take("drawn_as", (count,), np.int32),
        desk.take("at", (count,), np.int32),
    )
    here = np.arange(arrivals.PRESENT_ROWS, arrivals.PRESENT_ROWS + present, dtype=np.uint64)
    arrivals.merge(
        _alike(np.zeros(present), here, like, classes + 1, program.starts["present"]),
        Drawn(times, ids, cls, cls, program.starts["ed"]),
        _alike(direct_times, direct_ids, like, classes, program.starts["direct"]),
        rows,
    )
    table = desk.take("columns", (count, len(world.columns.form)))
    filling.fill(np.uint64(draws.key_of(seed)), rows.row, rows.drawn_as, world.columns, filling.bench(), table.reshape(-1))
    lying, plan = program.names.columns.index("lying"), desk.take("plan", (count,), np.int32)
    arrivals.planned(table, lying, rows.cls, len(world.plan.plans) - 1, plan)
    return Rows(rows.start, rows.at, rows.start, rows.cls, plan, table, np.zeros(1), np.zeros(1, np.int64))


def _alike(start: NDArray[np.float64], row: NDArray[np.uint64], cls: int, drawn_as: int, at: int) -> Drawn:
    """People who are all of one class."""
    return Drawn(start, row, np.full(len(start), cls, np.int32), np.full(len(start), drawn_as, np.int32), at)


def run(world: World, seed: int, desk: Desk | None = None) -> Played:
    """One year of one seed. With a `desk`, what is returned lasts until its next run."""
    return play(world.program, covered(world, seed).place, people(world, seed, desk=desk), world.days * DAY, desk=desk)
