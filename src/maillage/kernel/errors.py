"""Error families. Each has one FHIR issue type; the doors' `problems.py` turn a family into a status or a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding: FHIR issue severity and code, our reason code, the FHIRPath of the culprit, an English sentence."""

    severity: str
    code: str
    reason: str
    expression: str = ""
    details: str = ""


class MaillageError(Exception):
    """Root of the families: `reason` is a code, never a sentence."""

    issue_type: ClassVar[str] = "processing"

    def __init__(self, reason: str, *issues: Issue, **extra: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.issues = issues or (Issue("error", self.issue_type, reason),)
        self.extra = extra


class NotFound(MaillageError):
    """Nothing here for this actor: absent and invisible are the same answer."""

    issue_type = "not-found"

    def __init__(self, kind: str = "", id: str = "") -> None:
        super().__init__("not-found")
        self.kind, self.id = kind, id


class Gone(MaillageError):
    """The resource was deleted."""

    issue_type = "deleted"

    def __init__(self, kind: str = "", id: str = "") -> None:
        super().__init__("deleted")
        self.kind, self.id = kind, id


class NotAllowed(MaillageError):
    """This actor may not do this; the thing itself is visible to the actor."""

    issue_type = "forbidden"


class Unauthenticated(MaillageError):
    """No valid session or token."""

    issue_type = "login"


class _Pointed(MaillageError):
    """A family whose errors point at fields."""

    def __init__(self, *issues: Issue, **extra: Any) -> None:
        super().__init__(issues[0].reason if issues else self.issue_type, *issues, **extra)

    @classmethod
    def one(cls, reason: str, expression: str = "", details: str = "", **extra: Any) -> _Pointed:
        """The family with a single issue."""
        return cls(Issue("error", cls.issue_type, reason, expression, details), **extra)


class Malformed(_Pointed):
    """The input cannot be read as what it should be (400)."""

    issue_type = "structure"


class Invalid(_Pointed):
    """The input is readable and breaks a rule (422)."""

    issue_type = "business-rule"


class TooLarge(MaillageError):
    """The input passes a size cap (413)."""

    issue_type = "too-long"


class Unsupported(MaillageError):
    """A media type or format that is not served (406, 415)."""

    issue_type = "not-supported"


class Conflict(MaillageError):
    """The state of things does not allow it now (409); `extra` may hold fresh choices."""

    issue_type = "conflict"


class Stale(MaillageError):
    """The caller decided on an old version (412)."""

    issue_type = "conflict"

    def __init__(self, current: int) -> None:
        super().__init__("stale", current=current)
        self.current = current


class PreconditionRequired(MaillageError):
    """A version must be given and was not (428)."""

    issue_type = "required"


class Unavailable(MaillageError):
    """Not now: overload, or a dependency is away (503)."""

    issue_type = "transient"


class TooMany(Unavailable):
    """This caller asks too often (429); `seconds` until it may ask again."""

    issue_type = "throttled"

    def __init__(self, seconds: int) -> None:
        super().__init__("too-many-requests", retry_after=seconds)
