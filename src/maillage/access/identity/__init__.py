"""Who signs in: accounts and the places where their owners work, sessions, factors.

A grave act (breaking the glass, changing a factor) asks for a fresh proof: `session.fresh(now, minutes)` says whether a factor was shown lately;
when it was not, `Unauthenticated("not-fresh")` leads the browser to `/compte/confirmer?vers=<where it was>` and back, under a new session id.
"""

from __future__ import annotations

from maillage.access.identity.actions.accounts import allow_exercise, disable_account, end_exercise, put_account
from maillage.access.identity.actions.admission import ADMINISTRATORS, authorise, invite, invited, use_invitation
from maillage.access.identity.actions.attempts import begin_attempt, forget_attempts, forgive_attempt
from maillage.access.identity.actions.factors import (
    add_key,
    new_recovery_codes,
    remove_key,
    remove_totp,
    set_password,
    set_totp,
    spend,
    use_recovery_code,
    use_totp,
    used_key,
)
from maillage.access.identity.actions.interrupted import Writer, is_form_of, keep_form, kept_form, writer_of
from maillage.access.identity.actions.sessions import (
    end_provider_sessions,
    join_provider,
    open_session,
    purge,
    renew_session,
    revoke_others,
    revoke_session,
    sign_in_demo,
    sign_out,
)
from maillage.access.identity.actions.steps import Step, put_step, step_of, take_step
from maillage.access.identity.codes import new_totp_secret, totp_address
from maillage.access.identity.keys import (
    Key,
    Party,
    authentication_options,
    challenge_in,
    credential_in,
    registered_key,
    registration_options,
    shown_key,
)
from maillage.access.identity.passwords import hash_password, password_matches
from maillage.access.identity.provider import Flow, IdentityProvider, LogoutNotice, PatientProvider, Pivot, Proved, ProvedPatient
from maillage.access.identity.queries import (
    account,
    account_of_rpps,
    accounts_at,
    demo_accounts,
    exercises,
    factors_of,
    keys_of,
    password_of,
    session_of,
    session_of_id,
    sessions_of,
)
from maillage.access.identity.rules import SHORTEST, password_problem
from maillage.access.identity.sealing import Sealer
from maillage.access.identity.types import LIMITS, AccountLine, Exercise, Factors, KeyLine, Proof, SessionLimits, SessionLine, WebSession

__all__ = [
    "ADMINISTRATORS",
    "LIMITS",
    "SHORTEST",
    "AccountLine",
    "Exercise",
    "Factors",
    "Flow",
    "IdentityProvider",
    "Key",
    "KeyLine",
    "LogoutNotice",
    "Party",
    "PatientProvider",
    "Pivot",
    "Proof",
    "Proved",
    "ProvedPatient",
    "Sealer",
    "SessionLimits",
    "SessionLine",
    "Step",
    "WebSession",
    "Writer",
    "account",
    "account_of_rpps",
    "accounts_at",
    "add_key",
    "allow_exercise",
    "authentication_options",
    "authorise",
    "begin_attempt",
    "challenge_in",
    "credential_in",
    "demo_accounts",
    "disable_account",
    "end_exercise",
    "end_provider_sessions",
    "exercises",
    "factors_of",
    "forget_attempts",
    "forgive_attempt",
    "hash_password",
    "invite",
    "invited",
    "is_form_of",
    "join_provider",
    "keep_form",
    "kept_form",
    "keys_of",
    "new_recovery_codes",
    "new_totp_secret",
    "open_session",
    "password_matches",
    "password_of",
    "password_problem",
    "purge",
    "put_account",
    "put_step",
    "registered_key",
    "registration_options",
    "remove_key",
    "remove_totp",
    "renew_session",
    "revoke_others",
    "revoke_session",
    "session_of",
    "session_of_id",
    "sessions_of",
    "set_password",
    "set_totp",
    "shown_key",
    "sign_in_demo",
    "sign_out",
    "spend",
    "step_of",
    "take_step",
    "totp_address",
    "use_invitation",
    "use_recovery_code",
    "use_totp",
    "used_key",
    "writer_of",
]
