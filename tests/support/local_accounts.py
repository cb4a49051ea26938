"""Staff with a local account: invited by a link, enrolled with an authenticator application, signed in with password and code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

import httpx
import pyotp
from tests.support.web import SAME_SITE, Visitor, hidden

from maillage.access import identity
from maillage.kernel.actor import SYSTEM
from maillage.store import Database

PASSWORD = "girafe tambour lilas verglas"
ROLE, LOGIN = "clamart-secretaire-taillefer", "regis.taillefer"
_SEALED = re.compile(r'name="secret" value="([^"]+)"')
_SHOWN = re.compile(r'<code class="m-secret">([A-Z2-7 ]+)</code>')
_CODES = re.compile(r'<code class="m-secret">([A-Z2-7-]{27})</code>')


@dataclass(slots=True)
class Staff:
    """What somebody holds: a login, a password, an application, codes on paper."""

    login: str = LOGIN
    password: str = PASSWORD
    totp: str = ""
    codes: list[str] = field(default_factory=list)

    def code(self, now: datetime) -> str:
        return pyotp.TOTP(self.totp).at(now)


async def invite(db: Database, login: str = LOGIN, role: str = ROLE) -> str:
    async with db.transaction(SYSTEM) as tx:
        return await identity.invite(tx, login, role)


async def fill(visitor: Visitor, path: str, **values: str) -> httpx.Response:
    """Send a form of a page where nobody is signed in: it carries the visitor's token."""
    token = hidden(await visitor.get("/connexion"))["_csrf"]
    return await visitor.client.post(path, data={"_csrf": token, **values}, headers=SAME_SITE)


def shown_secret(page: httpx.Response) -> tuple[str, str]:
    """The time-based secret that a page shows, and what its form carries."""
    return _SHOWN.findall(page.text)[0].replace(" ", ""), _SEALED.findall(page.text)[0]


async def enrol(db: Database, visitor: Visitor, now: datetime, login: str = LOGIN, role: str = ROLE) -> Staff:
    """Follow the link to its end: signed in, with codes on paper."""
    staff = Staff(login)
    link = f"/invitation/{await invite(db, login, role)}"
    answer = await fill(visitor, link, password=staff.password)
    assert (answer.status_code, answer.headers["location"]) == (303, "/invitation/second/facteur")
    staff.totp, sealed = shown_secret(await visitor.get("/invitation/second/facteur"))
    done = await fill(visitor, "/invitation/second/facteur", secret=sealed, code=staff.code(now))
    assert done.status_code == 200
    staff.codes = _CODES.findall(done.text)
    return staff


async def sign_in(visitor: Visitor, staff: Staff, now: datetime, **other: str) -> httpx.Response:
    """Password, then the code of the moment or another answer."""
    first = await fill(visitor, "/connexion/mot-de-passe", login=staff.login, password=staff.password)
    if first.status_code != 303:
        return first
    return await fill(visitor, "/connexion/second-facteur", **(other or {"code": staff.code(now)}))
