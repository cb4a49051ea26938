"""Clients are registered by an administrator; tokens are given for a proof, once for each proof."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from maillage.access.clients.authorisation import WORDS
from maillage.access.clients.published.actions import publish_at
from maillage.access.clients.types import NO_CERTIFICATE, TOKEN_LIFETIME, Certificate, Client, Proof
from maillage.access.identity.secret import digest
from maillage.access.narrowing import unreadable_scopes
from maillage.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Unauthenticated
from maillage.store import Transaction, register

register("api_client_id_prefix", lambda: Conflict("id-prefix-taken"))
register("api_client_id_prefix_form", lambda: Invalid.one("id-prefix-form"))
register("api_client_pkey", lambda: Conflict("client-exists"))

CONTEXTS = {"token": ("system", "user"), "backend": ("system",), "app": ("patient", "user"), "public-app": ("patient", "user")}


def check_scopes(kind: str, scopes: Sequence[str]) -> None:
    """Raise `Invalid` for a scope that this kind of client can't be given, or that could not be enforced."""
    of_types = [scope for scope in scopes if kind not in ("app", "public-app") or scope not in WORDS]
    if unreadable := unreadable_scopes(of_types, CONTEXTS[kind]):
        raise Invalid.one("scope-unknown", "scope", " ".join(unreadable)[:200])


async def register_client(tx: Transaction, client: Client) -> None:
    """A new client. Raises `Conflict("client-exists")`, `NotAllowed` without organisation, `Invalid` for its scopes."""
    if not client.organizations:
        raise NotAllowed("no-organization")
    check_scopes(client.kind, client.scopes)
    await tx.execute(
        """
        INSERT INTO api_client (name, kind, display, organizations, scopes, jwks, certificate, redirect_uris, launch_uri, created_at, keys_at,
            certificate_from, certificate_until, jwks_url)
        VALUES ($1, $2, $3, $4, $5, nullif($6, ''), nullif($7, ''), $8, nullif($9, ''), $10, $10, $11, $12, nullif($13, ''))
        """,
        *(client.name, client.kind, client.display, list(client.organizations), list(client.scopes), client.jwks, client.certificate),
        *(list(client.redirect_uris), client.launch_uri, tx.now, client.certificate_from, client.certificate_until),
        client.jwks_url,
    )


async def disable_client(tx: Transaction, name: str) -> None:
    """No token of it is worth anything from now on, and it gets no other. Raises `NotFound`."""
    if await tx.execute("UPDATE api_client SET disabled = true WHERE name = $1", name) != "UPDATE 1":
        raise NotFound("client", name)
    await end_tokens(tx, name)


async def rotate_keys(
    tx: Transaction, name: str, jwks: str, certificate: Certificate = NO_CERTIFICATE, *, keep: bool, jwks_url: str = ""
) -> None:
    """New keys for a client, or the address where it publishes them; without `keep` the old ones were lost or stolen: what they gave ends at once.

    Raises `NotFound`.
    """
    if jwks_url and not await publish_at(tx, name, jwks_url):
        raise NotFound("client", name)
    changed = await tx.execute(
        """
        UPDATE api_client SET jwks = coalesce(nullif($2, ''), jwks), keys_at = $4,
            jwks_url = CASE WHEN $2 = '' THEN jwks_url END, keys_asked_at = CASE WHEN $2 = '' THEN keys_asked_at END,
            keys_fresh_until = CASE WHEN $2 = '' THEN keys_fresh_until END, keys_good_until = CASE WHEN $2 = '' THEN keys_good_until END,
            certificate = coalesce(nullif($3, ''), certificate),
            certificate_from = CASE WHEN $3 = '' THEN certificate_from ELSE $5 END,
            certificate_until = CASE WHEN $3 = '' THEN certificate_until ELSE $6 END
        WHERE name = $1
        """,
        *(name, jwks, certificate.thumbprint, tx.now, certificate.starts, certificate.ends),
    )
    if changed != "UPDATE 1":
        raise NotFound("client", name)
    if not keep:
        await end_tokens(tx, name)


async def end_tokens(tx: Transaction, client: str) -> int:
    """End every live token of a client and every consent given to it; how many tokens that were."""
    await tx.execute("UPDATE api_grant SET ended_at = $2 WHERE client = $1 AND ended_at IS NULL", client, tx.now)
    tag = await tx.execute("UPDATE api_token SET ended_at = $2 WHERE client = $1 AND ended_at IS NULL AND expires_at > $2", client, tx.now)
    return int(tag.removeprefix("UPDATE "))


