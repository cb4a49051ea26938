"""The key by which this installation proves to its peers who it is: made when it is first needed, kept in a file of its account alone (RFC 7523)."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey

from maillage.kernel.ids import new_id

ALGORITHM, CURVE = "ES384", "P-384"
LASTS = timedelta(minutes=4)
"""An assertion is good for less than the five minutes that SMART backend services allow."""


def load(path: Path) -> ECKey:
    """The key of this installation; it is made when the file is not there. Raises `OSError`."""
    if not path.exists():
        _make(path)
    found = ECKey.import_key(msgspec.json.decode(path.read_bytes(), type=dict[str, Any]))
    found.ensure_kid()
    return found


def _make(path: Path) -> None:
    """Written whole or not at all; of two that make it at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{new_id()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(ECKey.generate_key(CURVE).as_dict(private=True)))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def public_keys(key: ECKey) -> str:
    """The public half as a JWKS: what a peer is given."""
    listed = {**key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
    return msgspec.json.encode({"keys": [listed]}).decode()


def assertion(key: ECKey, client: str, audience: str, now: datetime) -> str:
    """A `private_key_jwt` of one use for the token endpoint of a peer, where this installation is `client` (SMART App Launch 2.2)."""
    claims = {"iss": client, "sub": client, "aud": audience, "exp": int((now + LASTS).timestamp()), "jti": new_id()}
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": str(key.kid)}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=[ALGORITHM])
