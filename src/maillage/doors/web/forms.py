"""Questions and their answers: fields as data, drawn by the `field` component, read back with errors that point at them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from maillage.doors.web.catalogue import explain
from maillage.doors.web.view import Rejected, Values, View
from maillage.kernel.errors import Invalid, Issue
from maillage.kernel.period import EARLIEST, LATEST, PARIS, wall_to_utc


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that may be chosen; neighbours of one `group` stand under its title."""

    value: str
    label: str
    hint: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `kind` is text, password, textarea, date, time, datetime, number, euros (cents), tel, radio, checks,
    select, checkbox, hidden, files, or photo (taken now, where there is a camera).

    `empty` is what a list says before a choice; an unmarked question does not say that it is optional;
    neighbours of one `row` stand in one fieldset under its title.
    """

    name: str
    label: str
    kind: str = "text"
    required: bool = False
    hint: str = ""
    choices: tuple[Choice, ...] = ()
    chosen: tuple[str, ...] = ()
    value: str = ""
    error: str = ""
    rows: int = 4
    minlength: int = 0
    maxlength: int = 0
    inline: bool = False
    inputmode: str = ""
    day: str = ""
    time: str = ""
    doubled: bool = False
    empty: str = "Choisir"
    marked: bool = True
    scope: str = ""
    row: str = ""
    autocomplete: str = "off"

    @property
    def id(self) -> str:
        """The id of its control; `scope` keeps apart the forms of one page."""
        return f"f-{self.scope}{self.name}"

    def filled(self, values: Values) -> Field:
        """The same question with what a form answered; a password is never written back, and a file cannot be."""
        if self.kind in ("password", "files", "photo"):
            return self
        if self.kind in ("radio", "checks", "select"):
            return replace(self, chosen=tuple(values.getlist(self.name)))
        if self.kind == "datetime":
            return replace(self, day=values.get(f"{self.name}-jour", ""), time=values.get(f"{self.name}-heure", ""))
        return replace(self, value=values.get(self.name, ""))

    def started(self, value: Any) -> Field:
        """The same question with a known value proposed."""
        if value is None or value == "":
            return self
        if self.kind == "datetime" and isinstance(value, datetime):
            shown = value.astimezone(PARIS)
            return replace(self, day=shown.date().isoformat(), time=shown.strftime("%H:%M"))
        if self.kind == "euros":
            return replace(self, value=f"{value / 100:.2f}".replace(".", ","))
        if self.kind in ("radio", "checks", "select"):
            value = str(value).lower() if isinstance(value, bool) else value
            return replace(self, chosen=tuple(value) if isinstance(value, list | tuple) else (str(value),))
        return replace(self, value=str(value).lower() if isinstance(value, bool) else str(value))


def yes_no(name: str, label: str, *, required: bool = False, hint: str = "") -> Field:
    """A yes or no question, with nothing chosen."""
    return Field(name, label, "radio", required, hint, (Choice("true", "Oui"), Choice("false", "Non")), inline=True)


def redisplay(fields: Iterable[Field], rejected: Rejected | None) -> list[Field]:
    """The fields as they are shown: as written by the user when a form came back, with each error at its place."""
    if rejected is None:
        return list(fields)
    fields = list(fields)
    errors, shown = errors_by_field(rejected, {field.name for field in fields}), []
    for field in fields:
        again = field.filled(rejected.values)
        doubled = errors.get(field.name) == explain("local-time-doubled")
        shown.append(replace(again, error=errors.get(field.name, ""), doubled=doubled))
    return shown


def redisplay_at(view: View, path: str, fields: Iterable[Field]) -> list[Field]:
    """The fields of one form among several of a page: as written when it is the one that came back, else as they are proposed.

    Of a form that a sign-in interrupted it is not known where it was sent: it is the one that asks everything that was answered.
    """
    fields, rejected = list(fields), view.rejected
    ours = view.request.url.path == path
    if rejected and view.resumed:
        ours = rejected.values.keys() <= {field.name for field in fields}
    return redisplay(fields, rejected if ours else None)


def errors_by_field(rejected: Rejected, names: Container[str]) -> dict[str, str]:
    """Sentence of the first error of each field of this form, by the field's name."""
    found: dict[str, str] = {}
    for issue in rejected.issues:
        found.setdefault(_field_in(names, issue), explain(issue.reason))
    return found


