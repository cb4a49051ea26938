"""Who is signed in, and whether an unsafe request comes from our own page (ASVS 5.0, 3.3, 3.5 and 7)."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from maillage.access import WebSession, session_of
from maillage.doors.web.settings import Site
from maillage.kernel.actor import SYSTEM
from maillage.kernel.errors import NotAllowed, Unauthenticated
from maillage.store import Database

COOKIE = "maillage"
VISIT_COOKIE = "maillage-visite"
FOLLOWS = "x-maillage-live"


def _secure(site: Site) -> bool:
    """Always, but on the loopback over plain http: the demonstration and development, which no other machine reaches."""
    return site.https or not site.loopback


def cookie_name(site: Site, name: str) -> str:
    """The cookie's name: bound to this host by its prefix wherever cookies are secure (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if _secure(site) else name


def put_cookie(response: Response, site: Site, name: str, value: str, seconds: int | None = None) -> None:
    """Give the browser a secret that scripts can't read and other sites can't send with a form; for `seconds`, else until it is closed."""
    response.set_cookie(cookie_name(site, name), value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=_secure(site))


def drop_cookie(response: Response, site: Site, name: str) -> None:
    """Take the secret back."""
    response.delete_cookie(cookie_name(site, name), path="/", httponly=True, samesite="lax", secure=_secure(site))


def secret_of(request: Request, site: Site, name: str = COOKIE) -> str:
    """The secret that the browser sent, or nothing."""
    return request.cookies.get(cookie_name(site, name), "")


async def find_session(db: Database, request: Request, site: Site) -> WebSession | None:
    """The live session of the browser, or None. A page that follows what others do says so itself: nobody is at the screen for that."""
    secret = secret_of(request, site)
    if not secret:
        return None
    try:
        async with db.transaction(SYSTEM, lazy=True) as tx:
            return await session_of(tx, secret, site.limits, used=FOLLOWS not in request.headers)
    except Unauthenticated:
        return None


def safe_path(path: str) -> str:
    """A path of ours to come back to, or nothing: never another site, however it is written (CWE-601)."""
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours and not any(ord(char) < 33 or ord(char) == 127 for char in path) else ""


def new_visit() -> str:
    """A secret for a browser that is not signed in: the sign-in form needs a token too."""
    return secrets.token_urlsafe(24)


def require_same_origin(request: Request) -> None:
    """Raise `NotAllowed` unless the browser says that the request comes from one of our pages."""
    site = request.headers.get("sec-fetch-site")
    origin = urlsplit(request.headers.get("origin", "")).netloc
    same = site == "same-origin" if site is not None else bool(origin) and origin == request.headers.get("host")
    if not same:  # our Referrer-Policy makes browsers write "Origin: null", hence the order
        raise NotAllowed("csrf")


def require_token(expected: str, given: str) -> None:
    """Raise `NotAllowed` unless the form carries the token of this session."""
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise NotAllowed("csrf")
