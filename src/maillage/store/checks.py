"""What a server must be before anything is entrusted to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

REFUSED_BELOW = {15: 18, 16: 14, 17: 10, 18: 4}
WARNED_BELOW = {15: 19, 16: 15, 17: 11, 18: 6}
SKEW = 2.0
OFFSETS = tuple(datetime(year, month, day, 1, tzinfo=UTC) for year in range(2026, 2031) for month, day in ((3, 31), (10, 31)))

_QUESTIONS = """
SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
       current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit,
       current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone,
       current_setting('standard_conforming_strings') AS strings, clock_timestamp() AS now
"""


class UnsafeServer(Exception):
    """The server would break a promise; the sentence says which setting to change."""


async def inspect(conn: Any) -> list[str]:
    """Raise `UnsafeServer` for what is refused and give the sentences of what is only warned about."""
    facts = await conn.fetchrow(_QUESTIONS)
    return judge(dict(facts), datetime.now(UTC)) + await _offsets(conn)


_LOGIN = """
SELECT current_user AS name, rolsuper AS superuser, rolbypassrls AS bypasses, rolcreaterole AS makes_roles,
       EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) OR EXISTS (SELECT FROM pg_proc WHERE proowner = r.oid)
           OR EXISTS (SELECT FROM pg_database WHERE datdba = r.oid AND datname = current_database()) AS owns,
       EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS belongs,
       (SELECT bool_and(proleakproof) FROM pg_proc WHERE oid IN ('arrayoverlap'::regproc, 'arraycontains'::regproc)) AS tight
  FROM pg_roles r WHERE rolname = current_user
"""
_FAULTS = {
    "superuser": "is a superuser",
    "bypasses": "has BYPASSRLS",
    "makes_roles": "may make roles",
    "owns": "owns tables, functions or the database",
    "belongs": "is a member of another role",
}


async def inspect_login(conn: Any) -> list[str]:
    """Raise `UnsafeServer` for a login to which row level security would not apply, or that could put it aside."""
    return judge_login(dict(await conn.fetchrow(_LOGIN)))


def judge_login(facts: dict[str, Any]) -> list[str]:
    """The same on facts already read."""
    faults = [words for name, words in _FAULTS.items() if facts[name]]
    if faults:
        raise UnsafeServer(
            f"The login {facts['name']} {', '.join(faults)}: serve under one that owns nothing (docs/adr/0009-two-walls.md)."
        )
    if facts["tight"]:
        return []
    return ["arrayoverlap and arraycontains are not LEAKPROOF: searches read whole tables (docs/adr/0009-two-walls.md says what to run)."]


def judge(facts: dict[str, Any], now: datetime) -> list[str]:
    """The same on facts already read."""
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if facts[name] == "off":
            raise UnsafeServer(f"PostgreSQL runs with {name} = off: what it acknowledges could be lost. Switch it on.")
    for name, wanted in (("encoding", "UTF8"), ("zone", "UTC"), ("strings", "on")):
        if facts[name] != wanted:
            raise UnsafeServer(f"PostgreSQL answers {facts[name]} where {wanted} is needed ({name}).")
    if abs((facts["now"] - now).total_seconds()) > SKEW:
        raise UnsafeServer("The clocks of PostgreSQL and of this machine differ by more than two seconds.")
    return _version(facts["version"])


def _version(number: int) -> list[str]:
    major, minor = divmod(number, 10_000)
    if major < min(REFUSED_BELOW) or minor < REFUSED_BELOW.get(major, 0):
        floors = ", ".join(f"{major}.{minor}" for major, minor in REFUSED_BELOW.items())
        raise UnsafeServer(f"PostgreSQL {major}.{minor} has known holes: the floors are {floors}.")
    if minor < WARNED_BELOW.get(major, 0):
        return [f"PostgreSQL {major}.{minor} should be brought to {major}.{WARNED_BELOW[major]}, then its btree_gist indexes rebuilt."]
    return []


async def _offsets(conn: Any) -> list[str]:
    """Python and PostgreSQL must give Paris the same hour in the years to come."""
    rows = await conn.fetch(
        "SELECT t, t AT TIME ZONE 'Europe/Paris' AS local FROM unnest($1::timestamptz[]) AS t ORDER BY t", list(OFFSETS)
    )
    for row in rows:
        if row["t"].astimezone(ZoneInfo("Europe/Paris")).replace(tzinfo=None) != row["local"]:
            raise UnsafeServer(
                f"Python and PostgreSQL disagree on the hour of Paris at {row['t']:%Y-%m-%d}: bring their time zones up to date."
            )
    return []
