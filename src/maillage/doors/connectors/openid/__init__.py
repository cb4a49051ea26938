"""The OpenID Connect dialogue of a client: what Pro Santé Connect and FranceConnect have in common."""

from __future__ import annotations

from maillage.doors.connectors.openid.client import Answered, OpenIdClient, Party
from maillage.doors.connectors.openid.encryption import Decrypter
from maillage.doors.connectors.openid.fetching import is_safe

__all__ = ["Answered", "Decrypter", "OpenIdClient", "Party", "is_safe"]
