"""The headers of every page (OWASP ASVS 5.0, V3.4): the policy of contents is the same on all of them."""

from __future__ import annotations

from starlette.responses import Response

from maillage.doors.edge import SECURITY_HEADERS
from maillage.doors.web.settings import Site

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "trusted-types default",
        "require-trusted-types-for 'script'",
    )
)

_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, **SECURITY_HEADERS}


FILE_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""A file that somebody sent runs nothing, whatever it is: no script, no form, no origin of ours."""


def secure(response: Response, site: Site, *, cache: str = "no-store", policy: str = CONTENT_SECURITY_POLICY) -> Response:
    """Add them; pages may show patients, so nothing keeps a copy unless `cache` says otherwise."""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = policy
    response.headers["Cache-Control"] = cache
    response.headers.update(site.transport)
    return response