def _field_in(names: Container[str], issue: Issue) -> str:
    """The field of this form that an issue is about, by its path before its reason; where no comment is asked, the reason is the sentence."""
    if issue.expression in names:
        return issue.expression
    name = field_name(issue)
    return "reason" if name == "comment" and name not in names else name


_FIELD_OF_REASON = {
    "reason-missing": "reason",
    "unknown-reason": "reason",
    "capacity-is-not-refusal": "reason",
    "comment-missing": "comment",
    "comment-too-short": "comment",
    "text-too-short": "text",
    "letter-missing": "text",
    "unknown-recommendation": "recommendation",
    "date-missing": "due",
    "slot-missing": "slot",
    "target-missing": "service",
    "target-closed": "service",
    "side-missing": "side",
    "no-item": "items",
    "record-not-reviewed": "record-reviewed",
    "no-contact": "contacts",
    "identity-unconfirmed": "identity-confirmed",
    "patient-not-informed": "patient-informed",
    "duplicate-open": "duplicate-reason",
    "priority-unchanged": "priority",
    "already-booked": "slot",
    "bad-recurrence": "days",
    "no-slot-fits": "ends",
    "bad-slot-length": "slot-minutes",
    "bad-buffer": "buffer-before",
    "bad-reservation": "reserved-asap",
    "quota-above-slots": "reserved-asap",
    "room-elsewhere": "room",
    "other-specialty": "practitioner-role",
    "period-ends-before-start": "valid-to",
    "bad-exception": "kind",
    "not-an-occurrence": "day",
    "session-published": "day",
    "bad-period": "end",
    "too-early": "reason",
    "too-few-traits": "ins",
}
_NAMED = re.compile(r"where\((?:name|linkId)='([^']+)'\)")

_ROW = re.compile(r"\)\[(\d+)\]")


def _plural(name: str) -> str:
    """The parameter that holds the rows: `recommendation` and `followUp` become `recommendations` and `follow-ups`."""
    plain = "".join(f"-{char.lower()}" if char.isupper() else char for char in name).replace("_", "-")
    return plain if plain.endswith("s") else f"{plain}s"


def field_name(issue: Issue) -> str:
    """The field that an issue is about, by the item or parameter that its path names, else by what its reason is always about."""
    if issue.reason.startswith("item-missing:"):
        return issue.reason.partition(":")[2]
    named = _NAMED.findall(issue.expression)
    row = _ROW.search(issue.expression)
    if row and len(named) > 1:
        return f"{_plural(named[0])}-{int(row[1]) + 1}-{named[-1]}"
    if named:
        return str(named[-1]).replace("_", "-")
    return _FIELD_OF_REASON.get(issue.reason, issue.expression.rpartition(".")[2])


def summary(rejected: Rejected | None, fields: Sequence[Field]) -> list[tuple[str, str]]:
    """The lines of the error summary: anchor of the field, and its label with what to do."""
    if rejected is None:
        return []
    labels = {field.name: field for field in fields}
    lines: list[tuple[str, str]] = []
    for issue in rejected.issues:
        field = labels.get(_field_in(labels, issue))
        if field is None:
            lines.append(("", explain(issue.reason)))
        else:
            lines.append((anchor(field), f"{_told_apart(field, fields)} : {explain(issue.reason)}"))
    return list(dict.fromkeys(lines))


def _told_apart(field: Field, fields: Sequence[Field]) -> str:
    """What the summary calls a field: its label, after the title of its row where other rows ask the same."""
    several = field.row and any(one.label == field.label and one.row != field.row for one in fields)
    return f"{field.row}, {field.label}" if several else field.label


def anchor(field: Field) -> str:
    """The id of the control that a link of the summary leads to."""
    if field.kind in ("radio", "checks"):
        return f"{field.id}-1"
    return f"{field.id}-jour" if field.kind == "datetime" else field.id


_ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})", re.ASCII)
_FRENCH_DAY = re.compile(r"(?P<day>\d{1,2})[/. ](?P<month>\d{1,2})[/. ](?P<year>\d{4})", re.ASCII)


