"""Paging positions that only their owner can use: sealed to the actor, the query and the place (security.md 3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from maillage.kernel.actor import Actor
from maillage.kernel.errors import Issue, Malformed
from maillage.store import Transaction

MARK = 16


async def sealing_key(tx: Transaction) -> bytes:
    """The key of this database, made when first asked for; every process gets the same."""
    await tx.execute("INSERT INTO sealing_key (singleton, key) VALUES (true, $1) ON CONFLICT DO NOTHING", secrets.token_bytes(32))
    return bytes(await tx.fetchval("SELECT key FROM sealing_key"))


def scope(actor: Actor, kind: str, used: Sequence[tuple[str, str]]) -> str:
    """Whose query this is, and which."""
    text = msgspec.json.encode([actor.kind, actor.id, actor.role_id, list(actor.organizations), kind, sorted(used)])
    return hashlib.sha256(text).hexdigest()


def make_cursor(key: bytes, scope: str, position: Sequence[Any]) -> str:
    """The position as text for a URL."""
    packed = msgspec.json.encode([_plain(value) for value in position])
    return base64.urlsafe_b64encode(_mark(key, scope, packed) + packed).decode().rstrip("=")


def open_cursor(key: bytes, scope: str, cursor: str, keys: int) -> list[Any]:
    """The position again. Raises `Malformed` when it was altered, or belongs to another caller or query."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if base64.urlsafe_b64encode(raw).decode().rstrip("=") != cursor or not hmac.compare_digest(
            raw[:MARK], _mark(key, scope, raw[MARK:])
        ):
            raise ValueError("altered")
        position = [_back(value) for value in msgspec.json.decode(raw[MARK:], type=list[Any])]
        if len(position) != keys:
            raise ValueError("another order")
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        details = "This paging link does not belong to this query and caller: start the search again."
        raise Malformed(Issue("error", "value", "cursor-not-yours", "http._cursor", details)) from error
    return position


def _mark(key: bytes, scope: str, packed: bytes) -> bytes:
    return hmac.digest(key, scope.encode() + b"\0" + packed, "sha256")[:MARK]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, Decimal):
        return {"n": str(value)}
    return value


def _back(value: Any) -> Any:
    if isinstance(value, dict):
        return datetime.fromisoformat(value["t"]) if "t" in value else Decimal(value["n"])
    return value
