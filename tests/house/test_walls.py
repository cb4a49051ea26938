"""The second wall stands around everything that knows a patient, and everything says by which rule it is seen: else the build fails (ADR 0009)."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from maillage.access import types as access
from maillage.record import index
from maillage.record.types import SERVED
from maillage.store import logins
from maillage.store.migrate import PACKAGE, SCHEMAS

pytestmark = pytest.mark.asyncio
DECLARED = re.compile(r"CALL put_(?:wall|party_wall|child_wall|index_wall)\('(\w+)'|CALL put_grants\('\{([\w,\s]+)\}'")


@pytest_asyncio.fixture
async def conn(dsn: str) -> Any:
    made = await asyncpg.connect(dsn)
    yield made
    await made.close()


def declared() -> Counter[str]:
    """How often each table is named in a walls file."""
    texts = [path.read_text(encoding="utf-8") for room in SCHEMAS for path in sorted((PACKAGE / room).glob("*walls.sql"))]
    found: Counter[str] = Counter()
    for one, several in DECLARED.findall("\n".join(texts)):
        found.update([one] if one else re.findall(r"\w+", several))
    return found


async def column(conn: Any, sql: str, *values: Any) -> list[Any]:
    return [row[0] for row in await conn.fetch(sql, *values)]


async def test_every_table_declares_its_wall_once(conn: Any) -> None:
    there = await column(
        conn,
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    named = declared()
    assert sorted(set(there) - set(named)) == [], "name them in the walls.sql of their room"
    assert [name for name, times in named.items() if times > 1 or name not in (*there, "audit_event_rest")] == []


async def test_what_knows_a_patient_has_forced_row_security_and_policies(conn: Any) -> None:
    bare = await column(
        conn,
        """
        SELECT DISTINCT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND a.attname IN ('patient_id', 'parties') AND NOT a.attisdropped AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive)
                AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive) >= 2)
        ORDER BY 1
        """,
    )
    assert bare == []


async def test_a_part_that_is_named_itself_lets_nothing_through(conn: Any) -> None:
    """Policies of a partitioned table do not hold for a part that is named directly."""
    open_ = await column(
        conn,
        """
        SELECT c.relname::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r' AND (NOT (c.relrowsecurity AND c.relforcerowsecurity)
            OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) OR EXISTS (SELECT FROM aclexplode(c.relacl) g WHERE g.grantee <> c.relowner))
        """,
    )
    assert open_ == ["audit_event_rest"], "the scheduler looks at it, by a policy of its own"


async def test_what_hangs_on_a_walled_table_has_a_wall_too(conn: Any) -> None:
    """A child without patient_id of its own: found by its foreign keys, since what it says is about the patient of its parent."""
    bare = await column(
        conn,
        """
        SELECT DISTINCT c.relname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
        WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND p.relrowsecurity AND NOT c.relrowsecurity ORDER BY 1
        """,
    )
    assert bare == ["refill", "slot"], "a slot and its refill name the appointment, and nothing of it"


async def test_views_run_with_the_rights_of_who_asks_and_nothing_is_materialised(conn: Any) -> None:
    loose = await column(
        conn,
        """
        SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm' OR relkind = 'v'
            AND NOT EXISTS (SELECT FROM unnest(reloptions) o WHERE o IN ('security_invoker=true', 'security_invoker=on')))
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_class.oid AND d.deptype = 'e')
        """,
    )
    assert loose == []


async def test_functions_run_with_the_rights_of_who_calls(conn: Any) -> None:
    definers = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
    assert await column(conn, definers) == ["audit_partitions"], "reviewed: makes parts of the audit table, shows nothing"
    said = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proconfig::text LIKE '%app.%' ORDER BY 1"
    assert await column(conn, said) == [
        "audit_of_patient",
        "note_look",
        "tasks_of_request",
        "tell_subscribers",
        "unbind_changed_identity",
    ], "reviewed: each shows nothing that the caller could not find"


@pytest.mark.parametrize("login", logins.LOGINS)
async def test_a_login_owns_nothing_belongs_to_nobody_and_bypasses_nothing(conn: Any, login: str) -> None:
    row = await conn.fetchrow(
        """
        SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS mighty,
            EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid OR m.roleid = r.oid) AS belongs,
            EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) AS owns
        FROM pg_roles r WHERE rolname = $1
        """,
        login,
    )
    assert tuple(row) == (False, False, False)


async def test_nobody_but_the_owner_may_truncate_reference_or_set_triggers(conn: Any) -> None:
    granted = await column(
        conn,
        """
        SELECT format('%s %s %s', c.relname, g.grantee::regrole, g.privilege_type) FROM pg_class c, aclexplode(c.relacl) g
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND g.grantee <> c.relowner
            AND (g.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') OR g.grantee = 0) ORDER BY 1
        """,
    )
    assert granted == []


async def test_who_serves_only_adds_to_the_trail_and_who_reads_it_reads_nothing_else(conn: Any) -> None:
    granted = """SELECT format('%s %s', c.relname, g.privilege_type) FROM pg_class c, aclexplode(c.relacl) g
        WHERE c.relnamespace = 'public'::regnamespace AND g.grantee = $1::text::regrole AND (c.relname LIKE 'audit%' OR $1 <> 'app_rw') ORDER BY 1"""
    assert await column(conn, granted, "app_rw") == ["audit_event INSERT", "audit_event_seq USAGE"]
    assert await column(conn, granted, "audit_r") == [
        *("audit_chain INSERT", "audit_chain SELECT", "audit_chainer SELECT", "audit_chainer UPDATE"),
        *("audit_event SELECT", "audit_event_rest SELECT"),
    ]
    columns = "SELECT DISTINCT attrelid::regclass::text FROM pg_attribute, aclexplode(attacl) g WHERE g.grantee <> 'stats_r'::regrole AND attrelid > 16384"
    assert await column(conn, columns) == [], "no right on a column alone, but to count"


async def test_who_counts_sees_columns_that_name_nobody(conn: Any) -> None:
    whole = "SELECT relname::text FROM pg_class c, aclexplode(c.relacl) g WHERE g.grantee = 'stats_r'::regrole"
    assert await column(conn, whole) == []
    named = await column(
        conn,
        """SELECT format('%s.%s', attrelid::regclass, attname) FROM pg_attribute, aclexplode(attacl) g
        WHERE g.grantee = 'stats_r'::regrole AND g.privilege_type = 'SELECT' ORDER BY 1""",
    )
    assert {name.partition(".")[0] for name in named} == {
        *("appointment", "capacity_failure", "patient", "patient_interval", "referral_breach", "referral_status", "referral_task"),
    }
    assert [name for name in named if name.startswith("patient.")] == ["patient.deceased", "patient.id"]
    worded = "SELECT format('%s.%s', attrelid::regclass, attname) FROM pg_attribute WHERE atttypid IN ('jsonb'::regtype, 'bytea'::regtype)"
    assert not set(named) & set(await column(conn, worded)), "no content"
    others = "SELECT count(*) FROM pg_class c, aclexplode(c.relacl) g WHERE g.grantee = 'stats_r'::regrole AND g.privilege_type <> 'SELECT'"
    assert await conn.fetchval(others) == 0


async def test_the_database_and_the_program_have_the_same_lists(conn: Any) -> None:
    assert set(await conn.fetchval("SELECT open_types()")) == access.DIRECTORY_TYPES
    assert set(await conn.fetchval("SELECT linked_types()")) == access.LINKED_TYPES
    assert set(await conn.fetchval("SELECT shared_bases()")) == set(access.SHARED_RECORD_BASES)


async def test_every_type_that_is_served_has_its_wall() -> None:
    assert {index.table(kind) for kind in SERVED} <= set(declared())
    assert index.WALLS_FILE.read_text(encoding="utf-8") == index.walls(), "run: python -m maillage.record.index"
