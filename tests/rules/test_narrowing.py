"""What the scopes of a token leave of what its bearer may see: a query, one patient, or everything as soon as one scope is whole."""

from __future__ import annotations

import pytest

from maillage.access.narrowing import allows, bounds, enforceable, narrowed, unreadable_scopes
from maillage.access.scopes import LONGEST, read_scope
from maillage.kernel.actor import Actor
from maillage.store import Params


class Seen:
    """A predicate that can be recognised."""

    def sql(self, alias: str, params: Params) -> str:
        return f"{alias}.seen = {params.add('first')}"


SEEN = Seen()


def bearer(*scopes: str, patient: str = "") -> Actor:
    return Actor("client", "c", ("org",), scopes=scopes, patient=patient)


def demanded(actor: Actor, kind: str, letters: str = "rs") -> tuple[str, list[object]]:
    params = Params()
    return narrowed(actor, kind, SEEN, letters).sql("t", params), list(params)


@pytest.mark.parametrize(
    ("actor", "kind", "letters"),
    [
        (bearer(), "Task", "rs"),
        (bearer("system/Task.rs"), "Task", "rs"),
        (bearer("system/Task.rs?status=ready", "system/*.s"), "Task", "rs"),
        (bearer("system/Task.r?status=ready"), "Task", "cu"),
        (bearer("system/Task.r?status=ready"), "Patient", "rs"),
        (bearer("patient/Task.rs"), "Task", "rs"),
        (bearer("patient/Organization.rs", patient="p"), "Organization", "rs"),
    ],
)
def test_nothing_is_narrowed_where_one_scope_is_whole_or_none_grants(actor: Actor, kind: str, letters: str) -> None:
    assert narrowed(actor, kind, SEEN, letters) is SEEN
    assert bounds(actor, kind, letters) is None


def test_a_query_is_added_to_what_is_seen() -> None:
    sql, values = demanded(bearer("system/Task.rs?status=ready"), "Task")
    assert sql.startswith("((t.seen = $1) AND ")
    assert "narrow.id = t.id" in sql
    assert "t.patient_id" not in sql
    assert values[0] == "first"
    assert "ready" in str(values[1:])


def test_two_queries_are_two_ways_in() -> None:
    sql, values = demanded(bearer("system/Task.rs?status=ready", "system/Task.r?status=failed"), "Task")
    assert sql.count("narrow.id = t.id") == 2
    assert " OR " in sql
    assert "ready" in str(values)
    assert "failed" in str(values)


def test_a_scope_of_a_patient_is_about_that_patient_alone() -> None:
    sql, values = demanded(bearer("patient/Task.rs", patient="p-1"), "Task")
    assert sql == "((t.seen = $1) AND (t.patient_id = $2))"
    assert values == ["first", "p-1"]
    sql, values = demanded(bearer("patient/Task.rs?status=ready", patient="p-1"), "Task")
    assert "t.patient_id = $2 AND EXISTS" in sql
    assert values[:2] == ["first", "p-1"]


def test_what_is_written_keeps_to_the_scope_that_grants_the_letter() -> None:
    actor = bearer("system/Task.r", "system/Task.u?status=ready")
    assert bounds(actor, "Task", "r") is None
    bound = bounds(actor, "Task", "u")
    assert bound is not None
    assert bound.sql("t", Params()).startswith("((true) AND ")


@pytest.mark.parametrize(
    ("actor", "kind", "letters", "granted"),
    [
        (bearer("system/AuditEvent.r"), "AuditEvent", "r", True),
        (bearer("system/AuditEvent.r?action=R"), "AuditEvent", "r", False),
        (bearer("patient/AuditEvent.r", patient="p"), "AuditEvent", "r", False),
        (bearer("not a scope"), "AuditEvent", "r", False),
        (bearer("patient/Task.r", patient="p"), "Task", "r", True),
        (bearer("patient/Task.r"), "Task", "r", False),
        (bearer("system/Task.r?status=ready"), "Task", "cr", True),
        (bearer("system/Task.r"), "Task", "cu", False),
        (bearer(), "Task", "cruds", False),
    ],
)
def test_a_type_that_no_query_reaches_is_opened_by_a_plain_scope_alone(actor: Actor, kind: str, letters: str, granted: bool) -> None:
    assert allows(actor, kind, letters) is granted


@pytest.mark.parametrize(
    "scope",
    [
        "nonsense",
        "system/Task.r?patient.name=x",
        "system/Task.r?made-up=x",
        "patient/Task.r",
        "system/*.r?status=ready",
        "system/AuditEvent.r?a=b",
    ],
)
def test_a_scope_that_cannot_be_held_everywhere_is_not_given(scope: str) -> None:
    assert unreadable_scopes(["system/Task.r", scope, "user/Task.r?status=ready"]) == (scope,)


def test_who_gives_scopes_says_in_which_contexts() -> None:
    assert unreadable_scopes(["patient/Task.r", "user/Task.r"], ("patient",)) == ("user/Task.r",)


@pytest.mark.parametrize(("text", "held"), [("system/*.r?_tag=urn:x|y", True), ("system/*.r", True), ("system/*.r?status=x", False)])
def test_a_query_on_every_type_is_one_that_every_type_knows(text: str, held: bool) -> None:
    scope = read_scope(text)
    assert scope is not None
    assert enforceable(scope) is held


# --- how scopes are written ---------------------------------------------------------
@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("system/Task.read", "system/Task.rs"),
        ("system/Task.write", "system/Task.cud"),
        ("user/*.*", "user/*.cruds"),
        ("system/Observation.rs?category=http://x/y|lab,z", "system/Observation.rs?category=http://x/y|lab,z"),
        ("system/Task.r?status:not=draft&priority=urgent", "system/Task.r?status:not=draft&priority=urgent"),
        ("system/Task.r?code=%26", "system/Task.r?code=%26"),
    ],
)
def test_a_scope_is_written_as_it_is_read(read: str, written: str) -> None:
    assert str(read_scope(read)) == written


def test_what_is_no_query_makes_no_scope() -> None:
    assert read_scope("system/Task.r?status") is None


def test_a_scope_has_a_length_that_a_person_can_read() -> None:
    start = "system/Task.r?code="
    assert read_scope(start + "x" * (500 - len(start))) is not None
    assert read_scope(start + "x" * (501 - len(start))) is None
    assert LONGEST == 500
