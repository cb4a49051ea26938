"""Who the person is, told to an app that asked for `openid`: a signed token of five minutes (OpenID Connect Core 1.0, 2; SMART App Launch 2.2).

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-identity-data
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from joserfc import jws
from joserfc.jwk import RSAKey

from maillage.access import keyfile
from maillage.access.clients.types import TOKEN_LIFETIME

ALGORITHM, BITS = "RS256", 2048
"""What every relying party must understand."""


@dataclass(frozen=True)
class Signer:
    """Signs under the key of this installation. Its methods raise `OSError` where the file cannot be read or made."""

    path: Path

    @cached_property
    def _key(self) -> RSAKey:
        found = RSAKey.import_key(keyfile.kept_jwk(self.path, lambda: RSAKey.generate_key(BITS).as_dict(private=True)))
        found.ensure_kid()
        return found

    def published(self) -> dict[str, Any]:
        """The public half, as a JWKS."""
        return {"keys": [{**self._key.as_dict(private=False), "kid": self._key.kid, "use": "sig", "alg": ALGORITHM}]}

    def sign(self, issuer: str, client: str, person: str, *, nonce: str, fhir_user: bool, now: datetime) -> str:
        """The token about a practitioner for a client; with `fhir_user` it names the Practitioner of `issuer`, which is the address of the interface."""
        at = int(now.timestamp())
        claims = {"iss": issuer, "sub": person, "aud": client, "iat": at, "exp": at + int(TOKEN_LIFETIME.total_seconds())}
        claims |= {"nonce": nonce} if nonce else {}
        claims |= {"fhirUser": f"{issuer}/Practitioner/{person}"} if fhir_user else {}
        header = {"alg": ALGORITHM, "typ": "JWT", "kid": str(self._key.kid)}
        return jws.serialize_compact(header, msgspec.json.encode(claims), self._key, algorithms=[ALGORITHM])
