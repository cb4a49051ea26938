"""PDSm 3.1.1: documents published simply (ITI-105), found, and changed in three elements only: status, securityLabel and isArchived.

https://interop.esante.gouv.fr/ig/fhir/pdsm. Those of a transaction (ITI-65) are in `submissions.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from maillage import record
from maillage.codes.json import decode, encode
from maillage.doors.fhir import conditions, patches
from maillage.doors.fhir.bodies import read_resource, strictly
from maillage.doors.fhir.context import Context
from maillage.doors.fhir.http import Request, Response, encode_query
from maillage.doors.fhir.interactions.binaries import read_binary
from maillage.doors.fhir.interactions.create import create
from maillage.doors.fhir.interactions.patch import patch_where
from maillage.doors.fhir.interactions.read import read
from maillage.doors.fhir.interactions.search import search
from maillage.doors.fhir.interfaces import mending
from maillage.doors.fhir.interfaces.served import Interface, Served
from maillage.doors.fhir.interfaces.submissions import provide, within
from maillage.doors.fhir.negotiation import media
from maillage.doors.fhir.problems import MethodNotAllowed
from maillage.kernel.errors import Issue, Malformed, NotFound

ARCHIVED: Final = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived"
REQUIRED: Final = ("masterIdentifier", "date", "author", "custodian", "subject", "type")
CHANGEABLE: Final = frozenset({"status", "securityLabel", "extension", "meta"})


async def publish(context: Context, request: Request) -> Response:
    """201 with the document as kept; a false hash or size of a partner is kept with a warning."""
    resource = read_resource(request, "DocumentReference")
    missing = [name for name in REQUIRED if name not in resource and name != "masterIdentifier"]
    if "masterIdentifier" not in resource and "identifier" not in resource:
        missing.append("identifier")
    missing += [f"content[{n}].attachment.title" for n, one in enumerate(resource["content"]) if not one["attachment"].get("title")]
    if missing:
        raise Malformed(*(Issue("error", "required", "required", f"DocumentReference.{name}") for name in missing))
    context.findings += list(_faults(resource))
    return await create(context, replace(request, resource=resource))


def _faults(resource: dict[str, Any]) -> Iterator[Issue]:
    """What the attachments say of themselves and is not so: hash = SHA-1 in base64, size in bytes."""
    for place, one in enumerate(resource["content"]):
        attachment, path = one["attachment"], f"DocumentReference.content[{place}].attachment"
        if "data" not in attachment:
            continue
        data = _bytes(attachment["data"])
        digest = base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()  # the guide's own hash
        if "hash" in attachment and attachment["hash"] != digest:
            yield Issue("warning", "value", "hash-false", f"{path}.hash")
        if "size" in attachment and attachment["size"] != len(data):
            yield Issue("warning", "value", "size-false", f"{path}.size")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


async def change(context: Context, request: Request) -> Response:
    """The conditional PATCH by `identifier`; 405 when it changes anything but the three elements."""
    context.require("DocumentReference", "u")
    if [name for name, value in request.query if value] != ["identifier"]:
        raise Malformed(
            Issue("error", "required", "identifier-missing", "http.identifier", "PATCH DocumentReference?identifier=system|value")
        )
    mended = _mended(request)
    wanted = patches.read(mended)
    found = await conditions.find_one(context, "DocumentReference", encode_query(request.query), request.base, locked=True)
    if found is None:
        raise NotFound("DocumentReference")
    stands = decode((await record.read(context.tx, found.type, found.id, context.visible(found.type, "u"))).content)
    if not _is_allowed(stands, wanted(decode(encode(stands)))):
        raise MethodNotAllowed(("GET",))
    return await patch_where(context, mended)


def _mended(request: Request) -> Request:
    if media(request.header("content-type")).type != patches.JSON_PATCH or not request.body.strip():
        return request
    return replace(request, body=encode(mending.pointed(strictly(request.body))))


def _is_allowed(before: dict[str, Any], after: dict[str, Any]) -> bool:
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return changed <= CHANGEABLE and _others(before) == _others(after)


def _others(resource: dict[str, Any]) -> list[Any]:
    """What of meta and extensions may not change."""
    return [resource.get("meta"), *(one for one in resource.get("extension", ()) if one.get("url") != ARCHIVED)]


PDSM: Final = Interface(
    name="pdsm",
    guides=("https://interop.esante.gouv.fr/ig/fhir/pdsm/CapabilityStatement/PDSm-GestionnaireDePartageDeDocuments",),
    dialect="core",
    root={"POST": provide},
    types={
        "DocumentReference": Served(
            type={"GET": search, "POST": publish},
            where={"PATCH": change},
            one={"GET": read},
            parameters=(
                "type",
                "setting",
                "identifier",
                "date",
                "security-label",
                "status",
                "isArchived",
                "period-start",
                "period-end",
                "format",
                "category",
                "relatesto",
                "event",
                "period",
                "patient",
                "author",
            ),
        ),
        "List": Served(
            type={"GET": search, "POST": within},
            one={"GET": read},
            parameters=(
                "date",
                "designationType",
                "identifier",
                "status",
                "isArchived",
                "title",
                "sourceId",
                "source",
                "authorOrg",
                "code",
                "patient",
            ),
        ),
        "Binary": Served(one={"GET": read_binary}),
    },
)
