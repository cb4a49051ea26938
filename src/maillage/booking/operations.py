"""The verbs as the doors see them: one Operation each, called with plain values or with the words of FHIR."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from maillage.booking import actions, queries
from maillage.booking.fhir import Resource, render_slot
from maillage.booking.types import ABSENCE_REASONS, CANCEL_REASONS, PRIORITIES, SESSION_REASONS, ExceptionKind, HoldKind, Side, TypeCreneau
from maillage.kernel.errors import Malformed
from maillage.kernel.operations import Operation, Param
from maillage.store import Transaction

_READERS: Mapping[str, Callable[[str], Any]] = {
    "Reference": lambda text: text.rpartition("/")[2],
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "dateTime": datetime.fromisoformat,
    "instant": datetime.fromisoformat,
    "integer": int,
    "boolean": lambda text: {"true": True, "false": False}[text],
}


def _read(parameters: tuple[Param, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Names with dashes become names of Python, texts become what their type says; an instant without offset is refused."""
    types = {param.name.replace("-", "_"): param for param in parameters}
    return {
        name: _value(types[name], value) for raw, value in given.items() if (name := raw.replace("-", "_")) in types and value is not None
    }


def _value(param: Param, value: Any) -> Any:
    if isinstance(value, list):
        return [_value(param, item) for item in value]
    try:
        read = _READERS[param.type](value) if isinstance(value, str) and param.type in _READERS else value
    except (ValueError, KeyError) as error:
        raise Malformed.one("bad-value", "Parameters.parameter", f"{param.name} is not a {param.type}") from error
    if isinstance(read, datetime) and read.tzinfo is None:
        raise Malformed.one("offset-missing", "Parameters.parameter", param.name)
    return read


def _on(
    type: str,
    name: str,
    verb: Callable[..., Awaitable[Any]],
    *parameters: Param,
    answer: Callable[[Any], Any] | None = None,
    answer_type: str = "",
) -> Operation:
    """A verb on one resource."""

    async def call(tx: Transaction, id: str, *, version: int | None = None, **given: Any) -> Any:
        done = await verb(tx, id, version=version, **_read(parameters, given))
        return answer(done) if answer else done["id"]

    return Operation(name, type, call, parameters, answer_type=answer_type)


def _any(type: str, name: str, verb: Callable[..., Awaitable[Any]], *parameters: Param, writes: bool = True) -> Operation:
    """A verb on a type: it makes, or finds."""

    async def call(tx: Transaction, _id: str | None = None, *, version: int | None = None, **given: Any) -> Any:  # noqa: ARG001  # nothing exists yet
        done = await verb(tx, **_read(parameters, given))
        return done["id"] if writes else done

    return Operation(name, type, call, parameters, on_instance=False, writes=writes)


def _see(type: str, get: Callable[[Transaction, str], Awaitable[Any]]) -> Operation:
    """`$available-actions`: the verbs that this actor may play now."""

    async def call(tx: Transaction, id: str, *, version: int | None = None) -> Resource:  # noqa: ARG001  # a read takes no version
        verbs = actions.legal_verbs(tx, await get(tx, id))
        return {"resourceType": "Parameters", "parameter": [{"name": "action", "valueCode": verb} for verb in verbs]}

    return Operation("available-actions", type, call, writes=False)


async def _find(tx: Transaction, **criteria: Any) -> Resource:
    await queries.check_known(
        tx, services=criteria.get("services", ()), sites=criteria.get("sites", ()), roles=criteria.get("practitioner_roles", ())
    )
    found = await queries.find_slots(tx, **criteria)
    entries = [{"resource": render_slot(row), "search": {"mode": "match"}} for row in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), **({"entry": entries} if entries else {})}


async def _book_slot(tx: Transaction, slot: str, *, version: int | None = None, **asked: Any) -> Any:  # noqa: ARG001  # the lock decides, not the version
    return await actions.book(tx, slot=slot, **asked)


async def _hold_slot(tx: Transaction, slot: str, *, version: int | None = None, **asked: Any) -> Any:  # noqa: ARG001  # the lock decides, not the version
    return await actions.hold(tx, slot=slot, **asked)


async def _plan(tx: Transaction, id: str, *, version: int | None = None, **asked: Any) -> Any:
    await actions.plan(tx, id, version=version, **asked)
    return await queries.get_vacation(tx, id)


