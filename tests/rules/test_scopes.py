"""SMART system scopes: what each grants."""

from __future__ import annotations

import pytest

from maillage.access import allows, scope_allows, unreadable_scopes
from maillage.access.scopes import narrow, read_scope
from maillage.kernel.actor import Actor

LETTERS = "cruds"
GRANTS = [
    ("system/*.cruds", "Task", "cruds"),
    ("system/*.rs", "Task", "rs"),
    ("system/Task.cru", "Task", "cru"),
    ("system/Task.cru", "Patient", ""),
    ("system/Task.r", "Task", "r"),
    ("system/Task.r?status=received", "Task", "r"),
    ("user/Task.s", "Task", "s"),
    # As the first version of the specification wrote them.
    ("system/*.read", "Task", "rs"),
    ("system/Task.write", "Task", "cud"),
    ("system/*.*", "Task", "cruds"),
    # A patient's own scope, a launch scope, and what is no scope grant nothing.
    ("patient/Task.r", "Task", ""),
    ("launch/patient", "Task", ""),
    ("openid", "Task", ""),
    ("system/Task", "Task", ""),
    ("system/.r", "Task", ""),
    ("system/task.r", "Task", ""),
    ("", "Task", ""),
]


@pytest.mark.parametrize(("scope", "kind", "granted"), GRANTS)
def test_a_scope_grants_these_letters_on_this_type_and_no_other(scope: str, kind: str, granted: str) -> None:
    assert "".join(letter for letter in LETTERS if scope_allows([scope], kind, letter)) == granted


def test_scopes_add_up() -> None:
    scopes = ["system/Task.r", "system/Patient.s"]
    assert scope_allows(scopes, "Patient", "s")
    assert not scope_allows(scopes, "Patient", "r")


def test_no_scope_grants_nothing() -> None:
    assert not any(scope_allows([], "Task", letter) for letter in LETTERS)


@pytest.mark.parametrize(
    "scope",
    [
        *("system/*.cruds", "system/Task.r", "user/Patient.rs", "system/*.*", "system/Task.read", "system/Task.write"),
        *(
            "system/Task.r?status=received",
            "system/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        ),
        *(
            "system/*.rs?_tag=urn:x|y",
            "system/Task.r?status:not=draft&priority=urgent",
            "system/Observation.rs?code=ap",
            "system/Task.cud?status=draft",
        ),
    ],
)
def test_a_scope_that_grants_something_is_readable(scope: str) -> None:
    assert unreadable_scopes([scope]) == ()


@pytest.mark.parametrize(
    "scope",
    [
        *("bogus", "", "openid", "patient/Task.r", "system/Task", "system/.r", "system/task.r", "system/Tsk.rs", "system/Task.sr"),
        *("system/Task.", "system/Task.x", "system/Task.rx", "system/Task.r?", "system/Task.r?status"),
        # A query that could not be enforced on every path, or whose meaning could move.
        *(
            "system/Task.r?status=",
            "system/Task.r?nothing=1",
            "system/Task.r?patient.family=x",
            "system/Task.r?_has:Provenance:target:agent=x",
        ),
        *("system/Task.r?status:in=http://x", "system/Task.r?status:below=x", "system/Task.r?authored-on=ap2026", "system/Task.r?_count=1"),
        *("system/Task.r?_include=Task:focus", "system/Task.r?_sort=status", "system/*.rs?status=final", "system/AuditEvent.r?date=2026"),
        *("system/Task.r?status=a%ff", "system/Task.r?status=a b", f"system/Task.r?status={'x' * 500}"),
    ],
)
def test_a_scope_that_would_grant_nothing_or_more_than_it_says_is_not(scope: str) -> None:
    assert unreadable_scopes(["system/*.rs", scope]) == (scope,)


@pytest.mark.parametrize(
    ("asked", "granted", "left"),
    [
        ("system/*.rs", ["system/Task.cruds", "system/Patient.r"], ["system/Task.rs", "system/Patient.r"]),
        ("system/Task.cruds", ["system/*.rs?_tag=a"], ["system/Task.rs?_tag=a"]),
        ("system/Task.r?status=draft", ["system/Task.r?status=draft"], ["system/Task.r?status=draft"]),
        ("system/Task.r?status=draft", ["system/Task.r?priority=asap"], ["system/Task.r?priority=asap&status=draft"]),
        ("user/Task.r", ["system/*.cruds"], []),
        ("system/Task.c", ["system/Task.rs"], []),
        ("system/Task.r", ["system/Patient.r"], []),
    ],
)
def test_class_31_what_is_left_of_a_scope_is_never_more_than_either(asked: str, granted: list[str], left: list[str]) -> None:
    wanted, rights = read_scope(asked), [read_scope(text) for text in granted]
    assert wanted
    assert [str(one) for one in narrow(wanted, [right for right in rights if right])] == left
    assert all(read_scope(text) for text in left)


def test_a_scope_of_one_patient_needs_the_patient() -> None:
    app = Actor("person", "p", ("org-a",), scopes=("patient/Task.rs",))
    assert not allows(app, "Task", "rs")
    assert allows(Actor("person", "p", ("org-a",), scopes=("patient/Task.rs",), patient="1"), "Task", "r")


@pytest.mark.parametrize("scope", ["system/*.rs?_tag=a", "patient/*.rs"])
def test_no_query_reaches_the_audit_trail_so_a_narrowed_scope_does_not_open_it(scope: str) -> None:
    actor = Actor("client", "c", ("org-a",), scopes=(scope,), patient="1")
    assert not allows(actor, "AuditEvent", "rs")
    assert allows(actor, "Task", "rs")
