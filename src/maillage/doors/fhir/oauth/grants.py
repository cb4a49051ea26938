"""What a token is given for: a proof of the software's own, the code of a consent, or the refresh token that follows."""

from __future__ import annotations

from typing import Any

from maillage import record
from maillage.access.clients import actions, authorisation, queries
from maillage.access.clients.consents import actions as consents
from maillage.access.clients.consents.actions import Grant
from maillage.access.clients.rules import refused
from maillage.access.clients.types import TOKEN_LIFETIME, Client
from maillage.doors.fhir.http import Response
from maillage.doors.fhir.oauth.clients import Desk, authenticated
from maillage.doors.fhir.oauth.forms import Form, OAuthError, required, told
from maillage.kernel.actor import Actor
from maillage.kernel.errors import Unauthenticated
from maillage.store import Transaction

AUDIT_KIND = "Session"
KIND = "bearer"
"""The kind of token, in the small letters that SMART fixes."""

INVALID = "This code or token is unknown, was used before, or has ended."


def acting(tx: Transaction, client: Client) -> Transaction:
    """The same transaction, as the client that has proved who it is."""
    return tx.acting_as(Actor("client", client.name, client.organizations, client=client.name))


async def of_software(tx: Transaction, form: Form, desk: Desk) -> Response:
    """For software that acts for itself (SMART backend services)."""
    client = await authenticated(tx, form, desk)
    if client.kind != "backend":
        raise OAuthError("unauthorized_client", "This client acts for persons only.")
    scopes = authorisation.left(form.get("scope", ""), client.scopes, ("system",))
    if scopes is None:
        raise OAuthError("invalid_scope", "None of these scopes is granted to this client.")
    await actions.forget_expired(tx)
    secret = await actions.give_token(tx, client.name, scopes, certificate=client.certificate)
    await record.audit(acting(tx, client), "E", AUDIT_KIND, verb="login-token")
    return told(_token(secret, scopes))


async def of_code(tx: Transaction, form: Form, desk: Desk) -> Response:
    """For an app that brings the code of a consent."""
    client = await app(tx, form, desk)
    code, verifier = required(form, "code"), required(form, "code_verifier")
    grant = await consents.redeem(tx, client.name, code, form.get("redirect_uri", ""), verifier)
    return await _of_grant(tx, client, grant, desk)


async def of_refresh(tx: Transaction, form: Form, desk: Desk) -> Response:
    """For an app whose token ended while the person is still there."""
    client = await app(tx, form, desk)
    return await _of_grant(tx, client, await consents.refresh(tx, client.name, required(form, "refresh_token")))


async def app(tx: Transaction, form: Form, desk: Desk) -> Client:
    """The app that asks: one with keys proves it, one without has only its name, and what it brings proves the rest. Raises `Unauthenticated`."""
    if "client_assertion" in form:
        client = await authenticated(tx, form, desk)
        if client.kind != "app":
            raise OAuthError("unauthorized_client", "This client acts for itself only.")
        return client
    found = await queries.client_named(tx, required(form, "client_id"))
    if found is None or found.kind != "public-app":
        raise refused("client")
    return found


async def _of_grant(tx: Transaction, client: Client, grant: Grant | None, desk: Desk | None = None) -> Response:
    """`desk`: where the code of a person was brought, who is then told to an app that asked."""
    if grant is None:
        raise OAuthError("invalid_grant", INVALID)
    secret = await actions.give_token(tx, client.name, grant.scopes, certificate=client.certificate, grant=grant.id)
    try:
        holder = await queries.holder_of_token(tx, secret)
    except Unauthenticated as error:  # the account or the place ended since, or the person signed out
        raise OAuthError("invalid_grant", INVALID) from error
    await record.audit(tx.acting_as(holder.actor), "E", AUDIT_KIND, patient=grant.patient or None, verb="login-app")
    more: dict[str, Any] = {"patient": grant.patient, "need_patient_banner": True} if grant.patient else {}
    if "online_access" in grant.scopes:
        more["refresh_token"] = await consents.give_refresh(tx, grant.id)
    if desk and "openid" in grant.scopes:
        more["id_token"] = desk.signer.sign(
            desk.base, client.name, holder.actor.id, nonce=grant.nonce, fhir_user="fhirUser" in grant.scopes, now=tx.now
        )
    return told({**_token(secret, grant.scopes), **more})


def _token(secret: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    lifetime = int(TOKEN_LIFETIME.total_seconds())
    return {"access_token": secret, "token_type": KIND, "expires_in": lifetime, "scope": " ".join(scopes)}


GRANTS = {"client_credentials": of_software, "authorization_code": of_code, "refresh_token": of_refresh}
