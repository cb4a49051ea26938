"""DocumentReferences as their patient reads them: a title, a day, a house, the text of a letter, or a file to fetch."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maillage.codes.json import decode
from maillage.directory import Organization
from maillage.documents import TAKEN
from maillage.doors.web.catalogue import say
from maillage.record import Stored

TEXT = "text/plain"


@dataclass(frozen=True, slots=True)
class Attached:
    """What a document holds: its bytes, or the file of ours that does."""

    title: str
    content_type: str
    data: bytes
    document: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One document; `text` is a letter that the page shows, `file` whether it can be fetched."""

    id: str
    title: str
    at: datetime
    house: str
    text: str
    file: bool
    kind: str


def papers(found: Iterable[Stored], names: Mapping[str, Organization]) -> list[Paper]:
    """Those that are in force, the newest first."""
    return sorted((_paper(one, names) for one in found if _stands(one)), key=lambda paper: paper.at, reverse=True)


def _stands(one: Stored) -> bool:
    return bool(decode(one.content).get("status") == "current")


def _paper(one: Stored, names: Mapping[str, Organization]) -> Paper:
    resource, attached = decode(one.content), attachment_of(one)
    keeper = str((resource.get("custodian") or {}).get("reference", "")).rpartition("/")[2]
    house = names.get(keeper or one.owner_org or "")
    text = attached.data.decode("utf-8", "replace") if attached and attached.content_type == TEXT and not attached.document else ""
    return Paper(
        one.id,
        _title(resource),
        _instant(resource) or one.at,
        house.name if house else "",
        text,
        attached is not None and not text,
        say(f"own.paper.{attached.content_type}") if attached and not text else "",
    )


def _title(resource: dict[str, Any]) -> str:
    first = _attachment(resource)
    return str(first.get("title") or resource.get("description") or say("own.paper"))


def _instant(resource: dict[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(resource.get("date", "")))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _attachment(resource: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = next(iter(resource.get("content") or []), {})
    return dict(first.get("attachment") or {})


def attachment_of(one: Stored) -> Attached | None:
    """What a document in force holds; None for what lies elsewhere, or is of a type that is not taken here."""
    if not _stands(one):
        return None
    first = _attachment(decode(one.content))
    kind, title = str(first.get("contentType", "")).partition(";")[0], str(first.get("title") or "document")
    own, _, id = str(first.get("url", "")).rpartition("Binary/")
    if kind not in TAKEN:
        return None
    if first.get("data"):
        return _inline(title, kind, str(first["data"]))
    return Attached(title, kind, b"", id) if id and not own else None


def _inline(title: str, kind: str, data: str) -> Attached | None:
    try:
        return Attached(title, kind, base64.b64decode(data, validate=True), "")
    except binascii.Error:
        return None
