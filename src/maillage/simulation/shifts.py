"""What changes with the hour: the capacity of a resource, the watch of a zone."""

from __future__ import annotations

from typing import Any

from maillage.simulation.assembly import ASKED, ENDED, GOT, KEY, TARGET
from maillage.simulation.compiled import inlined
from maillage.simulation.memory import BUCKET, FLUSH, HAND_OVER, PC, WHEN, ZONE_AFTER
from maillage.simulation.queues import grant, link, push, unlink
from maillage.simulation.timers import disarm
from maillage.simulation.zones import enter_zone, leave_zone, note


@inlined
def stop_last(p: Any, s: Any, t: Any, resource: Any, now: float) -> None:
    """Hand-over: the service begun last stops, goes to the head of its list, and will need the rest and the hand-over."""
    row = s.tail[p.reserve.shape[0] + resource]
    pc = s.row[row, PC]
    unlink(s, row)
    got = p.table[pc, GOT]
    note(t, -1 - got, row, t.marks[row, got], now)
    if s.row[row, BUCKET] >= 0:
        s.rest[row] = s.real[row, WHEN] - now + p.grace[resource]
        disarm(s, row)
    t.marks[row, p.table[pc, ASKED]] = now
    s.busy[resource] -= 1


@inlined
def change(p: Any, s: Any, r: Any, t: Any, n: Any, now: float) -> None:
    """A shift changes, or the watch of a zone."""
    resource = p.change_of[n]
    if resource >= p.first.shape[0]:
        zone = resource - p.first.shape[0]
        s.zone_open[zone] = p.change_to[n]
        row = s.zone_head[zone] if p.change_to[n] == 0 else -1
        while row >= 0:
            after = s.row[row, ZONE_AFTER]
            leave_zone(s, t, row, now)
            enter_zone(p, s, row, r.plan[row], now, p.zone_places.shape[0] + 1)
            row = after
        return
    s.capacity[resource] = p.change_to[n]
    if p.policy[resource] == HAND_OVER:
        while s.busy[resource] > s.capacity[resource]:
            row = s.tail[p.reserve.shape[0] + resource]
            stop_last(p, s, t, resource, now)
            link(s, row, p.keys[p.table[s.row[row, PC], KEY], r.cls[row]], -1)
            s.waiting[resource] += 1
    if p.change_flag[n] == FLUSH:
        for line in range(p.first[resource], p.first[resource] + p.count[resource]):
            while s.head[line] >= 0:
                row = s.head[line]
                unlink(s, row)
                disarm(s, row)
                s.waiting[resource] -= 1
                t.marks[row, p.table[s.row[row, PC], ENDED]] = now
                s.row[row, PC] = -2 - p.table[s.row[row, PC], TARGET]
                push(s, row)
    grant(p, s, t, resource, now)
