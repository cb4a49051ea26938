"""PostgreSQL: the pool, transactions, the outbox, retries, locks, migrations, and the embedded server."""

from __future__ import annotations

from maillage.store.checks import UnsafeServer
from maillage.store.constraints import register
from maillage.store.database import Connection, Database, Limits
from maillage.store.embedded import EmbeddedPostgres
from maillage.store.locks import lock_rows
from maillage.store.rounds import one_by_one
from maillage.store.sql import Params
from maillage.store.transaction import Transaction
from maillage.store.writes import FIRST, LAST, Block, Into, Rows

__all__ = [
    "FIRST",
    "LAST",
    "Block",
    "Connection",
    "Database",
    "EmbeddedPostgres",
    "Into",
    "Limits",
    "Params",
    "Rows",
    "Transaction",
    "UnsafeServer",
    "lock_rows",
    "one_by_one",
    "register",
]
