"""The two transition tables: the life of a dated session, the life of an appointment (workflows.md 2).

Parties beyond workflows.md 0.2: HO, the office of the host site. RO stands for anybody of the requesting organisation. Lines by SY alone are
played by the scheduler, or brought about by another verb (cancelling a session cancels its appointments): they are nobody's button.
"""

from __future__ import annotations

from maillage.kernel.transitions import NOWHERE, State, TransitionTable, line

SESSION = TransitionTable(
    "session",
    [
        State("planned", "planned", turn="PO"),
        State("open", "open", turn="PO"),
        State("at-risk", "at-risk", turn="PO"),
        State("running", "running", turn="PC"),
        State("done", "done", turn="PO"),
        State("settlement-disputed", "settlement-disputed", turn="CO"),
        State("settled", "settled"),
        State("cancelled", "cancelled"),
    ],
    [
        line("plan", NOWHERE, "planned", "PO", needs="no-clause not-authorised quota-above-slots local-time-gap"),
        line("confirm-room", "planned", "planned", "HO"),
        line("publish", "planned", "open", "PO", needs="room-unconfirmed no-clause not-authorised"),
        line("flag-absence", "open", "at-risk", "PC PO HO", tells="HO"),
        line("substitute", "at-risk", "open", "PO", needs="other-specialty not-authorised", tells="HO"),
        line("cancel-session", "planned open at-risk", "cancelled", "PO HO", needs="unknown-reason", tells="HO PT"),
        line("supersede", "planned", "cancelled", "SY"),
        line("start", "open", "running", "PC"),
        line("finish", "running", "done", "PC", needs="slots-open"),
        # The first of the two signatures leaves the session where it is; the second brings it to the target.
        line("settle-session", "done settlement-disputed", "settled", "PO HO"),
        line("dispute-settlement", "done settled", "settlement-disputed", "PO HO", needs="comment-too-short", tells="CO"),
    ],
)

APPOINTMENT = TransitionTable(
    "appointment",
    [
        State("waitlist", "waitlist", turn="SY"),
        State("pending", "pending", turn="PT"),
        State("booked", "booked", turn="PO"),
        State("arrived", "arrived", turn="HO"),
        State("checked-in", "checked-in", turn="PC"),
        State("fulfilled", "fulfilled"),
        State("noshow", "noshow"),
        State("cancelled", "cancelled"),
    ],
    [
        line("hold", NOWHERE, "pending", "PO RO PT", needs="reserved quota-exhausted already-booked session-not-open in-the-past"),
        line(
            "book",
            f"{NOWHERE} pending",
            "booked",
            "PO RO PT",
            needs="hold-expired reserved quota-exhausted already-booked session-not-open in-the-past",
            tells="PT HO",
        ),
        line("expire-hold", "pending", "cancelled", "SY"),
        line("confirm", "booked", "booked", "PT PO HO"),
        line(
            "move", "booked", "booked", "PO PT", needs="reserved quota-exhausted already-booked session-not-open in-the-past", tells="PT HO"
        ),
        line("cancel", "pending booked waitlist", "cancelled", "PO PT RO", needs="unknown-reason comment-too-short", tells="PT HO"),
        line("cancel-with-session", "pending booked", "cancelled", "SY", tells="PT"),
        *(line("change-practitioner", state, state, "SY", tells="PT") for state in ("pending", "booked", "arrived", "checked-in")),
        line("serve", "waitlist pending", "cancelled", "SY"),
        line("join-waitlist", NOWHERE, "waitlist", "PO RO SY PT"),
        line("prioritise", "waitlist", "waitlist", "PO", needs="comment-too-short"),
        line("refill", "waitlist", "pending", "SY", tells="PT"),
        line("accept-refill", "pending", "booked", "PO RO PT", needs="hold-expired reserved quota-exhausted", tells="PT HO"),
        line("refuse-refill", "pending", "waitlist", "PO RO PT"),
        line("lose-refill", "pending", "waitlist", "SY", tells="PT"),
        line("arrive", "booked", "arrived", "HO", needs="identity-unconfirmed"),
        line("call-in", "arrived", "checked-in", "HO PC"),
        line("fulfil", "booked arrived checked-in", "fulfilled", "PC PO", tells="RC"),
        line("absent", "booked", "noshow", "PO PC", needs="unknown-reason too-early", tells="RC"),
    ],
)
