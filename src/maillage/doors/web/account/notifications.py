"""« Comment je suis prévenu »: by the pages alone, or by a channel too; as things come or once a day; never in one's quiet hours."""

from __future__ import annotations

from datetime import time

from starlette.responses import Response

from maillage import messaging
from maillage.doors.web.account.own import own_session
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.view import View
from maillage.messaging import Setting

AS_IT_COMES, DAILY = "au-fil", "une-fois"
EMAIL = Field("email", "Adresse e-mail professionnelle", "text", maxlength=254, autocomplete="email", inputmode="email")
PHONE = Field("telephone", "Numéro de mobile", "tel", maxlength=24, autocomplete="tel")
RHYTHM = Field(
    "rythme",
    "Quand ?",
    "radio",
    True,
    "Ce qui est très urgent arrive toujours tout de suite.",
    (Choice(DAILY, "Une fois par jour"), Choice(AS_IT_COMES, "Au fil de l’eau")),
)
HOUR = Field("heure", "À quelle heure, une fois par jour", "time")
QUIET_FROM = Field("calme-de", "Heures calmes, de", "time", hint="Aucun message pendant ces heures, sauf très urgent.")
QUIET_TO = Field("calme-a", "à", "time")


def _channel() -> Field:
    return Field(
        "canal",
        "En plus des pages, me prévenir",
        "radio",
        True,
        "Le message dit seulement que quelque chose vous attend : ni nom, ni service, ni motif.",
        tuple(Choice(code, say(f"notify.{code}")) for code in messaging.STAFF_CHANNELS),
    )


def _started(known: Setting) -> list[Field]:
    quiet = known.quiet or (None, None)
    values = {
        "canal": known.channel,
        EMAIL.name: known.email,
        PHONE.name: known.phone,
        RHYTHM.name: AS_IT_COMES if known.digest is None else DAILY,
        **{
            name: f"{at:%H:%M}" if at else ""
            for name, at in zip((HOUR.name, QUIET_FROM.name, QUIET_TO.name), (known.digest, *quiet), strict=True)
        },
    }
    return [field.started(values[field.name]) for field in (_channel(), EMAIL, PHONE, RHYTHM, HOUR, QUIET_FROM, QUIET_TO)]


async def show(view: View) -> Response:
    """What is chosen now."""
    session = own_session(view)
    known = await messaging.setting_of(view.tx, session.actor.role_id or session.actor.id, session.actor.organization)
    fields = redisplay(_started(known), view.rejected)
    return view.page(
        "account/templates/notifications.html", "Comment je suis prévenu", fields=fields, problems=summary(view.rejected, fields)
    )


async def save(view: View) -> Response:
    """Keep it, for this place of work."""
    session = own_session(view)
    actor = session.actor
    await messaging.save_setting(
        view.tx, _read(Reader(view.values), actor.role_id or actor.id, actor.organization, tuple(sorted(actor.roles)))
    )
    return view.go("/compte/notifications", "notifications")


def _read(reader: Reader, role_id: str, organization: str, roles: tuple[str, ...]) -> Setting:
    """The answers. Raises `Invalid` with every error at its field."""
    channel, email, phone = reader.read(_channel()) or "", reader.read(EMAIL) or "", reader.read(PHONE) or ""
    number = messaging.mobile(phone)
    if (email and not messaging.is_email(email)) or (channel == messaging.EMAIL and not email):
        reader.fail(EMAIL.name, "bad-email")
    if (phone and not number) or (channel == messaging.SMS and not phone):
        reader.fail(PHONE.name, "bad-mobile")
    rhythm, hour = reader.read(RHYTHM), reader.read(HOUR)
    first, last = reader.read(QUIET_FROM), reader.read(QUIET_TO)
    if (first is None) != (last is None):
        reader.fail(QUIET_TO.name if last is None else QUIET_FROM.name, "required")
    reader.done()
    digest: time | None = None if rhythm == AS_IT_COMES else hour or time(8)
    return Setting(role_id, organization, roles, channel, email, number, digest, (first, last) if first and last else None)


PAGES = (
    get("/compte/notifications", show, on=OWN),
    post("/compte/notifications", save, again=show, on=OWN),
)
