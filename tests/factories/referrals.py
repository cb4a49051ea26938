"""States of a referral, each reached by the real verbs of the real parties on the demonstration's own territory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.factories.booking import act, patients, person, territory

from maillage import access, directory, record, referrals
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.clock import FixedClock
from maillage.kernel.errors import MaillageError
from maillage.referrals import queries
from maillage.store import Database, Transaction

__all__ = ["act", "patients", "person", "territory"]

CENTRE, HOSPITAL, OTHER_HOSPITAL = "cms-clamart-soins", "hia-percy", "chic"
SERVICE, OTHER_SERVICE, BOOKABLE, ELSEWHERE = "percy-hge", "percy-medecine-interne", "percy-dermatologie", "chic-cardiologie"

GP = person("isambert-maud", CENTRE, "medecin", role_id="clamart-mg-isambert")
COLLEAGUE = person("garrigou-basile", CENTRE, "medecin", role_id="clamart-mg-garrigou")
NURSE = person("brossac-ludivine", CENTRE, "infirmier", role_id="clamart-infirmier-brossac")
TRIAGER = person("castanier-leo", HOSPITAL, "medecin", role_id="percy-hge-castanier")
INTERNIST = person("montaignac-ulysse", HOSPITAL, "medecin", role_id="percy-medecine-interne-montaignac")
DERMATOLOGIST = person("coutras-blaise", HOSPITAL, "medecin", role_id="percy-dermatologie-coutras")
TRIAGER_2 = person("prunevaux-segolene", HOSPITAL, "medecin", role_id="percy-hge-prunevaux")
SENIOR = person("escoubleau-viviane", HOSPITAL, "medecin", "referent", role_id="percy-hge-escoubleau")
SENIOR_2 = person("ferrandiere-agathe", HOSPITAL, "medecin", "referent", role_id="percy-medecine-interne-ferrandiere")
PLANNER = person("aumontel-delphine", HOSPITAL, "planificateur", "secretaire", role_id="percy-planification-aumontel")
CARDIOLOGIST = person("lavardac-myriam", OTHER_HOSPITAL, "medecin", role_id="chic-cardiologie-lavardac")
STRANGER = person("jolimont-herve", "cabinet-creteil", "secretaire", role_id="creteil-secretaire-jolimont")
TRIAGERS = {SERVICE: TRIAGER, OTHER_SERVICE: INTERNIST, BOOKABLE: DERMATOLOGIST, ELSEWHERE: CARDIOLOGIST}
"""One triager of each service: nobody triages for another one."""
CLIENT = Actor("client", "scenario", (CENTRE, HOSPITAL, OTHER_HOSPITAL), frozenset({"logiciel"}))

LONG = "Un motif assez long pour que le référent puisse relire la décision."
PHONE = "01 99 00 12 34"
TEXT = "Depuis trois mois, douleurs abdominales : quelle exploration proposez-vous ?"


def answers(form: Mapping[str, Any], priority: str = "routine") -> list[dict[str, Any]]:
    """Every item of a form answered, by the first choice, in the shape of a QuestionnaireResponse."""
    return [_answer(item, priority) for item in form["item"] if not item.get("repeats")]


def _answer(item: Mapping[str, Any], priority: str) -> dict[str, Any]:
    if item["type"] == "group":
        return {"linkId": item["linkId"], "item": [_answer(child, priority) for child in item["item"]]}
    values: dict[str, Any] = {
        "boolean": {"valueBoolean": item["linkId"].startswith("may-") or item["linkId"] == "phone-verified"},
        "date": {"valueDate": "2026-11-02"},
        "dateTime": {"valueDateTime": "2026-11-02T09:00:00+01:00"},
        "decimal": {"valueDecimal": 70.5},
        "integer": {"valueInteger": 12},
        "quantity": {"valueQuantity": {"value": 70}},
    }
    if item["type"] in ("choice", "open-choice"):
        option = item["answerOption"][0]["valueCoding"]
        value: dict[str, Any] = {
            "valueCoding": {**option, "code": "asap" if priority == "stat" else priority} if item["linkId"] == "priority" else option
        }
    else:
        text = PHONE if item["linkId"] == "phone" else TEXT[: item.get("maxLength", len(TEXT))]
        value = values.get(item["type"], {"valueString": text})
    return {"linkId": item["linkId"], "answer": [value]}


def without(items: Sequence[Mapping[str, Any]], link_id: str) -> list[dict[str, Any]]:
    """The same answers without one item, whatever its depth."""
    kept = [dict(item) for item in items if item["linkId"] != link_id]
    return [{**item, "item": without(item["item"], link_id)} if "item" in item else item for item in kept]


def with_answer(items: Sequence[Mapping[str, Any]], link_id: str, *values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same answers with one item answered otherwise."""
    found = []
    for item in items:
        changed = {**item, "answer": list(values)} if item["linkId"] == link_id else dict(item)
        found.append({**changed, "item": with_answer(item["item"], link_id, *values)} if "item" in item else changed)
    return found


