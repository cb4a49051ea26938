"""A sign-in between two pages: what was proved so far waits on the server, and the browser holds a secret that is good once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from maillage.access.identity.sealing import Sealer
from maillage.access.identity.secret import digest, new_secret
from maillage.access.identity.types import Proof
from maillage.kernel.errors import Unauthenticated
from maillage.store import Transaction

LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Step:
    """Who is signing in, what is still wanted (`factor`, `place`, `enrol`), what was proved, and where to go afterwards."""

    stage: str
    login: str
    proof: Proof | None = None
    back: str = ""
    password: str = ""
    invitation: str = ""


async def put_step(tx: Transaction, step: Step, sealer: Sealer) -> str:
    """Keep a step; answers the secret for the browser."""
    secret = new_secret()
    content = sealer.seal(msgspec.json.encode(step), f"step {step.stage}")
    await tx.execute(
        "INSERT INTO sign_in_step (token_hash, content, expires_at) VALUES ($1, $2, $3)", digest(secret), content, tx.now + LIFETIME
    )
    return secret


async def step_of(tx: Transaction, secret: str, stage: str, sealer: Sealer) -> Step:
    """The step of a browser. Raises `Unauthenticated("step-ended")` when there is none, it is too old, or something else is wanted."""
    content = await tx.fetchval("SELECT content FROM sign_in_step WHERE token_hash = $1 AND expires_at > $2", digest(secret), tx.now)
    return _read(content, stage, sealer)


async def take_step(tx: Transaction, secret: str, stage: str, sealer: Sealer) -> Step:
    """The step of a browser, which is over with this. Raises as `step_of`, also for the second of two at once."""
    content = await tx.fetchval(
        "DELETE FROM sign_in_step WHERE token_hash = $1 AND expires_at > $2 RETURNING content", digest(secret), tx.now
    )
    return _read(content, stage, sealer)


def _read(content: bytes | None, stage: str, sealer: Sealer) -> Step:
    if content is None:
        raise Unauthenticated("step-ended")
    try:
        return msgspec.json.decode(sealer.open(bytes(content), f"step {stage}"), type=Step)
    except Unauthenticated as error:
        raise Unauthenticated("step-ended") from error
