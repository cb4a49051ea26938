"""`maillage serve` without one of its safeties, to say what that one costs: for `bench.costs` alone, no option of the product does this."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any

from maillage.cli.serve import serve
from maillage.store import database


def _nothing(_shown: Any) -> tuple[()]:
    """No row for what was shown."""
    return ()


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
        setattr(import_module("maillage.record.audit"), "_rows", _nothing)  # noqa: B010 - a name that is not for others, and this is what is meant
    if asked.what == "walls":
        setattr(database, "inspect_login", _anybody)  # noqa: B010 - the same
    serve(port=asked.port, data=asked.data)


if __name__ == "__main__":
    main()
