"""The headers of every page (security.md 8)."""

from __future__ import annotations

from starlette.responses import Response

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

_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def secure(response: Response, site: Site, *, cache: str = "no-store") -> Response:
    """Add them; pages may show patients, so nothing keeps a copy unless `cache` says otherwise."""
    response.headers.update(_HEADERS)
    response.headers["Cache-Control"] = cache
    if site.https:
        response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
    return response
