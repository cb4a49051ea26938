"""Asking for a factor and checking it, at sign-in and when a fresh proof is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response

from maillage import record
from maillage.access import identity
from maillage.access.identity import Party, Step
from maillage.doors.web import sessions
from maillage.doors.web.account.presenters import browser_of
from maillage.doors.web.view import View
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Invalid, NotAllowed
from maillage.store import Transaction

STEP_COOKIE = "maillage-etape"
CHALLENGE_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks: the browser's question about keys, as JSON, or nothing; whether a code, and a recovery code, may answer."""

    options: str
    totp: bool
    recovery: bool

    @property
    def anything(self) -> bool:
        """Whether there is a factor to show."""
        return bool(self.options) or self.totp or self.recovery


def party(view: View) -> Party:
    """The site, as keys know it."""
    return Party(view.door.site.origin)


async def what_to_ask(view: View, login: str, purpose: str) -> Asked:
    """The factors of somebody, as a question with a fresh challenge; nothing is written down for it."""
    known = await identity.factors_of(view.tx, login)
    challenge = view.door.sealer.challenge(f"{purpose} {login}", view.tx.now)
    options = identity.authentication_options(party(view), challenge, [line.key.credential_id for line in known.keys]) if known.keys else ""
    return Asked(options, known.totp_at is not None, known.recovery_left > 0)


def nobody(view: View, login: str) -> Actor:
    """Who failed to sign in, for the audit: an alias of what was typed, the same whether or not such an account exists."""
    return Actor("visitor", view.door.sealer.alias(login), ())


async def count_attempt(view: View, login: str) -> None:
    """Count an attempt before anything is checked. Raises `NotAllowed("wait")`, audited, when it comes too early."""
    try:
        async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
            await identity.begin_attempt(tx, login, view.address)
    except NotAllowed:
        await note_failure(view, login, "login-wait")
        raise


def too_soon(view: View, error: NotAllowed) -> Response:
    """Come back later: said the same way for every name, with how long to wait (RFC 6585, 4)."""
    seconds = int(error.extra["seconds"])
    response = view.page("account/templates/wait.html", "Trop d’essais", status=429, seconds=seconds)
    response.headers["Retry-After"] = str(seconds)
    return response


async def note_failure(view: View, login: str, verb: str = "login-failed") -> None:
    """Keep that somebody failed, in a transaction that the failure does not undo."""
    async with view.door.db.transaction(SYSTEM, request_id=view.tx.request_id) as tx:
        await record.audit(tx.acting_as(nobody(view, login)), "E", "Session", verb=verb, outcome="4")


async def check_factor(view: View, tx: Transaction, login: str, purpose: str, *, recovery: bool) -> str:
    """Check the factor that the form shows and use it up; answers its word (`key`, `totp`, `recovery`). Raises `Invalid`."""
    if view.given("key"):
        await _check_key(view, tx, login, purpose)
        return "key"
    if recovery and view.given("recovery"):
        await identity.use_recovery_code(tx, login, view.given("recovery"))
        return "recovery"
    await identity.use_totp(tx, login, view.given("code"), view.door.sealer)
    return "totp"


async def _check_key(view: View, tx: Transaction, login: str, purpose: str) -> None:
    answer = view.given("key")
    challenge, id = identity.challenge_in(answer), identity.credential_in(answer)
    known = {line.key.credential_id: line.key for line in await identity.keys_of(tx, login)}
    ours = view.door.sealer.is_challenge(challenge, f"{purpose} {login}", tx.now, CHALLENGE_LIFETIME)
    if id not in known or not ours:
        raise Invalid.one("key-refused", "key")
    count = identity.shown_key(party(view), answer, challenge, known[id])
    await identity.spend(tx, challenge, CHALLENGE_LIFETIME)
    await identity.used_key(tx, login, id, count)


async def begin_work(view: View, tx: Transaction, step: Step) -> Response:
    """Who this is, is proved: open the session, once the place is chosen among several. Raises `NotAllowed` without any place."""
    places = await identity.exercises(tx, step.login)
    if not places or step.proof is None:
        raise NotAllowed("no-exercise")
    if len(places) > 1:
        secret = await identity.put_step(tx, Step("place", step.login, step.proof, step.back), view.door.sealer)
        response = view.go("/connexion/exercice")
        sessions.put_cookie(response, view.door.site, STEP_COOKIE, secret)
        return response
    return await open_at(view, tx, step, places[0].role_id)


async def open_at(view: View, tx: Transaction, step: Step, role_id: str) -> Response:
    """The session, under a new secret; the one that the browser had ends."""
    if step.proof is None:
        raise NotAllowed("no-exercise")
    if view.secret:
        await identity.sign_out(tx, view.secret)
    secret, _ = await identity.open_session(tx, step.login, role_id, step.proof, browser_of(view.request.headers.get("user-agent", "")))
    response = view.go(step.back or "/")
    sessions.put_cookie(response, view.door.site, sessions.COOKIE, secret)
    sessions.drop_cookie(response, view.door.site, STEP_COOKIE)
    return response
