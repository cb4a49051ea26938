"""Factors: passwords, keys, codes; each proof is good once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from maillage import record
from maillage.access.identity import codes
from maillage.access.identity.keys import Key
from maillage.access.identity.sealing import Sealer
from maillage.access.identity.secret import digest
from maillage.kernel.errors import Conflict, Invalid, NotFound, Unauthenticated
from maillage.store import Transaction, register

register("spent_proof_pkey", lambda: Unauthenticated("proof-spent"))
register("factor_key_pkey", lambda: Conflict("key-known"))
register("local_password_login_door_fkey", lambda: Conflict("other-door"))


async def spend(tx: Transaction, proof: bytes, lifetime: timedelta) -> None:
    """Use something that is good once. Raises `Unauthenticated("proof-spent")` the second time, also for two at once."""
    await tx.execute("INSERT INTO spent_proof (hash, expires_at) VALUES ($1, $2)", hashlib.sha256(proof).digest(), tx.now + lifetime)


async def set_password(tx: Transaction, login: str, hashed: str) -> None:
    """Keep the hash of a password. Raises `Conflict("other-door")` for an account that has no local door."""
    await tx.execute(
        """
        INSERT INTO local_password (login, hash, set_at) VALUES ($1, $2, $3)
        ON CONFLICT (login) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at
        """,
        login,
        hashed,
        tx.now,
    )
    await record.audit(tx, "U", "Account", login, verb="password-set")


async def add_key(tx: Transaction, login: str, key: Key, name: str) -> None:
    """Keep a new key under the name that its owner gives it. Raises `Conflict("key-known")`."""
    await tx.execute(
        "INSERT INTO factor_key (credential_id, login, public_key, sign_count, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        key.credential_id,
        login,
        key.public_key,
        key.sign_count,
        name.strip()[:80] or "Clé",
        tx.now,
    )
    await record.audit(tx, "C", "Account", login, verb="key-added")


async def used_key(tx: Transaction, login: str, credential_id: bytes, sign_count: int) -> None:
    """Note the key's count; the count decides between two uses at once. Raises `Invalid("key-refused")`."""
    done = await tx.execute(
        """
        UPDATE factor_key SET sign_count = $3, used_at = $4
        WHERE login = $1 AND credential_id = $2 AND (sign_count < $3 OR (sign_count = 0 AND $3 = 0))
        """,
        login,
        credential_id,
        sign_count,
        tx.now,
    )
    if done == "UPDATE 0":
        raise Invalid.one("key-refused", "key")


async def set_totp(tx: Transaction, login: str, secret: str, code: str, sealer: Sealer) -> None:
    """Keep a time-based factor, once a first code shows that it works. Raises `Invalid("code-refused")`."""
    step = codes.totp_step(secret, code, tx.now)
    if step is None:
        raise Invalid.one("code-refused", "code")
    await tx.execute(
        """
        INSERT INTO factor_totp (login, secret, last_step, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (login) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step, created_at = excluded.created_at
        """,
        login,
        sealer.seal(secret.encode(), f"totp {login}"),
        step,
        tx.now,
    )
    await record.audit(tx, "C", "Account", login, verb="totp-added")


async def use_totp(tx: Transaction, login: str, code: str, sealer: Sealer) -> None:
    """Check a code and never accept its step, or one before it, again. Raises `Invalid("code-refused")`."""
    row = await tx.fetchrow("SELECT secret FROM factor_totp WHERE login = $1", login)
    secret = sealer.open(bytes(row["secret"]), f"totp {login}").decode() if row else codes.new_totp_secret()
    step = codes.totp_step(secret, code, tx.now)
    done = await tx.execute("UPDATE factor_totp SET last_step = $2 WHERE login = $1 AND last_step < $2", login, step or 0)
    if row is None or step is None or done == "UPDATE 0":
        raise Invalid.one("code-refused", "code")


async def new_recovery_codes(tx: Transaction, login: str) -> list[str]:
    """New codes, shown once; the former ones are worth nothing any more."""
    made: Sequence[str] = codes.new_recovery_codes()
    await tx.execute("DELETE FROM recovery_code WHERE login = $1", login)
    await tx.executemany("INSERT INTO recovery_code (login, hash) VALUES ($1, $2)", [(login, digest(code)) for code in made])
    await record.audit(tx, "C", "Account", login, verb="recovery-codes-made")
    return list(made)


async def use_recovery_code(tx: Transaction, login: str, code: str) -> None:
    """Use a code; it is good once. Raises `Invalid("recovery-refused")`."""
    done = await tx.execute(
        "UPDATE recovery_code SET used_at = $3 WHERE login = $1 AND hash = $2 AND used_at IS NULL",
        login,
        digest(codes.recovery_form(code)),
        tx.now,
    )
    if done == "UPDATE 0":
        raise Invalid.one("recovery-refused", "recovery")
    await record.audit(tx, "U", "Account", login, verb="recovery-code-used")


async def remove_key(tx: Transaction, login: str, credential_id: bytes) -> None:
    """Forget a key. Raises `NotFound`, `Conflict("last-factor")` when a local account would be left with its password alone."""
    done = await tx.execute("DELETE FROM factor_key WHERE login = $1 AND credential_id = $2", login, credential_id)
    if done == "DELETE 0":
        raise NotFound("Key")
    await _keep_one(tx, login)
    await record.audit(tx, "D", "Account", login, verb="key-removed")


async def remove_totp(tx: Transaction, login: str) -> None:
    """Forget the time-based factor. Raises as `remove_key`."""
    if await tx.execute("DELETE FROM factor_totp WHERE login = $1", login) == "DELETE 0":
        raise NotFound("Code")
    await _keep_one(tx, login)
    await record.audit(tx, "D", "Account", login, verb="totp-removed")


async def _keep_one(tx: Transaction, login: str) -> None:
    """Two removals at once wait for each other at the account's row."""
    row = await tx.fetchrow("SELECT door FROM account WHERE login = $1 FOR UPDATE", login)
    left = await tx.fetchval(
        "SELECT (SELECT count(*) FROM factor_key WHERE login = $1) + (SELECT count(*) FROM factor_totp WHERE login = $1)", login
    )
    if row is not None and row["door"] == "local" and not left:
        raise Conflict("last-factor")


async def remove_factors(tx: Transaction, login: str) -> None:
    """Forget every factor, to set them again from an invitation."""
    for statement in (
        "DELETE FROM local_password WHERE login = $1",
        "DELETE FROM factor_key WHERE login = $1",
        "DELETE FROM factor_totp WHERE login = $1",
        "DELETE FROM recovery_code WHERE login = $1",
    ):
        await tx.execute(statement, login)
