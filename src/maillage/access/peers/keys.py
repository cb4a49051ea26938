"""The key by which this installation proves to its peers who it is: made when it is first needed, kept in a file of its account alone (RFC 7523)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from joserfc import jws
from joserfc.jwk import ECKey

from maillage.access import keyfile
from maillage.kernel.ids import new_id

ALGORITHM, CURVE = "ES384", "P-384"
LASTS = timedelta(minutes=4)
"""An assertion is good for less than the five minutes that SMART backend services allow."""


def load(path: Path) -> ECKey:
    """The key of this installation; it is made when the file is not there. Raises `OSError`."""
    found = ECKey.import_key(keyfile.kept_jwk(path, lambda: ECKey.generate_key(CURVE).as_dict(private=True)))
    found.ensure_kid()
    return found


def public_keys(key: ECKey) -> str:
    """The public half as a JWKS: what a peer is given."""
    listed = {**key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": ALGORITHM}
    return msgspec.json.encode({"keys": [listed]}).decode()


def assertion(key: ECKey, client: str, audience: str, now: datetime) -> str:
    """A `private_key_jwt` of one use for the token endpoint of a peer, where this installation is `client` (SMART App Launch 2.2)."""
    claims = {"iss": client, "sub": client, "aud": audience, "exp": int((now + LASTS).timestamp()), "jti": new_id()}
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": str(key.kid)}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, algorithms=[ALGORITHM])
