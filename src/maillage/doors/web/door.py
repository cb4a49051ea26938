"""The web door: routes to handlers, one transaction each, every answer with its headers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from maillage import directory
from maillage.access import WebSession, policy
from maillage.access.identity import IdentityProvider, PatientProvider, Sealer
from maillage.documents import Checked, Checks, Upload
from maillage.doors import edge
from maillage.doors.web import areas, interrupted, problems, sessions, visits
from maillage.doors.web.assets import Assets
from maillage.doors.web.catalogue import done_sentence, role_words
from maillage.doors.web.display import display_of
from maillage.doors.web.headers import CONTENT_SECURITY_POLICY, FILE_POLICY, secure
from maillage.doors.web.language import LANGUAGES, language, speak
from maillage.doors.web.live.hub import Hub, instant
from maillage.doors.web.navigation import navigation
from maillage.doors.web.pages import OWN, Page
from maillage.doors.web.rendering import make_environment
from maillage.doors.web.routing import STATIC, Routes
from maillage.doors.web.settings import Site
from maillage.doors.web.uploads import FORM, read_files
from maillage.doors.web.view import Rejected, Values, View, read_form
from maillage.kernel.actor import SYSTEM, Actor, Origin
from maillage.kernel.answers import Refused
from maillage.kernel.errors import MaillageError, Malformed, NotAllowed, NotFound, Unauthenticated, Unavailable
from maillage.kernel.ids import new_id
from maillage.kernel.operations import Operation
from maillage.settings import Settings
from maillage.store import Database, Transaction, idempotency
from maillage.store.blobs import Vault

log = logging.getLogger("maillage.web")


class WebDoor:
    """The pages, as an ASGI application. `operations` is every verb that may be offered, rooms and journeys alike."""

    def __init__(
        self,
        db: Database,
        *,
        operations: Iterable[Operation],
        settings: Settings,
        provider: IdentityProvider | None = None,
        patient_provider: PatientProvider | None = None,
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self.db, self.trail = db, db.trail
        self.site = Site.of(settings)
        self.operations = {(operation.type, operation.name): operation for operation in operations}
        self.settings, self.provider, self.patient_provider = settings, provider, patient_provider
        edge_ = settings.edge
        self.hub = Hub(db, most=edge_.most_streams, per_person=edge_.streams_per_person, minutes=edge_.stream_minutes, draining=draining)
        self.assets = Assets.load()
        self._names: dict[str, str] = {}
        self._environments = {lang: make_environment(self.assets, lang) for lang in LANGUAGES}
        for environment in self._environments.values():
            environment.globals["demo"] = self.site.demo
        routes = [Route(page.path, self._endpoint(page), methods=[page.method]) for page in areas.PAGES]
        routes += [Route(page.path, self._between_servers(page), methods=[page.method]) for page in areas.SERVER_PAGES]
        known = settings.documents
        longest = settings.edge.deadline + 2 * known.check_seconds * max(1, known.most_files // 2)
        self._routes = Routes((*areas.PAGES, *areas.SERVER_PAGES), routes, upload_limit=known.upload_limit, upload_seconds=longest)
        self._refusals: dict[int, bytes] = {}
        routes.append(Route(STATIC, self._static, methods=["GET"]))
        self._app = Starlette(routes=routes, exception_handlers={404: self._lost, 405: self._lost, Exception: self._defect})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._app(scope, receive, send)

    @property
    def templates(self) -> Environment:
        """The templates in the language of the present request."""
        return self._environments[language()]

    def route(self, scope: Scope) -> edge.Route:
        """The page that will answer, for the edge."""
        return self._routes.find(scope["method"], scope["path"])

    @property
    def surely(self) -> tuple[edge.Lane, bytes]:
        """The lane of people, and what addresses are of it as far as their bytes tell: for refusals in a hurry."""
        return edge.Lane.INTERACTIVE, self._routes.people()

    def refusal(self, status: int, _reason: str, retry_after: int) -> tuple[dict[str, str], bytes]:
        """The page that says to come back, made once for each status."""
        body = self._refusals.get(status)
        if body is None:
            body = self._refusals[status] = problems.bare(self, status).encode()
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": CONTENT_SECURITY_POLICY}
        return (headers | {"retry-after": str(retry_after)} if retry_after else headers), body

    @cached_property
    def sealer(self) -> Sealer:
        """What seals second factors and the steps of a sign-in; its key is made when it is first needed."""
        return Sealer.of(self.settings)

    @cached_property
    def vault(self) -> Vault:
        """Where files lie, encrypted."""
        return Vault.of(self.settings)

    @cached_property
    def checks(self) -> Checks:
        """What is asked of a file before it is kept."""
        return Checks.of(self.settings.documents)

    def operation(self, kind: str, name: str) -> Operation | None:
        """A verb that this door may offer."""
        return self.operations.get((kind, name))

    def render(self, view: View, template: str, **context: Any) -> str:
        """A template with what every page shows: who is signed in, where one may go, what was just done."""
        shown = {
            "session": view.session,
            "navigation": navigation(view.actor, view.request.url.path) if view.session else (),
            "done": done_sentence("resumed" if view.resumed else view.query("fait")),
            "me": (role_words(view.actor.roles), self._names.get(view.actor.organization, "")),
            "rejected": view.rejected,
            "now": view.tx.now,
            "actor": view.actor,
            "own": view.of_patient,
            "display": display_of(view.request, self.site),
            "shown": view.shown,
        }
        return self.templates.get_template(template).render(**{**shown, **context})

    def _endpoint(self, page: Page) -> Any:
        async def endpoint(request: Request) -> Response:
            request.state.id = edge.request_id_of(request.scope)
            speak("fr" if page.bare else display_of(request, self.site).lang)
            session: WebSession | None = None
            values = Values()
            files: tuple[Checked, ...] = ()
            try:
                session = await self._session(page, request)
                if session is None and not page.public:
                    raise Unauthenticated("page-closed" if page.patient else "session-ended")
                if session:
                    edge.charge(request.scope, session.actor)
                if page.method == "POST":
                    values, uploads = await self.read_form(page, request)
                    await self._require_token(page, request, session, values)
                    files = tuple([await self.checks.check(upload) for upload in uploads])
                response = await self._run(page, request, session, values, files)
            except Unauthenticated as error:
                response = await self._closed(page, request, error, session, values)
            except Unavailable as error:
                response = problems.busy(self, error)
            except MaillageError as error:
                response = await self._refused_or_busy(page, request, session, values, error)
            policy = FILE_POLICY if page.bare and response.status_code == 200 else CONTENT_SECURITY_POLICY
            return secure(response, self.site, policy=policy)

        return endpoint

    def _between_servers(self, page: Page) -> Any:
        """What another server calls: no browser, hence no cookie and no token of ours; what it brings proves itself."""

        async def endpoint(request: Request) -> Response:
            request.state.id = edge.request_id_of(request.scope)
            try:
                values = await read_form(request, self.site.body_limit)
                response = await self._run(page, request, None, values)
            except Unavailable:
                response = Response(status_code=503, headers={"Retry-After": "5"})
            except MaillageError as error:
                response = Response(status_code=problems.status_of(error))
            return secure(response, self.site)

        return endpoint

    async def _session(self, page: Page, request: Request) -> WebSession | None:
        """Who asks, by the cookie that this page reads: a colleague's, a patient's, or none."""
        if page.bare:
            return None
        return await (visits.find_visit if page.patient else sessions.find_session)(self.db, request, self.site)

    async def read_form(self, page: Page, request: Request) -> tuple[Values, list[Upload]]:
        """What the form of one of our own pages says, and its files, unchecked. Raises `NotAllowed`, `Malformed` or `TooLarge`."""
        sessions.require_same_origin(request)
        uploads: list[Upload] = []
        if page.files and request.headers.get("content-type", "").startswith(FORM):
            known = self.settings.documents
            values, uploads = await read_files(request, known.upload_limit, self.site.body_limit, known.most_files)
        else:
            values = await read_form(request, self.site.body_limit)
        return values, uploads

    async def _require_token(self, page: Page, request: Request, session: WebSession | None, values: Values) -> None:
        """Raise unless the form is of this session: `Unauthenticated` when it is of one that timed out before, of the same person."""
        visit, given = sessions.secret_of(request, self.site, sessions.VISIT_COOKIE), values.get("_csrf", "")
        try:
            sessions.require_token(session.csrf if session and not page.public else visit, given)
        except NotAllowed:
            if session and await interrupted.is_of_before(self, page, session, given):
                raise Unauthenticated("form-of-before") from None
            raise

    async def _run(
        self, page: Page, request: Request, session: WebSession | None, values: Values, files: tuple[Checked, ...] = ()
    ) -> Response:
        actor = session.actor if session else SYSTEM
        shown = int(instant() * 1000)

        async def work(tx: Transaction) -> Response:
            _require(page, actor)
            view = View(self, request, session, tx, values, files=files, shown=shown)
            await self._know(view)
            await interrupted.resume(page, view)
            return await (self._once(page, view) if page.method == "POST" and page.once else page.handler(view))

        return await self.db.run(actor, work, request_id=request.state.id, origin=_origin(request), lazy=page.lazy)

    async def _know(self, view: View) -> None:
        """Keep the name of the actor's organisation at hand: it stands on every page."""
        id = view.actor.organization
        if id and id not in self._names:
            self._names[id] = (await directory.organization(view.tx, id)).label

    async def _once(self, page: Page, view: View) -> Response:
        """Act once per form: the same form again gets the same answer and changes nothing."""
        key = view.given("_key")
        if not key:
            raise Malformed.one("not-a-form")
        who = ("web", view.actor.role_id or view.actor.id, view.actor.organization, key, view.request.state.digest)
        tx = view.tx.beyond() if page.patient else view.tx  # a patient acts for no organisation, by which answers are kept apart
        stored = await idempotency.begin(tx, *who)
        if stored:
            return RedirectResponse(stored.headers["location"], stored.status)
        response = await page.handler(view)
        if response.status_code == 303:
            await idempotency.finish(tx, *who, response.status_code, {"location": response.headers["location"]}, b"")
        return response

    async def _closed(self, page: Page, request: Request, error: Unauthenticated, session: WebSession | None, values: Values) -> Response:
        """Nobody is known: what a file, a patient's page and any other page answer."""
        if page.bare:
            return await self._no_such_file(page, request)
        if page.patient:
            return await self._refused_or_busy(page, request, None, Values(), error)
        return await self._to_sign_in(page, request, error, session, values)

    async def _no_such_file(self, page: Page, request: Request) -> Response:
        """A link that is used, too old, or not ours, and one whose session has ended: all the same."""
        return await self._refused_or_busy(page, request, None, Values(), NotFound("DocumentReference"))

    async def _refused_or_busy(self, *asked: Any) -> Response:
        try:
            return await self._refused(*asked)
        except Unavailable as error:
            return problems.busy(self, error)

    async def _refused(self, page: Page, request: Request, session: WebSession | None, values: Values, error: MaillageError) -> Response:
        """The form again with its errors, or the page of the problem."""
        actor = session.actor if session else SYSTEM
        async with self.db.transaction(actor, request_id=request.state.id, origin=_origin(request)) as tx:
            view = View(self, request, session, tx, values)
            await problems.note(view, error)
            if page.again and problems.belongs_to_form(error):
                view.rejected = Rejected(error.issues, values)
                try:
                    response = await page.again(view)
                except MaillageError as second:  # what the form was about is gone meanwhile
                    return problems.answer(view, second)
                response.status_code = problems.status_of(error)
                return response
            return problems.answer(view, error)

    async def _to_sign_in(
        self, page: Page, request: Request, error: Unauthenticated, session: WebSession | None, values: Values
    ) -> Response:
        """Whoever is not signed in, or tried and failed, leaves a trace before being sent to the sign-in page; a form that was sent is kept."""
        try:
            kept = await interrupted.keep(self, page, request, session, values)
        except Unavailable as away:
            return problems.busy(self, away)
        if error.reason == "form-of-before":
            return RedirectResponse(kept, 303)
        if error.reason == "not-fresh":
            return RedirectResponse(
                f"/compte/confirmer?vers={quote(kept or (request.url.path if request.method == 'GET' else '/compte'))}", 303
            )
        try:
            async with self.db.transaction(problems.NOBODY, request_id=request.state.id, lazy=True, origin=_origin(request)) as tx:
                await problems.note_stranger(tx, request, error)
        except Unavailable as away:
            return problems.busy(self, away)
        here = f"{request.url.path}?{request.url.query}" if page.whole and request.url.query else request.url.path
        back = f"?vers={quote(kept or here, safe='/')}" if kept or (request.method == "GET" and here != "/") else ""
        ended = "&fin=1" if back and error.reason == "session-ended" and sessions.secret_of(request, self.site) else ""
        return RedirectResponse(f"/connexion{back}{ended}", 303)

    async def _static(self, request: Request) -> Response:
        try:
            response = self.assets.answer(request)
        except NotFound as error:
            return await self._lost(request, error)
        return secure(response, self.site, cache=response.headers["Cache-Control"])

    async def _lost(self, _request: Request, _error: Exception) -> Response:
        return secure(Response(problems.bare(self, 404), 404, media_type="text/html"), self.site)

    async def _defect(self, request: Request, error: Exception) -> Response:
        number = getattr(request.state, "id", "") or new_id()
        log.error("web-defect", exc_info=error, extra={"request_id": number})
        return secure(Response(problems.bare(self, 500, number=number), 500, media_type="text/html"), self.site)


def _origin(request: Request) -> Origin:
    """The browser's address, and the name under which we were reached."""
    return Origin(edge.client_address(request.scope), request.headers.get("host", "")[:255], "web")


def _require(page: Page, actor: Actor) -> None:
    """Raise `NotAllowed` unless the policy opens the page to the actor's roles and sign-in: the page says on what, and to do what."""
    if page.public or page.on == OWN:
        return
    answer = policy.decide(actor, page.to, page.on)
    if isinstance(answer, Refused):
        raise NotAllowed(answer.reason)
