"""Batch (https://hl7.org/fhir/R4/http.html#transaction): each entry alone, in a transaction of its own."""

from __future__ import annotations

from typing import Any

from maillage.doors.fhir import audits, problems
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response
from maillage.doors.fhir.interactions.entries import as_request, failed, play, read_entry, shown
from maillage.kernel.errors import MaillageError, Unavailable


async def batch(context: Context, request: Request, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers, in the order of the entries; what fails is told in its place and undoes nothing else."""
    answers = []
    once = bool(request.header("idempotency-key"))
    for place, entry in enumerate(entries):
        asked = request
        try:
            asked = as_request(request, read_entry(place, entry, request))
            answers.append(shown(await (_inside(context, asked) if once else context.alone(asked))))
        except Unavailable as error:
            if once:
                raise
            answers.append(failed(error))
        except MaillageError as error:
            if (once or asked is request) and problems.status_of(error) in audits.AUDITED:
                await audits.refusal(context.tx, asked, error)
            answers.append(failed(error))
    return answers


async def _inside(context: Context, asked: Request) -> Response:
    """With an Idempotency-Key the whole batch is one transaction, which keeps its answer: an entry that fails undoes itself only."""
    async with context.tx.savepoint():
        return await play(context, asked)
