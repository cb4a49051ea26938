"""`Task/[id]/$attach`: a file that goes with the request, an answer or the letter, checked and kept as one that a page was given (ADR 0016)."""

from __future__ import annotations

import base64
from typing import Final

from maillage import record, referrals
from maillage.documents import Upload
from maillage.doors.fhir.context import Context, written
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.intake import made
from maillage.doors.fhir.interactions.update import expected_version
from maillage.doors.fhir.operations.asked import question
from maillage.kernel.errors import NotFound
from maillage.kernel.operations import Param

DOCUMENT: Final = "DocumentReference"
PARAMETERS: Final = (
    Param("part", "code", required=True, values=("request", "answer", "letter")),
    Param("title", "string", required=True, longest=200),
    Param("content-type", "code", required=True),
    Param("content", "base64Binary", required=True),
)
_CONTENT: Final = "Parameters.parameter.where(name='content').value"


async def attach(context: Context, request: Request) -> Response:
    """201 with the DocumentReference of the file, whose bytes are its Binary.

    Raises `NotFound`, `NotAllowed`, `Conflict` (not-in-table: a file goes with what was just written), `Invalid` with what is wrong with the file.
    """
    kind, id, _ = request.path
    context.require(kind, "u", "verb")
    context.require(DOCUMENT, "c")
    vault, checks = context.registry.vault, context.registry.checks
    if vault is None or checks is None:
        raise NotFound(kind, id)
    given = question(request, PARAMETERS)
    before = await record.read(context.tx, kind, id, context.visible(kind, "u"))
    expected_version(request, before)
    data = base64.b64decode(given["content"])
    checked = await checks.check(Upload(_CONTENT, given["title"], given["content-type"], data))
    [file] = await referrals.attach(context.tx, vault, id, [checked], given["part"])
    context.shown.append((DOCUMENT, file))
    return written(await made(context.tx, DOCUMENT, file), request, 201)
