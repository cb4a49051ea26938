"""The page of the territory and its files."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from maillage import directory, indicators
from maillage.directory import Service
from maillage.doors.edge import Limit
from maillage.doors.web import places
from maillage.doors.web.exports import csv_file, xlsx_file
from maillage.doors.web.pages import get
from maillage.doors.web.steering import presenters
from maillage.doors.web.steering.map import draw
from maillage.doors.web.steering.readers import may_steer
from maillage.doors.web.view import View
from maillage.kernel.errors import NotAllowed, NotFound
from maillage.kernel.period import day_in_paris


async def _board(view: View) -> tuple[indicators.Board, dict[str, Service], dict[str, directory.Organization]]:
    if not may_steer(view.actor):
        raise NotAllowed("role")
    services, organizations = await places.services(view.tx), await places.organizations(view.tx)
    return await indicators.board(view.tx, {id: one.organization_id for id, one in services.items()}), services, organizations


async def show_steering(view: View) -> Response:
    """The territory at a glance: map, open requests, landmarks, then the tables."""
    board, services, organizations = await _board(view)
    covered = await directory.coverage(view.tx, day_in_paris(view.tx.now))
    contours, sources = await directory.contours(view.tx)
    tables = presenters.tables(board, services, organizations)
    return view.page(
        "steering/templates/steering.html",
        "Pilotage du territoire",
        sheet=draw(covered, contours, sources, await places.sites(view.tx), organizations),
        tiles=presenters.tiles(board),
        landmarks=presenters.landmarks(board),
        tables=tables.values(),
        shown=presenters.shown,
        note=presenters.note(board),
    )


async def give_table(view: View) -> Response:
    """One table as CSV."""
    name = view.path("name")
    tables = presenters.tables(*await _board(view))
    if name not in tables:
        raise NotFound("table", name)
    return csv_file(tables[name])


async def give_book(view: View) -> Response:
    """Every table as one XLSX."""
    found: Any = presenters.tables(*await _board(view))
    return xlsx_file("pilotage", list(found.values()))


PAGES = (
    get("/pilotage", show_steering, on="HealthcareService"),
    get("/pilotage/pilotage.xlsx", give_book, on="HealthcareService", limit=Limit.EXPORT),
    get("/pilotage/{name:id}/csv", give_table, on="HealthcareService", limit=Limit.EXPORT),
)
