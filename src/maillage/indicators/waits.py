"""Waits of a service, gross and net together, with the cases still open beside them (workflow rule book 0.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from maillage.store import Transaction

VERSION: Final = "2026-1"
WINDOW: Final = timedelta(days=182)
MEDIAN_FLOOR: Final = 6
P90_FLOOR: Final = 20
REMOVED_ALERT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Wait:
    """One delay in days over `n` cases; a figure under its floor is None: too few cases to say."""

    n: int
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
    """The cases that a wait does not show yet: how many, and their age in days."""

    n: int
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


async def waits(tx: Transaction, service_id: str) -> ServiceWaits:
    """Waits to appointment and to decision over six rolling months, each with the requests still open, for one service.

    Medians need 6 cases, ninth deciles 20; open cases have the same floors for their ages, never for their number.
    """
    start = tx.now - WINDOW
    appointment = await tx.fetchrow(_sql("appointment_wait"), service_id, start, tx.now)
    decision = await tx.fetchrow(_sql("decision_wait"), service_id, start, tx.now)
    waiting = await tx.fetchrow(_sql("open_requests"), service_id, tx.now)
    undecided = await tx.fetchrow(_sql("undecided_requests"), service_id, tx.now)
    return ServiceWaits(service_id, _wait(appointment), _wait(decision), _open(waiting), _open(undecided), start, tx.now)


async def time_by_turn(tx: Transaction, task_id: str) -> dict[str, float]:
    """Seconds that a request spent with the requester, the performing service and the patient."""
    rows = await tx.fetch(_sql("time_by_turn"), task_id, tx.now)
    return {row["side"]: row["seconds"] for row in rows}


@cache
def _sql(name: str) -> str:
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def _wait(row: Mapping[str, Any] | Any) -> Wait:
    n = row["n"]
    return Wait(
        n,
        _floored(row["gross_p50"], n, MEDIAN_FLOOR),
        _floored(row["gross_p90"], n, P90_FLOOR),
        _floored(row["net_p50"], n, MEDIAN_FLOOR),
        _floored(row["net_p90"], n, P90_FLOOR),
        _floored(row["removed_share"], n, MEDIAN_FLOOR),
    )


def _open(row: Mapping[str, Any] | Any) -> OpenRequests:
    return OpenRequests(row["n"], _floored(row["age_p50"], row["n"], MEDIAN_FLOOR), _floored(row["age_p90"], row["n"], P90_FLOOR))


def _floored(value: Any, n: int, floor: int) -> float | None:
    return None if value is None or n < floor else float(value)
