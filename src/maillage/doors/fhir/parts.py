"""`_summary` and `_elements` on what is read by its id (https://hl7.org/fhir/R4/http.html#read): the whole content, or a part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from maillage.codes.json import decode, encode
from maillage.doors.fhir.http import Request
from maillage.doors.fhir.projections import SUMMARIES, project
from maillage.kernel.errors import Issue, Malformed
from maillage.record import Stored


@dataclass(frozen=True, slots=True)
class Parts:
    """What is asked of each resource; nothing asked leaves it untouched, byte for byte."""

    summary: str | None = None
    elements: tuple[str, ...] = ()

    def of(self, stored: Stored) -> bytes:
        """The content as it is to be shown."""
        if not self.elements and self.summary in (None, "false"):
            return stored.content.encode()
        return encode(project(decode(stored.content), summary=self.summary, elements=self.elements or None))

    def raw(self, stored: Stored) -> Any:
        """The same as a value inside an answer."""
        return msgspec.Raw(self.of(stored))


WHOLE = Parts()


def parts_asked(request: Request) -> Parts:
    """What the query asks for. Raises `Malformed` for a summary that does not exist, or `count`, which is for searches."""
    if not request.query:
        return WHOLE
    query = dict(request.query)
    summary = query.get("_summary")
    if summary is not None and (summary not in SUMMARIES or summary == "count"):
        raise Malformed(Issue("error", "value", "search-parameter", "http._summary", "One of true, text, data, false."))
    return Parts(summary, tuple(name.strip() for name in query.get("_elements", "").split(",") if name.strip()))
