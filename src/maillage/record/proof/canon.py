"""An audit row as the bytes that the chain is made of: canonical JSON (keys in order, no blanks, UTF-8), so that anybody can compute it again.

Its link binds it to all rows before. Links of rows that were chained at once lie one after the other in a block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

VERSION = 1
GENESIS = hashlib.sha256(b"maillage audit chain").digest()
"""What stands before the first row."""
SIZE = len(GENESIS)

HOLDING = "SELECT seq, links FROM audit_chain WHERE seq <= $1 ORDER BY seq DESC LIMIT 1"
"""The block that holds a place, if any does: what `link_at` reads."""
LAST = "SELECT seq, links FROM audit_chain ORDER BY seq DESC LIMIT 1"

_ENCODE = msgspec.json.Encoder().encode
_EXPRESSIONS = {
    "at": """to_char({}.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    "xact": "{}.xact::text",
}
COLUMNS = (
    *(
        "action",
        "actor_id",
        "actor_kind",
        "actor_name",
        "address",
        "at",
        "id",
        "organization",
        "outcome",
        "patient_id",
        "patients",
        "purpose",
        "query",
    ),
    *(
        "request_id",
        "res_id",
        "res_type",
        "role_id",
        "roles",
        "seq",
        "server",
        "software",
        "subtype",
        "things",
        "under_glass",
        "verb",
        "xact",
    ),
)
"""Every column of a row of version 1, in the order of their names. Another set of columns is another version, beside this one."""


_Row = msgspec.defstruct("_Row", COLUMNS, gc=False)  # encoded three times as fast as a dict of the same names


def columns(alias: str) -> str:
    """The columns as a SELECT lists them: instants as text to the microsecond, in UTC."""
    return ", ".join(_EXPRESSIONS.get(name, f"{{}}.{name}").format(alias) for name in COLUMNS)


def canonical(values: Sequence[Any]) -> bytes:
    """The row's values, in the order of `COLUMNS`, as JSON."""
    return _ENCODE(_Row(*values))


def link(before: bytes, values: Sequence[Any]) -> bytes:
    """The hash that binds a row to all that were chained before it."""
    return hashlib.sha256(before + bytes([VERSION]) + canonical(values)).digest()


def link_at(block: Any, place: int) -> bytes | None:
    """The link of a place in the block that should hold it; None when it holds none."""
    begin = SIZE * (place - block["seq"]) if block else 0
    return bytes(block["links"][begin : begin + SIZE]) or None if block else None


def end_of(block: Any) -> tuple[int, bytes]:
    """The last place of a block and its link; the beginning of everything where there is no block."""
    if block is None:
        return 0, GENESIS
    return block["seq"] + len(block["links"]) // SIZE - 1, bytes(block["links"][-SIZE:])
