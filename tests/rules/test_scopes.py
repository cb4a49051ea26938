"""SMART system scopes: what each grants."""

from __future__ import annotations

import pytest

from maillage.access import scope_allows, unreadable_scopes

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
    "scope", ["system/*.cruds", "system/Task.r", "user/Patient.rs", "system/*.*", "system/Task.read", "system/Task.write"]
)
def test_a_scope_that_grants_something_is_readable(scope: str) -> None:
    assert unreadable_scopes([scope]) == ()


@pytest.mark.parametrize(
    "scope",
    [
        *("bogus", "", "openid", "patient/Task.r", "system/Task", "system/.r", "system/task.r", "system/Tsk.rs", "system/Task.sr"),
        *("system/Task.", "system/Task.x", "system/Task.rx", "system/Task.r?status=received"),
    ],
)
def test_a_scope_that_would_grant_nothing_or_more_than_it_says_is_not(scope: str) -> None:
    assert unreadable_scopes(["system/*.rs", scope]) == (scope,)
