"""Every form, from the routes and from the verbs: each is refused with a bad answer by a test of this folder, or it is said why there is nothing to refuse.

What must be said of a refused form is in `tests/support/refusals.py`.
"""

from __future__ import annotations

import re
from collections import Counter

import httpx
import pytest
from tests.doors.forms import (
    test_forms_of_accounts,
    test_forms_of_compose,
    test_forms_of_own_pages,
    test_forms_of_patients,
    test_forms_of_requests,
    test_forms_of_simulation,
    test_forms_of_vacations,
)
from tests.journeys.conftest import opened_territory
from tests.support.form_pages import Node, controls, tree, written
from tests.support.furnished import furnish, starts
from tests.support.refusals import Refused, lacks, send
from tests.support.routes import pages
from tests.support.walking import walk
from tests.support.web import Visitor, make_door, visiting

from maillage import journeys
from maillage.doors.web import verbs
from maillage.doors.web.referrals.forms import SILENT
from maillage.store import Database

FILL = opened_territory
PROVED = (
    test_forms_of_accounts,
    test_forms_of_compose,
    test_forms_of_own_pages,
    test_forms_of_patients,
    test_forms_of_requests,
    test_forms_of_simulation,
    test_forms_of_vacations,
)
NOTHING = {
    "a button, and nothing to answer": (
        *("/deconnexion", "/compte/sessions/autres/fin", "/compte/sessions/{id:id}/fin", "/compte/facteurs/cle/fin", "/compte/facteurs/code/fin"),
        *("/compte/facteurs/secours", "/comptes/fin", "/notifications/lues", "/notifications/{kind:id}/{id:id}", "/agenda/{id:id}/fin"),
        *("/services/{id:id}/relais/{cover:id}/fin", "/patients/{id:id}/restrictions/{label:id}/fin", "/planification/{id:id}/arret"),
        *("/patients/identites/{first:id}/{second:id}/distincts", "/patients/identites/{source:id}/annulation", "/demandes/{id:id}/lire"),
        *("/demandes/{id:id}/pieces/{piece:id}/retirer", "/simulation/scenario/{id:id}/retirer", "/simulation/{id:id}/arreter"),
        *("/partenaires/installations", "/partenaires/{client}/envois", "/partenaires/{client}/abonnements", "/compte/applications/{id:id}"),
        *("/patients/{id:id}/applications/{client:id}", "/p/{token:link}/nouveau", "/suivi/{visit:id}/venir", "/suivi/{visit:id}/oui"),
        *("/suivi/{visit:id}/fermer", "/suivi/{visit:id}/sans-nouvelles", "/suivi/{visit:id}/choix/{choice:id}/fin"),
        *("/suivi/{visit:id}/connexion/fin", "/demandes/{id:id}/lien/retrait", "/rendez-vous/{id:id}/lien/retrait"),
    ),
    "one of several buttons, and no other answer": (
        *("/connexion", "/connexion/exercice", "/compte/exercice", "/simulation/{id:id}/encore", "/demandes/{id:id}/lien", "/rendez-vous/{id:id}/lien"),
        *("/suivi/{visit:id}/dates", "/suivi/{visit:id}/non", "/suivi/{visit:id}/annuler", "/suivi/{visit:id}/choix", "/suivi/{visit:id}/canal"),
    ),
}  # fmt: skip
"""Where there is nothing to refuse, and why: no field that a person fills."""
OWN_ROUTE = {"send", "update-vacation", "add-exception", "plan"}
"""Verbs that are asked by a form of their own route, proved there."""
ROLES = (
    "planification-percy",
    "medecin-clamart",
    "secretaire-clamart",
    "hge-percy",
    "referent-hge",
    "gestionnaire-clamart",
    "direction-percy",
)
_ROUTES = [(page.path, re.compile(re.sub(r"\{\w+(?::\w+)?\}", r"[^/]+", page.path))) for page in pages("POST")]


def nothing() -> list[str]:
    return [path for paths in NOTHING.values() for path in paths]


def test_every_route_that_takes_a_form_is_refused_somewhere_or_has_nothing_to_refuse() -> None:
    said = Counter([*nothing(), *(path for module in PROVED for path in module.ROUTES)])
    assert sorted(said) == sorted(page.path for page in pages("POST"))
    assert [path for path, times in said.items() if times > 1] == []


def test_every_verb_that_asks_something_is_refused_somewhere() -> None:
    asking = {
        (one.type, one.name)
        for one in journeys.OPERATIONS
        if one.type in ("Task", "Schedule", "Appointment")
        and one.on_instance
        and one.writes
        and verbs.fields(one)
        and one.name not in SILENT
    }
    of_requests = {*test_forms_of_requests.VERBS, *test_forms_of_compose.FOLLOW_UPS, *test_forms_of_compose.ELSEWHERE}
    proved = {
        *(("Task", verb) for verb in of_requests),
        *(("Schedule", verb) for verb in test_forms_of_vacations.SESSIONS),
        *(("Appointment", verb) for verb in test_forms_of_vacations.VISITS),
    }
    assert {verb for verb in asking if verb[1] not in OWN_ROUTE} == proved


NONSENSE = {
    "date": "31/02/2026",
    "time": "25:61",
    "number": "douze",
    "radio": "rien-de-tel",
    "checkbox": "rien-de-tel",
    "select": "rien-de-tel",
}
TOO_LONG = "trop long " * 700


@pytest.mark.asyncio
async def test_every_form_that_is_reached_says_where_it_was_answered_with_nonsense_and_the_others_ask_nothing(db: Database) -> None:
    await furnish(db)
    door, first, wrong, silent = make_door(db), await starts(db), dict[str, list[str]](), set(nothing())
    for role in ROLES:
        async with visiting(door, role) as visitor:
            for form in await forms(visitor, first):
                action = form.attrs["action"]
                if not questions(form) or action in wrong:
                    continue
                wrong[action] = ["is said to ask nothing"] if route_of(action) in silent else await told(visitor, form, action)
    assert {action: lacking for action, lacking in wrong.items() if lacking} == {}
    assert len(wrong) > 30, sorted(wrong)


async def forms(visitor: Visitor, first: list[str]) -> list[Node]:
    """The forms that act, of every page that links lead to from the first ones."""
    found: list[Node] = []

    async def look(address: str) -> httpx.Response:
        page = await visitor.get(address)
        if page.headers.get("content-type", "").startswith("text/html"):
            found.extend(one for one in tree(page.text).all("form") if one.attrs.get("method") == "post")
        return page

    await walk(look, first)
    return found


async def told(visitor: Visitor, form: Node, action: str) -> list[str]:
    """Send what no question means, and a text that is too long; answers what the page that comes back lacks."""
    answers = {one.name: nonsense(one) for one in controls(form) if one.name in questions(form) and one.attrs.get("value") != "true"}
    pairs = written(form, answers)
    return lacks(await send(visitor, form, action, pairs), Refused("", action, answers, ()), pairs)


def nonsense(control: Node) -> str:
    return NONSENSE.get(control.attrs.get("type", control.tag), TOO_LONG)


def route_of(action: str) -> str:
    """The route to which a form is sent."""
    path = action.partition("?")[0]
    return next(route for route, pattern in _ROUTES if pattern.fullmatch(path))


def questions(form: Node) -> list[str]:
    """What a person answers in a form, its buttons apart."""
    return [one.name for one in controls(form) if one.attrs.get("type") != "hidden" and "hidden" not in one.attrs]
