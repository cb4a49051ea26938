"""One message, one request to the gateway; the key of the request is the message's own id, so that a retry is no second SMS."""

from __future__ import annotations

import httpx

from maillage.doors.connectors import words
from maillage.kernel.errors import Conflict, Unavailable
from maillage.messaging import SMS, Message
from maillage.settings import SmsSettings

_COME_BACK = frozenset({408, 425, 429})
_FAULT = 500


class SmsChannel:
    """The gateway of the settings."""

    def __init__(self, settings: SmsSettings, *, demo: bool = False) -> None:
        self._settings, self._demo = settings, demo

    async def send(self, message: Message) -> None:
        """Give one message to the gateway. Raises `Unavailable("sms-away")` to try again, `Conflict("message-refused")` for a refused number."""
        known = self._settings
        body = {"id": message.id, "to": message.to, "from": known.sender, "text": words.text(message, SMS, demo=self._demo)}
        headers = {"Authorization": f"Bearer {known.token}", "Idempotency-Key": message.id}
        try:
            async with httpx.AsyncClient(timeout=known.timeout, follow_redirects=False, trust_env=False) as client:
                answer = await client.post(known.url, json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable("sms-away") from error
        if answer.is_success:
            return
        if answer.status_code in _COME_BACK or answer.status_code >= _FAULT:
            raise Unavailable("sms-away")
        raise Conflict("message-refused")
