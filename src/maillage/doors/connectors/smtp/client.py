"""One message, one connection to the mail server: encrypted unless the settings say otherwise, and never longer than its time."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from maillage.doors.connectors import words
from maillage.kernel.errors import Conflict, Unavailable
from maillage.messaging import EMAIL, Message, is_email
from maillage.settings import MailSettings

_PERMANENT = range(500, 600)


class SmtpChannel:
    """The mail server of the settings."""

    def __init__(self, settings: MailSettings, *, demo: bool = False) -> None:
        self._settings, self._demo = settings, demo

    async def send(self, message: Message) -> None:
        """Give one message to the server. Raises `Unavailable("mail-away")` to try again, `Conflict("message-refused")` for a refused address.

        An address that a server could read as two, or as another header, is refused here, whoever let it in.
        """
        if not is_email(message.to):
            raise Conflict("message-refused")
        try:
            await asyncio.to_thread(self._send, self._letter(message))
        except smtplib.SMTPRecipientsRefused as error:
            raise _meaning([code for code, _ in error.recipients.values()]) from error
        except smtplib.SMTPResponseException as error:
            raise _meaning([error.smtp_code]) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable("mail-away") from error

    async def check(self) -> None:
        """Whether the server answers and takes our name. Raises as `send` does."""
        try:
            await asyncio.to_thread(lambda: self._session().quit())
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable("mail-away") from error

    def _letter(self, message: Message) -> EmailMessage:
        """The same Message-ID at each try: a server that has it already knows it again (RFC 5322, 3.6.4)."""
        known, letter = self._settings, EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = known.sender, message.to, words.subject(message, demo=self._demo)
        letter["Message-ID"] = f"<{message.id}@{known.sender.rpartition('@')[2].rstrip('>')}>"
        letter["Date"], letter["Auto-Submitted"] = formatdate(localtime=False), "auto-generated"
        letter.set_content(words.text(message, EMAIL, demo=self._demo))
        return letter

    def _send(self, letter: EmailMessage) -> None:
        with self._session() as session:
            session.send_message(letter)

    def _session(self) -> smtplib.SMTP:
        known = self._settings
        trusted = ssl.create_default_context(cafile=known.authority or None)
        if known.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(known.host, known.port, timeout=known.timeout, context=trusted)
        else:
            session = smtplib.SMTP(known.host, known.port, timeout=known.timeout)
        try:
            if known.security == "starttls":
                session.starttls(context=trusted)
            if known.user:
                session.login(known.user, known.password)
        except BaseException:
            session.close()
            raise
        return session


def _meaning(codes: list[int]) -> Conflict | Unavailable:
    """A 5yz reply is final, a 4yz asks to come back (RFC 5321, 4.2.1)."""
    return Conflict("message-refused") if codes and all(code in _PERMANENT for code in codes) else Unavailable("mail-away")
