"""`Patient/[id]/$open-context`: a link by which a doctor opens maillage on the patient of their own software.

The link holds a handle of a few minutes, not the patient's number: addresses stay in histories and logs. It gives no right: who follows it signs in,
works for an organisation of the software that asked for it, and sees what this person may see.
"""

from __future__ import annotations

from maillage import record
from maillage.access.clients.consents.actions import launch
from maillage.access.clients.types import LAUNCH_LIFETIME
from maillage.doors.fhir.context import Context, json_response
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import NotAllowed
from maillage.kernel.operations import Param

PARAMETERS = (Param("service", "id"),)


async def open_context(context: Context, request: Request) -> Response:
    """Parameters with the address to open in a browser, and until when."""
    kind, id, _ = request.path
    context.require(kind, "r")
    tx = context.tx
    if tx.actor.kind != "client":
        raise NotAllowed("for-software-only")
    service = question(request, PARAMETERS).get("service", "")
    patient = await record.read(tx, kind, id, context.visible(kind, "r"))
    if service:
        await record.read(tx, "HealthcareService", service, context.visible("HealthcareService"))
    handle = await launch(tx, tx.actor.id, patient.id, service=service)
    await context.audit_read([patient], "open-context")
    address = f"{request.base.rpartition('/')[0]}/ouvrir/{handle}"
    until = (tx.now + LAUNCH_LIFETIME).isoformat(timespec="milliseconds")
    parts = [{"name": "url", "valueUrl": address}, {"name": "expires", "valueInstant": until}]
    return json_response({"resourceType": "Parameters", "parameter": parts})
