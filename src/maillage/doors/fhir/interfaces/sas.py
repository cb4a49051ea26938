"""SAS 1.2.0: the platform of access to care asks for free slots and keeps its regulators' accounts here.

https://interop.esante.gouv.fr/ig/fhir/sas, with the faults of its material that are tolerated: identifiers separated by ", ", mixed roots, a capital in
`?Identifier=`, an unescaped `+` in an offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from maillage import record
from maillage.codes import systems
from maillage.codes.json import decode
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import parameters_of
from maillage.doors.fhir.interfaces import appointments, regulators
from maillage.doors.fhir.interfaces import sas_resources as shown
from maillage.doors.fhir.interfaces.sas_scene import scene_of
from maillage.doors.fhir.interfaces.served import Interface, Served
from maillage.kernel.errors import Issue, Malformed
from maillage.record import Page, Stored

Pairs = list[tuple[str, str]]
MOST_PROFESSIONALS: Final = 25
MOST_SLOTS: Final = 1000
LATE: Final = timedelta(minutes=10)
"""How long the pages of one search go on from the instant of the first."""

_AT: Final = "_at"
_OFFSET: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:[0-9]{2})$")
_NATIONAL: Final = re.compile(rf"({re.escape(systems.IDNPS)}\|)?8[0-9]{{11}}")
_PROFESSIONALS: Final = frozenset({"schedule.actor:Practitioner.identifier", "schedule:Schedule.actor:Practitioner.identifier"})
_SLOT_START: Final = "_has:Slot:schedule:start"
_SLOTS: Final = "Slot:schedule"
_OFFERED: Final = ("_security", f"{systems.TYPE_CRENEAU}|")


async def search_slots(context: Context, request: Request) -> Response:
    """The free slots of 1 to 25 professionals in an interval, never in the past: those that are shown to the SAS (TRE_R314)."""
    context.require("Slot", "s")
    asked = _read(parameters_of(request))
    _check_professionals(asked)
    _check_interval([value for name, value in asked if name == "start"])
    now, asked = _instant(context, asked)
    page = await _search(context, request, "Slot", [*asked, ("status", "free"), ("start", f"gt{now.isoformat()}"), _OFFERED])
    matches = [stored for stored in page.matches if _starts(stored) > context.tx.now]
    return await _answer(context, request, page, matches, page.included, now)


async def search_schedules(context: Context, request: Request) -> Response:
    """The schedules of a SOS centre with their free slots: `_revinclude=Slot:schedule` and `_has:Slot:schedule:start`."""
    context.require("Schedule", "s")
    context.require("Slot", "s")
    asked = _read(parameters_of(request))
    bounds = [value for name, value in asked if name == _SLOT_START]
    _check_interval(bounds)
    now, asked = _instant(context, asked)
    own = [pair for pair in asked if pair != ("_revinclude", _SLOTS)]
    page = await _search(context, request, "Schedule", [*own, ("_has:Slot:schedule:status", "free")])
    ids = ",".join(f"Schedule/{stored.id}" for stored in page.matches)
    free: Sequence[Stored] = ()
    if ids:
        wanted = [("schedule", ids), ("status", "free"), ("start", f"gt{now.isoformat()}"), _OFFERED, *(("start", one) for one in bounds)]
        free = (await _search(context, request, "Slot", wanted)).matches
    offered = {decode(stored.content)["schedule"]["reference"].rpartition("/")[2] for stored in free}
    matches = [stored for stored in page.matches if stored.id in offered]
    with_slots = ("_revinclude", _SLOTS) in asked
    return await _answer(context, request, page, matches, [*page.included, *(free if with_slots else ())], now, total=len(matches))


def _read(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The parameters as they were meant."""
    read = []
    for name, value in pairs:
        plain = re.sub(r"\s*,\s*", ",", value.strip())
        read.append((name[:1].lower() + name[1:], _OFFSET.sub(r"\1+\2", plain)))
    return read


def _check_professionals(asked: Pairs) -> None:
    """Raise `Malformed` unless one to twenty-five national identifiers are asked for."""
    named = [one for name, value in asked if name in _PROFESSIONALS for one in value.split(",")]
    if not 1 <= len(named) <= MOST_PROFESSIONALS or not all(_NATIONAL.fullmatch(one) for one in named):
        details = f"1 to {MOST_PROFESSIONALS} identifiers {systems.IDNPS}|8 and the RPPS, in schedule.actor:Practitioner.identifier"
        raise Malformed(Issue("error", "value", "professionals-asked", "http.schedule.actor:Practitioner.identifier", details))


