"""Resources taken in by the hundred, by the very checks and writes of the door: one transaction for a batch, one Provenance for each patient in it.

A batch that fails is played again line by line, each in a transaction of its own: what is refused is told with its reason, the rest is kept. The same
line twice changes nothing, so that an import may begin again anywhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from maillage import record
from maillage.access.clients.queries import PROVED
from maillage.doors.fhir import intake, interfaces, problems, references
from maillage.doors.fhir.bodies import check, strictly
from maillage.doors.fhir.context import Context, Registry
from maillage.doors.fhir.http import Request, Response
from maillage.kernel.actor import Actor, Origin
from maillage.kernel.errors import Invalid, Issue, MaillageError
from maillage.record import SERVED
from maillage.store import Database, Transaction

Resource = dict[str, Any]
NAMES: Final = uuid.UUID("0d7f6c5e-7f0b-4a4e-9a54-6a1d3f3c9b10")
"""From which a line without id gets one: the same each time the file is read."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file: its number and its bytes; `name` tells its file apart."""

    number: int
    data: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that was not taken in, and why, as an OperationOutcome."""

    number: int
    outcome: Resource


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: how many lines were new, how many changed something, and those that were refused."""

    made: int = 0
    changed: int = 0
    same: int = 0
    refused: tuple[Refusal, ...] = ()


def importer(organization: str) -> Actor:
    """Who acts: the operator's own machine, for one organisation."""
    scopes = ("system/*.cruds",)
    return Actor("client", "import", (organization,), frozenset({"logiciel"}), scopes=scopes, display="maillage import", assurance=PROVED)


class Loader:
    """Takes batches in, for one actor."""

    def __init__(self, db: Database, registry: Registry, actor: Actor) -> None:
        self._db, self._registry, self._actor = db, registry, actor

    async def take(self, lines: Sequence[Line]) -> Report:
        """A batch in one transaction; when anything in it is refused, line by line."""
        read, refused = _read(lines)
        try:
            counted = await self._write([resource for _, resource in read]) if read else (0, 0, 0)
        except MaillageError as error:
            if len(read) == 1:
                return Report(refused=tuple(_sorted([*refused, _refusal(read[0][0], error)])))
            return _summed([Report(refused=tuple(refused)), *[await self.take([line]) for line, _ in read]])
        return Report(*counted, tuple(refused))

    async def _write(self, resources: Sequence[Resource]) -> tuple[int, int, int]:
        async def work(tx: Transaction) -> tuple[int, int, int]:
            tx.write_many()
            return await _all(self._context(tx), resources)

        return await self._db.run(self._actor, work, origin=Origin(software="maillage import"))

    def _context(self, tx: Transaction) -> Context:
        return Context(self._registry, tx, b"", interfaces.find, alone=_never, trail=self._db, gathered={})


async def _never(_request: Request) -> Response:
    raise AssertionError("a loaded resource plays no batch")


def _read(lines: Sequence[Line]) -> tuple[list[tuple[Line, Resource]], list[Refusal]]:
    """The resources of the lines, valid R4; the first of an id stands, another in the same batch waits for nothing and is refused."""
    found: list[tuple[Line, Resource]] = []
    refused: list[Refusal] = []
    seen: set[tuple[str, str]] = set()
    for line in lines:
        try:
            resource = _resource(line)
            key = (resource["resourceType"], resource["id"])
            if key in seen:
                raise Invalid.one("entry-twice", key[0], "Two lines of one batch are about the same resource.")
        except MaillageError as error:
            refused.append(_refusal(line, error))
        else:
            seen.add(key)
            found.append((line, resource))
    return found, refused


def _resource(line: Line) -> Resource:
    value = strictly(line.data)
    check(value)
    kind = value["resourceType"]
    if kind not in SERVED:
        raise Invalid(Issue("error", "not-supported", "type-not-served", kind))
    resource: Resource = value
    return resource if "id" in resource else {**resource, "id": str(uuid.uuid5(NAMES, f"{line.name}/{line.number}"))}


def _refusal(line: Line, error: MaillageError) -> Refusal:
    return Refusal(line.number, problems.outcome(error.issues, error.extra, problems.status_of(error)))


def _sorted(refused: Sequence[Refusal]) -> list[Refusal]:
    return sorted(refused, key=lambda one: one.number)


def _summed(reports: Sequence[Report]) -> Report:
    refused = _sorted([one for report in reports for one in report.refused])
    return Report(sum(r.made for r in reports), sum(r.changed for r in reports), sum(r.same for r in reports), tuple(refused))


async def _all(context: Context, resources: Sequence[Resource]) -> tuple[int, int, int]:
    """Each resource new, changed or as it was; what they refer to is looked up once, what they owe is written at the end."""
    keys = [(one["resourceType"], one["id"]) for one in resources]
    taken = await record.taken(context.tx, keys)
    context.coming = frozenset(f"{kind}/{id}" for kind, id in keys if (kind, id) not in taken)
    await references.look_up_all(context, resources)
    made = changed = 0
    for resource in resources:
        if (resource["resourceType"], resource["id"]) not in taken:
            await _new(context, resource)
            made += 1
        elif await _known(context, resource):
            changed += 1
    await intake.tell_gathered(context)
    return made, changed, len(resources) - made - changed


async def _new(context: Context, resource: Resource) -> None:
    kind, id = resource["resourceType"], resource["id"]
    context.require(kind, "c")
    record.foresee(context.tx, kind, id)
    await intake.create(context, resource, "", id=id, chosen=True)


async def _known(context: Context, resource: Resource) -> bool:
    """Whether the resource that is here was changed."""
    kind, id = resource["resourceType"], resource["id"]
    context.require(kind, "u")
    before = await record.read(context.tx, kind, id, context.visible(kind, "u"))
    after, _ = await intake.update(context, before, resource, "", None)
    return after.version != before.version
