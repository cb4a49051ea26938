"""Work of the clock, row by row: one that cannot be read must not keep the others waiting (hazard H2: a request that nobody sees again)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from maillage.kernel.errors import MaillageError
from maillage.store.transaction import Transaction

T = TypeVar("T")
log = logging.getLogger(__name__)


async def one_by_one(tx: Transaction, step: str, rows: Iterable[Any], play: Callable[[Any], Awaitable[T]]) -> list[T]:
    """What `play` made of each row; one that fails is undone alone and told to the operator by its id, and comes back with the next round."""
    made: list[T] = []
    for row in rows:
        try:
            async with tx.savepoint():
                made.append(await play(row))
        except Exception as error:  # whatever this row met, the next one has its turn
            if tx.conn is None or tx.conn.is_closed():
                raise
            code = error.reason if isinstance(error, MaillageError) else type(error).__name__
            log.warning(
                "clock-row-failed: %s %s: %s", step, row if isinstance(row, str) else row["id"], code, extra={"code": "clock-row-failed"}
            )
    return made
