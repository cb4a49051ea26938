"""An OpenID provider on the loopback that keeps to the book, but for the one thing about which a test tells it to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwk, jws

CLIENT, SECRET = "maillage", "not a secret outside tests"
RPPS, SUBJECT = "10001234567", "f:subject-of-castanier"
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


@cache
def key(kind: str, name: str) -> Any:
    """A signing key, made once for a run: making an RSA key takes long."""
    named = {"kid": name, "use": "sig"}
    return jwk.RSAKey.generate_key(2048, named) if kind == "RSA" else jwk.ECKey.generate_key("P-256", named)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@dataclass
class Lies:
    """What to say instead of the truth: None takes a claim away."""

    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[Provider, dict[str, Any], dict[str, Any]], str] | None = None
    down: bool = False
    slow: float = 0.0


class Provider:
    """Its state. `signing` is the key that it uses now, `published` those that it shows."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now, self.lies, self.algorithm = now, Lies(), "RS256"
        self.signing = key("RSA", "one")
        self.published: list[Any] = [self.signing]
        self.flows: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.session = "session-there"
        self.subject, self.rpps, self.level = SUBJECT, RPPS, "eidas1"
        self.issuer = ""

    # --- what it signs -------------------------------------------------------------
    def signed(self, claims: dict[str, Any], typ: str = "JWT") -> str:
        claims = merged(claims, self.lies.claims)
        header = merged({"alg": self.algorithm, "typ": typ, "kid": self.signing.kid}, self.lies.header)
        if self.lies.sign:
            return self.lies.sign(self, header, claims)
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.signing, algorithms=[self.algorithm])

    def id_token(self, flow: dict[str, str], access_token: str) -> str:
        at = int(self.now().timestamp())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        return self.signed(
            {
                "iss": self.issuer,
                "sub": self.subject,
                "aud": CLIENT,
                "azp": CLIENT,
                "exp": at + 300,
                "iat": at,
                "auth_time": at,
                "nonce": flow["nonce"],
                "acr": self.level,
                "sid": self.session,
                "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
            }
        )

    def logout_token(self, **claims: Any) -> str:
        at = int(self.now().timestamp())
        told = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 120, "jti": "logout-1", "sub": self.subject, "sid": self.session}
        return self.signed(merged({**told, "events": {LOGOUT: {}}}, claims), "logout+jwt")

    # --- what it answers -----------------------------------------------------------
    def metadata(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
        return merged(told, self.lies.metadata)

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back."""
        code = f"code-{len(self.flows)}"
        self.flows[code] = query
        answer = merged({"code": code, "state": query["state"], "iss": self.issuer}, self.lies.answer)
        return f"{query['redirect_uri']}?{urlencode(answer, doseq=True)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
        flow = self.flows.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        honest = flow and flow["code_challenge"] == challenge and flow["redirect_uri"] == form.get("redirect_uri")
        if not flow or not honest or authorization != f"Basic {expected}":
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.id_token(flow, "opaque")}

    def userinfo(self) -> Any:
        return merged({"sub": self.subject, "SubjectNameID": f"8{self.rpps}"}, self.lies.userinfo)


def merged(told: dict[str, Any], lies: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**told, **lies}.items() if value is not None}


def by_hand(key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """An RS256 signature over anything at all: libraries refuse to write most lies."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    body = f"{encoded(header)}.{encoded(claims)}"
    signature = key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: Any, **headers: str) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _tell(self, told: Any) -> None:
        """Userinfo: plain, or a token where the provider makes one of it."""
        if isinstance(told, str):
            self.send_response(200)
            self.send_header("content-type", "application/jwt")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told.encode())
        else:
            self._answer(200, told)

    def _begin(self) -> bool:
        self.provider.asked.append(urlsplit(self.path).path)
        time.sleep(self.provider.lies.slow)
        if self.provider.lies.down:
            self._answer(503, {})
        return not self.provider.lies.down

    def do_GET(self) -> None:  # the library's name
        if not self._begin():
            return
        parts = urlsplit(self.path)
        if parts.path == "/auth":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._answer(303, {}, location=self.provider.authorize(query))
        elif parts.path == "/jwks":
            self._answer(200, {"keys": [one if isinstance(one, dict) else one.as_dict(private=False) for one in self.provider.published]})
        elif parts.path == "/userinfo":
            self._tell(self.provider.userinfo())
        else:
            self._answer(200, self.provider.metadata())

    def do_POST(self) -> None:  # the library's name
        body = self.rfile.read(int(self.headers["content-length"]))
        if self._begin():
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            self._answer(*self.provider.token(form, self.headers.get("authorization", "")))


@contextmanager
def provider(now: Callable[[], datetime], made: Provider | None = None) -> Iterator[Provider]:
    """A provider that answers for the length of the block."""
    made = made or Provider(now)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": made}))
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
