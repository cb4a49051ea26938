"""argon2id, away from the loop: a hash takes a tenth of a second and 64 MiB, so that two at a time are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from maillage.access.identity.rules import LONGEST, normal

T = TypeVar("T")
_HASHER = PasswordHasher()  # RFC 9106's second recommendation: 3 passes, 64 MiB, 4 lanes
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="argon2")


async def _beside(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)


async def hash_password(password: str) -> str:
    """What is kept of a password."""
    return await _beside(lambda: _HASHER.hash(normal(password)))


@cache
def _nobody() -> str:
    """The hash that stands for an account that is not there: checking it takes the time that checking a real one takes."""
    return _HASHER.hash("nobody has this password")


async def password_matches(kept: str | None, given: str) -> bool:
    """Whether `given` is the password; without one that is kept, the same work is done and the answer is no."""
    return await _beside(lambda: _matches(kept or _nobody(), given) and kept is not None)


def _matches(kept: str, given: str) -> bool:
    try:
        return _HASHER.verify(kept, normal(given[: 4 * LONGEST]))
    except (Argon2Error, InvalidHashError):
        return False
