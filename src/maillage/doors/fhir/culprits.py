"""Who failed, as the French exchanges ask it of an OperationOutcome: `SEND` the caller, `REC` maillage, `PROXY` what stands between."""

from __future__ import annotations

from typing import Final

from maillage.codes.systems import own_code_system

SYSTEM: Final = own_code_system("culprit")
SENDERS: Final = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    410: "GONE",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_ENTITY",
    428: "PRECONDITION_REQUIRED",
    429: "TOO_MANY_REQUESTS",
}
RECEIVERS: Final = {500: "SERVER_ERROR", 503: "UNAVAILABLE", 507: "STORAGE_FULL"}
BETWEEN: Final = frozenset({"certificate-unreadable"})
"""Reasons that lie with the proxy in front of us."""


def code(status: int, reason: str) -> str:
    """The detail code of an error."""
    name = SENDERS.get(status) or RECEIVERS.get(status, "SERVER_ERROR")
    who = "PROXY" if reason in BETWEEN else "SEND" if status in SENDERS else "REC"
    return f"{who}_{name}"
