"""`maillage doctor` knocks at the mail server, and says what is not switched on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.mail_server import free_port, mail_server

from maillage.cli import doctor
from maillage.settings import MailSettings, Settings, SmsSettings


def test_a_server_that_answers_and_one_that_does_not(tmp_path: Path) -> None:
    with mail_server(tmp_path) as server:
        assert doctor._mail(Settings(mail=server.settings))["problem"] == ""
        untrusted = replace(server.settings, authority="")
        assert doctor._mail(Settings(mail=untrusted))["problem"] == f"mail-away: 127.0.0.1:{server.settings.port}"
    silent = MailSettings(host="127.0.0.1", port=free_port(), security="none", timeout=1.0)
    assert doctor._mail(Settings(mail=silent))["problem"].startswith("mail-away")
    assert doctor._mail(Settings())["problem"] == ""


def test_what_is_not_switched_on_is_said() -> None:
    off = " ".join(doctor._notes(Settings()))
    assert "MAILLAGE_MAIL__HOST" in off
    assert "MAILLAGE_SMS__URL" in off
    on = Settings(mail=MailSettings(host="mail.example"), sms=SmsSettings(url="https://sms.example"))
    assert "MAIL" not in " ".join(doctor._notes(on)).replace("MAILLAGE_DOCUMENTS", "")
