"""What one peer is asked: a token for a proof, then its own public door. One answer of three: done, refused for good, or away."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import msgspec
from joserfc.jwk import ECKey

from maillage.access import peers
from maillage.doors.connectors.openid.fetching import is_safe

SECONDS = 20.0
LARGEST = 8 * 1024 * 1024
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FHIR = "application/fhir+json"
LATER = frozenset({401, 408, 425, 429})
"""Refusals that say nothing of what was brought: the same may be taken later."""

UNDER_WAY = frozenset({"idempotency-key-in-use"})
"""We no longer waited for an answer, and the peer is still at work on it."""


class Away(Exception):
    """It does not answer, not as it should, or not now; the code says why."""


class Refused(Exception):
    """It answered that it will not; the reason is its own, where it is one of ours."""


class PeerClient:
    """The requests to one peer, for the length of one turn: one token, one pool of connections."""

    def __init__(self, peer: peers.Peer, key: ECKey, authority: str, now: datetime) -> None:
        self._peer, self._key, self._now = peer, key, now
        context = ssl.create_default_context(cafile=authority or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._http = httpx.AsyncClient(verify=context, follow_redirects=False, timeout=SECONDS, trust_env=False)
        self._bearer: str | None = None

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **headers: str
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, resource and headers of an answer that is 2xx, 404, 410 or 412. Raises `Away`, `Refused`."""
        if self._bearer is None:
            self._bearer = await self._proved()
        told = {
            "authorization": f"Bearer {self._bearer}",
            "accept": FHIR,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            told["content-type"] = FHIR
        status, raw, answered = await self._answer(method, f"{self._peer.address}/{path}", content=content, headers=told)
        resource = _object(raw) if raw else {}
        if status < 300 or status in (404, 410, 412):
            return status, resource, answered
        if status >= 500 or status in LATER or 300 <= status < 400:
            raise Away(f"http-{status}")
        reason = _reason(resource) or f"http-{status}"
        raise Away(reason) if reason in UNDER_WAY else Refused(reason)

    async def _proved(self) -> str:
        """A token, for the proof that we are who we are known as there."""
        url = f"{self._peer.address}/oauth/token"
        proof = peers.assertion(self._key, self._peer.known_as, url, self._now)
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(peers.SCOPES),
            "client_assertion_type": JWT_BEARER,
            "client_assertion": proof,
        }
        status, raw, _ = await self._answer("POST", url, data=form, headers={"accept": "application/json"})
        token = _object(raw).get("access_token") if status == 200 else None
        if type(token) is not str:
            raise Away("token-refused")
        return token

    async def _answer(self, method: str, url: str, **options: Any) -> tuple[int, bytes, Mapping[str, str]]:
        if not is_safe(url):
            raise Away("address-unsafe")
        try:
            async with asyncio.timeout(SECONDS), self._http.stream(method, url, **options) as answer:
                body = b""
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise Away("too-large")
                return answer.status_code, body, answer.headers
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            raise Away("connection") from error


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise Away("not-json") from error


def _reason(outcome: Mapping[str, Any]) -> str:
    """The first reason code of an OperationOutcome, never its text: the text may hold what no log should."""
    try:
        code = outcome["issue"][0]["details"]["coding"][0]["code"]
    except (LookupError, TypeError):
        return ""
    return code if type(code) is str and code.replace("-", "").isalnum() and len(code) <= 64 else ""
