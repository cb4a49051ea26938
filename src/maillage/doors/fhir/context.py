"""What every interaction is given: the transaction, who asks, what the door serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from maillage.access import DIRECTORY_TYPES, allows, bounds, policy, visible_to
from maillage.codes.definitions import Definitions
from maillage.codes.json import encode
from maillage.directory import Mode
from maillage.documents import Checks
from maillage.doors.fhir.http import Request, Response, etag, http_date
from maillage.doors.fhir.problems import outcome
from maillage.kernel.answers import Refused
from maillage.kernel.errors import Invalid, Issue, NotAllowed
from maillage.kernel.intake import Claim
from maillage.kernel.operations import Operation
from maillage.record import SERVED, Stored, Visible, audit_many, is_within
from maillage.settings import BulkSettings, FhirSettings
from maillage.store import Database, Transaction
from maillage.store.blobs import Vault

AUDIT_TYPE = "AuditEvent"
SEARCHES = frozenset({"search", "search-system"})
READABLE = frozenset(SERVED) | {AUDIT_TYPE}
NAMING, TRAITS, FEWEST_TRAITS = frozenset({"_id", "identifier"}), frozenset({"family", "given", "birthdate", "gender"}), 3
"""What names a patient at once, the strict traits that are searched by, and how many of them it takes (RNIV)."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What this door serves: operations by (type, name, on an instance), claims of the rooms by type, severity of false identifiers, settings,
    where files lie and what is asked of them first, the address of the pages, where exports lie and how
    they are bounded."""

    operations: Mapping[tuple[str, str, bool], Operation]
    intake: Mapping[str, Claim]
    mode: Mode
    policy: FhirSettings = field(default_factory=FhirSettings)
    definitions: Definitions = field(default_factory=Definitions)
    vault: Vault | None = None
    checks: Checks | None = None
    site: str = ""
    exported: Vault | None = None
    bulk: BulkSettings = field(default_factory=BulkSettings)


@dataclass(slots=True)
class Context:
    """One transaction of one caller. `find` gives the interaction of a request, `alone` answers it in a transaction of its own.

    `shown` gathers what the answer shows, for the audit and for replays; `coming` names what the same transaction makes, `asked` what its
    resources refer to (by type and id, and whether the caller sees it); `answers_late`: creations are told when all of it is done; `trail`
    is where the audit trail is read; `interface` is the French guide by which the caller speaks, `findings` what it found beside;
    `gathered` what one Provenance will tell of many writes, by who is concerned.
    """

    registry: Registry
    tx: Transaction
    key: bytes
    find: Callable[[Request], Callable[[Context, Request], Awaitable[Response]]]
    shown: list[tuple[str, str]] = field(default_factory=list)
    coming: frozenset[str] = frozenset()
    asked: dict[tuple[str, str], bool] = field(default_factory=dict)
    answers_late: bool = False
    interface: str = ""
    findings: list[Issue] = field(default_factory=list)
    gathered: dict[Any, list[tuple[str, str, int]]] | None = None
    alone: Callable[[Request], Awaitable[Response]] = field(kw_only=True)
    trail: Database = field(kw_only=True)

    def visible(self, kind: str, letters: str = "rs") -> Visible:
        """What the caller may see of a type, by the scopes that grant one of the letters."""
        return visible_to(self.tx.actor, kind, self.tx.now, letters=letters)

    def searchable(self, kind: str) -> Visible:
        """The same for a type that a search reads; raises `NotAllowed` when the scopes do not grant it, through a chain or otherwise."""
        self.require(kind, "rs")
        return self.visible(kind, "s" if self.allows(kind, "s") else "r")

    def is_narrowed(self, kind: str, letters: str) -> bool:
        """Whether a query or a patient narrows every scope that grants one of the letters on a type."""
        return bounds(self.tx.actor, kind, letters) is not None

    async def stay_within(self, kind: str, id: str, letters: str) -> None:
        """Raise `NotAllowed` when what was just written is outside of what the scopes grant: the write is undone."""
        demanded = bounds(self.tx.actor, kind, letters)
        if demanded is None:
            return
        await self.tx.settle()
        if not await is_within(self.tx, kind, id, demanded):
            raise NotAllowed("scope")

    def allows(self, kind: str, letters: str = "rs") -> bool:
        """Whether the scopes grant one of the letters on a type, and the actor's roles its reading."""
        return allows(self.tx.actor, kind, letters) and policy.view(self.tx.actor, kind) != policy.NOTHING

    def require(self, kind: str, letters: str, action: str = "") -> None:
        """Raise `NotAllowed` unless the scopes grant one of the letters on a type, and the policy the action: read, write or verb."""
        if not allows(self.tx.actor, kind, letters):
            raise NotAllowed("scope")
        action = action or ("read" if set(letters) <= set("rs") else "write")
        answer = policy.decide(self.tx.actor, action, kind)
        if isinstance(answer, Refused) and (action != "write" or kind in policy.policy().written):  # what nobody writes is refused as such
            raise NotAllowed(answer.reason)

    def refuse_browsing(self, kinds: Iterable[str], parameters: Iterable[tuple[str, str]]) -> None:
        """Raise `Invalid("too-few-traits")` unless a person names patients by the INS, an id or three strict traits: nobody leafs through patients.

        A machine client sees what its organisation holds; an app that was opened for one patient sees that one.
        """
        if "Patient" not in kinds or self.tx.actor.kind != "person" or self.tx.actor.patient:
            return
        named = {name.removesuffix(":exact") for name, value in parameters if value}
        if not named & NAMING and len(named & TRAITS) < FEWEST_TRAITS:
            raise Invalid.one("too-few-traits", "Patient", "give the INS, or three of: family, given, birthdate, gender")

    def refuse_withheld(self, kinds: Iterable[str], parameters: Iterable[tuple[str, str]]) -> None:
        """Raise `NotAllowed` for a search by what the actor is not shown."""
        if policy.is_narrowed(self.tx.actor) and policy.withheld_parameters(self.tx.actor, kinds, parameters):
            raise NotAllowed("search-withheld")

    async def audit_read(self, shown: Iterable[Stored], verb: str = "read", query: str = "", searched: str = "") -> None:
        """One audit row for each patient shown, one for a search that shows nobody; the public directory is not audited."""
        found = list(shown)
        self.shown += [(s.type, s.id) for s in found]
        rows = {
            (s.type, s.id if verb not in SEARCHES else "", s.patient_id) for s in found if s.patient_id or s.type not in DIRECTORY_TYPES
        }
        if not found and searched and searched not in DIRECTORY_TYPES:
            rows = {(searched, "", None)}
        if rows:
            await audit_many(self.tx, "R", sorted(rows, key=str), verb=verb, query=query)


