"""The dialogue: authorisation code with PKCE (RFC 6749, 7636, 9207), tokens, userinfo, logout both ways (OpenID Connect)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from maillage.access.identity import Flow, LogoutNotice
from maillage.doors.connectors.openid import claims
from maillage.doors.connectors.openid.encryption import Decrypter
from maillage.doors.connectors.openid.fetching import Fetcher, decode, is_safe
from maillage.doors.connectors.openid.keys import Keys
from maillage.kernel.errors import Unauthenticated, Unavailable

_DISCOVERY_LIFETIME = timedelta(hours=1)
_ID_TYPES, _LOGOUT_TYPES, _USERINFO_TYPES = frozenset({"JWT"}), frozenset({"JWT", "LOGOUT+JWT"}), frozenset({"JWT"})
_WANTED = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class _Metadata:
    values: dict[str, Any]
    read_at: datetime

    def __getitem__(self, name: str) -> str:
        return str(self.values.get(name) or "")


@dataclass(frozen=True, slots=True)
class Party:
    """Who we are to a provider, what we ask it for, and where on our side it sends the browser back."""

    issuer: str
    client_id: str
    client_secret: str
    scope: str
    levels: Sequence[str]
    timeout: float
    back: str
    home: str
    claims: str = ""
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the provider says of who came back, every signature and claim checked; `told` is what its userinfo adds."""

    subject: str
    level: str
    session: str | None
    id_token: str
    told: dict[str, Any]


class OpenIdClient:
    """The dialogue with one provider. `base_url` is where browsers reach us; with a `decrypter`, what is not encrypted for us is refused."""

    def __init__(self, party: Party, base_url: str, decrypter: Decrypter | None = None) -> None:
        self._party, self._base, self._decrypter = party, base_url.rstrip("/"), decrypter
        self._fetch = Fetcher(party.timeout)
        self._metadata: _Metadata | None = None
        self._keys = Keys(self._load_keys)
        self._expected = claims.Expected(party.issuer, party.client_id, party.levels)

    @property
    def _redirect(self) -> str:
        return f"{self._base}{self._party.back}"

    async def begin(self, now: datetime, *, back: str, confirm: bool) -> tuple[str, Flow]:
        """Where to send the browser, and what the answer must fit. A confirmation asks for the factor again, whatever session is open there."""
        metadata = await self._discover(now)
        flow = Flow(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), self._party.issuer, now, back, confirm)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self._party.client_id,
            "redirect_uri": self._redirect,
            "scope": self._party.scope,
            "acr_values": " ".join(self._party.levels),
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if confirm else {"prompt": self._party.prompt} if self._party.prompt else {}),
            **({"claims": self._party.claims} if self._party.claims else {}),
        }
        address = metadata["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", flow

    async def answered(self, flow: Flow, answer: dict[str, str], now: datetime) -> Answered:
        """Who came back. Raises `Unauthenticated("openid-...")` for any answer that does not fit, `Unavailable` when the provider is away."""
        metadata = await self._discover(now)
        if not secrets.compare_digest(answer.get("state", "").encode(), flow.state.encode()):
            raise Unauthenticated("openid-state")
        issuer = answer.get("iss")  # RFC 9207: an answer of another provider is not for this flow
        wanted = bool(metadata.values.get("authorization_response_iss_parameter_supported"))
        if flow.issuer != self._party.issuer or (issuer is None and wanted) or (issuer is not None and issuer != flow.issuer):
            raise Unauthenticated("openid-iss")
        if "error" in answer or not answer.get("code"):
            raise Unauthenticated("openid-denied")
        tokens = await self._tokens(metadata, answer["code"], flow.verifier)
        id_token, access_token = (str(tokens.get(name) or "") for name in ("id_token", "access_token"))
        if not id_token or not access_token or str(tokens.get("token_type", "")).lower() != "bearer":
            raise Unauthenticated("openid-refused")
        proved = await self._verified(id_token, now, _ID_TYPES)
        subject = claims.check_id_token(proved, self._expected, flow, access_token, now)
        told = await self._userinfo(metadata, access_token, now)
        claims.check_same_subject(told, subject)
        sid = proved.get("sid")
        return Answered(subject, str(proved["acr"]), sid if isinstance(sid, str) else None, id_token, told)

    async def _verified(self, token: str, now: datetime, types: frozenset[str]) -> dict[str, Any]:
        """The claims of a token: opened first when we gave the provider a key to close it with."""
        return await self._keys.verify(self._decrypter.opened(token) if self._decrypter else token, now, types)

    async def sign_out_address(self, id_token: str) -> str:
        """Where the browser may end the session there too (RP-Initiated Logout 1.0)."""
        address = self._metadata["end_session_endpoint"] if self._metadata else ""
        if not address or not is_safe(address):
            return ""
        asked = {
            "id_token_hint": id_token,
            "client_id": self._party.client_id,
            "post_logout_redirect_uri": f"{self._base}{self._party.home}",
            "state": secrets.token_urlsafe(32),
        }
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
            found = await self._fetch.json("GET", f"{self._party.issuer.rstrip('/')}/.well-known/openid-configuration")
        except (Unavailable, Unauthenticated) as error:
            if known:
                return known
            raise Unavailable("provider-away") from error
        if found.get("issuer") != self._party.issuer or not all(is_safe(str(found.get(name, ""))) for name in _WANTED):
            raise Unauthenticated("openid-discovery")
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
        known = self._party
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
            raise Unauthenticated("openid-userinfo")
        if kind != "application/jwt":
            if self._decrypter:
                raise Unauthenticated("openid-userinfo")
            return decode(body)
        told = await self._verified(body.decode("ascii", "replace"), now, _USERINFO_TYPES)
        if told.get("iss") != self._party.issuer or self._party.client_id not in _listed(told.get("aud")):
            raise Unauthenticated("openid-userinfo")
        return told


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
