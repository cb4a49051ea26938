"""Who looked: the audit trail searched by the parameters that R4 gives AuditEvent, cut to what the reader may know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.codes.r4 import parse
from maillage.kernel.actor import Actor
from maillage.record import balp
from maillage.record.bounds import date_span, split_prefix
from maillage.record.criteria.notation import plain_values, refuse, refuse_modifier
from maillage.store import Transaction
from maillage.store.sql import Params

DEFAULT, MOST = 50, 200
LOWER = {"eq": 0, "ge": 0, "gt": 1, "sa": 1}
UPPER = {"eq": 1, "le": 1, "lt": 0, "eb": 0}
"""Which end of the date's range bounds the answer from below, and from above."""

Pairs = Sequence[tuple[str, str]]
Position = tuple[datetime, int, int]
"""Where a page ends: when, which row, which event of the row."""
_OF_ROW = ("seq", "at", "action", "subtype", "verb", "outcome", "actor_kind", "actor_id", "actor_name", "role_id", "roles", "organization")
_WHENCE = ("software", "address", "server", "res_type", "query", "request_id")
_OF_EVENT = ("id", "nth", "res_id", "patient_id", "purpose")
_SELECTED = ", ".join([*(f"e.{name}" for name in (*_OF_ROW, *_WHENCE)), *(f"x.{name}" for name in _OF_EVENT)])
_UNFOLDED = "CROSS JOIN LATERAL audit_shown(e) x"


@dataclass(frozen=True, slots=True)
class Trail:
    """One page: a row for each event, newest first; where the next begins; what took part and what was not understood."""

    rows: tuple[Any, ...]
    position: Position | None
    used: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The rows as AuditEvents."""
        return [balp.render(row) for row in self.rows]


async def search_trail(
    tx: Transaction, actor: Actor, parameters: Pairs = (), *, after: Position | None = None, strict: bool = False
) -> Trail:
    """The acts that these parameters ask for, newest first. Raises `Malformed`."""
    params = Params()
    where, used, ignored, limit = [_reach(actor, params)], [], [], DEFAULT
    for name, value in parameters:
        code, _, modifier = name.partition(":")
        if code == "_count" and value.isascii() and value.isdigit() and len(value) < 10:
            limit = max(1, min(int(value), MOST))
        elif code in CRITERIA and modifier:
            raise refuse_modifier(name, modifier)
        elif code in CRITERIA:
            where.append(CRITERIA[code](name, value, params))
        else:
            if strict and code not in CONTROLS:
                raise refuse(name, "AuditEvent has no search parameter of that name here", "not-supported")
            ignored += [name] if code not in CONTROLS else []
            continue
        used.append((name, value))
    if after:
        at, seq, nth = map(params.add, after)
        where.append(f"e.at <= {at}::timestamptz AND (e.at, e.seq, x.nth) < ({at}::timestamptz, {seq}::bigint, {nth}::bigint)")
    rows = await tx.peek(_select(actor, where, limit), *params)
    last = rows[limit - 1] if len(rows) > limit else None
    return Trail(tuple(rows[:limit]), (last["at"], last["seq"], last["nth"]) if last else None, tuple(used), tuple(ignored))


def _select(actor: Actor, where: Sequence[str], limit: int) -> str:
    """Each row tells one event at least, so that where none of them is chosen the newest rows are cut before they are told."""
    source, asked = "audit_of_patient()" if actor.kind == "patient" else "audit_event", " AND ".join(where)
    if "x." not in asked:
        source = f"(SELECT * FROM {source} e WHERE {asked} ORDER BY e.at DESC, e.seq DESC LIMIT {limit + 1})"
    return f"SELECT {_SELECTED} FROM {source} e {_UNFOLDED} WHERE {asked} ORDER BY e.at DESC, e.seq DESC, x.nth DESC LIMIT {limit + 1}"


async def accesses(tx: Transaction, actor: Actor, patient: str, *, after: Position | None = None, limit: int = 100) -> Trail:
    """Who looked at a patient's record or acted on it, newest first (CSP L1111-7, GDPR 15)."""
    return await search_trail(tx, actor, (("patient", patient), ("_count", str(limit))), after=after)


def _reach(actor: Actor, params: Params) -> str:
    """Whose acts a reader may know: a patient's own record, else those done for the reader's organisations; none without organisation."""
    if actor.kind == "system":
        return "true"
    if actor.kind == "patient":
        return _own(actor, params)
    if len(actor.organizations) == 1:  # compared: its index is in the order of time
        return f"e.organization = {params.add(actor.organizations[0])}"
    return f"e.organization = ANY ({params.add(list(actor.organizations))}::text[])"


def _own(actor: Actor, params: Params) -> str:
    """A patient's own record; what a link opens, cut to that: who looked elsewhere tells where the patient is treated. An emergency access is told whole."""
    own = f"e.patient_id = {params.add(actor.id)}"
    if not actor.only:
        return own
    things = params.add(sorted(f"{kind}/{id}" for kind, id in actor.only if kind != "Patient"))
    glass = "e.subtype = 'break-glass'" if any(kind == "BreakGlass" for kind, _ in actor.only) else "false"
    return f"({own} AND (e.res_type || '/' || x.res_id = ANY ({things}::text[]) OR {glass}))"


# --- criteria: name, value and parameters to SQL -------------------------------------
def _any(alternatives: Sequence[str]) -> str:
    return f"({' OR '.join(alternatives)})"


def _among(column: str, values: Sequence[str], params: Params) -> str:
    return f"{column} = ANY ({params.add(list(values))}::text[])"


