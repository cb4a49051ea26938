"""When somebody is told, and by what."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from maillage.doors.connectors import words
from maillage.kernel.period import wall_to_utc
from maillage.messaging import CALL, EMAIL, SMS, Message, Setting, rules
from maillage.messaging.types import PATIENT_QUIET, Contact

DAY = date(2026, 11, 16)


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return wall_to_utc(DAY + timedelta(days=days), time(hour, minute))


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        (at(12), at(12)),
        (at(20, 59), at(20, 59)),
        (at(21), at(8, days=1)),
        (at(23, 59), at(8, days=1)),
        (at(0), at(8)),
        (at(7, 59), at(8)),
        (at(8), at(8)),
    ],
)
def test_no_message_comes_at_night(now: datetime, sent: datetime) -> None:
    assert rules.send_at(now, PATIENT_QUIET) == sent


def test_a_short_deadline_does_not_wait_for_the_morning() -> None:
    assert rules.send_at(at(22), PATIENT_QUIET, at(9, 59, days=1)) == at(22)
    assert rules.send_at(at(22), PATIENT_QUIET, at(10, days=1)) == at(8, days=1)
    assert rules.send_at(at(13), (time(12), time(14))) == at(14)
    assert rules.send_at(at(3), None) == at(3)
    assert rules.send_at(at(3), (time(8), time(8))) == at(3)


def test_the_night_of_the_clock_change_ends_at_eight_on_the_wall() -> None:
    evening = wall_to_utc(date(2027, 3, 27), time(22))
    assert rules.send_at(evening, PATIENT_QUIET) - evening == timedelta(hours=9)


def test_a_digest_comes_once_a_day_and_what_is_urgent_at_once() -> None:
    digest = Setting("r", "o", channel=EMAIL, email="a@b.example")
    assert rules.notice_at(at(7), digest, urgent=False) == at(8)
    assert rules.notice_at(at(8), digest, urgent=False) == at(8, days=1)
    assert rules.notice_at(at(23), digest, urgent=True) == at(23)
    as_it_comes = Setting("r", "o", channel=EMAIL, email="a@b.example", digest=None)
    assert rules.notice_at(at(10), as_it_comes, urgent=False) == at(10)
    assert rules.notice_at(at(22), as_it_comes, urgent=False) == at(7, days=1)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("06 39 98 00 01", "+33639980001"),
        ("07.39.98.00.01", "+33739980001"),
        ("+33 6 39 98 00 01", "+33639980001"),
        ("+33 (0)6 39 98 00 01", "+33639980001"),
        ("0033639980001", "+33639980001"),
        ("+32470123456", "+32470123456"),
        ("01 99 00 12 34", ""),
        ("+33199001234", ""),
        ("", ""),
        ("poste 12", ""),
        ("06 39 98 00", ""),
    ],
)
def test_an_sms_goes_to_a_mobile_number_alone(written: str, number: str) -> None:
    assert rules.mobile(written) == number


@pytest.mark.parametrize(
    "text", ["", "a", "a@", "a b@c.example", "a@b.example\nBcc: x@y.example", "a@b..example", "a@b.example,c@d.example", "<a@b.example>"]
)
def test_what_is_not_one_address_is_none(text: str) -> None:
    assert not rules.is_email(text)


def test_a_patient_is_told_as_wished_else_by_sms_else_by_mail_else_by_a_voice() -> None:
    both = (SMS, EMAIL)
    known = Contact("+33639980001", "a@b.example")
    assert rules.channel_for(known, both) == SMS
    assert rules.channel_for(Contact(known.phone, known.email, EMAIL), both) == EMAIL
    assert rules.channel_for(Contact(known.phone, known.email, CALL), both) == CALL
    assert rules.channel_for(Contact("", known.email, SMS), both) == EMAIL
    assert rules.channel_for(known, (EMAIL,)) == EMAIL
    assert rules.channel_for(Contact(), both) == CALL
    assert [rules.other_channel(known, first, both) for first in both] == [EMAIL, SMS]
    assert rules.other_channel(known, EMAIL, (EMAIL,)) == ""


def test_words_hold_their_value_and_nothing_else() -> None:
    values = {
        "link": {"address": "https://x.example/p/abc"},
        "code": {"code": "123 456"},
        "notice": {"count": 3, "address": "https://x.example"},
    }
    for kind, given in values.items():
        message = Message("1", kind, "to", given)
        for channel in (EMAIL, SMS):
            for lang in ("fr", "en"):
                text = words.text(message, channel, lang=lang)
                assert "{" not in text
                assert all(str(value) in text for value in given.values()) or kind == "notice"
        assert words.subject(message, demo=True).startswith("DONNÉES FICTIVES")
    assert len(words.text(Message("1", "link", "", {"address": f"https://suivi.hopital.example/p/{'x' * 24}"}), SMS)) <= 160
