"""From the name of a violated constraint to an error of the domain.

The database holds the rule; the room that owns the constraint says, in its face, which error its violation is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import asyncpg

from maillage.kernel.errors import Invalid, MaillageError, NotAllowed, Unavailable

log = logging.getLogger(__name__)
_registered: dict[str, Callable[[], MaillageError]] = {}


def register(name: str, error: Callable[[], MaillageError]) -> None:
    """Say that a violation of constraint `name` is `error()`; one constraint has one meaning."""
    if name in _registered and repr(_registered[name]()) != repr(error()):
        raise ValueError(f"constraint {name} has two meanings")
    _registered[name] = error


register("row_keeps_its_patient", lambda: Invalid.one("patient-changed"))


def registered() -> frozenset[str]:
    """Names of the constraints that have a meaning."""
    return frozenset(_registered)


_AWAY: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    ConnectionError,
)

RETRIED = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.InvalidCachedStatementError)
"""The last: a table was widened under a prepared statement (the next version migrates while this one serves); the driver prepares it anew."""
VERSION_TAKEN = "resource_version_pkey"
"""Somebody else wrote the version that we were about to write: seen again with fresh eyes, the answer may be another one."""

_ID_TAKEN = re.compile(r"(?:resource_head|ix_[a-z]+)_pkey")
"""The same for the first version under an id that a client chose."""


def retried(error: BaseException | None) -> bool:
    """Whether a transaction that failed so is worth trying again from its start."""
    if isinstance(error, RETRIED):
        return True
    name = getattr(error, "constraint_name", None) or ""
    return isinstance(error, asyncpg.UniqueViolationError) and (name == VERSION_TAKEN or _ID_TAKEN.fullmatch(name) is not None)


def translate(error: BaseException) -> MaillageError | None:
    """The domain's word for an error of the driver, or None when it is a defect."""
    if retried(error):
        return Unavailable("contention")
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        meaning = _registered.get(getattr(error, "constraint_name", None) or "")
        return meaning() if meaning else None
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and "row-level security" in str(error):
        log.error("second-wall", extra={"code": "second-wall"})  # the first wall should have refused: a defect, without effect
        return NotAllowed("second-wall")
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Unavailable("locked")
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.IdleInTransactionSessionTimeoutError):
        return Unavailable("deadline")
    if isinstance(error, asyncpg.DiskFullError):
        return Unavailable("storage-full")
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and "row-level security" not in str(error):
        return Unavailable("not-granted")  # such as an audit row that may no longer be written
    return Unavailable("database-away") if isinstance(error, _AWAY) else None
