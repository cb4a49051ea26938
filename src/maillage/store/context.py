"""Who acts, as PostgreSQL is told: settings that last for one transaction, or for one statement where none has begun.

Row level security reads them; nothing said means no rows. They are always local, so that a connection goes back to the pool without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from maillage.kernel.actor import Actor

NAMES = ("app.orgs", "app.actor", "app.kind", "app.now")


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for a whole transaction, whoever acts in it: its instant, its request, its deadline."""

    now: datetime
    request_id: str = ""
    timeout: str = ""

    def values(self, actor: Actor) -> tuple[str, str, str, str]:
        """The values of `NAMES` for this actor."""
        return ",".join(actor.organizations), actor.id, actor.kind, self.now.isoformat()

    def opening(self, actor: Actor) -> str:
        """The first statement of a transaction: one round trip that begins and says who acts and how long it may take."""
        told = {**dict(zip(NAMES, self.values(actor), strict=True)), "app.request": self.request_id}
        if self.timeout:
            told["statement_timeout"] = self.timeout
        return f"BEGIN; {_set(told)}"

    def switching(self, actor: Actor) -> str:
        """The statement after which another actor acts in the same transaction."""
        return _set(dict(zip(NAMES, self.values(actor), strict=True)))


def _set(told: dict[str, str]) -> str:
    return "SELECT " + ", ".join(f"set_config('{name}', {literal(value)}, true)" for name, value in told.items())


def literal(value: str) -> str:
    """A quoted SQL string; the one place where a value enters a statement's text, because BEGIN takes no parameters."""
    if "\0" in value or "\\" in value:
        raise ValueError("not a legal identifier")
    return "'" + value.replace("'", "''") + "'"


def reading(sql: str, values: int) -> str:
    """A SELECT that first says who acts, in the same round trip; the context's values come after its own `values`.

    The rows hang on what `set_config` gave, so the context stands before the first of them is looked for; if it ever did not, row level
    security would let none through. `OFFSET 0` keeps the planner from merging the parts.
    """
    return f"SELECT q.* FROM (SELECT {_calls(values)} AS said OFFSET 0) e, LATERAL (SELECT s.* FROM ({sql}) s WHERE e.said IS NOT NULL OFFSET 0) q"


def writing(parts: str, values: int) -> str:
    """Data-modifying common table expressions, then who acts: PostgreSQL runs the main query before the writes that it does not read.

    If it ever did not, row level security would refuse the writes.
    """
    return f"{parts} SELECT {_calls(values)}"


@lru_cache(maxsize=256)
def _calls(values: int) -> str:
    return " || ".join(f"set_config('{name}', ${values + n}, true)" for n, name in enumerate(NAMES, start=1))
