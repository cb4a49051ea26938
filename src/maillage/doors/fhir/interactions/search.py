"""Search by GET or POST: on a type, in a compartment, over the whole system (https://hl7.org/fhir/R4/search.html)."""

from __future__ import annotations

from collections.abc import Sequence

from maillage import record
from maillage.doors.fhir import audits
from maillage.doors.fhir.context import AUDIT_TYPE, Context
from maillage.doors.fhir.http import Request, Response, encode_query, read_query
from maillage.doors.fhir.negotiation import FORM
from maillage.doors.fhir.searchset import searchset
from maillage.kernel.errors import Issue, Malformed, NotAllowed, Unsupported
from maillage.record import SERVED, kinds_in

Parameters = tuple[tuple[str, str], ...]
EVERY = "*"
MANY = "-"
"""What the audit row of a search over several types that found nothing says it looked for."""


async def search(context: Context, request: Request) -> Response:
    """A Bundle of type searchset: the resources of one type."""
    kind = request.path[0]
    context.require(kind, "s")
    parameters = parameters_of(request)
    if kind == AUDIT_TYPE:
        return await audits.search(context, request, parameters)
    return await _answer(context, request, (kind,), parameters, f"{request.base}/{kind}")


async def search_system(context: Context, request: Request) -> Response:
    """Over the types that `_type` names, else over all that the caller may search."""
    types, parameters = _split_type(parameters_of(request))
    if not types and not parameters:
        raise _refuse("_type", "say at least one parameter, or the types with _type")
    return await _answer(context, request, _kinds(context, types, SERVED), parameters, request.base, told=types)


async def search_compartment(context: Context, request: Request) -> Response:
    """One type, or `*`, in the compartment of a resource: `Patient/1/Observation`, `Patient/1/*`."""
    name, id, kind = request.path[:3]
    members = kinds_in(name)
    types, parameters = _split_type(parameters_of(request)) if kind == EVERY else ((), parameters_of(request))
    if kind != EVERY and kind not in members:
        raise _refuse(kind, f"{kind} is not in the compartment of a {name}")
    kinds = _kinds(context, types, members) if kind == EVERY else (kind,)
    address = f"{request.base}/{name}/{id}/{kind}"
    return await _answer(context, request, kinds, parameters, address, told=types, compartment=(name, id))


async def _answer(
    context: Context,
    request: Request,
    kinds: Sequence[str],
    parameters: Parameters,
    address: str,
    *,
    told: Parameters = (),
    compartment: tuple[str, str] | None = None,
) -> Response:
    for kind in kinds:
        context.require(kind, "s")
    context.refuse_withheld(kinds, parameters)
    if compartment is None:
        context.refuse_browsing(kinds, parameters)
    page = await record.search_types(
        context.tx,
        kinds,
        parameters,
        context.searchable,
        strict=request.strict,
        key=context.key,
        base=request.base,
        allows=context.allows,
        compartment=compartment,
        terms=context.registry.definitions.terminology,
    )
    verb = "search" if len(kinds) == 1 and not told else "search-system"
    asked = encode_query((*told, *parameters)) if compartment is None else f"{encode_query((*told, *parameters))}&{'/'.join(compartment)}"
    await context.audit_read([*page.matches, *page.included], verb, asked, kinds[0] if len(kinds) == 1 else MANY)
    return Response(200, searchset(page, address, request.base, told))


def _kinds(context: Context, types: Parameters, members: Sequence[str]) -> tuple[str, ...]:
    """The types of a search over several: those that are named, or those that the caller may search."""
    if not types:
        kinds = tuple(kind for kind in members if context.allows(kind, "s"))
        if not kinds:
            raise NotAllowed("scope")
        return kinds
    wanted = [name.strip() for _, value in types for name in value.split(",")]
    for name in wanted:
        if name not in members:
            raise _refuse("_type", f"{name[:60]} cannot be searched here")
    return tuple(dict.fromkeys(wanted))


def _split_type(parameters: Parameters) -> tuple[Parameters, Parameters]:
    """`_type`, and the others."""
    return tuple(p for p in parameters if p[0] == "_type"), tuple(p for p in parameters if p[0] != "_type")


def _refuse(name: str, details: str) -> Malformed:
    return Malformed(Issue("error", "value", "search-parameter", f"http.{name}"[:200], details))


def parameters_of(request: Request) -> Parameters:
    """The parameters of the URL and, by POST, of a form body."""
    if request.method != "POST" or not request.body:
        return request.query
    if request.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise Unsupported("form-expected")
    try:
        return request.query + read_query(request.body.decode("ascii"))
    except UnicodeDecodeError as error:
        raise Malformed(Issue("error", "value", "bad-form", "", "the form is not percent-encoded")) from error
