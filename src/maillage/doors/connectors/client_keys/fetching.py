"""One request to a key server: to the address that was judged, no redirect, no more bytes and no longer than it may take.

`GET` with `Accept: application/json`, as SMART App Launch 2.2 says; what the answer says of its freshness is kept with the keys (RFC 9111).
"""

from __future__ import annotations

import asyncio
import ssl

import httpx

from maillage.access.clients.published.rules import lifetimes, usable
from maillage.access.clients.types import Fetched, KeysAway
from maillage.doors.connectors.webhooks.addresses import Refused, pinned
from maillage.kernel.errors import Invalid
from maillage.settings import ClientSettings

LARGEST = 64 * 1024


class KeyServers:
    """The requests of one installation."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._context = ssl.create_default_context(cafile=settings.keys_authority or None)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    async def fetch(self, url: str) -> Fetched:
        """The keys that count of those published at an address. Raises `KeysAway` with the reason, whatever it is."""
        try:
            async with asyncio.timeout(self._settings.keys_timeout):
                text, cached, age = await self._ask(url)
            return Fetched(usable(text), *lifetimes(cached, age))
        except Refused as error:
            raise KeysAway("address-refused") from error
        except Invalid as error:
            raise KeysAway(error.reason) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise KeysAway("timeout") from error
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise KeysAway("tls" if "CERTIFICATE_VERIFY_FAILED" in str(error) else "connection") from error

    async def _ask(self, url: str) -> tuple[str, str, str]:
        where = await pinned(url, loopback=self._settings.keys_loopback)
        headers = {"host": where.named, "accept": "application/json", "accept-encoding": "identity", "user-agent": "maillage"}
        async with (
            httpx.AsyncClient(verify=self._context, follow_redirects=False, timeout=self._settings.keys_timeout, trust_env=False) as client,
            client.stream("GET", where.url, headers=headers, extensions={"sni_hostname": where.host}) as answer,
        ):
            if answer.status_code != 200:
                raise KeysAway("redirect" if 300 <= answer.status_code < 400 else f"http-{answer.status_code}")
            body = b""
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > LARGEST:
                    raise KeysAway("too-large")
            return body.decode("utf-8"), ",".join(answer.headers.get_list("cache-control")), answer.headers.get("age", "")