def _check_interval(bounds: list[str]) -> None:
    """Raise `Malformed` unless the search has a beginning and an end."""
    starts = {one[:2] for one in bounds}
    if not starts & {"ge", "gt", "sa", "eq"} or not starts & {"le", "lt", "eb", "eq"}:
        raise Malformed(Issue("error", "required", "interval-missing", "http.start", "start=ge... and start=le... bound the search."))


def _instant(context: Context, asked: Pairs) -> tuple[datetime, Pairs]:
    """The instant that this search and its next pages look from."""
    told, now = dict(asked).get(_AT, ""), context.tx.now
    rest = [pair for pair in asked if pair[0] != _AT]
    try:
        at = datetime.fromisoformat(told) if told else now
    except ValueError as error:
        raise Malformed(Issue("error", "value", "search-parameter", f"http.{_AT}", "an instant that a next link told")) from error
    return (at if at.tzinfo and now - LATE <= at <= now else now), rest


async def _search(context: Context, request: Request, kind: str, asked: Pairs) -> Page:
    given = {name for name, _ in asked}
    more = [pair for pair in (("_count", str(MOST_SLOTS)), ("_total", "accurate")) if pair[0] not in given]
    if kind == "Slot" and "_sort" not in given:
        more.append(("_sort", "start"))
    return await record.search_types(
        context.tx,
        (kind,),
        [*asked, *more],
        context.searchable,
        strict=True,
        key=context.key,
        base=request.base,
        allows=context.allows,
        most=MOST_SLOTS,
    )


def _starts(stored: Stored) -> datetime:
    return datetime.fromisoformat(decode(stored.content)["start"])


async def _answer(
    context: Context,
    request: Request,
    page: Page,
    matches: Sequence[Stored],
    included: Sequence[Stored],
    now: datetime,
    *,
    total: int | None = None,
) -> Response:
    scene = await scene_of(context, matches, included)
    await context.audit_read([*matches, *included], "search", encode_query(request.query), request.path[0])
    links = [{"relation": "self", "url": _address(request, request.query)}]
    if page.next_cursor:
        rest = [pair for pair in request.query if pair[0] not in ("_cursor", _AT)]
        links.append({"relation": "next", "url": _address(request, [*rest, (_AT, now.isoformat()), ("_cursor", page.next_cursor)])})
    entries = [
        {"fullUrl": f"{request.base}/{name}", "resource": made, "search": {"mode": mode}} for name, (made, mode) in scene.entries.items()
    ]
    counted = total if total is not None else page.total if page.total is not None else len(matches)
    bundle: dict[str, Any] = {"resourceType": "Bundle", "meta": {"profile": [f"{shown.SAS}BundleAgregateur"]}, "type": "searchset"}
    return json_response(bundle | {"total": counted, "link": links} | ({"entry": entries} if entries else {}))


def _address(request: Request, query: Iterable[tuple[str, str]]) -> str:
    """The self link repeats the query as it was asked, whatever was understood of it (SAS 1.2.0)."""
    return f"{request.base}/{request.path[0]}?{encode_query(query)}"


SAS: Final = Interface(
    name="sas",
    guides=tuple(
        f"https://interop.esante.gouv.fr/ig/fhir/sas/CapabilityStatement/{name}"
        for name in (
            "SAS-GestionnaireAgenda-PsIndiv",
            "SAS-GestionnaireAgenda-CPTS",
            "SAS-GestionnaireAgenda-SOS",
            "SAS-GestionnaireStructure",
        )
    ),
    dialect="sas",
    types={
        "Slot": Served(type={"GET": search_slots}, parameters=("start", "status", "schedule", "service-type-reference")),
        "Schedule": Served(type={"GET": search_schedules}, parameters=("actor",)),
        "Practitioner": Served(
            type={"POST": regulators.create}, where={"PUT": regulators.update}, one={"GET": read}, parameters=("identifier",)
        ),
        "Appointment": Served(
            type={"POST": appointments.declare}, where={"PUT": appointments.declare_again}, one={"GET": read}, parameters=("identifier",)
        ),
    },
)
