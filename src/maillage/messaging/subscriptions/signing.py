"""How a receiver knows that a notification is ours, whole and fresh: the symmetric scheme of Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).

`webhook-signature` holds one signature for each secret that is valid: while a secret is replaced there are two.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SIZE = 32


def make_secret() -> bytes:
    """A new shared secret."""
    return secrets.token_bytes(SIZE)


def written(secret: bytes) -> str:
    """A secret as it is handed over."""
    return PREFIX + base64.b64encode(secret).decode()


def signed_headers(keys: Sequence[bytes], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers; the id is the same at each try, the instant is that of the try."""
    stamp = str(int(at.timestamp()))
    content = b".".join((id.encode(), stamp.encode(), body))
    made = " ".join(f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}" for key in keys)
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": made}
