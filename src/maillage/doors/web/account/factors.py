"""« Mes moyens de connexion »: password, keys, codes. Every change asks for a fresh proof, is audited, and ends the other sessions."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

import segno
from starlette.responses import Response

from maillage.access import identity
from maillage.access.identity import WebSession
from maillage.doors.edge import Limit
from maillage.doors.web.account import proving
from maillage.doors.web.account.fields import CODE, KEY_NAME, NEW_PASSWORD
from maillage.doors.web.account.own import own_session
from maillage.doors.web.forms import Field, redisplay, summary
from maillage.doors.web.pages import OWN, get, post
from maillage.doors.web.view import View
from maillage.kernel.errors import Invalid, NotAllowed, NotFound

ENROL = timedelta(minutes=30)


def qr_code(text: str) -> str:
    """The picture of an address for an authenticator application, as the source of an image: black on white, whatever the theme."""
    return str(segno.make(text, error="m").svg_data_uri(scale=5, dark="#000", light="#fff", border=4))


def totp_question(view: View, login: str) -> dict[str, str]:
    """A new time-based secret: sealed for the form, as text, as a picture. It is kept by nobody until a first code comes back."""
    sealed = view.given("secret")
    secret = open_totp(view, login, sealed) if sealed else identity.new_totp_secret()
    again = sealed or view.door.sealer.pack(secret, f"new totp {login}", view.tx.now + ENROL)
    grouped = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"sealed": again, "text": grouped, "picture": qr_code(identity.totp_address(secret, login))}


def open_totp(view: View, login: str, sealed: str) -> str:
    """The secret that a form carries sealed. Raises `Unauthenticated` when it is not ours or too old."""
    return str(view.door.sealer.unpack(sealed, f"new totp {login}", view.tx.now))


async def key_question(view: View, login: str, display: str) -> str:
    """What the browser is asked to make a key, as JSON."""
    known = [line.key.credential_id for line in await identity.keys_of(view.tx, login)]
    challenge = view.door.sealer.challenge(f"new key {login}", view.tx.now)
    return identity.registration_options(proving.party(view), login, display, challenge, known)


async def add_key(view: View, login: str) -> None:
    """Keep the key that the form brings. Raises `Invalid`."""
    answer = view.given("key")
    challenge = identity.challenge_in(answer)
    if not view.door.sealer.is_challenge(challenge, f"new key {login}", view.tx.now, proving.CHALLENGE_LIFETIME):
        raise Invalid.one("key-refused", "key")
    made = identity.registered_key(proving.party(view), answer, challenge)
    await identity.spend(view.tx, challenge, proving.CHALLENGE_LIFETIME)
    await identity.add_key(view.tx, login, made, view.given("name"))


async def show_factors(view: View) -> Response:
    """What one signs in with."""
    session = own_session(view)
    found = await identity.factors_of(view.tx, session.login)
    return view.page(
        "account/templates/factors.html",
        "Mes moyens de connexion",
        found=found,
        method=session.method,
        names=[_id(line.key) for line in found.keys],
    )


def _id(key: identity.Key) -> str:
    return base64.urlsafe_b64encode(key.credential_id).decode().rstrip("=")


def _changing(view: View) -> WebSession:
    """The session of somebody who showed a factor lately and may have factors here."""
    session = view.require_fresh()
    if session.method == "demo":
        raise NotAllowed("demo-account")
    return session


async def show_add(view: View) -> Response:
    """A key first, else codes."""
    session = _changing(view)
    fields = redisplay((KEY_NAME, CODE), view.rejected)
    return view.page(
        "account/templates/add_factor.html",
        "Ajouter un moyen de connexion",
        options=await key_question(view, session.login, session.actor.display),
        totp=totp_question(view, session.login),
        fields={field.name: field for field in fields},
        problems=summary(view.rejected, fields),
        csrf=session.csrf,
        action="/compte/facteurs/ajouter",
    )


async def add(view: View) -> Response:
    """Keep a new factor; where there was no way back yet, recovery codes come with it."""
    session = _changing(view)
    if view.given("key"):
        await add_key(view, session.login)
    else:
        secret = open_totp(view, session.login, view.given("secret"))
        await identity.set_totp(view.tx, session.login, secret, view.given("code"), view.door.sealer)
    await identity.revoke_others(view.tx, session.login, session.id)
    return view.go("/compte/facteurs", "factor-added")


async def remove_key(view: View) -> Response:
    """Forget a key."""
    session = _changing(view)
    try:
        credential = base64.urlsafe_b64decode(view.given("id") + "==")
    except (binascii.Error, ValueError) as error:
        raise NotFound("Key") from error
    await identity.remove_key(view.tx, session.login, credential)
    await identity.revoke_others(view.tx, session.login, session.id)
    return view.go("/compte/facteurs", "factor-removed")


async def remove_totp(view: View) -> Response:
    """Forget the time-based codes."""
    session = _changing(view)
    await identity.remove_totp(view.tx, session.login)
    await identity.revoke_others(view.tx, session.login, session.id)
    return view.go("/compte/facteurs", "factor-removed")


async def renew_codes(view: View) -> Response:
    """New recovery codes, shown this once; the former ones are worth nothing."""
    session = _changing(view)
    made = await identity.new_recovery_codes(view.tx, session.login)
    return view.page("account/templates/recovery.html", "Codes de secours", codes=made, onward="/compte/facteurs")


_CURRENT = Field("current", "Mot de passe actuel", "password", required=True, autocomplete="current-password")


async def show_password(view: View) -> Response:
    """A new password."""
    session = _changing(view)
    fields = redisplay((_CURRENT, NEW_PASSWORD), view.rejected)
    return view.page(
        "account/templates/password.html",
        "Changer de mot de passe",
        who="",
        login=session.login,
        fields=fields,
        problems=summary(view.rejected, fields),
        csrf=session.csrf,
        action="/compte/mot-de-passe",
    )


async def change_password(view: View) -> Response:
    """Check the present one, keep the new one, end the other sessions."""
    session = _changing(view)
    login, wanted = session.login, view.values.get("password", "")
    try:
        await proving.count_attempt(view, login)
    except NotAllowed as error:
        return proving.too_soon(view, error)
    async with view.door.db.transaction(session.actor, lazy=True) as tx:
        kept = await identity.password_of(tx, login)
    if not await identity.password_matches(kept, view.values.get("current", "")):
        await proving.note_failure(view, login, "password-change-failed")
        raise Invalid.one("login-refused", "current")
    if problem := identity.password_problem(wanted, (login, session.actor.display)):
        raise Invalid.one(problem, "password")
    hashed = await identity.hash_password(wanted)
    await identity.forget_attempts(view.tx, login, view.address)
    await identity.set_password(view.tx, login, hashed)
    await identity.revoke_others(view.tx, login, session.id)
    return view.go("/compte/facteurs", "password")


PAGES = (
    get("/compte/facteurs", show_factors, on=OWN),
    get("/compte/facteurs/ajouter", show_add, on=OWN),
    post("/compte/facteurs/ajouter", add, again=show_add, once=False, on=OWN),
    post("/compte/facteurs/cle/fin", remove_key, once=False, on=OWN),
    post("/compte/facteurs/code/fin", remove_totp, once=False, on=OWN),
    post("/compte/facteurs/secours", renew_codes, once=False, on=OWN),
    get("/compte/mot-de-passe", show_password, on=OWN),
    post("/compte/mot-de-passe", change_password, again=show_password, once=False, lazy=True, limit=Limit.LOGIN, on=OWN),
)
