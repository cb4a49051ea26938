"""When somebody is told, and by what. Pure; wall-clock hours are those of Paris."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, time, timedelta

from maillage.kernel.period import PARIS, day_in_paris, wall_to_utc
from maillage.messaging.types import CALL, EMAIL, SHORT_DEADLINE, SMS, Contact, Setting

_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{7,14}")
_FRENCH_MOBILE = re.compile(r"0([67][0-9]{8})")


def mobile(text: str) -> str:
    """The number that an SMS goes to, as E.164 writes it; nothing for a landline or what is no number."""
    digits = re.sub(r"[\s.()-]", "", text).replace("+330", "+33")
    digits = f"+{digits[2:]}" if digits.startswith("00") else digits
    if found := _FRENCH_MOBILE.fullmatch(digits):
        return f"+33{found[1]}"
    if digits.startswith("+33") and digits[3:4] not in ("6", "7"):
        return ""
    return digits if _INTERNATIONAL.fullmatch(digits) else ""


def is_email(text: str) -> bool:
    """Whether a text is one address, in characters that no mail server reads as anything else."""
    return bool(_EMAIL.fullmatch(text)) and ".." not in text


def send_at(now: datetime, quiet: tuple[time, time] | None, answer_by: datetime | None = None) -> datetime:
    """Now, or when the quiet hours end; a deadline under twelve hours does not wait (workflow rule book 0.8)."""
    if quiet is None or quiet[0] == quiet[1] or (answer_by is not None and answer_by - now < SHORT_DEADLINE):
        return now
    starts, ends = quiet
    at, day = now.astimezone(PARIS).time(), day_in_paris(now)
    if starts < ends:
        return wall_to_utc(day, ends) if starts <= at < ends else now
    if at >= starts:
        return wall_to_utc(day + timedelta(days=1), ends)
    return wall_to_utc(day, ends) if at < ends else now


def notice_at(now: datetime, setting: Setting, *, urgent: bool) -> datetime:
    """When a person is told: at once what is urgent, else with the day's digest or as it comes, never in the person's quiet hours."""
    if urgent:
        return now
    if setting.digest is None:
        return send_at(now, setting.quiet)
    today = wall_to_utc(day_in_paris(now), setting.digest)
    return today if today > now else wall_to_utc(day_in_paris(now) + timedelta(days=1), setting.digest)


def channel_for(contact: Contact, channels: Collection[str]) -> str:
    """The channel that carries a message to a patient: the chosen one, else SMS, else e-mail; `call` when only a voice reaches."""
    if contact.wanted == CALL:
        return CALL
    wished = (contact.wanted, SMS, EMAIL)
    return next((channel for channel in wished if channel in channels and contact.address(channel)), CALL)


def other_channel(contact: Contact, first: str, channels: Collection[str]) -> str:
    """The channel by which the code goes, which is not the link's; nothing when there is no second one."""
    return next((channel for channel in (SMS, EMAIL) if channel != first and channel in channels and contact.address(channel)), "")
