"""The dialogue: authorisation code with PKCE (RFC 6749, 7636, 9207), tokens, userinfo, logout both ways (OpenID Connect)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from maillage.access.identity import Flow, LogoutNotice, Proved
from maillage.doors.connectors.pro_sante_connect import claims
from maillage.doors.connectors.pro_sante_connect.fetching import Fetcher, decode, is_safe
from maillage.doors.connectors.pro_sante_connect.keys import Keys
from maillage.kernel.errors import Unauthenticated, Unavailable
from maillage.settings import PscSettings, SettingError

_DISCOVERY_LIFETIME = timedelta(hours=1)
_ID_TYPES, _LOGOUT_TYPES, _USERINFO_TYPES = frozenset({"JWT"}), frozenset({"JWT", "LOGOUT+JWT"}), frozenset({"JWT"})
_WANTED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class _Metadata:
    values: dict[str, Any]
    read_at: datetime

    def __getitem__(self, name: str) -> str:
        return str(self.values.get(name) or "")


class ProSanteConnect:
    """The provider of the settings, as `access.identity.IdentityProvider`."""

    def __init__(self, settings: PscSettings, base_url: str) -> None:
        if not is_safe(settings.issuer) or not base_url or not settings.client_id or not settings.client_secret:
            raise SettingError(
                "MAILLAGE_PSC__ISSUER wants https, and with it MAILLAGE_PSC__CLIENT_ID, a secret and MAILLAGE_SERVER__BASE_URL"
            )
        self._settings = settings
        self._base = base_url.rstrip("/")
        self._fetch = Fetcher(settings.timeout)
        self._metadata: _Metadata | None = None
        self._keys = Keys(self._load_keys)
        self._expected = claims.Expected(settings.issuer, settings.client_id, settings.levels)

    @property
    def _redirect(self) -> str:
        return f"{self._base}/connexion/psc/retour"

    async def begin(self, now: datetime, *, back: str, confirm: bool) -> tuple[str, Flow]:
        """Where to send the browser, and what the answer must fit. A confirmation asks for the factor again, whatever session is open there."""
        metadata = await self._discover(now)
        flow = Flow(
            secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), self._settings.issuer, now, back, confirm
        )
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect,
            "scope": self._settings.scope,
            "acr_values": " ".join(self._settings.levels),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if confirm else {}),
            **({"claims": self._settings.claims} if self._settings.claims else {}),
        }
        address = metadata["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", flow

    async def finish(self, flow: Flow, answer: dict[str, str], now: datetime) -> Proved:
        """Who came back. Raises `Unauthenticated("psc-...")` for any answer that does not fit, `Unavailable` when the provider is away."""
        metadata = await self._discover(now)
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise Unauthenticated("psc-state")
        told = answer.get("iss")  # RFC 9207: an answer of another provider is not for this flow
        wanted = bool(metadata.values.get("authorization_response_iss_parameter_supported"))
        if flow.issuer != self._settings.issuer or (told is None and wanted) or (told is not None and told != flow.issuer):
            raise Unauthenticated("psc-iss")
        if "error" in answer or not answer.get("code"):
            raise Unauthenticated("psc-denied")
        tokens = await self._tokens(metadata, answer["code"], flow.verifier)
        id_token, access_token = (str(tokens.get(name) or "") for name in ("id_token", "access_token"))
        if not id_token or not access_token or str(tokens.get("token_type", "")).lower() != "bearer":
            raise Unauthenticated("psc-refused")
        proved = await self._keys.verify(id_token, now, _ID_TYPES)
        subject = claims.check_id_token(proved, self._expected, flow, access_token, now)
        rpps = claims.rpps_of(await self._userinfo(metadata, access_token, now), subject)
        sid = proved.get("sid")
        return Proved(rpps, subject, sid if isinstance(sid, str) else None, id_token)

    async def sign_out_address(self, id_token: str) -> str:
        """Where the browser may end the session there too (RP-Initiated Logout 1.0)."""
        address = self._metadata["end_session_endpoint"] if self._metadata else ""
        if not address or not is_safe(address):
            return ""
        asked = {"id_token_hint": id_token, "client_id": self._settings.client_id, "post_logout_redirect_uri": f"{self._base}/connexion"}
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    async def read_logout(self, token: str, now: datetime) -> LogoutNotice:
        """Whose session is over, as the provider's server says (Back-Channel Logout 1.0)."""
        await self._discover(now)
        return claims.check_logout_token(await self._keys.verify(token, now, _LOGOUT_TYPES), self._expected, now)

    async def _discover(self, now: datetime) -> _Metadata:
        """What the provider says of itself; an old answer serves while a new one can't be had."""
        known = self._metadata
        if known and now - known.read_at < _DISCOVERY_LIFETIME:
            return known
        try:
            found = await self._fetch.json("GET", f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        except (Unavailable, Unauthenticated) as error:
            if known:
                return known
            raise Unavailable("provider-away") from error
        if found.get("issuer") != self._settings.issuer or not all(is_safe(str(found.get(name, ""))) for name in _WANTED):
            raise Unauthenticated("psc-discovery")
        self._metadata = _Metadata(found, now)
        return self._metadata

    async def _load_keys(self) -> dict[str, Any]:
        if self._metadata is None:
            raise Unavailable("provider-away")
        try:
            return await self._fetch.json("GET", self._metadata["jwks_uri"])
        except Unauthenticated as error:
            raise Unavailable("provider-away") from error

    async def _tokens(self, metadata: _Metadata, code: str, verifier: str) -> dict[str, Any]:
        known = self._settings
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect, "code_verifier": verifier}
        headers = {}
        if "client_secret_basic" in (metadata.values.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]):
            pair = f"{quote(known.client_id, safe='')}:{quote(known.client_secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": known.client_id, "client_secret": known.client_secret}
        return await self._fetch.json("POST", metadata["token_endpoint"], data=form, headers=headers)

    async def _userinfo(self, metadata: _Metadata, access_token: str, now: datetime) -> dict[str, Any]:
        status, kind, body = await self._fetch.ask(
            "GET", metadata["userinfo_endpoint"], headers={"authorization": f"Bearer {access_token}"}
        )
        if status != 200:
            raise Unauthenticated("psc-userinfo")
        if kind != "application/jwt":
            return decode(body)
        told = await self._keys.verify(body.decode("ascii", "replace"), now, _USERINFO_TYPES)
        if told.get("iss") != self._settings.issuer or self._settings.client_id not in _listed(told.get("aud")):
            raise Unauthenticated("psc-userinfo")
        return told


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
