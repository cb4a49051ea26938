"""Who a client is, and who is behind a bearer token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from maillage.access.clients.types import GRANT_LIFETIME, Client
from maillage.access.identity.queries import actor_of
from maillage.access.identity.secret import digest
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Unauthenticated
from maillage.store import Transaction

CLIENT_ROLES = frozenset({"logiciel"})
PROVED = "eidas1"
"""What a token proves: enough for everyday work, never for an emergency access."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a live token stands for, until when, and the certificate without which it is worth nothing."""

    actor: Actor
    expires_at: datetime
    certificate: str = ""


def _client(row: Any) -> Client:
    return Client(
        name=row["name"],
        kind=row["kind"],
        display=row["display"] or row["name"],
        organizations=tuple(row["organizations"]),
        scopes=tuple(row["scopes"]),
        jwks=row["jwks"] or "",
        certificate=row["certificate"] or "",
        redirect_uris=tuple(row["redirect_uris"]),
        launch_uri=row["launch_uri"] or "",
        disabled=row["disabled"],
        jwks_url=row["jwks_url"] or "",
        **{name: row[name] for name in _INSTANTS},
    )


_OF_KEYS = ("keys_asked_at", "keys_fresh_until", "keys_good_until")
_INSTANTS = ("certificate_from", "certificate_until", "created_at", "keys_at", "token_at", "signing_at", *_OF_KEYS)


async def client_named(tx: Transaction, name: str) -> Client | None:
    """A client that may be served; None for an unknown one and for a disabled one alike."""
    row = await tx.fetchrow("SELECT * FROM api_client WHERE name = $1 AND NOT disabled", name)
    return _client(row) if row else None


async def all_clients(tx: Transaction) -> list[Client]:
    """Every client, disabled ones too, by name."""
    return [_client(row) for row in await tx.fetch("SELECT * FROM api_client ORDER BY name")]


async def clients_of(tx: Transaction, organization: str) -> list[Client]:
    """The clients that may act for an organisation, disabled ones too, by name."""
    return [_client(row) for row in await tx.fetch("SELECT * FROM api_client WHERE $1 = ANY (organizations) ORDER BY name", organization)]


async def addresses_of(tx: Transaction, client: str) -> list[str]:
    """Where the operator lets us send what a client follows."""
    rows = await tx.fetch("SELECT address FROM api_client_address WHERE client = $1 ORDER BY address", client)
    return [row["address"] for row in rows]


async def signing_of(tx: Transaction, client: str) -> tuple[bytes, ...]:
    """The secrets that sign what is sent to a client, sealed: the present one first, then the one that it replaces."""
    row = await tx.fetchrow("SELECT signing, signing_before FROM api_client WHERE name = $1", client)
    return tuple(secret for secret in (row or ()) if secret is not None)


async def apps_of(tx: Transaction, organization: str) -> list[Client]:
    """The apps that people of an organisation may open from a patient's page, by name."""
    rows = await tx.fetch(
        """
        SELECT * FROM api_client WHERE NOT disabled AND launch_uri IS NOT NULL AND $1 = ANY (organizations) ORDER BY display, name
        """,
        organization,
    )
    return [_client(row) for row in rows]


async def holder_of_token(tx: Transaction, secret: str) -> Holder:
    """The client of a bearer token, or the person for whom an app acts. Raises `Unauthenticated` when unknown, expired, ended or disabled."""
    row = await tx.fetchrow(
        """
        SELECT c.name, c.organizations, t.scopes, t.expires_at, t.certificate, g.login, g.role_id, g.patient
        FROM api_token t JOIN api_client c ON c.name = t.client LEFT JOIN api_grant g ON g.id = t.grant_id
        WHERE t.token_hash = $1 AND t.expires_at > $2 AND t.ended_at IS NULL AND NOT c.disabled AND g.ended_at IS NULL
        """,
        digest(secret),
        tx.now,
    )
    if row is None:
        raise Unauthenticated("token-unknown")
    actor = await _person(tx, row) if row["login"] else _software(row)
    return Holder(actor, row["expires_at"], row["certificate"] or "")


def _software(row: Any) -> Actor:
    return Actor(
        kind="client",
        id=row["name"],
        organizations=tuple(row["organizations"]),
        roles=CLIENT_ROLES,
        scopes=tuple(row["scopes"]),
        display=row["name"],
        client=row["name"],
        assurance=PROVED,
    )


async def _person(tx: Transaction, row: Any) -> Actor:
    """The person at the place where consent was given, while the account and the place are allowed, and a session there was not ended."""
    found = await tx.fetchrow(
        """
        SELECT a.practitioner_id, a.display, e.role_id, e.organization_id, e.roles
        FROM account a JOIN account_exercise e ON e.login = a.login
        WHERE a.login = $1 AND e.role_id = $2 AND NOT a.disabled AND (e.ended_at IS NULL OR e.ended_at > $3)
            AND EXISTS (SELECT 1 FROM web_session s WHERE s.login = a.login AND s.role_id = e.role_id AND s.ended_at IS NULL
                AND s.began_at > $3::timestamptz - $4::interval)
        """,
        row["login"],
        row["role_id"],
        tx.now,
        GRANT_LIFETIME,
    )
    if found is None or found["organization_id"] not in row["organizations"]:
        raise Unauthenticated("token-unknown")
    return replace(actor_of(found, PROVED), scopes=tuple(row["scopes"]), client=row["name"], patient=row["patient"] or "")


_MAY_CHOOSE = """
SELECT coalesce(starts_with($2, id_prefix) AND length($2) > length(id_prefix), false)
    OR ($2 ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' AND EXISTS (SELECT 1 FROM peer p WHERE p.client = name))
FROM api_client WHERE name = $1
"""


async def may_choose_id(tx: Transaction, id: str) -> bool:
    """Whether the machine client of this transaction may create a resource under this id: it begins with the client's own prefix.

    A peer keeps the ids that its resources have there: UUIDs, which are nobody else's.
    """
    if tx.actor.kind != "client":
        return False
    return bool(await tx.fetchval(_MAY_CHOOSE, tx.actor.id, id))


async def live_token(tx: Transaction, client: str, secret: str) -> Any | None:
    """What a client may be told of a token of its own, while the token lives."""
    return await tx.fetchrow(
        """
        SELECT t.scopes, t.created_at, t.expires_at, t.certificate, g.login, g.patient
        FROM api_token t LEFT JOIN api_grant g ON g.id = t.grant_id
        WHERE t.token_hash = $1 AND t.client = $2 AND t.expires_at > $3 AND t.ended_at IS NULL AND g.ended_at IS NULL
        """,
        digest(secret),
        client,
        tx.now,
    )


async def grants_of(tx: Transaction, login: str) -> Sequence[Any]:
    """The apps that may act for a person now, the newest first."""
    return await tx.fetch(
        """
        SELECT g.id, g.client, c.display, g.scopes, g.created_at, g.expires_at FROM api_grant g JOIN api_client c ON c.name = g.client
        WHERE g.login = $1 AND g.ended_at IS NULL AND g.expires_at > $2 AND NOT c.disabled ORDER BY g.created_at DESC, g.id
        """,
        login,
        tx.now,
    )