_PRIORITY = Param("priority", "code", values=PRIORITIES)
_PATIENT, _SLOT = Param("patient", "Reference", required=True), Param("slot", "Reference", required=True)
_REQUEST = (
    _PRIORITY,
    Param("requester-org", "Reference"),
    Param("based-on", "Reference"),
    Param("task", "Reference"),
    Param("first-visit", "boolean"),
)
_KIND = Param("kind", "code", values=tuple(HoldKind))
_CRENEAU = Param("type-creneau", "code", values=tuple(TypeCreneau))
_COMMENT = Param("comment", "string")
_ROLE = Param("practitioner-role", "Reference", required=True)
_CANCEL = tuple(dict.fromkeys(reason for side, reasons in CANCEL_REASONS.items() if side != Side.SYSTEM for reason in reasons))
_SIDES = tuple(side for side in Side if side is not Side.SYSTEM)
_GRID = (
    Param("slot-minutes", "integer", low=5, high=480),
    *(Param(name, "integer", high=240) for name in ("buffer-before", "buffer-after")),
    *(Param(name, "integer", high=288) for name in ("reserved-asap", "reserved-urgent")),
)
_SETTLED = (Param("minutes", "integer", required=True, high=1_440), Param("patients", "integer", required=True, high=288),
    Param("cost-cents", "integer", required=True, high=100_000_000))  # fmt: skip

OPERATIONS: tuple[Operation, ...] = (
    _any("Slot", "find", _find,
        Param("services", "Reference", required=True, many=True), _PRIORITY, Param("sites", "Reference", many=True),
        Param("practitioner-roles", "Reference", many=True), Param("start", "dateTime"), Param("end", "dateTime"), Param("limit", "integer", low=1, high=200),
        writes=False),
    _on("Slot", "hold", _hold_slot, _PATIENT, _KIND, *_REQUEST, answer_type="Appointment"),
    _on("Slot", "book", _book_slot, _PATIENT, *_REQUEST, answer_type="Appointment"),
    _any("Appointment", "hold", actions.hold, _SLOT, _PATIENT, _KIND, *_REQUEST),
    _any("Appointment", "join-waitlist", actions.join_waitlist,
        Param("service", "Reference", required=True), _PATIENT, *_REQUEST, Param("site", "Reference"), Param("practitioner-role", "Reference"),
        Param("target", "dateTime", past=False), Param("notice-hours", "integer", high=8_784)),
    _on("Appointment", "book", actions.book),
    _on("Appointment", "confirm", actions.confirm),
    _on("Appointment", "move", actions.move, _SLOT),
    _on("Appointment", "cancel", actions.cancel,
        Param("reason", "code", required=True, values=_CANCEL), Param("side", "code", values=_SIDES), _COMMENT),
    _on("Appointment", "prioritise", actions.prioritise,
        Param("boost", "integer", required=True, low=-100, high=100), Param("reason", "string", required=True)),
    _on("Appointment", "accept-refill", actions.accept_refill),
    _on("Appointment", "refuse-refill", actions.refuse_refill),
    _on("Appointment", "arrive", actions.arrive, Param("identity-confirmed", "boolean", required=True)),
    _on("Appointment", "call-in", actions.call_in),
    _on("Appointment", "fulfil", actions.fulfil),
    _on("Appointment", "absent", actions.absent, Param("reason", "code", values=ABSENCE_REASONS)),
    _see("Appointment", queries.get_appointment),
    _any("Schedule", "create-vacation", actions.create_vacation,
        _ROLE, Param("service", "Reference", required=True), Param("site", "Reference", required=True), Param("room", "Reference", required=True),
        Param("starts", "time", required=True), Param("ends", "time", required=True), Param("rrule", "string", required=True),
        Param("valid-from", "date", required=True), Param("valid-to", "date"), Param("specialty", "code"), *_GRID,
        Param("closed-on-holidays", "boolean"), _CRENEAU),
    _on("Schedule", "update-vacation", actions.update_vacation,
        Param("room-id", "Reference"), Param("starts", "time"), Param("ends", "time"), Param("rrule", "string"), Param("valid-to", "date"),
        Param("active", "boolean"), *_GRID, Param("closed-on-holidays", "boolean"), _CRENEAU),
    _on("Schedule", "add-exception", actions.add_exception,
        Param("day", "date", required=True), Param("kind", "code", required=True, values=tuple(ExceptionKind)), Param("to-day", "date"),
        Param("starts", "time"), Param("ends", "time"), Param("room", "Reference"), Param("reason", "string")),
    _on("Schedule", "plan", _plan, Param("start", "date", required=True), Param("end", "date", required=True),
        ),
    _on("Schedule", "confirm-room", actions.confirm_room, Param("room", "Reference"), Param("kit", "boolean"), Param("helper", "boolean")),
    _on("Schedule", "publish", actions.publish),
    _on("Schedule", "flag-absence", actions.flag_absence, Param("reason", "code", values=SESSION_REASONS)),
    _on("Schedule", "substitute", actions.substitute, _ROLE),
    _on("Schedule", "cancel-session", actions.cancel_session, Param("reason", "code", required=True, values=SESSION_REASONS), _COMMENT,
        answer=lambda done: done.session["id"]),
    _on("Schedule", "start", actions.start),
    _on("Schedule", "finish", actions.finish),
    _on("Schedule", "settle-session", actions.settle,
        *_SETTLED),
    _on("Schedule", "dispute-settlement", actions.dispute_settlement, Param("comment", "string", required=True)),
    _see("Schedule", queries.get_session),
)  # fmt: skip
"""Every verb. The same that buttons call: `call(tx, id, *, version, **parameters)` answers the id to show."""
