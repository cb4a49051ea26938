"""Any verbs, legal or not, in any order, by any of four people of two houses, while time passes: the invariants hold after each step.

`MAILLAGE_MODEL=10000x50` plays as many stories of as many steps, and shortens the one that fails: for the night.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from tests.factories import crossings as make
from tests.factories import referrals as requests
from tests.support import postgres
from tests.support.loop_model import BEGIN, PATIENTS, PEOPLE, World

from maillage import referrals
from maillage.kernel.errors import Conflict, Invalid

pytestmark = pytest.mark.slow
NIGHTLY = "MAILLAGE_MODEL" in os.environ
EXAMPLES, STEPS = map(int, os.environ.get("MAILLAGE_MODEL", "6x30").split("x"))
PROFILE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    print_blob=True,
    verbosity=Verbosity.normal,
    phases=[Phase.explicit, Phase.generate] + ([Phase.shrink] if NIGHTLY else []),
    suppress_health_check=list(HealthCheck),
)
TEXT = "Une phrase assez longue pour dire pourquoi."
LEAPS = tuple(timedelta(hours=hours) for hours in (0.2, 1, 1, 3, 5, 26, 49, 24 * 6))
UNLIKELY = ("declined", "cancelled")
WAYS: dict[str, list[dict[str, Any]]] = {
    "ask-info": [{"items": ["Poids"]}, {"items": []}],
    "answer-info": [{"answers": [{"number": 1, "answer": "70 kg"}]}, {"answers": []}],
    "accept": [{}, {}, {"priority": "urgent", "reason": "worsened"}, {"priority": "stat", "reason": "worsened"}],
    "advise": [{"recommendation": "advice-only", "text": TEXT}],
    "redirect": [{"service": requests.OTHER_SERVICE, "reason": "sub-specialty"}, {"service": "nowhere", "reason": "age"}],
    "decline": [
        {"reason": "no-indication", "comment": TEXT},
        {"reason": "no-slot-in-target", "comment": TEXT},
        {"reason": "became-impossible", "comment": TEXT},
    ],
    "no-place": [{"reason": "no-slot-in-target"}, {"reason": "session-cancelled"}],
    "book": [{}, {"contact": "Appel : d'accord"}],
    "refuse-offer": [{"reason": "date-unsuitable", "contact": "Appel"}, {"reason": "too-far"}],
    "cancel-appointment": [
        {"side": "patient", "reason": "ill"},
        {"side": "hospital", "reason": "strike"},
        {"side": "host", "reason": "room"},
    ],
    "mark-not-attended": [{"reason": "forgot"}, {"reason": "unknown"}],
    "return-after-absence": [{"record_reviewed": True, "contacts": 2, "comment": TEXT}, {"contacts": 1}],
    "send-outcome": [{"text": TEXT}, {"text": TEXT, "done_otherwise": True}, {"text": ""}],
    "dispute": [{"reason": "no-conclusion"}],
    "withdraw": [{"reason": "resolved"}],
    "request-cancellation": [{"reason": "seen-elsewhere"}],
    "decide-next": [{"reason": "resolved"}],
    "send-elsewhere": [{"service": requests.OTHER_SERVICE, "reason": "too-late"}],
    "insist": [{"text": requests.LONG}, {"text": "court"}],
    "change-priority": [
        {"priority": "urgent", "reason": "worsened"},
        {"priority": "routine", "reason": "improved"},
        {"priority": "stat", "reason": "worsened"},
    ],
    "declare-unavailable": [{"start": BEGIN + timedelta(days=12), "end": BEGIN + timedelta(days=14), "contact": "Appel"}],
    "enter-in-error": [{"reason": "wrong-patient"}],
}
PLAIN = ("open", "acknowledge", "confirm-cancellation", "mark-seen", "offer", "reschedule")
VERBS = (*WAYS, *PLAIN)
TAKES_A_SLOT = ("offer", "reschedule")
pick = st.integers(min_value=0, max_value=1000)


class Loop(RuleBasedStateMachine):
    """Referrals and slots, as the people and the scheduler move them."""

    cluster: postgres.TestCluster

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.cluster)

    @initialize(urgent=st.booleans(), first=st.sampled_from(["accept", "book", "offer", "no-place"]), slot=pick)
    def begins(self, urgent: bool, first: str, slot: int) -> None:
        """Two requests, one of them accepted, and mostly further."""
        for patient in (0, 1):
            self.world.run(self.world.send(patient, "urgent" if urgent else "routine"))
        self.world.run(self.world.act("doctor", "Task/accept", self.world.tasks[0], {}))
        values = {"reason": "no-slot-in-target"} if first == "no-place" else {"slot": self._slot(slot)}
        if first != "accept":
            self.world.run(self.world.act("office", f"Task/{first}", self.world.tasks[0], values))

    @rule(patient=st.integers(0, PATIENTS - 1), priority=st.sampled_from(["routine", "urgent", "asap"]))
    def send(self, patient: int, priority: str) -> None:
        try:
            self.world.run(self.world.send(patient, priority))
        except Conflict as refusal:
            self.world.played.append(f"gp send: {refusal.reason}")
        except Invalid as refusal:
            assert "duplicate-open" in str(refusal.reason)  # noqa: PT017  # one family or the other, the same code

    @precondition(lambda self: self.world.tasks)
    @rule(task=pick, who=st.sampled_from(sorted(PEOPLE)), verb=pick, way=pick, slot=pick)
    def somebody_goes_on(self, task: int, who: str, verb: int, way: int, slot: int) -> None:
        """The same as below: most of what people do is legal."""
        self.somebody_does_what_is_legal(task, who, verb, way, slot)

    @precondition(lambda self: self.world.tasks)
    @rule(task=pick, who=st.sampled_from(sorted(PEOPLE)), verb=pick, way=pick, slot=pick)
    def somebody_does_what_is_legal(self, task: int, who: str, verb: int, way: int, slot: int) -> None:
        """A verb that the table offers to somebody in this state; ends are left aside three times out of four, so that stories last."""
        id = self.world.tasks[task % len(self.world.tasks)]
        [row] = self.world.run(self.world.rows("SELECT state FROM referral_task WHERE id = $1", id))
        lines = [line for line in referrals.TABLE.transitions if row["state"] in line.sources and line.by - {"SY", "LD"}]
        lasting = [line for line in lines if line.target not in UNLIKELY and line.verb != "enter-in-error"]
        chosen = (lasting if way % 4 and lasting else lines) or list(referrals.TABLE.transitions)
        line = chosen[verb % len(chosen)]
        parties = {"gp": {"RC"}, "secretary": {"RO"}, "doctor": {"PC"}, "office": {"PO", "PT"}}
        able = [name for name in sorted(parties) if parties[name] & line.by] or [who]
        self._act(able[way % len(able)], line.verb, id, way, slot)

    @precondition(lambda self: self.world.tasks)
    @rule(task=pick, who=st.sampled_from(sorted(PEOPLE)), verb=st.sampled_from(VERBS), way=pick, slot=pick, stale=st.booleans())
    def somebody_does_anything(self, task: int, who: str, verb: str, way: int, slot: int, stale: bool) -> None:
        version = {"version": 1} if stale and way % 3 == 0 else {}
        self._act(who, verb, self.world.tasks[task % len(self.world.tasks)], way, slot, **version)

    def _act(self, who: str, verb: str, id: str, way: int, slot: int, **values: Any) -> None:
        ways = WAYS.get(verb, [{}])
        values |= ways[way % len(ways)]
        if verb in TAKES_A_SLOT or (verb == "book" and way % 3):
            values["slot"] = self._slot(slot)
        operation = make.VERBS.get(("Task", verb))
        if operation is None or any(one.required and one.name not in values for one in operation.parameters):
            return  # the scheduler's own, or what a door refuses before it calls
        done = self.world.run(self.world.act(who, f"Task/{verb}", id, values))
        assert not (done and values.get("reason") == "no-slot-in-target" and verb == "decline"), "capacity declined a request"

    def _slot(self, number: int) -> str:
        """One of the next slots, twice out of three; else any, taken or past."""
        slots = self.world.run(
            self.world.rows("SELECT id, starts_at > $1 AS ahead FROM slot ORDER BY starts_at, id", self.world.clock.now())
        )
        ahead = [row for row in slots if row["ahead"]][:4] if number % 3 else slots
        return f"Slot/{(ahead or slots)[number % len(ahead or slots)]['id']}"

    @rule(
        task=pick, who=st.sampled_from(sorted(PEOPLE)), slot=pick, verb=st.sampled_from(["book", "hold", "hold-offer"]), free=st.booleans()
    )
    def somebody_takes_a_slot(self, task: int, who: str, slot: int, verb: str, free: bool) -> None:
        """From the diary: for a request, or for a patient without one."""
        values: dict[str, Any] = {"patient": self.world.patients[task % PATIENTS]}
        if self.world.tasks and not free:
            id = self.world.tasks[task % len(self.world.tasks)]
            [row] = self.world.run(self.world.rows("SELECT patient_id FROM referral_task WHERE id = $1", id))
            values = {"patient": row["patient_id"] if task % 7 else values["patient"], "task": f"Task/{id}"}
        if verb == "hold-offer":
            values["kind"] = "offer"
        self.world.run(self.world.act(who, f"Slot/{verb.partition('-')[0]}", self._slot(slot).partition("/")[2], values))

    @rule(
        who=st.sampled_from(sorted(PEOPLE)),
        number=pick,
        slot=pick,
        verb=st.sampled_from(["book", "move", "cancel", "accept-refill", "refuse-refill", "confirm", "fulfil", "absent"]),
    )
    def somebody_acts_on_a_visit(self, who: str, number: int, slot: int, verb: str) -> None:
        rows = self.world.run(self.world.rows("SELECT id FROM appointment WHERE turn IS NOT NULL ORDER BY created_at, id"))
        if not rows:
            return
        values = {"move": {"slot": self._slot(slot)}, "cancel": {"reason": "other", "comment": TEXT}, "absent": {"reason": "forgot"}}
        self.world.run(self.world.act(who, f"Appointment/{verb}", rows[number % len(rows)]["id"], values.get(verb, {})))

    @precondition(lambda self: len(self.world.played) % 5 == 4)
    @rule(number=pick, reason=st.sampled_from(["ill", "strike", "room"]))
    def the_office_cancels_a_session(self, number: int, reason: str) -> None:
        [row, *_] = self.world.run(self.world.rows("SELECT id FROM vacation_session ORDER BY starts_at LIMIT 1 OFFSET $1", number % 2))
        if number % 3 == 0:
            self.world.run(self.world.act("office", "Schedule/cancel-session", row["id"], {"reason": reason}))

    @rule(step=st.sampled_from(LEAPS))
    def time_passes(self, step: timedelta) -> None:
        self.world.run(self.world.pass_time(step))

    @invariant()
    def everything_holds(self) -> None:
        self.world.run(self.world.check())

    def teardown(self) -> None:
        """At the end of a story: every open request is on a list that somebody opens, and no photograph has drifted."""
        try:
            self.world.run(self.world.check_lists())
        finally:
            self.world.close()


def test_the_loop_keeps_its_invariants_whoever_does_what(cluster: postgres.TestCluster) -> None:
    Loop.cluster = cluster
    run_state_machine_as_test(Loop, settings=PROFILE)
