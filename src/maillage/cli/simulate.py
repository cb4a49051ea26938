"""`maillage simulate`: the emergency department under a scenario, alone or against another."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from maillage.cli.status import ENVIRONMENT, OK, USAGE, Failure
from maillage.simulation import answers, parameters, sweep
from maillage.simulation.sensitivity import Bar, tornado
from maillage.simulation.study import MOST, Study, study
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
    dask: str = "",
    json: bool = False,
) -> int:
    """Run a scenario (a name that ships with maillage, or a TOML file) until its answer is precise, for `--minutes` at most.

    `--report` writes an HTML page, or a PDF where typst is installed; `--sensitivity` adds the assumptions that weigh most.
    `--against` compares it with another on the same people. Without a scenario, lists those that ship. Ctrl-C cancels.

    Example: maillage simulate percy-35000-rebuilt --against percy-35000-overflow --report rapport.html
    """
    if not scenario:
        names = parameters.shipped_names()
        return _say({"scenarios": names}, [f"{name}: {parameters.shipped(name).title}" for name in names], json=json)
    try:
        first = parameters.find(scenario)
        second = parameters.find(against) if against else None
    except (parameters.Wrong, OSError) as error:
        raise Failure(str(error), USAGE) from error
    end = time.monotonic() + minutes * 60.0
    with _mapper(dask) as mapper:
        studies = [_run(each, seed, replications, mapper, end, quiet=json) for each in (first, second) if each]
        if len(studies) == 2:
            studies = _same_length(studies, seed, mapper, end, quiet=json)
        bars = tornado(first, seed=seed, mapper=mapper) if sensitivity else []
    answer = {**answers.answer(*studies), **({"sensitivity": answers.weights(bars)} if sensitivity else {})}
    if report:
        _write(report, studies, bars)
    return _say(answer, [*answers.lines(*studies), *answers.weight_lines(bars)], json=json)


def _run(scenario: parameters.Scenario, seed: int, replications: int | None, mapper: Mapper, end: float, *, quiet: bool) -> Study:
    try:
        with _progress(scenario.title, quiet=quiet) as told:
            return study(
                scenario, seed=seed, replications=replications, most=MOST, mapper=mapper, told=told, late=lambda: time.monotonic() > end
            )
    except KeyboardInterrupt as error:
        raise Failure("cancelled") from error
    except parameters.Wrong as error:
        raise Failure(str(error), USAGE) from error


def _same_length(studies: list[Study], seed: int, mapper: Mapper, end: float, *, quiet: bool) -> list[Study]:
    """Two studies of as many replications: pairs need both."""
    count = max(len(each.figures) for each in studies)
    return [each if len(each.figures) == count else _run(each.scenario, seed, count, mapper, end, quiet=quiet) for each in studies]


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


def _write(path: Path, studies: list[Study], bars: list[Bar]) -> None:
    """The report, in the form that its suffix asks for."""
    from maillage.simulation import printed, report  # noqa: PLC0415  # only when asked for

    try:
        made = (
            printed.pdf(*studies) if path.suffix == ".pdf" else report.html(studies[0], studies[1] if studies[1:] else None, bars).encode()
        )
    except printed.NotInstalled as error:
        raise Failure(str(error), ENVIRONMENT) from error
    path.write_bytes(made)


def _say(answer: dict[str, Any], lines: list[str], *, json: bool) -> int:
    from maillage.codes.json import encode  # noqa: PLC0415  # keeps the first result near

    print(encode(answer).decode() if json else "\n".join(lines))
    return OK
