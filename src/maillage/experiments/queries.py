"""What may be seen of scenarios and experiments: those of the organisation for which the actor acts."""

from __future__ import annotations

import json
from typing import Any, Final

from maillage.experiments.types import Experiment, Kept, Text
from maillage.kernel.errors import NotFound
from maillage.store import Transaction

COLUMNS: Final = """id, kind, status, scenario_name, scenario, against_name, against, seed, replications, asked_at, done, expected, reason,
    report IS NOT NULL AS has_report, paper IS NOT NULL AS has_paper, begun_at, first_at, ended_at"""


async def scenarios(tx: Transaction) -> list[Kept]:
    """The scenarios that the organisation keeps, by title."""
    rows = await tx.fetch(
        "SELECT id, title, content, digest, changed_at FROM scenario WHERE owner_org = $1 ORDER BY title, id", tx.actor.organization
    )
    return [Kept(**row) for row in rows]


async def scenario(tx: Transaction, id: str) -> Kept:
    """One scenario of the organisation. Raises `NotFound`."""
    row = await tx.fetchrow(
        "SELECT id, title, content, digest, changed_at FROM scenario WHERE id = $1 AND owner_org = $2", id, tx.actor.organization
    )
    if row is None:
        raise NotFound("scenario", id)
    return Kept(**row)


async def experiments(tx: Transaction, *, limit: int = 20) -> list[Experiment]:
    """The latest experiments of the organisation, without their answers."""
    rows = await tx.fetch(
        f"SELECT {COLUMNS}, NULL AS answer FROM experiment WHERE owner_org = $1 ORDER BY asked_at DESC, id LIMIT $2",
        tx.actor.organization,
        limit,
    )
    return [experiment_of(row) for row in rows]


async def experiment(tx: Transaction, id: str) -> Experiment:
    """One experiment of the organisation, with its answer. Raises `NotFound`."""
    row = await tx.fetchrow(
        f"SELECT {COLUMNS}, answer FROM experiment WHERE id = $1 AND owner_org = $2",
        id,
        tx.actor.organization,
    )
    if row is None:
        raise NotFound("experiment", id)
    return experiment_of(row)


def experiment_of(row: Any) -> Experiment:
    """A row with the columns of `COLUMNS` and its answer, or none."""
    said = dict(row)
    against = said.pop("against")
    name, other = said.pop("scenario_name"), said.pop("against_name")
    said["scenario"] = Text(name, said["scenario"])
    said["against"] = Text(other, against) if against is not None else None
    said["answer"] = json.loads(said["answer"]) if said["answer"] else None
    return Experiment(**said)


async def report(tx: Transaction, id: str, lang: str = "fr") -> str:
    """The report of an experiment as a page, in this language. Raises `NotFound`."""
    found: str | None = await tx.fetchval(_of("report", lang), id, tx.actor.organization)
    if found is None:
        raise NotFound("experiment", id)
    return found


async def paper(tx: Transaction, id: str, lang: str = "fr") -> bytes:
    """The report of an experiment on paper, in this language. Raises `NotFound`."""
    found: bytes | None = await tx.fetchval(_of("paper", lang), id, tx.actor.organization)
    if found is None:
        raise NotFound("experiment", id)
    return found


def _of(what: str, lang: str) -> str:
    """What reads a report in this language."""
    return f"SELECT {what if lang == 'fr' else f'{what}_en'} FROM experiment WHERE id = $1 AND owner_org = $2"


async def waiting(tx: Transaction) -> int:
    """How many experiments of the organisation are not over."""
    return int(
        await tx.fetchval(
            "SELECT count(*) FROM experiment WHERE owner_org = $1 AND status IN ('requested', 'in-progress')", tx.actor.organization
        )
    )
