"""Transaction (https://hl7.org/fhir/R4/http.html#transaction): everything or nothing, in the order that the specification sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from maillage.codes.r4 import parse
from maillage.codes.r4.tables import resource_type_set
from maillage.doors.fhir import conditions, intake, references
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.entries import MATCHED, Entry, as_request, play, shown
from maillage.doors.fhir.problems import SeveralMatch
from maillage.kernel.errors import Invalid, Issue, MaillageError, Malformed, NotFound
from maillage.kernel.ids import new_id
from maillage.record import Stored

ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
FIRST = ("Organization", "Location", "Practitioner", "PractitionerRole", "HealthcareService", "Endpoint", "Patient", "RelatedPerson")
LAST = ("ServiceRequest", "QuestionnaireResponse", "Task", "Appointment", "Provenance")


async def transaction(context: Context, request: Request, entries: list[Entry]) -> list[dict[str, Any]]:
    """The answers, in the order of the entries; references between entries become references to what the entries made."""
    names = await _settled(context, request, entries)
    context.coming, context.answers_late = frozenset(names.values()), True
    await references.look_up_all(context, [entry.resource for entry in entries])
    answers: dict[int, Response] = {}
    for entry in _ordered(entries):
        try:
            entry.resource = await _resolved(context, request, entry, names)
            context.coming = frozenset(names.values())
            answers[entry.place] = await play(context, as_request(request, entry))
        except MaillageError as error:
            raise _located(error, entry, entries) from error
        _note(entry, answers[entry.place], names)
    return [shown(await _told(context, answers[entry.place])) for entry in entries]


async def _told(context: Context, response: Response) -> Response:
    """The answer, with what the whole transaction made of the resource."""
    return response.later(await intake.made(context.tx, *response.shown[0])) if response.later else response


# --- before anything is written ------------------------------------------------------------
async def _settled(context: Context, request: Request, entries: list[Entry]) -> dict[str, str]:
    """What each fullUrl will be called; conditions are locked together and looked up; the same resource twice is refused."""
    asked = {entry.place: criteria for entry in entries if (criteria := _criteria(entry)) is not None}
    await conditions.lock(context, [(entry.kind, asked[entry.place]) for entry in entries if entry.place in asked])
    names: dict[str, str] = {}
    seen: set[str] = set()
    for entry in entries:
        try:
            about = await _about(context, request, entry, asked.get(entry.place))
        except MaillageError as error:
            raise _located(error, entry) from error
        _refuse_twins(entry, about, seen)
        if entry.full_url and (entry.id or (entry.method == "PUT" and len(entry.path) == 2)):
            names[entry.full_url] = f"{entry.kind}/{entry.id or entry.path[1]}"
    return names


def _criteria(entry: Entry) -> conditions.Pairs | None:
    try:
        if entry.creates and entry.headers.get("if-none-exist"):
            return conditions.read(entry.headers["if-none-exist"])
        return conditions.read("?" + entry.query) if entry.is_conditional else None
    except MaillageError as error:
        raise _located(error, entry) from error


async def _about(context: Context, request: Request, entry: Entry, criteria: conditions.Pairs | None) -> Iterable[str]:
    """What the entry changes, and the condition under which it creates; a condition that found its resource is replaced by the id."""
    if criteria is None:
        if entry.creates:
            entry.id = new_id()
        return ["/".join(entry.path[:2])] if entry.method in ("PUT", "PATCH", "DELETE") else []
    several = entry.method == "DELETE" and context.registry.policy.delete_several
    found = await conditions.find(context, entry.kind, criteria, request.base, conditions.MOST_DELETED if several else 2)
    if len(found) > 1 and not several:
        raise SeveralMatch
    unmet = [] if found else [f"{entry.kind}?{criteria}"]
    if entry.method == "DELETE":
        return [f"{stored.type}/{stored.id}" for stored in found]
    if entry.creates:
        entry.id = found[0].id if found else new_id()
        return unmet
    return [*unmet, _aimed(context, entry, found[0] if found else None)]


def _aimed(context: Context, entry: Entry, found: Stored | None) -> str:
    """A conditional update or patch, now of one resource; an update that found none creates."""
    own = entry.resource.get("id") if type(entry.resource) is dict else None
    if found is not None:
        if entry.method == "PUT" and own not in (None, found.id):
            raise Malformed.one("id-differs", f"{entry.kind}.id", "The id in the body is not the id of what matches.")
        entry.headers[MATCHED] = entry.id = found.id
        if entry.method == "PUT" and type(entry.resource) is dict:
            entry.resource = {**entry.resource, "id": found.id}
    elif entry.method == "PATCH":
        raise NotFound(entry.kind)
    elif type(own) is str:
        entry.id = own
    else:
        context.require(entry.kind, "u")
        entry.id, entry.method, entry.url = new_id(), "POST", entry.kind
        return f"{entry.kind}/{entry.id}"
    entry.url = f"{entry.kind}/{entry.id}"
    return entry.url


def _refuse_twins(entry: Entry, about: Iterable[str], seen: set[str]) -> None:
    """Two entries may not be about the same resource, nor have the same fullUrl."""
    own = {*about, *([entry.full_url] if entry.full_url else [])}
    if own & seen:
        raise Malformed.one("entry-twice", f"Bundle.entry[{entry.place}]", "Two entries are about the same resource.")
    seen |= own


def _ordered(entries: list[Entry]) -> list[Entry]:
    """DELETE, POST, PUT and PATCH, GET; among creations those that others refer to come first."""

    def rank(entry: Entry) -> tuple[int, int, int]:
        kind = entry.kind
        among = FIRST.index(kind) - len(FIRST) if kind in FIRST else 1 + LAST.index(kind) if kind in LAST else 0
        verb = 1 if "$" in entry.url else 0
        return ORDER[entry.method], verb, (among if entry.creates else 0) * 10_000 + entry.place

    return sorted(entries, key=rank)


# --- while it is written -------------------------------------------------------------------
async def _resolved(context: Context, request: Request, entry: Entry, names: dict[str, str]) -> Any:
    """The resource with every reference to an entry, or to a condition, replaced by what it stands for."""
    if type(entry.resource) is not dict:
        return entry.resource
    known = dict(names)
    for item, path in references.walk(entry.resource, entry.kind):
        reference = item["reference"]
        target = parse(reference)
        if target.kind == "conditional" and reference not in known:
            found = await conditions.find_one(context, target.type, reference, request.base)
            if found is None:
                raise Invalid(Issue("error", "not-found", "condition-finds-nothing", path, "Nothing matches this conditional reference."))
            known[reference] = f"{target.type}/{found.id}"
    return references.renamed(entry.resource, known)


def _located(error: MaillageError, entry: Entry, entries: Sequence[Entry] = ()) -> MaillageError:
    """The same error, its paths starting at the entry that they are about."""
    error.issues = tuple(_placed(issue, entry, entries) for issue in error.issues)
    return error


def _placed(issue: Issue, entry: Entry, entries: Sequence[Entry]) -> Issue:
    """At the entry that failed; a room that speaks of another resource, at the one entry that holds it, else its path stays in the details."""
    if issue.expression.startswith("Bundle.entry["):
        return issue
    head, _, rest = issue.expression.partition(".")
    about, details = entry, issue.details
    if head in resource_type_set() and head != entry.kind:
        others = [other for other in entries if other.creates and other.kind == head]
        if len(others) == 1:
            about = others[0]
        else:
            details, rest = f"{issue.expression}: {details}".rstrip(": "), ""
    where = f"Bundle.entry[{about.place}]"
    path = f"{where}.resource.{rest}".rstrip(".") if issue.expression else where
    return Issue(issue.severity, issue.code, issue.reason, path, details)


def _note(entry: Entry, response: Response, names: dict[str, str]) -> None:
    """A room may have given another id than the one foreseen."""
    if entry.creates and entry.full_url and response.shown:
        kind, id = response.shown[0]
        names[entry.full_url] = f"{kind}/{id}"
