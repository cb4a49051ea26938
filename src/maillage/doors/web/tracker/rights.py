"""What a patient says and asks beside the appointment: no news, not free, how to be told, what may be shared, and who looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

from starlette.responses import Response

from maillage import journeys, messaging, record
from maillage.access import choices
from maillage.access.types import STRONG
from maillage.doors.web import places
from maillage.doors.web.catalogue import say, word
from maillage.doors.web.choices.forms import end_of
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import get, post
from maillage.doors.web.tracker import why
from maillage.doors.web.tracker.pages import csrf_of, load, own_page, play
from maillage.doors.web.view import View
from maillage.kernel.errors import Conflict, Invalid, Malformed, NotFound
from maillage.kernel.period import wall_to_utc

FROM = Field("de", "Premier jour où vous n’êtes pas libre", "date", True)
UNTIL = Field("jusque", "Jusqu’à quel jour ?", "date", True, "Vous pouvez retirer votre accord avant.")
TO = Field("a", "Dernier jour", "date", True)
QUESTIONS = (choices.MESSAGES, choices.READING, choices.EMERGENCY, choices.FEEDING)
YES, NO = "oui", "non"


async def _task(view: View) -> str:
    own = await load(view)
    if own.task is None:
        raise Conflict("nothing-to-answer")
    return str(own.task["id"])


async def say_no_news(view: View) -> Response:
    """The patient hears nothing: whoever holds the turn has one working day."""
    await play(view, "Task", await _task(view), "say-no-news", any_version=True)
    return view.go(own_page(view), "say-no-news")


async def show_away(view: View) -> Response:
    """When the patient is not free."""
    await _task(view)
    fields = redisplay((FROM, TO), view.rejected)
    return view.page(
        "tracker/templates/away.html",
        "Je ne suis pas libre",
        own_page=own_page(view),
        csrf=csrf_of(view),
        fields=fields,
        problems=summary(view.rejected, fields),
    )


async def note_away(view: View) -> Response:
    """Keep it: no date is proposed then, and the wait of these days is the patient's."""
    reader = Reader(view.values)
    first, last = reader.read(FROM), reader.read(TO)
    if first and last and last < first:
        reader.fail("a", "period-ends-before-start")
    reader.done()
    start, end = max(wall_to_utc(first, time(0)), view.tx.now), wall_to_utc(last, time(23, 59))
    if end <= view.tx.now:
        raise Invalid.one("starts-in-past", "a")
    await play(view, "Task", await _task(view), "declare-unavailable", any_version=True, start=start, end=end)
    return view.go(own_page(view), "declare-unavailable")


async def show_choices(view: View) -> Response:
    """Each question with its two answers, the same size; how to be told; and what was agreed to with somebody named."""
    known = await choices.own_choices(view.tx)
    refused = {one.act for one in known if not one.is_consent and one.target.scope == "general"}
    names = await places.organizations(view.tx)
    named = [one for one in known if one.is_consent or one.target.scope != "general"]
    await record.audit(view.tx, "R", "Consent", patient=view.actor.id, verb="read")
    return view.page(
        "tracker/templates/choices.html",
        "Mes choix",
        own_page=own_page(view),
        csrf=csrf_of(view),
        whole=view.actor.assurance in STRONG,
        questions=[(act, say(f"own.choice.{act}"), say(f"own.choice.{act}.why"), act in refused) for act in QUESTIONS],
        named=[
            (
                one.id,
                word("choice", one.act),
                names[one.target.organization].name if one.target.organization in names else "",
                one.is_consent,
            )
            for one in named
        ],
        channels=[(code, say(f"own.channel.{code}")) for code in messaging.PATIENT_CHANNELS],
        chosen=await messaging.chosen_channel(view.tx, view.actor.id),
    )


