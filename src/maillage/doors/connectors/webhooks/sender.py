"""One request to a receiver: to the address that was judged, with its certificate checked against its name, no redirect, no longer than it may take.

Of the answer the status alone is read: a receiver that floods us is not listened to.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import httpx

from maillage.doors.connectors.webhooks.addresses import Refused, pinned
from maillage.settings import SubscriptionSettings

GONE = 410


class Sender:
    """The requests of one installation."""

    def __init__(self, settings: SubscriptionSettings) -> None:
        self._loopback = settings.loopback
        self._context = ssl.create_default_context(cafile=settings.authority or None)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2

    async def send(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> str:
        """Empty when the receiver took it (2xx), else why not, as a code; `gone` when it wants no more (410)."""
        try:
            async with asyncio.timeout(timeout):
                status = await self._send(url, body, headers, timeout)
        except Refused:
            return "address-refused"
        except (TimeoutError, httpx.TimeoutException):
            return "timeout"
        except ssl.SSLError:
            return "tls"
        except httpx.HTTPError as error:
            return "tls" if isinstance(error.__context__, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(error) else "connection"
        except (OSError, UnicodeError, ValueError):
            return "connection"
        if 200 <= status < 300:
            return ""
        return "gone" if status == GONE else "redirect" if 300 <= status < 400 else f"http-{status}"

    async def _send(self, url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> int:
        where = await pinned(url, loopback=self._loopback)
        named = {**headers, "host": where.named, "accept-encoding": "identity", "user-agent": "maillage"}
        async with (
            httpx.AsyncClient(verify=self._context, follow_redirects=False, timeout=timeout, trust_env=False) as client,
            client.stream("POST", where.url, content=body, headers=named, extensions={"sni_hostname": where.host}) as answer,
        ):
            return answer.status_code
