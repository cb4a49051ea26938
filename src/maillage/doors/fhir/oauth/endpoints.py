"""The three endpoints. What is refused is audited and tells nothing: the same answer for an unknown client, a wrong key and a disabled client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from maillage import record
from maillage.access.clients import actions, queries
from maillage.access.clients.identity_token import Signer
from maillage.access.clients.types import Client
from maillage.doors.fhir.http import Receive, Request, Response
from maillage.doors.fhir.oauth.clients import Desk, authenticated
from maillage.doors.fhir.oauth.forms import REFUSED, Form, OAuthError, read_form, required, told, told_error
from maillage.doors.fhir.oauth.grants import AUDIT_KIND, GRANTS, KIND, acting, app
from maillage.doors.fhir.oauth.keys import Fetch, PublishedKeys
from maillage.doors.fhir.problems import MethodNotAllowed, UnknownPlace
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Unauthenticated
from maillage.store import Database, Transaction

Endpoint = Callable[[Transaction, Form, Desk], Awaitable[Response]]


class OAuth:
    """The endpoints over a database. They write no token and no assertion into any log."""

    def __init__(self, db: Database, signer: Signer, fetch: Fetch | None = None) -> None:
        self.db, self._signer = db, signer
        self._keys = PublishedKeys(db, fetch) if fetch else None

    async def answer(self, request: Request, receive: Receive) -> Response:
        """Answer one request under `oauth/`."""
        endpoint = ENDPOINTS.get(request.path[1:])
        if endpoint is None:
            raise UnknownPlace
        if request.method != "POST":
            raise MethodNotAllowed(("POST",))
        desk = Desk(request.base, request.certificate, self._signer)
        try:
            form = await read_form(request, receive)
            return await self._run(endpoint, form, desk, request)
        except OAuthError as error:
            return told_error(error)
        except Unauthenticated as error:
            await self._audit(request, error)
            return told_error(OAuthError("invalid_client", REFUSED))

    async def _run(self, endpoint: Endpoint, form: Form, desk: Desk, request: Request) -> Response:
        """An error of the protocol comes after the client was authenticated: its assertion stays spent. No connection is held while keys are fetched."""
        keys, told_by = self._keys, {"request_id": request.id, "origin": request.origin}

        async def first(tx: Transaction) -> Response | Client:
            return (await keys.wanted(tx, form) if keys else None) or await work(tx)

        async def work(tx: Transaction) -> Response:
            try:
                return await endpoint(tx, form, desk)
            except OAuthError as error:
                return told_error(error)

        answer = await self.db.run(SYSTEM, first, **told_by)
        if isinstance(answer, Response):
            return answer
        if keys:
            await keys.renew(answer)
        return await self.db.run(SYSTEM, work, **told_by)

    async def _audit(self, request: Request, error: Unauthenticated) -> None:
        async with self.db.transaction(Actor("client", "nobody", ()), request_id=request.id, origin=request.origin) as tx:
            await record.audit(tx, "E", AUDIT_KIND, verb=f"login-{error.reason}:{error.extra.get('why', '')}"[:64], outcome="4")


async def token(tx: Transaction, form: Form, desk: Desk) -> Response:
    """A token of five minutes."""
    grant = GRANTS.get(required(form, "grant_type"))
    if grant is None:
        raise OAuthError("unsupported_grant_type")
    return await grant(tx, form, desk)


async def _owner(tx: Transaction, form: Form, desk: Desk) -> Client:
    """Whoever brings a token back: software or an app with its proof, an app without by its name."""
    return await (authenticated if "client_assertion" in form else app)(tx, form, desk)


async def revoke(tx: Transaction, form: Form, desk: Desk) -> Response:
    """End a token of the client's own. The answer is the same when there was none (RFC 7009)."""
    client = await _owner(tx, form, desk)
    await actions.end_token(tx, client.name, required(form, "token"))
    await record.audit(acting(tx, client), "E", AUDIT_KIND, verb="token-revoked")
    return told({})


async def introspect(tx: Transaction, form: Form, desk: Desk) -> Response:
    """What a client is told of its own tokens; of others' only that they are not active (RFC 7662)."""
    client = await authenticated(tx, form, desk)
    row = await queries.live_token(tx, client.name, required(form, "token"))
    if row is None:
        return told({"active": False})
    about = {
        "active": True,
        "client_id": client.name,
        "scope": " ".join(row["scopes"]),
        "iat": int(row["created_at"].timestamp()),
        "exp": int(row["expires_at"].timestamp()),
        "token_type": KIND,
        **({"cnf": {"x5t#S256": row["certificate"]}} if row["certificate"] else {}),
        **({"patient": row["patient"]} if row["patient"] else {}),
    }
    return told(about)


ENDPOINTS: dict[tuple[str, ...], Endpoint] = {("token",): token, ("revoke",): revoke, ("introspect",): introspect}
