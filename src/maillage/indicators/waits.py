"""Waits of a service, gross and net together, with the cases still open beside them (workflow rule book 0.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar

from maillage import directory
from maillage.indicators.counting import VERSION, WINDOW, counted, read_sql
from maillage.kernel.actor import Actor
from maillage.store import Transaction

MEDIAN_FLOOR: Final = 6
P90_FLOOR: Final = 20
CELL_FLOOR: Final = 11
"""Outside the care team no count under this is told: a person could be recognised in it."""
REMOVED_ALERT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Wait:
    """One delay in days over `n` cases; a figure under its floor is None: too few cases to say. `n` is None when it may not be told."""

    n: int | None
    gross_p50: float | None
    gross_p90: float | None
    net_p50: float | None
    net_p90: float | None
    removed_share: float | None

    @property
    def flagged(self) -> bool:
        """More than a quarter of the days removed as the patient's: to be looked at."""
        return self.removed_share is not None and self.removed_share > REMOVED_ALERT


@dataclass(frozen=True, slots=True)
class OpenRequests:
    """The cases that a wait does not show yet: how many (None when it may not be told), and their age in days."""

    n: int | None
    age_p50: float | None
    age_p90: float | None


@dataclass(frozen=True, slots=True)
class ServiceWaits:
    """The figures of one service, with what is needed to read them: window, instant, definition version."""

    service_id: str
    appointment: Wait
    decision: Wait
    open: OpenRequests
    undecided: OpenRequests
    window_start: datetime
    at: datetime
    version: str = VERSION


_NAMES: Final = ("appointment_wait", "decision_wait", "open_requests", "undecided_requests")
_Cell = TypeVar("_Cell", Wait, OpenRequests)


async def waits(tx: Transaction, service_id: str) -> ServiceWaits:
    """Waits to appointment and to decision over six rolling months, each with the requests still open, for one service.

    Medians need 6 cases, ninth deciles 20; open cases have the same floors for their ages, never for their number.
    An actor outside the care team (another organisation than the service's own) is told no cell under 11. Raises `NotFound`.
    """
    service = await directory.get_service(tx, service_id)
    return (await waits_of(tx, {service_id: service.organization_id}))[service_id]


async def waits_of(tx: Transaction, services: Mapping[str, str]) -> dict[str, ServiceWaits]:
    """The same of several services at once, by id; `services` gives the organisation of each."""
    found = await counted(tx, *_NAMES)
    appointment, decision, waiting, undecided = ({row["service_id"]: row for row in found.lines[name]} for name in _NAMES)
    told = {}
    for id in sorted(services):
        cells = (_wait(appointment.get(id)), _wait(decision.get(id)), _open(waiting.get(id)), _open(undecided.get(id)))
        made = ServiceWaits(id, *cells, found.at - WINDOW, found.at)
        told[id] = made if in_care_team(tx.actor, services[id]) else outside(made)
    return told


def in_care_team(actor: Actor, organization: str) -> bool:
    """Whether the actor works for the organisation that gives the care; the scheduler tells nobody."""
    return actor.kind == "system" or organization in actor.organizations


def outside(found: ServiceWaits) -> ServiceWaits:
    """What may be told outside the care team: a count under 11 and every figure computed from it are left out, none included."""
    return replace(
        found,
        appointment=_told(found.appointment, _NO_WAIT),
        decision=_told(found.decision, _NO_WAIT),
        open=_told(found.open, _NO_REQUESTS),
        undecided=_told(found.undecided, _NO_REQUESTS),
    )


_NO_WAIT: Final = Wait(None, None, None, None, None, None)
_NO_REQUESTS: Final = OpenRequests(None, None, None)


def _told(cell: _Cell, hidden: _Cell) -> _Cell:
    return hidden if cell.n is None or cell.n < CELL_FLOOR else cell


async def time_by_turn(tx: Transaction, task_id: str) -> dict[str, float]:
    """Seconds that a request spent with the requester, the performing service and the patient."""
    rows = await tx.fetch(read_sql("time_by_turn"), task_id, tx.now)
    return {row["side"]: row["seconds"] for row in rows}


def _wait(row: Mapping[str, Any] | Any | None) -> Wait:
    if row is None:
        return Wait(0, None, None, None, None, None)
    n = row["n"]
    return Wait(
        n,
        _floored(row["gross_p50"], n, MEDIAN_FLOOR),
        _floored(row["gross_p90"], n, P90_FLOOR),
        _floored(row["net_p50"], n, MEDIAN_FLOOR),
        _floored(row["net_p90"], n, P90_FLOOR),
        _floored(row["removed_share"], n, MEDIAN_FLOOR),
    )


def _open(row: Mapping[str, Any] | Any | None) -> OpenRequests:
    if row is None:
        return OpenRequests(0, None, None)
    return OpenRequests(row["n"], _floored(row["age_p50"], row["n"], MEDIAN_FLOOR), _floored(row["age_p90"], row["n"], P90_FLOOR))


def _floored(value: Any, n: int, floor: int) -> float | None:
    return None if value is None or n < floor else float(value)
