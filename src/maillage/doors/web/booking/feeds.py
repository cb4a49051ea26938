"""The agenda feed: a link for an agenda programme, with the vacations of one's place and without any name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from maillage import access, booking
from maillage.access import policy
from maillage.doors.edge import Limit
from maillage.doors.web import places
from maillage.doors.web.booking.presenters import session_word
from maillage.doors.web.calendars import Event, calendar
from maillage.doors.web.catalogue import say
from maillage.doors.web.forms import Choice, Field, Reader, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.view import View
from maillage.kernel.actor import Actor
from maillage.kernel.errors import NotFound, Unauthenticated

BEFORE, AHEAD = timedelta(days=30), timedelta(days=180)
_KIND = "text/calendar; charset=utf-8"


def _site_field(sites: dict[str, Any]) -> Field:
    choices = tuple(Choice(id, place.name) for id, place in sites.items())
    return Field("site", say("feed.site"), "select", choices=choices, empty=say("feed.every-site"), marked=False)


def _session(view: View) -> access.WebSession:
    if view.session is None:
        raise Unauthenticated("session-ended")
    return view.session


async def show_feeds(view: View, made: str = "") -> Response:
    """One's links, and the form of a new one; the address of a new one is shown this once."""
    sites = await places.sites(view.tx)
    [field] = redisplay([_site_field(sites)], view.rejected)
    origin = view.door.site.base_url or f"{view.request.url.scheme}://{view.request.url.netloc}"
    return view.page(
        "booking/templates/feeds.html",
        say("feed.title"),
        feeds=[
            (feed, sites[feed.site_id].name if feed.site_id in sites else "")
            for feed in await access.feeds_of(view.tx, _session(view).login)
        ],
        field=field,
        made=f"{origin}/agenda/{made}/vacations.ics" if made else "",
        errors=summary(view.rejected, [field]),
    )


async def show_again(view: View) -> Response:
    """The page with what is wrong."""
    return await show_feeds(view)


async def make_feed(view: View) -> Response:
    """A link, shown once: a copy of this page is the only place that has it."""
    reader = Reader(view.values)
    site = reader.read(_site_field(await places.sites(view.tx)))
    reader.done()
    return await show_feeds(view, await access.open_feed(view.tx, _session(view), site))


async def end_feed(view: View) -> Response:
    """End a link."""
    await access.close_feed(view.tx, _session(view).login, view.path("id"))
    return view.go("/agenda", "feed-ended")


async def give_feed(view: View) -> Response:
    """The feed itself, for whoever has its link: found by its hash, read with the eyes of who made it."""
    actor, feed = await access.feed_behind(view.tx, view.path("token"))
    if policy.view(actor, "Schedule") == policy.NOTHING:
        raise NotFound("calendar-feed")
    rows = await booking.sessions(
        view.tx.acting_as(actor),
        start=view.tx.now - BEFORE,
        end=view.tx.now + AHEAD,
        sites=[feed.site_id] if feed.site_id else None,
    )
    mine = [row for row in rows if _concerns(row, actor)]
    return Response(calendar("maillage", await _events(view, mine), view.tx.now), media_type=_KIND)


async def give_one(view: View) -> Response:
    """One vacation as an event."""
    row = await booking.get_session(view.tx, view.path("id"))
    made = calendar("maillage", await _events(view, [{**dict(row), "free": None}]), view.tx.now)
    return Response(made, media_type=_KIND, headers={"Content-Disposition": 'attachment; filename="vacation.ics"'})


def _concerns(row: Any, actor: Actor) -> bool:
    """A clinician's own vacations; for anybody else those that the place sends or receives."""
    if actor.is_one_of("medecin", "sage-femme", "biologiste", "dentiste"):
        return bool(row["practitioner_role_id"] == actor.role_id)
    return bool({row["owner_org"], row["host_org"]} & set(actor.organizations))


async def _events(view: View, rows: list[Any]) -> list[Event]:
    sites, services = await places.sites(view.tx), await places.services(view.tx)
    found = []
    for row in rows:
        service, site = services.get(row["healthcare_service_id"]), sites.get(row["location_id"])
        taken = (
            ""
            if row["free"] is None
            else say("feed.places", taken=row["booked"] + row["held"], all=row["free"] + row["booked"] + row["held"])
        )
        text = ". ".join(part for part in (session_word(row["status"]), taken) if part)
        title = say("feed.event", service=service.name.partition(",")[0] if service else "")
        off = row["status"] == "cancelled"
        found.append(Event(row["id"], row["version"], row["starts_at"], row["ends_at"], title, site.name if site else "", text, off))
    return found


PAGES = (
    get("/agenda", show_feeds, on=OWN),
    post("/agenda", make_feed, again=show_again, once=False, on=OWN),
    post("/agenda/{id:id}/fin", end_feed, on=OWN),
    get("/agenda/{token:seal}/vacations.ics", give_feed, public=True, bare=True, limit=Limit.LOGIN),
    get("/vacations/{id:id}/vacation.ics", give_one, on="Schedule"),
)
