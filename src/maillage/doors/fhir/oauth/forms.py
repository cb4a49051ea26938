"""The form that is sent to a token endpoint, and how the endpoint answers (RFC 6749, 3.2 and 5)."""

from __future__ import annotations

from typing import Any

from maillage.codes.json import encode
from maillage.doors.fhir.http import Receive, Request, Response, read_body, read_query
from maillage.doors.fhir.negotiation import FORM
from maillage.kernel.errors import MaillageError

LARGEST = 32_000
Form = dict[str, str]

REFUSED = "The client could not be authenticated."
"""One sentence for every reason: whether a client exists is not told."""


class OAuthError(Exception):
    """An answer of the protocol; what was done before it stays done."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


async def read_form(request: Request, receive: Receive) -> Form:
    """The fields of the form, each there once. Raises `OAuthError`."""
    try:
        body = await read_body(receive, LARGEST, request.header("content-length"))
        pairs = read_query(body.decode("ascii"))
    except (MaillageError, UnicodeDecodeError) as error:
        raise OAuthError("invalid_request", "The form cannot be read.") from error
    if request.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"Send a form: {FORM}.")
    if len(dict(pairs)) < len(pairs):
        raise OAuthError("invalid_request", "A parameter was sent twice.")
    return {name: value for name, value in pairs if value}


def told(value: dict[str, Any], status: int = 200) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(status, encode(value), {"content-type": "application/json", "pragma": "no-cache"})


def told_error(error: OAuthError) -> Response:
    """An error as the protocol writes it."""
    description = {"error_description": error.description} if error.description else {}
    return told({"error": error.error, **description}, error.status)


def required(form: Form, name: str) -> str:
    """A field that must be there. Raises `OAuthError`."""
    if name not in form:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return form[name]


__all__ = ["REFUSED", "Form", "OAuthError", "read_form", "required", "told", "told_error"]
