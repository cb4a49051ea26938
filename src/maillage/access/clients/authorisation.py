"""What an app asks of a person, read with care: who asks and where the answer goes first, for anything wrong there is told to nobody else.

SMART App Launch 2.2, RFC 6749 4.1, RFC 7636, RFC 9700. Pure: the record of the client and the parameters are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from maillage.access.clients.types import Client
from maillage.access.narrowing import enforceable
from maillage.access.scopes import Scope, narrow, read_scope, read_scopes

MOST_ASKED = 60
MOST_GRANTED = 200
LONGEST_STATE = 500
WORDS = ("launch", "launch/patient", "online_access", "openid", "fhirUser")
"""What an app may ask for beside scopes of resource types."""

NAMES = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "aud",
    "code_challenge",
    "code_challenge_method",
    "launch",
    "nonce",
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Wrong(Exception):
    """An error that the app is told, by its code in the protocol."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may be put to the person."""

    client: Client
    redirect_uri: str
    state: str
    challenge: str
    scopes: tuple[str, ...]
    launch: str = ""
    nonce: str = ""

    @property
    def needs_patient(self) -> bool:
        """Whether the person has to say which patient it is about."""
        return "launch/patient" in self.scopes and not self.launch

    def back(self, **told: str) -> str:
        """The address to which the browser returns, with what is told and the state of the app."""
        glue = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{glue}{urlencode({**told, 'state': self.state})}"


def is_own(client: Client, address: str) -> bool:
    """Whether the address to return to is, letter by letter, one of the app's: before that is known nothing is sent anywhere (RFC 9700, 4.1)."""
    return client.kind in ("app", "public-app") and address in client.redirect_uris


def read(client: Client, given: Mapping[str, str], audience: str) -> Asked:
    """The request. Raises `Wrong`."""
    if given.get("response_type") != "code":
        raise Wrong("unsupported_response_type")
    challenge, state, nonce = given.get("code_challenge", ""), given.get("state", ""), given.get("nonce", "")
    if (
        given.get("code_challenge_method") != "S256"
        or not _CHALLENGE.fullmatch(challenge)
        or not 0 < len(state) <= LONGEST_STATE
        or len(nonce) > LONGEST_STATE
    ):
        raise Wrong("invalid_request")
    if given.get("aud", "").rstrip("/") != audience:
        raise Wrong("invalid_request")
    launch = given.get("launch", "")
    scopes = left(given.get("scope", ""), client.scopes, ("patient", "user"), WORDS)
    if scopes is None or ("launch" in scopes) != bool(launch) or ("fhirUser" in scopes and "openid" not in scopes):
        raise Wrong("invalid_scope")
    return Asked(client, given["redirect_uri"], state, challenge, scopes, launch, nonce)


def left(asked: str, allowed: Iterable[str], contexts: Iterable[str], words: Iterable[str] = ()) -> tuple[str, ...] | None:
    """The scopes that are left of those that are asked for; None when none of a resource type is.

    A scope that is granted whole comes back as it was written, in the first form too.
    """
    allowed = tuple(allowed)
    rights = [scope for scope in read_scopes(allowed) if scope.context in frozenset(contexts)]
    wanted = list(dict.fromkeys(asked.split()))
    made: list[str] = [text for text in wanted if text in frozenset(words) & frozenset(allowed)]
    told = len(made)
    for text in wanted[:MOST_ASKED]:
        scope = read_scope(text)
        made += _left(text, scope, rights) if scope is not None and enforceable(scope) else []
    return tuple(dict.fromkeys(made)) if told < len(made) <= MOST_GRANTED else None


def _left(text: str, scope: Scope, rights: list[Scope]) -> list[str]:
    return [text if one == scope else str(one) for one in narrow(scope, rights)]


def of_patient(scopes: Iterable[str], patient: str) -> tuple[str, ...]:
    """The scopes that stand: those of one patient only where there is one."""
    return tuple(text for text in scopes if patient or not text.startswith("patient/"))
