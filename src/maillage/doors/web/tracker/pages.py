"""The tracker, and what a patient does there: come, accept, refuse, move, cancel. Verbs are those of the rooms, played by the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import RedirectResponse, Response

from maillage import booking, directory, record, referrals
from maillage.access import patient_link
from maillage.access.types import STRONG
from maillage.doors.web import places, sessions, verbs, visits
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice
from maillage.doors.web.pages import OWN, Page, get, post
from maillage.doors.web.tracker import presenters
from maillage.doors.web.view import View
from maillage.kernel.errors import Conflict, Invalid, NotFound

_LIVE = ("booked", "pending", "arrived", "checked-in", "waitlist")
CANCEL = ("ill", "transport", "hospitalised", "declined", "unknown")
REFUSE = ("date-unsuitable", "too-far", "transport", "too-short-notice", "seen-elsewhere", "patient-declines")
MOST_DATES = 12
SEALED_AS = "franceconnect id token"
"""Under which name what FranceConnect signed is sealed."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the page is about, as the patient sees it: a request and its appointment, or an appointment alone."""

    task: Any | None
    visit: Any | None

    @property
    def service(self) -> str:
        """The service that answers for it."""
        return str(
            self.task["service_id"] if self.task is not None else self.visit["healthcare_service_id"] if self.visit is not None else ""
        )


def own_page(view: View) -> str:
    """The address of the page."""
    return f"/suivi/{view.path('visit')}"


def csrf_of(view: View) -> str:
    """The token that the forms of this page carry."""
    return view.session.csrf if view.session else ""


async def load(view: View) -> Own:
    """Read it, through both walls. Raises `NotFound` when nothing is left of it, and for the own record, which is about no single thing."""
    if view.actor.assurance in STRONG:
        raise NotFound("Appointment")
    tasks = [id for kind, id in sorted(view.actor.only) if kind == "Task"]
    task = await referrals.visible_task(view.tx, tasks[0]) if tasks else None
    found = await booking.appointments(view.tx)
    live = [row for row in found if row["status"] in _LIVE] or found
    named = [row for row in found if task is not None and row["id"] == task["appointment_id"]]
    asked = [row for row in live if row["status"] == "pending"]
    visit = next(iter(asked or named or live), None)
    if task is None and visit is None:
        raise NotFound("Appointment")
    return Own(task, visit)


async def show_tracker(view: View) -> Response:
    """Where it stands, whose turn it is, by when, whom to call, and what the patient may do."""
    if view.actor.assurance in STRONG:
        return RedirectResponse(f"{own_page(view)}/dossier", 303)
    if all(kind in ("BreakGlass", "AccessQuestion", "Patient") for kind, _ in view.actor.only):
        return RedirectResponse(f"{own_page(view)}/acces", 303)
    own = await load(view)
    shown = await _tracked(view, own)
    focus = ("Task", own.task["id"]) if own.task is not None else ("Appointment", own.visit["id"] if own.visit is not None else "")
    await record.audit(view.tx, "R", *focus, patient=view.actor.id, verb="read")
    return view.page(
        "tracker/templates/tracker.html",
        "Mon suivi",
        t=shown,
        own_page=own_page(view),
        csrf=csrf_of(view),
        may=await _may(view, own),
        provider=view.door.patient_provider is not None,
    )


async def _tracked(view: View, own: Own) -> presenters.Tracked:
    service = await directory.get_service(view.tx, own.service)
    return presenters.tracked(own.task, own.visit, service, await places.sites(view.tx), view.tx.now)


async def _may(view: View, own: Own) -> frozenset[str]:
    """The gestures that the transition tables leave to the patient now."""
    found: set[str] = set()
    if own.task is not None:
        found |= {f"task-{verb}" for verb in await verbs.available(view, "Task", own.task["id"])}
    if own.visit is not None:
        found |= set(booking.legal_verbs(view.tx, own.visit))
    return frozenset(found)


# --- what the patient does ------------------------------------------------------------
async def play(view: View, kind: str, id: str, verb: str, *, any_version: bool = False, **given: Any) -> None:
    """A verb of the rooms, by the patient, on the version that the patient saw; its consequences reach what the patient does not see (ADR 0021)."""
    operation = verbs.find(view, kind, verb)
    await operation.call(view.tx.beyond(), id, version=None if any_version else verbs.version_of(view), **given)


def _visit_of(own: Own) -> Any:
    if own.visit is None:
        raise Conflict("nothing-to-answer")
    return own.visit


async def come(view: View) -> Response:
    """One tap: the patient will come."""
    visit = _visit_of(await load(view))
    await play(view, "Appointment", visit["id"], "confirm")
    return view.go(own_page(view), "own-confirm")


async def accept(view: View) -> Response:
    """Yes to the date that is offered, by the service or by the waiting list."""
    visit = _visit_of(await load(view))
    if visit["status"] != "pending":
        raise Conflict("nothing-to-answer")
    await play(view, "Appointment", visit["id"], "accept-refill" if visit["offered_slot_id"] else "book")
    return view.go(own_page(view), "own-accept")


