"""A Bundle posted to the root: a batch or a transaction (https://hl7.org/fhir/R4/http.html#transaction)."""

from __future__ import annotations

from maillage.doors.fhir.bodies import read_bundle
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.batch import batch
from maillage.doors.fhir.interactions.entries import read_entry
from maillage.doors.fhir.interactions.transaction import transaction
from maillage.kernel.errors import Malformed


async def bundle(context: Context, request: Request) -> Response:
    """The answers of the entries, in the order of the entries."""
    whole = read_bundle(request)
    kind = whole.get("type")
    if kind not in ("batch", "transaction"):
        raise Malformed.one("bundle-type", "Bundle.type", "A batch or a transaction is expected here.")
    raw = whole.get("entry", [])
    if kind == "batch":
        answers = await batch(context, request, raw)
    else:
        answers = await transaction(context, request, [read_entry(place, entry, request) for place, entry in enumerate(raw)])
    return json_response({"resourceType": "Bundle", "type": f"{kind}-response", **({"entry": answers} if answers else {})})
