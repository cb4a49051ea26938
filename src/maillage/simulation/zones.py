"""Where people wait: who enters which zone, who leaves it, and the log of both."""

from __future__ import annotations

from typing import Any

from maillage.simulation.compiled import inlined
from maillage.simulation.memory import FULL, LAST_ZONE, SEGMENTS, SINCE, ZONE, ZONE_AFTER, ZONE_BEFORE


@inlined
def note(t: Any, kind: Any, row: Any, begin: float, end: float) -> None:
    """A line of the log."""
    n = t.info[SEGMENTS]
    if n >= t.log.shape[0]:
        t.info[FULL] = 1
        return
    t.log[n, 0] = kind
    t.log[n, 1] = row
    t.log_times[n, 0] = begin
    t.log_times[n, 1] = end
    t.info[SEGMENTS] = n + 1


@inlined
def leave_zone(s: Any, t: Any, row: Any, now: float) -> None:
    """Free the place of a row in its zone."""
    zone = s.row[row, ZONE]
    if zone < 0:
        return
    note(t, zone, row, s.real[row, SINCE], now)
    s.zone_count[zone] -= 1
    after, before = s.row[row, ZONE_AFTER], s.row[row, ZONE_BEFORE]
    if before >= 0:
        s.row[before, ZONE_AFTER] = after
    else:
        s.zone_head[zone] = after
    if after >= 0:
        s.row[after, ZONE_BEFORE] = before
    s.row[row, ZONE] = -1


@inlined
def enter_zone(p: Any, s: Any, row: Any, plan: Any, now: float, fallback: Any) -> None:
    """The first zone of the plan that has a place and a watch; else the fallback, which is counted, not limited."""
    zone = fallback
    for k in range(p.zone_plans.shape[1]):
        z = p.zone_plans[plan, k]
        if z >= 0 and s.zone_open[z] > 0 and s.zone_count[z] < p.zone_places[z]:
            zone = z
            break
    head = s.zone_head[zone]
    s.row[row, ZONE] = zone
    s.row[row, LAST_ZONE] = zone
    s.row[row, ZONE_AFTER] = head
    s.row[row, ZONE_BEFORE] = -1
    if head >= 0:
        s.row[head, ZONE_BEFORE] = row
    s.zone_head[zone] = row
    s.zone_count[zone] += 1
    s.real[row, SINCE] = now