def _codes(column: str) -> Callable[[str, str, Params], str]:
    """A token without a table of its own: the system, when it is given, is not looked at."""
    return lambda name, value, params: _among(column, [text.rpartition("|")[2] for text in plain_values(name, value)], params)


def _type(name: str, value: str, params: Params) -> str:
    """The kind of event: `rest`, or DICOM's code of a security event."""
    codes = {text.rpartition("|")[2] for text in plain_values(name, value)}
    subtypes = [subtype for subtype, (code, *_) in balp.SECURITY.items() if code in codes]
    found = [_among("e.subtype", subtypes, params)]
    if "rest" in codes:
        found.append(f"NOT {_among('e.subtype', sorted(balp.SECURITY), params)}")
    return _any(found)


def _subtype(name: str, value: str, params: Params) -> str:
    """The interaction, DICOM's code, or the verb that was played."""
    codes = [text.rpartition("|")[2] for text in plain_values(name, value)]
    dicom = [subtype for subtype, (_, _, code, _) in balp.SECURITY.items() if code in codes]
    return _any([_among("e.subtype", [*codes, *dicom], params), _among("e.verb", codes, params)])


def _references(name: str, value: str, kind: str = "") -> list[tuple[str, str]]:
    found = []
    for text in plain_values(name, value):
        target = parse(text if "/" in text or not kind else f"{kind}/{text}")
        if not target.type:
            raise refuse(name, "a reference is written Type/id")
        found.append((target.type, target.id))
    return found


def _id(name: str, value: str, params: Params) -> str:
    """An event by its id: that of its row, or of the row and its place in it."""
    ids = [text.rpartition("|")[2] for text in plain_values(name, value)]
    rows = sorted({id.partition(".")[0] for id in ids} | {*ids})
    return f"({_among('e.id', rows, params)} AND {_among('x.id', ids, params)})"


def _patient(name: str, value: str, params: Params) -> str:
    wanted = _references(name, value, "Patient")
    return _about([id for kind, id in wanted if kind == "Patient"], params)


def _about(patients: Sequence[str], params: Params) -> str:
    """The events about one of these patients; the row is asked too, whose columns have indexes."""
    mark = f"{params.add(list(patients))}::text[]"
    several = f"(e.patients <> '' AND string_to_array(e.patients, ' ') && {mark})"
    return f"(x.patient_id = ANY ({mark}) AND (e.patient_id = ANY ({mark}) OR {several}))"


def _entity(name: str, value: str, params: Params) -> str:
    """What was shown or changed, and the patient whom it is about: both are entities of the event."""
    found = []
    for kind, id in _references(name, value):
        mark = f"{params.add(id)}::text"
        # Said of the row too: of one thing for the index that holds no lists, of several for theirs.
        several = f"(e.things <> '' AND string_to_array(e.things, ' ') @> ARRAY[{mark}])"
        found.append(f"(e.res_type = {params.add(kind)} AND x.res_id = {mark} AND ((e.res_id = {mark} AND e.res_id <> '') OR {several}))")
        found += [_about([id], params)] if kind == "Patient" else []
    return _any(found)


_AGENTS = {
    "PractitionerRole": "e.role_id = {}",
    "Practitioner": "(e.actor_kind = 'person' AND e.actor_id = {})",
    "Patient": "(e.actor_kind = 'patient' AND e.actor_id = {})",
    "Organization": "e.organization = {}",
}


def _agent(name: str, value: str, params: Params) -> str:
    return _any([_AGENTS.get(kind, "{} IS NULL").format(f"{params.add(id)}::text") for kind, id in _references(name, value)])


def _name(name: str, value: str, params: Params) -> str:
    """A name, or one of its words, that begins so; accents and case aside."""
    words = [" ".join(text.split()) for text in plain_values(name, value)]
    return _any([f"strpos(' ' || lower(unaccent(e.actor_name)), ' ' || lower(unaccent({params.add(text)}))) > 0" for text in words])


def _role(name: str, value: str, params: Params) -> str:
    codes = [text.rpartition("|")[2] for text in plain_values(name, value)]
    return f"string_to_array(e.roles, ' ') && {params.add(codes)}::text[]"


def _address(name: str, value: str, params: Params) -> str:
    return _any(
        [f"(starts_with(e.address, {mark}) OR starts_with(e.server, {mark}))" for mark in map(params.add, plain_values(name, value))]
    )


def _date(name: str, value: str, params: Params) -> str:
    """One date criterion, as the bounds that it sets."""
    prefix, rest = split_prefix(value)
    span = date_span(rest)
    if span is None or prefix not in LOWER | UPPER:
        raise refuse(name, "a date, with eq, ge, gt, le or lt")
    bounds = []
    if prefix in LOWER:
        bounds.append(f"e.at >= {params.add(span[LOWER[prefix]])}::timestamptz")
    if prefix in UPPER:
        bounds.append(f"e.at < {params.add(span[UPPER[prefix]])}::timestamptz")
    return " AND ".join(bounds)


CRITERIA: Mapping[str, Callable[[str, str, Params], str]] = {
    "_id": _id,
    "action": _codes("e.action"),
    "address": _address,
    "agent": _agent,
    "agent-name": _name,
    "agent-role": _role,
    "date": _date,
    "entity": _entity,
    "outcome": _codes("e.outcome"),
    "patient": _patient,
    "subtype": _subtype,
    "type": _type,
}
CONTROLS = frozenset({"_count", "_cursor", "_format", "_pretty", "_summary", "_elements", "_total", "_sort"})
PARAMETERS = {
    code: {"agent": "reference", "entity": "reference", "patient": "reference", "date": "date"}.get(code, "token") for code in CRITERIA
} | {
    "address": "string",
    "agent-name": "string",
}
"""The parameters that are answered, and of what type R4 has them."""
