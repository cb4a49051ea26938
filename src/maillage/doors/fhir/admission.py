"""What a request of this door is, told to the edge before anybody is known: its route, its lane, what it may cost."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from maillage.doors.edge import Lane, Limit, Route
from maillage.doors.fhir.context import READABLE
from maillage.doors.fhir.kinds import DEFINITIONS

EMERGENCIES = frozenset({"$break-glass", "$request-bed"})
"""Operations that pass before the rest under load: a refusal there is a danger to somebody (hazards H8 and H10)."""

INTERFACES = frozenset({"annuaire", "cds", "gap", "pdsm", "sas"})
"""The first parts of the addresses of French interfaces: the rest is read as everywhere."""

EXPORTS = frozenset({"$everything", "$export"})
_LOOKS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Seconds:
    """How long the work may take."""

    read: float
    batch: float


def classify(method: str, path: str, operations: Collection[tuple[str, str]], seconds: Seconds) -> Route:
    """The route of a request. `operations` are the (type, name) of the verbs that write; ids and unknown words never stand in the name."""
    parts = [part for part in path.split("/") if part]
    parts = parts[1:] if parts and parts[0] in INTERFACES else parts
    kind = parts[0] if parts and (parts[0] in READABLE or parts[0] in DEFINITIONS) else ""
    last = parts[-1] if parts else ""
    if last.startswith("$"):
        return _operation(method, kind, last, operations, seconds)
    name = f"{method} /fhir/{_template(parts, kind)}"
    if method in _LOOKS or last == "_search":
        limit = Limit.SEARCH if kind == "Patient" and len(parts) == 1 + (last == "_search") else Limit.NONE
        return Route(name, Lane.BATCH, limit, seconds=seconds.read)
    return Route(name, Lane.BATCH, writes=True, seconds=0.0 if parts else seconds.batch)


def machines(prefix: bytes) -> bytes:
    """A pattern of the addresses that are of machines as far as their bytes tell: ours, and no operation, for only that may be an emergency."""
    return rb"%b(?:/[^\x00-\x20?$%%#\x7f-\xff]*)?(?:\?[^\x00-\x20#\x7f-\xff]*)?" % re.escape(prefix)


def _operation(method: str, kind: str, last: str, operations: Collection[tuple[str, str]], seconds: Seconds) -> Route:
    verb = (kind, last[1:]) in operations
    known = verb or last in EMERGENCIES or last in EXPORTS
    limit = Limit.EXPORT if last in EXPORTS else Limit.BREAK_GLASS if last == "$break-glass" else Limit.NONE
    lane = Lane.EMERGENCY if last in EMERGENCIES else Lane.BATCH
    writes = method not in _LOOKS and (verb or last in EMERGENCIES)
    return Route(f"{method} /fhir/{kind}/{last if known else '$'}", lane, limit, writes, 0.0 if verb else seconds.batch)


def _template(parts: list[str], kind: str) -> str:
    """The address with its ids taken out."""
    if not kind:
        if tuple(parts) in _NAMED:
            return "/".join(parts)
        return parts[0] if len(parts) == 1 and parts[0] in _PLACES else "?" if parts else ""
    return "/".join([kind, *(part if part in _WORDS or part in READABLE else "{id}" for part in parts[1:6])])


_NAMED = frozenset(
    {
        ("oauth", "token"),
        ("oauth", "revoke"),
        ("oauth", "introspect"),
        *((".well-known", name) for name in ("smart-configuration", "openid-configuration", "jwks.json")),
    }
)
_PLACES = frozenset({"exports", "metadata", "docs", "openapi.json", "_history", "_search"})
_WORDS = frozenset({"_history", "_search", "*"})
