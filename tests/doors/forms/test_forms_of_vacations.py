"""Each form of sessions, visits and vacations, refused with a bad answer by who may do it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from tests.factories import booking as diary
from tests.factories import referrals as make
from tests.support.form_pages import Answers
from tests.support.known_patients import known_patients
from tests.support.refusals import Refused, all_refused

from maillage import booking
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.store import Database

FILL = known_patients
pytestmark = pytest.mark.asyncio
ROUTES = (
    "/vacations/{id:id}/actes/{verb:id}",
    "/rendez-vous/{id:id}/actes/{verb:id}",
    "/planification/nouvelle",
    "/planification/{id:id}/modifier",
    "/planification/{id:id}/planifier",
    "/planification/{id:id}/exceptions",
    "/planification/{id:id}/vacations/{verb:id}",
    "/patients/{id:id}/rendez-vous",
    "/patients/{id:id}/attente",
    "/agenda",
    "/services/{id:id}/relais",
)
HOST, PLANNER, DESK = "gestionnaire-clamart", "planification-percy", "secretaire-clamart"
VACATION, SERVICE, SITE = "vacation-dermatologie-clamart", "percy-dermatologie", "site-clamart-soins"
SAID = "Un mot que l’on garde."


async def sessions(db: Database) -> list[str]:
    """The open sessions of dermatology at the centre, the next one first."""
    find = "SELECT id FROM vacation_session WHERE vacation_id = $1 AND starts_at > $2 ORDER BY starts_at"
    async with db.transaction(SYSTEM) as tx:
        return [row["id"] for row in await tx.fetch(find, VACATION, tx.now)]


async def planned(db: Database) -> str:
    """A session that is not published yet."""
    [made] = await make.act(db, make.PLANNER, booking.plan, VACATION, start=date(2027, 1, 5), end=date(2027, 1, 5))
    return str(made["id"])


SESSIONS = {
    "confirm-room": ("planned", HOST, {"kit": (), "helper": "true"}, "kit"),
    "flag-absence": ("open", PLANNER, {"reason": "inconnu"}, "reason"),
    "substitute": ("at-risk", PLANNER, {"practitioner-role": ()}, "practitioner-role"),
    "cancel-session": ("at-risk", PLANNER, {"reason": (), "comment": SAID}, "reason"),
    "settle-session": ("done", PLANNER, {"minutes": "cent", "patients": "3", "cost-cents": "120,50"}, "minutes"),
    "dispute-settlement": ("done", PLANNER, {"comment": "Non."}, "comment"),
}
"""Each verb of a session that asks something: in which state, by whom, refused at which field."""
VISITS = {
    "move": ("booked", PLANNER, {"slot": ()}, "slot"),
    "cancel": ("booked", PLANNER, {"side": (), "reason": "ill", "comment": SAID}, "side"),
    "absent": ("booked", PLANNER, {"reason": "inconnu"}, "reason"),
    "arrive": ("booked", DESK, {"identity-confirmed": ()}, "identity-confirmed"),
    "prioritise": ("waitlist", PLANNER, {"boost": "1", "reason": "Non."}, "reason"),
}
"""The same of a visit, and of a line of the waiting list."""


def rows_of(place: str, table: dict[str, tuple[str, str, Answers, str]], ids: dict[str, str]) -> list[tuple[str, Refused]]:
    """The rows of a table of verbs, on the thing that is in the state which each calls for."""
    found = []
    for verb, (state, who, answers, at) in table.items():
        page = f"/{place}/{ids[state]}"
        found.append((who, Refused(page, f"{page}/actes/{verb}", answers, (at,))))
    return found


async def test_the_verbs_of_a_session_are_refused_beside_their_fields(db: Database, clock: FixedClock) -> None:
    before, (ended, away, *later) = await planned(db), await sessions(db)
    await make.act(db, make.PLANNER, booking.flag_absence, away, reason="ill")
    clock.set(datetime(2026, 11, 17, 17, tzinfo=UTC))
    await make.act(db, diary.DOCTOR, booking.start, ended)
    await make.act(db, diary.DOCTOR, booking.finish, ended)
    ids = {"planned": before, "open": later[0], "at-risk": away, "done": ended}
    assert await all_refused(db, rows_of("vacations", SESSIONS, ids)) == {}


async def test_the_verbs_of_a_visit_are_refused_beside_their_fields(db: Database, clock: FixedClock) -> None:
    first, second = await diary.patients(db, 2)
    [slot, *_] = await diary.slots(db, (await sessions(db))[0])
    visit = await diary.booked(db, slot["id"], first, actor=make.PLANNER)
    waits = await diary.waiting(db, second, actor=make.PLANNER)
    clock.set(slot["starts_at"].replace(minute=50))
    assert await all_refused(db, rows_of("rendez-vous", VISITS, {"booked": visit["id"], "waitlist": waits["id"]})) == {}


async def test_the_forms_of_a_vacation_are_refused_beside_their_fields(db: Database) -> None:
    page, session = f"/planification/{VACATION}", await planned(db)
    share = {"share-1-organization": "cds-montgeron", "share-1-slots": "", "share-1-at-most": "2"}
    new = {"rhythm": "WEEKLY/1", "days": (), "starts": "14:00", "ends": "25:61", "valid-from": "2027-01-05"}
    rows = [
        (
            PLANNER,
            Refused(f"/planification/nouvelle?service={SERVICE}&lieu={SITE}", "/planification/nouvelle", new, ("days", "ends", "room")),
        ),
        (PLANNER, Refused(f"{page}/modifier", f"{page}/modifier", {"days": "FR", **share}, ("share-1-slots",))),
        (PLANNER, Refused(f"{page}/modifier", f"{page}/modifier", {"slot-minutes": "240", "ends": "16:00"}, ("ends",))),
        (PLANNER, Refused(page, f"{page}/planifier", {"start": "2027-02-02", "end": "2027-01-05"}, ("end",))),
        (PLANNER, Refused(page, f"{page}/exceptions", {"day": "2027-02-30", "kind": "closed", "reason": SAID}, ("day",))),
    ]
    rows += [
        (PLANNER, Refused(page, f"{page}/exceptions", {"day": "2027-01-12", "kind": "moved", "reason": SAID}, ("kind",))),
        (HOST, Refused(page, f"{page}/vacations/confirm-room", {"session": ()}, ("session",))),
    ]
    assert await all_refused(db, rows) == {}
    await make.act(db, diary.HOST, booking.confirm_room, session)
    some = [{"session": ()}, {"session": (session, "absent-0")}]  # the one that is there stays ticked
    assert await all_refused(db, [(PLANNER, Refused(page, f"{page}/vacations/publish", ticked, ("session",))) for ticked in some]) == {}


async def test_giving_a_place_or_a_cover_and_following_an_agenda_are_refused_beside_their_fields(db: Database) -> None:
    [patient] = await diary.patients(db, 1)
    page, asked = f"/patients/{patient}/rendez-vous", f"?service={SERVICE}&priorite=routine"
    cover = {"role": "percy-hge-castanier", "kind": "duty", "absent": ""}
    times = {"starts-jour": "2026-12-24", "starts-heure": "18:00", "ends-jour": "2026-12-24", "ends-heure": "08:00"}
    late = {"priority": "urgent", "target-jour": "2026-13-01", "target-heure": "10:00", "notice-hours": "24"}
    rows = [
        (PLANNER, Refused(f"{page}{asked}", page, {"slot": (), "how": "book"}, ("slot",))),
        (PLANNER, Refused(f"{page}{asked}", f"/patients/{patient}/attente", late, ("target",))),
        (
            PLANNER,
            Refused(f"{page}{asked}", f"/patients/{patient}/attente", {"priority": "routine", "notice-hours": "deux"}, ("notice-hours",)),
        ),
        (PLANNER, Refused("/agenda", "/agenda", {"site": "nulle-part"}, ("site",))),
        (PLANNER, Refused(f"/services/{make.SERVICE}/relais", f"/services/{make.SERVICE}/relais", cover | times, ("ends",))),
    ]
    assert await all_refused(db, rows) == {}