async def end_token(tx: Transaction, client: str, secret: str) -> None:
    """End one token of this client, or by a refresh token the whole consent (RFC 7009); anything else is no fault."""
    name = digest(secret)
    await tx.execute("UPDATE api_token SET ended_at = $3 WHERE token_hash = $1 AND client = $2 AND ended_at IS NULL", name, client, tx.now)
    await tx.execute(
        """
        UPDATE api_grant g SET ended_at = $3 FROM api_refresh r
        WHERE r.token_hash = $1 AND g.id = r.grant_id AND g.client = $2 AND g.ended_at IS NULL
        """,
        *(name, client, tx.now),
    )


async def spend_proof(tx: Transaction, client: str, proof: Proof) -> None:
    """Take an assertion once, whoever else brings the same at the same time. Raises `Unauthenticated`."""
    tag = await tx.execute(
        "INSERT INTO api_jti (client, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", client, proof.jti, proof.expires_at
    )
    if tag != "INSERT 0 1":
        raise Unauthenticated("client-refused", why="replay")


async def give_token(
    tx: Transaction,
    client: str,
    scopes: Sequence[str],
    *,
    certificate: str = "",
    grant: str | None = None,
    lifetime: timedelta = TOKEN_LIFETIME,
) -> str:
    """A new bearer token: 256 random bits, kept as a hash."""
    secret = secrets.token_urlsafe(32)
    await tx.execute(
        """
        INSERT INTO api_token (token_hash, client, scopes, certificate, grant_id, created_at, expires_at)
        VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7)
        """,
        *(digest(secret), client, list(scopes), certificate, grant, tx.now, tx.now + lifetime),
    )
    await tx.execute("UPDATE api_client SET token_at = $2 WHERE name = $1 AND (token_at IS NULL OR token_at < $2)", client, tx.now)
    return secret


async def allow_address(tx: Transaction, client: str, address: str) -> None:
    """Let what the client follows be sent there, from now on. Raises `NotFound`."""
    added = await tx.execute(
        """
        INSERT INTO api_client_address (client, address, created_at) SELECT name, $2, $3 FROM api_client WHERE name = $1
        ON CONFLICT (client, address) DO UPDATE SET address = excluded.address
        """,
        *(client, address, tx.now),
    )
    if added != "INSERT 0 1":
        raise NotFound("client", client)


async def refuse_address(tx: Transaction, client: str, address: str) -> None:
    """Nothing more goes there, waiting events included. Raises `NotFound` for an address that was not allowed."""
    if await tx.execute("DELETE FROM api_client_address WHERE client = $1 AND address = $2", client, address) != "DELETE 1":
        raise NotFound("address", address)


async def put_signing(tx: Transaction, client: str, sealed: bytes, *, keep: bool) -> None:
    """The secret that signs what is sent to a client; with `keep` the one before signs too, until the next change. Raises `NotFound`."""
    changed = await tx.execute(
        "UPDATE api_client SET signing_before = CASE WHEN $3 THEN signing END, signing = $2, signing_at = $4 WHERE name = $1",
        *(client, sealed, keep, tx.now),
    )
    if changed != "UPDATE 1":
        raise NotFound("client", client)


async def forget_expired(tx: Transaction) -> None:
    """Clear away a few rows that nobody can use any more; each token that is given pays for a few of those before it."""
    for table, columns in (("api_jti", "client, jti"), ("api_token", "token_hash"), ("api_launch", "handle_hash")):
        await tx.execute(
            f"""
            WITH few AS MATERIALIZED (SELECT {columns} FROM {table} WHERE expires_at < $1 ORDER BY expires_at LIMIT 20 FOR UPDATE SKIP LOCKED)
            DELETE FROM {table} WHERE ({columns}) IN (SELECT {columns} FROM few)
            """,
            tx.now - timedelta(minutes=10),
        )


async def let_choose_ids(tx: Transaction, client: str, prefix: str | None) -> None:
    """Let a machine client choose the ids that begin with its own prefix (`labo-`), or, with None, no more.

    Raises `Conflict("id-prefix-taken")`, `Invalid` for a prefix that is not letters and digits and a dash.
    """
    await tx.execute("UPDATE api_client SET id_prefix = $2 WHERE name = $1", client, prefix)


async def issue_token(tx: Transaction, client: str, scopes: Sequence[str], organizations: Sequence[str], lifetime: timedelta) -> str:
    """Register or update a machine client of the operator, pinned to `organizations`, and give it a bearer token: for a demonstration or a trial.

    Raises `NotAllowed` when no organisation is named: a missing claim never means "no filter"; `Conflict` for a client that has keys;
    `Invalid` for a scope that grants nothing.
    """
    if not organizations:
        raise NotAllowed("no-organization")
    check_scopes("token", scopes)
    taken = await tx.execute(
        """
        INSERT INTO api_client (name, organizations, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET organizations = excluded.organizations WHERE api_client.kind = 'token'
        """,
        client,
        list(organizations),
        tx.now,
    )
    if taken != "INSERT 0 1":
        raise Conflict("client-exists")
    return await give_token(tx, client, scopes, lifetime=lifetime)
