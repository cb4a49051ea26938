"""`maillage serve` without one of its safeties, to say what that one costs: for `bench.costs` alone, no option of the product does this."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from maillage.cli.serve import serve
from maillage.store import database
from maillage.store.transaction import Transaction
from maillage.store.writes import Into

_append = Transaction.append


def _unaudited(self: Transaction, into: Into, rows: Any, *, shared: bool = False) -> None:
    if into.table != "audit_event":
        _append(self, into, rows, shared=shared)


async def _anybody(_conn: Any) -> list[str]:
    """A login that row level security does not hold is what this server is for."""
    return []


def main() -> None:
    """Serve without audit rows, or under a login that passes the second wall."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("nothing", "audit", "walls"))
    parser.add_argument("--port", type=int)
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    if asked.what == "audit":
        setattr(Transaction, "append", _unaudited)  # noqa: B010 - mypy forbids to assign a method, and this is what is meant
    if asked.what == "walls":
        setattr(database, "inspect_login", _anybody)  # noqa: B010 - the same
    serve(port=asked.port, data=asked.data)


if __name__ == "__main__":
    main()
