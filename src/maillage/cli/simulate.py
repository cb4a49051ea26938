"""`maillage simulate`: the emergency department under a scenario, alone or against another."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import ENVIRONMENT, OK, USAGE, Failure
from maillage.simulation import answers, parameters, sweep
from maillage.simulation.sensitivity import Bar, tornado
from maillage.simulation.sentences import spoken
from maillage.simulation.study import Study, stages
from maillage.simulation.sweep import Mapper


def simulate(
    scenario: str = "",
    *,
    against: str = "",
    replications: Annotated[int | None, Parameter(validator=Number(gte=2, lte=100_000))] = None,
    seed: Annotated[int, Parameter(validator=Number(gte=0))] = 2026,
    minutes: Annotated[float, Parameter(validator=Number(gt=0))] = 30.0,
    report: Path | None = None,
    sensitivity: bool = False,
    staffing: bool = False,
    dask: str = "",
    lang: Literal["fr", "en"] = "fr",
    json: bool = False,
) -> int:
    """Run a scenario (a name that ships with maillage, or a TOML file) until its answer is precise, for `--minutes` at most.

    `--report` writes an HTML page, a PDF where typst is installed, or a CSV, by its suffix; `--sensitivity` adds the assumptions that weigh most;
    `--staffing` searches the cheapest team that holds the limits (p90 door-to-doctor 60 min, 3 % unseen) and the volume that breaks this one.
    `--lang en` tells what is printed and reported in English.
    `--against` compares it with another on the same people. Without a scenario, lists those that ship. Ctrl-C cancels.

    Example: maillage simulate percy-35000-rebuilt --against percy-35000-overflow --report rapport.html
    """
    if not scenario:
        names = parameters.shipped_names()
        return _say({"scenarios": names}, [f"{name}: {spoken(parameters.shipped(name).title, lang)}" for name in names], json=json)
    try:
        first = parameters.find(scenario)
        second = parameters.find(against) if against else None
    except (parameters.Wrong, OSError) as error:
        raise Failure(str(error), USAGE) from error
    end = time.monotonic() + minutes * 60.0
    with _mapper(dask) as mapper:
        studies = _run([first, *([second] if second else [])], seed, replications, mapper, end, lang, quiet=json)
        bars = _weighed(first, seed, mapper) if sensitivity else []
        search = _searched(first, seed, mapper, lang, quiet=json) if staffing else {}
    answer = {**answers.answer(*studies), **({"sensitivity": answers.weights(bars)} if sensitivity else {}), **search}
    if report:
        _write(report, studies, bars, answer, lang)
    printed = answers.lines(studies[0], studies[1] if studies[1:] else None, lang)
    named = partial(_named, lang)
    return _say(answer, [*printed, *answers.weight_lines(bars, lang, named), *answers.team_lines(search, lang, named)], json=json)


def _named(lang: str, key: str) -> str:
    """How a parameter is called, and its key, by which a scenario file knows it."""
    from maillage.codes.labels import label  # noqa: PLC0415  # keeps the first result near

    return f"{label('parameter', key, lang)} ({key})"


def _weighed(scenario: parameters.Scenario, seed: int, mapper: Mapper) -> list[Bar]:
    """What each assumption weighs."""
    with _refusing():
        return tornado(scenario, seed=seed, mapper=mapper)


def _searched(scenario: parameters.Scenario, seed: int, mapper: Mapper, lang: str, *, quiet: bool) -> dict[str, Any]:
    """The cheapest team that holds the limits, and the volume at which this one breaks."""
    from maillage.simulation import process, staffing  # noqa: PLC0415  # only when asked for

    with _refusing(), _progress(spoken(scenario.title, lang), quiet=quiet) as told:
        grid = staffing.grid_around(scenario, seed=seed, mapper=mapper)
        tried = staffing.frontier(scenario, grid, seed=seed, mapper=mapper, told=told)
        volume = staffing.breaking_volume(scenario, seed=seed, mapper=mapper)
    return {"staffing": process.teams(grid, tried), "breaking_volume": volume if volume < float("inf") else None}


def _run(
    scenarios: list[parameters.Scenario], seed: int, replications: int | None, mapper: Mapper, end: float, lang: str, *, quiet: bool
) -> tuple[Study, ...]:
    """The scenarios on the same people, as many replications of each."""
    with _refusing(), _progress(spoken(scenarios[-1].title, lang), quiet=quiet) as told:
        found = stages(scenarios, seed=seed, replications=replications, mapper=mapper, told=told, late=lambda: time.monotonic() > end)
        return list(found)[-1]


@contextmanager
def _refusing() -> Iterator[None]:
    """One line for who stops it, and for a scenario that cannot be played."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Failure("cancelled") from error
    except parameters.Wrong as error:
        raise Failure(str(error), USAGE) from error


@contextmanager
def _progress(title: str, *, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on the error output, for people only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415  # for people only
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  # the same

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _mapper(address: str) -> Iterator[Mapper]:
    """Every core of this machine, or the workers of a cluster."""
    if not address:
        yield sweep.threads
        return
    try:
        from distributed import Client  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise Failure("--dask needs the extra: pip install 'maillage[cluster]'", ENVIRONMENT) from error
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]  # its library has no types
    except OSError as error:
        raise Failure(f"no cluster answers at {address}", ENVIRONMENT) from error
    with client:
        yield sweep.on_cluster(client)


def _write(path: Path, studies: tuple[Study, ...], bars: list[Bar], answer: dict[str, Any], lang: str) -> None:
    """The report, in the form that its suffix asks for."""
    from maillage.simulation import printed, report  # noqa: PLC0415  # only when asked for

    if path.suffix == ".csv":
        path.write_text(answers.table(answer, lang), encoding="utf-8", newline="")
        return
    try:
        first, other = studies[0], studies[1] if studies[1:] else None
        made = printed.pdf(first, other, lang) if path.suffix == ".pdf" else report.html(first, other, bars, lang).encode()
    except printed.NotInstalled as error:
        raise Failure(str(error), ENVIRONMENT) from error
    path.write_bytes(made)


def _say(answer: dict[str, Any], lines: list[str], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # keeps the first result near

    print(encode(answer).decode() if json else "\n".join(lines))
    return OK
