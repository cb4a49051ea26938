"""A session held today: a visit is marked as seen on the day of its appointment, never before."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from maillage.cli.output import PROBLEM, Failure
from maillage.cli.scenario.client import Client, Resource, parameters
from maillage.kernel.clock import SystemClock
from maillage.kernel.period import PARIS

SERVICE, SITE, ROLE = "percy-hge", "site-clamart-soins", "clamart-hge-castanier"
"""Where the scenario takes place."""
ROOMS = ("clamart-soins-salle-vacation-2", "clamart-soins-salle-vacation-1")
LENGTH = timedelta(minutes=40)
MARGIN = timedelta(minutes=2)
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREE = f"Slot/$find?services={SERVICE}&sites={SITE}&priority=urgent&limit=3"


def slot_of_today(town: Client, hospital: Client) -> Resource:
    """The first free slot of today at the centre, of a session that the hospital opens when there is none. Raises `Failure`."""
    _let_the_day_begin()
    found = _free_today(hospital)
    if found is None:
        _open_session(town, hospital)
        found = _free_today(hospital)
    if found is None:
        raise Failure(f"no free slot of {SERVICE} today at {SITE}", PROBLEM)
    hospital.note("premiers créneaux libres de la vacation au centre", "GET", FREE, 200, found)
    return found


def _now() -> datetime:
    return SystemClock().now().astimezone(PARIS)


def _let_the_day_begin() -> None:
    """Too late for a visit today: wait for midnight, a few minutes at most."""
    while (_now() + 2 * MARGIN + LENGTH).date() != _now().date():
        time.sleep(5)


def _free_today(hospital: Client) -> Resource | None:
    """The first one that does not start in the next moments."""
    for entry in hospital.get(FREE).get("entry", ()):
        slot: Resource = entry["resource"]
        start = datetime.fromisoformat(slot["start"]).astimezone(PARIS)
        if start.date() == _now().date() and start > _now() + MARGIN / 2:
            return slot
    return None


def _open_session(town: Client, hospital: Client) -> None:
    """A session of forty minutes, from the first minute at which practitioner and room are free."""
    start = _now() + 2 * MARGIN
    while (start + LENGTH).date() == _now().date():
        for room in ROOMS:
            if open_session(town, hospital, start, room):
                return
        start += LENGTH / 2


def open_session(town: Client, hospital: Client, start: datetime, room: str) -> bool:
    """Make a vacation of this one day, plan it, let the centre confirm its room, publish it; whether its slots are open."""
    day = start.date().isoformat()
    asked = {
        "practitioner-role": f"PractitionerRole/{ROLE}",
        "service": f"HealthcareService/{SERVICE}",
        "site": f"Location/{SITE}",
        "room": f"Location/{room}",
        "starts": f"{start:%H:%M}:00",
        "ends": f"{start + LENGTH:%H:%M}:00",
        "rrule": f"FREQ=WEEKLY;BYDAY={DAYS[start.weekday()]}",
        "valid-from": day,
        "valid-to": day,
        "slot-minutes": 10,
    }
    made = hospital.call("POST", "Schedule/$create-vacation", parameters(asked))
    if not made.is_success:
        return False
    vacation = f"Schedule/{made.json()['id']}"
    planned = _played(hospital, vacation, "plan", start=day, end=day)
    session = _session_of(hospital, vacation) if planned else None
    return session is not None and _played(town, session, "confirm-room") and _played(hospital, session, "publish")


def _played(client: Client, schedule: str, verb: str, **values: str) -> bool:
    version = client.get(schedule)["meta"]["versionId"]
    return client.call("POST", f"{schedule}/${verb}", parameters(values), if_match=f'W/"{version}"').is_success


def _session_of(hospital: Client, vacation: str) -> str | None:
    for entry in hospital.get("Schedule?_sort=-_lastUpdated&_count=50").get("entry", ()):
        schedule: Resource = entry["resource"]
        parts = [part for extension in schedule.get("extension", ()) for part in extension.get("extension", ())]
        if any(part.get("valueReference", {}).get("reference") == vacation for part in parts):
            return f"Schedule/{schedule['id']}"
    return None
