"""`$validate` (https://hl7.org/fhir/R4/resource-operation-validate.html): what a write would say, without writing."""

from __future__ import annotations

from typing import Any

from maillage import directory, record
from maillage.codes import r4
from maillage.codes.json import decode
from maillage.doors.fhir import intake, references
from maillage.doors.fhir.bodies import read_json
from maillage.doors.fhir.context import AUDIT_TYPE, Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownPlace, outcome
from maillage.kernel.errors import Issue, MaillageError, Malformed

MODES = ("create", "update", "delete", "profile")
ASKED = ("mode", "profile")
ALL_WELL = Issue("information", "informational", "valid", "", "No fault was found.")


async def validate(context: Context, request: Request) -> Response:
    """200 with every finding; the resource comes alone, inside Parameters, or is the stored one. `mode` and `profile` narrow what is asked."""
    if request.method != "POST":
        raise MethodNotAllowed(("POST",))
    kind = request.path[0] if len(request.path) > 1 else None
    if kind == AUDIT_TYPE:
        raise UnknownPlace
    if kind:
        context.require(kind, "crus", "read")
    sent = read_json(request) if request.body.strip() or request.resource is not None else None
    asked = _asked(request, sent)
    resource = await _subject(context, request, sent)
    if asked["mode"] == "delete":
        return _told(await _moved(context, request, {}))
    findings = r4.validate(resource, kind)
    if not findings:
        findings = await _rules(context, request, resource, asked)
    return _told(findings)


def _told(findings: list[Issue]) -> Response:
    return json_response(outcome(findings or [ALL_WELL]))


def _asked(request: Request, sent: Any) -> dict[str, str]:
    """`mode` and `profile`, from the URL or from Parameters. Raises `Malformed`."""
    found = dict.fromkeys(ASKED, "") | {name: value for name, value in request.query if name in ASKED}
    for part in _parts(sent):
        if part.get("name") in ASKED:
            value = next((value for key, value in part.items() if key.startswith("value")), "")
            found[part["name"]] = value if type(value) is str else ""
    if found["mode"] not in ("", *MODES):
        raise Malformed(Issue("error", "value", "search-parameter", "http.mode", f"mode is one of {', '.join(MODES)}."))
    if found["mode"] == "profile" and not found["profile"]:
        raise Malformed(Issue("error", "required", "parameter-missing", "http.profile", "mode=profile needs a profile."))
    if found["mode"] in ("update", "delete") and len(request.path) != 3:
        raise Malformed(Issue("error", "value", "search-parameter", "http.mode", "update and delete are asked on [type]/[id]/$validate."))
    return found


def _parts(sent: Any) -> list[dict[str, Any]]:
    if type(sent) is not dict or sent.get("resourceType") != "Parameters" or type(sent.get("parameter")) is not list:
        return []
    return [part for part in sent["parameter"] if type(part) is dict]


async def _subject(context: Context, request: Request, sent: Any) -> Any:
    if type(sent) is dict and sent.get("resourceType") == "Parameters" and request.path[0] != "Parameters":
        sent = next((part.get("resource") for part in _parts(sent) if part.get("name") == "resource"), None)
    if sent is not None:
        return sent
    if len(request.path) != 3:
        return read_json(request)
    kind, id, _ = request.path
    stored = await record.read(context.tx, kind, id, context.visible(kind))
    await context.audit_read([stored], "validate")
    return decode(stored.content)


async def _rules(context: Context, request: Request, resource: dict[str, Any], asked: dict[str, str]) -> list[Issue]:
    """Beyond R4: identifiers, references, profiles claimed or asked, and what an update of this very resource would meet."""
    check = directory.check_patient if resource["resourceType"] == "Patient" else directory.check_identifiers
    profiles = context.registry.definitions.profiles
    found = [*check(resource, context.registry.mode), *(await references.check(context, resource))[0], *profiles.validate_claims(resource)]
    if asked["profile"]:
        found += profiles.validate(resource, asked["profile"])
    if asked["mode"] == "update":
        found += await _moved(context, request, resource)
    return list({(one.reason, one.expression, one.details): one for one in found}.values())


async def _moved(context: Context, request: Request, after: dict[str, Any]) -> list[Issue]:
    """Whether the resource may be rewritten, or deleted: the refusal as a finding."""
    kind, id, _ = request.path
    before = await record.read(context.tx, kind, id, context.visible(kind))
    if after and after.get("id") != id:
        return [Issue("error", "value", "id-differs", f"{kind}.id", "The id in the body must be the id in the URL.")]
    try:
        await intake.refuse_rooms(context, before, after)
    except MaillageError as refused:
        return list(refused.issues)
    return []