async def choose(view: View) -> Response:
    """Yes or no, at once."""
    act, answer, tx = view.given("act"), view.given("reponse"), view.tx.beyond()
    if act not in QUESTIONS or answer not in (YES, NO):
        raise Malformed.one("not-a-form")
    general = [one for one in await choices.own_choices(view.tx) if one.act == act and not one.is_consent and one.target.scope == "general"]
    if answer == YES:
        for one in general:
            await journeys.revoke(tx, one.id, said_by="patient")
    elif not general:
        await journeys.oppose(tx, view.actor.id, act=act, said_by="patient")
    return view.go(f"{own_page(view)}/choix", "own-choice")


async def show_agreement(view: View) -> Response:
    """To whom, until when: nothing is chosen beforehand (GDPR 7)."""
    fields = redisplay(await _agreement(view), view.rejected)
    return view.page(
        "tracker/templates/agreement.html",
        "Donner un accord",
        own_page=own_page(view),
        csrf=csrf_of(view),
        fields=fields,
        problems=summary(view.rejected, fields),
    )


async def _agreement(view: View) -> tuple[Field, Field]:
    houses = (await places.organizations(view.tx)).values()
    return Field("lieu", "À quel lieu de soins ?", "select", True, choices=tuple(Choice(one.id, one.name) for one in houses)), UNTIL


async def agree(view: View) -> Response:
    """The patient agrees that a house outside the care team reads; it ends that day, or when the patient says so."""
    place, until = await _agreement(view)
    reader = Reader(view.values)
    organization, last = reader.read(place), reader.read(until)
    reader.done()
    try:
        await journeys.consent(view.tx.beyond(), view.actor.id, organization=organization, ends=end_of(last), said_by="patient")
    except Invalid as error:
        raise Invalid.one(error.reason, until.name) from error
    return view.go(f"{own_page(view)}/choix", "own-choice")


async def withdraw(view: View) -> Response:
    """Take back what was agreed to or refused with somebody named, at once."""
    mine = {one.id for one in await choices.own_choices(view.tx)}
    if view.path("choice") not in mine:
        raise NotFound("Consent", view.path("choice"))
    await journeys.revoke(view.tx.beyond(), view.path("choice"), said_by="patient")
    return view.go(f"{own_page(view)}/choix", "own-choice")


async def choose_channel(view: View) -> Response:
    """SMS, e-mail, or a voice."""
    if view.given("canal") not in messaging.PATIENT_CHANNELS:
        raise Malformed.one("not-a-form")
    await messaging.choose_channel(view.tx, view.actor.id, view.given("canal"))
    return view.go(f"{own_page(view)}/choix", "own-choice")


async def show_accesses(view: View) -> Response:
    """Who looked at this request: name, job, house, when and why (CSP L1111-7, GDPR 15); at the whole record after a strong sign-in."""
    found, cut = await why.looks(view)
    whole = view.actor.assurance in STRONG
    return view.page(
        "tracker/templates/accesses.html",
        "Qui a regardé",
        own_page=own_page(view),
        whole=whole,
        followed=whole or any(kind in ("Task", "Appointment") for kind, _ in view.actor.only),
        accesses=found,
        asked=await why.asked(view),
        cut=cut,
    )


PAGES = tuple(
    replace(page, patient=True)
    for page in (
        post("/suivi/{visit:id}/sans-nouvelles", say_no_news, on="Task"),
        get("/suivi/{visit:id}/absence", show_away, on="Task"),
        post("/suivi/{visit:id}/absence", note_away, again=show_away, on="Task"),
        get("/suivi/{visit:id}/choix", show_choices, on="Consent"),
        post("/suivi/{visit:id}/choix", choose, on="Consent"),
        post("/suivi/{visit:id}/choix/{choice:id}/fin", withdraw, on="Consent"),
        get("/suivi/{visit:id}/accord", show_agreement, on="Consent"),
        post("/suivi/{visit:id}/accord", agree, again=show_agreement, on="Consent"),
        post("/suivi/{visit:id}/canal", choose_channel, on="Consent"),
        get("/suivi/{visit:id}/acces", show_accesses, on="AuditEvent"),
    )
)
