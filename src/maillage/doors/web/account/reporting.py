"""Where a vulnerability is reported (RFC 9116)."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from maillage.doors.web.pages import get
from maillage.doors.web.view import View
from maillage.kernel.errors import NotFound

VALID = timedelta(days=180)


async def show_security_txt(view: View) -> Response:
    """The file that researchers look for; absent until the operator says who answers."""
    site = view.door.site
    if not site.security_contact:
        raise NotFound
    expires = (view.tx.now + VALID).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    lines = [f"Contact: {site.security_contact}", f"Expires: {expires}", "Preferred-Languages: fr, en"]
    if site.origin.startswith("https://"):
        lines.append(f"Canonical: {site.origin}/.well-known/security.txt")
    return Response("\n".join(lines) + "\n", media_type="text/plain")


PAGES = (get("/.well-known/security.txt", show_security_txt, public=True),)