async def form(tx: Transaction, service: str, priority: str = "routine") -> list[dict[str, Any]]:
    """A complete form for a service."""
    return answers(await directory.get_questionnaire(tx, (await directory.get_service(tx, service)).questionnaire), priority)


async def draft(
    db: Database, *, services: Sequence[str] = (SERVICE,), priority: str = "routine", patient: int = 0, by: Actor = GP, filled: bool = True
) -> list[str]:
    """A prepared request: its Tasks to complete, in the order of the services."""
    patient_id = (await patients(db, patient + 1))[patient]
    async with db.transaction(by) as tx:
        request_id = await referrals.create_request(
            tx, patient_id=patient_id, service_ids=services, priority=priority, requester_role_id="clamart-mg-isambert"
        )
        if filled:
            await referrals.save_form(tx, request_id, items=await form(tx, services[0], priority), status="completed")
        return [row["id"] for row in await queries.tasks_of(tx, request_id)]


SEND = {"identity_confirmed": True, "patient_informed": True}
SLOT = {"start": datetime(2026, 12, 1, 13, 0, tzinfo=UTC), "end": datetime(2026, 12, 1, 13, 20, tzinfo=UTC)}
"""Tuesday 1 December 2026, 14:00 in Paris."""


def slot(number: int = 1, days: int = 0) -> dict[str, Any]:
    """A slot as plain values."""
    shift = timedelta(days=days)
    return {"appointment_id": f"appointment-{number}", "start": SLOT["start"] + shift, "end": SLOT["end"] + shift}


async def sent(db: Database, **options: Any) -> str:
    """A sent request."""
    [task] = await draft(db, **options)
    await act(db, GP, referrals.send, task, **SEND)
    return task


def triager(options: Mapping[str, Any]) -> Actor:
    """Who triages the request that these options describe: at the first service asked."""
    return TRIAGERS[options.get("services", (SERVICE,))[0]]


async def opened(db: Database, **options: Any) -> str:
    task = await sent(db, **options)
    await act(db, triager(options), referrals.open_, task)
    return task


async def info_requested(db: Database, **options: Any) -> str:
    task = await opened(db, **options)
    await act(db, triager(options), referrals.ask_info, task, items=["CRP de moins de trois mois", "Poids"])
    return task


async def info_received(db: Database, **options: Any) -> str:
    task = await info_requested(db, **options)
    given = [{"number": 1, "answer": "CRP 12 mg/L le 3 novembre"}, {"number": 2, "answer": "70 kg"}]
    await act(db, GP, referrals.answer_info, task, answers=given)
    return task


async def to_book(db: Database, **options: Any) -> str:
    task = await opened(db, **options)
    await act(db, triager(options), referrals.accept, task)
    return task


async def waiting(db: Database, **options: Any) -> str:
    task = await to_book(db, **options)
    await act(db, PLANNER, referrals.no_place, task, reason="no-slot-in-target")
    return task


async def offered(db: Database, **options: Any) -> str:
    task = await to_book(db, **options)
    await act(db, PLANNER, referrals.offer, task, **slot())
    return task


async def booked(db: Database, **options: Any) -> str:
    task = await to_book(db, **options)
    await act(db, PLANNER, referrals.book, task, **slot())
    return task


async def not_attended(db: Database, clock: FixedClock, **options: Any) -> str:
    task = await booked(db, **options)
    clock.set(SLOT["end"])
    await act(db, PLANNER, referrals.mark_not_attended, task, reason="forgot")
    return task


async def to_rebook(db: Database, **options: Any) -> str:
    task = await booked(db, **options)
    await act(db, PLANNER, referrals.cancel_appointment, task, side="hospital", reason="strike")
    return task


async def seen(db: Database, clock: FixedClock, **options: Any) -> str:
    task = await booked(db, **options)
    clock.set(SLOT["end"])
    await act(db, triager(options), referrals.mark_seen, task)
    return task


async def letter_sent(db: Database, clock: FixedClock, *, recommendations: Sequence[Mapping[str, Any]] = (), **options: Any) -> str:
    task = await seen(db, clock, **options)
    await act(db, triager(options), referrals.send_outcome, task, text="Vu ce jour. Coloscopie proposée.", recommendations=recommendations)
    return task


async def advised(db: Database, **options: Any) -> str:
    task = await opened(db, **options)
    await act(db, triager(options), referrals.advise, task, recommendation="advice-only", text="Poursuivre le traitement.")
    return task


