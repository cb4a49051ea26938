"""When published keys are asked for, which of them count, and how long they serve. Pure: the instant and the headers are given.

SMART App Launch 2.2, signature verification: a JWKS is not cached for longer than the client's Cache-Control indicates. A client that says nothing leaves
it to us; one that wants its keys to outlive a failure of its own server says so (`stale-if-error`, RFC 5861).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

from maillage.access.clients.rules import public_keys
from maillage.access.clients.types import Client
from maillage.kernel.errors import Invalid

PAUSE = timedelta(minutes=1)
"""A key server is asked once in so long, whoever brings however many unknown keys; what it said serves as long, even when it forbids any cache."""

UNSAID = timedelta(minutes=15)
"""How long keys are fresh when their server says nothing."""

LONGEST = timedelta(days=1)
"""However much longer a server says."""

MOST_LISTED = 50
_SECONDS = re.compile(r"[0-9]{1,9}")


def is_due(client: Client, kid: str, now: datetime) -> bool:
    """Whether the keys have to be asked for before this key is looked for: never asked, no longer fresh, or without it; and not a moment ago."""
    return lacks(client, kid, now) and (client.keys_asked_at is None or now - client.keys_asked_at >= PAUSE)


def lacks(client: Client, kid: str, now: datetime) -> bool:
    """Whether what we have of published keys is no longer fresh, or does not hold this one."""
    if not client.jwks_url:
        return False
    return client.keys_fresh_until is None or client.keys_fresh_until <= now or kid not in _names(client.jwks)


def _names(jwks: str) -> frozenset[str]:
    return frozenset(key["kid"] for key in msgspec.json.decode(jwks)["keys"]) if jwks else frozenset()


def were_away(client: Client) -> bool:
    """Whether the address gave no keys when it was last asked, for what an administrator is shown; what it gave would be fresh a minute later still."""
    asked, fresh = client.keys_asked_at, client.keys_fresh_until
    return asked is not None and (fresh is None or fresh < asked + PAUSE)


def serving(client: Client, now: datetime) -> str:
    """The keys by which the client may prove who it is now: those of its record, or those published while they may be believed."""
    if client.jwks_url and (client.keys_good_until is None or client.keys_good_until <= now):
        return ""
    return client.jwks


def usable(text: str) -> str:
    """What counts of a published set: what is not for us is passed over, as RFC 7517, 5 asks. Raises `Invalid` for what is no set.

    A set without a key that counts is one all the same: that is how a client takes back its keys. Of two keys with one name neither counts, nor does
    one whose private half is shown to everybody.
    """
    try:
        listed = msgspec.json.decode(text)["keys"]
    except (msgspec.DecodeError, RecursionError, KeyError, TypeError) as error:
        raise Invalid.one("jwks-form", "jwks") from error
    if type(listed) is not list or len(listed) > MOST_LISTED:
        raise Invalid.one("jwks-form", "jwks")
    kept = [key for one in listed for key in _counted(one)]
    names = [key["kid"] for key in kept]
    return msgspec.json.encode({"keys": [key for key in kept if names.count(key["kid"]) == 1]}).decode()


def _counted(key: Any) -> list[dict[str, Any]]:
    try:
        return list(msgspec.json.decode(public_keys(msgspec.json.encode({"keys": [key]}).decode()))["keys"])
    except Invalid:
        return []


def lifetimes(cache_control: str, age: str) -> tuple[timedelta, timedelta]:
    """How long the keys are fresh, and how long they may serve in all when their server is away (RFC 9111, 5.2.2; RFC 5861, 4)."""
    said = _directives(cache_control)
    if not said:
        return UNSAID, LONGEST
    fresh = _bounded(0 if "no-store" in said or "no-cache" in said else said.get("max-age", UNSAID.total_seconds()) - _number(age))
    return fresh, _bounded(fresh.total_seconds() + said.get("stale-if-error", 0))


def _directives(cache_control: str) -> dict[str, float]:
    """What a Cache-Control says of how long: the last word of each; `private`, `public` and the like say nothing of it."""
    said: dict[str, float] = {}
    for part in cache_control.lower().split(","):
        name, _, value = part.strip().partition("=")
        if name in ("no-store", "no-cache"):
            said[name] = 0
        elif name in ("max-age", "stale-if-error"):
            said[name] = _number(value.strip('"'))
    return said


def _number(text: str) -> float:
    """Seconds; what is no number is none."""
    return float(text) if _SECONDS.fullmatch(text.strip()) else 0.0


def _bounded(seconds: float) -> timedelta:
    return min(max(timedelta(seconds=seconds), PAUSE), LONGEST)
