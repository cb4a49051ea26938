"""Where tokens are had, ended and looked at: `POST /fhir/oauth/token`, `/revoke`, `/introspect` (SMART App Launch 2.2, RFC 6749, 7009, 7662)."""

from maillage.doors.fhir.oauth.endpoints import OAuth
from maillage.doors.fhir.oauth.keys import Fetch

__all__ = ["Fetch", "OAuth"]
