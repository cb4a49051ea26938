"""What Pro Santé Connect adds to OpenID Connect: our settings, and the RPPS of who came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from maillage.access.identity import Flow, Proved
from maillage.doors.connectors.openid import OpenIdClient, Party, is_safe
from maillage.kernel.errors import Unauthenticated
from maillage.settings import PscSettings, SettingError


class ProSanteConnect(OpenIdClient):
    """The provider of the settings, as `access.identity.IdentityProvider`."""

    def __init__(self, settings: PscSettings, base_url: str) -> None:
        if not is_safe(settings.issuer) or not base_url or not settings.client_id or not settings.client_secret:
            raise SettingError(
                "MAILLAGE_PSC__ISSUER wants https, and with it MAILLAGE_PSC__CLIENT_ID, a secret and MAILLAGE_SERVER__BASE_URL"
            )
        party = Party(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            scope=settings.scope,
            levels=settings.levels,
            timeout=settings.timeout,
            back="/connexion/psc/retour",
            home="/connexion",
            claims=settings.claims,
        )
        super().__init__(party, base_url)

    async def finish(self, flow: Flow, answer: dict[str, str], now: datetime) -> Proved:
        """Who came back. Raises as `answered` does, and `Unauthenticated("psc-no-rpps")`."""
        found = await self.answered(flow, answer, now)
        return Proved(_rpps(found.told), found.subject, found.session, found.id_token)


def _rpps(told: Mapping[str, Any]) -> str:
    """The RPPS in what userinfo says (`SubjectNameID`: 8, then the RPPS)."""
    name = told.get("SubjectNameID")
    found = re.fullmatch(r"8([0-9]{11})", name, re.ASCII) if isinstance(name, str) else None
    if found is None:
        raise Unauthenticated("psc-no-rpps")
    return found[1]
