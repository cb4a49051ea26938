"""Each error family as the door tells it, against `golden/problems.json` (run this file as a module to write it again)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maillage.codes import r4
from maillage.codes.json import decode
from maillage.doors.fhir import problems
from maillage.doors.fhir.negotiation import NotAcceptable
from maillage.kernel import errors
from maillage.kernel.errors import Issue, MaillageError

GOLDEN = Path(__file__).parent / "golden" / "problems.json"

EXAMPLES: dict[str, MaillageError] = {
    "absent or invisible": errors.NotFound("Patient", "1"),
    "deleted": errors.Gone("Patient", "1"),
    "no token": errors.Unauthenticated("token-missing"),
    "unknown token": errors.Unauthenticated("token-unknown"),
    "scope": errors.NotAllowed("scope"),
    "party": errors.NotAllowed("not-for-this-party"),
    "syntax": errors.Malformed.one("unknown-element", "Patient.colour", "Patient has no element colour."),
    "rules": errors.Invalid(
        Issue("error", "required", "item-missing:phone", "QuestionnaireResponse.item.where(linkId='phone')", "phone: no answer"),
        Issue("warning", "value", "ins-key", "Patient.identifier[0].value", "the key of the INS is false"),
    ),
    "verb of a room": errors.Invalid(Issue("error", "business-rule", "room-decides", "Task"), use="POST Task/1/$accept"),
    "size": errors.TooLarge("body-too-large", limit=2_000_000),
    "media type": errors.Unsupported("content-type-not-served"),
    "format": NotAcceptable("format-not-served"),
    "state": errors.Conflict("not-in-table", legal=["decline", "request-info"]),
    "closed": errors.Conflict("not-in-table", legal=[]),
    "slot taken": errors.Conflict("already-booked", choices=[{"slot": "s1", "start": "2026-12-01T13:00:00+00:00"}, "s2"]),
    "key in use": errors.Conflict("idempotency-key-in-use", retry_after=1),
    "stale": errors.Stale(3),
    "no version": errors.PreconditionRequired("version-required", current=3),
    "several match": problems.SeveralMatch(),
    "method": problems.MethodNotAllowed(("GET", "HEAD")),
    "unknown type": problems.UnknownPlace(),
    "unknown operation": problems.UnknownOperation("explain"),
    "another FHIR version": errors.Unsupported("fhir-version-not-served"),
    "busy": errors.Unavailable("no-connection", retry_after=1),
}


def told(error: MaillageError) -> dict[str, Any]:
    answer = problems.answer(error)
    return {"status": answer.status, "headers": answer.headers, "body": json.loads(answer.body)}


def written() -> str:
    return json.dumps({name: told(error) for name, error in EXAMPLES.items()}, indent=2, ensure_ascii=False) + "\n"


def test_problems_are_told_as_before() -> None:
    assert written() == GOLDEN.read_text(encoding="utf-8")


def test_every_answer_is_a_valid_operation_outcome() -> None:
    for name, error in EXAMPLES.items():
        assert r4.validate(decode(problems.answer(error).body)) == [], name
    assert r4.validate(decode(problems.defect().body)) == []


def test_every_family_has_a_status() -> None:
    families = [family for family in vars(errors).values() if isinstance(family, type) and issubclass(family, MaillageError)]
    left = {family.__name__ for family in families if family not in problems.STATUS}
    assert left == {"MaillageError", "_Pointed"}


if __name__ == "__main__":
    GOLDEN.write_text(written(), encoding="utf-8")
