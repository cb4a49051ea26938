"""What FranceConnect adds to OpenID Connect: our settings, encrypted tokens, and the pivot identity of who came."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from maillage.access.identity import Flow, ProvedPatient
from maillage.doors.connectors.france_connect import claims
from maillage.doors.connectors.openid import Decrypter, OpenIdClient, Party, is_safe
from maillage.settings import FranceConnectSettings, SettingError

LEVELS = frozenset({"eidas1", "eidas2", "eidas3"})


class FranceConnect(OpenIdClient):
    """The provider of the settings, as `access.identity.PatientProvider`."""

    def __init__(self, settings: FranceConnectSettings, base_url: str) -> None:
        if not is_safe(settings.issuer) or not base_url or not settings.client_id or not settings.client_secret:
            raise SettingError(
                "MAILLAGE_FRANCECONNECT__ISSUER wants https, and with it MAILLAGE_FRANCECONNECT__CLIENT_ID, a secret and MAILLAGE_SERVER__BASE_URL"
            )
        if not settings.levels or not LEVELS.issuperset(settings.levels):
            raise SettingError("MAILLAGE_FRANCECONNECT__LEVELS is made of eidas1, eidas2, eidas3")
        try:
            self._ours = Decrypter(settings.key) if settings.key else None
        except ValueError as error:
            raise SettingError(f"MAILLAGE_FRANCECONNECT__KEY: {error}") from error
        party = Party(
            issuer=settings.issuer,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            scope="openid identite_pivot",
            levels=settings.levels,
            timeout=settings.timeout,
            back="/mon-dossier/retour",
            home="/mon-dossier",
            prompt="login",  # on a shared device nobody opens the record of who was there before
        )
        super().__init__(party, base_url, self._ours)

    async def finish(self, flow: Flow, answer: dict[str, str], now: datetime) -> ProvedPatient:
        """Who came back. Raises as `answered` does, and `Unauthenticated("franceconnect-pivot")`."""
        found = await self.answered(flow, answer, now)
        return ProvedPatient(flow.issuer, found.subject, found.level, claims.pivot_of(found.told), found.id_token)

    def published_keys(self) -> list[dict[str, Any]]:
        """The public halves of the keys under which it encrypts for us."""
        return self._ours.published() if self._ours else []
