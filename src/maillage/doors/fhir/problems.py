"""From an error family to a status and an OperationOutcome: the one map of this door."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from maillage.codes.json import encode
from maillage.codes.systems import OWN_ISSUE
from maillage.doors.fhir import culprits
from maillage.doors.fhir.http import Response, etag
from maillage.doors.fhir.negotiation import NotAcceptable
from maillage.kernel import errors
from maillage.kernel.errors import Issue, MaillageError

STATUS: dict[type[MaillageError], int] = {
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.NotAllowed: 403,
    errors.Unauthenticated: 401,
    errors.Malformed: 400,
    errors.Invalid: 422,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    NotAcceptable: 406,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.PreconditionRequired: 428,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}

EXTENSION = "https://maillage.invalid/fhir/StructureDefinition/"

SENTENCES = {
    "not-found": "There is nothing here, or nothing that you may see.",
    "deleted": "This resource was deleted.",
    "not-in-table": "This verb is not possible in the present state.",
    "not-for-this-party": "Another party may do this, you may not.",
    "already-booked": "This slot has just been taken.",
    "stale": "The resource has changed since the version that you name: read it again.",
    "version-required": 'Say which version you decide on: If-Match: W/"n".',
    "token-unknown": "The bearer token is missing, unknown or expired.",
    "token-missing": "Send a bearer token: Authorization: Bearer ...",
    "scope": "The scopes of this token do not allow this.",
    "body-too-large": "The body is larger than this server accepts.",
    "query-too-long": "The query string is longer than this server accepts.",
    "format-not-served": "FHIR is served here as application/fhir+json and application/fhir+xml.",
    "content-type-not-served": "FHIR is read here as application/fhir+json and application/fhir+xml.",
    "patch-type-not-served": "A patch is read here as application/json-patch+json, or as Parameters in application/fhir+json or application/fhir+xml.",
    "fhir-version-not-served": "Only FHIR R4 is served here: fhirVersion=4.0.",
    "charset-not-served": "Only UTF-8 is read here.",
    "type-not-served": "This resource type is not served here; /metadata lists those that are.",
    "operation-not-served": "No operation of this name is served here; /metadata lists those that are.",
    "method-not-allowed": "This method is not allowed here.",
    "idempotency-key-in-use": "A request with this Idempotency-Key is still running: try again in a moment.",
    "no-connection": "The server is busy: try again in a moment.",
    "too-many-requests": "You ask too often: Retry-After says when to come back.",
    "overloaded": "The server has more to do than it can: nothing was done, try again in a moment.",
    "deadline": "This took too long and was undone: try again in a moment, with the same Idempotency-Key for a write.",
    "body-too-slow": "The body did not arrive in time.",
    "storage-full": "The disk is nearly full: nothing is written until the operator has made room; reads go on.",
    "internal": "Something failed here; the request id lets the operator find it. Nothing was changed.",
    "room-decides": "This resource is moved by verbs, not by rewriting it.",
    "respond-async": "An export is asked for with Prefer: respond-async.",
    "export-asked": "The export is being made; its address is in Content-Location.",
    "export-cancelled": "The export is cancelled and its files are deleted.",
    "export-not-done": "The export is still being made.",
    "export-failed": "The export could not be made; ask again.",
    "machines-only": "This is served to machine clients, not to people.",
    "certificate-missing": "This interface is served to clients that show their certificate.",
    "certificate-refused": "This certificate is not one of those that may speak here.",
    "certificate-revoked": "This certificate was revoked.",
    "certificate-expired": "This certificate is out of its dates.",
    "certificate-unreadable": "The certificate that was handed over cannot be read.",
    "regulator-there": "An active account has this identifier already.",
    "professionals-asked": "Ask for one to twenty-five professionals by their national identifiers.",
    "several-match": "Several resources match: nothing was done.",
}


class MethodNotAllowed(MaillageError):
    """The path exists and this method is not one of its own (405)."""

    issue_type = "not-supported"

    def __init__(self, allowed: Iterable[str]) -> None:
        super().__init__("method-not-allowed", allowed=tuple(allowed))


class SeveralMatch(MaillageError):
    """A condition that must match one resource matches several (412)."""

    issue_type = "multiple-matches"

    def __init__(self) -> None:
        super().__init__("several-match")


class UnknownPlace(MaillageError):
    """No resource type and no path of ours (404)."""

    issue_type = "not-supported"

    def __init__(self) -> None:
        super().__init__("type-not-served")


class UnknownOperation(UnknownPlace):
    """No operation of this name at this place (404)."""

    def __init__(self, name: str) -> None:
        MaillageError.__init__(self, "operation-not-served", Issue("error", "not-supported", "operation-not-served", "", f"${name[:64]}"))


STATUS[MethodNotAllowed] = 405
STATUS[UnknownPlace] = 404
STATUS[SeveralMatch] = 412


def status_of(error: MaillageError) -> int:
    """The HTTP status of an error, by its family."""
    return next((STATUS[family] for family in type(error).__mro__ if family in STATUS), 500)


def outcome(issues: Iterable[Issue], extra: dict[str, Any] | None = None, status: int = 0) -> dict[str, Any]:
    """An OperationOutcome; that of an error says with its status who failed."""
    rendered = [_blamed(_issue(issue, extra or {}), issue, status) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": rendered or [_issue(Issue("information", "informational", "all-ok"), {})]}


def _blamed(rendered: dict[str, Any], issue: Issue, status: int) -> dict[str, Any]:
    if status:
        rendered["details"]["coding"].append({"system": culprits.SYSTEM, "code": culprits.code(status, issue.reason)})
    return rendered


def answer(error: MaillageError) -> Response:
    """The answer that tells an error: invisible and absent are the same bytes."""
    status = status_of(error)
    return Response(status, encode(outcome(error.issues, error.extra, status)), _headers(error))


def defect() -> Response:
    """The answer to a defect of ours: nothing of it leaves but the request id, in its header."""
    return Response(500, encode(outcome([Issue("fatal", "exception", "internal")], status=500)))


def _headers(error: MaillageError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unauthenticated):
        headers["www-authenticate"] = 'Bearer realm="fhir"' + (', error="invalid_token"' if error.reason != "token-missing" else "")
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.extra["allowed"])
    if isinstance(error, errors.Unavailable) or "retry_after" in error.extra:
        headers["retry-after"] = str(error.extra.get("retry_after", 2))
    if error.extra.get("current") is not None:
        headers["etag"] = etag(error.extra["current"])
    return headers


def _issue(issue: Issue, extra: dict[str, Any]) -> dict[str, Any]:
    code = issue.reason.partition(":")[0]
    text = SENTENCES.get(code) or code.replace("-", " ").capitalize()
    rendered: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"coding": [{"system": OWN_ISSUE, "code": code}], "text": text},
    }
    diagnostics = " ".join(filter(None, [issue.details, _more(extra)]))
    if diagnostics and diagnostics != text:
        rendered["diagnostics"] = diagnostics
    if issue.expression:
        rendered["expression"] = [issue.expression]
    extensions = _extensions(extra)
    return {"extension": extensions, **rendered} if extensions else rendered


def _more(extra: dict[str, Any]) -> str:
    """What helps to go on, in words."""
    parts = []
    if "legal" in extra:
        parts.append(f"Possible now: {', '.join(extra['legal']) or 'nothing'}.")
    if extra.get("current") is not None:
        parts.append(f"The current version is {etag(extra['current'])}.")
    if extra.get("use"):
        parts.append(f"Use {extra['use']}.")
    return " ".join(parts)


def _extensions(extra: dict[str, Any]) -> list[dict[str, Any]]:
    """The same for programs: the legal verbs, free slots, the current version."""
    found: list[dict[str, Any]] = [{"url": EXTENSION + "legal-verb", "valueCode": verb} for verb in extra.get("legal", ())]
    return found + [{"url": EXTENSION + "fresh-choice", **_choice(choice)} for choice in extra.get("choices", ())]


def _choice(choice: Any) -> dict[str, Any]:
    """A free slot: its id, or a mapping with its id (`slot`) and start."""
    if isinstance(choice, dict):
        reference: dict[str, Any] = {"reference": f"Slot/{choice.get('slot') or choice.get('id')}"}
        if choice.get("start"):
            start = choice["start"]
            reference["display"] = start if isinstance(start, str) else start.isoformat()
        return {"valueReference": reference}
    return {"valueReference": {"reference": f"Slot/{choice}"}}
