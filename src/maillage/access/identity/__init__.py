"""Who signs in: accounts and the places where their owners work, sessions, factors.

A grave act (breaking the glass, changing a factor) asks for a fresh proof: `session.fresh(now, minutes)` says whether a factor was shown lately;
when it was not, `Unauthenticated("not-fresh")` leads the browser to `/compte/confirmer?vers=<where it was>` and back, under a new session id.
"""

from __future__ import annotations

from maillage.access.identity.actions.accounts import allow_exercise, disable_account, end_exercise, put_account
from maillage.access.identity.actions.sessions import (
    open_session,
    purge,
    renew_session,
    revoke_others,
    revoke_session,
    sign_in_demo,
    sign_out,
)
from maillage.access.identity.queries import account, account_of_rpps, demo_accounts, exercises, session_of, sessions_of
from maillage.access.identity.types import LIMITS, Exercise, Proof, SessionLimits, SessionLine, WebSession

__all__ = [
    "LIMITS",
    "Exercise",
    "Proof",
    "SessionLimits",
    "SessionLine",
    "WebSession",
    "account",
    "account_of_rpps",
    "allow_exercise",
    "demo_accounts",
    "disable_account",
    "end_exercise",
    "exercises",
    "open_session",
    "purge",
    "put_account",
    "renew_session",
    "revoke_others",
    "revoke_session",
    "session_of",
    "sessions_of",
    "sign_in_demo",
    "sign_out",
]