def read_day(text: str) -> date | str:
    """The one way in which pages read a date that somebody wrote, `2026-03-12` from a date field or `12/03/2026` by hand: the day, or
    the reason why it is none."""
    written = _ISO_DAY.fullmatch(text) or _FRENCH_DAY.fullmatch(text)
    try:
        found = date(int(written["year"]), int(written["month"]), int(written["day"])) if written else None
    except ValueError:
        found = None
    if found is None:
        return "bad-date"
    return found if EARLIEST <= found < LATEST else "date-out-of-range"


def day_of_address(text: str) -> date | None:
    """The day that an address names; None for anything else, as nobody typed it."""
    found = read_day(text)
    return None if isinstance(found, str) else found


class Reader:
    """Reads the answers of fields and collects what is wrong; `done()` raises once, with all of it."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.issues: list[Issue] = []

    def fail(self, name: str, reason: str) -> None:
        """Note an error at a field."""
        self.issues.append(Issue("error", Invalid.issue_type, reason, name))

    def read(self, field: Field) -> Any:
        """The answer in its Python type; None when nothing was answered."""
        readers: dict[str, Callable[[Field], Any]] = {
            "checks": self._many,
            "datetime": self._datetime,
            "date": self._date,
            "number": self._number,
            "checkbox": self._tick,
        }
        readers |= {"time": self._time, "euros": self._euros}
        value = readers.get(field.kind, self._text)(field)
        if field.required and value in (None, "", []) and not any(issue.expression == field.name for issue in self.issues):
            self.fail(field.name, "required-choice" if field.choices else "required")
        return value

    def done(self) -> None:
        """Raise `Invalid` with every error found."""
        if self.issues:
            raise Invalid(*self.issues)

    def _text(self, field: Field) -> str | None:
        text = self.values.get(field.name, "").strip()
        if (field.choices or field.kind == "select") and text and text not in {choice.value for choice in field.choices}:
            self.fail(field.name, "unknown-choice")
        if text and len(text) < field.minlength:
            self.fail(field.name, f"too-short:{field.minlength}")
        if field.maxlength and len(text) > field.maxlength:
            self.fail(field.name, f"too-long:{field.maxlength}")
        return text or None

    def _tick(self, field: Field) -> bool | None:
        return True if self.values.get(field.name) == "true" else None

    def _many(self, field: Field) -> list[str]:
        chosen = [text for text in self.values.getlist(field.name) if text]
        if field.choices and not set(chosen) <= {choice.value for choice in field.choices}:
            self.fail(field.name, "unknown-choice")
        return chosen

    def _number(self, field: Field) -> int | None:
        text = self.values.get(field.name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 10):
            self.fail(field.name, "bad-number")
            return None
        return int(text) if text else None

    def _date(self, field: Field) -> date | None:
        return self._day(field.name, self.values.get(field.name, "").strip())

    def _day(self, name: str, text: str) -> date | None:
        found = read_day(text) if text else None
        if isinstance(found, str):
            self.fail(name, found)
            return None
        return found

    def _euros(self, field: Field) -> int | None:
        """An amount in cents: `1 250,50`."""
        text = re.sub(r"[\s€]", "", self.values.get(field.name, "")).replace(",", ".")
        if text and not re.fullmatch(r"\d{1,7}(\.\d{1,2})?", text):
            self.fail(field.name, "bad-amount")
            return None
        return int(Decimal(text) * 100) if text else None

    def _time(self, field: Field) -> time | None:
        text = self.values.get(field.name, "").strip()
        try:
            return time.fromisoformat(text).replace(tzinfo=None) if text else None
        except ValueError:
            self.fail(field.name, "bad-time")
            return None

    def _datetime(self, field: Field) -> datetime | None:
        day = self._day(field.name, self.values.get(f"{field.name}-jour", "").strip())
        text = self.values.get(f"{field.name}-heure", "").strip()
        if day is None:
            return None
        try:
            at = time.fromisoformat(text)
            fold = self.values.get(f"{field.name}-fold", "")
            return wall_to_utc(day, at.replace(tzinfo=None), int(fold) if fold in ("0", "1") else None)
        except ValueError:
            self.fail(field.name, "bad-time")
        except Invalid as error:
            self.fail(field.name, error.reason)
        return None
