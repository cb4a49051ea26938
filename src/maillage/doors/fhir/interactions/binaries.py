"""Read of a Binary: the bytes of a document, to who may read its DocumentReference (https://hl7.org/fhir/R4/binary.html)."""

from __future__ import annotations

import base64

from maillage import documents, record
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.kernel.errors import NotFound

DOCUMENT = "DocumentReference"


async def read_binary(context: Context, request: Request) -> Response:
    """The document as a Binary resource. Its `securityContext` is its DocumentReference: the same scopes, the same parties, the same refusals."""
    _, id = request.path
    context.require(DOCUMENT, "r")
    stored = await record.read(context.tx, DOCUMENT, id, context.visible(DOCUMENT, "r"))
    if context.registry.vault is None:
        raise NotFound("Binary", id)
    found, data = await documents.load(context.tx, context.registry.vault, id)
    await record.audit(context.tx, "R", DOCUMENT, id, patient=stored.patient_id, verb="download")
    return json_response(
        {
            "resourceType": "Binary",
            "id": id,
            "contentType": found.content_type,
            "securityContext": {"reference": f"{DOCUMENT}/{id}"},
            "data": base64.b64encode(data).decode(),
        }
    )
