"""The certificate that a client showed to the proxy before us (RFC 8705): believed only from the proxies that the operator named."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

from maillage.access.clients import rules
from maillage.doors.edge.proxies import Proxies
from maillage.settings import Settings

LONGEST = 16_000
PEM = b"-----BEGIN CERTIFICATE-----"


class Certificates:
    """Where certificates are read, and from whom they are believed."""

    __slots__ = ("_name", "_proxies")

    def __init__(self, settings: Settings) -> None:
        self._name = settings.fhir.certificate_header.lower().encode("latin-1")
        self._proxies = Proxies(settings.server.trusted_proxies)

    @property
    def read(self) -> bool:
        """Whether any is read at all."""
        return bool(self._name)

    def presented(self, scope: dict[str, Any]) -> str:
        """The SHA-256 of the certificate in base64url (`x5t#S256`); empty when none came, when two did, or from where it counts for nothing."""
        der = self.shown(scope)
        return rules.thumbprint(der) if der else ""

    def sent(self, scope: dict[str, Any]) -> bool:
        """Whether the header came at all, whoever wrote it."""
        return any(name == self._name for name, _ in scope["headers"])

    def shown(self, scope: dict[str, Any]) -> bytes:
        """The certificate itself (DER), as a trusted proxy hands it over; nothing in the same cases."""
        peer = (scope.get("client") or ("",))[0]
        found = [value for name, value in scope["headers"] if name == self._name]
        return der_of(found[0].decode("latin-1")) if self._name and len(found) == 1 and self._proxies.trusts(peer) else b""


def der_of(text: str) -> bytes:
    """Of the header `Client-Cert: :base64:` (RFC 9440), of a percent-encoded PEM, or of PEM as it is; nothing for anything else."""
    if not text or len(text) > LONGEST:
        return b""
    try:
        return base64.b64decode(text.strip(":"), validate=True) if text.startswith(":") else _from_pem(unquote_to_bytes(text))
    except (binascii.Error, ValueError):
        return b""


def thumbprint(text: str) -> str:
    """The SHA-256 of the certificate in such a text; empty when there is none."""
    der = der_of(text)
    return rules.thumbprint(der) if der else ""


def _from_pem(text: bytes) -> bytes:
    head, _, rest = text.partition(PEM)
    body, end, _ = rest.partition(b"-----END CERTIFICATE-----")
    return base64.b64decode(b"".join(body.split()), validate=True) if not head.strip() and end else b""
