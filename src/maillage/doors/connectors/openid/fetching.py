"""One request to the provider: no redirect is followed, nothing takes longer or is larger than it may."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from maillage.kernel.errors import Unauthenticated, Unavailable

_LARGEST = 256 * 1024


def is_safe(url: str) -> bool:
    """Whether secrets may travel to this address: https, or the loopback of a development machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname) and parts.username is None
    try:
        local = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        local = False
    return parts.scheme == "http" and local


class Fetcher:
    """The requests of one connector."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    async def ask(self, method: str, url: str, **options: Any) -> tuple[int, str, bytes]:
        """Status, media type and body. Raises `Unavailable("provider-away")` when no whole answer comes in time, or an error of its own."""
        if not is_safe(url):
            raise Unauthenticated("openid-address")
        try:
            async with asyncio.timeout(self._timeout):
                status, kind, body = await self._ask(method, url, options)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable("provider-away") from error
        if status >= 500 or status == 429:
            raise Unavailable("provider-away")
        return status, kind, body

    async def _ask(self, method: str, url: str, options: dict[str, Any]) -> tuple[int, str, bytes]:
        async with (
            httpx.AsyncClient(follow_redirects=False, timeout=self._timeout, trust_env=False) as client,
            client.stream(method, url, headers={"accept": "application/json", **options.pop("headers", {})}, **options) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise Unavailable("provider-away")
            return answer.status_code, answer.headers.get("content-type", "").partition(";")[0].strip(), body

    async def json(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """A JSON object. Raises `Unauthenticated("openid-refused")` for any status but 200, `Unavailable` for what is no object."""
        status, _, body = await self.ask(method, url, **options)
        if status != 200:
            raise Unauthenticated("openid-refused")
        return decode(body)


def decode(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises `Unavailable("provider-away")`: a provider that does not speak JSON is not there."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Unavailable("provider-away") from error
