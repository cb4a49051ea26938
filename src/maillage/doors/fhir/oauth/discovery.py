"""What clients are told of how to get in: one list, from which `.well-known/smart-configuration` and the CapabilityStatement are made.

https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from __future__ import annotations

from typing import Any

from maillage.access.clients.identity_token import ALGORITHM
from maillage.access.clients.types import ALGORITHMS
from maillage.codes.json import encode
from maillage.doors.fhir.http import Response
from maillage.doors.fhir.oauth.grants import GRANTS

CAPABILITIES = (
    *("launch-ehr", "launch-standalone", "client-public", "client-confidential-asymmetric"),
    *("context-banner", "context-ehr-patient", "context-standalone-patient"),
    *("sso-openid-connect", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2"),
)
METHODS = ("private_key_jwt", "none")
SCOPES = ("openid", "fhirUser", "launch", "launch/patient", "online_access", "patient/*.rs", "user/*.cruds", "system/*.cruds")
SMART = "http://fhir-registry.smarthealthit.org/StructureDefinition/"


def endpoints(base: str) -> dict[str, str]:
    """Where they are, by the names of the CapabilityStatement's extension."""
    pages = base.rpartition("/")[0]
    told = {"authorize": f"{pages}/oauth/authorize", "manage": f"{pages}/compte/applications"}
    return {**told, "token": f"{base}/oauth/token", "introspect": f"{base}/oauth/introspect", "revoke": f"{base}/oauth/revoke"}


def configuration(base: str) -> Response:
    """The document that SMART clients read first, and those of OpenID Connect too."""
    at = endpoints(base)
    told: dict[str, Any] = {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "subject_types_supported": ("public",),
        "id_token_signing_alg_values_supported": (ALGORITHM,),
        "authorization_endpoint": at["authorize"],
        "management_endpoint": at["manage"],
        "token_endpoint": at["token"],
        "introspection_endpoint": at["introspect"],
        "revocation_endpoint": at["revoke"],
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": tuple(ALGORITHMS),
        "grant_types_supported": tuple(GRANTS),
        "response_types_supported": ("code",),
        "scopes_supported": SCOPES,
        "code_challenge_methods_supported": ("S256",),
        "tls_client_certificate_bound_access_tokens": True,
        "capabilities": CAPABILITIES,
    }
    return Response(200, encode(told), {"content-type": "application/json"})


def extensions(base: str) -> list[dict[str, Any]]:
    """The same in the CapabilityStatement, as the first version of SMART wants it."""
    told: list[dict[str, Any]] = [{"url": SMART + "capabilities", "valueCode": code} for code in CAPABILITIES]
    addresses = [{"url": name, "valueUri": address} for name, address in endpoints(base).items()]
    return [*told, {"url": SMART + "oauth-uris", "extension": addresses}]
