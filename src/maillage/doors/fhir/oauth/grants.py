"""What a token may be given: never more than the record of the client, and the narrower of both wherever they differ."""

from __future__ import annotations

from collections.abc import Iterable

from maillage.access.narrowing import enforceable
from maillage.access.scopes import Scope, narrow, read_scope, read_scopes
from maillage.doors.fhir.oauth.forms import OAuthError

MOST_ASKED = 60
MOST_GRANTED = 200


def granted(asked: str, allowed: Iterable[str], contexts: Iterable[str] = ("system",)) -> tuple[str, ...]:
    """The scopes that are left of those that are asked for. Raises `OAuthError` when nothing is left, or nothing was asked.

    A scope that is granted whole comes back as it was written, in the first form too.
    """
    wanted = list(dict.fromkeys(asked.split()))
    if not wanted or len(wanted) > MOST_ASKED:
        raise OAuthError("invalid_scope", f"Ask for one to {MOST_ASKED} scopes.")
    rights = [scope for scope in read_scopes(allowed) if scope.context in frozenset(contexts)]
    made: list[str] = []
    for text in wanted:
        scope = read_scope(text)
        made += _left(text, scope, rights) if scope is not None and enforceable(scope) else []
    if not made or len(made) > MOST_GRANTED:
        raise OAuthError("invalid_scope", "None of these scopes is granted to this client.")
    return tuple(dict.fromkeys(made))


def _left(text: str, scope: Scope, rights: list[Scope]) -> list[str]:
    return [text if one == scope else str(one) for one in narrow(scope, rights)]
