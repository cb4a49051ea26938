"""The logins of the database (security rule: least privilege; ASVS 5.0 13.2.2): who owns, who serves, who reads the audit, who counts.

The owner makes the tables and migrates them; nothing is served under it. The others own nothing, belong to nobody, and meet row level security.
"""

from __future__ import annotations

from typing import Any

SERVING, AUDIT, STATISTICS = "app_rw", "audit_r", "stats_r"
LOGINS = (SERVING, AUDIT, STATISTICS)

_MAKE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
        CREATE ROLE {name} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION NOINHERIT;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; -- another process was first
END $$;
"""

# An index over an array is of use to a filtered table only when the comparison is known to tell nothing of the rows that the filter hides. These two
# compare elements with the equality of their type and raise no error that depends on a value; only a superuser may say so.
_TIGHT = """
DO $$ BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER FUNCTION pg_catalog.arrayoverlap(anyarray, anyarray) LEAKPROOF;
        ALTER FUNCTION pg_catalog.arraycontains(anyarray, anyarray) LEAKPROOF;
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF SQLERRM <> 'tuple concurrently updated' THEN RAISE; END IF; -- another process does the same
END $$;
"""


def make_sql(name: str, password: str | None = None) -> str:
    """The statements that make a login when it is not there, and give it this password when there is one."""
    made = _MAKE.format(name=name)
    return f"{made}ALTER ROLE {name} LOGIN PASSWORD '{password}';\n" if password else made


async def make(conn: Any) -> None:
    """Make the logins of which policies and grants speak; those that are there are left as they are, new ones may not sign in yet."""
    for name in LOGINS:
        await conn.execute(make_sql(name))


async def tighten(conn: Any) -> None:
    """What a superuser alone may say and a dump does not keep: said again after each migration."""
    await conn.execute(_TIGHT)
