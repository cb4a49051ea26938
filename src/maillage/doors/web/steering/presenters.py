"""Figures of the territory in words and in tables. A figure that may not be told says so: it is never a zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maillage import indicators
from maillage.directory import Organization, Service
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.exports import Cell, Table
from maillage.doors.web.presenters import clock, days, plain_date
from maillage.doors.web.typography import FIXED, NARROW
from maillage.indicators import CELL_FLOOR, Board, Reference, Share, Wait


def number(value: int | None) -> str:
    """A count, or that it is too small to be told here."""
    return say("figure.hidden", floor=CELL_FLOOR) if value is None else f"{value:,}".replace(",", NARROW)


def percent(value: float) -> str:
    """`82,5 %`."""
    return f"{100 * value:.1f}".removesuffix(".0").replace(".", ",") + f"{NARROW}%"


def share(value: Share) -> str:
    """`82,5 % (74 à 88)` from thirty cases on, else its two counts."""
    if value.part is None:
        return say("figure.withheld") if value.whole is None else say("figure.hidden-of", whole=number(value.whole))
    if value.whole == 0:
        return say("figure.none")
    if value.rate is None or value.low is None or value.high is None:
        return say("figure.of", part=number(value.part), whole=number(value.whole))
    return say("figure.rate", rate=percent(value.rate), low=round(100 * value.low), high=round(100 * value.high), n=number(value.whole))


def wait(value: Wait, *, net: bool) -> str:
    """`12,5 jours`, or that there are too few cases."""
    found = value.net_p50 if net else value.gross_p50
    return say("figure.too-few") if found is None else days(found) if found >= 1 else say("figure.under-a-day")


@dataclass(frozen=True, slots=True)
class Landmark:
    """A figure of the whole territory beside what was published elsewhere."""

    label: str
    value: str
    meaning: str
    references: tuple[Reference, ...]


def landmarks(board: Board) -> tuple[Landmark, ...]:
    """The five figures that have published values."""
    return tuple(
        Landmark(
            say(f"whole.{name}"), share(getattr(board.whole, name)), say(f"whole.{name}.meaning"), indicators.references().get(name, ())
        )
        for name in ("late_decisions", "complete", "capacity_failures", "loop_closed", "absent")
    )


def tiles(board: Board) -> tuple[tuple[str, str, bool], ...]:
    """Label, count, and whether it is bad news, of the open requests of the territory."""
    return tuple(
        (
            say(f"standing.{name}"),
            _total(getattr(board.totals, name)),
            name in ("silent", "late", "dead") and bool(getattr(board.totals, name)),
        )
        for name in ("open", "silent", "late", "without_place", "dead")
    )


def _total(value: int | None) -> str:
    """A sum that would give a small count away is withheld, however large it is."""
    return say("figure.withheld") if value is None else number(value)


def note(board: Board) -> str:
    """Window, instant, floors and version of the definitions: what makes a figure readable."""
    version = board.version.replace("-", "\N{NON-BREAKING HYPHEN}")
    span = {"start": plain_date(board.window_start), "end": plain_date(board.at), "at": clock(board.at)}
    return say("figures.note", **span, version=version, floor=CELL_FLOOR)


# --- tables: the same for the page and for the files ---------------------------------------
def tables(board: Board, services: Mapping[str, Service], organizations: Mapping[str, Organization]) -> dict[str, Table]:
    """The four tables of the page by name."""
    ranked = sorted((id for id in board.waits if id in services), key=lambda id: (services[id].name, id))
    made = (
        ("delais", _delays(board, ranked, services, organizations)),
        ("demandes", _standing(board, ranked, services, organizations)),
        ("places", _ledger(board, services)),
        ("equite", _pairs(board, services, organizations)),
    )
    return {
        name: Table(
            name,
            say(f"table.{name}"),
            tuple(say(f"table.{name}.{column}") for column in range(1, width + 1)),
            rows,
            note(board),
            _left_out(left_out),
        )
        for name, (width, rows, left_out) in made
    }


Rows = tuple[int, tuple[tuple[Cell, ...], ...], int]
"""How many columns, the rows, and how many lines are left out because all of them may not be told."""


def _told(value: int | None) -> Cell:
    return say("figure.hidden", floor=CELL_FLOOR) if value is None else value


def _left_out(number: int) -> str:
    return say("figures.left-out", n=number, floor=CELL_FLOOR) if number else ""


def _days(value: float | None) -> Cell:
    return round(value, 1) if value is not None else say("figure.too-few")


def _where(service: Service, organizations: Mapping[str, Organization]) -> str:
    found = organizations.get(service.organization_id)
    return found.label if found else ""


def _delays(board: Board, ranked: list[str], services: Mapping[str, Service], organizations: Mapping[str, Organization]) -> Rows:
    rows = []
    for id in ranked:
        one = board.waits[id]
        rows.append(
            (
                services[id].name,
                _where(services[id], organizations),
                _days(one.appointment.net_p50),
                _days(one.appointment.gross_p50),
                _told(one.appointment.n),
                _told(one.open.n),
                _days(one.open.age_p50),
                _days(one.decision.net_p50),
                _days(one.decision.gross_p50),
                _told(one.decision.n),
                _told(one.undecided.n),
            )
        )
    return 11, tuple(rows), 0


def _standing(board: Board, ranked: list[str], services: Mapping[str, Service], organizations: Mapping[str, Organization]) -> Rows:
    rows = []
    for id in ranked:
        one = board.standing[id]
        counts = tuple(_told(n) for n in (one.open, one.silent, one.late, one.without_place, one.dead))
        rows.append((services[id].name, _where(services[id], organizations), *counts))
    return 7, tuple(rows), 0


def _ledger(board: Board, services: Mapping[str, Service]) -> Rows:
    told = [one for one in board.ledger if one.opened is not None]
    rows = tuple(
        (
            services[one.service_id].name,
            word("ledger-step", one.step),
            word("reason", one.reason),
            *(_told(value) for value in (one.opened, one.waiting, one.past, one.placed, one.elsewhere, one.lost)),
        )
        for one in told
    )
    return 9, rows, len(board.ledger) - len(told)


def _pairs(board: Board, services: Mapping[str, Service], organizations: Mapping[str, Organization]) -> Rows:
    rows, told = [], [one for one in board.pairs if one.sent is not None]
    for one in told:
        sender = organizations.get(one.requester_org)
        rows.append(
            (
                sender.label if sender else one.requester_org,
                services[one.service_id].name,
                _told(one.sent),
                share(one.decided_in_time),
                *(_told(value) for value in (one.declined_clinical, one.declined_completeness, one.declined_other)),
                share(one.returned),
                share(one.complete),
                _told(one.rounds),
                share(one.absent),
                share(one.letters_in_time),
                share(one.acknowledged_in_time),
                share(one.overturned),
            )
        )
    return 14, tuple(sorted(rows, key=lambda row: (str(row[0]), str(row[1])))), len(board.pairs) - len(told)


def shown(cell: Cell) -> str:
    """A cell on the page: numbers with French commas, days with one decimal."""
    if isinstance(cell, float):
        return f"{cell:.1f}".removesuffix(".0").replace(".", ",")
    return f"{cell:,}".replace(",", NARROW) if isinstance(cell, int) else (cell or "").replace(" %", f"{FIXED}%")