async def refuse(view: View) -> Response:
    """No to it, with one reason; a refused place of the waiting list asks for none, and costs nothing."""
    own = await load(view)
    visit = _visit_of(own)
    if visit["status"] != "pending":
        raise Conflict("nothing-to-answer")
    if visit["offered_slot_id"]:
        await play(view, "Appointment", visit["id"], "refuse-refill")
    elif own.task is not None:
        verbs.require_version(view, visit["version"])
        await play(view, "Task", own.task["id"], "refuse-offer", any_version=True, reason=_reason(view, REFUSE))
    else:
        await play(view, "Appointment", visit["id"], "cancel", reason="declined")
    return view.go(own_page(view), "own-refuse")


async def cancel(view: View) -> Response:
    """The patient cannot come: the appointment ends, the request goes on."""
    visit = _visit_of(await load(view))
    await play(view, "Appointment", visit["id"], "cancel", reason=_reason(view, CANCEL))
    return view.go(own_page(view), "own-cancel")


async def move(view: View) -> Response:
    """Another date of the same service."""
    visit = _visit_of(await load(view))
    await play(view, "Appointment", visit["id"], "move", slot=_slot(view))
    return view.go(own_page(view), "own-move")


def _slot(view: View) -> str:
    if not view.given("slot"):
        raise Invalid.one("slot-missing", "slot")
    return view.given("slot")


def _reason(view: View, known: tuple[str, ...]) -> str:
    if view.given("reason") not in known:
        raise Invalid.one("required-choice", "reason")
    return view.given("reason")


async def ask_why_not(view: View) -> Response:
    """The reasons of a no, one button each."""
    return await _ask_why(view, "non", REFUSE)


async def ask_why_cancel(view: View) -> Response:
    """The reasons of a cancellation, one button each."""
    return await _ask_why(view, "annuler", CANCEL)


async def _ask_why(view: View, act: str, reasons: tuple[str, ...]) -> Response:
    own = await load(view)
    return view.page(
        "tracker/templates/why.html",
        "Pourquoi ?",
        own_page=own_page(view),
        action=f"{own_page(view)}/{act}",
        csrf=csrf_of(view),
        version=_visit_of(own)["version"],
        refusing=act == "non",
        t=await _tracked(view, own),
        reasons=[Choice(code, say(f"own.reason.{code}")) for code in reasons],
        wrong=view.rejected is not None,
    )


async def show_dates(view: View) -> Response:
    """The next free dates of the service, for whoever wants another one."""
    own = await load(view)
    visit = _visit_of(own)
    free = await booking.find_slots(
        view.tx, services=[own.service], priority=visit["priority"], organizations=[visit["requester_org"]], limit=MOST_DATES
    )
    sites = await places.sites(view.tx)
    return view.page(
        "tracker/templates/dates.html",
        "Changer de date",
        own_page=own_page(view),
        csrf=csrf_of(view),
        version=visit["version"],
        t=await _tracked(view, own),
        dates=[(row["id"], row["starts_at"], sites[row["location_id"]].name if row["location_id"] in sites else "") for row in free],
        wrong=view.rejected is not None,
    )


async def close(view: View) -> Response:
    """The patient has finished."""
    visit, there = view.path("visit"), await _sign_out_there(view)
    await patient_link.close_page(view.tx, visit)
    view.session = None
    response = view.page("tracker/templates/closed.html", "Page fermée", there=there)
    sessions.drop_cookie(response, view.door.site, visits.cookie(visit))
    return response


async def _sign_out_there(view: View) -> str:
    """Where the session at FranceConnect ends too; empty behind a link."""
    visit, provider = await patient_link.visit_of_id(view.tx.beyond(), view.path("visit")), view.door.patient_provider
    if visit is None or visit.provider_token is None or provider is None:
        return ""
    return await provider.sign_out_address(view.door.sealer.open(visit.provider_token, SEALED_AS).decode())


def _own(page: Page) -> Page:
    return replace(page, patient=True)


PAGES = tuple(
    _own(page)
    for page in (
        get("/suivi/{visit:id}", show_tracker, on="Appointment"),
        post("/suivi/{visit:id}/venir", come, on="Appointment"),
        post("/suivi/{visit:id}/oui", accept, on="Appointment"),
        get("/suivi/{visit:id}/dates", show_dates, on="Appointment"),
        post("/suivi/{visit:id}/dates", move, again=show_dates, on="Appointment"),
        get("/suivi/{visit:id}/non", ask_why_not, on="Appointment"),
        post("/suivi/{visit:id}/non", refuse, again=ask_why_not, on="Appointment"),
        get("/suivi/{visit:id}/annuler", ask_why_cancel, on="Appointment"),
        post("/suivi/{visit:id}/annuler", cancel, again=ask_why_cancel, on="Appointment"),
        post("/suivi/{visit:id}/fermer", close, on=OWN, once=False),
    )
)
