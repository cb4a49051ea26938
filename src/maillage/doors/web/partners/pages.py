"""« Logiciels partenaires »: which software works with the organisation, with what keys and rights, what it was told last, and what did not arrive.

An administrator takes up again what errors stopped; clients, addresses and secrets are given by the operator (`maillage client`).
"""

from __future__ import annotations

from starlette.responses import Response

from maillage import record
from maillage.access import identity
from maillage.access.clients import queries
from maillage.access.clients.types import Client
from maillage.doors.web.pages import get, post
from maillage.doors.web.partners import presenters
from maillage.doors.web.view import View
from maillage.journeys import exchange
from maillage.kernel.errors import NotAllowed, NotFound
from maillage.messaging import incoming, subscriptions

ON, KIND = "Practitioner", "Subscription"
"""The pages are for who looks after accounts, of people or of software; what they act on."""


def _organization(view: View) -> str:
    """The organisation that this person manages. Raises `NotAllowed`."""
    if not view.actor.is_one_of(*identity.ADMINISTRATORS):
        raise NotAllowed("not-administrator")
    return view.actor.organization


async def _client(view: View) -> Client:
    """The client that the address names, of this organisation. Raises `NotFound`."""
    wanted = view.path("client")
    for client in await queries.clients_of(view.tx, _organization(view)):
        if client.name == wanted:
            return client
    raise NotFound


async def show_partners(view: View) -> Response:
    """Every client of the organisation, and what awaits somebody."""
    clients = await queries.clients_of(view.tx, _organization(view))
    followed = await subscriptions.partner_lines(view.tx, [client.name for client in clients])
    return view.page(
        "partners/templates/partners.html",
        "Logiciels partenaires",
        lines=presenters.lines(clients, followed, view.tx.now),
        peers=presenters.peers(await exchange.standing(view.tx, view.actor.organization)),
    )


async def show_partner(view: View) -> Response:
    """One client: keys, certificate, rights, subscriptions, dead letters, last exchanges."""
    client = await _client(view)
    return view.page(
        "partners/templates/partner.html",
        client.display,
        client=client,
        kind=presenters.KINDS[client.kind],
        certificate=presenters.certificate_badge(client, view.tx.now),
        published=presenters.published(client, view.tx.now),
        keys=presenters.keys(client),
        scopes=presenters.scopes(client),
        addresses=await queries.addresses_of(view.tx, client.name),
        followed=presenters.followed(await subscriptions.partner_lines(view.tx, [client.name])),
        letters=presenters.letters(await subscriptions.dead_letters(view.tx, client.name)),
        exchanges=presenters.exchanges(await subscriptions.exchanges(view.tx, client.name)),
        messages=presenters.messages(await incoming.last_of(view.tx, client.name)),
    )


async def resume(view: View) -> Response:
    """Send a dead letter again: first the endpoint is asked whether it is there."""
    client = await _client(view)
    wanted = view.given("envoi")
    if wanted not in {row["id"] for row in await subscriptions.dead_letters(view.tx, client.name)}:
        raise NotFound
    await subscriptions.resume(view.tx, wanted)
    await record.audit(view.tx, "E", KIND, verb="resume-delivery", act="administration")
    return view.go(f"/partenaires/{client.name}", "delivery-resumed")


async def restart(view: View) -> Response:
    """Ask the endpoint of a subscription that an error stopped again."""
    client, wanted = await _client(view), view.given("abonnement")
    if wanted not in {row["id"] for row in await subscriptions.partner_lines(view.tx, [client.name])}:
        raise NotFound
    await subscriptions.restart(view.tx, wanted)
    await record.audit(view.tx, "E", KIND, wanted, verb="restart-subscription", act="administration")
    return view.go(f"/partenaires/{client.name}", "subscription-restarted")


async def retry_peer(view: View) -> Response:
    """Tell another installation again what it refused of this organisation's, and at once what waits."""
    wanted = view.given("installation")
    if wanted not in {row["client"] for row in await exchange.standing(view.tx, _organization(view))}:
        raise NotFound
    await exchange.retry(view.tx, wanted)
    await record.audit(view.tx, "E", ON, verb="retry-peer", act="administration")
    return view.go("/partenaires", "peer-retried")


PAGES = (
    get("/partenaires", show_partners, on=ON, to="write"),
    get("/partenaires/{client}", show_partner, on=ON, to="write"),
    post("/partenaires/installations", retry_peer, on=ON, to="write"),
    post("/partenaires/{client}/envois", resume, on=ON, to="write"),
    post("/partenaires/{client}/abonnements", restart, on=ON, to="write"),
)
