"""Where the time of PostgreSQL goes during one request: each recorded statement again, planned and run under EXPLAIN ANALYZE, then undone."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from bench.door import replay
from bench.door.plan import Plan, Share
from bench.door.recorder import record
from bench.door.rows import Row

SEEN = 150
SLOW = 1.0
"""Milliseconds from which the plan is printed too."""


async def explain(plan: Plan, row: Row) -> None:
    """Print every statement with its milliseconds: to plan it (spared when it is prepared), to run it, in triggers and foreign keys."""
    recorded = await record(plan, row)
    steps = [replay.Step(statement, recorded) for statement in recorded.statements]
    words = (*row.words(*next(Share("explained", 0, row.numbers - 100).turns())), *replay.Ids().take(len(recorded.made)))
    conn = await asyncpg.connect(plan.dsn, server_settings={"timezone": "UTC", "jit": "off"})
    try:
        await conn.execute("BEGIN")
        print("   plan    run  triggers  statement")
        for step, statement in zip(steps, recorded.statements, strict=True):
            sql, values = step.make(words, replay.now())
            each = values if step.method == "executemany" else [values] if statement.values else []
            for one in each:
                await _explain(conn, sql, one)
            if not each and not sql.startswith(("BEGIN", "COMMIT")):
                await conn.execute(sql)
    finally:
        await conn.close()


async def _explain(conn: Any, sql: str, values: list[Any]) -> None:
    told = json.loads(await conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values))[0]
    triggers = sum(trigger["Time"] for trigger in told.get("Triggers", ()))
    text = " ".join(sql.split())[:SEEN]
    print(f"{told['Planning Time']:7.2f} {told['Execution Time']:6.2f}    {triggers:6.2f}  {text}")
    if told["Execution Time"] >= SLOW:
        _show(told["Plan"], 10)


def _show(node: dict[str, Any], indent: int) -> None:
    where = next((f" {name}: {node[name]}" for name in ("Index Cond", "Recheck Cond", "Filter") if name in node), "")
    of = node.get("Index Name") or node.get("Relation Name") or node.get("CTE Name") or ""
    spent = node["Actual Total Time"] * node["Actual Loops"]
    print(f"{' ' * indent}{spent:.2f} ms, {node['Actual Rows']} rows x {node['Actual Loops']}: {node['Node Type']} {of}{where}"[:200])
    for child in node.get("Plans", ()):
        _show(child, indent + 2)