async def declined(db: Database, *, by: Actor | None = None, **options: Any) -> str:
    task = await opened(db, **options)
    await act(db, by or triager(options), referrals.decline, task, reason="no-indication", comment="Pas d'indication à ce stade.")
    return task


async def redirected(db: Database, **options: Any) -> str:
    task = await opened(db, **options)
    await act(db, triager(options), referrals.redirect, task, service=OTHER_SERVICE, reason="sub-specialty")
    return task


async def insisted(db: Database, **options: Any) -> str:
    task = await declined(db, **options)
    new: str = await act(db, GP, referrals.insist, task, text=LONG)
    return new


async def cancellation_requested(db: Database, **options: Any) -> str:
    task = await booked(db, **options)
    await act(db, GP, referrals.request_cancellation, task, reason="resolved")
    return task


async def closed(db: Database, clock: FixedClock, **options: Any) -> str:
    task = await letter_sent(db, clock, **options)
    await act(db, GP, referrals.acknowledge, task)
    return task


async def cancelled(db: Database, **options: Any) -> str:
    task = await sent(db, **options)
    await act(db, GP, referrals.withdraw, task, reason="patient-declines")
    return task


async def in_error(db: Database, **options: Any) -> str:
    task = await sent(db, **options)
    await act(db, GP, referrals.enter_in_error, task, reason="wrong-patient")
    return task


async def reach(db: Database, clock: FixedClock, state: str, **options: Any) -> str:
    """A Task in any state of the table."""
    timed = {"not-attended": not_attended, "seen": seen, "letter-sent": letter_sent, "closed": closed}
    plain = {
        "sent": sent,
        "opened": opened,
        "info-requested": info_requested,
        "info-received": info_received,
        "insisted": insisted,
        "to-book": to_book,
        "waiting-capacity": waiting,
        "offered": offered,
        "booked": booked,
        "to-rebook": to_rebook,
        "cancellation-requested": cancellation_requested,
        "advised": advised,
        "declined": declined,
        "redirected": redirected,
        "cancelled": cancelled,
        "entered-in-error": in_error,
    }
    if state == "to-complete":
        return (await draft(db, **options))[0]
    if state in timed:
        return await timed[state](db, clock, **options)
    return await plain[state](db, **options)


async def look(db: Database, task: str, actor: Actor = SYSTEM) -> Any:
    """The row of a Task."""
    async with db.transaction(actor) as tx:
        return await queries.visible_task(tx, task)


async def thread(db: Database, task: str) -> Any:
    """All that was written about a Task."""
    async with db.transaction(SYSTEM) as tx:
        return await referrals.thread(tx, await queries.visible_task(tx, task))


async def children(db: Database, task: str, code: str) -> list[Any]:
    """The child Tasks of one kind."""
    return [row for row in (await thread(db, task))["referral_child"] if row["code"] == code]


async def request_of(db: Database, task: str) -> Any:
    """The row of the request of a Task."""
    async with db.transaction(SYSTEM) as tx:
        return await referrals.visible_request(tx, (await queries.task(tx, task))["request_id"])


async def refused(db: Database, actor: Actor, verb: Any, task: str, family: type[MaillageError], **values: Any) -> MaillageError:
    """The error of a verb that must be refused; nothing of the Task changes."""
    before = await look(db, task)
    with pytest.raises(family) as caught:
        await act(db, actor, verb, task, **values)
    assert await look(db, task) == before
    return caught.value


async def told(db: Database, task: str) -> list[tuple[str, str, str | None]]:
    """(event, organisation, role) of the notifications about a Task, sorted."""
    async with db.transaction(SYSTEM) as tx:
        rows = await tx.fetch("SELECT event, organization_id, coalesce(role_id, role) AS who FROM notification WHERE focus_id = $1", task)
    return sorted((row["event"], row["organization_id"], row["who"]) for row in rows)


async def intervals(db: Database, task: str) -> list[tuple[str, datetime, datetime]]:
    """(kind, start, end) of the patient's part."""
    return [(row["kind"], row["starts"], row["ends"]) for row in (await thread(db, task))["patient_interval"]]


async def ledger(db: Database, task: str) -> list[tuple[str, str, str | None]]:
    """(step, reason, resolution) of the lines of the capacity ledger."""
    return [(row["step"], row["reason"], row["resolution"]) for row in (await thread(db, task))["capacity_failure"]]


async def last_status(db: Database, task: str) -> Any:
    """The last status row."""
    return (await thread(db, task))["referral_status"][-1]


async def photograph(db: Database, kind: str, id: str, actor: Actor = SYSTEM) -> dict[str, Any]:
    """The current photograph of a resource, as this actor sees it."""
    async with db.transaction(actor) as tx:
        content: dict[str, Any] = json.loads((await record.read(tx, kind, id, access.visible_to(actor, kind))).content)
    return content
