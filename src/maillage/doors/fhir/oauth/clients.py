"""Who asks at a token endpoint: a client that signs for itself (`private_key_jwt`), with its certificate where its record names one."""

from __future__ import annotations

from dataclasses import dataclass

from maillage.access.clients import actions, queries, rules
from maillage.access.clients.identity_token import Signer
from maillage.access.clients.published.rules import serving
from maillage.access.clients.types import Client
from maillage.doors.fhir.oauth.forms import Form, OAuthError, required
from maillage.store import Transaction

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a client stands: our address as its assertion must name it, the certificate that it showed, and who signs for us."""

    base: str
    certificate: str
    signer: Signer

    @property
    def audience(self) -> str:
        """The address of the token endpoint."""
        return f"{self.base}/oauth/token"


async def authenticated(tx: Transaction, form: Form, desk: Desk) -> Client:
    """The client, its assertion spent. Raises `Unauthenticated` for every reason alike, after the same work whether the client exists or not."""
    if required(form, "client_assertion_type") != JWT_BEARER:
        raise OAuthError("invalid_request", f"client_assertion_type is {JWT_BEARER}.")
    assertion = required(form, "client_assertion")
    name = rules.claimed(assertion)[1]["iss"]
    client = await queries.client_named(tx, name)
    jwks, address = (serving(client, tx.now), client.jwks_url) if client else ("", "")
    proof = rules.verify(assertion, name, jwks, desk.audience, tx.now, address)
    if client is None or form.get("client_id", name) != name:
        raise rules.refused("client")
    if client.certificate and client.certificate != desk.certificate:
        raise rules.refused("certificate")
    await actions.spend_proof(tx, name, proof)
    return client