def show(stored: Stored) -> Response:
    """A resource as the answer, with its version and date."""
    return Response(200, stored.content.encode(), version_headers(stored), shown=((stored.type, stored.id),))


def version_headers(stored: Stored) -> dict[str, str]:
    """ETag and Last-Modified."""
    return {"etag": etag(stored.version), "last-modified": http_date(stored.at)}


def written(stored: Stored, request: Request, status: int, warnings: Iterable[Issue] = ()) -> Response:
    """The answer to a write, as `Prefer: return=` wants it: representation (default), minimal, or OperationOutcome."""
    found = list(warnings)
    headers = version_headers(stored)
    if status == 201:
        headers["location"] = f"{request.base}/{stored.type}/{stored.id}/_history/{stored.version}"
    if found:
        headers["x-warnings"] = ", ".join(f"{issue.reason} {issue.expression}".strip() for issue in found[:20])
    preference = request.preference("return")
    if preference == "minimal":
        body = b""
    elif preference.lower() == "operationoutcome":
        body = encode(outcome(found))
    else:
        body = stored.content.encode()
    return Response(status, body, headers, shown=((stored.type, stored.id),), findings=tuple(found))


def json_response(value: Any, status: int = 200) -> Response:
    """A value as the answer."""
    return Response(status, encode(value))
