"""A past for the demonstration: requests of the last weeks, each played by its people at its hours, as far as today lets it go."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from maillage import booking, directory, journeys, referrals
from maillage.codes import calendars
from maillage.demonstration.forms import fill
from maillage.demonstration.people import actor_of
from maillage.demonstration.vacations import PAST_WEEKS, TEMPLATES, open_sessions
from maillage.kernel.actor import SYSTEM
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import MaillageError
from maillage.kernel.period import PARIS, wall_to_utc
from maillage.kernel.working_time import WorkingCalendar
from maillage.store import Database, Transaction

log = logging.getLogger(__name__)
CALENDAR = WorkingCalendar(calendars.public_holidays())
Verb = Callable[..., Awaitable[Any]]
Known = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Service:
    """Who plays a service in the demonstration, and how many requests it received."""

    id: str
    doctor: str
    office: str
    lead: str
    greeter: str
    requests: int


SERVICES = (
    Service("percy-dermatologie", "dermatologie-percy", "planification-percy", "referent-dermatologie", "infirmier-clamart", 26),
    Service("percy-hge", "hge-percy", "planification-percy", "referent-hge", "infirmier-clamart", 22),
    Service("percy-vasculaire-thoracique", "vasculaire-percy", "planification-percy", "referent-vasculaire", "infirmier-clamart", 10),
    Service("percy-medecine-interne", "medecine-interne-percy", "planification-percy", "referent-medecine-interne", "secretaire-percy", 12),
    Service("percy-mpr", "mpr-percy", "planification-percy", "referent-mpr", "secretaire-percy", 8),
    Service("chic-cardiologie", "cardiologie-chic", "planification-chic", "referent-cardiologie-chic", "secretaire-chic", 10),
)
REQUESTERS = ("medecin-clamart", "medecin-clamart", "medecin-clamart-2", "medecin-montgeron", "medecin-creteil", "medecin-brunoy")
PATHS = ("visit",) * 14 + ("advised", "advised", "declined", "absent", "information", "information", "redirected", "insisted")
LETTER = "Patient vu ce jour. Examen rassurant, traitement local instauré. Contrôle par le médecin traitant."


class Reached(Exception):
    """The story of this request goes on after today."""


@dataclass(slots=True)
class Story:
    """One request being played: where its clock stands, and who plays."""

    database: Database
    service: Service
    requester: str
    today: datetime
    random: Random
    at: datetime
    known: Known
    task: str = ""

    def later(self, low: float, high: float) -> None:
        """Let working hours go by: between `low` and `high` days, at an hour when people work. Raises `Reached`."""
        moved = self.at + timedelta(days=self.random.uniform(low, high))
        day = moved.astimezone(PARIS).date()
        if not CALENDAR.is_open(day):
            day = CALENDAR.next_open(day)
        self.go(max(self.at + timedelta(minutes=20), wall_to_utc(day, time(self.random.randrange(8, 18), self.random.randrange(60)))))

    def go(self, at: datetime) -> None:
        """Stand at an instant. Raises `Reached` when it has not come yet."""
        if at > self.today:
            raise Reached
        self.at = at

    async def play(self, login: str, verb: Verb, *words: Any, **more: Any) -> Any:
        """One verb, by one person, at this hour."""
        async with self.database.transaction(actor_of(login), clock=FixedClock(self.at)) as tx:
            return await verb(tx, *words, **more)


async def play(database: Database, *, patients: int, seed: int) -> None:
    """Play the past once: sessions first, then each request; a database that has sessions is left alone."""
    today = database.clock.now()
    async with database.transaction(SYSTEM) as tx:
        if await booking.vacations(tx):
            return
    await open_sessions(database, today)
    known = _known(seed, patients)
    random = Random(seed)  # noqa: S311  # invented data, the same for the same seed
    for service in SERVICES:
        for _ in range(service.requests):
            start = today - timedelta(days=random.uniform(0.2, 7 * (PAST_WEEKS - 1)))
            requester = random.choice([login for login in REQUESTERS if actor_of(login).organization in known])
            await _tell(Story(database, service, requester, today, random, start, known), random.choice(PATHS))
    await _close_sessions(database, today)


async def _tell(story: Story, path: str) -> None:
    try:
        story.later(0, 0.3)
        await _send(story)
        await _BRANCHES.get(path, _visit)(story)
    except Reached:
        return
    except MaillageError as error:
        log.debug("demonstration-case-stopped: %s", error.reason, extra={"code": "demonstration-case-stopped"})


async def _send(story: Story) -> None:
    patient = story.random.choice(story.known[actor_of(story.requester).organization])
    priority = story.random.choice(("routine", "routine", "routine", "urgent", "urgent", "asap"))
    request = await story.play(
        story.requester, referrals.create_request, patient_id=patient, service_ids=[story.service.id], priority=priority
    )
    async with story.database.transaction(SYSTEM) as tx:
        service = await directory.get_service(tx, story.service.id)
        form = fill(await directory.get_questionnaire(tx, service.questionnaire), priority)
        story.task = (await referrals.tasks_of(tx, request))[0]["id"]
    await story.play(story.requester, referrals.save_form, request, items=form, status="completed")
    story.at += timedelta(minutes=6)
    await story.play(story.requester, referrals.send, story.task, identity_confirmed=True, patient_informed=True)


def _known(seed: int, patients: int) -> Known:
    """The patients that each organisation knows, as they were registered."""
    known: Known = {}
    for resource in directory.generate_patients(seed, patients):
        known.setdefault(resource["managingOrganization"]["reference"].removeprefix("Organization/"), []).append(resource["id"])
    return known


async def _opened(story: Story) -> None:
    story.later(0.2, 1.5)
    await story.play(story.service.doctor, referrals.open_, story.task)


async def _visit(story: Story) -> None:
    await _opened(story)
    await _accepted_then_seen(story)


async def _accepted_then_seen(story: Story) -> None:
    story.later(0.1, 2)
    await story.play(story.service.doctor, referrals.accept, story.task)
    await _booked(story)
    await _seen(story)


async def _booked(story: Story) -> None:
    story.later(0.2, 2)
    slot = await story.play(story.service.office, _slot, story)
    if slot is None:
        await story.play(story.service.office, journeys.no_place, story.task, reason="no-slot-in-target")
        raise Reached
    await story.play(story.service.office, journeys.book, story.task, slot=slot)


async def _slot(tx: Transaction, story: Story) -> str | None:
    task = await referrals.visible_task(tx, story.task)
    notice = story.at + timedelta(days=2 if task["priority"] == "asap" else 6)
    found = await booking.find_slots(
        tx, services=[story.service.id], priority=task["priority"], start=notice, organizations=[task["requester_org"]], limit=6
    )
    return story.random.choice(found)["id"] if found else None


async def _seen(story: Story) -> None:
    async with story.database.transaction(SYSTEM) as tx:
        task = await referrals.visible_task(tx, story.task)
    story.go(task["slot_start"] - timedelta(minutes=10))
    await story.play(story.service.greeter, booking.arrive, task["appointment_id"], identity_confirmed=True)
    story.go(task["slot_end"])
    await story.play(story.service.doctor, journeys.mark_seen, story.task)
    await _letter(story)


async def _letter(story: Story) -> None:
    story.later(0.5, 6)
    advice = {"text": "Contrôle clinique par le médecin traitant", "due": story.at + timedelta(days=30), "owner": "requester"}
    await story.play(story.service.doctor, journeys.send_outcome, story.task, text=LETTER, recommendations=[advice])
    await _acknowledged(story)


async def _acknowledged(story: Story) -> None:
    story.later(0.5, 5)
    async with story.database.transaction(SYSTEM) as tx:
        thread = await referrals.thread(tx, await referrals.visible_task(tx, story.task))
    waiting = [child["id"] for child in thread["referral_child"] if child["code"] == "follow-up" and child["state"] == "due"]
    settled = [{"id": child, "decision": "accept"} for child in waiting]
    await story.play(story.requester, referrals.acknowledge, story.task, follow_ups=settled)


async def _advised(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 2)
    text = "Traitement symptomatique quatre semaines ; revenir vers nous si pas d'amélioration."
    await story.play(story.service.doctor, referrals.advise, story.task, recommendation="treat-and-watch", text=text)
    await _acknowledged(story)


async def _declined(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 2)
    why = "Déjà suivi dans le service, prochain contrôle prévu le mois prochain."
    await story.play(story.service.doctor, journeys.decline, story.task, reason="already-followed", comment=why)
    story.later(0.5, 3)
    await story.play(story.requester, referrals.decide_next, story.task, reason="resolved")


async def _insisted(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 2)
    why = "Pas d'indication à ce stade au vu des éléments transmis."
    await story.play(story.service.doctor, journeys.decline, story.task, reason="no-indication", comment=why)
    story.later(0.5, 2)
    text = "Je maintiens ma demande : aggravation depuis l'envoi, le patient ne travaille plus."
    story.task = await story.play(story.requester, referrals.insist, story.task, text=text)
    story.later(0.2, 1)
    await story.play(story.service.lead, referrals.accept, story.task)
    await _booked(story)
    await _seen(story)


async def _information(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 1)
    await story.play(story.service.doctor, referrals.ask_info, story.task, items=["Dernier bilan biologique, avec sa date"])
    story.later(0.3, 3)
    answer = {"number": 1, "answer": "NFS, CRP et créatinine normales le mois dernier, joints au dossier."}
    await story.play(story.requester, referrals.answer_info, story.task, answers=[answer])
    await _accepted_then_seen(story)


async def _redirected(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 2)
    target = "percy-medecine-interne" if story.service.id != "percy-medecine-interne" else "percy-hge"
    why = "Relève plutôt de ce service au vu du tableau général."
    await story.play(story.service.doctor, referrals.redirect, story.task, service=target, reason="sub-specialty", comment=why)


async def _absent(story: Story) -> None:
    await _opened(story)
    story.later(0.1, 2)
    await story.play(story.service.doctor, referrals.accept, story.task)
    await _booked(story)
    async with story.database.transaction(SYSTEM) as tx:
        task = await referrals.visible_task(tx, story.task)
    story.go(task["slot_end"] + timedelta(minutes=45))
    await story.play(story.service.office, journeys.mark_not_attended, story.task, reason="forgot")
    await _booked(story)
    await _seen(story)


_BRANCHES: dict[str, Callable[[Story], Awaitable[None]]] = {
    "advised": _advised,
    "declined": _declined,
    "absent": _absent,
    "information": _information,
    "redirected": _redirected,
    "insisted": _insisted,
}


async def _close_sessions(database: Database, today: datetime) -> None:
    """The practitioners began and ended the sessions of the past; those with a patient undecided stay on the list."""
    logins = {person.practitioner_id: person.login for person in directory.demo_people()}
    async with database.transaction(SYSTEM) as tx:
        found = await booking.sessions(tx, start=today - timedelta(weeks=PAST_WEEKS + 1), end=today, statuses=["open"])
    practitioners = {template.practitioner for template in TEMPLATES}
    for session in found:
        if session["practitioner_id"] not in practitioners or session["ends_at"] > today:
            continue
        doctor = actor_of(logins[session["practitioner_id"]])
        async with database.transaction(doctor, clock=FixedClock(session["starts_at"])) as tx:
            await booking.start(tx, session["id"])
        try:
            async with database.transaction(doctor, clock=FixedClock(session["ends_at"])) as tx:
                await booking.finish(tx, session["id"])
        except MaillageError as error:
            log.info("demonstration-session-open: %s", error.reason, extra={"code": "demonstration-session-open"})
