"""Hostile mail addresses (ASVS V1.3.11): no second recipient, no header, no command of the mail server hides in one; none reaches the server."""

from __future__ import annotations

import asyncio

import pytest

from maillage.doors.connectors.smtp import SmtpChannel
from maillage.kernel.errors import Conflict
from maillage.messaging import Message, is_email
from maillage.settings import MailSettings

HOSTILE = {
    "two-headers": "a@b.example\r\nBcc: x@evil.example",
    "bare-line-feed": "a@b.example\nSubject: x",
    "bare-return": "a@b.example\rBcc: x",
    "next-line": "a@b.example\x85Bcc: x@evil.example",
    "line-separator": "a@b.example\u2028Bcc: x@evil.example",
    "null": "a@b.example\x00",
    "trailing-line": "a@b.example\n",
    "two-recipients": "a@b.example,x@evil.example",
    "group": "everybody:a@b.example,x@evil.example;",
    "display-name": "Essai <x@evil.example>",
    "route": "@evil.example:a@b.example",
    "percent-relay": "a%evil.example@b.example@c.example",
    "quoted-local-part": '"a b"@b.example',
    "quoted-at": '"x@evil.example> "@b.example',
    "escaped-quote": '"a\\"b"@b.example',
    "comment": "a(x@evil.example)@b.example",
    "address-literal": "a@[127.0.0.1]",
    "two-dots": "a@b..example",
    "trailing-dot": "a@b.example.",
    "leading-hyphen": "a@-b.example",
    "accent": "é@b.example",
    "other-alphabet": "\u0430dmin@b.example",
    "wide-at": "a\uff20b.example",
    "right-to-left": "a\u202e@b.example",
    "idn": "a@bé.example",
    "smtp-command": "a@b.example> RCPT TO:<x@evil.example",
    "long-local-part": f"{'a' * 65}@b.example",
    "nothing": "",
}


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE)
def test_what_could_be_read_as_something_else_is_no_address(address: str) -> None:
    assert not is_email(address)


@pytest.mark.parametrize(
    "address", ["a@b.example", "prenom.nom+suivi@ville-essai.example", "o'neil@sub.b.example", f"{'a' * 64}@b.example"]
)
def test_an_ordinary_address_is_one(address: str) -> None:
    assert is_email(address)


@pytest.mark.asyncio
@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE)
async def test_no_connection_is_opened_for_a_hostile_address(address: str) -> None:
    """The server of the settings is a real one, which counts who comes."""
    came: list[object] = []
    server = await asyncio.start_server(lambda _reader, writer: (came.append(writer), writer.close())[-1], "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        channel = SmtpChannel(MailSettings(host="127.0.0.1", port=port, security="none"))
        with pytest.raises(Conflict) as refusal:
            await channel.send(Message("m-1", "appointment-reminder", address, {}))
    assert refusal.value.reason == "message-refused"
    assert came == []
