"""`Patient/$match` (https://hl7.org/fhir/R4/patient-operation-match.html): by INS and strict traits, among patients whom the caller sees."""

from __future__ import annotations

from typing import Any

import msgspec

from maillage import directory, record
from maillage.doors.fhir.bodies import check
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import Malformed
from maillage.kernel.operations import Param
from maillage.record import Stored

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
DEFAULT, MOST = 20, 100
PARAMETERS = (Param("resource", "Any", required=True), Param("onlyCertainMatches", "boolean"), Param("count", "positiveInt"))


async def match(context: Context, request: Request) -> Response:
    """A searchset, the surest first, each with its grade. A patient of others is neither found nor told."""
    context.require("Patient", "s")
    given = question(request, PARAMETERS)
    asked = given["resource"]
    if type(asked) is not dict:
        raise Malformed.one("resource-type", "Parameters.parameter.where(name='resource')", "A Patient is expected.")
    check(asked, "Patient")
    traits = directory.traits_of(asked)
    candidates = await directory.match_candidates(context.tx, context.searchable("Patient"), traits)
    found = directory.matches(traits, candidates, only_certain=given.get("onlyCertainMatches", False))
    found = found[: min(given.get("count", DEFAULT), MOST)]
    stored = {s.id: s for s in await record.fetch_visible(context.tx, "Patient", [one.id for one in found], context.searchable)}
    shown = [(stored[one.id], one) for one in found if one.id in stored]
    await context.audit_read([patient for patient, _ in shown], "search", "$match", "Patient")
    return json_response(_bundle(request, shown))


def _bundle(request: Request, shown: list[tuple[Stored, directory.Match]]) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": f"{request.base}/Patient/{patient.id}",
            "resource": msgspec.Raw(patient.content.encode()),
            "search": {"extension": [{"url": GRADE, "valueCode": one.grade}], "mode": "match", "score": one.score},
        }
        for patient, one in shown
    ]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(shown)}
    return {**bundle, "entry": entries} if entries else bundle
