"""The FHIR door: one ASGI application under `/fhir`. What it answers is committed, its audit rows included, before the first byte leaves."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from maillage import exports, record
from maillage.access import Holder, holder_of_token, policy
from maillage.access.clients.identity_token import Signer
from maillage.access.identity.secret import digest
from maillage.codes.definitions import Definitions
from maillage.codes.json import decode, encode
from maillage.directory import Mode
from maillage.documents import Checks
from maillage.doors import edge
from maillage.doors.fhir import admission, audits, behalf, documentation, interfaces, negotiation, problems
from maillage.doors.fhir.certificates import Certificates
from maillage.doors.fhir.context import Context, Registry
from maillage.doors.fhir.http import (
    FHIR_JSON,
    SECURITY_HEADERS,
    Receive,
    Request,
    Response,
    Send,
    headers_of,
    read_body,
    request_of,
    send_response,
)
from maillage.doors.fhir.interactions.entries import play
from maillage.doors.fhir.interfaces.gate import Gate
from maillage.doors.fhir.negotiation import Wanted
from maillage.doors.fhir.oauth import Fetch, OAuth
from maillage.doors.fhir.oauth.discovery import configuration
from maillage.kernel.actor import SYSTEM, Actor
from maillage.kernel.errors import Issue, MaillageError, Malformed, Unauthenticated, Unavailable
from maillage.kernel.intake import Claim
from maillage.kernel.operations import Operation
from maillage.settings import Settings
from maillage.store import Database, Transaction, idempotency
from maillage.store.blobs import Vault

log = logging.getLogger(__name__)

TOKEN_CACHE = timedelta(seconds=5)
MOST_TOKENS = 1000
NOBODY = Actor(kind="client", id="nobody", organizations=(), display="nobody")
SHOWN = "x-shown"
WELL_KNOWN = {(".well-known", "smart-configuration"), (".well-known", "openid-configuration")}
KEYS = (".well-known", "jwks.json")
PUBLIC = {("metadata",), ("docs",), ("openapi.json",), KEYS, *WELL_KNOWN}
"""What is answered without a token."""


class FhirDoor:
    """`operations`: the verbs of the rooms; `intake`: their claims on written resources; `keys`: how the keys that clients publish are had."""

    def __init__(
        self,
        db: Database,
        *,
        operations: Iterable[Operation] = (),
        intake: Mapping[str, Claim] | Iterable[Claim] = (),
        settings: Settings | None = None,
        mode: Mode | None = None,
        definitions: Definitions | None = None,
        prefix: str = "/fhir",
        keys: Fetch | None = None,
    ) -> None:
        self.db, self.trail = db, db.trail
        self.settings = settings or Settings()
        self.prefix = prefix
        operations = tuple(operations)
        claims = intake.values() if isinstance(intake, Mapping) else intake
        self.registry = Registry(
            operations={(o.type, o.name, o.on_instance): o for o in operations},
            intake={claim.type: claim for claim in claims},
            mode=mode or ("test" if self.settings.demo.enabled else "production"),
            policy=self.settings.fhir,
            definitions=definitions or Definitions(),
            vault=Vault.of(self.settings),
            checks=Checks.of(self.settings.documents),
            site=self.settings.server.base_url.rstrip("/"),
            exported=exports.vault_of(self.settings),
            bulk=self.settings.bulk,
        )
        self._key = b""
        self._tokens: dict[bytes, tuple[datetime, Holder]] = {}
        self._signer = Signer(self.settings.apps_key)
        self.oauth = OAuth(db, self._signer, keys)
        self._certificates = Certificates(self.settings)
        self._gate = Gate(self.settings.fhir)
        self._documents: dict[tuple[str, ...], Response] = {}
        self._transport = edge.transport_security(self.settings.server.base_url)
        self._seconds = admission.Seconds(self.settings.edge.deadline_read, self.settings.edge.deadline_batch)
        self._verbs = frozenset((o.type, o.name) for o in operations if o.writes)
        self._refusals: dict[str, bytes] = {}

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        headers = headers_of(scope)
        id = edge.request_id_of(scope)
        response = await self._respond(scope, receive, headers, id)
        await send_response(send, response, id, head=scope["method"] == "HEAD", transport=self._transport)

    def route(self, scope: Any) -> edge.Route:
        """What the request is, for the edge."""
        return admission.classify(scope["method"], scope["path"].removeprefix(self.prefix), self._verbs, self._seconds)

    @property
    def surely(self) -> tuple[edge.Lane, bytes]:
        """The lane of machines, and what addresses are of it as far as their bytes tell: for refusals in a hurry."""
        return edge.Lane.BATCH, admission.machines(self.prefix.encode())

    def refusal(self, status: int, reason: str, retry_after: int) -> tuple[dict[str, str], bytes]:
        """An OperationOutcome, made once for each reason."""
        body = self._refusals.get(reason)
        if body is None:
            code = "throttled" if status == 429 else "transient"
            body = self._refusals[reason] = encode(problems.outcome([Issue("error", code, reason)]))
        headers = {"content-type": f"{FHIR_JSON}; charset=utf-8", "content-security-policy": SECURITY_HEADERS["content-security-policy"]}
        return (headers | {"retry-after": str(retry_after)} if retry_after else headers), body

    async def _respond(self, scope: Any, receive: Receive, headers: dict[str, str], id: str) -> Response:
        how = Wanted()
        try:
            request = request_of(scope, headers, self.prefix, self.settings.server.base_url, id)
            if self._certificates.read:
                request = replace(request, certificate=self._certificates.presented(scope))
            if request.path[:1] == ("oauth",):
                return await self.oauth.answer(request, receive)
            how = negotiation.wanted(request)
            response = await self._serve(scope, interfaces.entered(request), receive)
        except MaillageError as error:
            response = problems.answer(error)
        except Exception as error:  # the last wall: a defect is logged here and told without any detail
            log.exception("fhir-defect %s %s", id, type(error).__name__, extra={"code": "fhir-defect"})
            response = problems.defect()
        return negotiation.rewrite(response, how)

    async def _serve(self, scope: Any, request: Request, receive: Receive) -> Response:
        if request.path in PUBLIC:
            if request.method not in ("GET", "HEAD"):
                raise problems.MethodNotAllowed(("GET", "HEAD"))
            return self._public(request)
        actor = NOBODY
        try:
            if request.interface == "sas" and self._gate.closed:
                self._gate.check(self._certificates.shown(scope), sent=self._certificates.sent(scope), now=self.db.clock.now())
            actor = await self._actor(request)
            edge.charge(scope, actor)
            if actor.client and actor.kind == "person":
                request = replace(request, origin=replace(request.origin, software=actor.client))
            handler = interfaces.find(request)
            limit = self._longest(request)
            if body := await read_body(receive, limit, request.header("content-length")):
                request = replace(request, body=body)
            return await self._run(actor, request, handler)
        except MaillageError as error:
            await self._audit_refusal(actor, request, error)
            raise

    def _longest(self, request: Request) -> int:
        """Bytes of the longest body: a file comes in base64."""
        usual, files = self.settings.server.body_limit, self.settings.documents.upload_limit
        return max(usual, files * 4 // 3) if request.path[-1:] == ("$attach",) else usual

    async def _run(self, actor: Actor, request: Request, handler: Any) -> Response:
        async def work(tx: Transaction) -> Response:
            return _as_shown(await self._in_transaction(tx, request, handler), actor)

        return await self.db.run(actor, work, request_id=request.id, lazy=True, origin=request.origin)

    async def _alone(self, actor: Actor, request: Request) -> Response:
        """One entry of a batch, in a transaction of its own."""
        try:
            return await self._run(actor, request, play)
        except MaillageError as error:
            await self._audit_refusal(actor, request, error)
            raise

    def _public(self, request: Request) -> Response:
        """The capabilities and what describes them: the same for everybody, made once for each address under which we are reached."""
        key = (request.base, *request.path)
        made = self._documents.get(key)
        if made is None:
            made = self._document(request)
            if len(self._documents) < 48:
                self._documents[key] = made
        return Response(made.status, made.body, dict(made.headers))

    def _document(self, request: Request) -> Response:
        if request.path in WELL_KNOWN:
            return configuration(request.base)
        if request.path == KEYS:
            return Response(200, encode(self._signer.published()), {"content-type": "application/jwk-set+json"})
        if request.interface:
            return interfaces.described(request)
        return documentation.document(self.registry, request.base, request.path[0])

    # --- who -----------------------------------------------------------------------
    async def _actor(self, request: Request) -> Actor:
        """Whom the bearer token stands for; a token seen in the last seconds is not looked up again."""
        scheme, _, secret = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated("token-missing")
        name, now = digest(secret.strip()), self.db.clock.now()
        seen = self._tokens.get(name)
        if seen and timedelta() <= now - seen[0] < TOKEN_CACHE and now < seen[1].expires_at:
            return _bound(seen[1], request)
        async with self.db.transaction(SYSTEM, request_id=request.id) as tx:
            holder = await holder_of_token(tx, secret.strip())
        if len(self._tokens) >= MOST_TOKENS:
            self._tokens.clear()
        self._tokens[name] = (now, holder)
        return _bound(holder, request)

    async def _audit_refusal(self, actor: Actor, request: Request, error: MaillageError) -> None:
        """A refusal is audited in a transaction of its own: the one it happened in was undone."""
        if problems.status_of(error) not in audits.AUDITED:
            return
        try:
            async with self.db.transaction(actor, request_id=request.id, lazy=True, origin=request.origin) as tx:
                await audits.refusal(tx, request, error)
        except Unavailable as away:
            raise away from error

    # --- inside the transaction ------------------------------------------------------
    async def _in_transaction(self, tx: Transaction, request: Request, handler: Any) -> Response:
        tx = await behalf.named(tx, request)
        context = Context(
            self.registry, tx, await self._sealing_key(tx), interfaces.find, alone=partial(self._alone, tx.actor), trail=self.trail
        )
        key = request.header("idempotency-key")
        if request.method != "POST" or not key or request.path[-1:] == ("_search",):
            response: Response = await handler(context, request)
            return response
        return await self._once(context, request, handler, key)

    async def _sealing_key(self, tx: Transaction) -> bytes:
        if not self._key:
            self._key = await record.sealing_key(tx)
        return self._key

    async def _once(self, context: Context, request: Request, handler: Any, key: str) -> Response:
        """One effect for one Idempotency-Key; a replay shows the stored answer if all of it is still visible."""
        if len(key) > 255 or not key.isprintable():
            raise Malformed.one("bad-idempotency-key", details="An Idempotency-Key has 1 to 255 printable characters.")
        tx, actor = context.tx, context.tx.actor
        who = (actor.id if actor.kind == "client" else "", actor.id, actor.organization, key)
        asked = _fingerprint(request)
        stored = await idempotency.begin(tx, *who, asked)
        if stored is not None:
            return await self._replay(context, stored)
        response: Response = await handler(context, request)
        shown = dict.fromkeys([*response.shown, *context.shown])
        kept = {**response.headers, SHOWN: " ".join(f"{kind}/{id}" for kind, id in shown)}
        await idempotency.finish(tx, *who, asked, response.status, kept, response.body)
        return response

    async def _replay(self, context: Context, stored: idempotency.Stored) -> Response:
        """Visibility is checked again: what the caller may no longer see is not shown."""
        headers = dict(stored.headers)
        for name in headers.pop(SHOWN, "").split():
            kind, _, id = name.partition("/")
            await context.audit_read([await record.read(context.tx, kind, id, context.visible(kind))], "replay")
        return Response(stored.status, stored.body, {**headers, "idempotency-replayed": "true"})


def _bound(holder: Holder, request: Request) -> Actor:
    """A token bound to a certificate is worth nothing without it (RFC 8705)."""
    if holder.certificate and holder.certificate != request.certificate:
        raise Unauthenticated("token-unknown")
    return holder.actor


def _as_shown(response: Response, actor: Actor) -> Response:
    """The answer cut to what the caller's roles show: in one place, so that no interaction can forget it."""
    if not response.body or not policy.is_narrowed(actor):
        return response
    return replace(response, body=encode(policy.masked(decode(response.body), actor)))


def _fingerprint(request: Request) -> str:
    """What makes two requests the same one."""
    parts = [
        request.interface,
        request.method,
        "/".join(request.path),
        repr(request.query),
        request.header("prefer"),
        request.header("if-match"),
    ]
    parts.append(request.header("if-none-exist"))
    return hashlib.sha256("\x1f".join(parts).encode() + b"\x1f" + request.body).hexdigest()
