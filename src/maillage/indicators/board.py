"""The figures of a territory on one page: requests as they stand, capacity failures, and what each side owed the other (rule book 0.9, 0.10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from maillage.indicators.counting import VERSION, WINDOW, counted
from maillage.indicators.shares import Share, count_told, share_told, total_told
from maillage.indicators.waits import ServiceWaits, in_care_team, waits_of
from maillage.kernel.actor import Actor
from maillage.store import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """The open requests of a service; None where the count may not be told."""

    service_id: str
    open: int | None
    silent: int | None
    late: int | None
    without_place: int | None
    dead: int | None


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """Capacity failures of one service, step and reason."""

    service_id: str
    step: str
    reason: str
    opened: int | None
    waiting: int | None
    past: int | None
    placed: int | None
    elsewhere: int | None
    lost: int | None


@dataclass(frozen=True, slots=True)
class Pair:
    """What became of what one structure asked of one service, both ways; no ranking, no person."""

    requester_org: str
    service_id: str
    sent: int | None
    decided_in_time: Share
    declined_clinical: int | None
    declined_completeness: int | None
    declined_other: int | None
    returned: Share
    complete: Share
    rounds: int | None
    absent: Share
    letters_in_time: Share
    acknowledged_in_time: Share
    overturned: Share


@dataclass(frozen=True, slots=True)
class Whole:
    """The same questions for the whole territory, next to the values that were published elsewhere."""

    late_decisions: Share
    complete: Share
    capacity_failures: Share
    loop_closed: Share
    absent: Share


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the page, with window, instant and version of the definitions."""

    waits: Mapping[str, ServiceWaits]
    standing: Mapping[str, Standing]
    totals: Standing
    ledger: tuple[LedgerLine, ...]
    pairs: tuple[Pair, ...]
    whole: Whole
    window_start: datetime
    at: datetime
    version: str = VERSION


_NAMES = ("standing", "capacity_ledger", "pairs", "attendance")


async def board(tx: Transaction, services: Mapping[str, str]) -> Board:
    """The figures of these services (id to organisation) over six rolling months, as the actor may be told them."""
    waits, found = await waits_of(tx, services), await counted(tx, *_NAMES)
    standing, ledger, pairs, attendance = (found.lines[name] for name in _NAMES)
    known = [row for row in standing if row["service_id"] in services]
    awaited = {(row["requester_org"], row["service_id"]): row for row in attendance}
    return Board(
        waits=waits,
        standing=_by_service(known, tx.actor, services),
        totals=_totals(known, tx.actor, services),
        ledger=tuple(_line(row, tx.actor, services) for row in ledger if row["service_id"] in services),
        pairs=tuple(_pair(row, awaited, tx.actor, services) for row in pairs if row["service_id"] in services),
        whole=_whole(
            [row for row in pairs if row["service_id"] in services],
            [row for row in attendance if row["service_id"] in services],
            tx.actor,
            services,
        ),
        window_start=found.at - WINDOW,
        at=found.at,
    )


_STANDING = tuple(field.name for field in fields(Standing))[1:]
_LEDGER = tuple(field.name for field in fields(LedgerLine))[3:]


def _by_service(rows: list[Any], actor: Actor, services: Mapping[str, str]) -> dict[str, Standing]:
    """Every service has its line: where nothing is open, a zero is told to those who may be told it."""
    found = {row["service_id"]: row for row in rows}
    none = dict.fromkeys(_STANDING, 0)
    return {
        id: Standing(id, *(count_told(found.get(id, none)[name], inside=in_care_team(actor, org)) for name in _STANDING))
        for id, org in services.items()
    }


def _totals(rows: list[Any], actor: Actor, services: Mapping[str, str]) -> Standing:
    found = {row["service_id"]: row for row in rows}
    none = dict.fromkeys(_STANDING, 0)
    cells = [(found.get(id, none), in_care_team(actor, org)) for id, org in services.items()]
    return Standing("", *(total_told([(row[name], inside) for row, inside in cells]) for name in _STANDING))


def _line(row: Any, actor: Actor, services: Mapping[str, str]) -> LedgerLine:
    inside = in_care_team(actor, services[row["service_id"]])
    return LedgerLine(row["service_id"], row["step"], row["reason"], *(count_told(row[name], inside=inside) for name in _LEDGER))


def _pair(row: Any, awaited: Mapping[tuple[str, str], Any], actor: Actor, services: Mapping[str, str]) -> Pair:
    """Both sides of a pair gave the care: each is told all of it."""
    inside = in_care_team(actor, services[row["service_id"]]) or in_care_team(actor, row["requester_org"])
    visits = awaited.get((row["requester_org"], row["service_id"])) or {"absent": 0, "awaited": 0}

    def share(part: str, whole: str) -> Share:
        return share_told(row[part], row[whole], inside=inside)

    return Pair(
        row["requester_org"],
        row["service_id"],
        count_told(row["sent"], inside=inside),
        share("decided_in_time", "decided"),
        count_told(row["declined_clinical"], inside=inside),
        count_told(row["declined_completeness"], inside=inside),
        count_told(row["declined_other"], inside=inside),
        share("returned", "sent"),
        share("complete", "decided"),
        count_told(row["rounds"], inside=inside),
        share_told(visits["absent"], visits["awaited"], inside=inside),
        share("letters_in_time", "letters"),
        share("acknowledged_in_time", "acknowledged"),
        share("overturned", "insists"),
    )


def _whole(pairs: list[Any], attendance: list[Any], actor: Actor, services: Mapping[str, str]) -> Whole:
    """Sums over the territory, as far as they give no cell away that their reader is not told."""
    sides = [
        (row, in_care_team(actor, services[row["service_id"]]) or in_care_team(actor, row["requester_org"]))
        for row in (*pairs, *attendance)
    ]

    def share(part: str, whole: str) -> Share:
        rows = [(dict(row), inside) for row, inside in sides if whole in dict(row)]
        told = [total_told([(row[name], inside) for row, inside in rows]) for name in (part, whole)]
        rest = total_told([(row[whole] - row[part], inside) for row, inside in rows])
        if told[0] is None or told[1] is None or rest is None:
            return Share(None, told[1])
        return share_told(told[0], told[1], inside=all(inside for _, inside in rows))

    return Whole(
        share("late_decisions", "sent"),
        share("complete", "decided"),
        share("capacity_failures", "accepted"),
        share("acknowledged_in_time", "seen"),
        share("absent", "awaited"),
    )
